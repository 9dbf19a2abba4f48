import numpy as np
import pytest

from compact_model.noise import T_MAX_S, Noise, READ_s, ReadNoise, Relaxation
from ground.errors import InputError
from ground.paper import paper

LAW = Relaxation.published()
IDS = np.arange(20000)


def test_laws_are_the_published_ones():
    printed = paper()["relaxation"]
    hour = np.log(3600)
    assert LAW.mean_S(3600) * 1e6 == pytest.approx(printed["mean_shift"]["per_ln_t"] * hour)
    assert LAW.std_S(3600) * 1e6 == pytest.approx(0.41183342 + 0.04201137 * hour)
    assert LAW.mean_S(3600) * 1e6 == pytest.approx(printed["mean_shift_1h_uS"]["value"], rel=0.1)
    assert LAW.std_S(600) * 1e6 == pytest.approx(printed["sigma_10min_uS"]["value"], rel=0.15)
    noise = ReadNoise.published()
    assert noise.std_S(50e-6, 3600.0) * 1e6 == pytest.approx(
        0.0277316483 * np.log10(50) * np.sqrt(np.log((3600 + 1e-6) / 2e-6))
    )
    assert noise.std_S(50e-6, 0.0) == 0 and noise.std_S(0.5e-6, 1.0) == 0


@pytest.mark.parametrize("t_s", [1.0, 60.0, 3600.0, 86400.0, 3.1536e8])
def test_each_moment_has_the_published_mean_and_sigma(t_s):
    x = LAW.path_S(t_s, IDS, seed=2)
    assert x.mean() == pytest.approx(LAW.mean_S(t_s), abs=4 * LAW.std_S(t_s) / np.sqrt(IDS.size))
    assert x.std() == pytest.approx(LAW.std_S(t_s), rel=0.02)
    z = (x - x.mean()) / x.std()
    assert abs((z**3).mean()) < 0.07 and (z**4).mean() == pytest.approx(3, abs=0.15)


def test_one_device_walks_one_brownian_path_in_ln_t():
    times = (1.0, 60.0, 3600.0, 3.1536e8)
    x = np.array([LAW.path_S(t, IDS, seed=2) for t in times])
    sigma2 = np.array([LAW.std_S(t) ** 2 for t in times])
    assert np.cov(x) == pytest.approx(np.minimum.outer(sigma2, sigma2), rel=0.06)
    steps = np.corrcoef(np.diff(x, axis=0))
    assert steps - np.eye(3) == pytest.approx(np.zeros((3, 3)), abs=0.03)


def test_paths_do_not_depend_on_order_or_company():
    late = LAW.path_S(3600.0, IDS[:100], seed=2)
    LAW.path_S(1.0, IDS, seed=2)
    assert np.array_equal(LAW.path_S(3600.0, IDS, seed=2)[:100], late)
    assert LAW.path_S(3600.0, 17, seed=2) == late[17]
    assert np.abs(LAW.path_S(3600.0, IDS[:100], seed=2, trial=1) - late).min() > 0


def test_path_is_continuous_and_still_at_zero():
    a, b = LAW.path_S(1000.0, IDS[:200], seed=0), LAW.path_S(1000.001, IDS[:200], seed=0)
    assert np.abs(a - b).max() < 1e-9
    assert np.all(LAW.path_S(0.0, IDS[:5], seed=0) == 0)
    still = Relaxation(mean_shift_S=-1e-8, sigma_S=0.0, sigma_per_ln_S=0.0)
    assert np.all(still.path_S(np.e, IDS[:5], seed=0) == pytest.approx(-1e-8))


def test_reads_scatter_by_the_law_and_repeats_differ():
    noise, g = ReadNoise.published(), np.full(IDS.size, 50e-6)
    reads = np.array([noise.read_S(g, 1.0, IDS, seed=1, repeat=k) for k in range(6)])
    assert reads.std(1) == pytest.approx(float(noise.std_S(50e-6, 1.0)), rel=0.02)
    assert reads.mean(1) == pytest.approx(50e-6, rel=0.01)
    assert not np.array_equal(reads[0], reads[1])
    assert np.array_equal(reads[3], noise.read_S(g, 1.0, IDS, seed=1, repeat=3))


def test_reads_have_a_1_over_f_spectrum():
    noise, ids = (
        ReadNoise(k_S=2e-8, t_read_s=READ_s),
        np.arange(100),
    )  # reads as long as their distance: nothing is aliased
    series = np.array([noise.read_S(50e-6, 1e3, ids, seed=2, repeat=k) for k in range(512)])
    power = np.mean(np.abs(np.fft.rfft(series - series.mean(0), axis=0)) ** 2, axis=1)
    slope = np.polyfit(np.log(np.arange(1, 100)), np.log(power[1:100]), 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.2)
    near, far = (np.corrcoef(series[0], series[d])[0, 1] for d in (1, 500))
    assert near > far > 0.2  # octaves longer than the series hold still


@pytest.mark.parametrize("t_s", [0.5, -1.0, float("nan"), 2 * T_MAX_S])
def test_a_time_outside_the_measured_range_is_refused(t_s):
    with pytest.raises(InputError, match=r"t_s=.* is not allowed: expected 0 .just programmed. or 1..3.2e\+09 s"):
        LAW.path_S(t_s, 0, seed=0)


def test_bad_laws_and_repeats_are_refused():
    with pytest.raises(InputError, match=r"Noise.relaxation is not .*microsiemens. Were the numbers of a law in uS"):
        Noise(relaxation=Relaxation(mean_shift_S=0, sigma_S=1e-3, sigma_per_ln_S=1e-4), read=ReadNoise.published())
    with pytest.raises(InputError, match=r"Relaxation.sigma_S=-1.0 is not allowed: expected 0..0.001 S"):
        LAW.replace(sigma_S=-1.0)
    with pytest.raises(InputError, match="repeat=-1 is not allowed: expected 0 or more"):
        ReadNoise.published().read_S(1e-5, 1.0, 0, seed=0, repeat=-1)
