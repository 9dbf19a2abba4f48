"""The response of the dome: conductance, field and heating of the device as a table over (r_CF, sigma_CMO, sigma_dome).

For constant conductivities V is linear in the bias and the temperature rise linear in the power, so the table stands in
for the FEM in fits and arrays: exactly where sigma is constant, within the stated interpolation error between its points.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ground.errors import InputError, MissingLibrary

Array = NDArray[np.float64]
AXES = ("r_cf_m", "sigma_cmo_S_per_m", "sigma_dome_S_per_m")
QUANTITIES = {"conductance_S": "S", "E_per_V": "1/m", "dT_per_W": "K/W"}


class DomeValues(NamedTuple):
    """conductance_S : whole device [S].  E_per_V : mean dome field over bias [1/m].  dT_per_W : mean dome rise over power [K/W]."""

    conductance_S: Array
    E_per_V: Array
    dT_per_W: Array


@dataclass(frozen=True)
class Response:
    """The table itself.

    r_cf_m (a,), sigma_cmo_S_per_m (b,), sigma_dome_S_per_m (c,) : axes.  conductance_S, E_per_V, dT_per_W : (a, b, c).
    dome_over_filament : radius of the dome over that of the filament.  provenance : what made it.
    file : where it was read from.
    """

    r_cf_m: Array
    sigma_cmo_S_per_m: Array
    sigma_dome_S_per_m: Array
    conductance_S: Array
    E_per_V: Array
    dT_per_W: Array
    dome_over_filament: float
    provenance: dict[str, Any]
    file: Path | None = None

    @classmethod
    def default(cls) -> Response:
        """Return the shipped table of the default stack (made by `reram response`)."""
        path = files("device_physics").joinpath("response_default.nc")
        if not path.is_file():
            raise MissingLibrary(
                "the shipped response table is missing; make it with `reram response -o device_physics/response_default.nc`."
            )
        return cls.load(str(path))

    def __repr__(self) -> str:
        """Shape and range of the table; the numbers themselves are its arrays."""
        ends = ", ".join(f"{n}={getattr(self, n)[0]:.3g}..{getattr(self, n)[-1]:.3g}" for n in AXES)
        return f"Response({ends}, shape={self.conductance_S.shape}, device={self.provenance.get('settings', {}).get('device_hash')})"

    @classmethod
    def load(cls, path: str | Path) -> Response:
        """Read a table from NetCDF, or raise InputError saying what is wrong with the file."""
        import xarray as xr

        try:
            with xr.open_dataset(path, engine="h5netcdf") as data:
                arrays = {n: np.array(data[n].values, dtype=np.float64) for n in (*AXES, *QUANTITIES)}
                return cls(
                    **arrays,
                    dome_over_filament=float(data.attrs["dome_over_filament"]),
                    provenance=json.loads(data.attrs["provenance"]),
                    file=Path(path),
                )
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such response table.") from None
        except Exception as error:  # the NetCDF stack raises many unrelated kinds on damaged files
            raise InputError(
                f"{path}: is not a response table of this project, or is damaged ({type(error).__name__}: {error}). "
                "Make one with `reram response`."
            ) from None

    def save(self, path: str | Path) -> None:
        """Write the table as NetCDF with units and provenance, whole or not at all."""
        import xarray as xr

        from ground.files import atomic

        units = dict(zip(AXES, ("m", "S/m", "S/m"), strict=True)) | QUANTITIES
        data = xr.Dataset(
            {n: (AXES, getattr(self, n), {"units": units[n]}) for n in QUANTITIES},
            coords={n: (n, getattr(self, n), {"units": units[n]}) for n in AXES},
            attrs={"dome_over_filament": self.dome_over_filament, "provenance": json.dumps(self.provenance)},
        )
        with atomic(path) as temporary:
            data.to_netcdf(temporary, engine="h5netcdf")

    def at_radius(self, r_cf_m: float) -> DomeResponse:
        """Return the table at one filament radius [m]; raises InputError outside its range."""
        from scipy.interpolate import CubicSpline

        _within("r_cf_m", r_cf_m, self.r_cf_m, "m")
        at = np.log(r_cf_m)
        table = {n: CubicSpline(np.log(self.r_cf_m), np.log(getattr(self, n)), axis=0)(at) for n in QUANTITIES}
        axes = np.log(self.sigma_cmo_S_per_m), np.log(self.sigma_dome_S_per_m)
        values = table["conductance_S"], table["E_per_V"], table["dT_per_W"]
        return DomeResponse(float(r_cf_m), *axes, *values, self.file)


@dataclass(frozen=True)
class DomeResponse:
    """The response at one filament radius: smooth functions of sigma_CMO and sigma_dome (bicubic in the logarithms)."""

    r_cf_m: float
    _ln_cmo: Array
    _ln_dome: Array
    _ln_conductance: Array
    _ln_field: Array
    _ln_heating: Array
    file: Path | None = None

    @cached_property
    def _splines(self) -> tuple[Any, Any, Any]:
        from scipy.interpolate import RectBivariateSpline

        return tuple(
            RectBivariateSpline(self._ln_cmo, self._ln_dome, t)
            for t in (self._ln_conductance, self._ln_field, self._ln_heating)
        )

    def __call__(self, sigma_dome_S_per_m: ArrayLike, sigma_cmo_S_per_m: ArrayLike) -> DomeValues:
        """Return conductance, field and heating for conductivities [S/m], broadcast; refuses to extrapolate (InputError)."""
        dome, cmo = np.broadcast_arrays(np.asarray(sigma_dome_S_per_m, float), np.asarray(sigma_cmo_S_per_m, float))
        _within("sigma_dome_S_per_m", dome, np.exp(self._ln_dome), "S/m")
        _within("sigma_cmo_S_per_m", cmo, np.exp(self._ln_cmo), "S/m")
        return DomeValues(*(np.exp(s.ev(np.log(cmo), np.log(dome))) for s in self._splines))

    @property
    def sigma_dome_range(self) -> tuple[float, float]:
        """Lowest and highest sigma_dome of the table [S/m]."""
        return float(np.exp(self._ln_dome[0])), float(np.exp(self._ln_dome[-1]))

    @property
    def sigma_cmo_range(self) -> tuple[float, float]:
        """Lowest and highest sigma_CMO of the table [S/m]."""
        return float(np.exp(self._ln_cmo[0])), float(np.exp(self._ln_cmo[-1]))

    def conductivity_for(self, conductance_S: ArrayLike, sigma_cmo_S_per_m: ArrayLike | None = None) -> Array:
        """Return the dome conductivity [S/m] that gives the device this conductance [S].

        With sigma_cmo_S_per_m the rest of the CMO is held there; without it the whole CMO follows the dome (LRS).
        Raises InputError where no conductivity of the table carries it.
        """
        target = np.log(np.asarray(conductance_S, float))
        whole = sigma_cmo_S_per_m is None
        other = (
            np.zeros_like(target)
            if whole
            else np.broadcast_to(np.log(np.asarray(sigma_cmo_S_per_m, float)), target.shape)
        )
        low = np.full(target.shape, max(self._ln_dome[0], self._ln_cmo[0]) if whole else self._ln_dome[0])
        high = np.full(target.shape, min(self._ln_dome[-1], self._ln_cmo[-1]) if whole else self._ln_dome[-1])

        def gap(x: Array) -> Array:
            return np.asarray(self._splines[0].ev(x if whole else other, x)) - target

        if np.any(gap(low) > 0) or np.any(gap(high) < 0):
            least, most = np.exp(gap(low) + target).max(), np.exp(gap(high) + target).min()
            raise InputError(
                f"conductance_S={np.exp(target).min():.4g}..{np.exp(target).max():.4g} S is not allowed: at r_CF = "
                f"{self.r_cf_m * 1e9:g} nm the response table carries {least:.4g}..{most:.4g} S. Likely cause: another "
                "filament radius, or a series resistance (transistor, lines) that was not subtracted."
            )
        for _ in range(45):  # the conductance rises with sigma: bisection cannot fail
            middle = 0.5 * (low + high)
            below = gap(middle) < 0
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.exp(0.5 * (low + high))


def _within(name: str, value: ArrayLike, axis: Array, unit: str) -> None:
    values = np.asarray(value, float)
    slack = 1e-9
    if not np.all((values >= axis[0] * (1 - slack)) & (values <= axis[-1] * (1 + slack))):
        worst = values.ravel()[
            np.argmax(np.abs(np.log(np.maximum(values, 1e-300)) - np.log(np.sqrt(axis[0] * axis[-1]))).ravel())
        ]
        raise InputError(
            f"{name}={worst:.6g} is not allowed: the response table covers {axis[0]:.4g}..{axis[-1]:.4g} {unit} and is "
            "not extrapolated. Make a wider one with `reram response`."
        )
