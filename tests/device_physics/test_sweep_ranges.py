"""Lists and ranges of any field of the device file, and every message about those that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device_physics import sweeps
from device_physics.device import Device
from device_physics.executors import NOT_TRIED
from device_physics.points import PointStore
from device_physics.sweep_file import expand, read_sweep
from device_physics.sweeps import save_sweep, sweep
from device_physics.varied_fields import changed, checked_values
from ground.errors import InputError, NotConverged

TINY: dict[str, Any] = {"mesh": {"rim_size": "2 nm", "growth": 2.0}, "solver": {"degree": 1}}


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"from": 0.1, "to": 0.5, "count": 5}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"from": "5 nm", "to": "15 nm", "count": 3}, ["5 nm", "10 nm", "15 nm"]),
        ({"from": "900 pm", "to": "1.1 nm", "count": 3}, ["900 pm", "1000 pm", "1100 pm"]),
        ({"from": "1e2 S/m", "to": "1e4 S/m", "count": 3, "spacing": "log"}, ["100 S/m", "1000 S/m", "10000 S/m"]),
        ({"from": "20 degC", "to": "40 degC", "count": 2}, ["20 degC", "40 degC"]),
        ({"from": 5, "to": -5, "count": 3}, [5.0, 0.0, -5.0]),
    ],
)
def test_ranges(given: dict[str, Any], values: list[Any]) -> None:
    assert expand("vary.x", given) == values


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"from": 1, "to": 2}, r"vary.x: the range lacks 'count'; write \{from = "),
        ({"to": 2, "count": 3}, r"the range lacks 'from'"),
        ({"from": 1, "to": 2, "count": 3, "step": 1}, r"vary.x: 'step' is not known in a range"),
        (
            {"from": 1, "to": 2, "count": 3, "spacin": "log"},
            r"'spacin' is not known in a range. Did you mean 'spacing'",
        ),
        ({"from": 1, "to": 2, "count": 1}, r"vary.x.count=1 is not allowed: expected a whole number, 2..100000"),
        ({"from": 1, "to": 2, "count": 2.5}, r"vary.x.count=2.5 is not allowed"),
        ({"from": 1, "to": 2, "count": True}, r"vary.x.count=True is not allowed"),
        (
            {"from": 1, "to": 2, "count": 3, "spacing": "cubic"},
            r"vary.x.spacing='cubic' is not allowed: expected 'linear' or",
        ),
        ({"from": "1 nm", "to": "1 nm", "count": 3}, r"vary.x: from and to are both '1 nm'; give a list of one value"),
        ({"from": 0, "to": 2, "count": 3, "spacing": "log"}, r"spacing = 'log' needs from and to above zero.* 0 and 2"),
        (
            {"from": 1, "to": "2 nm", "count": 3},
            r"from=1 and to='2 nm' are not allowed: expected two numbers, or two texts",
        ),
        ({"from": float("nan"), "to": 2, "count": 3}, r"from=nan and to=2 are not allowed"),
        ({"from": True, "to": 2, "count": 3}, r"from=True and to=2 are not allowed"),
        (
            {"from": "five nm", "to": "9 nm", "count": 3},
            r"vary.x.from='five nm' is not allowed: expected a number and a unit",
        ),
        ({"from": "5", "to": "9", "count": 3}, r"vary.x.from='5' is not allowed"),
        (
            {"from": "5 nm", "to": "9 S", "count": 3},
            r"from='5 nm' and to='9 S' do not go together: the text has the unit",
        ),
        ({"from": "5 nm", "to": "9", "count": 3}, r"do not go together: the text carries no unit"),
    ],
)
def test_bad_ranges(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        expand("vary.x", given)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("9 nm", r"vary.x='9 nm' is not allowed: expected a list of values, such as \[.9 nm., .11 nm.\], or a range"),
        ([], r"vary.x=\[\] is not allowed"),
        (9, r"vary.x=9 is not allowed"),
        ([1, "9 nm"], r"vary.x=\[1, '9 nm'\] is not allowed: expected all numbers or all texts"),
        ([True, 1], r"expected all numbers or all texts"),
        ([[1.0], [2.0]], r"expected all numbers or all texts"),
        (["9 nm", "9 nm"], r"vary.x holds '9 nm' twice"),
    ],
)
def test_bad_lists(values: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        checked_values({"x": values})
    with pytest.raises(InputError, match="vary."):
        sweep(TINY, [0.2], {"filament.radius": values})


def test_numpy_arrays_are_lists() -> None:
    assert checked_values({"x": np.array([1.0, 2.0])}) == {"x": [1.0, 2.0]}  # type: ignore[dict-item]


def test_the_sweep_file_with_ranges(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(
        'volts = {from = "-1 V", to = "500 mV", count = 4}\n[vary]\nfilament.radius = {from = "5 nm", to = "15 nm", count = 11}\n'
        'materials.CMO.electrical_conductivity = {from = "1 S/cm", to = "100 S/cm", count = 3, spacing = "log"}\n'
    )
    _, volts, vary = read_sweep(path)
    assert volts == pytest.approx([-1.0, -0.5, 0.0, 0.5])
    assert vary["filament.radius"][:2] == ["5 nm", "6 nm"]
    assert len(vary["filament.radius"]) == 11
    assert vary["materials.CMO.electrical_conductivity"] == ["1 S/cm", "10 S/cm", "100 S/cm"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("device = 3\n", r"s.toml: device=3 is not allowed: expected the name of a file"),
        ("vary = 3\n", r"s.toml: vary=3 is not allowed: expected a section \[vary\]"),
        ("volts = [true]\n", r"s.toml: volts=\[True\] is not allowed: expected a list of numbers in volts"),
        ('volts = ["1 A"]\n', r"s.toml: volts='1 A' is not allowed: has the unit 'ampere'"),
        ("volts = {from = 0.0, to = 1.0}\n", r"s.toml: volts: the range lacks 'count'"),
        ("[vary]\nmesh.growth = {from = 0.3, to = 0.5}\n", r"s.toml: vary.mesh.growth: the range lacks 'count'"),
    ],
)
def test_mistakes_name_the_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_sweep(tmp_path / "s.toml")


def test_fields_of_tables_and_layers_are_replaced_however_they_are_spelt() -> None:
    tables = {"filament": {"radius_m": 9e-9}, "materials": {"CMO": {"electrical_conductivity_S_per_m": 700.0}}}
    out = changed(
        tables,
        {
            "filament.radius": "10 nm",
            "materials.CMO.electrical_conductivity": "5 S/cm",
            "stack.layers.CMO.thickness": "15 nm",
            "mesh.rim_size_m": 1e-9,
        },
    )
    device = Device.from_tables(out)
    assert device.stack.filament.radius_m == pytest.approx(10e-9)
    assert device.electrical_conductivities()["CMO"] == pytest.approx(500.0)
    assert device.stack.layer("CMO").thickness_m == pytest.approx(15e-9)
    assert tables["filament"] == {"radius_m": 9e-9}, "the tables given are not changed"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("materials.CM0.electrical_conductivity", r"names no material of the device. Did you mean .*'CMO'"),
        ("materials.CMO", r"Material|names no material"),
        (
            "stack.layers.CM0.thickness",
            r"names no layer of the stack; write stack.layers.NAME.FIELD.* Did you mean 'CMO'",
        ),
        ("stack.layers.thickness", r"names no layer of the stack"),
        ("filament.radius.x", r"filament.radius is a value, not a table"),
        ("mesh.grwth", r"MeshOptions.grwth is not known. Did you mean 'growth'"),
    ],
)
def test_fields_that_are_not_there(field: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sweep({"filament": {"radius": "9 nm"}}, [0.2], {field: ["1 nm"]})


def test_one_of_several_filaments() -> None:
    tables = {"filaments": [{"radius": "5 nm", "x": "-40 nm"}, {"radius": "6 nm", "x": "40 nm"}]}
    assert changed(tables, {"filaments.2.radius": "7 nm"})["filaments"][1]["radius"] == "7 nm"
    for field in ("filaments.3.radius", "filaments.first.radius"):
        with pytest.raises(InputError, match=r"give the number of the table, 1..2, where it says"):
            changed(tables, {field: "7 nm"})
    with pytest.raises(InputError, match="filaments is a value, not a table"):
        changed(tables, {"filaments.radius": "7 nm"})


def test_vary_needs_tables() -> None:
    with pytest.raises(InputError, match="sweep: `vary` needs the tables of a device file"):
        sweep(Device.of(), [0.2], {"filament.radius": ["9 nm"]})


class _Solved:
    """A solution made up for a bias: the current is its cube."""

    def __init__(self, bias_V: float) -> None:
        self.current_A, self.power_W = bias_V**3, bias_V**4
        self.conductance_S, self.r_th_K_per_W = bias_V**2, 10.0
        self.dome = type("D", (), {"T_mean_K": 300.0 + bias_V, "T_max_K": 310.0, "E_mean_V_per_m": None})
        self.balances = type("B", (), {"current": 0.0, "power": float("nan"), "heat": 0.0})


def test_a_device_that_is_not_linear_is_solved_at_every_bias_up_to_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    class Steps:
        def solve(self, bias_V: float) -> Any:
            asked.append(bias_V)
            if bias_V == 1.0 and asked.count(1.0) == 1:
                raise NotConverged("no convergence at 1 V")
            return _Solved(bias_V)

    monkeypatch.setattr(sweeps, "continuation", lambda device: Steps())
    metal = {**TINY, "materials": {"TiN": {"resistance_coefficient": "1e-3 1/K"}}}
    store, beyond = PointStore(tmp_path), NOT_TRIED + "no convergence at 1 V"
    for retry, expected in ((False, [0.5, 1.0]), (False, []), (True, [1.0, 2.0])):
        before = len(asked)
        table = sweep(metal, [0.5, 2.0, 1.0], store=store, retry_failed=retry)
        assert asked[before:] == expected
        assert float(table["current_A"].sel(bias_V=0.5)) == 0.125
        if not retry:
            assert list(table["failure"].values) == ["", beyond, "no convergence at 1 V"]
            assert np.isnan(table["current_A"].values[1:]).all()
    assert list(table["failure"].values) == ["", "", ""]
    assert list(table["T_mean_K"].values) == [300.5, 302.0, 301.0]
    assert np.all(np.isnan(table["E_mean_V_per_m"]))


def test_another_solver_version_reuses_no_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(sweeps, "solve", lambda device, bias_V: asked.append(bias_V) or _Solved(bias_V))
    store = PointStore(tmp_path)
    for version, count in ((1, 1), (1, 1), (2, 2)):
        monkeypatch.setattr(sweeps, "SOLVER_VERSION", version)
        sweep(TINY, [0.2, 0.4], store=store)
        assert len(asked) == count


@pytest.mark.fem
def test_texts_numbers_and_layers_make_a_table(tmp_path: Path) -> None:
    vary = {"stack.layers.CMO.thickness": ["15 nm", "20 nm"], "mesh.growth": [1.5, 2.0]}
    table = sweep(TINY, [0.2], vary, store=PointStore(tmp_path))
    save_sweep(table, tmp_path / "out.nc")
    thin, thick = (
        table["conductance_S"].sel({"stack.layers.CMO.thickness": t}) for t in vary["stack.layers.CMO.thickness"]
    )
    assert np.all(thin > thick)
    assert list(table["mesh.growth"].values) == [1.5, 2.0]


@pytest.mark.fem
def test_a_response_table_by_two_processes_is_the_same(tmp_path: Path) -> None:
    from device_physics.response_table import response

    axes = {
        "r_cf_m": (8e-9, 9e-9, 10e-9, 11e-9),
        "sigma_cmo_S_per_m": (1e3, 2e3, 3e3, 4e3),
        "sigma_dome_S_per_m": (10.0, 20.0, 30.0, 40.0),
    }
    device = Device.from_tables(TINY)
    one = response(device, **axes, store=PointStore(tmp_path / "1"))
    two = response(device, **axes, store=PointStore(tmp_path / "2"), workers=2)
    for name in ("conductance_S", "E_per_V", "dT_per_W"):
        assert np.array_equal(getattr(one, name), getattr(two, name))


def test_a_response_table_has_no_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from device_physics import response_table

    def fail(device: Any, cmo: float, dome: float) -> Any:
        raise NotConverged("the linear solver stopped")

    monkeypatch.setattr(response_table, "unit_point", fail)
    with pytest.raises(
        NotConverged, match=r"response: 672 of 672 points failed, and a table has no holes.*linear solver"
    ):
        response_table.response(Device.from_tables(TINY), store=PointStore(tmp_path))
