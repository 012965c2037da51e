"""What tests of counting share: a text, its counts made in memory, and pieces that are small."""

import pytest

from fastw2v.counts import merging as count_merging
from fastw2v.counts import parts as count_files
from fastw2v.counts.build import count_corpus
from fastw2v.counts.sharded import run as sharded_run
from fastw2v.counts.sharded import steps, words
from fastw2v.system import files
from tests.support.corpora_made import write_text
from tests.support.programs import tree
from tests.support.sharded_counts import COUNTING, SENTENCES


@pytest.fixture
def small_pieces(monkeypatch):
    """Everything that is cut at some size is cut often."""
    monkeypatch.setattr(count_files, "PART_ENTRIES", 100)
    monkeypatch.setattr(count_merging, "BLOCK_ENTRIES", 150)
    monkeypatch.setattr(sharded_run, "FAN_IN", 3)
    monkeypatch.setattr(steps, "_FEWEST_TOKENS", 100)
    monkeypatch.setattr(steps, "_TOKEN_BYTES", 10**7)
    monkeypatch.setattr(words, "_WORD_BYTES", 2 * 10**6)
    # Waiting for the disk hundreds of times would be most of the time of these tests.
    monkeypatch.setattr(files, "_sync_file", lambda path: None)
    monkeypatch.setattr(files, "_sync_folder", lambda path: None)


@pytest.fixture(scope="module")
def text_file(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("text") / "text.txt", SENTENCES)


@pytest.fixture
def in_memory(text_file, tmp_path):
    count_corpus(text_file, COUNTING, tmp_path / "in_memory", workers=2)
    return tree(tmp_path / "in_memory")
