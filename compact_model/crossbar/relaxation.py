"""Line relaxation: sweeps mixed by Chebyshev's rule, and a certificate of the error that is left.

On the bit nodes one sweep multiplies the error by a matrix A without negative entries. So for any x > 0 its spectral radius
is at most the largest ratio (A x)/x (Collatz and Wielandt), and after a plain sweep the error is at most
q/(1 - q) x max |change|/x. A few sweeps without inputs, started from x = 1, give a sharp q and its x. q tells how many sweeps
are needed, and how to mix them: with the zeros of Chebyshev's polynomial on 0..q, in Leja's order so that nothing grows on
the way (Richardson's second method: Young, J. Math. Phys. 32, 243 (1953); order: Reichel, BIT 30, 332 (1990)).
How often a vector is swept does not depend on the other vectors of its block, so neither do its digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compact_model.crossbar.chains import Network
from compact_model.crossbar.wires import Wires

Floats = NDArray[np.float64]
_POWER_SWEEPS = 24  # at most, for the bound; fewer where another one would not save a sweep
_MARGIN = 0.001  # of the error asked for, at which the first round aims: a second round would cost more
_CYCLE = 128  # most mixing factors in one cycle; more sweeps repeat it
_LEAST = 1e-12  # reduction asked of one round: a side that carries no current has no relative error to reach
_CHECKS = 6  # rounds of sweeps before a vector is given up
NO_SOURCE: Floats = np.empty((0, 0))
NO_SOURCE.flags.writeable = False


class Drive(NamedTuple):
    """What a sweep works on. left, right (rows, LANES), top, bottom (columns, LANES): terminal voltages [V].

    source : current of each device at 0 V over both its ends (rows, columns) [A].
    b : voltages of the bit nodes (rows, columns * LANES).  folded : currents of the walk under way; after a last sweep the
    voltages of the word nodes.
    """

    left: Floats
    right: Floats
    top: Floats
    bottom: Floats
    source: Floats
    has_source: bool
    b: Floats
    folded: Floats

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        ends: tuple[Floats, ...],
        source: Floats = NO_SOURCE,
        *,
        word: Floats | None = None,
        bit: Floats | None = None,
    ) -> Drive:
        """word, bit : (rows, columns, LANES) voltages to begin with [V], 0 if None."""
        rows, columns = shape
        lanes = ends[0].shape[1]
        b, folded = np.zeros((rows, columns * lanes)), np.zeros((rows, columns * lanes))
        for mine, given in ((folded, word), (b, bit)):
            if given is not None:
                mine[:] = given.reshape(rows, columns * lanes)
        left, right, top, bottom = ends
        return cls(left, right, top, bottom, source, source.size > 0, b, folded)


@dataclass(frozen=True, eq=False)
class Relaxation:
    """A network ready to be swept. q : bound of the contraction of a sweep.

    weight : x of the certificate on the bit nodes (rows, columns).  reach : largest current [A] that an error of x makes at
    any (word, bit) terminal.
    """

    wires: Wires
    network: Network
    q: float
    weight: Floats
    reach: tuple[float, float]

    @classmethod
    def of(cls, wires: Wires, to_bit: Floats, to_word: Floats) -> Relaxation:
        """wires : spelt out (Wires.of).  to_bit, to_word : see Network."""
        from compact_model.crossbar.lanes import LANES
        from compact_model.crossbar.sweep import sweep

        network = Network.of(wires, to_bit, to_word)
        rows, columns = to_bit.shape
        ends = tuple(np.zeros((n, LANES)) for n in (rows, rows, columns, columns))
        drive = Drive.of((rows, columns), ends)
        drive.b[:] = 1.0
        old = np.ones((rows, columns))
        q, last, down = 1.0, 2.0, True
        none = np.empty((0, 0))
        sweep(network, drive, down, True, False, 1.0, none)
        for _ in range(_POWER_SWEEPS):
            down = not down
            sweep(network, drive, down, False, False, 1.0, none)
            new = drive.b[:, ::LANES].copy()
            ratio = new[old > 0] / old[old > 0]
            q, last = float(ratio.max()) if ratio.size else 0.0, q
            weight, old = np.where(new > 0, old, 0.0), new
            if q < 0.02 or (1.0 - q) < 1.05 * (1.0 - last):
                break
        # the certificate needs (A x)/x <= q on the x it uses; the currents are those of the pair (T_w^-1 D x, x)
        drive.b[:] = np.repeat(weight, LANES, axis=1)
        sweep(network, drive, True, True, True, 1.0, none)
        left, right, top, bottom, *_ = terminal_currents(wires, (network.to_bit, network.to_word, NO_SOURCE), drive)
        reach = tuple(float(np.max(np.abs(a) + np.abs(b), initial=0.0)) for a, b in ((left, right), (top, bottom)))
        return cls(wires, network, q, weight, reach)  # type: ignore[arg-type]

    def sweeps_for(self, reduction: float) -> int:
        """Sweeps that reduce the error by this factor, the last one a plain one."""
        if self.q < 1e-30:
            return 1
        if self.q >= 1.0:
            return 10**9
        rate = self.q / (1.0 + math.sqrt(1.0 - self.q)) ** 2
        return 1 + max(0, math.ceil(math.log(reduction / (2.0 * self.q)) / math.log(rate)))

    def solve_block(
        self, drive: Drive, rtol: float, voltages: bool
    ) -> tuple[tuple[Floats, ...], Floats, NDArray[np.int64]]:
        """Sweep until every lane is certified; return (balances, relative errors, sweeps).

        The balances are followed by word and bit voltages where asked for. A lane keeps what it had when it was certified,
        however long the others take.
        """
        law = (self.network.to_bit, self.network.to_word, drive.source)
        lanes = drive.left.shape[1]
        error, sweeps, waiting = np.full(lanes, np.inf), np.zeros(lanes, np.int64), np.ones(lanes, bool)
        kept: tuple[Floats, ...] = ()
        total, reduction = 0, _MARGIN * rtol
        for _ in range(_CHECKS):
            count = self.sweeps_for(reduction)
            change = self._round(drive, count)
            total += count
            found = terminal_currents(self.wires, law, drive)
            now = self._bound(change, found)
            stuck = waiting & np.isfinite(now) & (now > 0.5 * error)  # rounding holds it up: more sweeps would not help
            error, sweeps = np.where(waiting, now, error), np.where(waiting, total, sweeps)
            shape = (*self.weight.shape, lanes)
            state = (*found, drive.folded.reshape(shape), drive.b.reshape(shape)) if voltages else found
            if kept:
                state = tuple(np.where(waiting, new, old) for new, old in zip(state, kept, strict=True))
            waiting = error > rtol
            if not waiting.any() or stuck.any():
                break
            kept = tuple(a.copy() for a in state)  # the sweeps go on in place
            reduction = min(0.1, max(_LEAST, 0.3 * rtol / float(error[waiting].max())))
        return state, error, sweeps

    def _round(self, drive: Drive, count: int) -> Floats:
        """Give `count` sweeps, the last one plain; return its weighted change."""
        from compact_model.crossbar.sweep import sweep

        none = np.empty((0, 0))
        sweep(self.network, drive, True, True, False, 1.0, none)
        down = True
        for mix in mixing(self.q, count - 1):
            down = not down
            sweep(self.network, drive, down, False, False, mix, none)
        return np.asarray(sweep(self.network, drive, not down, False, True, 1.0, self.weight))

    def _bound(self, change: Floats, found: tuple[Floats, ...]) -> Floats:
        """Bound of the error of the terminal currents relative to the largest of their side, for every lane."""
        rest = self.q / (1.0 - self.q) * change if self.q < 1.0 else np.where(change > 0, np.inf, 0.0)
        return relative_error([rest * reach for reach in self.reach], found)


@lru_cache(maxsize=64)
def mixing(q: float, count: int) -> list[float]:
    """Return the factors of `count` mixed sweeps whose product of errors is least for a contraction between 0 and q."""
    whole, rest = divmod(count, _CYCLE)
    factors = []
    for n in [_CYCLE] * whole + [rest] * (rest > 0):
        points = 0.5 * q * (1.0 + np.cos(np.pi * (2 * np.arange(n) + 1) / (2 * n)))
        distance, at = np.zeros(n), n - 1  # Leja: every next point as far as can be from those before, as a product
        for _ in range(n):
            factors.append(float(1.0 / (1.0 - points[at])))
            with np.errstate(divide="ignore"):
                distance += np.log(np.abs(points - points[at]))
            at = int(np.argmax(distance))
    return factors


def relative_error(bounds: list[Floats], found: tuple[Floats, ...]) -> Floats:
    """Return the larger of the two bounds (word, bit side) [A] relative to the largest current of the side, for every lane."""
    worst = np.zeros(bounds[0].size)
    for bound, first, last in zip(bounds, found[0:4:2], found[1:4:2], strict=True):
        size = np.abs(first + last).max(axis=0, initial=0.0)
        worst = np.maximum(worst, np.divide(bound, size, out=np.where(bound > 0, np.inf, 0.0), where=size > 0))
    return worst


def terminal_currents(wires: Wires, law: tuple[Floats, Floats, Floats], drive: Drive) -> tuple[Floats, ...]:
    """Return what `balance` finds for the voltages in `drive`."""
    from compact_model.crossbar.balance import balance

    w = wires
    lines = (w.word_ohm, w.bit_ohm, w.left_ohm, w.right_ohm, w.top_ohm, w.bottom_ohm)
    ends = (drive.left, drive.right, drive.top, drive.bottom)
    return tuple(balance(lines, law, ends, drive.folded, drive.b))
