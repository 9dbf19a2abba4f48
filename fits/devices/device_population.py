"""Statistics over devices: median, mean, sigma, quantiles of each quantity, and rank correlations between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
QUANTILES = (0.05, 0.25, 0.75, 0.95)


@dataclass(frozen=True)
class QuantityStatistics:
    """One quantity over the devices that have it. sigma : sample standard deviation, None for one device.

    mean_stderr : sigma / sqrt(n).  quantiles : at 5, 25, 75 and 95 %.
    """

    unit: str
    n: int
    median: float
    mean: float
    sigma: float | None
    sigma_over_mean: float | None
    mean_stderr: float | None
    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, values: FloatArray, unit: str) -> QuantityStatistics | None:
        """Return the statistics of the finite values, None where there are none."""
        own = values[np.isfinite(values)]
        if not own.size:
            return None
        mean, sigma = float(own.mean()), float(own.std(ddof=1)) if own.size > 1 else None
        return cls(
            unit,
            int(own.size),
            float(np.median(own)),
            mean,
            sigma,
            None if sigma is None or mean == 0 else sigma / abs(mean),
            None if sigma is None else sigma / float(np.sqrt(own.size)),
            tuple(float(q) for q in np.quantile(own, QUANTILES)),
        )


@dataclass(frozen=True)
class DevicePopulation:
    """Statistics of every quantity, Spearman's rank correlation of every pair (and of how many devices), and the values."""

    values: Mapping[str, FloatArray]
    statistics: Mapping[str, QuantityStatistics]
    correlations: Mapping[tuple[str, str], tuple[float, int]]
    synthetic: bool = False

    @classmethod
    def of(
        cls, values: Mapping[str, FloatArray], units: Mapping[str, str], synthetic: bool = False
    ) -> DevicePopulation:
        """Return the population of some quantities, each of shape (device,), NaN where a device has none."""
        found = {name: QuantityStatistics.of(v, units[name]) for name, v in values.items()}
        names = list(values)
        pairs = {
            (a, b): c
            for k, a in enumerate(names)
            for b in names[k + 1 :]
            if (c := spearman(values[a], values[b]))[1] >= 4
        }
        return cls(dict(values), {n: s for n, s in found.items() if s is not None}, pairs, synthetic)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-like values."""
        return {
            "statistics": {n: asdict(s) | {"quantiles": list(s.quantiles)} for n, s in self.statistics.items()},
            "quantiles_at": list(QUANTILES),
            "spearman": [{"of": a, "and": b, "rho": r, "n": n} for (a, b), (r, n) in self.correlations.items()],
        }

    def report(self) -> str:
        """Return one line per quantity, then the correlations that chance gives in one pair of a hundred."""
        lines = [
            "quantity".ljust(18) + "".join(h.rjust(11) for h in ("median", "mean", "sigma/mean", "5 %", "95 %", "n"))
        ]
        for name, s in self.statistics.items():
            spread = "-" if s.sigma_over_mean is None else f"{s.sigma_over_mean:.3g}"
            cells = (
                f"{s.median:.4g}",
                f"{s.mean:.4g}",
                spread,
                f"{s.quantiles[0]:.4g}",
                f"{s.quantiles[-1]:.4g}",
                str(s.n),
            )
            lines.append(name.ljust(18) + "".join(c.rjust(11) for c in cells))
        strong = [
            (p, c) for p, c in self.correlations.items() if abs(c[0]) > 2.6 / np.sqrt(c[1] - 1) and "ratio" not in p
        ]
        lines += [f"  rank correlation {a}, {b}: {r:+.2f} (n = {n})" for (a, b), (r, n) in strong]
        return "\n".join(lines)


def spearman(a: FloatArray, b: FloatArray) -> tuple[float, int]:
    """Return Spearman's rank correlation of the pairs that are both finite, and their number; 0.0 where one is constant."""
    both = np.isfinite(a) & np.isfinite(b)
    x, y = _ranks(a[both]), _ranks(b[both])
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0, int(x.size)
    return float(np.corrcoef(x, y)[0, 1]), int(x.size)


def _ranks(values: FloatArray) -> FloatArray:
    """Return ranks from 1, ties sharing their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2.0)[place], float)
