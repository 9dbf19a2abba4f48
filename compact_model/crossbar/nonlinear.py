"""A crossbar of non-linear devices: Newton with the exact Jacobian, each step a linear crossbar."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.crossbar.chains import check_shorts
from compact_model.crossbar.laws import DeviceLaw, Point
from compact_model.crossbar.linear_solver import LinearSolver
from compact_model.crossbar.relaxation import Drive, terminal_currents
from compact_model.crossbar.solution import Solution
from compact_model.crossbar.terminals import Terminals
from compact_model.crossbar.wires import Wires
from ground.errors import InputError, NotConverged

Floats = NDArray[np.float64]
_STEPS = 60
_HALVINGS = 20


@dataclass(frozen=True, eq=False)
class NonlinearCrossbar:
    """Devices of a law (see `laws`) between word lines (rows, driven) and bit lines (columns, read)."""

    law: DeviceLaw
    wires: Wires = field(default_factory=Wires.uniform)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wires", self.wires.of(*self.law.shape))

    @property
    def shape(self) -> tuple[int, int]:
        return self.law.shape

    def solve(
        self,
        word_V: ArrayLike = 0.0,
        bit_V: ArrayLike = 0.0,
        *,
        right_V: ArrayLike | None = None,
        top_V: ArrayLike | None = None,
        rtol: float = 1e-8,
        voltages: bool = False,
        threads: int | None = None,
    ) -> Solution:
        """Solve for terminal voltages as in Crossbar.solve; `sweeps` of the result counts Newton steps.

        rtol : change of the terminal currents in the last step, relative to the largest of their side; Newton's error after
        that step is about its square.  Raises NotConverged, with the last state, where Newton does not get there.
        """
        if not 1e-12 <= rtol <= 0.1:
            raise InputError(f"rtol={rtol!r} is not allowed: expected 1e-12..0.1.")
        terminals = Terminals.of(self.shape, word_V, bit_V, right_V, top_V)
        check_shorts(self.wires, *terminals)
        singles = [Terminals(*(side[k : k + 1] for side in terminals)) for k in range(terminals.inputs)]
        with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
            parts = list(pool.map(lambda one: self._one(one, rtol), singles))
        if not voltages:
            parts = [replace(p, word_V=None, bit_V=None) for p in parts]
        return _joined(parts)

    def _one(self, ends: Terminals, rtol: float) -> Solution:
        """Newton for one input. The first step linearises at 0 V."""
        w, b = np.zeros(self.shape), np.zeros(self.shape)
        point = self.law.at(w, b)
        before: Solution | None = None
        missing = np.inf
        for step in range(1, _STEPS + 1):
            aim = self._linear_step(point, w, b, ends, rtol)
            if step == 1:  # the currents may miss each other by a few times what linear devices would carry
                missing = 10.0 * _size(aim)
            w, b, point, now = self._halved(w, b, aim, ends, missing)
            missing = float(now.kcl_A[0])
            if before is not None:
                change = _change(before, now)
                now = replace(now, relative_error=np.array([change]))
                if change <= rtol:
                    return replace(now, method="newton", sweeps=np.array([step]), word_V=w[None], bit_V=b[None])
            before = now
        raise NotConverged(
            f"Newton's method did not settle in {_STEPS} steps: the terminal currents still change by {change:.1e}. Likely "
            "cause: a law with a jump or a kink, or a derivative that is not that of its current.",
            last_good=replace(now, word_V=w[None], bit_V=b[None]),
        )

    def _linear_step(self, point: Point, w: Floats, b: Floats, ends: Terminals, rtol: float) -> Solution:
        source = point.current - point.by_word * w + point.by_bit * b
        solver = LinearSolver(self.wires, point.by_word, point.by_bit, source)
        return solver.solve(ends, rtol=max(0.1 * rtol, 1e-11), voltages=True, threads=1)

    def _halved(
        self, w: Floats, b: Floats, aim: Solution, ends: Terminals, missing: float
    ) -> tuple[Floats, Floats, Point, Solution]:
        """Go towards the linear solution, half as far as long as that leaves more current missing than before."""
        assert aim.word_V is not None and aim.bit_V is not None
        to_w, to_b = np.nan_to_num(aim.word_V[0]), np.nan_to_num(aim.bit_V[0])
        share, lost = 1.0, None
        found: tuple[Floats, Floats, Point, Solution] | None = None
        for _ in range(_HALVINGS):
            try_w, try_b = w + share * (to_w - w), b + share * (to_b - b)
            try:
                point = self.law.at(try_w, try_b)
            except NotConverged as error:
                share, lost = 0.5 * share, error
                continue
            balance = self._balance(point, try_w, try_b, ends)
            found = try_w, try_b, point, balance
            if balance.kcl_A[0] <= max(missing, 1e-12 * _size(balance)):
                break
            share *= 0.5
        if found is None:
            assert lost is not None
            raise lost
        return found

    def _balance(self, point: Point, w: Floats, b: Floats, ends: Terminals) -> Solution:
        from compact_model.crossbar.lanes import LANES

        nothing = np.zeros(self.shape)
        current = np.ascontiguousarray(point.current)
        for array in (nothing, current):
            array.flags.writeable = False  # as everywhere, so that the kernels are compiled once
        rows, columns = self.shape
        lanes = (np.repeat(v[..., None], LANES, axis=2) for v in (w, b))
        drive = Drive.of((rows, columns), ends.block(0, LANES), word=next(lanes), bit=next(lanes))
        found = terminal_currents(self.wires, (nothing, nothing, current), drive)
        left, right, top, bottom, device, wire, kcl = (f[..., :1].T for f in found)
        power = (ends.left * left + ends.right * right).sum(axis=1) - (ends.top * top + ends.bottom * bottom).sum(
            axis=1
        )
        one = np.zeros(1)
        return Solution(
            left, right, top, bottom, power, device, wire, kcl, one + np.inf, "newton", one.astype(np.int64), np.nan
        )  # fmt: skip


def _size(solution: Solution) -> float:
    """Largest current of any line [A]."""
    return max(float(np.abs(solution.word_A).max()), float(np.abs(solution.bit_A).max()))


def _change(before: Solution, now: Solution) -> float:
    """Largest change of a terminal current relative to the largest of its side."""
    worst = 0.0
    for name in ("word_A", "bit_A"):
        old, new = getattr(before, name), getattr(now, name)
        moved, size = float(np.abs(new - old).max()), float(np.abs(new).max())
        worst = max(worst, moved / size if size > 0 else (np.inf if moved > 0 else 0.0))
    return worst


def _joined(parts: list[Solution]) -> Solution:
    names = ("left_A", "right_A", "top_A", "bottom_A", "source_power_W", "device_power_W", "wire_power_W", "kcl_A")
    arrays = {n: np.concatenate([getattr(p, n) for p in parts]) for n in (*names, "relative_error", "sweeps")}
    for name in ("word_V", "bit_V"):
        if parts[0].word_V is not None:
            arrays[name] = np.concatenate([getattr(p, name) for p in parts])
    return replace(parts[0], **arrays)
