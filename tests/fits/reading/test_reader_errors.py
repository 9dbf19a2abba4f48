"""Whatever cannot be read is refused with file, line, column, what was found, what was expected and a likely cause."""

from __future__ import annotations

import gzip

import pytest

from fits.reading.readers import read_iv
from ground.errors import InputError

GOOD = "voltage_V,current_A\n0,0\n0.1,1e-6\n0.2,2e-6\n"

CASES = {
    "nothing": (b"", r"iv\.csv: is empty; expected a text table"),
    "only blanks": (b"\n \n\n", r"is empty"),
    "only comments": (b"# synthetic: true\n", r"holds only blank or comment lines"),
    "gzip": (gzip.compress(GOOD.encode()), r"is gzip-compressed \(unpack it first: gunzip\)"),
    "workbook named csv": (b"PK\x03\x04....", r"a zip archive or a workbook \(if it is a workbook, name it \.xlsx\)"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", r"is an HDF5 or NetCDF file"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", r"is an old \.xls workbook"),
    "binary": (b"voltage_V,current_A\n0,\x01\x02\x03\n", r"line 2: found the character '\\x01'.*binary or damaged"),
    "half a UTF-16 character": (
        GOOD.encode("utf-16")[:-1],
        r"begins as utf-16 text and byte \d+ does not fit; was the file cut",
    ),
    "header only": (b"voltage_V,current_A\n", r"line 1 is a header and no numbers follow; was the file cut off"),
    "no header": (b"0,0\n0.1,1e-6\n", r"line 1: found the numbers '0,0' and no header.*such as voltage_V,current_A"),
    "voltage only": (b"voltage_V\n0\n0.1\n", r"line 1: no current column among 'voltage_V'"),
    "misspelt": (b"voltage_V,curent_A\n0,0\n", r"line 1: no current column.*Did you mean 'curent_A'"),
    "unit of another kind": (
        b"V (nm),I\n0,0\n",
        r"the column 'V \(nm\)' has the unit 'nm', which is not one of voltage",
    ),
    "text in a cell": (
        b"voltage_V,current_A\n0,0\n0.1,open\n0.2,1\n",
        r"line 3, column 'current_A': found the text 'open', expected a number.*begin it with #",
    ),
    "underscore number": (b"voltage_V,current_A\n0,1_0\n1,1\n", r"line 2, column 'current_A': found the text '1_0'"),
    "formula error": (b"V,I\n0,#REF\n1,1\n", r"line 2, column 'I': found the text '#REF'"),
    "empty cell": (
        b"voltage_V,current_A\n0,\n0.1,1e-6\n",
        r"line 2, column 'current_A': found an empty cell.*fill it in",
    ),
    "NaN": (
        b"voltage_V,current_A\n0,0\n0.1,nan\n0.2,0\n",
        r"line 3, column 'current_A': found 'nan', expected a finite",
    ),
    "overflow": (
        b"voltage_V,current_A\n0,0\n0.1,1e999\n",
        r"line 3, column 'current_A': found '1e999', expected a finite",
    ),
    "too large with prefix": (b"V (kV),I\n0,0\n1e308,0\n", r"iv\.csv: voltage_V\[1\]=inf is not allowed"),
    "cut in a row": (
        b"voltage_V,current_A\n0,0\n0.1",
        r"line 3: found 1 cells '0\.1', expected 2; the file was cut off in this",
    ),
    "cut in a number": (b"voltage_V,current_A\n0,0\n0.1,1e-", r"line 3, .*found the text '1e-'.*cut off in this line"),
    "cut before a number": (b"voltage_V,current_A\n0,0\n0.1,", r"line 3, .*found an empty cell.*cut off in this line"),
    "cell missing": (b"voltage_V,current_A\n0\n0.1,1\n", r"line 2: found 1 cells '0', expected 2; a cell is missing"),
    "decimal comma with commas": (
        b"voltage_V,current_A\n0,1,1,5\n",
        r"line 2: found 4 cells under a header of 2; is there a "
        r"decimal comma\? Save the table with ';'",
    ),
    "more cells": (b"V;I\n0;1;2\n", r"line 2: found 3 cells under a header of 2; is a column without a name"),
    "fewer points than said": (
        b"# points: 5\n" + GOOD.encode(),
        r"says '# points: 5.*' and holds 3; the file was cut off",
    ),
    "no end of the last line": (
        b"# points: 3\n" + GOOD.encode()[:-1],
        r"line 5 does not end: found '0.2,2e-6'; the file was cut",
    ),
    "cut before an optional cell": (
        b"V,I,note\n0,0,a\n1,1e-",
        r"line 3: found 2 cells '1,1e-', expected 3; the file was cut off",
    ),
    "synthetic neither": (
        b"# synthetic: maybe\n" + GOOD.encode(),
        r"line 1: found '# synthetic: maybe'; expected true or",
    ),
    "ambient with unit": (
        b"# ambient_K: 20 degC\n" + GOOD.encode(),
        r"line 1: found '# ambient_K: 20 degC'; expected a number",
    ),
    "ambient in degC": (
        b"# ambient_K: 20\n" + GOOD.encode(),
        r"iv\.csv: ambient_K=20.0 is not allowed.*Did you mean 293\.15",
    ),
    "volts in mV": (
        b"voltage_V,current_A\n0,0\n1300,1e-6\n",
        r"iv\.csv: voltage_V\[1\]=1300 is not allowed.*in mV or uV",
    ),
    "unknown branch": (b"V,I,branch\n0,0,up\n", r"line 2, column 'branch': found 'up', expected 'forward \+' or"),
    "cycle": (b"V,I,cycle\n0,0,one\n", r"column 'cycle': found 'one', expected a whole number"),
    "huge cycle": (b"V,I,cycle\n0,0,99999999999999999999\n", r"column 'cycle': found '9+', expected a whole number"),
    "flag": (b"V,I,glitch\n0,0,yes\n", r"column 'glitch': found 'yes', expected 0 or 1"),
    "stored offset": (b"V,I,offset_current_A\n0,0,x\n", r"column 'offset_current_A': found 'x', expected a number"),
    "endless cell": (b"V,I\n0," + b"1" * 200_000 + b"\n", r"line 2: cannot be split at ',': field larger"),
    "time text": (b"t,V,I\nnoon,0,0\n", r"line 2, column 't': found the text 'noon'"),
}


