"""The order of elimination: a permutation whose cuts part the crossbar, and smaller factors than a general order has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import splu

from compact_model.crossbar import Crossbar, Wires
from compact_model.crossbar.direct import Nodal
from compact_model.crossbar.dissection import dissection

PLAIN = {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_every_node_is_eliminated_once(rows: int, columns: int) -> None:
    assert np.array_equal(np.sort(dissection(rows, columns)), np.arange(2 * rows * columns))


@pytest.mark.parametrize("shape", [(128, 128), (160, 60), (60, 160)])
def test_factors_are_smaller_than_those_of_minimum_degree(shape: tuple[int, int]) -> None:
    g = np.full(shape, 1e-5)
    nodal = Nodal.of(Wires.uniform(1.0).of(*shape), g, g)
    general = splu(nodal.matrix, permc_spec="MMD_AT_PLUS_A", **PLAIN)
    order = nodal.order()
    ours = splu(nodal.matrix[order][:, order].tocsc(), permc_spec="NATURAL", **PLAIN)
    assert ours.L.nnz < 0.7 * general.L.nnz
    assert np.array_equal(np.sort(order), np.arange(nodal.free))


def test_the_last_cut_parts_the_network() -> None:
    from scipy.sparse.csgraph import connected_components

    g = np.full((20, 33), 1e-5)
    nodal = Nodal.of(Wires.uniform(1.0).of(20, 33), g, g)
    kept = nodal.order()[:-20]  # the last cut: one word node per row
    count, part = connected_components(nodal.matrix[kept][:, kept], directed=False)
    assert count == 3  # both sides, and the bit line that the cut passes through
    assert sorted(np.bincount(part)) == [20, 16 * 40, 16 * 40]


def test_joined_nodes_are_eliminated_once() -> None:
    wires = Wires(np.where(np.arange(29) % 3, 0.0, 1.0), np.where(np.arange(30) % 2, 0.0, 2.0), 1.0, 0.0)
    crossbar = Crossbar(np.random.default_rng(0).uniform(1e-6, 1e-3, (25, 30)), wires)
    volts = np.random.default_rng(1).normal(size=(3, 25))
    direct, swept = (crossbar.forward(volts, method=m) for m in ("direct", "relaxation"))
    assert direct.bit_A == pytest.approx(swept.bit_A, abs=3e-9 * np.abs(swept.bit_A).max())
