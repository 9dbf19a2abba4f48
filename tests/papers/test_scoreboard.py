"""The scoreboard is honest: statuses follow from numbers, inputs are named, README shows what the command computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ground.errors import InputError, NotConverged
from ground.paper import paper
from studies import array_targets, scoreboard
from studies.scoreboard import Row, as_table, compute_rows, targets
from studies.scoreboard_page import with_scoreboard
from studies.target import Outcome, Target

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return compute_rows()


def test_every_published_target_has_a_row(rows: list[Row]) -> None:
    names = [r.name for r in rows]
    assert len(names) == len(set(names)) >= 25
    assert {"v_forming_mean_V", "mvm_rmse_1s", "mnist_accuracy_array", "program_pulses_0p2_percent"} <= set(names)


def test_status_follows_from_the_numbers(rows: list[Row]) -> None:
    for r in rows:
        if r.status == "not attempted":
            assert r.ours is None
        elif r.ours is None:
            assert r.status == "off" and r.note
        else:
            inside = abs(r.ours - r.published) <= r.tolerance * abs(r.published)
            assert (r.status in ("reproduced", "input")) == inside


def test_what_is_built_names_its_inputs_and_none_is_its_own(rows: list[Row]) -> None:
    for r in rows:
        if r.status != "not attempted":
            assert r.inputs, r.name
            assert not any("sigma_prog" in i or "mean_iterations" in i for i in r.inputs)


def test_a_number_that_was_put_in_is_never_called_reproduced(rows: list[Row]) -> None:
    status = {r.name: r.status for r in rows}
    for name in ("v_forming_mean_V", "v_forming_sigma_V", "r_lrs_sigma_over_mean", "mean_shift_1h_uS"):
        assert status[name] == "input"


def test_the_closed_loop_gives_the_published_law_without_being_told(rows: list[Row]) -> None:
    by_name = {r.name: r for r in rows}
    for name, acceptance in (("0p2", 0.002), ("2", 0.02)):
        ours = by_name[f"sigma_prog_slope_{name}_percent"].ours
        assert ours == pytest.approx(acceptance / 3**0.5, rel=0.1)
    assert by_name["program_pulses_0p2_percent"].status == "reproduced"


def test_published_numbers_do_not_reach_the_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change what the paper says of the outcome: the outcome of ours must not move."""
    before = array_targets._slope(0.002).value
    changed = {**paper(), "program_verify": {**paper()["program_verify"], "sigma_prog": None, "mean_iterations": None}}
    monkeypatch.setattr("compact_model.population.paper", lambda: changed)
    monkeypatch.setattr("compact_model.noise.paper", lambda: changed)
    assert array_targets._slope(0.002).value == before


def test_our_own_uncertainty_is_named_where_there_is_one_and_decides_nothing(rows: list[Row]) -> None:
    by_name = {r.name: r for r in rows if r.ours is not None}
    for name, low, high in (  # relative: what devices, seeds and meshes must leave open
        ("v_forming_mean_V", 3e-4, 5e-4),
        ("program_pulses_0p2_percent", 3e-3, 3e-2),
        ("sigma_prog_slope_2_percent", 3e-3, 1e-2),
        ("n_states_measured", 3e-3, 1e-2),
        ("mvm_rmse_1s", 3e-3, 0.1),
        ("dome_rise_lrs_minus_1V_K", 1e-6, 1e-2),
        ("hrs_over_lrs", 1e-4, 2e-2),
    ):
        if name in by_name:
            stderr = by_name[name].stderr
            assert stderr is not None and low < stderr / abs(by_name[name].ours) < high, name
    row = Row("x", "1", 1.0, 1.2, 0.1, "off", 0.0, ("y",), stderr=0.25)
    assert "1.2 ± 0.2 " in as_table([row]) and "off by +20%" in as_table([row])
    assert "off by +890%" in as_table([replace(row, ours=9.9)])
    assert "off by a factor of 40" in as_table([replace(row, ours=40.2)])
    assert "off by -140%" in as_table([replace(row, ours=-0.4)])
    assert all(r.stderr is None for r in rows if r.ours is None)


def test_a_row_that_fails_is_off_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Outcome:
        raise NotConverged("no luck today")

    monkeypatch.setattr(scoreboard, "targets", lambda: [Target("x", "1", 1.0, 0.1, fail, ("y",))])
    (row,) = compute_rows()
    assert (row.status, row.ours, row.note) == ("off", None, "no luck today")
    assert "no luck today" in as_table([row])


def test_the_table_counts(rows: list[Row]) -> None:
    assert as_table(rows).splitlines()[-1].endswith("not attempted")
    assert len(targets()) == len(rows)


def test_readme_shows_what_the_command_computes(rows: list[Row]) -> None:
    page = README.read_text(encoding="utf-8")
    assert with_scoreboard(page, rows) == page, "run `make scoreboard`"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(InputError, match="the page needs the lines"):
        with_scoreboard("no marks", [])
