"""How devices differ: two bivariate normal laws, G1 and G2, and the spread of the bounds and of the noise."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from compact_model.pulsed_device import Floats, PulsedDevices
from compact_model.streams import check_seed, normals
from ground.errors import InputError
from ground.paper import paper
from ground.spec import Spec
from ground.units import Quantity

Number = Annotated[float, Quantity("", -1e6, 1e6)]
Positive = Annotated[float, Quantity("", 0.0, 1e6)]
Conductance = Annotated[float, Quantity("S", 1e-9, 1e-1)]
ConductanceSpread = Annotated[float, Quantity("S", 0.0, 1e-1)]
Correlation = Annotated[float, Quantity("", -1.0, 1.0)]

# A draw outside is no device and is drawn again: n_states, sp_skew, gamma, gamma_up_down, nsr.
PHYSICAL_LOW = np.array([2.0, 0.02, 0.05, -0.95, 0.0])
PHYSICAL_HIGH = np.array([1e5, 0.98, 8.0, 0.95, 20.0])
_ATTEMPTS = 1000


class Bivariate(Spec):
    """A bivariate normal law. mean, sigma : of the two numbers.  correlation : between them, -1..1."""

    mean: tuple[Number, Number]
    sigma: tuple[Positive, Positive]
    correlation: Correlation = 0.0

    @classmethod
    def from_covariance(cls, mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> Self:
        """Return the law of a mean (2,) and covariance (2, 2); InputError where the matrix is no covariance."""
        c = np.asarray(covariance, float)
        if c.shape != (2, 2) or not np.allclose(c, c.T) or np.linalg.eigvalsh(c)[0] < -1e-12 * max(np.trace(c), 0.0):
            raise InputError(f"covariance={c.tolist()} is not allowed: expected a symmetric positive 2 x 2 matrix.")
        sigma = np.sqrt(np.diag(c))
        rho = c[0, 1] / (sigma[0] * sigma[1]) if sigma.all() else 0.0
        return cls(
            mean=(float(mean[0]), float(mean[1])),
            sigma=(float(sigma[0]), float(sigma[1])),
            correlation=float(np.clip(rho, -1, 1)),
        )

    @property
    def covariance(self) -> Floats:
        """Return the covariance matrix, shape (2, 2)."""
        a, b = self.sigma
        return np.array([[a * a, self.correlation * a * b], [self.correlation * a * b, b * b]])

    def at(self, z: Floats) -> Floats:
        """Map standard normals z, shape (2, ...), to numbers of this law, same shape."""
        second = self.correlation * z[0] + np.sqrt(1.0 - self.correlation**2) * z[1]
        return np.stack([self.mean[0] + self.sigma[0] * z[0], self.mean[1] + self.sigma[1] * second])


class Population(Spec):
    """The devices a chip is made of.

    states : G1, law of (n_states, sp_skew), sp_skew = (g_max - g_sp)/(g_max - g_min).
    exponents : G2, law of (gamma, gamma_up_down), independent of G1; gamma_up/down = gamma (1 +/- gamma_up_down).
    nsr_mean, nsr_sigma : relative noise of a step, its mean and spread over devices.
    g_min_mean_S ... g_max_sigma_S : bounds of the conductance and their spread over devices [S].
    g_max_lowest_S : a device that cannot reach this conductance is drawn again [S]; 0 accepts any.
    assumed : which fields are not measured or printed, and why they have the value they have.
    """

    states: Bivariate
    exponents: Bivariate
    nsr_mean: Positive
    nsr_sigma: Positive
    g_min_mean_S: Conductance
    g_min_sigma_S: ConductanceSpread
    g_max_mean_S: Conductance
    g_max_sigma_S: ConductanceSpread
    g_max_lowest_S: ConductanceSpread = 0.0
    assumed: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.g_max_mean_S <= self.g_min_mean_S:
            raise InputError(
                f"Population.g_max_mean_S={self.g_max_mean_S:g} is not allowed: expected more than "
                f"g_min_mean_S={self.g_min_mean_S:g}."
            )
        if self.g_max_lowest_S > self.g_max_mean_S:
            raise InputError(
                f"Population.g_max_lowest_S={self.g_max_lowest_S:g} is not allowed: expected at most "
                f"g_max_mean_S={self.g_max_mean_S:g}, or most devices would be thrown away."
            )
        mean = np.array([*self.states.mean, *self.exponents.mean, self.nsr_mean])
        if np.any((mean < PHYSICAL_LOW) | (mean > PHYSICAL_HIGH)):
            names = ("states n_states", "states sp_skew", "exponents gamma", "exponents gamma_up_down", "nsr_mean")
            bad = int(np.flatnonzero((mean < PHYSICAL_LOW) | (mean > PHYSICAL_HIGH))[0])
            raise InputError(
                f"Population: the mean of {names[bad]}={mean[bad]:g} is not allowed: expected "
                f"{PHYSICAL_LOW[bad]:g}..{PHYSICAL_HIGH[bad]:g} (fractions, not per cent)."
            )
        return self

    @classmethod
    def published(cls) -> Self:
        """Return the population of arXiv:2502.04524: its printed means, and stated assumptions for the rest."""
        numbers = paper()
        open_loop, low = numbers["open_loop"], numbers["cycling"]["r_hrs_ohm"]
        high = numbers["mvm"]["g_max_for_ir_drop_uS"]
        n, skew = open_loop["n_states"], open_loop["sp_skew"]
        top = numbers["program_verify"]["g_target_uS"][1]
        return cls(
            states=Bivariate(mean=(n["mean"], skew["mean"]), sigma=((n["range"][1] - n["range"][0]) / 4, 0.1)),
            exponents=Bivariate(mean=(1.5, 0.0), sigma=(0.3, 0.1)),
            nsr_mean=open_loop["nsr"]["mean"],
            nsr_sigma=0.1,
            g_min_mean_S=1 / low["mean"],
            g_min_sigma_S=low["sigma_over_mean"] / low["mean"],
            g_max_mean_S=high / 1e6,
            g_max_sigma_S=0.03 * high / 1e6,
            g_max_lowest_S=1.02 * top / 1e6,
            assumed={
                "states.sigma": "the printed range 16..33 of n_states is taken as four sigma; sp_skew 0.1 is a guess",
                "states.correlation": "not printed; 0",
                "exponents": "not printed; a figure shows gamma near 1.5, up to 2.5; no bias between up and down",
                "nsr_sigma": "not printed; 0.1 is a guess",
                "g_min": "HRS of 256 kOhm with 25 % spread, read off a figure",
                "g_max": "100 uS, the full scale of the published IR-drop study; 3 % spread is a guess",
                "g_max_lowest_S": "every published device was programmed up to 90 uS, so each must reach 2 % above it",
            },
        )

    def mean_device(self) -> PulsedDevices:
        """Return the one device that has the mean of everything, shape ()."""
        return PulsedDevices.from_metrics(
            n_states=self.states.mean[0],
            sp_skew=self.states.mean[1],
            gamma=self.exponents.mean[0],
            gamma_up_down=self.exponents.mean[1],
            nsr=self.nsr_mean,
            g_min_S=self.g_min_mean_S,
            g_max_S=self.g_max_mean_S,
            device_id=0,
        )

    def sample(self, shape: int | tuple[int, ...], seed: int, *, first_device: int = 0) -> PulsedDevices:
        """Draw devices number `first_device` onwards, in C order of `shape`, within physical bounds by rejection.

        Device 17 of a seed is the same device in every shape and tile.  Raises InputError where nearly every draw
        falls outside the bounds.
        """
        sizes = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        if any(isinstance(s, bool) or not isinstance(s, (int, np.integer)) or s < 1 for s in sizes):
            raise InputError(f"shape={shape!r} is not allowed: expected whole numbers of 1 or more, such as (8, 4).")
        check_seed(first_device, "first_device")
        ids = np.arange(first_device, first_device + int(np.prod(sizes)))
        drawn = np.empty((7, ids.size))
        waiting = np.arange(ids.size)
        for attempt in range(_ATTEMPTS):
            drawn[:, waiting] = self._draw(normals(seed, "population", ids[waiting], first=8 * attempt, count=8))
            waiting = waiting[~self._physical(drawn[:, waiting])]
            if not waiting.size:
                break
        else:
            raise InputError(
                f"Population: {waiting.size} of {ids.size} devices found no physical values in "
                f"{_ATTEMPTS} draws. The spreads are too large for the bounds (n_states >= 2, 0 < sp_skew "
                "< 1, gamma > 0, g_max_S >= g_max_lowest_S)."
            )
        n, skew, gamma, bias, nsr, low, high = drawn.reshape(7, *sizes)
        return PulsedDevices.from_metrics(
            n_states=n,
            sp_skew=skew,
            gamma=gamma,
            gamma_up_down=bias,
            nsr=nsr,
            g_min_S=low,
            g_max_S=high,
            device_id=ids.reshape(sizes),
        )

    def _draw(self, z: Floats) -> Floats:
        return np.concatenate(
            [
                self.states.at(z[:2]),
                self.exponents.at(z[2:4]),
                [
                    self.nsr_mean + self.nsr_sigma * z[4],
                    self.g_min_mean_S + self.g_min_sigma_S * z[5],
                    self.g_max_mean_S + self.g_max_sigma_S * z[6],
                ],
            ]
        )

    def _physical(self, drawn: Floats) -> NDArray[np.bool_]:
        inside = np.all((drawn[:5].T >= PHYSICAL_LOW) & (drawn[:5].T <= PHYSICAL_HIGH), axis=1)
        low, high = drawn[5], drawn[6]
        return inside & (low > 0) & (high > low) & (high >= self.g_max_lowest_S)
