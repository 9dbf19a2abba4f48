"""Results that the text of the documentation quotes, each computed by one function: `make numbers` writes them into docs/numbers.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from ground.paper import paper

_AMBIENTS_K = (260.0, 293.15, 330.0)
_SETS = 200
_IR_DROP_ALONE: dict[str, Any] = {
    "dac_bits": None,
    "adc_bits": None,
    "programming": "ideal",
    "relaxation": False,
    "read_noise": False,
}
_TWIN: dict[str, Any] = {"mesh": {"domain": "axisymmetric"}}
_DEPLETED: dict[str, Any] = {"dome": {"radius": "13 nm", "electrical_conductivity": "0.1 S/cm"}}


@dataclass(frozen=True)
class Quoted:
    """A result. what : in words.  shown : computes it, as the text writes it.  slow : minutes, or needs more than the base install."""

    name: str
    what: str
    shown: Callable[[], str]
    slow: bool = False


def quoted() -> list[Quoted]:
    """Return every result that the documentation quotes and the scoreboard does not hold."""
    plain, depleted = "default device", "default device with a depleted dome (13 nm, 0.1 S/cm)"
    error, wires = (
        "error of the resistance by the mesh, from `reram mesh study`",
        "RMSE by exact IR drop alone, 64 x 64",
    )
    net = (
        "accuracy on scikit-learn's digits (every fifth held out) of a 64-256-128-10 network trained in floating point"
    )
    learned = "accuracy on digits learned by mixed precision and read on arrays of 256 x 256, wires of 5 ohm a segment"
    return [
        Quoted("mesh_error", f"{error}: {plain}", lambda: _mesh_error({}), slow=True),
        Quoted("mesh_error_depleted", f"{error}: {depleted}", lambda: _mesh_error(_DEPLETED), slow=True),
        Quoted("mesh_error_twin", f"{error}: the latter, axisymmetric", lambda: _mesh_error({**_DEPLETED, **_TWIN}), True),
        Quoted("twin_resistance", "axisymmetric twin against 3D: resistance", lambda: _twin("resistance_ohm"), slow=True),
        Quoted("twin_heating", "axisymmetric twin against 3D: dT/P", lambda: _twin("r_th_K_per_W"), slow=True),
        Quoted("table_solves", "solves of a response table", _table_solves),
        Quoted(
            "coverage",
            f"share of 95 % intervals that hold the truth, lowest and highest of the five parameters of the hopping fit, {_SETS} sets of "
            "synthetic curves with 2 % noise at three ambients",
            _coverage,
            slow=True,
        ),
        Quoted("barrier_set", "ion barrier of SET, calibrated to the published steps", lambda: _barrier("set")),
        Quoted("barrier_reset", "ion barrier of RESET, likewise", lambda: _barrier("reset")),
        Quoted("reset_exponent", "exponent of the window that RESET pulses of the cell follow", _reset_exponent),
        Quoted("reset_residual", "residual of that law, of the largest step", lambda: _residual("residual_down")),
        Quoted("set_residual", "residual of the same kind of law for SET", lambda: _residual("residual_up")),
        Quoted("latent_states", "states of devices that measure as published", lambda: f"{_latent().states.mean[0]:.1f}"),
        Quoted("latent_nsr", "NSR of devices that measure as published", lambda: f"{_latent().nsr_mean:.2f}"),
        Quoted("latent_pulses_0p2_percent", "pulses per level of those at 0.2 %", lambda: _latent_pulses(0.002)),
        Quoted("latent_pulses_2_percent", "pulses per level of those at 2 %", lambda: _latent_pulses(0.02)),
        Quoted("drop_digital", f"{wires}: digital or ideal reference", lambda: _drop(1, reference="digital")),
        Quoted("drop_wired", f"{wires}: one wired reference", lambda: _drop(1, reference="wired")),
        Quoted("drop_wired_16", f"{wires}: one for every 16 columns", lambda: _drop(1, reference="wired", reference_every=16)),
        Quoted("drop_wired_1", f"{wires}: one for each column", lambda: _drop(1, reference="wired", reference_every=1)),
        Quoted("drop_positive_digital", f"{wires}, inputs of 0..1: digital", lambda: _drop(0, reference="digital")),
        Quoted("drop_positive_wired", f"{wires}, inputs of 0..1: one wired", lambda: _drop(0, reference="wired")),
        Quoted(
            "drop_positive_wired_16",
            f"{wires}, inputs of 0..1: one for every 16 columns",
            lambda: _drop(0, reference="wired", reference_every=16),
        ),
        Quoted("digits_digital", f"{net}, in floating point", lambda: _digits(None), slow=True),
        *_digits_rows(64),
        *_digits_rows(256),
        Quoted("digits_wires_unseen", f"{learned}, in training perfect", lambda: _learned(False), slow=True),
        Quoted("digits_wires_seen", f"{learned}, in training the same", lambda: _learned(True), slow=True),
    ]  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _mesh_error(tables: dict[str, Any]) -> str:
    from device_physics.device import Device
    from device_physics.mesh_study import mesh_study

    return _percent(mesh_study(Device.from_tables(tables)).extrapolated["resistance_ohm"].own_error)


@cache
def _twins() -> tuple[Any, Any]:
    from device_physics.device import Device
    from device_physics.electrothermal import solve

    return solve(Device.from_tables(_TWIN), 0.2), solve(None, 0.2)


def _twin(name: str) -> str:
    twin, box = (getattr(s, name) for s in _twins())
    return _percent(abs(twin / box - 1.0))


def _table_solves() -> str:
    from device_physics.dome_response import Response

    r = Response.default()
    return str(r.r_cf_m.size * r.sigma_cmo_S_per_m.size * r.sigma_dome_S_per_m.size)


def _coverage() -> str:
    from compact_model.published_cell import hop_distance_for, published_hopping
    from fits.hopping.fit import fit_hopping
    from fits.hopping.synthetic import synthetic_curves

    truth = published_hopping(hop_distance_for(paper()["cycling"]["r_lrs_ohm"]["mean"]))
    held: dict[str, int] = {}
    for seed in range(_SETS):
        for name, p in fit_hopping(synthetic_curves(truth, ambients_K=_AMBIENTS_K, seed=seed)).parameters.items():
            held[name] = held.get(name, 0) + (p.low <= getattr(truth, name) <= p.high)
    shares = [100 * n / _SETS for n in held.values()]
    return f"{min(shares):.1f} to {max(shares):.1f} %"


def _barrier(name: str) -> str:
    from compact_model.cell import Cell

    return f"{getattr(Cell.published().ions, f'barrier_{name}_eV'):.3f} eV"


@cache
def _bounds() -> Any:
    from compact_model.cell import Cell
    from compact_model.cell_pulses import pulsed_cells, soft_bounds

    return soft_bounds(pulsed_cells(Cell.published()))


def _reset_exponent() -> str:
    return f"{float(_bounds().devices.gamma_down):.1f}"


def _residual(name: str) -> str:
    return f"{100 * float(getattr(_bounds(), name)):.0f} %"


@cache
def _latent() -> Any:
    from compact_model.measured_population import as_measured
    from compact_model.population import Population

    return as_measured(Population.published())


def _latent_pulses(acceptance: float) -> str:
    from compact_model.programming_statistics import program_statistics

    levels = paper()["program_verify"]["levels"]
    return f"{program_statistics(_latent(), (32, 32), levels, acceptance, seed=0).result.mean_pulses:.0f}"


def _drop(signs: int, **changes: Any) -> str:
    """RMSE [1] of one 64 x 64 matrix and 100 vectors; signs : 1 for inputs of -1..1, 0 for inputs of 0..1."""
    from compact_model.mvm import Mvm, MvmSettings
    from compact_model.mvm.study import problem

    weights, x = problem(64, 64, 100, 0)
    inputs = x if signs else (x + 1.0) / 2.0
    y = Mvm.program(weights, MvmSettings.published(**_IR_DROP_ALONE, **changes), seed=0).multiply(inputs, 0.0)
    return f"{float(np.sqrt(np.mean((y - inputs @ weights) ** 2))):.2f}"


def _single(reference: str) -> dict[str, Any]:
    return {"scheme": "single", "reference": reference}


@cache
def _network() -> tuple[Any, Any]:
    """A network trained on scikit-learn's digits by plain stochastic gradients, and what it is tested with."""
    import torch

    from compact_model.training.images import digits

    task = digits()
    torch.manual_seed(0)
    sizes = (task.x.shape[1], 256, 128, 10)
    layers = [m for a, b in pairwise(sizes) for m in (torch.nn.Linear(a, b), torch.nn.Sigmoid())]
    network = torch.nn.Sequential(*layers[:-1])
    optimiser = torch.optim.SGD(network.parameters(), lr=0.5)
    for _ in range(200):
        for k in torch.randperm(len(task.x)).split(32):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(task.x[k]), task.y[k]).backward()
            optimiser.step()
    return network, (task.x_test, task.y_test)


