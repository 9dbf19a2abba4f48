"""The chain a network is read through, from what the command line says; the same words as `reram mvm`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from compact_model.mvm.settings import MvmSettings

Wire = Annotated[str, typer.Option(help="Resistance of one wire segment when the arrays are read, with its unit.")]
Dac = Annotated[int, typer.Option(help="Bits of the DAC when the arrays are read; 0 for an ideal one.")]
Adc = Annotated[int, typer.Option(help="Bits of the ADC when the arrays are read; 0 for an ideal one.")]
IrDrop = Annotated[
    str, typer.Option(help="exact, tabulated (the same, quicker), word lines, bit lines, aihwkit or none.")
]
TileSize = Annotated[int, typer.Option("--tile", help="Largest array, rows and columns of devices.")]


def chain_of(wire: str, dac: int, adc: int, ir_drop: str, tile: int, **more: Any) -> MvmSettings:
    """Return the chain of these options, or raise InputError; `more` as in `MvmSettings.replace`."""
    from compact_model.mvm.cli import parse_quantity
    from compact_model.training.network_in_arrays import default_chain

    given: dict[str, Any] = {"tile_rows": tile, "tile_columns": tile, "dac_bits": dac or None, "adc_bits": adc or None}
    return default_chain(wire_ohm=parse_quantity("wire", wire, "ohm"), ir_drop=ir_drop, **given, **more)


def words(rows: list[dict[str, Any]], figure: str) -> list[str]:
    """Return one line per moment."""
    out = []
    for row in rows:
        both = []
        for name in (figure, f"{figure}_shift_corrected"):
            spread = row.get(f"{name}_spread")
            both.append(f"{row[name]:.4f}" + (f" ± {spread:.4f}" if spread is not None else ""))
        out.append(f"  {row['time_s']:>10.4g} s after   {both[0]}   mean drift taken back {both[1]}")
    return out
