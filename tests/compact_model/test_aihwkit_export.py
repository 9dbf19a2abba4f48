import json
from pathlib import Path

import aihwkit_peer
import numpy as np
import pytest

from compact_model.export.aihwkit import aihwkit_json, aihwkit_python, one_sided, powstep_numbers
from compact_model.model import CompactModel
from compact_model.open_loop import open_loop_metrics
from compact_model.population import Bivariate, Population
from ground.paper import paper

MODEL = CompactModel.published()
RECORDED = json.loads((Path(__file__).parent / "data" / "aihwkit_recorded.json").read_text())
DTOD = ("w_max_dtod", "w_min_dtod", "dw_min_dtod", "up_down_dtod", "pow_gamma_dtod", "pow_up_down_dtod")


def with_population(**changes):
    return MODEL.replace(population=MODEL.population.replace(**changes))


def cpp_populate(f, count, rng):
    """aihwkit's C++ draw of (w_max, w_min, up, down, gamma_up, gamma_down), written from its source, shape (6, count)."""

    def pair(scale, bias, gain_std, bias_std):
        gain, r = 1 + gain_std * rng.normal(size=count), bias_std * rng.normal(size=count)
        up_bias, down_bias = (0.0, -bias) if bias > 0 else (bias, 0.0)
        return np.abs((up_bias + gain + r) * scale), np.abs((down_bias + gain - r) * scale)

    w_max = np.abs(f["w_max"] * (1 + f["w_max_dtod"] * rng.normal(size=count)))
    w_min = -np.abs(f["w_min"] * (1 + f["w_min_dtod"] * rng.normal(size=count)))
    return np.array(
        [
            w_max,
            w_min,
            *pair(f["dw_min"], f["up_down"], f["dw_min_dtod"], f["up_down_dtod"]),
            *pair(f["pow_gamma"], f["pow_up_down"], f["pow_gamma_dtod"], f["pow_up_down_dtod"]),
        ]
    )


def cpp_pulse(w, device, sign, dw_min_std, rng):
    """aihwkit's C++ update_once of PowStep, written from its source."""
    w_max, w_min, up, down, gamma_up, gamma_down = device
    noise = 1 + dw_min_std * rng.normal(size=w.shape)
    if sign > 0:
        w = w + up * ((w_max - w) / (w_max - w_min)) ** gamma_up * noise
    else:
        w = w - down * ((w - w_min) / (w_max - w_min)) ** gamma_down * noise
    return np.clip(w, w_min, w_max)


def cpp_metrics(f, count, seed=0, spread=True):
    rng = np.random.default_rng(seed)
    device = cpp_populate(f if spread else {**f, **dict.fromkeys(DTOD, 0.0)}, count, rng)
    trace = [device[1]]
    for sign in aihwkit_peer.DIRECTION:
        trace.append(cpp_pulse(trace[-1], device, sign, f["dw_min_std"], rng))
    return aihwkit_peer.as_numbers(open_loop_metrics(np.array(trace), aihwkit_peer.DIRECTION, aihwkit_peer.ALTERNATING))


def analytic(device):
    """Return (n_states, sp_skew) of C++ devices by bisection of the mean steps, each shape (count,)."""
    w_max, w_min, up, down, gamma_up, gamma_down = device
    low, high = np.zeros_like(up), np.ones_like(up)
    for _ in range(60):
        middle = 0.5 * (low + high)
        too_high = up * middle**gamma_up > down * (1 - middle) ** gamma_down
        low, high = np.where(too_high, low, middle), np.where(too_high, middle, high)
    return (w_max - w_min) / (up * low**gamma_up), low


@pytest.mark.parametrize(("up", "down"), [(2.0, 1.0), (1.0, 2.0), (1.5, 1.5), (0.01, 3.0)])
def test_one_sided_bias_gives_both_steps_back(up, down):
    scale, bias = one_sided(up, down)
    assert (scale * (1 + min(bias, 0)), scale * (1 - max(bias, 0))) == pytest.approx((up, down))
    assert abs(bias) < 1


