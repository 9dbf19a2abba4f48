"""Columns are found by name and unit, in any order; what cannot be told is asked for."""

from __future__ import annotations

import pytest

from fits.reading.columns import recognise, split_unit
from ground.errors import InputError


@pytest.mark.parametrize(
    ("header", "voltage", "current", "time"),
    [
        (["time_s", "voltage_V", "current_A"], (1, 1.0), (2, 1.0), (0, 1.0)),
        (["Current (A)", "Voltage (V)"], (1, 1.0), (0, 1.0), None),
        (["V [mV]", "I(uA)", "t [ms]"], (0, 1e-3), (1, 1e-6), (2, 1e-3)),
        (["V / mV", "I / nA"], (0, 1e-3), (1, 1e-9), None),
        (["Time", "AI", "AV", "I", "ID", "VFORM"], (2, 1.0), (1, 1.0), (0, 1.0)),
        (["AnodeV", "AnodeI"], (0, 1.0), (1, 1.0), None),
        (["Bias voltage {V}", "Current{mA}"], (0, 1.0), (1, 1e-3), None),
        (["Voltage [volt]", "Current [Ampere]"], (0, 1.0), (1, 1.0), None),
        (["U", "I (µA)"], (0, 1.0), (1, 1e-6), None),
        (["T [K]", "voltage_v", "current_a"], (1, 1.0), (2, 1.0), None),
        (["current density (A/cm2)", "V", "I"], (1, 1.0), (2, 1.0), None),
    ],
)
def test_recognised(header, voltage, current, time):
    found = recognise(header, "f")
    assert (found.voltage.index, found.voltage.factor) == voltage
    assert (found.current.index, found.current.factor) == current
    assert (None if found.time is None else (found.time.index, found.time.factor)) == time


def test_chosen_by_name():
    found = recognise(
        ["sample bias (mV)", "channel 3", "time_s"], "f", voltage_column="sample bias (mV)", current_column="channel 3"
    )
    assert (found.voltage.index, found.voltage.factor, found.current.index) == (0, 1e-3, 1)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Voltage (V)", ("Voltage", "V")),
        ("current_A", ("current", "A")),
        ("AV", ("AV", "")),
        ("I/uA", ("I", "uA")),
        ("time_s", ("time", "s")),
        ('"V"', ("V", "")),
    ],
)
def test_split_unit(text, parts):
    assert split_unit(text) == parts


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        (
            ["voltage_V", "time_s"],
            {},
            r"f: no current column among 'voltage_V', 'time_s'; expected a name such as current_A",
        ),
        (["curent_A", "voltage_V"], {}, r"no current column among .* Did you mean 'curent_A'\? .* current_column="),
        (["current_A", "x"], {}, r"no voltage column among 'current_A', 'x'"),
        (["", ""], {}, r"no voltage column among '', ''"),
        ([f"c{k}" for k in range(20)], {}, r"'c11', \.\.\.; expected"),
        (
            ["Voltage (V)", "Volts", "I"],
            {},
            r"'Voltage \(V\)' and 'Volts' can both be the voltage; say which with voltage_column=",
        ),
        (
            ["V", "I (a.u.)"],
            {},
            r"the column 'I \(a\.u\.\)' has the unit 'a\.u\.', which is not one of current; expected A, mA",
        ),
        (["V", "I"], {"voltage_column": "VV"}, r"there is no column 'VV' for the voltage\. Did you mean 'V'"),
        (["V", "I"], {"current_column": "V"}, r"'V' was chosen as voltage and as current; choose two"),
    ],
)
def test_not_recognised(header, options, message):
    with pytest.raises(InputError, match=message):
        recognise(header, "f", **options)
