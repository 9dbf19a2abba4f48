"""An array of devices that can be formed, cycled, programmed, pulsed, left alone and read; every verb gives a new array."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from numpy.typing import ArrayLike

from compact_model.noise import T_MAX_S, Noise
from compact_model.population import Population
from compact_model.program_verify import ProgramResult, PulseWindow, program
from compact_model.pulsed_device import Floats, PulsedDevices, pulse
from compact_model.streams import check_seed, normals
from ground.errors import InputError
from ground.units import Quantity, to_si

if TYPE_CHECKING:
    from compact_model.cells import Cells, CellSpread
    from compact_model.cycle import CycleProtocol
    from compact_model.cycling import Cycling
    from compact_model.forming import Forming, FormingResult
    from compact_model.model import CompactModel


@dataclass(frozen=True, eq=False)
class Array:
    """Devices and their state at one moment.

    devices : parameters, arrays of the array's shape.  g_written_S : conductance right after the last write [S].
    seed : of everything random that happens here.  clock_s : time since the last write [s].
    writes : how many writes (programmings or pulses) there were; each has its own noise.
    programming : the outcome of the last programming, or None.
    cells, spread : the physical cells of the same devices and how they differ from cycle to cycle, for forming and cycling; a
    device's pulses are those of `devices`.  forming, cycling : what forming and the last cycling gave, or None.
    """

    devices: PulsedDevices
    g_written_S: Floats
    seed: int
    noise: Noise = field(default_factory=Noise.published)
    clock_s: float = 0.0
    writes: int = 0
    programming: ProgramResult | None = None
    cells: Cells | None = None
    spread: CellSpread | None = None
    forming: FormingResult | None = None
    cycling: Cycling | None = None
    half_cycles: int = 0
    pulsed: bool = True  # whether the last write was by pulses, so that the bounds of the pulsed device hold

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

    @classmethod
    def from_model(cls, model: CompactModel, shape: int | tuple[int, ...], seed: int) -> Self:
        """Draw an array with pulsed devices and, for `form` and `cycle`, physical cells; not yet formed.

        A model without a cell gets the published one with its spread (`published_cell`).
        """
        from compact_model.cells import CellSpread
        from compact_model.published_cell import published_cell, published_spread

        cell, spread = model.cell, CellSpread()
        if cell is None:
            cell, spread = published_cell(), published_spread()
        devices = model.population.sample(shape, seed)
        return cls(devices, devices.g_min_S, seed, model.noise, cells=spread.sample(cell, shape, seed), spread=spread)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.devices.shape

    @property
    def g_S(self) -> Floats:
        """Conductance now [S]: as written, plus each device's relaxation, within its bounds."""
        change = self.noise.relaxation.path_S(self.clock_s, self.devices.device_id, seed=self.seed, trial=self.writes)
        if not self.pulsed:
            return self._of_formed(np.maximum(self.g_written_S + change, 0.0))
        return self._of_formed(np.clip(self.g_written_S + change, self.devices.g_min_S, self.devices.g_max_S))

    def _of_formed(self, g_S: Floats) -> Floats:
        """Conductance where a device was formed, 0 where forming failed."""
        return g_S if self.forming is None else np.where(self.forming.formed, g_S, 0.0)

    def _physical(self, verb: str) -> Cells:
        if self.cells is None:
            raise InputError(f"Array.{verb}: this array has no physical cells; make it with Array.from_model.")
        return self.cells

    def form(self, forming: Forming | None = None) -> Self:
        """Form every cell on the ramp (default: the published one); what came of it is in `.forming`."""
        from compact_model.forming import Forming, form

        cells = self._physical("form")
        if self.forming is not None or self.writes:
            raise InputError("Array.form: the array is formed or written already; form a fresh one.")
        if cells.cell.transistor is None:
            raise InputError(
                "Array.form: the cell has no transistor, so nothing limits the current of forming; give the cell one."
            )
        result = form(cells, forming or Forming.published(cells.cell.transistor), seed=self.seed)
        return self._written(result.g_formed_S, forming=result, pulsed=False)

    def first_negative_sweep(self) -> Self:
        """Sweep formed cells to the first negative stop: an end state of the model, not a simulated path."""
        if self.forming is None:
            raise InputError("Array.first_negative_sweep: the array is not formed yet; call form first.")
        return self._written(self.forming.g_first_reset_S, pulsed=False)

    def cycle(self, cycles: int = 5, protocol: CycleProtocol | None = None) -> Self:
        """Cycle every cell quasi-statically, from the LRS if it was not cycled before; what it did is in `.cycling`."""
        from compact_model.cycling import cycle_cells

        cells = self._physical("cycle")
        start = 1.0 if self.cycling is None else self.cycling.x_end
        result = cycle_cells(
            cells, cycles, seed=self.seed, spread=self.spread, protocol=protocol, x0=start, first=self.half_cycles
        )
        halves = 2 * cycles + int(self.cycling is None)
        return self._written(
            1.0 / result.r_hrs_ohm[-1], cycling=result, half_cycles=self.half_cycles + halves, pulsed=False
        )

    def _written(self, g_S: Floats, **changes: object) -> Self:
        """The array right after a write: the clock starts again, and the write has noise of its own."""
        fresh = {"programming": None, "pulsed": True, **changes}
        return replace(self, g_written_S=g_S, clock_s=0.0, writes=self.writes + 1, **fresh)  # type: ignore[arg-type]

    def program(
        self,
        targets_S: ArrayLike,
        acceptance: float = 0.002,
        *,
        max_pulses: int = 2000,
        windows: Iterable[PulseWindow] = (),
        increment: float = 0.0,
    ) -> Self:
        """Reset, then program each device to its target [S]; the outcome is in `.programming`. increment : see `program`."""
        given = np.asarray(targets_S, float)
        if given.ndim > len(self.shape):
            raise InputError(
                f"targets_S has shape {given.shape} for an array of shape {self.shape}: an array holds "
                "one target per device. For many levels use program_statistics."
            )
        result = program(
            self.devices,
            given,
            acceptance,
            seed=self.seed,
            max_pulses=max_pulses,
            trial=self.writes,
            windows=windows,
            increment=increment,
        )
        if self.forming is not None:
            result = replace(result, g_S=self._of_formed(result.g_S), converged=result.converged & self.forming.formed)
        return self._written(result.g_S, programming=result)

    def pulse(self, direction: ArrayLike) -> Self:
        """Give one pulse to every device: +1 up or -1 down, one for all or one per device."""
        sign = np.broadcast_to(np.asarray(direction), self.shape)
        if not np.all(np.isin(sign, (-1, 1))):
            raise InputError("direction is not allowed: expected +1 (up) or -1 (down) for every device.")
        xi = normals(self.seed, "pulse", self.devices.device_id, trial=self.writes, count=1)[0]
        start = np.clip(self.g_S, self.devices.g_min_S, self.devices.g_max_S)
        return self._written(self._of_formed(pulse(start, self.devices, sign, xi)))

    def wait(self, seconds: float | Annotated[str, Quantity("s", 0.0, T_MAX_S)]) -> Self:
        """Let time pass, in seconds or as "1 h": the clock must then stand at 1 s or more, where relaxation is known."""
        if isinstance(seconds, str):
            try:
                seconds = to_si(seconds, "s")
            except ValueError as error:
                raise InputError(f"seconds={seconds!r} is not allowed: it {error}.") from None
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
