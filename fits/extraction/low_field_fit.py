"""r_CF from the post-forming resistance, sigma_CMO from the one after the first negative sweep, with what they hang on.

Both are the inverse of the low-field resistance of the 3D device. Source: arXiv:2502.04524, section 4.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from device_physics.device import Device
from device_physics.dome_response import Response
from fits.extraction.device_resistance import DeviceResistance, resistance_of
from fits.extraction.tornado import Lever, combined, tornado
from fits.reading.fields import SERIES_RESISTANCE, checked
from ground.errors import InputError
from ground.units import Quantity

RESISTANCE = Quantity("ohm", 1.0, 1e9)
RADIUS = Quantity("m", 1e-9, 1e-7)
CONDUCTIVITY = Quantity("S/m", 1.0, 1e6)
_TOLERANCE = 2e-4  # of ln R, before a last linear step
_LINEAR = 0.02  # a change of ln R up to here is followed linearly, a larger one by a new solution
_SHOWN = {"r_cf_m": ("r_CF", "nm", 1e9), "sigma_cmo_S_per_m": ("sigma_CMO", "S/cm", 1e-2)}


@dataclass(frozen=True)
class Extraction:
    """One extracted value with its errors, all in SI.

    data_stderr : from the error of the resistance; None where none was given.  constants_down, constants_up : from the substituted
    constants, added in squares; None where they were not varied.  sensitivity : d ln(value) / d ln(resistance).
    held : what was held, by name.  without_effect : substituted constants that no resistance depends on.
    resistance_from : where the resistance comes from, in words.
    """

    quantity: Literal["r_cf_m", "sigma_cmo_S_per_m"]
    value: float
    data_stderr: float | None
    constants_down: float | None
    constants_up: float | None
    sensitivity: float
    resistance_ohm: float
    resistance_stderr_ohm: float | None
    r_series_ohm: float
    held: dict[str, float]
    engine: str
    solves: int
    levers: tuple[Lever, ...]
    without_effect: tuple[str, ...]
    synthetic: bool = False
    resistance_from: str = ""

    @property
    def shown(self) -> tuple[str, str, float]:
        """Name, unit, and factor from SI, for people."""
        return _SHOWN[self.quantity]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        return {**asdict(self), "levers": [lever.to_dict() for lever in self.levers]}

    def report(self) -> str:
        """Return value, both errors, where they come from, and the constants, longest lever first."""
        name, unit, scale = self.shown
        data = "not given" if self.data_stderr is None else f"+- {self.data_stderr * scale:.2g}"
        constants = "not varied"
        if self.constants_down is not None and self.constants_up is not None:
            constants = f"-{self.constants_down * scale:.2g} +{self.constants_up * scale:.2g}"
        error = "" if self.resistance_stderr_ohm is None else f" +- {self.resistance_stderr_ohm:.4g}"
        held = ", ".join(f"{_SHOWN[n][0]} = {v * _SHOWN[n][2]:.4g} {_SHOWN[n][1]}" for n, v in self.held.items())
        lines = [
            f"{name} = {self.value * scale:.4g} {unit}   data: {data}   constants: {constants}"
            + ("   SYNTHETIC" if self.synthetic else ""),
            f"  from {self.resistance_ohm:.5g}{error} ohm ({self.r_series_ohm:g} ohm in series subtracted), {held} held",
            f"  by the {self.engine}" + (f", {self.solves} solves" if self.solves else "") + "; "
            f"1 % more resistance is {self.sensitivity:+.2f} % of {name}",
        ]
        for lever in self.levers:
            ends = [x if x is None else f"{x * scale:.4g}" for x in (lever.result_low, lever.result_high)]
            lines.append(f"  {lever.name:28s} {lever.low} .. {lever.high}: {ends[0]} .. {ends[1]} {unit}")
            lines += [f"    {lever.reason}"] if lever.reason else []
        if self.without_effect:
            lines.append(f"  without effect on a resistance: {', '.join(self.without_effect)}")
        if self.constants_down is None:
            lines.append(
                "  the table holds the substituted constants at their default values: with the FEM they are varied"
            )
        if self.resistance_from:
            lines.append(f"  data: {self.resistance_from}")
        return "\n".join(lines)

    def plot(self) -> Any:
        """Return a matplotlib figure: the tornado of the data's error and the constants."""
        from fits.extraction.tornado_plot import figure_of

        return figure_of(self)


