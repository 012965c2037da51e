"""Parameters that are kept aside: in a file without a name, in memory where there can be none."""

import errno
import tempfile

import numpy as np
import pytest

from fastw2v.errors import OutputError
from fastw2v.training.kept import KeptArrays


def arrays(seed, size=1000):
    generator = np.random.default_rng(seed)
    return {
        "in_vectors": generator.normal(size=size).astype(np.float32),
        "out_vectors": generator.normal(size=(3, size)).astype(np.float32),
        "out_bias": generator.normal(size=0).astype(np.float32),
    }


def assert_kept(kept, expected):
    found = kept.arrays()
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def full_disk(*_arguments, **_options):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_was_kept_last_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = KeptArrays()
    assert not kept
    for seed, size in ((1, 1000), (2, 2000), (3, 10)):
        kept.keep(arrays(seed, size))
        assert kept
        assert kept._copies is None
        assert_kept(kept, arrays(seed, size))
    assert list(tmp_path.iterdir()) == []
    # They are copies: what is trained on goes on changing.
    given = arrays(4)
    kept.keep(given)
    for array in given.values():
        array[:] = 0
    assert_kept(kept, arrays(4))


@pytest.mark.parametrize("written", [0, 1, 2])
def test_on_a_full_disk_they_are_kept_in_memory(written, monkeypatch):
    kept = KeptArrays()
    for seed in range(written):
        kept.keep(arrays(seed))
    monkeypatch.setattr(tempfile, "TemporaryFile", full_disk)
    if kept._file is not None:
        monkeypatch.setattr(kept, "_write", full_disk)
    for seed in (5, 6):
        given = arrays(seed)
        kept.keep(given)
        for array in given.values():
            array[:] = 0
        assert_kept(kept, arrays(seed))


def test_a_file_that_lost_its_end_is_an_error_that_says_so():
    kept = KeptArrays()
    kept.keep(arrays(1))
    kept._file.truncate(100)
    with pytest.raises(OutputError, match="kept epoch: expected to read again"):
        kept.arrays()
