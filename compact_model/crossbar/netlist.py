"""A crossbar as a SPICE netlist, for whoever wants to see it solved by something else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from compact_model.crossbar.terminals import Terminals
from compact_model.crossbar.wires import Wires


def crossbar_netlist(
    wires: Wires,
    shape: tuple[int, int],
    device: list[list[str]],
    word_V: ArrayLike,
    bit_V: ArrayLike = 0.0,
    *,
    options: str = "reltol=1e-10 abstol=1e-18 vntol=1e-15 gmin=1e-20",
) -> str:
    """Return a netlist that prints every bit terminal current, as i(vbottom_<column>).

    device : for each cell a text with {w} and {b} for its nodes and {n} for its name, such as "R{n} {w} {b} 1e4";
    empty where there is none.  word_V, bit_V : terminal voltages (rows,), (columns,) [V]; wires of 0 ohm become sources of 0 V.
    """
    rows, columns = shape
    full = wires.of(rows, columns)
    ends = Terminals.of(shape, word_V, bit_V)
    out = [f"crossbar {rows} x {columns}", f".options {options}"]
    for side, volts in zip(("left", "right", "top", "bottom"), ends, strict=True):
        out += [f"V{side}_{k} {side}_{k} 0 {float(v)!r}" for k, v in enumerate(volts[0])]
    out += [line for name, a, b, ohm in _segments(full, rows, columns) if (line := _wire(name, a, b, ohm))]
    cells = [(i, j) for i in range(rows) for j in range(columns) if device[i][j]]
    out += [device[i][j].format(w=f"w{i}_{j}", b=f"b{i}_{j}", n=f"{i}_{j}") for i, j in cells]
    shown = " ".join(f"i(vbottom_{j})" for j in range(columns))
    out += [".control", "set numdgt=15", "op", f"print {shown}", "quit 0", ".endc", ".end", ""]
    return "\n".join(out)


def _wire(name: str, a: str, b: str, ohm: float) -> str:
    if ohm == 0:
        return f"Vw{name} {a} {b} 0"
    return f"Rw{name} {a} {b} {float(ohm)!r}" if np.isfinite(ohm) else ""


def _segments(wires: Wires, rows: int, columns: int) -> Iterator[tuple[str, str, str, float]]:
    """Every piece of wire as (name, node, node, ohm)."""
    word, bit, left, right, top, bottom = (
        np.asarray(a)
        for a in (wires.word_ohm, wires.bit_ohm, wires.left_ohm, wires.right_ohm, wires.top_ohm, wires.bottom_ohm)
    )
    for i in range(rows):
        yield f"l{i}", f"left_{i}", f"w{i}_0", left[i]
        yield f"r{i}", f"w{i}_{columns - 1}", f"right_{i}", right[i]
        for j in range(columns - 1):
            yield f"w{i}_{j}", f"w{i}_{j}", f"w{i}_{j + 1}", word[i, j]
    for j in range(columns):
        yield f"t{j}", f"top_{j}", f"b0_{j}", top[j]
        yield f"d{j}", f"b{rows - 1}_{j}", f"bottom_{j}", bottom[j]
        for i in range(rows - 1):
            yield f"b{i}_{j}", f"b{i}_{j}", f"b{i + 1}_{j}", bit[i, j]
