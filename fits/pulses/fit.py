"""The pulse fit of one device: its own parameters by likelihood, beside the metrics that the published protocol reads off.

The two differ by more than noise: see `expected_protocol` and docs/physics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from compact_model.open_loop import run_open_loop
from compact_model.pulsed_device import PulsedDevices, symmetry_point_S
from fits.pulses.likelihood import Law, Maximum, StepLikelihood, step_of
from fits.pulses.read_noise import FilteredLikelihood, shows_read_noise
from fits.pulses.trace import PulseTrace, WithError, protocol_metrics
from fits.results.identifiability import Identified
from ground.errors import InputError, NotConverged

Array = NDArray[np.float64]
ReadNoise = Literal["auto", "none", "fit"]
_SOFT = ("ln_gamma_up", "ln_gamma_down")
_REACH = 1.96
_FACTOR = np.log(1.5)  # known to worse than this factor (95 %), a step, exponent or number of states is not known
_SHARE = 0.1  # likewise a skew, a bias, or a conductance as a share of the window
_LOGARITHMIC = ("n_states", "nsr", "gamma_up", "gamma_down", "gamma", "dg_sp")
PARAMETERS = (
    "n_states",
    "sp_skew",
    "nsr",
    "gamma_up",
    "gamma_down",
    "gamma",
    "gamma_up_down",
    "g_max",
    "g_min",
    "dg_sp",
    "g_sp",
)
_BETTER = 2.0  # a difference of AIC below this decides nothing


@dataclass(frozen=True)
class PulseFit:
    """parameters : of the device, by likelihood.  protocol : of the trace, as published; None where it does not alternate.

    general, soft : maxima under generalised soft bounds, and with both exponents 1.  covariance : of PARAMETERS, in that order.
    """

    trace: PulseTrace
    parameters: dict[str, Identified]
    protocol: dict[str, WithError] | None
    general: Maximum
    soft: Maximum
    covariance: Array

    @property
    def delta_aic(self) -> float:
        """AIC of soft bounds minus that of generalised soft bounds: positive where the exponents are needed."""
        return self.soft.aic - self.general.aic

    @property
    def unit(self) -> str:
        """Unit of conductances: S, or 1 for a normalised trace."""
        return "1" if self.trace.normalised else "S"

    @property
    def comparison(self) -> str:
        """Which law is better, and by how much."""
        d = self.delta_aic
        if abs(d) < _BETTER:
            return f"generalised and plain soft bounds describe the trace alike (AIC differs by {d:+.1f})"
        better = "generalised soft bounds" if d > 0 else "plain soft bounds (gamma = 1)"
        return f"{better} better by {abs(d):.1f} in AIC"

    def report(self) -> str:
        """The device's own parameters beside the protocol's metrics, and the comparison of laws."""
        kind = "SYNTHETIC data" if self.trace.synthetic else "measured data"
        noise = f", read noise {self.general.read_noise:.3g} {self.unit}" if self.general.read_noise else ""
        lines = [f"Pulse fit of {self.trace.device or 'one device'} ({self.trace.g.size} pulses, {kind}{noise})"]
        lines.append(f"  {'':<12}{'device (likelihood)':<28}{'protocol (as published)':<28}")
        for name in PARAMETERS:
            p = self.parameters[name]
            own = f"{p.value:.4g} +- {p.stderr:.2g}" + ("" if p.identified else " NOT SEEN")
            m = (self.protocol or {}).get(name)
            read = "" if m is None else f"{m.value:.4g}" + ("" if m.stderr is None else f" +- {m.stderr:.2g}")
            lines.append(f"  {name:<12}{own:<28}{read:<28}".rstrip())
        if self.protocol is None:
            lines.append(
                "  the trace does not end in 150 alternating pulses or more, so the protocol's metrics are not there"
            )
        for bound in self.general.held:
            lines.append(f"  {bound} cut steps off: known as it stands")
        lines.append(f"  {self.comparison}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """JSON-like dictionary of everything but the trace."""
        return {
            "device": self.trace.device,
            "pulses": int(self.trace.g.size),
            "unit": self.unit,
            "synthetic": self.trace.synthetic,
            "parameters": {n: vars(p) for n, p in self.parameters.items()},
            "protocol": None if self.protocol is None else {n: vars(p) for n, p in self.protocol.items()},
            "read_noise": self.general.read_noise,
            "held": list(self.general.held),
            "fitted": list(self.general.free),
            "covariance_ln": self.general.covariance.tolist(),
            "aic": {"generalised": self.general.aic, "soft": self.soft.aic, "delta": self.delta_aic},
            "comparison": self.comparison,
        }

    def plot(self) -> Any:
        """Return a matplotlib figure: trace, mean steps with the law, residuals."""
        from fits.pulses.plot import figure_of

        return figure_of(self)

    def expected_protocol(self, *, repeats: int = 32, seed: int = 0) -> dict[str, WithError]:
        """What the published protocol would read off devices that follow the fitted law: mean, and scatter of one trace.

        Beside `parameters` it shows the bias of the protocol; beside `protocol` it tests the law.
        Raises InputError where the trace does not show steps and noise of the device well enough to repeat it.
        """
        lost = [n for n in ("n_states", "nsr", "sp_skew") if not self.parameters[n].identified]
        if lost:
            raise InputError(
                f"expected_protocol: the trace does not show {', '.join(lost)}; there is no device to repeat."
            )
        law = self.general.law
        ids = np.arange(repeats)
        same = {
            n: np.full(repeats, getattr(law, n))
            for n in ("dg_up_S", "dg_down_S", "gamma_up", "gamma_down", "step_noise")
        }
        width = law.g_max_S - law.g_min_S  # the law depends on distances to the bounds only
        devices = PulsedDevices(g_max_S=np.full(repeats, width), g_min_S=np.zeros(repeats), device_id=ids, **same)
        m = run_open_loop(devices, seed=seed).metrics()
        return {
            n: WithError(float(np.mean(v)), float(np.std(v, ddof=1)))
            for n, v in (("n_states", m.n_states), ("sp_skew", m.sp_skew), ("nsr", m.nsr), ("dg_sp", m.dg_sp_S))
        }


def fit_pulses(trace: PulseTrace, *, read_noise: ReadNoise = "auto") -> PulseFit:
    """Fit generalised soft bounds to one trace, and plain ones (both exponents 1) for comparison.

    read_noise : "none" (every change is the device's), "fit", or "auto": fitted where neighbouring steps are anticorrelated.
    Raises InputError for another choice, NotConverged where the likelihood has no maximum.
    """
    if read_noise not in get_args(ReadNoise):
        raise InputError(f"read_noise={read_noise!r} is not allowed: expected one of {', '.join(get_args(ReadNoise))}.")
    general, soft = _maxima(trace, read_noise)
    covariance = _covariance(general, _law_of(trace, general))
    values = derived(general.law)
    errors = dict(zip(PARAMETERS, np.sqrt(np.diag(covariance)), strict=True))
    width = general.law.g_max_S - general.law.g_min_S
    parameters = {n: _identified(n, values[n], float(errors[n]), width) for n in PARAMETERS}
    return PulseFit(trace, parameters, protocol_metrics(trace), general, soft, covariance)


def _maxima(trace: PulseTrace, read_noise: ReadNoise) -> tuple[Maximum, Maximum]:
    """Generalised and plain soft bounds, by the same likelihood: with read noise where it is asked for, seen, or needed."""
    if read_noise != "fit":
        plain = StepLikelihood(trace)
        try:
            general, soft = plain.maximise(), plain.maximise(_SOFT)
            if read_noise == "none" or not shows_read_noise(general.residual):
                return general, soft
        except NotConverged:  # what reading adds near a bound, no relative step noise explains
            if read_noise == "none":
                raise
    filtered = FilteredLikelihood(trace)
    return filtered.maximise(), filtered.maximise(_SOFT)


def derived(law: Law) -> dict[str, float]:
    """The metrics of a device, free of noise, from its law (eqs 1-3 of arXiv:2502.04524 at the symmetry point)."""
    width = law.g_max_S - law.g_min_S
    shifted = law._replace(g_max_S=width, g_min_S=0.0)  # so that no digit is lost
    w = (width - float(symmetry_point_S(cast(PulsedDevices, shifted)))) / width
    step = float(step_of(np.array(width * (1.0 - w)), shifted, 1))
    return {
        "n_states": width / step,
        "sp_skew": w,
        "nsr": law.step_noise,
        "gamma_up": law.gamma_up,
        "gamma_down": law.gamma_down,
        "gamma": 0.5 * (law.gamma_up + law.gamma_down),
        "gamma_up_down": (law.gamma_up - law.gamma_down) / (law.gamma_up + law.gamma_down),
        "g_max": law.g_max_S,
        "g_min": law.g_min_S,
        "dg_sp": step,
        "g_sp": law.g_max_S - w * width,
    }


def _law_of(trace: PulseTrace, maximum: Maximum) -> Callable[[Array], Law]:
    if maximum.read_noise:
        return FilteredLikelihood(trace).law
    plain = StepLikelihood(trace)
    return lambda theta: plain.law(theta).scaled(plain.low, plain.span)


def _covariance(maximum: Maximum, law_of: Callable[[Array], Law]) -> Array:
    """Carry the covariance of theta over to PARAMETERS (central differences)."""
    errors = np.sqrt(np.diag(maximum.covariance))
    slopes = np.zeros((len(PARAMETERS), len(errors)))
    for k in np.flatnonzero(errors > 0):
        step = np.zeros(len(errors))
        step[k] = min(1e-3, 0.1 * errors[k])
        up, down = derived(law_of(maximum.theta + step)), derived(law_of(maximum.theta - step))
        slopes[:, k] = [(up[n] - down[n]) / (2 * step[k]) for n in PARAMETERS]
    return slopes @ maximum.covariance @ slopes.T


def _identified(name: str, value: float, error: float, width: float) -> Identified:
    reach = _REACH * error
    if name in _LOGARITHMIC:
        spread = min(reach / value, 50.0)
        return Identified(value, error, value * np.exp(-spread), value * np.exp(spread), bool(spread <= _FACTOR))
    whole = 1.0 if name in ("sp_skew", "gamma_up_down") else width
    return Identified(float(value), error, float(value - reach), float(value + reach), bool(reach <= _SHARE * whole))