def _learned(seen: bool) -> str:
    """Return the accuracy of digits learned on arrays whose wires the products in training see, or not."""
    from compact_model.population import Population
    from compact_model.training.aftermath import evaluate_trained
    from compact_model.training.images import digits
    from compact_model.training.network_in_arrays import default_chain
    from compact_model.training.settings import TrainSettings
    from compact_model.training.trainer import train
    from compact_model.training.wires import TrainWires

    wires, task = TrainWires(segment_ohm=5.0, lines=256), digits()
    rates = {"lr": 2.0, "verify": 0.6}
    settings = TrainSettings(task="digits", algorithm="mp", rates=rates, epochs=40, wires=wires if seen else None)
    network = train(task, settings, Population.published()).network
    chain = default_chain(wire_ohm=wires.segment_ohm, tile_rows=wires.lines, tile_columns=wires.lines)
    return f"{100 * evaluate_trained(network, task, chain, times=(0,)).rows()[0]['accuracy']:.0f} %"


def _digits_rows(lines: int) -> list[Quoted]:
    """Return the rows of one size of array."""
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "pairs": ("pairs", {}),
        "single": ("single devices, digital mid-point", _single("digital")),
        "wired": ("single devices, one wired reference per array", _single("wired")),
        "wired_16": ("single devices, one for every 16 columns", {**_single("wired"), "reference_every": 16}),
    }
    of = f"the same network read from arrays of {lines} x {lines} right after programming"
    size = {"tile_rows": lines, "tile_columns": lines}

    def row(name: str, what: str, changes: dict[str, Any]) -> Quoted:
        return Quoted(f"digits_{name}_{lines}", f"{of}: {what}", lambda: _digits({**changes, **size}), slow=True)

    return [row(name, *way) for name, way in ways.items()]


def _digits(changes: dict[str, Any] | None) -> str:
    from compact_model.training.network_in_arrays import default_chain, evaluate

    network, data = _network()
    if changes is None:
        return f"{100 * evaluate(network, data, times=(0,)).digital['accuracy']:.0f} %"
    found = evaluate(network, data, settings=default_chain(**changes), times=(0,), repeats=3)
    return f"{100 * float(found.mean[0]):.0f} %"
