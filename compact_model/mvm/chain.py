"""A matrix multiplied in memory: inputs -> DAC -> crossbars -> ADC -> digital correction, at any time after programming."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.crossbar import Crossbar, Wires, aihwkit_product
from compact_model.mvm import devices
from compact_model.mvm.converters import Converter
from compact_model.mvm.mapping import check_weights
from compact_model.mvm.settings import MvmSettings
from compact_model.noise import Noise, check_time
from compact_model.streams import check_seed
from ground.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tile:
    """Part of a matrix in one array. rows, columns : which part.  targets_S, state : its devices."""

    rows: slice
    columns: slice
    targets_S: Floats
    state: devices.DeviceState


@dataclass(frozen=True, eq=False)
class Mvm:
    """A programmed matrix. weights : (rows, columns), -1..1; inputs go to rows.  Made by `program`; times see one device state."""

    weights: Floats
    settings: MvmSettings
    tiles: tuple[Tile, ...]

    @classmethod
    def program(
        cls, weights: ArrayLike, settings: MvmSettings | None = None, *, seed: int = 0, noise: Noise | None = None
    ) -> Self:
        """Program a matrix into arrays. seed : of every random number of its devices; a device keeps its own in any tiling."""
        w, used = check_weights(weights), settings or MvmSettings.published()
        check_seed(seed)
        law = noise or Noise.published()
        tiles, first = [], 0
        for rows, columns in _cuts(w.shape[0], w.shape[1], used):
            targets = used.mapping.conductances_S(w[rows, columns])
            tiles.append(Tile(rows, columns, targets, _state(targets, used, seed, law, first)))
            first += targets.size
        return cls(w, used, tuple(tiles))

    def with_settings(self, **changes: Any) -> Self:
        """Return the same devices read by another chain; settings of the devices cannot be changed any more."""
        fixed = ("device", "low_S", "high_S", "scheme", "programming", "acceptance", "tile_rows", "tile_columns")
        bad = sorted(set(changes) & set(fixed))
        if bad:
            raise InputError(f"{', '.join(bad)} cannot change once the matrix is programmed; program it again.")
        return replace(self, settings=self.settings.replace(**changes))

    def conductances_S(self, t_s: float) -> list[Floats]:
        """Conductance of every tile as a read at t_s finds it [S]."""
        s = self.settings
        return [t.state.at(t_s, relaxation=s.relaxation, read_noise=s.read_noise) for t in self.tiles]

    def multiply(self, inputs: ArrayLike, t_s: float = 0.0) -> Floats:
        """Return inputs @ weights as the chain gives it t_s seconds after programming, (vectors, columns).

        inputs : (vectors, rows), -1..1.  Raises InputError for shapes, values, and times before 0 or between 0 and 1 s.
        """
        x = check_inputs(inputs, self.weights.shape[0])
        check_time(t_s)
        out = np.zeros((len(x), self.weights.shape[1]))
        for tile, g in zip(self.tiles, self.conductances_S(t_s), strict=True):
            out[:, tile.columns] += self._of_tile(tile, g, x[:, tile.rows], t_s)
        return out

    @cached_property
    def dac(self) -> Converter:
        return Converter(self.settings.dac_bits, self.settings.read_V)

    def adc(self, rows: int) -> Converter:
        """Return the converter of a column of this many devices."""
        s = self.settings
        full = s.adc_full_scale_A
        if full is None:
            of_device = s.mapping.rms_S() if self._reference_is_digital else s.mapping.scale_S / np.sqrt(3.0)
            full = 5.6 * s.read_V * np.sqrt(rows / 3.0) * of_device
        return Converter(s.adc_bits, float(full))

    @property
    def _reference_is_digital(self) -> bool:
        return self.settings.scheme == "single" and self.settings.reference == "digital"

    def _of_tile(self, tile: Tile, g: Floats, x: Floats, t_s: float) -> Floats:
        """Product of one tile in units of its weights."""
        s, mapping = self.settings, self.settings.mapping
        volts = self.dac(x * s.read_V)
        middle_A = mapping.reference_S * volts.sum(axis=1, keepdims=True)  # of a device in the middle of the window
        current = self._current_A(g, volts)
        pairs = s.scheme == "pair"
        if pairs:
            current = current[:, 0::2] - current[:, 1::2]
        elif s.reference == "column":
            current = current - middle_A
        digital = self.adc(g.shape[0])(current)
        if self._reference_is_digital:
            digital = digital - middle_A
        y = digital / (mapping.scale_S * s.read_V)
        return self._compensated(tile, y, volts / s.read_V, t_s)

    def _current_A(self, g: Floats, volts: Floats) -> Floats:
        """Current out of every bit line [A] by the chosen treatment of the wires."""
        s = self.settings
        if s.ir_drop == "none" or s.wire_ohm == 0.0:
            return volts @ g
        if s.ir_drop == "aihwkit":
            return self._aihwkit_current_A(g, volts)
        word = 0.0 if s.ir_drop == "bit lines" else s.wire_ohm
        bit = 0.0 if s.ir_drop == "word lines" else s.wire_ohm
        return Crossbar(g, Wires.uniform(word, bit_ohm=bit)).forward(volts).bit_A

    def _aihwkit_current_A(self, g: Floats, volts: Floats) -> Floats:
        """The formula acts on signed weights; its result is put back as if the mid-point had no drop, which is its assumption."""
        s, mapping = self.settings, self.settings.mapping
        w = mapping.weights(g)
        unit = mapping.scale_S * s.read_V
        y = unit * aihwkit_product(w, volts / s.read_V, s.wire_ohm, s.ir_scale_S)
        if s.scheme == "single":
            return y + mapping.reference_S * volts.sum(axis=1, keepdims=True)
        both = np.zeros((len(volts), g.shape[1]))
        both[:, 0::2] = y
        return both

    def _compensated(self, tile: Tile, y: Floats, x: Floats, t_s: float) -> Floats:
        """Take off the mean drift, known from the devices' own mean as a calibration with many reads would give it."""
        how = self.settings.compensation
        if how == "none" or t_s == 0.0:
            return y
        mapping = self.settings.mapping
        now = tile.state.at(t_s, relaxation=self.settings.relaxation, read_noise=False)
        w_then, w_now = mapping.weights(tile.targets_S), mapping.weights(now)
        gain, shift = 1.0, 0.0
        if "gain" in how:
            gain = float((w_now * w_then).sum() / max((w_then**2).sum(), 1e-300))
        if "shift" in how:
            shift = float((w_now - gain * w_then).mean())
        return (y - shift * x.sum(axis=1, keepdims=True)) / gain


