"""What a multiplication in memory is made of, in physical units."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator

from compact_model.cell import Cell
from compact_model.mvm.converters import MOST_BITS
from compact_model.mvm.devices import DeviceName
from compact_model.mvm.mapping import Mapping, Scheme
from ground.errors import InputError
from ground.paper import paper
from ground.spec import GrownSpec
from ground.units import Quantity

Siemens = Annotated[float, Quantity("S", 0.0, 1.0)]
Ohm = Annotated[float, Quantity("ohm", 0.0, 1e6)]
IrDrop = Literal["exact", "tabulated", "word lines", "bit lines", "aihwkit", "none"]
Programming = Literal["simulated", "stated", "ideal"]
Compensation = Literal["none", "gain", "shift", "gain and shift"]
Reference = Literal["digital", "column", "wired"]


class MvmSettings(GrownSpec):
    """One chain: DAC, crossbar, ADC, digital correction.

    device : "CMO/HfOx", "Wan 2022" or "PCM".  low_S, high_S : window of the weights -1 and 1 [S].  scheme : "single" device
    and mid-point, or "pair".  tile_rows, tile_columns : largest array [devices]; larger matrices are cut, and every array
    has converters of its own, whose results are added digitally.
    dac_bits, adc_bits : 0 stands for an ideal converter at the command line and is None here.  read_V : full scale of the DAC.
    adc_full_scale_A : None for 5.6 standard deviations of the current of uniform weights and inputs (aihwkit's out_bound of 15 at
    64 rows).  reference : of a single device, the current of the mid-point is taken off "digital"ly, or before the ADC by an ideal
    "column" that knows no wires, or by a "wired" one: a bit line of mid-point devices in the same array (in addition to
    tile_columns), programmed and relaxing like the others, so that what wires, cells and drift take from the mid-point they take from
    both. It is subtracted before the ADC, as usual: the ADC then has to hold the difference only, and no second one adds its rounding.
    "aihwkit" IR drop knows no drop of a mid-point: there a wired column brings nothing but the errors of its devices.
    reference_every : weight columns that share a wired reference, which stands in their middle; None for one per array.
    wire_ohm : one segment.  ir_drop : "exact"; "tabulated" (the same, by the matrix the array really multiplies with, made once:
    quicker for many vectors; with a cell, see there); with only "word lines" or only "bit lines" resistive, "aihwkit" (its static formula,
    ir_scale_S being the conductance of a weight of 1 in it), or "none".
    programming : "simulated" closed loop, "stated" width, or "ideal".  acceptance : of the closed loop.
    relaxation, read_noise : whether they happen.  compensation : digital, of the mean drift: a global "gain", the mean "shift" of all
    devices, both, or "none"; known exactly, as from a calibration with many reads.
    cell : the physical cell, for a read through its own current-voltage curve: each device is put into the state in which it shows its
    conductance at read_V, and carries less than in proportion at smaller inputs; None for linear devices. "exact" IR drop then is Newton's
    method, "tabulated" the linear array's matrix and what the cells bend on top (`CellProduct`): within 0.2 % on the published arrays,
    thousands of times quicker.  gate_V : of the cell's transistors, solved with the cells; None for cells alone.
    """

    added: ClassVar[tuple[str, ...]] = ("cell", "gate_V", "reference_every")

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
    cell: Cell | None = None
    gate_V: Annotated[float, Quantity("V", 0.0, 10.0)] | None = None
    reference_every: Annotated[int, Quantity("", 1, 8192)] | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        self.mapping  # noqa: B018  says so where the window is upside down
        if self.scheme == "pair" and self.tile_columns < 2:
            raise InputError("MvmSettings.tile_columns=1 is not allowed with pairs: expected 2 or more.")
        if self.cell is not None and (self.ir_drop == "aihwkit" or self.device != "CMO/HfOx"):
            raise InputError(
                f"MvmSettings.ir_drop={self.ir_drop!r}, device={self.device!r} are not allowed with a cell: expected CMO/HfOx, and any "
                "IR drop but 'aihwkit', which knows linear devices only."
            )
        if self.gate_V is not None and (self.cell is None or self.cell.transistor is None):
            raise InputError(
                f"MvmSettings.gate_V={self.gate_V:g} is not allowed without a cell that has a transistor; leave it out."
            )
        if self.gate_V is not None and self.ir_drop == "tabulated":
            raise InputError(
                f"MvmSettings.gate_V={self.gate_V:g} is not allowed with ir_drop='tabulated', whose table is that of cells alone: expected "
                "'exact', 'word lines', 'bit lines' or 'none'."
            )
        if self.reference == "wired" and self.scheme == "pair":
            raise InputError(
                "MvmSettings.reference='wired' is not allowed with pairs: each weight has a second device as its reference; "
                "choose scheme='single'."
            )
        if self.reference_every is not None and self.reference != "wired":
            raise InputError(
                f"MvmSettings.reference_every={self.reference_every} is not allowed with reference={self.reference!r}: expected 'wired'."
            )
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
