"""A folder that is replaced while it is read is read again."""

import pytest

from fastw2v import Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.counts.folder import read_counts
from fastw2v.errors import CorpusError, ModelFormatError
from fastw2v.formats import model_folder
from fastw2v.system import manifests
from fastw2v.system.replaced import read_as_one
from tests.support.corpora_made import random_sentences

SETTINGS = {"vector_size": 4, "min_count": 1, "epochs": 1}


def folder_of(path, content):
    path.mkdir()
    for name in ("one", "two"):
        (path / name).write_text(content)
    return path


@pytest.fixture
def swapped(tmp_path):
    """A folder, and what puts another one in its place."""
    target, other = folder_of(tmp_path / "it", "old"), folder_of(tmp_path / "other", "new")

    def swap():
        target.rename(tmp_path / "aside")
        other.rename(target)
        (tmp_path / "aside").rename(other)

    return target, swap


@pytest.mark.parametrize("times", [0, 1, 5])
def test_what_was_read_of_two_folders_is_dropped(swapped, times):
    target, swap = swapped
    reads = []

    @read_as_one
    def read(folder, end, *, more="!"):
        one = (folder / "one").read_text()
        if len(reads) < times:
            swap()
        reads.append((one, (folder / "two").read_text()))
        return "".join(reads[-1]) + end + more

    assert read(target, "?", more=".") == ("oldold?." if times % 2 == 0 else "newnew?.")
    assert len(reads) == times + 1
    assert all(one != two for one, two in reads[:-1])


@pytest.mark.parametrize("name", ["a\0b", "x" * 300], ids=["zero byte", "too long"])
def test_what_cannot_be_a_name_is_no_folder(name):
    with pytest.raises(ModelFormatError, match="expected a model folder"):
        Word2Vec.load(name)


def test_errors_of_a_folder_that_stays_are_raised_and_others_are_not(swapped):
    target, swap = swapped
    reads = []

    @read_as_one
    def read(folder):
        reads.append(folder)
        if len(reads) == 1:
            swap()
        if len(reads) < 3:
            raise ModelFormatError("damaged")
        return "never"

    with pytest.raises(ModelFormatError, match="damaged"):
        read(target)
    assert len(reads) == 2

    @read_as_one
    def missing(folder):
        raise CorpusError("no such folder")

    with pytest.raises(CorpusError, match="no such folder"):
        missing(folder=target / "nothing")


def test_what_is_replaced_for_ever_ends(swapped):
    target, swap = swapped
    reads = []

    @read_as_one
    def read(folder):
        reads.append(folder)
        swap()
        return len(reads)

    assert read(target) == 10


def test_models_and_counts_are_read_so(tmp_path, monkeypatch):
    """Once the first file is open, another folder takes the name."""
    counting = CountingSettings(min_count=1)
    for number in (1, 2):
        text = random_sentences(number, 9 + number, sentences=40)
        Word2Vec(**SETTINGS).fit(text).save(tmp_path / f"model{number}")
        count_corpus(text, counting, tmp_path / f"counts{number}")
    read_json = manifests.read_json

    for name, module, read in (
        ("model", model_folder, model_folder.read_model),
        ("counts", manifests, read_counts),
    ):
        target, swaps = tmp_path / f"{name}1", []

        def swapping(path, *, name=name, target=target, swaps=swaps):
            found = read_json(path)
            if not swaps:
                swaps.append(path)
                target.rename(tmp_path / "aside")
                (tmp_path / f"{name}2").rename(target)
            return found

        with monkeypatch.context() as patched:
            for place in {module, manifests}:
                patched.setattr(place, "read_json", swapping)
            found = read(target)
        assert len(swaps) == 1
        assert len((found.embeddings if name == "model" else found).vocabulary) == 11
        (tmp_path / "aside").rename(tmp_path / f"{name} of before")
