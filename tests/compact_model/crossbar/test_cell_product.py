"""The table of the cell's curve against the exact law, and products of many cells against Newton's method."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model.crossbar import CellProduct, CellTable, Crossbar, HoppingCell, NonlinearCrossbar, Wires
from compact_model.crossbar import cell_table as cell_table_module
from compact_model.published_cell import published_cell
from ground.errors import InputError, NotConverged

CELL = published_cell()
OTHER = CELL.replace(
    hopping=CELL.hopping.replace(
        trap_density_lrs_m3=0.7 * CELL.hopping.trap_density_lrs_m3, hop_distance_m=1.1 * CELL.hopping.hop_distance_m
    )
)


def exact_current(cell, g, volts, read_V):  # type: ignore[no-untyped-def]
    law = HoppingCell.from_conductance(cell, g, read_V=read_V)
    return law.at(volts, np.zeros_like(volts)).current


@pytest.mark.parametrize(("cell", "read_V"), [(CELL, 0.2), (CELL, 0.05), (CELL, 0.4), (OTHER, 0.2)])
def test_the_table_is_the_law(cell, read_V: float) -> None:  # type: ignore[no-untyped-def]
    """At states and voltages between its nodes, beyond HRS and LRS too, to the error it states."""
    rng = np.random.default_rng(0)
    table = CellTable.of(cell, read_V)
    g, v = np.exp(rng.uniform(np.log(5e-7), np.log(3e-4), (60, 50))), rng.uniform(-read_V, read_V, (60, 50))
    exact = exact_current(cell, g, v, read_V)
    off = np.abs(table.current(g, v) / exact - 1.0).max()
    assert off < 1.2 * table.error and table.error < cell_table_module.TOLERANCE < 1e-4
    assert np.abs(g * v / exact - 1.0).max() > 100 * off  # linear devices


def test_the_table_follows_the_kink_of_the_curve() -> None:
    """States next to the LRS meet it on their way to the read voltage; a polynomial through it would be off by some 1e-3."""
    table = CellTable.kept(CELL, 0.2)
    kinks = table.rows[:, 1]
    assert np.any((kinks > 0.01) & (kinks < 0.19)) and np.all(np.diff(kinks) <= 0)
    row = int(np.argmin(np.abs(kinks - 0.1)))
    v = kinks[row] + np.linspace(-0.005, 0.005, 41)[None]
    g = np.full_like(v, np.exp(table.rows[row, 0]))
    assert table.current(g, v) == pytest.approx(exact_current(CELL, g, v, 0.2), rel=5e-5)
    slope = np.diff(table.current(g, v)[0] / v[0]) / np.diff(v[0])
    assert slope[25:].mean() > 1.5 * slope[:15].mean()
    assert CellTable.kept(CELL, 0.2) is table


def weights(rows: int, columns: int, seed: int = 1):  # type: ignore[no-untyped-def]
    return np.random.default_rng(seed).uniform(9e-6, 89e-6, (rows, columns))


def root_mean_square(a) -> float:  # type: ignore[no-untyped-def]
    return float(np.sqrt(np.mean(a**2)))


def inputs(kind: str, rows: int):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(2)
    x = rng.uniform(-0.2 if kind == "signed" else 0.0, 0.2, (4, rows))
    return np.where(rng.random(x.shape) < 0.8, 0.0, x) if kind == "sparse" else x


@pytest.mark.parametrize("kind", ["uniform", "signed", "sparse"])
def test_without_wires_the_product_is_the_sum_of_the_curves(kind: str) -> None:
    g, x = weights(50, 20), inputs(kind, 50)
    exact = NonlinearCrossbar(HoppingCell.from_conductance(CELL, g), Wires.perfect()).solve(x).bit_A
    for wires in (None, Wires.perfect()):
        found = CellProduct.of(CellTable.kept(CELL, 0.2), g, wires).currents(x)
        assert root_mean_square(found - exact) < 2e-5 * root_mean_square(exact)


@pytest.mark.parametrize("kind", ["uniform", "signed", "sparse"])
@pytest.mark.parametrize("sense", ["bottom", "both"])
def test_with_wires_it_is_newtons_method_but_for_the_square_of_small_things(kind: str, sense: str) -> None:
    """128 segments of 0.35 ohm take 5..10 %, the cells bend by 10..20 %: their product is left, squared in part."""
    g, x = weights(128, 64), inputs(kind, 128)
    wires = Wires.uniform(0.35, sense=sense)
    exact = NonlinearCrossbar(HoppingCell.from_conductance(CELL, g), wires).solve(x).bit_A
    table = CellTable.kept(CELL, 0.2)
    found = CellProduct.of(table, g, wires).currents(x)
    linear, bare = x @ Crossbar(g, wires).transfer_S(), CellProduct.of(table, g).currents(x)
    off, of_linear, of_bare = (root_mean_square(y - exact) / root_mean_square(exact) for y in (found, linear, bare))
    assert off < 2e-3
    assert of_linear > 15 * off and of_bare > 10 * off


def test_what_is_left_falls_with_the_wires() -> None:
    g, x = weights(64, 32), inputs("sparse", 64)
    law, table, off = HoppingCell.from_conductance(CELL, g), CellTable.kept(CELL, 0.2), []
    for ohm in (4.0, 2.0, 1.0):
        wires = Wires.uniform(ohm)
        exact = NonlinearCrossbar(law, wires).solve(x).bit_A
        off.append(root_mean_square(CellProduct.of(table, g, wires).currents(x) - exact) / root_mean_square(exact))
    assert off[0] > 1.7 * off[1] > 1.7**2 * off[2]


def test_places_without_a_device_and_threads_change_nothing() -> None:
    g = weights(30, 70)
    g[3, :5], g[:, 7] = 0.0, 0.0
    x = inputs("signed", 30)
    product = CellProduct.of(CellTable.kept(CELL, 0.2), g, Wires.uniform(0.35))
    found = product.currents(x, threads=1)
    assert np.array_equal(found, product.currents(x, threads=3))
    assert np.array_equal(found[1:2], product.currents(x[1])) or found[1] == pytest.approx(product.currents(x[1])[0])
    assert np.all(np.abs(found[:, 7]) < 1e-12) and np.isfinite(found).all()
    exact = NonlinearCrossbar(HoppingCell.from_conductance(CELL, g), Wires.uniform(0.35)).solve(x).bit_A
    assert root_mean_square(found - exact) < 1e-3 * root_mean_square(exact)


def test_what_no_table_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"read_V=3 is not allowed for this cell: at .* V the dome would"):
        CellTable.of(CELL, 3.0)
    with pytest.raises(InputError, match=r"CellProduct.conductance_S\[0, 0\]=-1 is not allowed"):
        CellProduct.of(CellTable.kept(CELL, 0.2), -np.ones((2, 2)))
    monkeypatch.setattr(cell_table_module, "TOLERANCE", 1e-6)
    with pytest.raises(NotConverged, match=r"up to 0.2 V does not fit a table: a current is off by 1.\de-05"):
        CellTable.of(CELL, 0.2)
