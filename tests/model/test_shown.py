"""What is seen of models and vocabularies: one line as text, a little HTML in a notebook."""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.evaluation import WordTable
from fastw2v.formats.vectors import Vectors
from fastw2v.system.notebooks import html_table, line_picture
from fastw2v.text.stored_vocabulary import StoredVocabulary, packed_words
from fastw2v.text.vocabulary import Vocabulary

SVG = "{http://www.w3.org/2000/svg}"
NASTY = ["<script>alert(1)</script>", "line\nfeed", "&amp;", "x" * 10_000, "\u2028", '"q"']


def of_words(words):
    counts = np.arange(len(words), 0, -1)
    return Vocabulary(words, counts, int(counts.sum()) + 5, len(words) + 3)


def stored(vocabulary):
    sizes = (vocabulary.counts, vocabulary.n_raw_tokens, vocabulary.n_raw_types)
    return StoredVocabulary(*packed_words(vocabulary.words), *sizes)


def as_tree(markup):
    assert len(markup) < 20_000
    return ElementTree.fromstring(markup)


def test_a_model_is_one_line(model, tmp_path):
    assert repr(Word2Vec(epochs=3, model="cbow", workers=1)) == (
        "Word2Vec(epochs=3, model='cbow', not trained)"
    )
    shown = repr(model)
    assert re.fullmatch(
        r"Word2Vec\(vector_size=12, window=3, window_sample=0.0, min_count=1, sample=0.0, "
        r"epochs=20, batch_rows=8, 40 words, "
        r"loss \d+\.\d{4} nats, [\d.]+ s\)",
        shown,
    )
    model.save(tmp_path / "model")
    assert repr(Word2Vec.load(tmp_path / "model", mmap=True)) == shown


@pytest.mark.parametrize("kind", [of_words, lambda words: stored(of_words(words))])
def test_a_vocabulary_is_one_line_however_many_words(kind):
    few = kind(["the", "of"])
    assert repr(few) == "Vocabulary(2 words, 3 of 8 tokens: 'the', 'of')"
    many = repr(kind([f"w{number}" for number in range(100_000)]))
    assert many.startswith("Vocabulary(100,000 words, ")
    assert many.endswith(" tokens: 'w0', 'w1', 'w2', ...)")
    nasty = repr(kind(NASTY))
    assert len(nasty.splitlines()) == 1
    assert len(nasty) < 500
    assert repr(kind([7, (1, "a")])) == "Vocabulary(2 words, 3 of 8 tokens: 7, (1, 'a'))"
    assert repr(kind([])) == "Vocabulary(0 words, 0 of 5 tokens: )"


def test_looking_at_a_mapped_vocabulary_decodes_what_is_shown(monkeypatch):
    vocabulary = stored(of_words([f"w{number}" for number in range(1000)]))
    assert "'w2'" in repr(vocabulary)
    assert vocabulary._repr_html_()
    assert "words" not in vars(vocabulary)
    damaged = StoredVocabulary(np.array([255, 255], np.uint8), np.array([1, 2]), [2, 1], 3, 2)
    assert "expected UTF-8" in repr(damaged)
    as_tree(damaged._repr_html_())


def test_embeddings_and_vectors_are_one_line(model):
    assert repr(model.embeddings) == "Embeddings(40 words, 12 dimensions, objective='softmax')"
    table = Vectors(["a", "b"], np.zeros((2, 3), np.float32), np.array([2, 1]))
    assert repr(table) == "Vectors(2 words, 3 dimensions, counts)"
    assert repr(WordTable(["a"], np.ones((1, 3), np.float32))) == "WordTable(1 words, 3 dimensions)"


@pytest.mark.parametrize("words", [NASTY, [7, (1, "<a>")], []])
def test_notebooks_show_words_and_no_markup_of_theirs(words):
    vocabulary = of_words(words)
    tree = as_tree(vocabulary._repr_html_())
    text = "".join(tree.itertext())
    assert {element.tag for element in tree.iter()} <= {"div", "b", "table", "tr", "th", "td"}
    for word in words[:3]:
        assert repr(word)[:100] in text


def test_notebooks_show_a_model_with_its_loss_between_the_entropies(model):
    tree = as_tree(model._repr_html_())
    text = "".join(tree.itertext())
    summary = model.summary
    for said in ("vector_size=12", "40 of 40", f"{summary.loss_nats:.4f}", "objective='softmax'"):
        assert said in text
    (picture,) = tree.iter(f"{SVG}svg")
    levels = [float(line.get("y1")) for line in picture.iter(f"{SVG}line")]
    points = [float(circle.get("cy")) for circle in picture.iter(f"{SVG}circle")]
    assert len(points) == 20 == len(model.history)
    assert len(levels) == 2
    assert levels[0] < levels[1]  # the unigram entropy is above
    assert points[0] < points[-1] < levels[1]
    losses = [record.loss_nats for record in model.history]
    high, low = summary.unigram_entropy_nats, summary.conditional_entropy_nats
    shares = (np.array(losses) - low) / (high - low)
    drawn = (levels[1] - np.array(points)) / (levels[1] - levels[0])
    assert np.allclose(drawn, shares, atol=0.02)
    as_tree(model.embeddings._repr_html_())


def test_notebooks_show_models_without_a_picture_too():
    assert "not trained" in "".join(as_tree(Word2Vec()._repr_html_()).itertext())
    model = Word2Vec(objective="negative", vector_size=2, min_count=1, epochs=1, workers=1)
    tree = as_tree(model.fit([["a", "b"] * 5] * 9)._repr_html_())
    assert len(list(tree.iter(f"{SVG}line"))) == 0
    assert len(list(tree.iter(f"{SVG}circle"))) == 1


def test_numbers_that_cannot_be_drawn_are_left_out():
    curves = [[1.0, math.nan, math.inf, 2.0], [None, 1.5, None, None]]
    picture = as_tree(line_picture(curves, [("one", 1.0), ("none", math.nan)], "<what>"))
    assert len(list(picture.iter(f"{SVG}circle"))) == 3
    assert len(list(picture.iter(f"{SVG}line"))) == 1
    assert line_picture([[math.nan], []], [("one", 1.0)], "nothing") == ""
    same = as_tree(line_picture([[1.0, 1.0]], [], "flat"))
    assert len({circle.get("cy") for circle in same.iter(f"{SVG}circle")}) == 1
    assert "<b>" not in "".join(as_tree(html_table("<b>", [("<i>", "</td>")])).itertext())[3:]
