"""The free constants of the physical cell from numbers of measured or published cells, with what those numbers cannot tell.

Five constants say how ions move: a barrier for each polarity, the hop over which the field pulls, and the two exponents of the
window. Attempt rate and charge stay at those of JART VCM v1b: rate and barrier are one number at one temperature, and charge and
hop only occur as a product.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compact_model.cell import Cell, Ions
from compact_model.cell_dynamics import PreparedCells, prepare
from compact_model.cell_pulses import Pulse
from compact_model.cycle import CycleProtocol
from device_physics.dome_response import Response
from ground.errors import InputError, NotConverged
from ground.paper import paper

Array = NDArray[np.float64]
FREE = ("barrier_set_eV", "barrier_reset_eV", "hop_distance_m", "exponent_set", "exponent_reset")
_LOW = {
    "barrier_set_eV": 0.3,
    "barrier_reset_eV": 0.3,
    "hop_distance_m": 0.1e-9,
    "exponent_set": 0.2,
    "exponent_reset": 0.2,
}
_HIGH = {
    "barrier_set_eV": 2.5,
    "barrier_reset_eV": 2.5,
    "hop_distance_m": 6e-9,
    "exponent_set": 9.0,
    "exponent_reset": 9.0,
}
_PRIOR = {
    "barrier_set_eV": 0.3,
    "barrier_reset_eV": 0.3,
    "hop_distance_m": 1.0,
    "exponent_set": 1.0,
    "exponent_reset": 1.0,
}
_WEAK = 0.1  # a direction the targets narrow by less than this share of the prior is not determined


@dataclass(frozen=True)
class CellTarget:
    """A number the cell should show. kind : "r_hrs_ohm", "r_lrs_ohm" after a cycle, "step_up", "step_down" of a pulse.

    value : ohm, or the step as a share of the window of conductance.  error : its relative standard deviation.
    at : where on the window a step is taken, (g_max - g)/(g_max - g_min).
    """

    kind: str
    value: float
    error: float
    at: float = 0.5
    source: str = ""


def published_targets() -> tuple[CellTarget, ...]:
    """Return what arXiv:2502.04524 prints of a cell: two resistances of the cycle, and the step at the symmetry point."""
    cycling, pulses = paper()["cycling"], paper()["open_loop"]
    n, skew = pulses["n_states"]["mean"], pulses["sp_skew"]["mean"]
    spread = (pulses["n_states"]["range"][1] - pulses["n_states"]["range"][0]) / 4 / n
    resistances = [
        CellTarget(
            f"r_{s}_ohm", cycling[f"r_{s}_ohm"]["mean"], cycling[f"r_{s}_ohm"]["sigma_over_mean"], source="figure 2e"
        )
        for s in ("lrs", "hrs")
    ]
    steps = [CellTarget(f"step_{d}", 1.0 / n, spread, skew, "N_states and SP skew") for d in ("up", "down")]
    return (*resistances, *steps)


def parse_target(text: str) -> CellTarget:
    """Return the target of a text such as "r_hrs_ohm=256e3±0.25" or "step_up@0.6=0.045+-0.2" (place on the window after @)."""
    match = re.fullmatch(r"\s*(\w+)\s*(?:@\s*([^=]+?))?\s*=\s*(.+?)\s*(?:±|\+-)\s*(.+?)\s*", text)
    try:
        if match is None:
            raise ValueError
        value, error, at = float(match[3]), float(match[4]), float(match[2] or 0.5)
        if not (value > 0 and 0 < error <= 2 and 0 < at < 1):
            raise ValueError
    except ValueError:
        raise InputError(
            f"target={text!r} is not allowed: expected kind=value±relative error, such as r_hrs_ohm=256e3±0.25 or step_up@0.6=0.045±0.2 "
            "(value above 0, error up to 2, place on the window within 0..1)."
        ) from None
    return CellTarget(match[1], value, error, at, "given")


@dataclass(frozen=True)
class CellCalibration:
    """The calibrated cell, and how well each constant is known. names, values, stderr : of the free constants.

    undetermined : combinations the targets do not fix, strongest share first (they stay where they were).
    modelled : what the cell shows for every target, in its order.
    """

    cell: Cell
    names: tuple[str, ...]
    values: Array
    stderr: Array
    undetermined: tuple[str, ...]
    targets: tuple[CellTarget, ...]
    modelled: Array

    def report(self) -> str:
        """Values, errors, targets and what the targets cannot tell, as text."""
        lines = ["constant              value        error"]
        lines += [
            f"{n:<20} {v:>10.4g} {s:>12.2g}" for n, v, s in zip(self.names, self.values, self.stderr, strict=True)
        ]
        lines += ["", "target                given     shown   error  source"]
        lines += [
            f"{t.kind:<18} {t.value:>10.4g} {m:>9.4g} {t.error:>7.2f}  {t.source}"
            for t, m in zip(self.targets, self.modelled, strict=True)
        ]
        lines += ["", "not determined: " + ("; ".join(self.undetermined) or "nothing")]
        return "\n".join(lines)


def calibrate(
    cell: Cell,
    targets: Sequence[CellTarget] | None = None,
    *,
    free: Sequence[str] = FREE,
    protocol: CycleProtocol | None = None,
    pulses: tuple[Pulse, Pulse] | None = None,
    response: Response | None = None,
) -> CellCalibration:
    """Fit the ion constants of a cell to targets (default: the published ones).

    free : names out of FREE; the others stay.  Errors are those of the targets carried through the fit together with a broad prior
    (0.3 eV, a factor e for the hop, 1 for an exponent); a combination that the targets narrow by less than a tenth is listed.
    Raises InputError for unknown names or kinds, NotConverged where no constants bring the cell within five errors of a target.
    """
    from scipy.optimize import least_squares

    targets = tuple(targets or published_targets())
    unknown = [n for n in free if n not in FREE] + [t.kind for t in targets if t.kind not in _SHOW]
    if unknown or not free:
        raise InputError(
            f"calibrate: {unknown or list(free)} is not allowed: expected constants out of {FREE}, "
            f"kinds out of {tuple(_SHOW)}."
        )
    bench = _Bench(cell, targets, protocol or CycleProtocol(), pulses or Pulse.published(), response)
    start = np.array([getattr(cell.ions, n) for n in free])
    scale = np.array([_PRIOR[n] for n in free])
    log = np.array([n == "hop_distance_m" for n in free])
    as_value = lambda q: np.where(log, np.exp(np.where(log, q, 0.0)), q)  # noqa: E731
    q0 = np.where(log, np.log(np.where(log, start, 1.0)), start)
    low, high = (np.array([b[n] for n in free]) for b in (_LOW, _HIGH))
    q_low, q_high = (np.where(log, np.log(np.where(log, b, 1.0)), b) for b in (low, high))
    q0 = np.clip(q0, q_low + 1e-6, q_high - 1e-6)

    def made(q: Array) -> Ions:
        return cell.ions.replace(**{n: float(v) for n, v in zip(free, as_value(q), strict=True)})

    def residual(q: Array) -> Array:
        return np.concatenate([bench.gaps(made(q)), (q - q0) / scale])

    found = least_squares(residual, q0, bounds=(q_low, q_high), x_scale=scale, diff_step=1e-4, max_nfev=200)
    count = len(targets)
    gaps = found.fun[:count]
    best = made(found.x)
    if np.any(np.abs(gaps) > 5.0):
        worst = targets[int(np.argmax(np.abs(gaps)))]
        raise NotConverged(
            f"calibrate: no constants bring {worst.kind} near {worst.value:g} (off by {np.abs(gaps).max():.1f} of its errors). "
            "Likely cause: "
            "targets of different cells, or a mechanism that this cell does not have.",
            last_good=cell.replace(ions=best),
        )
    jacobian = found.jac[:count] * scale
    covariance = np.linalg.inv(jacobian.T @ jacobian + np.eye(len(free)))
    stderr = np.sqrt(np.diag(covariance)) * scale * np.where(log, as_value(found.x), 1.0)
    _, singular, directions = np.linalg.svd(jacobian, full_matrices=True)
    strength = np.concatenate([singular, np.zeros(len(free) - singular.size)])
    weak = tuple(
        _named(direction, free)
        for s, direction in zip(strength, directions, strict=True)
        if 1.0 - 1.0 / np.sqrt(1.0 + s * s) < _WEAK
    )
    calibrated = cell.replace(ions=best, assumed={**cell.assumed, "ions": _assumed(targets, weak)})
    return CellCalibration(calibrated, tuple(free), as_value(found.x), stderr, weak, targets, bench.shown(best))


def _assumed(targets: tuple[CellTarget, ...], weak: tuple[str, ...]) -> str:
    return (
        f"fitted to {', '.join(t.kind for t in targets)}; not determined: {'; '.join(weak) or 'nothing'}; "
        "attempt rate and charge of JART VCM v1b"
    )


def _named(direction: Array, free: Sequence[str]) -> str:
    order = np.argsort(-np.abs(direction))
    return " ".join(f"{direction[i]:+.2f} {free[i]}" for i in order if abs(direction[i]) > 0.2)


class _Bench:
    """The experiments a cell goes through during calibration. Only its ions change, so its response is prepared once."""

    def __init__(
        self,
        cell: Cell,
        targets: tuple[CellTarget, ...],
        protocol: CycleProtocol,
        pulses: tuple[Pulse, Pulse],
        response: Response | None,
    ) -> None:
        self.targets, self.protocol, self.pulses = targets, protocol, pulses
        self.ready = prepare(cell, response=response)
        self.window = float(self.ready.conductance_S(0.0)), float(self.ready.conductance_S(1.0))
        self.places = {t.at: self.state_at(t.at) for t in targets if t.kind.startswith("step")}

    def state_at(self, w: float) -> float:
        """State whose conductance lies at a place of the window."""
        from scipy.optimize import brentq

        low, high = self.window
        wanted = high - w * (high - low)
        return float(brentq(lambda x: float(self.ready.conductance_S(x)) - wanted, 0.0, 1.0, xtol=1e-9))

    def shown(self, ions: Ions) -> Array:
        """What the cell shows for every target with these ions."""
        ready = self.ready.with_ions(ions)
        return np.array([_SHOW[t.kind](self, ready, t) for t in self.targets])

    def gaps(self, ions: Ions) -> Array:
        """ln(shown / wanted) in errors of the targets; what the cell hardly does counts as a step of 1e-9."""
        return np.array(
            [np.log(max(s, 1e-9) / t.value) / t.error for s, t in zip(self.shown(ions), self.targets, strict=True)]
        )

    def resistance(self, ready: PreparedCells, target: CellTarget) -> float:
        wave = self.protocol.waveform()
        if target.kind == "r_lrs_ohm":
            turn = 2 * abs(self.protocol.v_set_V) / self.protocol.ramp_V_per_s
            x = ready.run(wave.sampled_at([turn]), 0.05).x[..., 0]
        else:
            x = ready.run(wave.sampled_at([]), 0.05).x_end
        return 1.0 / float(ready.conductance_S(x))

    def step(self, ready: PreparedCells, target: CellTarget) -> float:
        pulse, x = self.pulses[0 if target.kind == "step_up" else 1], self.places[target.at]
        after = float(ready.conductance_S(ready.run(pulse.waveform(), x).x_end))
        low, high = self.window
        return abs(after - float(ready.conductance_S(x))) / (high - low)


_SHOW: dict[str, Callable[[_Bench, PreparedCells, CellTarget], float]] = {
    "r_lrs_ohm": _Bench.resistance,
    "r_hrs_ohm": _Bench.resistance,
    "step_up": _Bench.step,
    "step_down": _Bench.step,
}