def test_linear_case_is_the_one_worked_out_by_hand():
    """Symmetry point -0.22, gamma 1: aihwkit's C++ needs up_down = -0.361, not -0.22."""
    f = powstep_numbers(with_population(exponents=Bivariate(mean=(1.0, 0.0), sigma=(0.0, 0.0)))).fields()
    assert f["up_down"] == pytest.approx(-2 * 0.22 / 1.22, rel=1e-9)


@pytest.mark.parametrize("skew", [0.2, 0.5, 0.61, 0.9])
@pytest.mark.parametrize("exponents", [(0.7, 0.0), (1.5, 0.3), (2.5, -0.4)])
@pytest.mark.parametrize("n", [10.0, 100.0])
def test_mean_device_has_the_symmetry_point_and_states_of_the_model(skew, exponents, n):
    model = with_population(
        states=Bivariate(mean=(n, skew), sigma=(0.1, 0.01)), exponents=Bivariate(mean=exponents, sigma=(0.0, 0.0))
    )
    f = {**powstep_numbers(model).fields(), **dict.fromkeys(DTOD, 0.0)}
    device = cpp_populate(f, 1, np.random.default_rng(0))
    states, at = analytic(device)
    assert (states[0], at[0]) == pytest.approx((n, skew), rel=1e-9)
    assert tuple(device[4:, 0]) == pytest.approx((exponents[0] * (1 + exponents[1]), exponents[0] * (1 - exponents[1])))
    assert aihwkit_json(model)["mean_device"]["symmetry_point"] == pytest.approx(1 - 2 * skew)


def test_spreads_of_states_and_symmetry_point_come_back_where_they_are_small():
    model = with_population(
        states=Bivariate(mean=(22, 0.55), sigma=(1.5, 0.02)),
        g_max_sigma_S=1e-6,
        g_min_sigma_S=1e-7,
        exponents=Bivariate(mean=(1.2, 0.1), sigma=(0.02, 0.01)),
    )
    numbers = powstep_numbers(model)
    n, skew = analytic(cpp_populate(numbers.fields(), 40000, np.random.default_rng(1)))
    assert n.std() == pytest.approx(1.5, rel=0.04) and skew.std() == pytest.approx(0.02, rel=0.04)
    assert not [note for note in numbers.notes if "n_states" in note]


def test_published_spreads_and_what_is_said_about_them():
    numbers = powstep_numbers(MODEL)
    n, skew = analytic(cpp_populate(numbers.fields(), 40000, np.random.default_rng(1)))
    assert np.median(n) == pytest.approx(22, rel=0.05) and skew.mean() == pytest.approx(0.61, abs=0.01)
    assert np.diff(np.percentile(n, [16, 84]))[0] / 2 == pytest.approx(4.25, rel=0.25)
    assert skew.std() == pytest.approx(0.1, rel=0.15)
    text = "; ".join(numbers.notes)
    assert "spread of gamma over devices comes out 0.53 times" in text and "n_states has a long tail" in text
    assert "spread of NSR over devices (0.1) is not carried" in text


def test_correlations_are_said_to_be_lost():
    model = with_population(states=Bivariate(mean=(22, 0.6), sigma=(2, 0.05), correlation=0.5))
    assert any("correlations inside G1 and G2 are not carried" in n for n in aihwkit_json(model)["notes"])


def test_exported_numbers_are_those_that_the_real_aihwkit_was_given():
    given = {name: value for name, value in RECORDED["device"].items() if name != "class"}
    assert powstep_numbers(MODEL).fields() == pytest.approx(given, rel=1e-9)
    assert RECORDED["aihwkit"] == aihwkit_json(MODEL)["aihwkit"]


