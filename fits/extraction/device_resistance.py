"""Low-field resistance of the device over (r_CF, sigma_CMO): from the FEM, or from the response table where there is no FEM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from device_physics.device import Device
from device_physics.dome_response import Response
from device_physics.materials import Material
from ground.errors import InputError, MissingLibrary, nearest

Range = tuple[float, float]
ENGINES = ("auto", "fem", "table")
_BIAS_V = 0.1  # any: the device is linear
_SIGMA_S_PER_M: Range = (1.0, 1e6)
_SMALLEST_RADIUS_M = 2e-9


class DeviceResistance(Protocol):
    """What an extraction asks. name : for the report.  radii_m, sigmas_S_per_m : allowed ranges.  solves : FEM solves so far.

    constants : names of the substituted constants that can be varied, each a key of `changes` of a call.
    """

    name: str
    radii_m: Range
    sigmas_S_per_m: Range
    solves: int
    constants: tuple[str, ...]

    def __call__(self, r_cf_m: float, sigma_cmo_S_per_m: float, changes: Mapping[str, str] | None = None) -> float:
        """Return the resistance [ohm] with some constants changed ("CF.electrical_conductivity": "1e4 S/m")."""


class FemResistance:
    """By the FEM, one solve per question; the answers are kept. The whole CMO layer, dome included, has sigma_CMO."""

    name = "FEM"

    def __init__(self, device: Device | None = None, solved: Callable[[int], None] | None = None) -> None:
        self.device = Device.of(device)
        if not getattr(self.device, "is_linear", True):
            raise InputError(
                "device: a low-field extraction needs constant conductivities, and a material of this device follows field or "
                "temperature. Take its hopping law, temperature coefficients and wiedemann_franz out."
            )
        stack = self.device.stack
        if len(stack.filaments) != 1:
            raise InputError(
                f"device: a low-field extraction finds one radius or one conductivity, and this device has {len(stack.filaments)} "
                "filaments. Give a device with one."
            )
        widest = 0.45 * stack.width_m
        if stack.dome.radius_m is None:
            widest = min(widest, 0.95 * stack.layer(stack.dome.layer).thickness_m)
        self.radii_m, self.sigmas_S_per_m = (_SMALLEST_RADIUS_M, widest), _SIGMA_S_PER_M
        self.cmo = stack.layer(stack.dome.layer).material
        self.constants = tuple(n for n in self.device.substituted() if n != f"{self.cmo}.electrical_conductivity")
        self.solves, self._solved, self._known = 0, solved, dict[object, float]()

    def __call__(self, r_cf_m: float, sigma_cmo_S_per_m: float, changes: Mapping[str, str] | None = None) -> float:
        """Return the resistance [ohm]; raises MissingLibrary where the FEM is not installed."""
        from device_physics.electrothermal import solve

        question = (r_cf_m, sigma_cmo_S_per_m, tuple(sorted((changes or {}).items())))
        if question not in self._known:
            device = self._with(r_cf_m, sigma_cmo_S_per_m, changes or {})
            self._known[question] = solve(device, _BIAS_V).resistance_ohm
            self.solves += 1
            if self._solved:
                self._solved(self.solves)
        return self._known[question]

    def _with(self, r_cf_m: float, sigma_cmo_S_per_m: float, changes: Mapping[str, str]) -> Device:
        stack, materials = self.device.stack, dict(self.device.materials)
        materials[self.cmo] = materials[self.cmo].replace(electrical_conductivity_S_per_m=sigma_cmo_S_per_m)
        for name, text in changes.items():
            material, field = name.split(".")
            materials[material] = materials[material].replace(**{full_field(field): text})
        plain: dict[str, None] = {"material": None, "electrical_conductivity_S_per_m": None}
        own = stack.filament.dome
        filament = stack.filament.replace(radius_m=r_cf_m, dome=None if own is None else own.replace(**plain))
        sized = stack.replace(filament=filament, dome=stack.dome.replace(**plain))
        return self.device.replace(stack=sized, materials=materials)


class TableResistance:
    """By interpolation in a response table. Its constants are baked in: none can be varied."""

    name = "response table"
    constants: tuple[str, ...] = ()

    def __init__(self, table: Response) -> None:
        self.table, self.solves = table, 0
        self.radii_m = (float(table.r_cf_m[0]), float(table.r_cf_m[-1]))
        both = (table.sigma_cmo_S_per_m, table.sigma_dome_S_per_m)
        self.sigmas_S_per_m = (float(max(s[0] for s in both)), float(min(s[-1] for s in both)))

    def __call__(self, r_cf_m: float, sigma_cmo_S_per_m: float, changes: Mapping[str, str] | None = None) -> float:
        """Return the resistance [ohm]; refuses what the table does not cover (InputError)."""
        if changes:
            raise InputError(f"the response table holds its constants fixed and cannot vary {', '.join(changes)}.")
        return 1.0 / float(self.table.at_radius(r_cf_m)(sigma_cmo_S_per_m, sigma_cmo_S_per_m).conductance_S)


def full_field(short: str) -> str:
    """Return the field of Material that a source names without its unit."""
    return next(f for f in Material.model_fields if f == short or f.startswith(f"{short}_"))


def resistance_of(
    engine: str,
    device: Device | None,
    table: Response | None,
    probe: tuple[float, float],
    solved: Callable[[int], None] | None = None,
) -> DeviceResistance:
    """Return what answers: "fem", "table" (the given one, else the shipped), or "auto": the FEM where it works.

    probe : (r_CF [m], sigma_CMO [S/m]) of the first question, asked here to see whether the FEM is there.
    Raises MissingLibrary where a device of one's own needs the FEM and there is none.
    """
    if engine not in ENGINES:
        raise InputError(f"engine={engine!r} is not known. {nearest(engine, ENGINES)}")
    if engine == "table" or (engine == "auto" and table is not None):
        return TableResistance(table or Response.default())
    fem = FemResistance(device, solved)
    if engine == "auto" and fem.device == Device.of():
        try:
            fem(*probe)
        except MissingLibrary:
            return TableResistance(Response.default())
    return fem
