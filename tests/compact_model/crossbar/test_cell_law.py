"""The compact model's cell in a crossbar: against the cell alone, Kirchhoff and power, its derivatives, and ngspice."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compact_model.cell_dynamics import prepare
from compact_model.cells import Cells
from compact_model.crossbar import Crossbar, HoppingCell, NonlinearCrossbar, OneTransistor, Wires, crossbar_netlist
from compact_model.export.circuit import CircuitCell
from compact_model.export.spice import spice_subcircuit
from compact_model.model import CompactModel
from compact_model.published_cell import published_cell, published_spread
from ground.errors import InputError, NotConverged

CELL = published_cell()
SHAPE = (6, 5)
X = np.random.default_rng(0).uniform(0, 1, SHAPE)


@pytest.mark.parametrize("volts", [0.2, 0.7, -0.2, -0.7])
def test_without_wires_every_cell_is_the_cell_alone(volts: float) -> None:
    """A negative bias lifts the source line, as `PreparedCells.points` has it."""
    law = HoppingCell.of_state(CELL, X, gate_V=1.4)
    crossbar = NonlinearCrossbar(law, Wires.perfect())
    s = crossbar.solve(max(volts, 0.0), max(-volts, 0.0), voltages=True)
    alone = prepare(Cells.of(CELL, SHAPE)).points(law.trap_density_m3, volts, 1.4)["current_A"]
    assert law.at(s.word_V[0], s.bit_V[0]).current == pytest.approx(alone, rel=1e-8)
    assert s.bit_A[0] == pytest.approx(alone.sum(axis=0), rel=1e-8)


def test_cell_and_transistor_together_are_cell_and_transistor_one_after_the_other() -> None:
    rng = np.random.default_rng(1)
    w, b = rng.uniform(-0.5, 0.9, SHAPE), rng.uniform(-0.3, 0.3, SHAPE)
    gate = rng.uniform(0.8, 3.3, SHAPE)
    both = HoppingCell.of_state(CELL, X, gate_V=gate).at(w, b)
    nested = OneTransistor(HoppingCell.of_state(CELL, X), CELL.transistor, gate).at(w, b)
    for name in ("current", "by_word", "by_bit"):
        scale = np.abs(getattr(both, name)).max()
        assert getattr(both, name) == pytest.approx(getattr(nested, name), abs=1e-8 * scale), name


@pytest.mark.parametrize("gate", [None, 0.6, 1.2, 3.3])
def test_derivatives_are_those_of_the_current(gate: float | None) -> None:
    rng = np.random.default_rng(2)
    law = HoppingCell.of_state(CELL, X, gate_V=gate)
    w, b, h = rng.uniform(-0.4, 0.6, SHAPE), rng.uniform(-0.2, 0.2, SHAPE), 1e-5
    at = law.at(w, b)
    assert np.all(at.by_word >= 0) and np.all(at.by_bit >= 0)
    scale = np.abs(at.by_bit).max()
    by_word = (law.at(w + h, b).current - law.at(w - h, b).current) / (2 * h)
    by_bit = (law.at(w, b - h).current - law.at(w, b + h).current) / (2 * h)
    assert at.by_word == pytest.approx(by_word, abs=1e-6 * scale)
    assert at.by_bit == pytest.approx(by_bit, abs=1e-6 * scale)


def test_no_voltage_no_current_but_the_slope_of_a_small_one() -> None:
    for gate in (None, 3.3):
        law = HoppingCell.of_state(CELL, X, gate_V=gate)
        here, near = law.at(np.zeros(SHAPE), np.zeros(SHAPE)), law.at(np.full(SHAPE, 1e-5), np.zeros(SHAPE))
        assert np.all(here.current == 0)
        assert here.by_word == pytest.approx(near.current / 1e-5, rel=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([None, 0.9, 3.3]), st.integers(0, 2**32 - 1))
def test_kirchhoff_and_power_balance(rows: int, columns: int, gate: float | None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spread = published_spread().sample(CELL, (rows, columns), seed % 1000)
    law = HoppingCell.of_state(spread, rng.uniform(0, 1, (rows, columns)), gate_V=gate)
    wires = Wires.uniform(20.0, sense="both")
    s = NonlinearCrossbar(law, wires).solve(rng.uniform(0, 0.6, (2, rows)), rng.uniform(0, 0.2, columns), voltages=True)
    size = np.abs(s.word_A).max()
    assert s.kcl_A.max() <= 1e-8 * size
    assert s.source_power_W == pytest.approx(s.device_power_W + s.wire_power_W, rel=1e-7, abs=1e-9 * size)
    current = law.at(s.word_V[0], s.bit_V[0]).current
    assert s.bit_A[0] == pytest.approx(current.sum(axis=0), abs=1e-7 * size)


@pytest.mark.parametrize("gate", [None, 3.3])
def test_conductances_are_those_asked_for_at_the_read_voltage(gate: float | None) -> None:
    g = np.random.default_rng(3).uniform(1e-6, 95e-6, (8, 9))
    g[2, 3] = 0.0
    law = HoppingCell.from_conductance(CELL, g, read_V=0.2, gate_V=gate)
    assert law.at(np.full(g.shape, 0.2), np.zeros(g.shape)).current / 0.2 == pytest.approx(g, rel=1e-9, abs=1e-18)
    between = law.area == 1.0
    hrs, lrs = CELL.hopping.trap_density_hrs_m3, CELL.hopping.trap_density_lrs_m3
    assert between.any() and (law.area > 1).any() and (law.area[g > 0] < 1).any()
    assert np.all((law.trap_density_m3[between] > hrs) & (law.trap_density_m3[between] < lrs))
    small = law.at(np.full(g.shape, 0.02), np.zeros(g.shape)).current / 0.02
    assert np.all(small[g > 0] < g[g > 0])  # the hopping law bends upwards


def test_at_low_voltage_it_is_the_linear_crossbar() -> None:
    law = HoppingCell.of_state(CELL, X)
    slope = law.at(np.full(SHAPE, 1e-5), np.zeros(SHAPE)).by_word
    volts = np.random.default_rng(4).uniform(-1e-4, 1e-4, 6)
    found = NonlinearCrossbar(law, Wires.uniform(50.0)).solve(volts).bit_A
    assert found == pytest.approx(Crossbar(slope, Wires.uniform(50.0)).forward(volts).bit_A, rel=1e-5)


def test_a_shut_gate_carries_nothing() -> None:
    gate = np.where(np.arange(6) < 3, 3.3, -np.inf)[:, None]
    s = NonlinearCrossbar(HoppingCell.of_state(CELL, X, gate_V=gate)).solve(0.2)
    assert np.all(np.abs(s.word_A[0, 3:]) < 1e-15) and np.all(s.word_A[0, :3] > 1e-6)


def _as_exported(law: HoppingCell) -> HoppingCell:
    """The same cells on the polynomials of the exported circuit (which are within 3e-4 of the table) instead of the table."""
    circuit = CircuitCell.of(CELL)
    rows = []
    for _, middle, half, c in circuit.branches():
        for s in np.linspace(-1.0, 1.0, 401)[:-1]:
            series = [
                np.polynomial.Polynomial(p).deriv(k)(s) / half**k / factorial
                for p in c
                for k, factorial in enumerate((1, 1, 2, 6))
            ]
            rows.append([middle + half * s, *series])
    rows.append([circuit.u_high, *rows[-1][1:]])
    return replace(law, ready=replace(law.ready, tables=np.array([rows])))


@pytest.mark.skipif(shutil.which("ngspice") is None, reason="needs ngspice")
@pytest.mark.parametrize("gate", [1.2, 3.3])
def test_a_1t1r_array_agrees_with_ngspice_on_the_exported_subcircuit(gate: float, tmp_path: Path) -> None:
    """Its state is held by a source instead of the capacitor: an operating point, at which nothing switches."""
    model = CompactModel.published().replace(cell=CELL)
    text = spice_subcircuit(model)
    held = re.sub(r"^Bx 0 x I = .*$", "", text, flags=re.M).replace("Cx x 0 1 ic={x0}", "Vx x 0 {x0}")
    held = held.replace(".ic V(u)", ".nodeset V(u)")
    assert "Vx x 0" in held and "Bx 0 x" not in held and ".nodeset" in held
    rng = np.random.default_rng(5)
    wires, volts = Wires.uniform(20.0), rng.uniform(0.05, 0.4, SHAPE[0])
    device = [[f"X{{n}} {{w}} gate {{b}} x{{n}} reram_1t1r x0={v!r}" for v in map(float, row)] for row in X]
    device[0][0] = f"{held.replace('{', '{{').replace('}', '}}')}\nVgate gate 0 {gate}\n{device[0][0]}"
    options = "reltol=1e-9 abstol=1e-18 vntol=1e-12 gmin=1e-20 itl1=500"
    (tmp_path / "x.cir").write_text(crossbar_netlist(wires, SHAPE, device, volts, options=options))
    done = subprocess.run(["ngspice", "-b", "x.cir"], cwd=tmp_path, capture_output=True, text=True, check=False)
    found = {int(k): float(v) for k, v in re.findall(r"i\(vbottom_(\d+)\) = (\S+)", done.stdout)}
    assert len(found) == SHAPE[1], done.stdout[-1500:] + done.stderr[-1500:]
    theirs = np.array([found[j] for j in range(SHAPE[1])])
    law = HoppingCell.of_state(CELL, X, gate_V=gate)
    ours = NonlinearCrossbar(_as_exported(law), wires).solve(volts).bit_A[0]
    assert np.abs(ours - theirs).max() < 1e-7 * np.abs(theirs).max()
    by_table = NonlinearCrossbar(law, wires).solve(volts).bit_A[0]
    assert np.abs(by_table - theirs).max() < 1e-4 * np.abs(theirs).max()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: HoppingCell.of_state(CELL, np.full((2, 2), 1.5)),
            r"x of shape \(2, 2\) is not allowed: expected states",
        ),
        (lambda: HoppingCell.of_state(CELL, 0.5), r"x of shape \(\) is not allowed"),
        (lambda: HoppingCell.of_state(Cells.of(CELL, (3, 2)), X), r"cells have shape \(3, 2\), but \(6, 5\)"),
        (
            lambda: HoppingCell.of_state(CELL.replace(transistor=None), X, gate_V=1.0),
            r"gate_V is given, but the cell has no transistor",
        ),
        (lambda: HoppingCell.of_state(CELL, X, gate_V=np.nan), r"gate_V holds a value that is not a number"),
        (
            lambda: HoppingCell.from_conductance(CELL, -np.ones((2, 2))),
            r"HoppingCell.conductance_S\[0, 0\]=-1 is not allowed",
        ),
        (lambda: HoppingCell.from_conductance(CELL, [[1e-5]], read_V=0.0), r"read_V=0.0 is not allowed"),
        (
            lambda: HoppingCell.from_conductance(CELL, [[5e-5]], gate_V=0.5),
            r"conductance_S\[0, 0\]=5e-05 is not allowed: a transistor at a gate of 0.5 V carries less",
        ),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=match):
        call()


def test_a_voltage_beyond_thermal_runaway_is_not_converged() -> None:
    with pytest.raises(
        NotConverged, match=r"cell \(\d, \d\) has no solution at .* V: .*Likely|hotter|above the response table"
    ):
        NonlinearCrossbar(HoppingCell.of_state(CELL, np.ones((2, 2))), Wires.perfect()).solve(5.0)
