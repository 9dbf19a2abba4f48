"""IDX files, whole and damaged."""

import gzip

import numpy as np
import pytest
from idx_files import idx_bytes

from compact_model.training.idx import read_idx
from ground.errors import InputError


def test_idx_files_are_read_plain_and_gzipped(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "a").write_bytes(idx_bytes(array))
    (tmp_path / "b").write_bytes(gzip.compress(idx_bytes(array), mtime=0))
    assert np.array_equal(read_idx(tmp_path / "a"), array) and np.array_equal(read_idx(tmp_path / "b"), array)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no IDX file: it begins with nothing"),
        (b"PK\x03\x04....", "is no IDX file: it begins with 504b0304"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "holds IDX type 0x0d; expected 0x08"),
        (b"\0\0\x08\x03\0\0\0\x02", "ends inside its header"),
        (b"\0\0\x08\x01\0\0\0\x09abc", r"says it holds 9 bytes \(9\), but has 3"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x03abc", mtime=0)[:-9], "is a damaged gzip file"),
    ],
)
def test_damaged_idx_files_say_what_is_wrong(tmp_path, content, words):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_idx(tmp_path / "x")
