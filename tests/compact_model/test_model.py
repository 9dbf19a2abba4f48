import json
from pathlib import Path

import numpy as np
import pytest

from compact_model import model as model_module
from compact_model.cell import Cell
from compact_model.model import CompactModel, Covariance
from compact_model.programming_statistics import program_statistics
from compact_model.transistor import Transistor
from compact_model.transport import Hopping
from ground.errors import InputError

V1 = Path(__file__).parent / "data" / "model_v1.json"


def changed(tmp_path, change):
    """Write the version 1 file with a change made by `change(data)` and return its path."""
    data = json.loads(V1.read_text())
    change(data)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(data))
    return path


def test_save_and_load_give_the_same_model_and_the_same_devices(tmp_path):
    model = CompactModel.published()
    model.save(tmp_path / "m.json")
    back = CompactModel.load(tmp_path / "m.json")
    assert back == model and back.content_hash == model.content_hash
    a, b = (program_statistics(m.population, (2, 2), 3, 0.01, seed=0).result.g_S for m in (model, back))
    assert np.array_equal(a, b)
    assert list(tmp_path.iterdir()) == [tmp_path / "m.json"]


def test_a_version_1_file_loads_for_ever():
    model = CompactModel.load(V1)
    assert model.version == 1 and model.synthetic
    assert model.population.states.mean == (22.0, 0.61) and model.population.exponents.correlation == -0.25
    assert model.noise.relaxation.mean_S(np.e) == pytest.approx(-8.9e-8)
    assert model.covariance.names == ("n_states", "nsr") and model.validity["t_s"] == (1.0, 3.2e8)


def test_old_content_keeps_its_hash():
    assert CompactModel.load(V1).content_hash == "4a448b28aed84d05"


def test_loading_fills_nothing_in_silently():
    data = json.loads(V1.read_text())
    assert CompactModel.load(V1).model_dump(mode="json") == data


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", r"m.json: is not JSON: Expecting value in line 1. Model files are written by CompactModel.save"),
        ("[1, 2]", "m.json: holds a list; a model file holds one table"),
        ('{"version": 1, "name": NaN}', "m.json: holds NaN, which is no number; every value of a model must be finite"),
        ('{"version": 1, "x": [-Infinity]}', "holds -Infinity, which is no number"),
        ('{"version": 1, "version": 1}', "'version' is given twice in one table; keep one"),
        ('{"name": "x"}', "CompactModel.version is missing; is this a compact model file"),
        ('{"version": "1"}', "CompactModel.version='1' is not allowed: expected a whole number from 1 to 1"),
        ('{"version": true}', "CompactModel.version=True is not allowed"),
        ('{"version": 0}', "CompactModel.version=0 is not allowed"),
        (
            '{"version": 2}',
            "version=2 was written by a newer version of cmo-reram .*upgrade: pip install --upgrade cmo-reram",
        ),
        ("[" * 100000, "m.json: is not a model file: RecursionError"),
        ('{"version": ' + "1" * 5000 + "}", "m.json: is not a model file: ValueError"),
    ],
)
def test_what_is_no_model_file_is_refused(tmp_path, text, words):
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        CompactModel.load(path)


