"""Files of many blocks: the same numbers, line numbers and faults as in one block, and memory that does not grow with the text."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fits.reading.text_lines as text_lines
from fits.reading.measurement import Measurement
from fits.reading.readers import read_iv
from fits.reading.text_table import parse
from fits.sweeps.resistance_states import states
from fits.sweeps.segments import segment
from ground.errors import InputError


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(text_lines, "BLOCK_BYTES", 200)


def table(rows: int, end: str = "\n", delimiter: str = ",") -> bytes:
    lines = [f"{k / rows:.6f}{delimiter}{k * 1e-9:.3e}{delimiter}{k}" for k in range(rows)]
    return (end.join([f"V{delimiter}I{delimiter}t", *lines]) + end).encode()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_blocks_do_not_change_the_numbers(small_blocks, end, encoding):
    data = table(300, end).decode().encode(encoding)
    read = parse(data, "a.csv")
    assert read.voltage_V == pytest.approx(np.arange(300) / 300, abs=1e-6) and read.time_s.tolist() == list(range(300))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: [*lines[:250], "0.9,open,3", *lines[250:]], r"line 251, column 'I': found the text 'open'"),
        (
            lambda lines: [*lines[:250], "0.9,nan,3", *lines[250:]],
            r"line 251, column 'I': found 'nan', expected a finite",
        ),
        (lambda lines: [*lines[:250], "1,2,3,4", *lines[250:]], r"line 251: found 4 cells under a header of 3"),
        (lambda lines: [*lines[:250], "\x07", *lines[250:]], r"line 251: found the character '\\x07'"),
        (lambda lines: [*lines[:-2], "0.9,1e-"], r"line 301, .*found 2 cells|line 301: found 2 cells"),
    ],
)
def test_faults_keep_their_line(small_blocks, damage, message):
    lines = table(300).decode().split("\n")
    with pytest.raises(InputError, match=message):
        parse("\n".join(damage(lines)).encode(), "a.csv")


def test_comments_and_points_are_counted_over_blocks(small_blocks):
    body = table(300).decode()
    assert parse(f"# points: 300\n{body}# synthetic: true\n".encode(), "a").meta == {"points": 300, "synthetic": True}
    with pytest.raises(InputError, match=r"says '# points: 301.*' and holds 300"):
        parse(f"# points: 301\n{body}".encode(), "a")
    with pytest.raises(InputError, match=r"line 302 does not end"):
        parse(f"# points: 300\n{body}"[:-1].encode(), "a")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(-1, 1)), min_size=1, max_size=40), st.sampled_from(",;\t"))
def test_the_fast_way_reads_what_the_slow_way_reads(rows, delimiter):
    plain = "\n".join(["V" + delimiter + "I", *(f"{v!r}{delimiter}{i!r}" for v, i in rows)]).encode()
    quoted = "\n".join(["V" + delimiter + "I", *(f'"{v!r}"{delimiter}{i!r}' for v, i in rows)]).encode()
    fast, slow = parse(plain, "a"), parse(quoted, "a")
    assert np.array_equal(fast.voltage_V, slow.voltage_V) and np.array_equal(fast.current_A, slow.current_A)


def test_text_is_not_kept_in_memory(monkeypatch):
    data, peaks = table(40_000), []
    for block in (1 << 15, 1 << 30):
        monkeypatch.setattr(text_lines, "BLOCK_BYTES", block)
        tracemalloc.start()
        parse(data, "a.csv")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 0.4 * peaks[1] and peaks[0] < 60 * 40_000


def test_many_cycles_are_segmented_and_read(tmp_path):
    up = np.linspace(0, 1.5, 16)
    one = np.r_[up, up[::-1], -up, -up[::-1]]
    g = np.r_[np.where(up >= 1, 1e-4, 5e-6), np.full(16, 1e-4), np.where(up < 1.2, 1e-4, 5e-6), np.full(16, 5e-6)]
    m = segment(Measurement.from_arrays(np.tile(one, 500), np.tile(one * g, 500), synthetic=True))
    assert m.cycle[-1] == 500 and not m.glitch.any()
    p = states(m).population
    assert (
        p.set_V.n == p.reset_V.n == 500
        and p.lrs_ohm.mean == pytest.approx(1e4)
        and p.hrs_ohm.mean == pytest.approx(2e5)
    )


def test_exchanged_columns_and_units_are_noticed(tmp_path):
    volts = np.linspace(0, 1.5, 20)
    for header, a, b in (("V,I", volts * 1e-4, volts), ("V (uV),I (A)", volts, volts * 1e-2)):
        lines = [header, *(f"{x!r},{y!r}" for x, y in zip(a, b, strict=True))]
        (tmp_path / "a.csv").write_text("\n".join(lines))
        with pytest.raises(
            InputError, match=r"no cell has less than 0\.1 ohm\. Were the two columns or their units exchanged"
        ):
            read_iv(tmp_path / "a.csv")


def test_one_branch_is_read_and_says_what_is_missing(tmp_path):
    volts = np.linspace(0, 1.0, 50)
    (tmp_path / "a.csv").write_text("V,I\n" + "\n".join(f"{v!r},{v * 1e-5!r}" for v in volts.tolist()))
    m = segment(read_iv(tmp_path / "a.csv"))
    read = states(m)
    assert m.branches == ("forward +",) and read.sweeps[0].r_before_ohm == pytest.approx(1e5)
    assert read.sweeps[0].r_after_ohm is None and "return +: this branch was not measured" in read.left_out[0]
