"""Trained networks in arrays: limits that are known exactly, the same devices at all times, and what time does."""

import copy
import json
import math

import numpy as np
import pytest
import torch
from tiles import POPULATION

from compact_model.array import Array
from compact_model.model import CompactModel
from compact_model.mvm import MvmSettings
from compact_model.noise import Noise
from compact_model.training.aftermath import evaluate_trained, trained_matrix
from compact_model.training.convert import to_analog
from compact_model.training.in_memory import MatrixInMemory, network_with
from compact_model.training.network_in_arrays import default_chain, evaluate
from compact_model.training.text import CharacterNetwork
from ground.errors import InputError

IDEAL = {
    "dac_bits": None,
    "adc_bits": None,
    "ir_drop": "none",
    "programming": "ideal",
    "relaxation": False,
    "read_noise": False,
}


class Gates(torch.nn.Module):
    """The output of an LSTM alone."""

    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(4, 5, 2, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0]


def networks():
    """Return (network, inputs) by kind, in double precision."""
    torch.manual_seed(0)
    linear = torch.nn.Sequential(torch.nn.Linear(20, 12), torch.nn.Tanh(), torch.nn.Linear(12, 3))
    convolution = torch.nn.Sequential(torch.nn.Conv2d(2, 3, (3, 2), stride=2, padding=1))
    found = {
        "linear": (linear, torch.randn(6, 20)),
        "convolution": (convolution, torch.randn(2, 2, 7, 6)),
        "lstm": (Gates(), torch.randn(3, 6, 4)),
    }
    return {name: (net.double(), 3.0 * x.double()) for name, (net, x) in found.items()}


def placed(network, chain, t_s=0.0, seed=0, **how):
    """Return the network with its matrices programmed by `chain` and read at t_s."""
    from compact_model.mvm import Mvm

    used = [0]

    def place(weights, layer):
        scale = np.abs(weights).max()
        mvm = Mvm.program(weights.T / scale, chain, seed=seed, first_device=used[0])
        used[0] += sum(t.targets_S.size for t in mvm.tiles)
        matrix = MatrixInMemory(mvm, scale, **how)
        matrix.read(t_s)
        return matrix

    return network_with(network, place)


@pytest.mark.parametrize("kind", ["linear", "convolution", "lstm"])
@pytest.mark.parametrize("chain", [{"scheme": "single"}, {"scheme": "pair"}, {"tile_rows": 5, "tile_columns": 4}])
def test_an_ideal_chain_gives_what_torch_gives(kind, chain):
    network, x = networks()[kind]
    with torch.no_grad():
        found = placed(network, default_chain(**{**IDEAL, **chain}))(x)
        assert found.numpy() == pytest.approx(network(x).numpy(), abs=1e-11)


@pytest.mark.parametrize("kind", ["linear", "convolution", "lstm"])
def test_tabulated_ir_drop_is_the_exact_one(kind):
    network, x = networks()[kind]
    chain = default_chain(**{**IDEAL, "wire_ohm": 20.0, "ir_drop": "exact"})
    with torch.no_grad():
        exact = placed(network, chain)(x).numpy()
        tabulated = placed(network, chain.replace(ir_drop="tabulated"))(x).numpy()
        assert np.abs(tabulated - exact).max() < 1e-9 * np.abs(exact).max()
        assert np.abs(network(x).numpy() - exact).max() > 1e-4 * np.abs(exact).max()


def test_wires_do_nothing_at_no_resistance_act_in_proportion_at_little_and_cut_all_off_at_much():
    torch.manual_seed(1)
    network, x = torch.nn.Sequential(torch.nn.Linear(20, 12, bias=False)).double(), torch.randn(9, 20).double()
    with torch.no_grad():
        free = network(x).numpy()

        def off(ohm):
            chain = default_chain(**{**IDEAL, "ir_drop": "tabulated", "wire_ohm": ohm})
            return placed(network, chain)(x).numpy() - free

        assert np.abs(off(0.0)).max() < 1e-12
        assert off(2e-3) == pytest.approx(2.0 * off(1e-3), rel=0.01, abs=1e-6 * np.abs(off(2e-3)).max())
        assert np.abs(off(1e6) + free).max() < 1e-2 * np.abs(free).max()


