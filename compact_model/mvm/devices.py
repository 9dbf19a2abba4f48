"""The state of an array of devices at any time after programming: the same devices at every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from compact_model.array import Array
from compact_model.noise import Noise, check_time
from compact_model.population import Population
from compact_model.program_verify import check_acceptance
from compact_model.pulsed_device import PulsedDevices
from compact_model.streams import check_seed, normals
from ground.errors import InputError, nearest
from ground.paper import paper

Floats = NDArray[np.float64]
DeviceName = Literal["CMO/HfOx", "Wan 2022", "PCM"]


class DeviceState(Protocol):
    """Programmed devices; `at` gives their conductances [S] at t_s seconds after programming, with or without read noise."""

    def at(self, t_s: float, *, relaxation: bool = True, read_noise: bool = True) -> Floats: ...


class DeviceSource(Protocol):
    """Where devices come from: a `Population`, or anything else that gives numbered devices."""

    def sample(self, shape: tuple[int, ...], seed: int, *, first_device: int = 0) -> PulsedDevices: ...


@dataclass(frozen=True, eq=False)
class Programmed:
    """CMO/HfOx devices with the conductance right after programming [S]; relaxation and read noise of `noise`.

    first_device : number of the first device; its random numbers belong to it.
    """

    g_written_S: Floats
    noise: Noise
    seed: int
    first_device: int = 0

    @property
    def ids(self) -> NDArray[np.int64]:
        return self.first_device + np.arange(self.g_written_S.size).reshape(self.g_written_S.shape)

    def at(self, t_s: float, *, relaxation: bool = True, read_noise: bool = True) -> Floats:
        check_time(t_s)
        g = self.g_written_S
        if relaxation:
            g = g + self.noise.relaxation.path_S(t_s, self.ids, seed=self.seed)
        if read_noise:
            g = self.noise.read.read_S(g, t_s, self.ids, seed=self.seed)
        return np.maximum(g, 0.0)


def ideal(targets_S: Floats, seed: int, noise: Noise, first_device: int = 0) -> Programmed:
    """Devices that took their targets exactly."""
    return Programmed(np.asarray(targets_S, float), noise, check_seed(seed), first_device)


def stated(targets_S: Floats, acceptance: float, seed: int, noise: Noise, first_device: int = 0) -> Programmed:
    """Devices programmed with the published width, sigma = c0 + c1 G; known for acceptances of 0.002 and 0.02."""
    known = {0.002: "acceptance_0p2_percent", 0.02: "acceptance_2_percent"}
    if acceptance not in known:
        raise InputError(
            f"acceptance={acceptance!r} is not allowed with stated programming: expected 0.002 or 0.02, for which a width is "
            "published; simulate the closed loop for any other."
        )
    c0, c1 = paper()["program_verify"]["sigma_prog"][known[acceptance]]
    start = ideal(targets_S, seed, noise, first_device)
    z = normals(seed, "program", start.ids, count=1)[0]
    g = np.maximum(start.g_written_S + (c0 * 1e-6 + c1 * start.g_written_S) * z, 0.0)
    return Programmed(g, noise, seed, first_device)


def simulated(
    targets_S: Floats,
    acceptance: float,
    seed: int,
    noise: Noise,
    first_device: int = 0,
    population: DeviceSource | None = None,
) -> Programmed:
    """Devices of a population programmed by the closed loop itself, pulse by pulse."""
    check_acceptance(acceptance)
    used: DeviceSource = population or Population.published()
    devices = used.sample(targets_S.shape, seed, first_device=first_device)
    array = Array(devices, devices.g_min_S, seed, noise).program(targets_S, acceptance)
    return Programmed(array.g_written_S, noise, seed, first_device)


@dataclass(frozen=True, eq=False)
class Wan2022:
    """ReRAM of Wan et al., Nature 608, 504 (2022), 0..40 uS, as aihwkit 1.1.0 gives its spread (ReRamWan2022NoiseModel).

    sigma(G) is a polynomial of G/40 uS at 1 s, 1 day and 2 days; in between linear in ln t, held constant outside (our
    choice). One normal number per device, for all times; no read noise is stated.
    """

    target_S: Floats
    seed: int
    first_device: int = 0
    window_S = (0.0, 40e-6)
    _times_s = (1.0, 86400.0, 172800.0)
    _uS = (
        (0.348, 16.030, -43.853, 45.393, -16.815),
        (0.701, 22.086, -50.773, 47.095, -16.458),
        (0.782, 20.274, -43.507, 37.062, -11.934),
    )

    def at(self, t_s: float, *, relaxation: bool = True, read_noise: bool = True) -> Floats:
        check_time(t_s)
        x = self.target_S / 40e-6
        sigma = np.array([np.polynomial.polynomial.polyval(x, c) for c in self._uS]) * 1e-6
        when = np.log(max(t_s, 1.0)) if relaxation else 0.0
        position = float(np.interp(when, np.log(self._times_s), [0.0, 1.0, 2.0]))
        low = min(int(position), 1)
        width = sigma[low] + (position - low) * (sigma[low + 1] - sigma[low])
        ids = self.first_device + np.arange(x.size).reshape(x.shape)
        return np.maximum(self.target_S + np.maximum(width, 0.0) * normals(self.seed, "program", ids, count=1)[0], 0.0)


@dataclass(frozen=True, eq=False)
class Pcm:
    """Phase-change memory, 0..25 uS: Nandakumar et al., ICECS 2019, and Joshi et al., Nat. Commun. 11, 2473 (2020).

    With g = G/25 uS: programming sigma -1.1731 g^2 + 1.9650 g + 0.2635 uS; drift (t/20 s)^-nu, mean nu 0.0244 - 0.0155 ln g
    within 0.049..0.1, its spread -0.0059 - 0.0125 ln g within 0.008..0.045; noise of a read g min(0.0088 g^-0.65, 0.2)
    sqrt(ln((t + 20 s + t_r)/(2 t_r))), t_r = 250 ns. Constants as in aihwkit 1.1.0 (PCMLikeNoiseModel).
    """

    target_S: Floats
    seed: int
    first_device: int = 0
    window_S = (0.0, 25e-6)

    def at(self, t_s: float, *, relaxation: bool = True, read_noise: bool = True) -> Floats:
        check_time(t_s)
        ids = self.first_device + np.arange(self.target_S.size).reshape(self.target_S.shape)
        z = normals(self.seed, "program", ids, count=2)
        g = self.target_S / 25e-6
        width = np.maximum(-1.1731 * g**2 + 1.9650 * g + 0.2635, 0.0) / 25.0
        programmed = np.maximum(g + width * z[0], 0.0)
        shown = programmed
        floor = np.maximum(g, 1e-4)
        if relaxation and t_s > 0:
            mean = np.clip(0.0244 - 0.0155 * np.log(floor), 0.049, 0.1)
            spread = np.clip(-0.0059 - 0.0125 * np.log(floor), 0.008, 0.045)
            shown = programmed * ((t_s + 20.0) / 20.0) ** -np.abs(mean + spread * z[1])
        if read_noise and t_s > 0:
            q = np.minimum(0.0088 / np.maximum(programmed**0.65, 1e-3), 0.2)
            elapsed = np.sqrt(np.log((t_s + 20.0 + 250e-9) / (2 * 250e-9)))
            shown = shown + shown * q * elapsed * normals(self.seed, "read", ids, count=1)[0]
        return 25e-6 * np.maximum(shown, 0.0)


def check_device(name: str) -> str:
    """Return the name of a known device, or raise InputError."""
    known = ("CMO/HfOx", "Wan 2022", "PCM")
    if name not in known:
        raise InputError(f"device={name!r} is not known. {nearest(name, known)}")
    return name
