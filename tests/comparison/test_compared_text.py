"""The text that all trainers read, and the losses on what is held out of it."""

import gzip

import numpy as np
import pytest

from fastw2v.comparison.requests import save_vectors
from fastw2v.comparison.stored import LossSettings, StoredVectors, held_out_losses
from fastw2v.comparison.text import LONGEST_LINE_WORDS, expected_pairs, prepare_text
from fastw2v.counts.pairs import count_pairs
from fastw2v.errors import CorpusError
from fastw2v.text.reading import read_corpus
from tests.support.corpora_made import as_text, random_sentences, topic_sentences, write_text


@pytest.mark.parametrize("window", [1, 2, 5])
def test_expected_pairs_are_those_that_are_counted(window):
    sentences = random_sentences(3, n_words=20, longest=9)
    vocabulary, tokens = read_corpus(sentences, min_count=1)
    counts = count_pairs(tokens, len(vocabulary), window, workers=1)
    pairs = expected_pairs(np.diff(tokens.sentence_starts), window)
    assert pairs == pytest.approx(counts.total / window)


def test_the_text_is_cut_once_for_all(tmp_path):
    lines = [f"Line {number}, said Ann." for number in range(1, 41)]
    lines += ["word " * (2 * LONGEST_LINE_WORDS + 5), "", "   "]
    source = tmp_path / "text.txt.gz"
    source.write_bytes(gzip.compress("\n".join(lines).encode()))
    text = prepare_text(source, tmp_path, tokenizer="words", window=5, min_count=2)
    training = text.training.read_text().splitlines()
    held_out = text.held_out.read_text().splitlines()
    assert held_out == ["line 20 said ann", "line 40 said ann"]
    assert training[:2] == ["line 1 said ann", "line 2 said ann"]
    assert [len(line.split()) for line in training[-3:]] == [LONGEST_LINE_WORDS] * 2 + [5]
    assert text.tokens == 38 * 4 + 2 * LONGEST_LINE_WORDS + 5
    assert text.held_out_tokens == 8
    assert text.vocabulary == 4  # each number comes once


def test_held_out_text_may_be_given(tmp_path):
    source = write_text(tmp_path / "text.txt", topic_sentences(1, 60))
    other = write_text(tmp_path / "other.txt", topic_sentences(2, 3))
    named = {"tokenizer": "whitespace", "window": 5, "min_count": 1}
    text = prepare_text(source, tmp_path, held_out=other, **named)
    assert text.training.read_text() == source.read_text()
    assert text.held_out.read_text() == other.read_text()
    short = write_text(tmp_path / "short.txt", topic_sentences(1, 19))
    assert prepare_text(short, tmp_path, **named).held_out is None
    with pytest.raises(CorpusError, match="which other programs can read"):
        prepare_text([["a", "b"]], tmp_path, **named)


def exact_losses(stored, sentences, window):
    """Own softmax loss over all window pairs, in float64 loops."""
    places = {word: place for place, word in enumerate(stored.words)}
    scores = stored.tables["in"].astype(np.float64) @ stored.tables["out"].T
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    loss = weight = 0.0
    for sentence in sentences:
        ids = [places[word] for word in sentence if word in places]
        for i, centre in enumerate(ids):
            for j in range(max(0, i - window), min(len(ids), i + window + 1)):
                if i != j:
                    share = (window - abs(i - j) + 1) / window
                    loss -= share * logs[centre, ids[j]]
                    weight += share
    return loss / weight


def test_held_out_losses_are_exact(tmp_path):
    sentences = topic_sentences(1, 3000)
    held_out = topic_sentences(2, 300)
    vocabulary, _ = read_corpus(sentences, min_count=1)
    generator = np.random.default_rng(0)
    shape = (len(vocabulary), 5)
    tables = {name: 0.3 * generator.standard_normal(shape, np.float32) for name in ("in", "out")}
    stored = StoredVectors(vocabulary.words, vocabulary.counts, tables)
    paths = (tmp_path / "training.txt", tmp_path / "held-out.txt")
    for path, text in zip(paths, (sentences, held_out), strict=True):
        path.write_text(as_text(text))
    found = held_out_losses(stored, LossSettings(loss="softmax", window=3), *paths)
    assert found["own_nats"] == pytest.approx(exact_losses(stored, held_out, 3), rel=1e-5)
    # Random vectors say nothing: calibration finds that, and the unigram distribution is left.
    assert found["calibrated_nats"] == pytest.approx(np.log(len(vocabulary)), abs=0.05)
    wrong = StoredVectors(vocabulary.words, vocabulary.counts, tables | {"out": tables["in"]})
    assert abs(exact_losses(wrong, held_out, 3) - found["own_nats"]) > 1e-3
    negative = LossSettings(loss="negative", window=3, noise_exponent=0.5)
    other = held_out_losses(stored, negative, *paths)
    assert other["calibrated_nats"] == found["calibrated_nats"]
    assert other["own_nats"] != found["own_nats"]
    assert held_out_losses(stored, LossSettings(loss=None), *paths) == {}
    alone = StoredVectors(vocabulary.words, vocabulary.counts, {"in": tables["in"]})
    assert held_out_losses(alone, negative, *paths) == {}
    assert list(alone.word_tables) == ["in"]
    assert alone.quality()["in"]["mean"] is None  # the sets have no such words


def test_long_words_do_not_widen_all_others(tmp_path):
    words = ["a" * 200_000, *(f"wörd{k}" for k in range(20_000))]
    tables = {"in": np.zeros((len(words), 1), np.float32)}
    save_vectors(tmp_path / "v.npz", words, np.arange(len(words), 0, -1), tables)
    assert (tmp_path / "v.npz").stat().st_size < 2e6
    assert StoredVectors.read(tmp_path / "v.npz").words == words