def check_inputs(inputs: ArrayLike, rows: int) -> Floats:
    """Return inputs as (vectors, rows), or raise InputError: finite, -1..1."""
    x = np.atleast_2d(np.asarray(inputs, float))
    if x.ndim != 2 or x.shape[1] != rows or not len(x):
        raise InputError(
            f"inputs has shape {np.shape(inputs)}, which does not fit {rows} rows: expected (vectors, {rows})."
        )
    if not np.all(np.abs(x) <= 1.0):
        raise InputError("inputs must be finite and between -1 and 1: 1 is the full scale of the DAC.")
    return x


def _cuts(rows: int, columns: int, s: MvmSettings) -> Iterator[tuple[slice, slice]]:
    wide = s.tile_columns // s.mapping.devices_per_weight
    for i in range(0, rows, s.tile_rows):
        for j in range(0, columns, wide):
            yield slice(i, min(i + s.tile_rows, rows)), slice(j, min(j + wide, columns))


def _state(targets_S: Floats, s: MvmSettings, seed: int, noise: Noise, first: int) -> devices.DeviceState:
    if s.device == "Wan 2022":
        return devices.Wan2022(targets_S, seed, first)
    if s.device == "PCM":
        return devices.Pcm(targets_S, seed, first)
    if s.programming == "ideal":
        return devices.ideal(targets_S, seed, noise, first)
    if s.programming == "stated":
        return devices.stated(targets_S, s.acceptance, seed, noise, first)
    return devices.simulated(targets_S, s.acceptance, seed, noise, first)
