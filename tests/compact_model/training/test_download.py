"""MNIST from a mirror: here one on this machine, with SYNTHETIC files; no test asks a real one."""

import gzip
import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from compact_model.training import download
from compact_model.training.download import SHA256, fetch_mnist
from ground.errors import InputError


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A folder that is served, its address, and the checks of what lies in it."""
    folder = tmp_path / "served"
    folder.mkdir()
    content = {name: f"SYNTHETIC {name}".encode() for name in SHA256}
    for name, data in content.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
    monkeypatch.setattr(download, "SHA256", {n: hashlib.sha256(d).hexdigest() for n, d in content.items()})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def test_files_are_loaded_once_checked_and_kept(mirror, tmp_path):
    folder, address = mirror
    target = fetch_mnist(tmp_path / "mnist", mirrors=[address])
    assert sorted(p.name for p in target.iterdir()) == sorted(f"{n}.gz" for n in SHA256)
    assert (target / "train-labels-idx1-ubyte.gz").read_bytes() == (folder / "train-labels-idx1-ubyte.gz").read_bytes()
    assert fetch_mnist(target, mirrors=[]) == target  # nothing is asked for again


def test_the_second_mirror_has_what_the_first_lacks(mirror, tmp_path):
    folder, address = mirror
    (folder / "t10k-labels-idx1-ubyte.gz").rename(tmp_path / "t10k-labels-idx1-ubyte.gz")
    with pytest.raises(
        InputError, match=r"t10k-labels-idx1-ubyte.gz could not be loaded: http://127.*404.*--data FOLDER"
    ):
        fetch_mnist(tmp_path / "mnist", mirrors=[address])
    assert len(list((tmp_path / "mnist").iterdir())) == 3
    second = folder / "second"
    second.mkdir()
    (tmp_path / "t10k-labels-idx1-ubyte.gz").rename(second / "t10k-labels-idx1-ubyte.gz")
    fetch_mnist(tmp_path / "mnist", mirrors=[address, f"{address}second/"])
    assert len(list((tmp_path / "mnist").iterdir())) == 4


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"another content", mtime=0), gzip.compress(b"x" * 99, mtime=0)[:-9], b"<html>blocked</html>"],
)
def test_a_file_that_is_not_mnist_is_not_kept(mirror, tmp_path, data):
    folder, address = mirror
    (folder / "train-images-idx3-ubyte.gz").write_bytes(data)
    words = "has another content than MNIST|Compressed file ended|not a gzipped file"
    with pytest.raises(InputError, match=rf"train-images-idx3-ubyte.gz could not be loaded.*({words}|Not a gzipped)"):
        fetch_mnist(tmp_path / "mnist", mirrors=[address])
    assert not list((tmp_path / "mnist").iterdir())


def test_without_a_network_it_says_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(
        InputError, match=r"127.0.0.1:9/: .*refused.*--data FOLDER; `reram train digits` needs no files"
    ):
        fetch_mnist(tmp_path, mirrors=["http://127.0.0.1:9/"])
    monkeypatch.setenv("RERAM_MNIST_MIRRORS", "")
    with pytest.raises(InputError, match="could not be loaded: RERAM_MNIST_MIRRORS names no mirror"):
        fetch_mnist(tmp_path)


def test_the_checks_are_those_of_the_real_files(shared):
    for name, digest in SHA256.items():
        path = shared / "data" / "mnist" / f"{name}.gz"
        if not path.is_file():
            pytest.skip(f"no {path}")
        assert hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest() == digest