def test_fixed_input_scale_cuts_what_lies_beyond_it():
    network = torch.nn.Sequential(torch.nn.Linear(3, 2, bias=False)).double()
    x = torch.tensor([[0.5, -4.0, 1.0]]).double()
    with torch.no_grad():
        found = placed(network, default_chain(**IDEAL), input_scale=2.0)(x)
        assert found.numpy() == pytest.approx(network(x.clamp(-2, 2)).numpy(), abs=1e-12)


def _classes(n=400):
    """SYNTHETIC clusters and a network that tells them apart."""
    torch.manual_seed(3)
    centre, y = torch.rand(4, 16), torch.arange(n) % 4
    x = (centre[y] + 0.35 * torch.randn(n, 16)).clamp(0, 1)
    network = torch.nn.Sequential(torch.nn.Linear(16, 12), torch.nn.Sigmoid(), torch.nn.Linear(12, 4))
    optimiser = torch.optim.Adam(network.parameters(), 0.05)
    for _ in range(80):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()
    return network, (x, y)


def test_one_seed_gives_the_same_devices_whatever_times_are_asked_for():
    network, data = _classes()
    all_times = evaluate(network, data, times=(0, "1 s", "10 y"), repeats=2)
    last = evaluate(network, data, times=("10 y",), seed=1)
    assert all_times.scores["loss"][1, 2] == last.scores["loss"][0, 0]
    assert all_times.scores["loss"][0, 2] != last.scores["loss"][0, 0]
    assert all_times.times_s == (0.0, 1.0, 3.1536e8)
    assert all_times.seeds == (0, 1)


def test_layers_have_devices_of_their_own():
    torch.manual_seed(0)
    layer = torch.nn.Linear(40, 40, bias=False)
    network = torch.nn.Sequential(layer, copy.deepcopy(layer))
    out = placed(network, default_chain(**{**IDEAL, "relaxation": True, "scheme": "single"}), 3600.0)
    errors = [(m.tile.mvm.conductances_S(3600.0)[0] - m.tile.mvm.tiles[0].targets_S).ravel() for m in out]
    assert abs(np.corrcoef(*errors)[0, 1]) < 4.5 / math.sqrt(1600)


def test_a_layer_that_stands_in_two_places_is_one_array():
    layer = torch.nn.Linear(5, 5).double()
    network, x = torch.nn.Sequential(layer, torch.nn.Tanh(), layer), torch.rand(3, 5).double()
    out = placed(network, default_chain(**IDEAL))
    assert out[0] is out[2]
    with torch.no_grad():
        assert out(x).numpy() == pytest.approx(network(x).numpy(), abs=1e-12)


def test_drift_hurts_and_taking_its_mean_back_helps():
    """Loss over ten programmings: higher at ten years than at the write, and less so with the mean taken back."""
    network, data = _classes()
    result = evaluate(
        network, data, settings=default_chain(ir_drop="none", scheme="single"), times=(0, "10y"), repeats=10
    )
    loss, accuracy = result.scores["loss"], result.mean
    assert np.all(loss[:, 1] > loss[:, 0])
    assert accuracy[1] <= accuracy[0] <= result.digital["accuracy"] + 0.01
    assert result.scores["accuracy_shift_corrected"][:, 1].mean() >= accuracy[1]
    assert result.spread[1] > 0


