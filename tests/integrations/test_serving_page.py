"""The code of docs/serving.md as it stands: indexes, and a vector database against exact search."""

import re
from pathlib import Path

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.formats import read_vectors
from fastw2v.integrations.index import build_index
from tests.support.corpora_made import chain_sentences

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"


def pieces():
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def here(tmp_path, monkeypatch):
    names = ["river", "bank", "boat", "king", "man", "woman"]
    sentences = [*chain_sentences(1, 60, 40), *[names] * 3]
    model = Word2Vec(vector_size=8, min_count=1, epochs=2, workers=1).fit(sentences)
    monkeypatch.chdir(tmp_path)
    model.save("model")
    model.export("vectors.txt")
    return model


def same_as_exact(found):
    vectors = read_vectors(Path("vectors.txt"))
    rows, cosines = build_index(vectors).search(vectors.vectors[:1], 10)
    assert {word for word, _ in found} == {vectors.words[row] for row in rows[0]}
    np.testing.assert_allclose([cosine for _, cosine in found], cosines[0], atol=1e-5)


def test_the_first_piece_runs(here):
    pytest.importorskip("usearch", reason="usearch is not installed")
    assert len(pieces()) == 2
    names = {}
    exec(compile(pieces()[0], str(PAGE), "exec"), names)
    assert names["index"].library == "usearch"
    assert len(names["index"]) == len(here)


@pytest.mark.slow
def test_qdrant_answers_as_exact_search_does(here):
    pytest.importorskip("qdrant_client", reason="qdrant-client is not installed")
    names = {}
    exec(compile(pieces()[1], str(PAGE), "exec"), names)
    same_as_exact(names["near"])
