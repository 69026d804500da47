"""Array files never unpickle; datasets are read without knowing their framework."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from kerascope.errors import BadFile, BadInput
from kerascope.loading import load_images
from kerascope.loading.arrays import as_array, finite, from_dataset, read_arrays


class _Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickles_in_array_files_never_run(tmp_path):
    canary = tmp_path / "canary"
    objects = np.empty(1, object)
    objects[0] = _Payload(canary)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "b.npz", x=objects)
    (tmp_path / "c.npy").write_bytes(pickle.dumps(_Payload(canary)))
    for name in ("a.npy", "b.npz", "c.npy"):
        with pytest.raises(BadFile, match=rf"'{name}' holds Python objects"):
            read_arrays(tmp_path / name)
    assert not canary.exists()
    np.load(tmp_path / "a.npy", allow_pickle=True)[0].close()  # the payload is live
    assert canary.exists()


def test_damaged_array_files_are_named(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((50, 50)))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:900])
    np.savez(tmp_path / "b.npz", x=np.zeros(500))
    (tmp_path / "b.npz").write_bytes((tmp_path / "b.npz").read_bytes()[:400])
    (tmp_path / "c.npy").write_bytes(b"")
    for name in ("a.npy", "b.npz", "c.npy"):
        with pytest.raises(BadFile, match=rf"'{name}' is cut off or damaged") as caught:
            read_arrays(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadFile, match="does not exist"):
        read_arrays(tmp_path / "gone.npy")


def test_a_file_of_several_arrays_names_them(tmp_path, pretend):
    np.savez(tmp_path / "a.npz", left=np.zeros(1), right=np.zeros(1))
    with pytest.raises(BadFile, match=r"holds 2 arrays \(left, right\)"):
        load_images(tmp_path / "a.npz", pretend())


def test_values_that_are_no_numbers():
    with pytest.raises(BadInput, match="numbers are needed"):
        as_array(["a", "b"])
    with pytest.raises(BadInput, match=r"cannot be read as an array|numbers are needed"):
        as_array([[1], [1, 2]])


def test_finite_keeps_integers_and_names_the_sample():
    assert finite(np.array([1, 2]), "x").dtype.kind == "i"
    assert finite(np.array([1.0, 2.0]), "x").dtype == np.float32
    with pytest.raises(BadInput, match="x hold NaN or infinite values, first in sample 2"):
        finite(np.array([[0.0], [1.0], [np.nan]]), "x")


class _Indexed:
    """A dataset with length and items, as torch's."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index >= 3:
            raise RuntimeError("asked beyond the end")
        return np.full((8, 8, 3), index, np.uint8), index


def test_batches_with_and_without_labels():
    batches = [(np.full((2, 4), i), np.zeros(2)) for i in range(3)]
    assert from_dataset(iter(batches)).shape == (6, 4)
    assert from_dataset(batch for batch, _ in batches).shape == (6, 4)
    assert from_dataset(iter(batches), 3).shape == (3, 4)
    assert from_dataset(iter([({"a": np.zeros((2, 1)), "b": np.ones((2, 3))}, 0)] * 2))[
        "b"
    ].shape == (4, 3)
    assert set(from_dataset(iter([((np.zeros((2, 1)), np.zeros((2, 1))), 0)]))) == {
        "input_0",
        "input_1",
    }


def test_indexed_datasets_are_single_samples(pretend):
    images = load_images(_Indexed(), pretend())
    assert images.shape == (3, 8, 8, 3)
    assert images.inputs[2].min() == 2


def test_datasets_that_cannot_be_read():
    with pytest.raises(BadInput, match="the dataset is empty"):
        from_dataset(iter([]))
    with pytest.raises(BadInput, match="different shapes"):
        from_dataset(iter([np.zeros((1, 2)), np.zeros((1, 3))]))
    with pytest.raises(BadInput, match="int cannot be read as inputs"):
        from_dataset(7)

    class Endless:
        def cardinality(self):
            return np.int64(-1)

        def __iter__(self):
            while True:
                yield np.zeros((2, 3))

    with pytest.raises(BadInput, match=r"endless.*limit=N"):
        from_dataset(Endless())
    assert from_dataset(Endless(), 5).shape == (5, 3)


def test_a_dataset_larger_than_the_memory_budget(monkeypatch):
    monkeypatch.setattr("kerascope.loading.arrays._MOST_BYTES", 1000)

    def endless():
        while True:
            yield np.zeros((2, 30))

    with pytest.raises(BadInput, match="limit=N"):
        from_dataset(endless())


def test_torch_loader(pretend):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.rand(5, 3, 8, 8), torch.arange(5))
    images = load_images(torch.utils.data.DataLoader(data, batch_size=2), pretend())
    assert images.shape == (5, 8, 8, 3)
    assert "inputs came with channels first and were turned" in images.notes
    assert as_array(torch.ones(2, dtype=torch.bfloat16, requires_grad=True)).tolist() == [1, 1]
    assert load_images(torch.rand(2, 3, 8, 8), pretend()).shape == (2, 8, 8, 3)