def fit_filament(
    resistance_ohm: float | str,
    *,
    resistance_stderr_ohm: float | None = None,
    sigma_cmo_S_per_m: float | str = 500.0,
    r_series_ohm: float = 0.0,
    device: Device | None = None,
    table: Response | None = None,
    engine: str = "auto",
    constants: bool = True,
    solved: Callable[[int], None] | None = None,
    synthetic: bool = False,
) -> Extraction:
    """Return the filament radius that gives the measured low-field resistance (transistor included: r_series_ohm is subtracted).

    engine : "auto", "fem" or "table"; a `table` given is used.  constants : vary the substituted ones.  solved : called with the
    number of FEM solves so far.  Raises InputError where no radius of the allowed range gives this resistance.
    """
    sigma = CONDUCTIVITY.named("sigma_cmo_S_per_m", sigma_cmo_S_per_m)
    guess = Device.of(device).stack.filament.radius_m
    ohm = _device_ohm(resistance_ohm, r_series_ohm)
    source = resistance_of(engine, device, table, (guess, sigma), solved)
    return _extract(
        "r_cf_m",
        source,
        device,
        ohm,
        resistance_stderr_ohm,
        r_series_ohm,
        guess,
        {"sigma_cmo_S_per_m": sigma},
        constants,
        synthetic,
    )


def fit_cmo(
    resistance_ohm: float | str,
    *,
    r_cf_m: float | str,
    resistance_stderr_ohm: float | None = None,
    r_series_ohm: float = 0.0,
    device: Device | None = None,
    table: Response | None = None,
    engine: str = "auto",
    constants: bool = True,
    solved: Callable[[int], None] | None = None,
    synthetic: bool = False,
) -> Extraction:
    """Return the conductivity of the CMO that gives the measured low-field resistance at a filament radius; as `fit_filament`."""
    radius = RADIUS.named("r_cf_m", r_cf_m)
    ohm = _device_ohm(resistance_ohm, r_series_ohm)
    guess = min(max(1.0 / (4 * radius * ohm) * 1.2, CONDUCTIVITY.low), CONDUCTIVITY.high)  # a disc on a half-space
    source = resistance_of(engine, device, table, (radius, guess), solved)
    return _extract(
        "sigma_cmo_S_per_m",
        source,
        device,
        ohm,
        resistance_stderr_ohm,
        r_series_ohm,
        guess,
        {"r_cf_m": radius},
        constants,
        synthetic,
    )


def _device_ohm(resistance_ohm: float | str, r_series_ohm: float) -> float:
    measured = RESISTANCE.named("resistance_ohm", resistance_ohm)
    series = checked("r_series_ohm", r_series_ohm, SERIES_RESISTANCE)
    if series >= measured:
        raise InputError(
            f"r_series_ohm={series:g} is not allowed: it leaves nothing of the measured {measured:g} ohm for the device."
        )
    return measured - series


