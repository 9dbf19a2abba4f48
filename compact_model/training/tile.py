"""The tile: forward, backward and pulsed update on the same conductances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.training.algorithm import Algorithm, Transfer
from compact_model.training.bank import DeviceBank, Single
from compact_model.training.converters import Converters
from compact_model.training.pulse_trains import PulseTrains
from ground.errors import InputError

_STREAM = {"forward": 1, "backward": 2, "update": 3}


class Tile:
    """One array W of pulsed devices (rows, columns) that computes, and, where the algorithm has one, the fast array A.

    W, A : `DeviceBank`; A is None for plain SGD.  forward, backward : `Converters`; the reads of A go through `forward` too.
    seed : of everything random here; the same seed gives the same result for any number of threads.
    pulses : device pulses given so far to (A or, without A, W; W by transfer).
    """

    takes_tensors = False

    def __init__(
        self,
        W: DeviceBank,
        A: DeviceBank | None,
        algorithm: Algorithm,
        *,
        trains: PulseTrains | None = None,
        forward: Converters | None = None,
        backward: Converters | None = None,
        seed: int = 0,
    ) -> None:
        if algorithm.has_fast_array != (A is not None):
            raise InputError(
                f"Tile: the algorithm {algorithm.name!r} " + ("needs" if A is None else "has no") + " array A."
            )
        if A is not None and A.shape != W.shape:
            raise InputError(f"Tile: A has shape {A.shape}, but W has {W.shape}.")
        self.W, self.A, self.algorithm, self.seed = W, A, algorithm, seed
        self.trains, self.io, self.io_back = trains or PulseTrains(), forward or Converters(), backward or Converters()
        columns = W.shape[1]
        self.chop, self.switched = np.ones(columns, np.int8), np.zeros(columns, np.bool_)
        self.counters, self.means = np.zeros(6, np.int64), np.zeros(2)
        self.pulses = np.zeros(2, np.int64)
        kind = algorithm.choppers if isinstance(algorithm, Transfer) else "none"
        self._choppers = {"none": 0, "random": 1, "regular": 2}[kind]
        self.digital = np.zeros((*W.shape, 3) if algorithm.code >= 2 else (1, 1, 3), np.float32)  # H, P, P_ref
        self._weights: Single | None = None
        self._entry = np.empty(0, np.uint16)  # room for the lists of active lines, kept between updates

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns)."""
        return self.W.shape

    @property
    def weights(self) -> Single:
        """Return the weights of W as the conductances stand now, (rows, columns); not to be written to."""
        if self._weights is None:
            self._weights = self.W.weights
        return self._weights

    def write(self, weights: ArrayLike) -> None:
        """Set the weights of W (ideal write) and forget what A and the digital side have collected."""
        self.W.write(weights)
        self._weights = None

    def show(self, weights: Single) -> None:
        """Compute with these weights instead of the written ones until `forget`: what a read shows later."""
        self._weights = np.ascontiguousarray(weights, np.float32)

    def forget(self) -> None:
        """Compute with the devices of W again."""
        self._weights = None

    def forward(self, x: ArrayLike) -> Single:
        """Return W x through DAC and ADC; x (vectors, columns), result (vectors, rows)."""
        return self._product(np.asarray(x, np.float32), self.weights.T, self.io, "forward", 4)

    def backward(self, d: ArrayLike) -> Single:
        """Return W^T d through DAC and ADC; d (vectors, rows), result (vectors, columns)."""
        return self._product(np.asarray(d, np.float32), self.weights, self.io_back, "backward", 5)

    def _product(self, x: Single, matrix: Single, io: Converters, stream: str, counter: int) -> Single:
        if x.ndim != 2 or x.shape[1] != matrix.shape[0]:
            raise InputError(f"Tile.{stream}: got shape {x.shape}; expected (vectors, {matrix.shape[0]}).")
        import torch  # its matrix product is the fastest here

        weights = torch.from_numpy(matrix)
        if io.ideal:
            return torch.mm(torch.from_numpy(x), weights).numpy()
        from compact_model.training._converters import from_lines, to_lines

        step, adc = np.float32(io.dac_step), (np.float32(io.noise), np.float32(io.adc_step), np.float32(io.bound))
        factor = np.ones(len(x), np.float32)

        def read(vectors: Single, times: Single) -> tuple[Single, NDArray[np.bool_]]:
            lines, scale = to_lines(vectors, step, io.scale_input, times)
            y = torch.mm(torch.from_numpy(lines), weights).numpy()
            self.counters[counter] += 1
            call = 8 * int(self.counters[counter]) + _STREAM[stream]
            return y, from_lines(y, scale, *adc, self.seed, call)

        out, clipped = read(np.ascontiguousarray(x), factor)
        for _ in range(10 if io.repeat_clipped else 0):
            again = np.flatnonzero(clipped)
            if not again.size:
                break
            factor[again] *= 2.0
            out[again], clipped[again] = read(x[again], factor[again])
        return out

    def update(self, x: ArrayLike, d: ArrayLike, *, lr: float | None = None) -> None:
        """Move the weights by -lr d x^T in expectation, with pulses; x (vectors, columns), d (vectors, rows)."""
        from compact_model.training._plan import UPDATES, columns_due, trains
        from compact_model.training._pulses import active_lines, pulse_rows

        lines, errors = np.ascontiguousarray(x, np.float32), np.ascontiguousarray(np.asarray(d, np.float32).T)
        fast, every, rate, scale, schedule = self._rates(lr)
        lambda_H = schedule.pop("lambda_H")
        t = self.trains
        slots, chance_x, chance_d = trains(
            lines, errors, rate, fast.grain, t.slots, t.manage, t.shorten, scale, self.means
        )
        before = self.chop.copy()
        seed, number = self.seed, 8 * int(self.counters[UPDATES]) + _STREAM["update"]
        reads, flips, after = columns_due(
            len(lines), every, self._choppers, *schedule.values(), self.chop, self.switched, self.counters, seed
        )
        offset = np.empty((len(lines), 33), np.int32)
        room = (len(lines), lines.shape[1] * int(slots.max(initial=1)) + 8)
        if self._entry.size < room[0] * room[1]:
            self._entry = np.empty(room[0] * room[1], np.uint16)
        entry = self._entry[: room[0] * room[1]].reshape(room)
        active_lines(lines, slots, chance_x, before, flips, after, seed, number, offset, entry)
        io, a = self.io, self.algorithm
        momentum, beta = (a.momentum, a.beta) if isinstance(a, Transfer) else (0.0, 0.0)
        rules = (
            a.code,
            lambda_H,
            momentum,
            beta,
            *((0.0, 1e-9, 1e9) if io.ideal else (io.noise, io.adc_step, io.bound)),
        )
        banks = fast.for_kernel(), self.W.for_kernel()
        shown = self.weights
        self.pulses += pulse_rows(
            errors, slots, chance_d, offset, entry, *banks, shown, self.digital, reads, rules, seed, number
        )
        self.counters[UPDATES] += 1
        if self.A is None:
            self._weights = None

    def _rates(self, lr: float | None) -> tuple[DeviceBank, int, float, tuple[float, float], dict[str, Any]]:
        """Return (bank that gets the gradient, vectors between reads, its rate, scaling, lambda_H and chopper schedule)."""
        a = self.algorithm
        rate = a.lr if lr is None else lr
        if not isinstance(a, Transfer):
            return self.W, 1 << 62, rate, (0.0, 0.0), {"lambda_H": 0.0, "rho": 0.0, "period": 1 << 31}
        assert self.A is not None
        schedule = {"lambda_H": rate / (a.threshold * self.W.grain), "rho": a.rho, "period": a.period}
        scale = (a.fast_lr, a.auto_momentum) if a.auto_scale else (0.0, 0.0)
        return self.A, round(a.transfer_every), a.fast_lr, scale, schedule

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that changes, by name: what a checkpoint holds."""
        names = ("digital", "chop", "switched", "counters", "means", "pulses")
        out = {name: getattr(self, name) for name in names} | {"W": self.W.state}
        return out | ({"A": self.A.state} if self.A is not None else {})

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Take over what `state` returned, or raise InputError where it belongs to another tile."""
        own = self.state()
        for name, value in own.items():
            given = state.get(name)
            if given is None or given.shape != value.shape or given.dtype != value.dtype:
                raise InputError(
                    f"Tile.load_state: {name!r} is missing or has another shape; is it of another network?"
                )
            value[...] = given
        self._weights = None
