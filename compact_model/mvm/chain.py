"""A matrix multiplied in memory: inputs -> DAC -> crossbars -> ADC -> digital correction, at any time after programming."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.mvm import devices
from compact_model.mvm.converters import Converter
from compact_model.mvm.mapping import check_weights
from compact_model.mvm.reading import Reading
from compact_model.mvm.references import OTHER, ReferenceColumns
from compact_model.mvm.settings import MvmSettings
from compact_model.noise import Noise
from compact_model.streams import check_seed
from ground.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tile:
    """Part of a matrix in one array. rows, columns : which part.  targets_S, state : its devices.

    references : devices of its wired reference columns, (rows, count); None where there are none.
    """

    rows: slice
    columns: slice
    targets_S: Floats
    state: devices.DeviceState
    references: devices.DeviceState | None = None


@dataclass(frozen=True, eq=False)
class Mvm:
    """A programmed matrix. weights : (rows, columns), -1..1; inputs go to rows.  Made by `program`; times see one device state."""

    weights: Floats
    settings: MvmSettings
    tiles: tuple[Tile, ...]

    @classmethod
    def program(
        cls,
        weights: ArrayLike,
        settings: MvmSettings | None = None,
        *,
        seed: int = 0,
        noise: Noise | None = None,
        population: devices.DeviceSource | None = None,
        first_device: int = 0,
    ) -> Self:
        """Program a matrix into arrays. seed : of every random number of its devices; a device keeps its own in any tiling.

        noise, population : default published; a stated or ideal programming knows no population.  first_device : number of the
        first device, so that several matrices can hold devices of their own.
        """
        w, used = check_weights(weights), settings or MvmSettings.published()
        check_seed(seed)
        law = noise or Noise.published()
        tiles, first = [], first_device
        for rows, columns in cuts(w.shape[0], w.shape[1], used):
            targets = used.mapping.conductances_S(w[rows, columns])
            state, references = _state(targets, used, seed, law, first, population), None
            if used.reference == "wired":
                count = ReferenceColumns.among(targets.shape[1], used.reference_every).count
                middle = np.full((targets.shape[0], count), used.mapping.reference_S)
                references = _state(middle, used, seed, law, first + OTHER, population)
            tiles.append(Tile(rows, columns, targets, state, references))
            first += targets.size
        return cls(w, used, tuple(tiles))

    def with_settings(self, **changes: Any) -> Self:
        """Return the same devices read by another chain; settings of the devices cannot be changed any more."""
        fixed = (
            "device",
            "low_S",
            "high_S",
            "scheme",
            "programming",
            "acceptance",
            "tile_rows",
            "tile_columns",
            "reference_every",
        )
        bad = sorted(set(changes) & set(fixed))
        if bad:
            raise InputError(f"{', '.join(bad)} cannot change once the matrix is programmed; program it again.")
        if changes.get("reference") == "wired" and self.settings.reference != "wired":
            raise InputError("reference='wired' needs devices of its own: program the matrix again.")
        if changes.get("reference", "wired") != "wired":
            changes["reference_every"] = None
        return replace(self, settings=self.settings.replace(**changes))

    def conductances_S(self, t_s: float) -> list[Floats]:
        """Conductance of every tile as a read at t_s finds it [S]."""
        s = self.settings
        return [t.state.at(t_s, relaxation=s.relaxation, read_noise=s.read_noise) for t in self.tiles]

    def at(self, t_s: float) -> Reading:
        """Read the devices t_s seconds after programming, for any number of vectors."""
        return Reading.of(self, t_s)

    def multiply(self, inputs: ArrayLike, t_s: float = 0.0) -> Floats:
        """Return inputs @ weights as the chain gives it t_s seconds after programming, (vectors, columns).

        inputs : (vectors, rows), -1..1.  Raises InputError for shapes, values, and times before 0 or between 0 and 1 s.
        """
        return self.at(t_s).multiply(inputs)

    @cached_property
    def dac(self) -> Converter:
        return Converter(self.settings.dac_bits, self.settings.read_V)

    def adc(self, rows: int) -> Converter:
        """Return the converter of a column of this many devices."""
        s = self.settings
        full = s.adc_full_scale_A
        if full is None:
            of_device = s.mapping.rms_S() if self.reference_is_digital else s.mapping.scale_S / np.sqrt(3.0)
            full = 5.6 * s.read_V * np.sqrt(rows / 3.0) * of_device
        return Converter(s.adc_bits, float(full))

    @property
    def reference_is_digital(self) -> bool:
        """Whether the mid-point is taken off after the ADC."""
        return self.settings.scheme == "single" and self.settings.reference == "digital"


def cuts(rows: int, columns: int, s: MvmSettings) -> Iterator[tuple[slice, slice]]:
    """Give the (rows, columns) of a matrix of weights that each array holds."""
    wide = s.tile_columns // s.mapping.devices_per_weight
    for i in range(0, rows, s.tile_rows):
        for j in range(0, columns, wide):
            yield slice(i, min(i + s.tile_rows, rows)), slice(j, min(j + wide, columns))


def _state(
    targets_S: Floats, s: MvmSettings, seed: int, noise: Noise, first: int, population: devices.DeviceSource | None
) -> devices.DeviceState:
    if s.device == "Wan 2022":
        return devices.Wan2022(targets_S, seed, first)
    if s.device == "PCM":
        return devices.Pcm(targets_S, seed, first)
    if s.programming == "ideal":
        return devices.ideal(targets_S, seed, noise, first)
    if s.programming == "stated":
        return devices.stated(targets_S, s.acceptance, seed, noise, first)
    return devices.simulated(targets_S, s.acceptance, seed, noise, first, population)