def _extract(
    quantity: Literal["r_cf_m", "sigma_cmo_S_per_m"],
    source: DeviceResistance,
    device: Device | None,
    ohm: float,
    stderr: float | None,
    series: float,
    guess: float,
    held: dict[str, float],
    constants: bool,
    synthetic: bool,
) -> Extraction:
    if stderr is not None and not (math.isfinite(stderr) and 0 <= stderr < ohm):
        raise InputError(
            f"resistance_stderr_ohm={stderr!r} is not allowed: expected 0 up to the {ohm:g} ohm of the device."
        )
    limits = source.radii_m if quantity == "r_cf_m" else source.sigmas_S_per_m
    hold = source.sigmas_S_per_m if quantity == "r_cf_m" else source.radii_m
    for name, value in held.items():
        if not hold[0] <= value <= hold[1]:
            raise InputError(f"{name}={value:g} is not allowed: the {source.name} covers {hold[0]:g}..{hold[1]:g}.")

    def resistance(x: float, changes: dict[str, str] | None = None) -> float:
        return source(**{quantity: x, **held}, changes=changes)

    value = _inverse(resistance, ohm, guess, limits, quantity)
    near = (max(value / 1.03, limits[0]), min(value * 1.03, limits[1]))
    slope = math.log(resistance(near[1]) / resistance(near[0])) / math.log(near[1] / near[0])

    def refit(name: str, text: str) -> float:
        changed = {name: text}
        # Against the unchanged device on the same mesh, so that the mesh does not enter.
        step = math.log(resistance(value, changed) / resistance(value))
        x = value * math.exp(-step / slope)
        if abs(step) <= _LINEAR:
            return x
        return _inverse(lambda r: resistance(r, changed), ohm, x, limits, quantity)

    electrical = [n for n in source.constants if "electrical" in n] if constants else []
    levers = tornado(value, [(n, *_ends(device, n)) for n in electrical], refit)
    down, up = combined(value, levers) if levers else (None, None)
    return Extraction(
        quantity=quantity,
        value=value,
        data_stderr=None if stderr is None else value * stderr / ohm / abs(slope),
        constants_down=down,
        constants_up=up,
        sensitivity=1.0 / slope,
        resistance_ohm=ohm,
        resistance_stderr_ohm=stderr,
        r_series_ohm=float(series),
        held=held,
        engine=source.name,
        solves=source.solves,
        levers=levers,
        without_effect=tuple(n for n in source.constants if n not in electrical) if constants else (),
        synthetic=synthetic,
    )


def _ends(device: Device | None, name: str) -> tuple[str, str]:
    material, field = name.split(".")
    row = Device.of(device).materials[material]
    ends = row.sources[field].range
    if ends is None:
        raise InputError(
            f"materials.{name}: it is marked as substituted and has no range; give its source a range = [low, high]."
        )
    return ends


def _inverse(
    resistance: Callable[[float], float], ohm: float, guess: float, limits: tuple[float, float], quantity: str
) -> float:
    """Return x in `limits` with resistance(x) = ohm: secant steps in the logarithms, kept inside what is known to hold the root.

    The resistance falls with radius and conductivity. Raises InputError where `ohm` lies outside what the limits give.
    """
    low, high = math.log(limits[0]), math.log(limits[1])
    at, slope = min(max(math.log(guess), low), high), -1.0
    below, above = low, high  # the root lies between
    last: tuple[float, float] | None = None
    for _ in range(40):
        gap = math.log(resistance(limits[0] if at == low else limits[1] if at == high else math.exp(at)) / ohm)
        if last is not None and (gap - last[1]) / (at - last[0]) < 0:
            slope = (gap - last[1]) / (at - last[0])
        target = at - gap / slope
        if abs(gap) <= _TOLERANCE:
            return math.exp(min(max(target, low), high))
        if (at == low and gap < 0) or (at == high and gap > 0):
            raise _out_of_range(resistance, ohm, limits, quantity)
        below, above = (at, above) if gap > 0 else (below, at)
        last = (at, gap)
        inside = below < target < above
        at = target if inside else (below + above) / 2 if (below > low and above < high) else high if gap > 0 else low
    raise InputError(f"{quantity}: no value was found for {ohm:g} ohm; the resistance does not fall steadily with it.")


def _out_of_range(
    resistance: Callable[[float], float], ohm: float, limits: tuple[float, float], quantity: str
) -> InputError:
    name, unit, scale = _SHOWN[quantity]
    ends = sorted(resistance(x) for x in limits)
    return InputError(
        f"resistance_ohm={ohm:.5g} is not allowed: {name} of {limits[0] * scale:.4g}..{limits[1] * scale:.4g} {unit} gives "
        f"{ends[0]:,.0f}..{ends[1]:,.0f} ohm. Likely cause: a series resistance (transistor, lines) that was not subtracted, a branch "
        "in another state, or another value of what is held."
    )
