"""Reference columns: bit lines of mid-point devices in the same array, whose current is subtracted from their neighbours'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
OTHER = 2**40  # number of the first reference device less that of the first device of its array: nobody else's


@dataclass(frozen=True, eq=False)
class ReferenceColumns:
    """Where the columns of an array stand. weights, references : place of each.  of_weight : number of its reference.

    A reference stands in the middle of the columns it serves: word lines lose voltage along the way, so there it sees their mean.
    """

    weights: Places
    references: Places
    of_weight: Places

    @classmethod
    def among(cls, columns: int, every: int | None) -> Self:
        """columns : of weights.  every : one reference for this many of them; None for one in all."""
        step = min(every or columns, columns)
        of_weight = np.arange(columns) // step
        count = int(of_weight[-1]) + 1
        middle = np.array([(k * step + min((k + 1) * step, columns)) // 2 for k in range(count)])
        before = np.arange(count)
        weights = np.arange(columns) + np.searchsorted(middle, np.arange(columns), side="right")
        return cls(weights, middle + before, of_weight)

    @property
    def count(self) -> int:
        return self.references.size

    def join(self, weights: Floats, references: Floats) -> Floats:
        """Return the columns of the whole array from those of the weights (rows, columns) and the references (rows, count)."""
        out = np.empty((weights.shape[0], self.weights.size + self.count))
        out[:, self.weights], out[:, self.references] = weights, references
        return out

    def difference(self, values: Floats) -> Floats:
        """Return what the weights' columns have more than their references, from all columns (any, columns + count)."""
        return np.asarray(values[:, self.weights] - values[:, self.references[self.of_weight]])