def test_digits_are_read_worse_after_ten_years():
    pytest.importorskip("sklearn")
    from compact_model.training.images import digits

    task = digits()
    network = task.network()
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for epoch in range(12):
        for x, y in task.batches(epoch, 0):
            optimiser.zero_grad()
            task.loss(network, x, y).backward()
            optimiser.step()
    chain = default_chain(ir_drop="none", scheme="single")
    result = evaluate(network, task, settings=chain, times=(0, "10 y"), repeats=5)
    assert result.digital["accuracy"] > 0.93
    error = math.hypot(*(result.spread / math.sqrt(5)))
    assert result.mean[0] - result.mean[1] > 3 * error


def test_devices_come_from_what_is_given():
    network, data = _classes(40)
    chain = default_chain(ir_drop="none", programming="simulated")
    how = {"settings": chain, "times": (0, "1 h"), "seed": 5}
    drawn = evaluate(network, data, POPULATION, **how)
    array = evaluate(network, data, Array.from_population(POPULATION, 600, 5), **how)
    model = evaluate(network, data, CompactModel.published(), **how)
    assert np.array_equal(drawn.scores["loss"], array.scores["loss"])
    assert np.array_equal(drawn.scores["loss"], model.scores["loss"])
    other = evaluate(network, data, POPULATION.replace(nsr_mean=3.0), **how)
    assert not np.array_equal(drawn.scores["loss"], other.scores["loss"])
    calm = Noise.published()
    calm = calm.replace(relaxation=calm.relaxation.replace(mean_shift_S=0.0, sigma_S=0.0, sigma_per_ln_S=0.0))
    still = evaluate(network, data, POPULATION, **how, noise=calm)
    assert still.scores["loss"][0, 0] == drawn.scores["loss"][0, 0]
    assert still.scores["loss"][0, 1] != drawn.scores["loss"][0, 1]
    with pytest.raises(InputError, match=r"the array has 100 devices; the network needs 384 or more"):
        evaluate(network, data, Array.from_population(POPULATION, 100, 5), **how)
    with pytest.raises(InputError, match="a Population was given, but the chain has programming='stated'"):
        evaluate(network, data, POPULATION, default_chain())
    wired = default_chain(simulated=True, scheme="single", reference="wired")
    with pytest.raises(InputError, match="an Array was given, but reference='wired' needs devices beside"):
        evaluate(network, data, Array.from_population(POPULATION, 600, 5), wired)


def _on_devices():
    torch.manual_seed(0)
    return to_analog(torch.nn.Sequential(torch.nn.Linear(16, 12), torch.nn.Sigmoid(), torch.nn.Linear(12, 4)), seed=2)


def test_trained_devices_are_read_as_they_stand():
    network, x = _on_devices(), torch.rand(30, 16)
    before = network[0].tile.W.g_S.copy()
    chain = default_chain(**IDEAL)
    at_once = network_with(
        network, lambda w, layer: MatrixInMemory(trained_matrix(layer, chain, Noise.published()), 1.0)
    )
    digital = torch.nn.Sequential(torch.nn.Linear(16, 12), torch.nn.Sigmoid(), torch.nn.Linear(12, 4))
    with torch.no_grad():
        for k in (0, 2):
            digital[k].weight.copy_(torch.from_numpy(network[k].tile.weights))
            digital[k].bias.copy_(network[k].bias)
        assert at_once(x).numpy() == pytest.approx(digital(x).numpy(), abs=1e-5)
    result = evaluate_trained(network, (x, torch.zeros(30, dtype=torch.int64)), times=(0, "10y"))
    again = evaluate_trained(network, (x, torch.zeros(30, dtype=torch.int64)), times=("10y",))
    assert result.scores["loss"][0, 1] == again.scores["loss"][0, 0] != result.scores["loss"][0, 0]
    assert np.array_equal(before, network[0].tile.W.g_S)


