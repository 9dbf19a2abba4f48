"""Data: IDX files, digits, text, files of one's own; and what is said when they are damaged."""

import gzip

import numpy as np
import pytest
from idx_files import idx_bytes

from compact_model.training.images import mnist
from compact_model.training.own_task import own_task
from compact_model.training.text import Text
from ground.errors import InputError, MissingLibrary


def write_mnist(folder, *, labels=None, test_images=None):
    """Write a SYNTHETIC set of four files in the form of MNIST."""
    rng = np.random.default_rng(0)
    y = np.arange(40, dtype=np.uint8) % 10 if labels is None else labels
    x = rng.integers(0, 256, (40, 28, 28)).astype(np.uint8)
    test = rng.integers(0, 256, (10, 28, 28)).astype(np.uint8) if test_images is None else test_images
    for name, array in {
        "train-images-idx3-ubyte": x,
        "train-labels-idx1-ubyte": y,
        "t10k-images-idx3-ubyte": test,
        "t10k-labels-idx1-ubyte": np.arange(10, dtype=np.uint8),
    }.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array)))


def test_mnist_is_built_from_its_files(tmp_path):
    write_mnist(tmp_path)
    task = mnist(tmp_path)
    assert task.x.shape == (40, 784) and float(task.x.max()) == 1.0
    assert sum(p.numel() for p in task.network().parameters()) == 235_146  # the paper's 235 k


def test_mnist_errors(tmp_path, monkeypatch):
    monkeypatch.setenv("RERAM_MNIST_MIRRORS", "")
    monkeypatch.setenv("RERAM_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InputError, match="give the folder of the four IDX files with --data"):
        mnist(None)
    with pytest.raises(InputError, match="holds neither train-images-idx3-ubyte nor"):
        mnist(tmp_path)
    write_mnist(tmp_path, labels=np.full(40, 12, np.uint8))
    with pytest.raises(InputError, match=r"a label is 12; MNIST has 0..9"):
        mnist(tmp_path)
    write_mnist(tmp_path, labels=np.zeros(39, np.uint8))
    with pytest.raises(InputError, match="40 training vectors with 39 labels"):
        mnist(tmp_path)
    write_mnist(tmp_path, test_images=np.zeros((10, 14, 14), np.uint8))
    with pytest.raises(InputError, match=r"training vectors have shape \(784,\), test vectors \(196,\)"):
        mnist(tmp_path)
    write_mnist(tmp_path, labels=np.zeros((40, 1, 1), np.uint8))
    with pytest.raises(InputError, match="are two files exchanged"):
        mnist(tmp_path)


def test_real_mnist(shared):
    folder = shared / "data" / "mnist"
    if not folder.is_dir():
        pytest.skip(f"no MNIST in {folder}")
    task = mnist(folder)
    assert task.x.shape == (60_000, 784) and task.steps() == 1875
    assert task.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


def test_digits_or_how_to_install_them():
    from compact_model.training.images import digits

    try:
        import sklearn  # noqa: F401
    except ImportError:
        with pytest.raises(MissingLibrary, match="pip install scikit-learn"):
            digits()
        return
    task = digits()
    assert len(task.x) + len(task.x_test) == 1797 and task.x.shape[1] == 64


def test_text_is_bytes_and_sequences_are_shifted_by_one(tmp_path):
    (tmp_path / "t.txt").write_bytes(bytes(range(60, 90)) * 200)
    task = Text(tmp_path / "t.txt", length=20, batch=4)
    x, y = next(iter(task.batches(0, 0)))
    assert task.tokens == 30 and x.shape == (4, 20)
    assert np.array_equal((x.numpy() + 1) % 30, y.numpy())
    again = next(iter(task.batches(0, 0)))
    other = next(iter(task.batches(1, 0)))
    assert np.array_equal(x, again[0]) and not np.array_equal(x, other[0])


def test_perplexity_of_a_network_that_knows_nothing_is_the_number_of_characters(tmp_path):
    import torch

    (tmp_path / "t.txt").write_bytes(bytes(range(60, 90)) * 200)
    task = Text(tmp_path / "t.txt", length=20, batch=4)
    network = task.network()
    with torch.no_grad():
        for p in network.parameters():
            p.zero_()
    assert task.evaluate(network) == pytest.approx(30.0, rel=1e-5)


def test_war_and_peace_has_87_bytes_and_79k_parameters(shared):
    path = shared / "data" / "war_and_peace" / "warpeace_input.txt"
    if not path.is_file():
        pytest.skip(f"no {path}")
    task = Text(path)
    assert task.tokens == 87
    assert sum(p.numel() for p in task.network().parameters()) == pytest.approx(79_000, rel=0.02)


def test_the_end_of_a_text_is_the_test(tmp_path):
    (tmp_path / "t.txt").write_bytes(bytes(range(60, 90)) * 200)
    assert len(Text(tmp_path / "t.txt", length=20, batch=4).test_text) == 600
    cut = Text(tmp_path / "t.txt", length=20, batch=4, test_bytes=1000)
    assert (len(cut.train_text), len(cut.test_text)) == (5000, 1000)
    for wrong in (20, 5950):
        with pytest.raises(
            InputError, match=rf"has 6000 characters, {wrong} of them for the test; expected more than 20"
        ):
            Text(tmp_path / "t.txt", length=20, batch=4, test_bytes=wrong)
    with pytest.raises(InputError, match="more than 10000 .one batch of sequences. before: change test_bytes or batch"):
        Text(tmp_path / "t.txt", length=20, batch=500)


def test_text_errors(tmp_path):
    with pytest.raises(InputError, match="give the text file with --data"):
        Text(None)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        Text(tmp_path / "none.txt")
    (tmp_path / "short.txt").write_text("too short")
    with pytest.raises(InputError, match=r"has 9 characters; at least 2020 are needed"):
        Text(tmp_path / "short.txt")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1", "it must define data"),
        ("def data():\n    return 1, 2", "data.. must return four things"),
        ("1 / 0", "ZeroDivisionError while running it"),
        ("train = test = [(1, 2, 3)]", "must be torch Datasets of"),
        ("def data():\n    return [[float('nan')]], [0], [[0.0]], [0]", "values that are no finite numbers"),
        ("def data():\n    return [[0.5]], [0.5], [[0.0]], [0]", "labels must be whole numbers"),
        ("def data():\n    return [[0.5]], [0], [[0.0]], [1]", "test label 1 never occurs in training"),
    ],
)
def test_own_files_say_what_is_wrong(tmp_path, source, words):
    (tmp_path / "own.py").write_text(source)
    with pytest.raises(InputError, match=words):
        own_task(tmp_path / "own.py")


def test_own_datasets_and_network_are_used(tmp_path):
    import torch

    (tmp_path / "own.py").write_text(
        "import torch\n"
        "train = test = torch.utils.data.TensorDataset(torch.rand(12, 3), torch.arange(12) % 4)\n"
        "def network():\n    return torch.nn.Linear(3, 4)\n"
    )
    task = own_task(tmp_path / "own.py")
    assert task.classes == 4 and isinstance(task.network(), torch.nn.Linear)
    (tmp_path / "bad.py").write_text("def data():\n    return [[0.5]], [0], [[0.0]], [0]\nnetwork = list\n")
    with pytest.raises(InputError, match=r"network\(\) returned a list"):
        own_task(tmp_path / "bad.py").network()
    with pytest.raises(InputError, match="there is no such file. A task is mnist, digits, text or a Python file"):
        own_task(tmp_path / "none.py")
