"""An array of devices that can be programmed, pulsed, left alone and read; every verb gives a new array."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from compact_model.noise import Noise
from compact_model.population import Population
from compact_model.program_verify import ProgramResult, PulseWindow, program
from compact_model.pulsed_device import Floats, PulsedDevices, pulse
from compact_model.streams import check_seed, normals
from ground.errors import InputError


@dataclass(frozen=True, eq=False)
class Array:
    """Devices and their state at one moment.

    devices : parameters, arrays of the array's shape.  g_written_S : conductance right after the last write [S].
    seed : of everything random that happens here.  clock_s : time since the last write [s].
    writes : how many writes (programmings or pulses) there were; each has its own noise.
    programming : the outcome of the last programming, or None.
    """

    devices: PulsedDevices
    g_written_S: Floats
    seed: int
    noise: Noise = field(default_factory=Noise.published)
    clock_s: float = 0.0
    writes: int = 0
    programming: ProgramResult | None = None

    def __post_init__(self) -> None:
        check_seed(self.seed)
        g = np.array(self.g_written_S, float)
        if g.shape != self.devices.shape:
            raise InputError(f"Array.g_written_S has shape {g.shape}, but the devices have {self.devices.shape}.")
        g.flags.writeable = False
        object.__setattr__(self, "g_written_S", g)

    @classmethod
    def from_population(
        cls, population: Population, shape: int | tuple[int, ...], seed: int, *, noise: Noise | None = None
    ) -> Self:
        """Draw an array of devices, all in their HRS."""
        devices = population.sample(shape, seed)
        return cls(devices, devices.g_min_S, seed, noise or Noise.published())

    @property
    def shape(self) -> tuple[int, ...]:
        return self.devices.shape

    @property
    def g_S(self) -> Floats:
        """Conductance now [S]: as written, plus each device's relaxation, within its bounds."""
        change = self.noise.relaxation.path_S(self.clock_s, self.devices.device_id, seed=self.seed, trial=self.writes)
        return np.clip(self.g_written_S + change, self.devices.g_min_S, self.devices.g_max_S)

    def program(
        self,
        targets_S: ArrayLike,
        acceptance: float = 0.002,
        *,
        max_pulses: int = 2000,
        windows: Iterable[PulseWindow] = (),
    ) -> Self:
        """Reset, then program each device to its target [S]; the outcome is in `.programming`."""
        given = np.asarray(targets_S, float)
        if given.ndim > len(self.shape):
            raise InputError(
                f"targets_S has shape {given.shape} for an array of shape {self.shape}: an array holds "
                "one target per device. For many levels use program_statistics."
            )
        result = program(
            self.devices, given, acceptance, seed=self.seed, max_pulses=max_pulses, trial=self.writes, windows=windows
        )
        return replace(self, g_written_S=result.g_S, clock_s=0.0, writes=self.writes + 1, programming=result)

    def pulse(self, direction: ArrayLike) -> Self:
        """Give one pulse to every device: +1 up or -1 down, one for all or one per device."""
        sign = np.broadcast_to(np.asarray(direction), self.shape)
        if not np.all(np.isin(sign, (-1, 1))):
            raise InputError("direction is not allowed: expected +1 (up) or -1 (down) for every device.")
        xi = normals(self.seed, "pulse", self.devices.device_id, trial=self.writes, count=1)[0]
        after = pulse(self.g_S, self.devices, sign, xi)
        return replace(self, g_written_S=after, clock_s=0.0, writes=self.writes + 1, programming=None)

    def wait(self, seconds: float) -> Self:
        """Let time pass: the clock must then stand at 1 s or more after the last write, where relaxation is known."""
        if not seconds >= 0:
            raise InputError(f"seconds={seconds!r} is not allowed: expected 0 or more.")
        later = replace(self, clock_s=self.clock_s + float(seconds))
        self.noise.relaxation.mean_S(later.clock_s)  # says so where the moment is outside what is known
        return later

    def read(self, *, repeat: int = 0) -> Floats:
        """Conductance shown by a read now [S]; `repeat` numbers the reads of one moment."""
        return self.noise.read.read_S(
            self.g_S, self.clock_s, self.devices.device_id, seed=self.seed, trial=self.writes, repeat=repeat
        )
