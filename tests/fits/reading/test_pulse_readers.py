"""Pulse tables: every way to say conductance and direction gives the same trace; what says neither is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fits.reading.pulse_readers import read_pulses
from ground.errors import InputError

G = np.array([10.0, 20.0, 25.0, 20.0, 12.5])  # uS, exact reciprocals
D = [1, 1, 1, -1, -1]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def rows(header: str, *columns) -> str:
    return header + "\n" + "\n".join(",".join(map(str, row)) for row in zip(*columns, strict=True)) + "\n"


WAYS = {
    "conductance": (rows("pulse,G (uS),direction", range(1, 6), G, D), {}),
    "words": (rows("G (uS),direction", G, ["up", "set", "+1", "reset", "down"]), {}),
    "resistance": (rows("R (kohm),direction", 1e3 / G, D), {}),
    "current": (rows("current_A,voltage_V,polarity", G * 2e-7, [0.2] * 5, D), {}),
    "read voltage": (rows("current_nA,direction", G * 200, D), {"read_voltage_V": 0.2}),
    "pulse voltage": (rows("conductance_S,pulse_voltage_V", G * 1e-6, [1.1, 1.1, 1.1, -1.3, -1.3]), {}),
    "batches": (rows("conductance_uS", G), {"batch": 3}),
    "two columns": ("up_uS,down_uS\n10,20\n20,12.5\n25,\n", {}),
}


@pytest.mark.parametrize("name", WAYS)
def test_all_ways_say_the_same(tmp_path, name):
    text, options = WAYS[name]
    trace = read_pulses(write(tmp_path / "p.csv", text), **options)
    assert trace.conductance_S.values == pytest.approx(G * 1e-6, rel=1e-12) and trace.direction.values.tolist() == D
    assert trace.conductance_S.attrs["units"] == "S" and trace.pulse.values.tolist() == [1, 2, 3, 4, 5]
    assert not trace.attrs["normalised"] and len(trace.attrs["sha256"]) == 64


def test_labels_and_comments(tmp_path):
    text = "# synthetic: true\n# ambient_K: 330\n" + rows(
        "G (uS),direction,device,cycle", G, D, ["a"] * 5, [1, 1, 2, 2, 2]
    )
    trace = read_pulses(write(tmp_path / "p.csv", text))
    assert trace.attrs["synthetic"] and trace.attrs["ambient_K"] == 330.0
    assert trace.cycle.values.tolist() == [1, 1, 2, 2, 2] and set(trace.device.values) == {"a"}


MESSAGES = {
    "no direction": (
        rows("conductance_uS", G),
        {},
        r"line 1: no column says the direction of the pulses; add a column",
    ),
    "batch": (rows("conductance_uS", G), {"batch": 9}, r"batch=9 is not allowed: expected 1\.\.5 pulses"),
    "no read voltage": (
        rows("current_A,direction", G, D),
        {},
        r"has a current and no conductance; give read_voltage_V=",
    ),
    "neither": (rows("x,direction", G, D), {}, r"line 1: no conductance column among 'x', 'direction'"),
    "word": (
        rows("G (uS),direction", G, ["up"] * 4 + ["left"]),
        {},
        r"line 6, column 'direction': found 'left', expected",
    ),
    "unit": (rows("conductance_S,direction", G, D), {}, r"line 4: the conductance 25 S is not allowed.*conductance_uS"),
    "zero": (rows("R (ohm),direction", [1, 2, 0, 1, 1], D), {}, r"line 4, column 'R \(ohm\)': found 0; it gives no"),
    "counted": ("1,0.5\n2,0.6\n3,0.7\n", {}, r"first column counts 1, 2, \.\.\. and there is no header"),
    "three columns": ("1,0.5,1\n2,0.6,1\n", {}, r"found 3 columns of numbers and no header"),
    "gap": ("up,down\n1,2\n,3\n2,4\n", {}, r"column 'up' has empty cells between its numbers"),
    "header only": ("conductance_S,direction\n", {}, r"line 1 is a header and no numbers follow"),
    "empty": ("", {}, r"is empty"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(tmp_path, name):
    text, options, message = MESSAGES[name]
    with pytest.raises(InputError, match=message):
        read_pulses(write(tmp_path / "p.csv", text), **options)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from(["", "up,down\n", "G,direction\n", "pulse,R (ohm),pulse_voltage_V\n"]))
def test_any_bytes(tmp_path, data, header):
    path = tmp_path / "p.csv"
    path.write_bytes(header.encode() + data)
    try:
        assert np.isfinite(read_pulses(path).to_array().values).all()
    except InputError as error:
        assert str(path) in str(error)
