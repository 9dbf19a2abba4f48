"""An order of elimination that keeps the factors of a crossbar small: nested dissection that knows the two layers of lines.

A column of word nodes parts a crossbar in two: word lines cross it there, and bit lines never leave their column. A row of
bit nodes does so too. A cut therefore takes one node per line, half of what it takes in a plane of as many nodes, and
general orders do not see that. Source of the method: George, SIAM J. Numer. Anal. 10, 345 (1973).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Nodes = NDArray[np.int64]
_LEAF = 16  # nodes that are not parted any more; their order changes little


@lru_cache(maxsize=4)
def dissection(rows: int, columns: int) -> Nodes:
    """Return the order of all nodes, (2 rows columns,): word nodes are numbered row by row, bit nodes follow likewise."""
    word = np.arange(rows * columns).reshape(rows, columns)
    pieces: list[Nodes] = []
    _part(word, word + rows * columns, pieces)
    order = np.concatenate(pieces)
    order.flags.writeable = False
    return order


def _part(word: Nodes, bit: Nodes, pieces: list[Nodes]) -> None:
    """Add the nodes of both sides of a cut, then those of the cut.

    word, bit : rectangles of the same crossbar, either one row of word nodes or one column of bit nodes larger than the
    other where an earlier cut took these.
    """
    if word.size + bit.size <= _LEAF:
        pieces += [word.ravel(), bit.ravel()]
    elif not bit.size or (word.size and len(word) <= bit.shape[1]):
        j = word.shape[1] // 2  # bit lines up to this one hang on the cut or lie before it
        _part(word[:, :j], bit[:, : j + 1], pieces)
        _part(word[:, j + 1 :], bit[:, j + 1 :], pieces)
        pieces.append(word[:, j])
    else:
        i = len(bit) // 2
        _part(word[: i + 1], bit[:i], pieces)
        _part(word[i + 1 :], bit[i + 1 :], pieces)
        pieces.append(bit[i])
