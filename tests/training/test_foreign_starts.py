"""Starts that a stranger gives: no word in common, numbers near the limits, other kinds of path."""

import numpy as np
import pytest

from fastw2v import StartFrom, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.errors import ConfigurationError, ModelFormatError, VocabularyError
from fastw2v.training.dry_run import dry_run
from tests.support.corpora_made import write_text

SETTINGS = {"vector_size": 4, "min_count": 1, "epochs": 1, "sample": 0.0, "workers": 1}
RUSSIAN = [
    "мир",
    "труд",
    "май",
    "дом",
    "кот",
    "пёс",
    "рука",
    "нога",
    "день",
    "ночь",
    "солнце",
    "луна",
]
ARABIC = ["سلام", "بيت", "كتاب", "قلم", "شمس", "قمر", "ليل", "نهار", "ولد", "بنت"]


def text_of(words, n_sentences=60):
    generator = np.random.default_rng(4)
    return [generator.choice(words, 8).tolist() for _ in range(n_sentences)]


@pytest.fixture(scope="module")
def russian():
    return Word2Vec(**SETTINGS, window_sample=0.0).fit(text_of(RUSSIAN))


def test_a_text_without_a_known_word_is_refused(russian, tmp_path):
    """The words of a model stay, so that its own are in the vocabulary of any text."""
    message = r"start: expected words of the text among the 12 of .*, got none of 10 \('.+' is the"
    with pytest.raises(ConfigurationError, match=message) as caught:
        Word2Vec(workers=1).fit(text_of(ARABIC), start=russian)
    assert not any(word in str(caught.value) for word in RUSSIAN)
    text = write_text(tmp_path / "arabic.txt", text_of(ARABIC))
    russian.save(tmp_path / "model")
    with pytest.raises(ConfigurationError, match=message):
        dry_run(text, {}, workers=1, start=StartFrom(tmp_path / "model"))
    kept = StartFrom(russian, vocabulary="keep")
    with pytest.raises(VocabularyError, match=r"some of the 12 words that are kept, got 480 other"):
        Word2Vec(workers=1).fit(text_of(ARABIC), start=kept)
    # With one word in common it goes on.
    Word2Vec(workers=1).fit([*text_of(ARABIC), ["мир", "سلام"]], start=russian)


def test_counts_of_the_earlier_text_are_pairs_to_learn_from(russian, tmp_path):
    counting = CountingSettings(window_sample=0.0, min_count=1)
    count_corpus(text_of(RUSSIAN), counting, tmp_path / "counts")
    start = StartFrom(russian, counts=tmp_path / "counts")
    found = Word2Vec(workers=1).fit(text_of(ARABIC), start=start)
    assert len(found.vocabulary) == 22


@pytest.mark.parametrize("objective", ["softmax", "negative", "hierarchical"])
@pytest.mark.parametrize("size", ["3.4e38", "1e-38", "1e-45", "0"])
def test_vectors_of_any_size_are_trained(tmp_path, objective, size):
    rows = [
        f"{word} {' '.join(('-' if (k + j) % 3 else '') + size for j in range(4))}"
        for k, word in enumerate(RUSSIAN)
    ]
    (tmp_path / "vectors.txt").write_text(f"{len(rows)} 4\n" + "\n".join(rows) + "\n")
    given = {**SETTINGS, "objective": objective}
    found = Word2Vec(**given).fit(text_of(RUSSIAN), start=tmp_path / "vectors.txt")
    assert np.isfinite(found.in_vectors).all()
    assert np.isfinite(found.out_vectors).all()


def test_another_kind_of_path_is_told(tmp_path):
    counting = CountingSettings(min_count=1)
    count_corpus(text_of(RUSSIAN), counting, tmp_path / "counts")
    with pytest.raises(ModelFormatError, match="'fastw2v info PATH' says what it is"):
        Word2Vec(workers=1).fit(text_of(RUSSIAN), start=tmp_path / "counts")
    text = write_text(tmp_path / "text.txt", [["x" + "м" * 80]])  # its 60th byte is amid a letter
    with pytest.raises(ModelFormatError, match=r"begins as none of them: 'xм+';"):
        Word2Vec(workers=1).fit(text_of(RUSSIAN), start=text)


def test_settings_of_a_model_that_counts_have_not_name_what_to_give(russian, tmp_path):
    """They were not given, and cannot be left out."""
    count_corpus(text_of(RUSSIAN), CountingSettings(min_count=1), tmp_path / "counts")
    start = StartFrom(russian, counts=tmp_path / "counts")
    with pytest.raises(ConfigurationError, match=r"got 0\.0; train with that, or leave the counts"):
        Word2Vec(workers=1).fit(text_of(RUSSIAN), start=start)
