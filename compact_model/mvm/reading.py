"""A programmed matrix at one moment: its devices are read once and its wires prepared once, for any number of vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compact_model.crossbar import (
    CellProduct,
    CellTable,
    Crossbar,
    HoppingCell,
    NonlinearCrossbar,
    Wires,
    aihwkit_product,
)
from compact_model.mvm.references import ReferenceColumns
from compact_model.mvm.settings import Compensation, MvmSettings
from compact_model.noise import check_time
from ground.errors import InputError

if TYPE_CHECKING:
    from compact_model.mvm.chain import Mvm, Tile

Floats = NDArray[np.float64]
Currents = Callable[
    [Floats], Floats
]  # voltages (vectors, rows) [V] -> one current per weight column (vectors, columns) [A]


@dataclass(frozen=True, eq=False)
class Reading:
    """A matrix t_s after programming. currents : of every tile, with its wires.  Made by `Mvm.at`.

    The devices show one read for all vectors: its noise is 1/f, and multiplications soon after each other see the same.
    """

    mvm: Mvm
    t_s: float
    currents: tuple[Currents, ...]
    compensation: Compensation

    @classmethod
    def of(cls, mvm: Mvm, t_s: float) -> Self:
        """Read the devices of a matrix at t_s, or raise InputError for a time before 0 or between 0 and 1 s."""
        check_time(t_s)
        s = mvm.settings
        seen = zip(mvm.conductances_S(t_s), mvm.tiles, strict=True)
        return cls(mvm, t_s, tuple(currents_of(g, s, references_S(tile, t_s, s)) for g, tile in seen), s.compensation)

    def compensated(self, how: Compensation) -> Self:
        """Return the same read with another digital compensation of the drift."""
        return replace(self, compensation=how)

    def multiply(self, inputs: ArrayLike) -> Floats:
        """Return inputs @ weights as the chain gives it, (vectors, columns); inputs (vectors, rows), -1..1."""
        shape = self.mvm.weights.shape
        x = check_inputs(inputs, shape[0])
        out = np.zeros((len(x), shape[1]))
        for tile, currents, drift in zip(self.mvm.tiles, self.currents, self._drift, strict=True):
            out[:, tile.columns] += self._of_tile(currents, drift, x[:, tile.rows])
        return out

    def _of_tile(self, currents: Currents, drift: tuple[float, float], x: Floats) -> Floats:
        """Product of one tile in units of its weights."""
        s, mapping, digital_reference = self.mvm.settings, self.mvm.settings.mapping, self.mvm.reference_is_digital
        volts = self.mvm.dac(x * s.read_V)
        middle_A = mapping.reference_S * volts.sum(axis=1, keepdims=True)  # of a device in the middle of the window
        current = currents(volts)
        if s.scheme == "single" and s.reference == "column":
            current = current - middle_A
        digital = self.mvm.adc(x.shape[1])(current)
        if digital_reference:
            digital = digital - middle_A
        gain, shift = drift
        y = digital / (mapping.scale_S * s.read_V)
        return (y - shift * (volts / s.read_V).sum(axis=1, keepdims=True)) / gain

    @cached_property
    def _drift(self) -> list[tuple[float, float]]:
        return [self._drift_of(tile) for tile in self.mvm.tiles]

    def _drift_of(self, tile: Tile) -> tuple[float, float]:
        """Return (gain, shift) of the mean drift, from the devices' own mean as a calibration with many reads would give it.

        Behind linear wires the shift is that of the currents with all rows on: less of it arrives than the devices have.
        """
        how, s = self.compensation, self.mvm.settings
        if how == "none" or self.t_s == 0.0:
            return 1.0, 0.0
        now = tile.state.at(self.t_s, relaxation=s.relaxation, read_noise=False)
        w_then, w_now = s.mapping.weights(tile.targets_S), s.mapping.weights(now)
        beside = references_S(tile, self.t_s, s.replace(read_noise=False))
        if beside is not None:
            of_weight = ReferenceColumns.among(now.shape[1], s.reference_every).of_weight
            w_now = w_now - s.mapping.weights(beside)[:, of_weight]
        gain, shift = 1.0, 0.0
        if "gain" in how:
            gain = float((w_now * w_then).sum() / max((w_then**2).sum(), 1e-300))
        if "shift" in how:
            shift = float((w_now - gain * w_then).mean())
            if s.wire_ohm > 0.0 and s.cell is None and s.ir_drop not in ("none", "aihwkit"):
                then = references_S(tile, 0.0, s.replace(read_noise=False))
                shift = self._mean_weight(now, beside) - gain * self._mean_weight(tile.targets_S, then)
        return gain, shift

    def _mean_weight(self, g_S: Floats, beside_S: Floats | None) -> float:
        """Return the mean weight of conductances (and their wired references) as it arrives at the end of the bit lines."""
        s, rows = self.mvm.settings, len(g_S)
        exact = s.replace(ir_drop="exact") if s.ir_drop == "tabulated" else s  # for one vector
        current = float(currents_of(g_S, exact, beside_S)(np.full((1, rows), s.read_V)).mean()) / (rows * s.read_V)
        if s.scheme == "single" and beside_S is None:
            current -= s.mapping.reference_S
        return current / s.mapping.scale_S


def references_S(tile: Tile, t_s: float, s: MvmSettings) -> Floats | None:
    """Return the conductances of the wired reference columns (rows, count) [S] at t_s, None where the chain has none."""
    if s.reference != "wired" or tile.references is None:
        return None
    return tile.references.at(t_s, relaxation=s.relaxation, read_noise=s.read_noise)


def currents_of(g_S: Floats, settings: MvmSettings, beside_S: Floats | None = None) -> Currents:
    """Return the currents of an array (rows, columns) [S] as a function of its voltages, by the chosen treatment of the wires.

    Of pairs it is the difference of both columns.  beside_S : wired reference columns (rows, count) [S], subtracted too.
    """
    s = settings
    signed: Currents = _pairs if s.scheme == "pair" else np.asarray
    if beside_S is not None:
        places = ReferenceColumns.among(g_S.shape[1], s.reference_every)
        g_S, signed = places.join(g_S, beside_S), places.difference
    word = 0.0 if s.ir_drop in ("bit lines", "none") else s.wire_ohm
    bit = 0.0 if s.ir_drop in ("word lines", "none") else s.wire_ohm
    wires = Wires.uniform(word, bit_ohm=bit)
    if s.cell is not None and s.ir_drop == "tabulated":
        table = CellTable.kept(s.cell, s.read_V)
        product = CellProduct.of(table, g_S, wires if s.wire_ohm > 0.0 else None)
        return lambda volts: signed(product.currents(volts))
    if s.cell is not None:
        law = HoppingCell.from_conductance(s.cell, g_S, read_V=s.read_V, gate_V=s.gate_V)
        of_cells = NonlinearCrossbar(law, wires)
        return lambda volts: signed(of_cells.solve(volts).bit_A)
    if s.ir_drop == "aihwkit" and s.wire_ohm > 0.0:
        shortcut = _aihwkit(g_S, s)
        return shortcut if s.scheme == "pair" else lambda volts: signed(shortcut(volts))
    if s.ir_drop == "none" or s.wire_ohm == 0.0:
        return _product(signed(g_S))
    crossbar = Crossbar(g_S, wires)
    if s.ir_drop == "tabulated":
        return _product(signed(crossbar.transfer_S(rtol=_TRANSFER_RTOL)))
    return lambda volts: signed(crossbar.forward(volts).bit_A)


def _product(matrix_S: Floats) -> Currents:
    matrix = np.ascontiguousarray(matrix_S)
    return lambda volts: volts @ matrix


def _pairs(values: Floats) -> Floats:
    return values[:, 0::2] - values[:, 1::2]


_TRANSFER_RTOL = 1e-11  # errors of the lines add up in a product, so each is held well below the 1e-9 of an exact solve


def _aihwkit(g_S: Floats, s: MvmSettings) -> Currents:
    """The formula acts on signed weights; its result is put back as if the mid-point had no drop, which is its assumption."""
    mapping = s.mapping
    weights = mapping.weights(g_S)

    def currents(volts: Floats) -> Floats:
        y = mapping.scale_S * s.read_V * aihwkit_product(weights, volts / s.read_V, s.wire_ohm, s.ir_scale_S)
        return y if s.scheme == "pair" else np.asarray(y + mapping.reference_S * volts.sum(axis=1, keepdims=True))

    return currents


def check_inputs(inputs: Any, rows: int) -> Floats:
    """Return inputs as (vectors, rows), or raise InputError: finite, -1..1."""
    x = np.atleast_2d(np.asarray(inputs, float))
    if x.ndim != 2 or x.shape[1] != rows or not len(x):
        raise InputError(
            f"inputs has shape {np.shape(inputs)}, which does not fit {rows} rows: expected (vectors, {rows})."
        )
    if not np.all(np.abs(x) <= 1.0):
        raise InputError("inputs must be finite and between -1 and 1: 1 is the full scale of the DAC.")
    return x
