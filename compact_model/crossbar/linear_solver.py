"""Solve one linear network for many inputs: in blocks, over threads, by the faster of two ways."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compact_model.crossbar.relaxation import NO_SOURCE, Drive, Relaxation, relative_error, terminal_currents
from compact_model.crossbar.solution import Solution
from compact_model.crossbar.terminals import Terminals
from compact_model.crossbar.wires import Wires
from ground.errors import InputError, NotConverged

if TYPE_CHECKING:
    from compact_model.crossbar.direct import Nodal

Floats = NDArray[np.float64]
_WORKSPACE_BYTES = 256 * 2**20  # of all threads together
# Seconds measured on one core of 2.5 GHz, used for nothing but the choice between two ways that give the same answer:
_SWEEP_S = 1.5e-8  # per cell and sweep of one block of inputs
_FACTOR_S = 2e-8  # per cell^1.5 of a factorisation
_BACK_S = 3.5e-8  # per cell, input and ln(cells) of the back substitutions, refinement and bound included
_MOST_DIRECT = 500_000  # cells of which the factors still fit into a few GB


class Block(NamedTuple):
    """One block of inputs, lanes last. found : what `balance` returns, then word and bit voltages where asked for."""

    found: tuple[Floats, ...]
    error: Floats
    sweeps: NDArray[np.int64]

    def unsure(self, rtol: float, resolution_A: Floats) -> NDArray[np.bool_]:
        """Lanes that are not certified, although both sides carry more current than rounding makes up."""
        left, right, top, bottom = self.found[:4]
        least = np.minimum(np.abs(left + right).max(axis=0), np.abs(top + bottom).max(axis=0))
        return np.asarray((self.error > rtol) & (least > resolution_A))


@dataclass(frozen=True, eq=False)
class LinearSolver:
    """wires : spelt out (Wires.of).  to_bit, to_word : see Network.

    source : current of each device at 0 V [A], empty where there is none.
    """

    wires: Wires
    to_bit: Floats
    to_word: Floats
    source: Floats = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        for name in ("to_bit", "to_word", "source"):  # one memory layout, so that the kernels are compiled once
            given = getattr(self, name)
            array = np.ascontiguousarray(given)
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @cached_property
    def nodal(self) -> Nodal:
        from compact_model.crossbar.direct import Nodal  # with scipy.sparse: 60 MB that a relaxation does not need

        return Nodal.of(self.wires, self.to_bit, self.to_word)

    @cached_property
    def loose(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
        """Which (word, bit) nodes nothing fixes; None where every line ends in a terminal and is whole."""
        w = self.wires
        whole = np.isfinite(w.word_ohm).all() and np.isfinite(w.bit_ohm).all()
        ended = np.isfinite(np.minimum(w.left_ohm, w.right_ohm)).all()
        if whole and ended and np.isfinite(np.minimum(w.top_ohm, w.bottom_ohm)).all():
            return None
        loose = self.nodal.floating()
        return loose if loose[0].any() or loose[1].any() else None

    @cached_property
    def relaxation(self) -> Relaxation:
        if self.loose is None:
            return Relaxation.of(self.wires, self.to_bit, self.to_word)
        connected = ~(self.loose[0] | self.loose[1])  # no current flows elsewhere
        return Relaxation.of(self.wires, self.to_bit * connected, self.to_word * connected)

    def solve(
        self,
        terminals: Terminals,
        *,
        rtol: float,
        method: str = "auto",
        voltages: bool = False,
        threads: int | None = None,
    ) -> Solution:
        """See Crossbar.solve."""
        if method not in ("auto", "relaxation", "direct"):
            raise InputError(f"method={method!r} is not allowed: expected 'auto', 'relaxation' or 'direct'.")
        if not 1e-14 <= rtol <= 0.1:
            raise InputError(f"rtol={rtol!r} is not allowed: expected 1e-14..0.1.")
        if threads is not None and (isinstance(threads, bool) or threads < 1):
            raise InputError(f"threads={threads!r} is not allowed: expected 1 or more.")
        direct = method == "direct" or (method == "auto" and self._direct_is_faster(terminals.inputs, rtol))
        if not direct:
            blocks = self._gather(
                terminals, rtol, voltages, self._thread_count(threads), direct=False, give_up=method == "auto"
            )
            if blocks is not None:
                return self._solution(blocks, terminals, rtol, "relaxation")
        blocks = self._gather(terminals, rtol, voltages, 1, direct=True, give_up=False)
        assert blocks is not None
        return self._solution(blocks, terminals, rtol, "direct")

    def _direct_is_faster(self, inputs: int, rtol: float) -> bool:
        cells = float(self.to_bit.size)
        relaxed = self.relaxation.sweeps_for(rtol) * _SWEEP_S * cells * -(-inputs // 8)
        factorised = _FACTOR_S * cells**1.5 + _BACK_S * cells * inputs * np.log(cells + 1.0)
        return relaxed > factorised and (cells <= _MOST_DIRECT or self.relaxation.q >= 1.0)

    def _thread_count(self, threads: int | None) -> int:
        from compact_model.crossbar.lanes import LANES

        at_hand = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        each = 2 * 8 * LANES * self.to_bit.size  # b and folded
        return max(1, min(threads or at_hand, _WORKSPACE_BYTES // each))

    def _gather(
        self, terminals: Terminals, rtol: float, voltages: bool, threads: int, *, direct: bool, give_up: bool
    ) -> list[Block] | None:
        """Return all blocks, or None as soon as one is not certified and give_up is set."""
        from compact_model.crossbar.lanes import LANES

        _ = self.nodal.factor if direct else self.relaxation  # made once, before the threads ask for it
        stop = Event()

        def one(start: int) -> Block | None:
            if stop.is_set():
                return None
            ends = terminals.block(start, LANES)
            block = self._direct_block(ends, voltages) if direct else self._relaxed_block(ends, rtol, voltages)
            if give_up and block.unsure(rtol, self._resolution_A(ends))[: terminals.inputs - start].any():
                stop.set()
            return block

        starts = range(0, terminals.inputs, LANES)
        if threads > 1 and len(starts) > 1:
            with ThreadPoolExecutor(threads) as pool:
                blocks = list(pool.map(one, starts))
        else:
            blocks = [one(s) for s in starts]
        return None if stop.is_set() else [b for b in blocks if b is not None]

    def _relaxed_block(self, ends: tuple[Floats, ...], rtol: float, voltages: bool) -> Block:
        drive = Drive.of(self.to_bit.shape, ends, self.source)
        return Block(*self.relaxation.solve_block(drive, rtol, voltages))

    def _direct_block(self, ends: tuple[Floats, ...], voltages: bool) -> Block:
        rows, columns = self.to_bit.shape
        word, bit, far_word, far_bit = self.nodal.solve(ends, self.source)
        law = (self.to_bit, self.to_word, self.source)
        drive = Drive.of((rows, columns), ends, self.source, word=word, bit=bit)
        found = terminal_currents(self.wires, law, drive)
        quiet = tuple(np.zeros_like(e) for e in ends)
        reach = terminal_currents(
            self.wires,
            (self.to_bit, self.to_word, NO_SOURCE),
            Drive.of((rows, columns), quiet, word=far_word, bit=far_bit),
        )
        bounds = [np.abs(reach[a]).max(axis=0) + np.abs(reach[a + 1]).max(axis=0) for a in (0, 2)]
        error = relative_error(bounds, found)
        return Block((*found, word, bit) if voltages else found, error, np.zeros(error.size, np.int64))

    def _solution(self, blocks: list[Block], terminals: Terminals, rtol: float, how: str) -> Solution:
        n = terminals.inputs
        left, right, top, bottom, device, wire, kcl = (
            np.concatenate([np.moveaxis(b.found[k], -1, 0) for b in blocks])[:n] for k in range(7)
        )
        voltages = [
            self._cells([b.found[7 + side] for b in blocks], side, n) for side in range(len(blocks[0].found) - 7)
        ]
        error = np.concatenate([b.error for b in blocks])[:n]
        source = (terminals.left * left + terminals.right * right).sum(axis=1)
        source -= (terminals.top * top + terminals.bottom * bottom).sum(axis=1)
        solution = Solution(
            left, right, top, bottom, source, device, wire, kcl, error, how,
            np.concatenate([b.sweeps for b in blocks])[:n],
            self.relaxation.q if how == "relaxation" else np.nan,
            None,
            *voltages,
        )  # fmt: skip
        unsure = np.concatenate(
            [
                b.unsure(rtol, self._resolution_A(terminals.block(k * b.error.size, b.error.size)))
                for k, b in enumerate(blocks)
            ]
        )[:n]
        if unsure.any():
            worst = int(np.argmax(np.where(unsure, error, 0.0)))
            raise NotConverged(
                f"input {worst}: the error of the currents is only known to be below {error[worst]:.1e} of the largest one; "
                f"rtol={rtol:g} was asked for ({how}). Allow a larger rtol.",
                last_good=solution,
            )
        return solution

    def _resolution_A(self, ends: tuple[Floats, ...]) -> Floats:
        """A side with less current than this [A], (lanes,), carries none: rounded voltages over the shortest wire."""
        volts = np.max([np.abs(side).max(axis=0) for side in ends], axis=0)
        return np.asarray(1e4 * np.finfo(float).eps * volts / self._least_ohm)

    @cached_property
    def _least_ohm(self) -> float:
        ohm = np.concatenate([np.ravel(v) for v in vars(self.wires).values()])
        return float(ohm[ohm > 0].min(initial=1.0))

    def _cells(self, parts: list[Floats], side: int, inputs: int) -> Floats:
        out = np.concatenate([np.moveaxis(p, -1, 0) for p in parts])[:inputs]
        if self.loose is not None:
            out[:, self.loose[side]] = np.nan
        return out
