"""A text, and rivals that are put there or taken away."""

import os
import stat

import pytest

from tests.support.corpora_made import topic_sentences, write_text


@pytest.fixture(scope="module")
def topics(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("text") / "topics.txt", topic_sentences(1, 400))


@pytest.fixture
def stub(tmp_path, monkeypatch):
    """Put a program called word2vec before all others on the PATH."""

    def install(*lines):
        folder = tmp_path / "bin"
        folder.mkdir()
        path = folder / "word2vec"
        path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


@pytest.fixture
def without_fasttext(tmp_path, monkeypatch):
    """Let imports of fasttext fail in processes that are started."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "fasttext.py").write_text('raise ImportError("No module named fasttext")\n')
    monkeypatch.setenv("PYTHONPATH", str(folder))