def test_recorded_aihwkit_results_agree_with_our_simulation():
    exact, ours = RECORDED["mean_device_no_noise"], aihwkit_peer.ours(MODEL, 0.0)
    for name in ("n_states", "sp_skew"):
        assert exact[name]["mean"] == pytest.approx(ours[name]["mean"], rel=1e-5)  # aihwkit computes in float32
    noisy, ours = RECORDED["mean_device"], aihwkit_peer.ours(MODEL, MODEL.population.nsr_mean)
    for name in ("n_states", "sp_skew", "nsr"):
        error = np.hypot(noisy[name]["std"], ours[name]["std"]) / np.sqrt(RECORDED["devices"])
        assert noisy[name]["mean"] == pytest.approx(ours[name]["mean"], abs=4 * error)
        assert noisy[name]["std"] == pytest.approx(ours[name]["std"], rel=0.25)


def test_recorded_aihwkit_results_agree_with_its_rule_in_numpy():
    f = powstep_numbers(MODEL).fields()
    for record, spread in (("mean_device", False), ("spread_devices", True)):
        ours, theirs = cpp_metrics(f, 2000, spread=spread), RECORDED[record]
        for name in ("n_states", "sp_skew", "nsr"):
            error = 1.25 * theirs[name]["half_width"] / np.sqrt(RECORDED["devices"])
            assert ours[name]["median"] == pytest.approx(theirs[name]["median"], abs=4.5 * error)
            assert ours[name]["half_width"] == pytest.approx(theirs[name]["half_width"], rel=0.3)


def test_recorded_inference_noise_is_the_models():
    law, read = MODEL.noise.relaxation, MODEL.noise.read
    for t, got in RECORDED["inference_50uS"].items():
        programmed = 0.00081107 + 0.00106879 * 50
        std = np.hypot(programmed, np.hypot(law.std_S(float(t)), read.std_S(50e-6, float(t))) * 1e6)
        assert got["mean_uS"] == pytest.approx(50 + law.mean_S(float(t)) * 1e6, abs=0.03)
        assert got["std_uS"] == pytest.approx(float(std), rel=0.03)


def test_file_is_python_that_imports_nothing_until_asked():
    names = aihwkit_peer.exported(MODEL)
    assert names["DEVICE"] == powstep_numbers(MODEL).fields()
    assert names["INFERENCE"]["coeff_dict"][2.0] == paper()["program_verify"]["sigma_prog"]["acceptance_2_percent"]
    assert names["INFERENCE"]["ir_drop_g_ratio"] == pytest.approx(28571.43, rel=1e-6)
    source = aihwkit_python(MODEL)
    assert MODEL.content_hash in source and "arXiv:2502.04524" in source and "SYNTHETIC" not in source


def test_synthetic_is_inherited():
    model = MODEL.replace(provenance={**MODEL.provenance, "synthetic": True})
    assert "# SYNTHETIC: made from synthetic data" in aihwkit_python(model)
    assert aihwkit_json(model)["model"]["synthetic"] is True


def test_no_text_of_a_model_becomes_code():
    bad = 'x"""\nraise SystemExit("code from a model file")\n"""'
    model = MODEL.replace(
        name=bad,
        provenance={"made_by": bad, bad: [bad]},
        population=MODEL.population.replace(assumed={bad: bad + "\r\x0c  raise SystemExit"}),
    )
    names = aihwkit_peer.exported(model)
    assert names["DEVICE"] == powstep_numbers(MODEL).fields()


def test_json_is_plain_finite_json():
    data = aihwkit_json(MODEL)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["device"]["class"] == "PowStepDevice" and data["device"]["dw_min_std"] == 0.9
    assert set(data) == {"format", "version", "aihwkit", "model", "device", "notes", "mean_device", "inference"}


def test_a_population_without_spread_exports_none():
    p = Population.published()
    model = with_population(
        states=Bivariate(mean=p.states.mean, sigma=(0, 0)),
        nsr_sigma=0.0,
        g_max_sigma_S=0.0,
        exponents=Bivariate(mean=p.exponents.mean, sigma=(0, 0)),
        g_min_sigma_S=0.0,
    )
    numbers = powstep_numbers(model)
    assert [numbers.fields()[name] for name in DTOD] == [0.0] * 6 and numbers.notes == ()
