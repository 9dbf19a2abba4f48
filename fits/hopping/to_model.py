"""From a hopping fit to the compact model file: only what the data see, or what is fixed with a source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from compact_model.cell import Cell
from compact_model.model import CompactModel, Covariance
from compact_model.transistor import Transistor
from ground.errors import InputError
from ground.provenance import Source, provenance, published

if TYPE_CHECKING:
    from fits.hopping.result import HoppingFit


def to_compact_model(
    fit: HoppingFit,
    *,
    name: str = "",
    files: Iterable[str | Path | Source] = (),
    near: Path | None = None,
    transistor: Transistor | None = None,
) -> CompactModel:
    """Return the published compact model with the fitted cell in place of its own.

    transistor : of the 1T1R cell (default: published on-resistance).  files : what was measured, for the provenance.
    near : the file that the model will be saved as.
    Raises InputError naming the parameters that the data do not see.
    """
    if fit.doubts:
        raise InputError(f"no model is exported: {'; '.join(fit.doubts)}.")
    lost = [n for n, p in fit.parameters.items() if not p.identified]
    if lost:
        raise InputError(
            f"the data do not identify {', '.join(lost)}, so no model is exported. "
            f"{''.join(a[0].upper() + a[1:] + '. ' for a in fit.advice[:1])}"
            "Or fix the barrier with a source (--fix 'barrier_hrs_eV=80 meV: where it is from')."
        )
    low, high = fit.temperature_range_K
    cell = Cell(
        filament_radius_m=fit.r_cf_m, hopping=fit.hopping, transistor=transistor or Transistor.from_on_resistance()
    )
    base = CompactModel.published()
    record = provenance(
        "fit_hopping",
        files=[*files, *fit.response_table, *published()],
        near=near,
        synthetic=fit.synthetic,
        attempt_Hz=vars(fit.attempt),
        fixed={n: vars(f) for n, f in fit.choice.fixed.items()},
        intervals=fit.resampled.described if fit.resampled else "linear",
        points=fit.points,
        residual_rms=fit.residual_rms,
        population="arXiv:2502.04524",
    )
    covariance = Covariance(names=fit.names, matrix=tuple(tuple(float(x) for x in row) for row in fit.covariance))
    volts = [abs(float(v)) for c in fit.curves for v in (c.voltage_V.min(), c.voltage_V.max())]
    validity = {
        **base.validity,
        "T_dome_K": (low, high),
        "E_dome_V_per_m": fit.field_range_V_per_m,
        "bias_V": (-max(volts), max(volts)),
    }
    return base.replace(
        name=name or "hopping fit" + (" of SYNTHETIC data" if fit.synthetic else ""),
        cell=cell,
        covariance=covariance,
        validity=validity,
        provenance=record,
    )
