"""What a multiplication in memory is made of, in physical units."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from compact_model.mvm.converters import MOST_BITS
from compact_model.mvm.devices import DeviceName
from compact_model.mvm.mapping import Mapping, Scheme
from ground.errors import InputError
from ground.paper import paper
from ground.spec import Spec
from ground.units import Quantity

Siemens = Annotated[float, Quantity("S", 0.0, 1.0)]
Ohm = Annotated[float, Quantity("ohm", 0.0, 1e6)]
IrDrop = Literal["exact", "word lines", "bit lines", "aihwkit", "none"]
Programming = Literal["simulated", "stated", "ideal"]
Compensation = Literal["none", "gain", "shift", "gain and shift"]
Reference = Literal["digital", "column"]


class MvmSettings(Spec):
    """One chain: DAC, crossbar, ADC, digital correction.

    device : "CMO/HfOx", "Wan 2022" or "PCM".  low_S, high_S : window of the weights -1 and 1 [S].  scheme : "single" device
    and mid-point, or "pair".  tile_rows, tile_columns : largest array [devices]; larger matrices are cut, and every array
    has converters of its own, whose results are added digitally.
    dac_bits, adc_bits : 0 stands for an ideal converter at the command line and is None here.  read_V : full scale of the DAC.
    adc_full_scale_A : None for 5.6 standard deviations of the current of uniform weights and inputs (aihwkit's out_bound of 15 at
    64 rows).  reference : the mid-point is taken off "digital"ly, or by a reference "column" before the ADC (scheme single).
    wire_ohm : one segment.  ir_drop : "exact", with only "word lines" or only "bit lines" resistive, "aihwkit" (its static formula,
    ir_scale_S being the conductance of a weight of 1 in it), or "none".
    programming : "simulated" closed loop, "stated" width, or "ideal".  acceptance : of the closed loop.
    relaxation, read_noise : whether they happen.  compensation : digital, of the mean drift: a global "gain", the mean "shift" of all
    devices, both, or "none"; known exactly, as from a calibration with many reads.
    """

    device: DeviceName = "CMO/HfOx"
    low_S: Siemens = 9e-6
    high_S: Siemens = 89e-6
    scheme: Scheme = "single"
    tile_rows: Annotated[int, Quantity("", 1, 4096)] = 4096
    tile_columns: Annotated[int, Quantity("", 1, 8192)] = 8192
    dac_bits: Annotated[int, Quantity("", 2, MOST_BITS)] | None = 6
    adc_bits: Annotated[int, Quantity("", 2, MOST_BITS)] | None = 8
    read_V: Annotated[float, Quantity("V", 1e-3, 2.0)] = 0.2
    adc_full_scale_A: Annotated[float, Quantity("A", 1e-12, 10.0)] | None = None
    reference: Reference = "column"
    wire_ohm: Ohm = 0.35
    ir_drop: IrDrop = "exact"
    ir_scale_S: Siemens = 100e-6
    programming: Programming = "stated"
    acceptance: Annotated[float, Quantity("", 1e-6, 0.5)] = 0.002
    relaxation: bool = True
    read_noise: bool = True
    compensation: Compensation = "none"

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        self.mapping  # noqa: B018  says so where the window is upside down
        if self.scheme == "pair" and self.tile_columns < 2:
            raise InputError("MvmSettings.tile_columns=1 is not allowed with pairs: expected 2 or more.")
        return self

    @property
    def mapping(self) -> Mapping:
        return Mapping(self.low_S, self.high_S, self.scheme)

    @classmethod
    def published(cls, **changes: object) -> Self:
        """Return the chain of arXiv:2502.04524, section on inference, with exact IR drop; `changes` as in replace."""
        p = paper()
        mvm = p["mvm"]
        low, high = mvm["g_window_uS"]
        start = cls(
            low_S=low * 1e-6,
            high_S=high * 1e-6,
            dac_bits=mvm["dac_bits"],
            adc_bits=mvm["adc_bits"],
            read_V=p["program_verify"]["read_V"],
            wire_ohm=mvm["r_wire_segment_ohm"],
            ir_scale_S=mvm["g_max_for_ir_drop_uS"] * 1e-6,
        )
        return start.replace(**changes)