@pytest.mark.parametrize(("references", "share"), [("fixed", 1.0), ("relaxing", 0.0)])
def test_references_that_relax_take_the_mean_drift_along(references, share):
    torch.manual_seed(0)
    network = to_analog(torch.nn.Sequential(torch.nn.Linear(60, 60, bias=False)), seed=2)
    noise, t_s = Noise.published(), 3.1536e8
    chain = default_chain(**{**IDEAL, "relaxation": True, "tile_rows": 25})
    mvm = trained_matrix(network[0], chain, noise, references)
    drift = []
    for tile in mvm.tiles:
        then, now = (tile.state.at(t, read_noise=False) for t in (0.0, t_s))
        drift.append((now - then)[:, 0::2] - (now - then)[:, 1::2])
    found = np.concatenate([d.ravel() for d in drift])
    width = noise.relaxation.std_S(t_s) * math.sqrt(2.0 - share)
    assert found.size == 3600
    assert found.mean() == pytest.approx(share * noise.relaxation.mean_S(t_s), abs=4.5 * width / 60)


def test_the_record_is_plain_and_the_files_hold_it(tmp_path):
    network, data = _classes(40)
    result = evaluate(network, data, times=(0, "1 h"), repeats=2)
    record = json.loads(json.dumps(result.record(), allow_nan=False))
    assert record["in_time"][1]["time_s"] == 3600.0
    assert record["in_time"][0]["accuracy"] == pytest.approx(np.mean([r[0] for r in record["single"]["accuracy"]]))
    assert MvmSettings(**record["chain"]) == result.settings
    result.save_csv(tmp_path / "e.csv")
    names, first, _ = (tmp_path / "e.csv").read_text().splitlines()
    assert float(first.split(",")[names.split(",").index("loss_spread")]) == record["in_time"][0]["loss_spread"]
    pytest.importorskip("matplotlib")
    result.save_plot(tmp_path / "e.png")
    assert (tmp_path / "e.png").stat().st_size > 5000


def test_a_text_is_scored_by_its_perplexity(tmp_path):
    from compact_model.training.text import Text

    (tmp_path / "t.txt").write_bytes(bytes(range(60, 70)) * 300)
    task = Text(tmp_path / "t.txt", length=10, batch=4, hidden=6)
    network = task.network()
    assert isinstance(network, CharacterNetwork)
    result = evaluate(network, task, settings=default_chain(**IDEAL), times=(0,))
    assert result.figure == "perplexity"
    assert result.mean[0] == pytest.approx(task.evaluate(network), rel=1e-5)
    assert result.mean[0] == pytest.approx(math.exp(result.scores["loss"][0, 0]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"repeats": 0}, "repeats=0 is not allowed: expected a whole number of 1 or more"),
        ({"input_scale": -1.0}, "input_scale=-1.0 is not allowed: expected 'vector', or the full scale"),
        ({"times": ()}, "times is empty: expected at least one"),
        ({"times": ("soon",)}, "times='soon' is not allowed: expected 0 or a number with one of s, min, h"),
        ({"times": (0.5,)}, "t_s=0.5 is not allowed: expected 0"),
        ({"seed": -1}, "seed=-1 is not allowed"),
    ],
)
def test_what_is_not_allowed(change, words):
    network, data = _classes(40)
    with pytest.raises(InputError, match=words):
        evaluate(network, data, **change)


def test_networks_that_cannot_be_put_into_arrays():
    data = (torch.rand(4, 3), torch.zeros(4, dtype=torch.int64))
    with pytest.raises(InputError, match="the network has no Linear, Conv2d or LSTM layer"):
        evaluate(torch.nn.ReLU(), data)
    with pytest.raises(InputError, match="has no layer on devices: it was trained in floating point"):
        evaluate_trained(torch.nn.Linear(3, 2), data)
    with pytest.raises(InputError, match="references='none' is not allowed"):
        evaluate_trained(_on_devices(), data, references="none")
    mixed = torch.nn.Sequential(_on_devices(), torch.nn.Linear(4, 2))
    with pytest.raises(InputError, match="a layer of the network is digital still"):
        evaluate_trained(mixed, (torch.rand(4, 16), data[1]))
