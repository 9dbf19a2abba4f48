"""Forming: the Gumbel law, the compliance of the gate, what is left behind; and the transistor that sets it."""

from __future__ import annotations

import numpy as np
import pytest

from compact_model.cells import Cells, CellSpread
from compact_model.forming import Forming, form, low_field_S
from compact_model.published_cell import published_cell
from compact_model.transistor import Transistor
from ground.errors import InputError
from ground.paper import paper

CELL = published_cell()
FORMING = Forming.published(CELL.transistor)
CELLS = CellSpread(radius_share=0.03).sample(CELL, (40, 50), seed=0)
RESULT = form(CELLS, FORMING, seed=0)


def test_breakdown_follows_the_gumbel_law() -> None:
    from scipy.stats import kstest

    v = RESULT.v_1t1r_V.ravel()
    assert kstest(v, lambda x: 1.0 - FORMING.survival(x)).pvalue > 0.01
    assert np.std(v) == pytest.approx(np.pi * FORMING.v0_V / np.sqrt(6), rel=0.05)


def test_the_survival_is_the_integral_of_the_hazard() -> None:
    t = np.linspace(0.0, 3.5, 200_001) / FORMING.ramp_V_per_s
    rate = np.exp(FORMING.ln_h0_per_s + FORMING.ramp_V_per_s * t / FORMING.v0_V)
    total = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(t))])
    assert FORMING.survival(FORMING.ramp_V_per_s * t[::20_000]) == pytest.approx(np.exp(-total[::20_000]), abs=1e-6)


def test_a_faster_ramp_forms_later_by_v0_per_factor_e() -> None:
    faster = FORMING.replace(ramp_V_per_s=FORMING.ramp_V_per_s * np.e)
    ids = np.arange(4000)
    shift = faster.breakdown_V(ids, seed=1) - FORMING.breakdown_V(ids, seed=1)
    assert shift == pytest.approx(FORMING.v0_V, rel=1e-6)


def test_published_voltages_of_the_1t1r_come_out() -> None:
    """In go the mean and sigma of the ReRAM voltage, R_DS and the current; out come the 1T1R voltage and the yield."""
    f = paper()["forming"]
    assert np.nanmean(RESULT.v_1t1r_V) == pytest.approx(f["v_forming_1t1r_V"]["mean"], rel=0.01)
    assert np.nanmean(RESULT.v_reram_V) == pytest.approx(f["v_forming_reram_V"]["mean"], abs=0.01)
    assert np.nanmean(RESULT.current_A) == pytest.approx(258e-6, rel=0.01)
    assert RESULT.yield_fraction == 1.0
    assert RESULT.g_formed_S.mean() < RESULT.g_first_reset_S.mean()


def test_a_short_ramp_leaves_cells_unformed() -> None:
    early = form(CELLS, FORMING.replace(v_stop_V=3.38), seed=0)
    assert 0.3 < early.yield_fraction < 0.7
    assert np.all(np.isnan(early.v_1t1r_V[~early.formed])) and np.all(early.g_formed_S[~early.formed] == 0.0)
    _, current = early.sweep()
    assert np.all(current[~early.formed] == 0.0)
    assert current[early.formed].max() < 1.01 * float(CELL.transistor.current(1.2, 3.6, 0.0))


def test_the_gate_sets_the_current() -> None:
    low, high = (form(CELLS[:2, :3], FORMING.replace(gate_V=g), seed=0).current_A.mean() for g in (1.0, 1.4))
    assert low < 258e-6 < high


def test_a_cell_forms_alone_as_in_the_array() -> None:
    assert form(CELLS[7, 3], FORMING, seed=0).v_1t1r_V == RESULT.v_1t1r_V[7, 3]
    assert low_field_S(CELLS[7, 3], 500.0) == low_field_S(CELLS, 500.0)[7, 3]


def test_what_is_not_allowed() -> None:
    with pytest.raises(InputError, match="has no transistor, so nothing limits the current of forming"):
        form(Cells.of(CELL.replace(transistor=None)), FORMING, seed=0)
    with pytest.raises(InputError, match=r"mean_V=3.2, sigma_V=75 is not allowed: .* mV\?"):
        Forming.from_distribution(3.2, 75)
    with pytest.raises(InputError, match=r"saturation_A=258 is not allowed with r_ds_ohm=800 .* mA or uA instead of A"):
        Transistor.from_on_and_saturation(800.0, 258.0)
    with pytest.raises(InputError, match=r"Transistor.fit: 3 points .* cannot tell the threshold from the gain"):
        Transistor.fit([1.2] * 3, [0.1, 0.2, 0.3], [1e-4] * 3)


def test_the_transistor_has_both_its_numbers() -> None:
    t = Transistor.from_on_and_saturation(800.0, 258e-6)
    assert 1e-3 / float(t.current(1.2, 1e-3, 0.0)) == pytest.approx(800.0, rel=2e-3)
    assert float(t.current(1.2, 3.0, 0.0)) == pytest.approx(258e-6, rel=1e-6)


def test_a_fit_finds_the_transistor_of_a_synthetic_characteristic() -> None:
    true = Transistor(threshold_V=0.52, gain_A_per_V2=1.7e-3, slope=1.35)
    gate, drain = np.meshgrid([0.8, 1.2, 2.0, 3.3], np.linspace(0.05, 3.0, 15))
    noisy = true.current(gate, drain, 0.0) * (1 + 0.01 * np.random.default_rng(0).standard_normal(gate.shape))
    found = Transistor.fit(gate, drain, noisy)
    assert found.threshold_V == pytest.approx(0.52, abs=0.02)
    assert found.slope == pytest.approx(1.35, rel=0.03)
    assert found.gain_A_per_V2 == pytest.approx(1.7e-3, rel=0.03)