def test_missing_binary_big_and_folder_are_refused(tmp_path, monkeypatch):
    (tmp_path / "cell_07.json").write_text("{}")
    with pytest.raises(InputError, match=r"cell_7.json: there is no such model file. Did you mean 'cell_07.json'"):
        CompactModel.load(tmp_path / "cell_7.json")
    with pytest.raises(InputError, match=r"x.json: there is no such model file.$"):
        CompactModel.load(tmp_path / "nowhere" / "x.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"b.json: is not UTF-8 text; a model file .JSON. was expected"):
        CompactModel.load(tmp_path / "b.json")
    with pytest.raises(InputError, match=r"cannot be read: Is a directory. A model file"):
        CompactModel.load(tmp_path)
    (tmp_path / "big.json").write_text(" " * 16_000_001)
    with pytest.raises(InputError, match=r"big.json: has 16.0 MB; a model file has at most 16 MB"):
        CompactModel.load(tmp_path / "big.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda d: d.update(populaton={}),
            r"changed.json: CompactModel.populaton is not known. Did you mean 'population'",
        ),
        (
            lambda d: d["population"].update(nsr_maen=1),
            r"changed.json: Population.nsr_maen is not known. Did you mean 'nsr_mean'",
        ),
        (lambda d: d.pop("noise"), "changed.json: CompactModel.noise is missing: it has no default"),
        (lambda d: d["population"]["states"].pop("mean"), "changed.json: Bivariate.mean is missing"),
        (lambda d: d["population"].update(nsr_mean="high"), "changed.json: Population.nsr_mean='high' is not allowed"),
        (
            lambda d: d["population"].update(nsr_mean=[1]),
            r"Population.nsr_mean=\[1\] is not allowed: expected a number",
        ),
        (lambda d: d["population"].update(g_max_mean_S=100.0), "g_max_mean_S=100.0 is not allowed.*you gave uS"),
        (lambda d: d.update(name=""), "CompactModel.name='' is not allowed"),
        (lambda d: d.update(cell=[1]), r"changed.json: Cell=\[1\] is not allowed: expected a table"),
        (
            lambda d: d.update(cell={"hoping": 1}),
            r"changed.json: Cell.hopping is missing.*\n.*Cell.hoping is not known. Did you mean",
        ),
        (
            lambda d: d["validity"].update(g_S=[2.0, 1.0]),
            "CompactModel.validity=.*the range of g_S ends .1. before it begins",
        ),
        (
            lambda d: d["covariance"].update(matrix=[[1, 2], [2, 1]]),
            "Covariance.matrix is not allowed: it is not positive",
        ),
        (
            lambda d: d["covariance"].update(matrix=[[1, 0.5], [0.2, 1]]),
            "Covariance.matrix is not allowed: it is not symm",
        ),
        (
            lambda d: d["covariance"].update(matrix=[[1]]),
            "Covariance.matrix is not allowed: 2 names need a 2 x 2 matrix",
        ),
        (lambda d: d["covariance"].update(names=["a", "a"]), "Covariance.names is not allowed: a name is given twice"),
    ],
)
def test_a_file_that_is_not_allowed_is_explained_with_file_and_field(tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        CompactModel.load(changed(tmp_path, change))


def test_a_number_too_large_for_a_float_is_not_finite(tmp_path):
    path = tmp_path / "m.json"
    path.write_text(V1.read_text().replace("10000000000000.0", "1e999"))
    with pytest.raises(InputError, match=r"CompactModel.provenance=.*nu0_Hz is not a finite number"):
        CompactModel.load(path)


def test_only_plain_data_fits_into_the_provenance():
    for wrong, words in (
        ({"f": print}, "f is a builtin_function_or_method; expected numbers, texts"),
        ({"a": {1: 2}}, "the name 1 is no text"),
        ({"a": [float("nan")]}, r"a\[0\] is not a finite"),
    ):
        with pytest.raises(InputError, match=words):
            CompactModel.published().replace(provenance=wrong)
    deep = {}
    for _ in range(60):
        deep = {"a": deep}
    with pytest.raises(InputError, match="nested deeper than 40 levels"):
        CompactModel.published().replace(provenance=deep)


def test_a_cell_goes_into_the_file_and_comes_back(tmp_path):
    hopping = Hopping(
        trap_density_lrs_m3=5e25,
        trap_density_hrs_m3=1.2e24,
        barrier_lrs_eV=0.065,
        barrier_hrs_eV=0.08,
        hop_distance_m=2.67e-9,
        attempt_Hz=1e13,
    )
    model = CompactModel.published().replace(cell=Cell(hopping=hopping, transistor=Transistor.from_on_resistance()))
    model.save(tmp_path / "m.json")
    again = CompactModel.load(tmp_path / "m.json")
    assert again == model
    assert again.cell.assumed["ions"].startswith("barriers and exponents chosen by hand")


def test_covariance_of_parameters_thirty_decades_apart():
    assert Covariance(names=("N_per_m3", "Ea_eV"), matrix=((1e48, 9e21), (9e21, 1e-4))).names[0] == "N_per_m3"
    assert Covariance(names=(), matrix=()).matrix == ()
    with pytest.raises(InputError, match="positive semi-definite"):
        Covariance(names=("N_per_m3", "Ea_eV"), matrix=((1e48, 2e22), (2e22, 1e-4)))


def test_the_reader_knows_only_json():
    source = Path(model_module.__file__).read_text()
    assert not any(word in source for word in ("pickle", "eval(", "exec(", "yaml", "import_module"))
