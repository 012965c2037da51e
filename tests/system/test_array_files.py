"""Arrays in safetensors files: the library reads what is written, and all is aligned."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from fastw2v.system.array_files import read_arrays, read_metadata, write_arrays

KINDS = ["u1", "<i4", "<i8", "<f4", "<f8"]


@settings(max_examples=40, deadline=None)
@given(
    shapes=st.lists(
        st.tuples(
            st.sampled_from(KINDS), st.lists(st.integers(0, 4), max_size=3), st.text(max_size=5)
        ),
        max_size=6,
    ),
    note=st.text(st.characters(codec="utf-8")),
)
def test_the_library_reads_what_is_written(tmp_path_factory, shapes, note):
    path = tmp_path_factory.mktemp("arrays") / "arrays.safetensors"
    generator = np.random.default_rng(1)
    arrays = {
        f"{number} {name!r}": generator.integers(0, 200, shape).astype(kind)
        for number, (kind, shape, name) in enumerate(shapes)
    }
    write_arrays(path, arrays, {"note": note})
    for found in (load_file(path), read_arrays(path), read_arrays(path, mapped=True)):
        assert sorted(found) == sorted(arrays)
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype
            assert found[name].shape == array.shape
            assert found[name].tobytes() == array.tobytes()
    for array in read_arrays(path, mapped=True).values():
        assert not array.size or array.flags.aligned
    assert read_metadata(path) == {"note": note}


def test_arrays_of_other_order_are_written_as_they_read(tmp_path):
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    arrays = {"turned": table.T, "part": table[:, 1:3], "big endian": table.astype(">f4")}
    write_arrays(tmp_path / "file", arrays)
    for name, array in arrays.items():
        assert np.array_equal(load_file(tmp_path / "file")[name], array)


@pytest.mark.parametrize("mapped", [False, True])
def test_what_the_library_writes_is_read(tmp_path, mapped):
    arrays = {"a": np.arange(5, dtype=np.int64), "b": np.ones((2, 3), np.float32)}
    save_file(arrays, tmp_path / "file", {"k": "v"})
    with safe_open(tmp_path / "file", framework="numpy") as opened:
        assert opened.metadata() == {"k": "v"}
    for name, array in read_arrays(tmp_path / "file", mapped=mapped).items():
        assert np.array_equal(array, arrays[name])


def test_a_header_that_promises_too_much_is_refused(tmp_path):
    path = tmp_path / "file"
    write_arrays(path, {"a": np.ones(4, np.float32)})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"[4]", b"[9]").replace(b"[0,16]", b"[0,36]"))
    for mapped in (False, True):
        with pytest.raises(ValueError, match="expected a safetensors file"):
            read_arrays(path, mapped=mapped)
    path.write_bytes((2**62).to_bytes(8, "little") + content[8:])
    for mapped in (False, True):
        with pytest.raises(ValueError, match="expected a safetensors file"):
            read_arrays(path, mapped=mapped)
