"""Every exporter against the same cell and the same waveforms: a quasi-static cycle and a train of pulses."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import ngspice_run
import numpy as np
import pytest

from compact_model.cell_dynamics import prepare, simulate
from compact_model.export.circuit import CircuitCell, constants
from compact_model.export.lookup import lookup_table
from compact_model.export.spice import spice_subcircuit
from compact_model.export.verilog_a import verilog_a_module
from compact_model.model import CompactModel
from compact_model.published_cell import published_cell
from compact_model.pulsed_device import UP, pulse
from compact_model.streams import normals
from compact_model.waveform import Waveform
from ground.errors import InputError

MODEL = CompactModel.published().replace(cell=published_cell())
CELL = published_cell()
WAVES = {
    "cycle": (Waveform.sweep([1.3, -1.5], [1.1, 3.3]), 0.05, 5e-3),
    "pulses": (
        Waveform.pulses([1.35, 1.35, -1.3, -1.3, -1.5, 1.5], [1.4, 1.4, 3.3, 3.3, 3.3, 1.4], edge_s=2e-8, samples=40),
        0.3,
        2e-8,
    ),
}


def _agree(current: np.ndarray, x: np.ndarray, wave: Waveform, x0: float) -> None:
    ours = simulate(CELL, wave, x0)
    assert np.abs(current - ours.current_A).max() < 0.01 * np.abs(ours.current_A).max()
    assert np.linalg.norm(current - ours.current_A) < 0.005 * np.linalg.norm(ours.current_A)
    assert np.abs(x - ours.x).max() < 0.01
    assert np.ptp(ours.x) > 0.2  # the waveform does switch the cell


@pytest.mark.parametrize("wave", WAVES)
@pytest.mark.skipif(bool(ngspice_run.MISSING), reason=ngspice_run.MISSING or "ngspice is there")
def test_the_spice_subcircuit_is_the_cell(wave: str, tmp_path: Path) -> None:
    form, x0, step = WAVES[wave]
    _agree(*ngspice_run.run(spice_subcircuit(MODEL), form, x0, step, tmp_path), form, x0)


class _Module:
    """The compiled Verilog-A module: its residuals, solved for the inner nodes, give current and dx/dt."""

    def __init__(self, path: Path) -> None:
        import openvaf_py

        self.compiled = openvaf_py.compile_va(str(path))[0]
        self.fixed = {**constants(CELL), "mfactor": 1.0}
        self.m, self.u = 0.0, 5.0

    def _residuals(self, te: float, gate: float, sl: float, x: float, m: float, u: float) -> np.ndarray:
        given = {**self.fixed, "V(te,m)": te - m, "V(gate)": gate, "V(sl)": sl, "V(x)": x, "V(m)": m, "V(u)": u}
        rows, _ = self.compiled.run_init_eval(given)
        return np.array([r[0] for r in rows])

    def at(self, bias: float, gate: float, x: float) -> tuple[float, float]:
        """Current [A] and dx/dt [1/s]."""
        from scipy.optimize import root

        te, sl = max(bias, 0.0), max(-bias, 0.0)
        names = ["te", "gate", "sl", "x", "m", "u"]
        cell_S = 1e-5

        def gap(z: np.ndarray) -> np.ndarray:
            r = self._residuals(te, gate, sl, x, z[0], z[1])
            return np.array([r[names.index("m")] / cell_S, r[names.index("u")]])

        found = root(gap, [self.m, self.u], method="hybr", options={"xtol": 1e-11})
        assert np.abs(gap(found.x)).max() < 1e-6, (bias, x, found)
        self.m, self.u = found.x
        r = self._residuals(te, gate, sl, x, self.m, self.u)
        return float(r[names.index("te")]), -float(r[names.index("x")])


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> _Module:
    if importlib.util.find_spec("openvaf_py") is None:
        pytest.skip("openvaf_py is not installed (pip install openvaf-py, Python 3.11)")
    path = tmp_path_factory.mktemp("va") / "cell.va"
    path.write_text(verilog_a_module(MODEL))
    return _Module(path)


@pytest.mark.parametrize("wave", WAVES)
def test_the_verilog_a_module_is_the_cell(wave: str, compiled: _Module) -> None:
    """Compiled by an open compiler, its residuals solved at every sample, its dx/dt integrated between samples (Rosenbrock)."""
    form, x0, _ = WAVES[wave]
    bias, gate = form.at(form.sample_s)
    ours = simulate(CELL, form, x0)
    for k in range(0, form.sample_s.size, 3):
        if abs(bias[k]) < 1e-3:
            continue
        current, slope = compiled.at(float(bias[k]), float(gate[k]), float(ours.x[k]))
        assert current == pytest.approx(ours.current_A[k], rel=0.01, abs=1e-9)
        rate = float(CELL.dx_dt(ours.x[k], np.sign(bias[k]), abs(ours.E_V_per_m[k]), ours.T_K[k]))
        assert slope == pytest.approx(rate, rel=0.03, abs=1e-9)


def test_the_verilog_a_module_integrates_to_the_cell(compiled: _Module) -> None:
    from scipy.integrate import solve_ivp

    down = Waveform.pulses([-1.3], [3.3], edge_s=1e-7, samples=9)
    run = solve_ivp(
        lambda t, x: [compiled.at(*(float(v) for v in down.at(t)), float(x[0]))[1]],
        (0.0, float(down.sample_s[-1])),
        [0.9],
        method="LSODA",
        t_eval=down.sample_s,
        rtol=1e-6,
        atol=1e-9,
        max_step=1e-7,
    )
    ours = simulate(CELL, down, 0.9)
    assert run.y[0] == pytest.approx(ours.x, abs=0.002)
    assert ours.x[-1] < 0.5


def test_polynomials_are_the_response() -> None:
    circuit = CircuitCell.of(CELL)
    assert circuit.largest_error < 5e-4
    ready = prepare(CELL)
    point = ready.points(2e25, -0.8, 3.3)
    u = float(np.log(point["sigma_dome_S_per_m"]))
    _, middle, half, rows = next(b for b in circuit.branches() if abs(u - b[1]) <= b[2])
    G = float(np.exp(np.polynomial.polynomial.polyval((u - middle) / half, rows[0])))
    assert pytest.approx(float(point["current_A"] / point["cell_V"]), rel=1e-3) == G
    for a, b in zip(circuit.below, circuit.above, strict=True):  # one value at the kink
        assert np.sum(a) == pytest.approx(np.polynomial.polynomial.polyval(-1.0, b), abs=1e-9)


def test_the_table_is_the_population() -> None:
    table = lookup_table(MODEL, rows=9, columns=2001)
    devices = MODEL.population.sample(3000, 7)
    row = 4
    g = np.clip(table.g_S[row], devices.g_min_S, devices.g_max_S)
    change = pulse(g, devices, UP, normals(9, "pulse", devices.device_id, count=1)[0]) - g
    drawn = np.interp(np.random.default_rng(0).random(20_000), table.quantile, table.up_S[row])
    assert drawn.mean() == pytest.approx(change.mean(), rel=0.06)
    assert drawn.std() == pytest.approx(change.std(), rel=0.06)
    assert np.all(np.diff(table.up_S, axis=1) >= 0)
    assert np.all(table.mean_up_S >= 0) and np.all(table.mean_down_S <= 0)
    lines = table.csv("down").splitlines()
    assert len(lines) == 10 and len(lines[1].split(",")) == 2002


def test_exports_are_functions_of_the_model_and_say_what_it_is() -> None:
    assert spice_subcircuit(MODEL) == spice_subcircuit(MODEL) and verilog_a_module(MODEL) == verilog_a_module(MODEL)
    marked = MODEL.replace(provenance={**MODEL.provenance, "synthetic": True})
    assert "SYNTHETIC" in spice_subcircuit(marked) and "SYNTHETIC" in verilog_a_module(marked)
    assert MODEL.content_hash in spice_subcircuit(MODEL)
    assert "ddt(V(x))" in verilog_a_module(MODEL)


def test_what_is_not_allowed() -> None:
    with pytest.raises(InputError, match="export: the model has no cell; a circuit needs cell and transistor"):
        spice_subcircuit(CompactModel.published())
    with pytest.raises(InputError, match="export: the model has no transistor"):
        verilog_a_module(MODEL.replace(cell=CELL.replace(transistor=None)))
    with pytest.raises(InputError, match=r"name='my cell' is not allowed: expected letters, digits and _"):
        verilog_a_module(MODEL, name="my cell")
    with pytest.raises(InputError, match=r"direction='left' is not allowed: expected 'up' or 'down'"):
        lookup_table(MODEL, rows=2, columns=3, devices=10).csv("left")
    with pytest.raises(InputError, match=r"rows=1, columns=3, devices=10 is not allowed"):
        lookup_table(MODEL, rows=1, columns=3, devices=10)
