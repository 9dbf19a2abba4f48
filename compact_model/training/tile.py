"""The tile: forward, backward and pulsed update on the same conductances."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from compact_model.training._converters import from_lines, to_lines
from compact_model.training._owed import pay
from compact_model.training._plan import BACKWARD, FORWARD, UPDATES
from compact_model.training._update import update
from compact_model.training.algorithm import Algorithm, Transfer
from compact_model.training.bank import DeviceBank, Single
from compact_model.training.converters import Converters
from compact_model.training.mixed_precision import MixedPrecision
from compact_model.training.pulse_trains import PulseTrains
from compact_model.training.seen_weights import SeenWeights
from compact_model.training.wires import TrainWires
from ground.errors import InputError

_STREAM = {FORWARD: 1, BACKWARD: 2, UPDATES: 3}


class _Room:
    """What a product of so many vectors needs besides its result, kept for the next one. times : by how much x is divided more."""

    def __init__(self, vectors: int, lines: int, times: float = 1.0) -> None:
        self.lines, self.scale = np.empty((vectors, lines), np.float32), np.empty(vectors, np.float32)
        self.spread = np.empty(vectors, np.float32)
        self.tensor = torch.from_numpy(self.lines)
        self.times, self.clipped, self.count = np.full(vectors, times, np.float32), np.zeros(vectors, np.bool_), 0


class Tile:
    """One array W of pulsed devices (rows, columns) that computes, and, where the algorithm has one, the fast array A.

    W, A : `DeviceBank`; A is None for plain SGD.  algorithm : may be changed for one with other rates at any time.
    forward, backward : `Converters`; the reads of A go through `forward` too.
    wires : of W's products; None for perfect ones. Reads of A, looks at single devices and pulses see no wires.
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
        wires: TrainWires | None = None,
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
        self._seen = None if wires is None else SeenWeights(wires, *W.shape)
        numba.get_num_threads()  # starts them: a kernel from the disk, called by another one, would find none and crash
        columns = W.shape[1]
        self.chop, self.switched = np.ones(columns, np.int8), np.zeros(columns, np.bool_)
        self.counters, self.means = np.zeros(6, np.int64), np.zeros(2)
        self.pulses = np.zeros(2, np.int64)
        kind = algorithm.choppers if isinstance(algorithm, Transfer) else "none"
        self._choppers = {"none": 0, "random": 1, "regular": 2}[kind]
        self.digital = np.zeros((*W.shape, 3) if algorithm.code >= 2 else (1, 1, 3), np.float32)  # H (or chi), P, P_ref
        self._known: tuple[Algorithm, tuple[np.float32, ...]] | None = None  # rules and whose they are
        self._weights: Single | None = None
        self._tensors: tuple[torch.Tensor, torch.Tensor] | None = None
        ways = (self.io_back, self.io)
        self._steps = [tuple(np.float32(v) for v in (io.dac_step, io.adc_step, io.bound)) for io in ways]
        self._noises = [(np.float32(io.noise), np.float32(io.device_noise)) for io in ways]
        self._rooms: list[_Room | None] = [None, None]
        self._entry = np.empty(0, np.uint16)  # room for the lists of active lines, kept between updates

    def _memory(self) -> tuple[float, float, float, float, float]:
        """Return momentum, fire and beta, the steps that a weight is (0 where pulses are not verified), and the noise of a look."""
        momentum, fire, verified, beta = self.algorithm.memory
        two_reads = np.sqrt(2.0) * self.io.verify_noise if verified and not self.io.ideal else 0.0
        return momentum, fire, beta, verified / self.W.grain, two_reads

    def _rules(self) -> tuple[np.float32, ...]:
        """Return what `read_rows` is to know besides code and lambda_H; made once for an algorithm, which never changes itself."""
        if self._known is None or self._known[0] is not self.algorithm:
            converter = (0.0, 1e-9, 1e9) if self.io.ideal else (self.io.column_noise, self.io.adc_step, self.io.bound)
            self._known = self.algorithm, tuple(np.float32(v) for v in (*self._memory(), *converter))
        return self._known[1]

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
        """Set the weights of W (ideal write); what A and the digital side have collected stays."""
        self.W.write(weights)
        self.forget()
        if self._seen is not None:
            self._seen.forget()

    def forget(self) -> None:
        """Look at the devices of W again before the next product."""
        self._weights = self._tensors = None

    def forward(self, x: ArrayLike) -> Single:
        """Return W x through DAC and ADC; x (vectors, columns), result (vectors, rows)."""
        return self._product(x, 1, self.io, FORWARD)

    def backward(self, d: ArrayLike) -> Single:
        """Return W^T d through DAC and ADC; d (vectors, rows), result (vectors, columns)."""
        return self._product(d, 0, self.io_back, BACKWARD)

    def _product(self, vectors: ArrayLike, side: int, io: Converters, direction: int) -> Single:
        x = np.ascontiguousarray(vectors, np.float32)
        if x.ndim != 2 or x.shape[1] != self.shape[side]:
            name = "forward" if direction == FORWARD else "backward"
            raise InputError(f"Tile.{name}: got shape {x.shape}; expected (vectors, {self.shape[side]}).")
        if io.ideal:
            return torch.mm(torch.from_numpy(x), self._matrices[side]).numpy()
        room = self._rooms[side]
        if room is None or room.times.size != len(x):
            room = self._rooms[side] = _Room(len(x), x.shape[1])
        out = self._read(x, room, side, io, direction)
        for n in range(10 if io.repeat_clipped and room.count else 0):
            again = np.flatnonzero(room.clipped)
            part = _Room(again.size, x.shape[1], 2.0 ** (n + 1))
            out[again] = self._read(x[again], part, side, io, direction)
            room.clipped[again] = part.clipped
            if not part.count:
                break
        return out

    def _read(self, x: Single, room: _Room, side: int, io: Converters, direction: int) -> Single:
        """Return x, as the DAC makes it, times the weights (side 0) or their transpose (side 1), as the ADC sees it."""
        dac, adc, bound = self._steps[side]
        to_lines(x, room.lines, room.scale, room.spread, dac, self._noises[side], io.scale_input, room.times)
        y = torch.mm(room.tensor, self._matrices[side]).numpy()  # torch's matrix product is the fastest here
        self.counters[direction] += 1
        call = 8 * int(self.counters[direction]) + _STREAM[direction]
        room.count = from_lines(y, room.scale, room.clipped, room.spread, adc, bound, self.seed, call)
        return y

    @property
    def _matrices(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the weights and their transpose as tensors that share the memory of `weights`."""
        if self._tensors is None:
            weights = torch.from_numpy(self.weights if self._seen is None else self._arriving(self._seen))
            self._tensors = weights, weights.T
        return self._tensors

    def _arriving(self, seen: SeenWeights) -> Single:
        """Return the weights as they arrive at the ends of the lines; the arrays are solved where that is due."""
        if seen.is_due(int(self.counters[UPDATES])):
            self.state()  # brings back what stands on a GPU
            seen.solve(self.W, int(self.counters[UPDATES]))
        return seen.of(self.weights)

    def update(self, x: ArrayLike, d: ArrayLike, *, lr: float | None = None) -> None:
        """Move the weights by -lr d x^T in expectation, with pulses; x (vectors, columns), d (vectors, rows)."""
        if isinstance(self.algorithm, MixedPrecision):
            self._pay(x, d, (self.algorithm.lr if lr is None else lr) / self.algorithm.threshold)
            return
        fast, every, rate, scale, schedule = self._rates(lr)
        t = self.trains
        self._entry = update(
            np.ascontiguousarray(x, np.float32),
            np.ascontiguousarray(d, np.float32),
            fast.for_kernel(),
            self.W.for_kernel(),
            self.weights,
            self.digital,
            self.chop,
            self.switched,
            self.counters,
            self.means,
            self.pulses,
            self._entry,
            (float(rate), fast.grain, t.slots, t.manage, t.shorten, *scale, t.spread, t.even),
            (every, self._choppers, schedule["rho"], schedule["period"]),
            (self.algorithm.code, np.float32(schedule["lambda_H"]), *self._rules()),
            self.seed,
            _STREAM[UPDATES],
        )
        if self.A is None:
            self.forget()
        elif self._seen is not None:
            self._tensors = None

    def _pay(self, x: ArrayLike, d: ArrayLike, rate: float) -> None:
        owed = self.digital[..., 0]
        owed -= np.float32(rate / self.W.grain) * (np.asarray(d, np.float32).T @ np.asarray(x, np.float32))
        call = 8 * int(self.counters[UPDATES]) + _STREAM[UPDATES]
        self.counters[UPDATES] += 1
        self.pulses[0] += pay(owed, self.W.for_kernel(), self.weights, self._rules()[:5], self.seed, call)
        self.forget()

    def _rates(self, lr: float | None) -> tuple[DeviceBank, float, float, tuple[float, float], dict[str, Any]]:
        """Return (bank that gets the gradient, vectors between reads, its rate, scaling, lambda_H and chopper schedule)."""
        a = self.algorithm
        rate = a.lr if lr is None else lr
        if not isinstance(a, Transfer):
            return self.W, float(1 << 62), rate, (0.0, 0.0), {"lambda_H": 0.0, "rho": 0.0, "period": 1 << 31}
        assert self.A is not None
        rho, period = a.chopping
        lambda_H = rate / (a.threshold * self.W.grain)
        if a.true_size:
            lambda_H *= (
                self.means.prod() / (a.fast_lr * self.trains.slots * self.A.grain) if a.auto_scale else 1 / a.fast_lr
            )
        schedule = {"lambda_H": lambda_H, "rho": rho, "period": period}
        scale = (a.fast_lr, a.auto_momentum) if a.auto_scale else (0.0, 0.0)
        return self.A, a.transfer_every, a.fast_lr, scale, schedule

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything that changes, by name: what a checkpoint holds."""
        names = ("digital", "chop", "switched", "counters", "means", "pulses")
        out = {name: getattr(self, name) for name in names} | {"W": self.W.state}
        if self._seen is not None:
            out |= {"gain_offset": self._seen.gain_offset, "solved_at": self._seen.solved_at}
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
        self.forget()