@pytest.mark.parametrize("name", CASES)
def test_message(tmp_path, name):
    data, message = CASES[name]
    path = tmp_path / "iv.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read_iv(path)
    assert str(path) in str(caught.value)


def test_good_file_is_not_refused(tmp_path):
    (tmp_path / "iv.csv").write_text(GOOD)
    assert len(read_iv(tmp_path / "iv.csv")) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sheet": "Run1"}, r"sheet='Run1' is for workbooks \(\.xlsx\), and this is a text table"),
        ({"delimiter": ",,"}, r"delimiter=',,' is not allowed: expected one character"),
        ({"voltage_column": "Vx"}, r"there is no column 'Vx' for the voltage"),
        ({"ambient_K": 25}, r"ambient_K=25 is not allowed"),
    ],
)
def test_options(tmp_path, options, message):
    (tmp_path / "iv.csv").write_text(GOOD)
    with pytest.raises(InputError, match=message):
        read_iv(tmp_path / "iv.csv", **options)


def test_paths(tmp_path):
    (tmp_path / "cell_07.csv").write_text(GOOD)
    with pytest.raises(InputError, match=r"there is no such file\. Did you mean 'cell_07\.csv'"):
        read_iv(tmp_path / "cell_7.csv")
    with pytest.raises(InputError, match=r"there is no such file\. Nor is there any other in"):
        read_iv(tmp_path / "none" / "cell_7.csv")
    with pytest.raises(InputError, match=r"is a folder; give the name of a csv"):
        read_iv(tmp_path)
    with pytest.raises(InputError, match=r"cannot be read: File name too long"):
        read_iv(tmp_path / ("x" * 300 + ".csv"))
    with pytest.raises(InputError, match=r"cannot be read: embedded null byte"):
        read_iv("a\0b.csv")
