"""How far the mesh can be trusted: finer and finer rims, the observed order, the extrapolated value and its error.

The fields are singular at the rims of the filament, so the order is that of the singularity (about 1), not of the elements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from device_physics.device import Device
from device_physics.electrothermal import check_bias, solve
from device_physics.fem_record import fem_record
from ground.errors import InputError
from meshes.stack import Stack

SAFETY = 1.25  # of the grid convergence index: Roache, J. Fluids Eng. 116, 405 (1994)
QUANTITIES = {"resistance_ohm": "ohm", "dT_per_W": "K/W", "dT_K": "K", "E_per_V": "1/m"}


@dataclass(frozen=True)
class MeshRow:
    """One mesh: its edge length at the rim and its growth, its size, and what was found at the bias. Nones without a dome."""

    rim_size_m: float
    growth: float
    cells: int
    dofs: int
    resistance_ohm: float
    dT_per_W: float | None
    dT_K: float | None
    E_per_V: float | None


@dataclass(frozen=True)
class Extrapolation:
    """Richardson's value for an edge length of nothing.

    order : observed exponent of the edge length; None where the last three values show none (they do not converge
    monotonically).  value : extrapolated, or that of the finest mesh where there is no order.  error : of `value`, by the
    safety factor of the grid convergence index, plus twice what the finer mesh away from the rim changes.
    own_error : of the device's own mesh relative to `value`.  reason : why there is no order, or empty.
    """

    order: float | None
    value: float
    error: float
    own_error: float
    reason: str = ""


@dataclass(frozen=True)
class MeshStudy:
    """The meshes, finest last; quantity -> Extrapolation.

    finer_bulk : the coarsest rim with half the growth and twice the dome's divisions, for the error away from the rim.
    """

    rows: tuple[MeshRow, ...]
    own: MeshRow
    finer_bulk: MeshRow
    extrapolated: dict[str, Extrapolation]
    provenance: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the study as a JSON-like dictionary."""
        return asdict(self)

    def report(self) -> str:
        """Return the study as a readable table."""
        lines = ["  rim [nm]   growth     cells      dofs      R [ohm]   dT/P [K/W]       dT [K]    E/V [1/m]"]
        for row in (*self.rows, self.finer_bulk):
            found = (row.dT_per_W, row.dT_K, row.E_per_V)
            dome = "".join(f"   {v:10.5g}" if v is not None else "            -" for v in found)
            lines.append(
                f"{row.rim_size_m * 1e9:10.4g} {row.growth:8.3g} {row.cells:9d} {row.dofs:9d} {row.resistance_ohm:12.2f}{dome}"
            )
        for name, e in self.extrapolated.items():
            order = f"observed order {e.order:.2f}" if e.order is not None else e.reason
            lines.append(
                f"{name}: {e.value:.6g} +- {e.error:.2g} {QUANTITIES[name]}   {order}   error of the device's own mesh {e.own_error:.2%}"
            )
        return "\n".join(lines)


def mesh_study(
    what: Device | Stack | None = None,
    bias_V: float = 0.2,
    rim_sizes_m: Sequence[float] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> MeshStudy:
    """Solve a device at one bias on at least three meshes, finer each time, and extrapolate; self-consistently where it must be.

    rim_sizes_m : edge lengths at the rims [m], each smaller than the one before; without them the device's own, times
    2, 1, 1/2 and 1/4.  Raises InputError for other lists, a mesh from a file or a device without filaments, and NotConverged.
    """
    device, bias_V = Device.of(what), check_bias(bias_V)
    _check_device(device, bias_V)
    own_size = device.mesh.rim_size_m
    sizes = (
        [float(s) for s in rim_sizes_m]
        if rim_sizes_m is not None
        else [2 * own_size, own_size, own_size / 2, own_size / 4]
    )
    if len(sizes) < 3 or any(b >= a for a, b in pairwise(sizes)):
        raise InputError(
            f"rim_sizes_m={sizes} is not allowed: expected at least three edge lengths, each smaller than the one before."
        )
    growth = device.mesh.growth
    divisions = device.mesh.dome_divisions
    wanted = [(s, growth, divisions) for s in sizes]
    wanted += [(sizes[0], max(growth / 2, 0.05), min(2 * divisions, 200.0)), (own_size, growth, divisions)]
    devices = {
        w: device.replace(mesh=device.mesh.replace(rim_size_m=w[0], growth=w[1], dome_divisions=w[2])) for w in wanted
    }
    found: dict[tuple[float, float, float], MeshRow] = {}
    for key, changed in devices.items():
        found[key] = _row(changed, bias_V)
        if progress:
            progress(len(found), len(devices))
    rows, finer, own = [found[w] for w in wanted[: len(sizes)]], found[wanted[-2]], found[wanted[-1]]
    results = {}
    for name in QUANTITIES:
        values = [getattr(r, name) for r in rows]
        if None not in values:
            bulk = 2 * abs(getattr(finer, name) - values[0])
            results[name] = extrapolate(sizes, values, bulk, getattr(own, name))
    record = fem_record("reram mesh study", device, bias_V=bias_V)
    return MeshStudy(tuple(rows), own, finer, results, record)


def _check_device(device: Device, bias_V: float) -> None:
    if device.mesh.file is not None:
        raise InputError(
            f"mesh study: mesh.file={device.mesh.file!r} cannot be refined; leave it out of the device file."
        )
    if not device.stack.filaments:
        raise InputError("mesh study: the device has no filament, and so no rim to refine the mesh at.")
    if bias_V == 0.0:
        raise InputError("mesh study: bias_V=0 is not allowed: without power there is no temperature rise to compare.")


def _row(device: Device, bias_V: float) -> MeshRow:
    s = solve(device, bias_V)
    field = None if s.dome.E_mean_V_per_m is None else s.dome.E_mean_V_per_m / abs(bias_V)
    rise = None if s.dome.T_mean_K is None else s.dome.T_mean_K - device.stack.ambient_K
    size = (device.mesh.rim_size_m, device.mesh.growth, s.cells, s.dofs)
    return MeshRow(*size, s.resistance_ohm, s.r_th_K_per_W, rise, field)


def extrapolate(sizes: Sequence[float], values: Sequence[float], bulk: float, own: float) -> Extrapolation:
    """Extrapolate the last three values to size 0; `bulk` is added to the error, `own` is compared with the result.

    The order p solves (f1 - f2)/(f2 - f3) = (h1^p - h2^p)/(h2^p - h3^p), for any ratio of the sizes.
    """
    from scipy.optimize import brentq

    (h1, h2, h3), (f1, f2, f3) = sizes[-3:], values[-3:]
    spread = max(values[-3:]) - min(values[-3:])
    if f2 == f3 or (f1 - f2) / (f2 - f3) <= 0:
        why = "no order observed: the last three values do not move one way (other errors are larger than that of the rim)"
        return _result(None, f3, spread + bulk, own, why)

    def gap(p: float) -> float:
        return float((h1**p - h2**p) / (h2**p - h3**p) - (f1 - f2) / (f2 - f3))

    low, high = 0.1, 8.0
    if gap(low) > 0 or gap(high) < 0:
        why = f"no order observed between {low:g} and {high:g}"
        return _result(None, f3, spread + bulk, own, why)
    p = float(brentq(gap, low, high))
    value = f3 + (f3 - f2) * h3**p / (h2**p - h3**p)
    return _result(p, value, SAFETY * abs(value - f3) + bulk, own, "")


def _result(order: float | None, value: float, error: float, own: float, reason: str) -> Extrapolation:
    return Extrapolation(order, value, error, abs(own - value) / abs(value), reason)
