"""Phrases found and joined, against gensim's `Phrases` at the same settings."""

import contextlib
import io
import itertools

import numpy as np
import pytest
from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS, Phrases
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import (
    ConfigurationError,
    CorpusError,
    ModelFormatError,
    TokenKindError,
    UnwritableWordError,
)
from fastw2v.text import collocations as module
from fastw2v.text.phrases import (
    PhraseModel,
    PhraseSettings,
    encoded_sentences,
    find_and_join,
    find_phrases,
    write_sentences,
)
from fastw2v.text.reading import read_corpus


def decoded(text):
    words, ids, starts = text
    return [[words[k] for k in ids[a:b].tolist()] for a, b in itertools.pairwise(starts.tolist())]


def gensim_passes(sentences, chosen):
    """Return gensim's phrases that occur, with their scores, pass by pass, and its last text."""
    found = []
    for _ in range(chosen.passes):
        model = Phrases(
            sentences,
            min_count=chosen.min_count,
            threshold=chosen.threshold,
            scoring=chosen.scoring,
            delimiter=chosen.delimiter,
            connector_words=chosen.connector_words,
        )
        # Every candidate by itself: `find_phrases` sees those alone that no other one overlaps.
        scores = {}
        for sentence in sentences:
            begun = []
            for token in sentence:
                if token in chosen.connector_words:
                    if begun:
                        begun.append(token)
                    continue
                if begun:
                    parts = (*begun, token)
                    _, score = model.score_candidate(parts[0], token, list(parts[1:-1]))
                    if score is not None:
                        scores[parts] = score
                begun = [token]
        if not scores:
            break
        found.append(scores)
        sentences = [model[sentence] for sentence in sentences]
    return found, sentences


def assert_as_gensim(sentences, chosen, workers=1):
    expected, joined = gensim_passes(sentences, chosen)
    model, text = find_and_join(encoded_sentences(sentences), chosen, workers=workers)
    ours = [{phrase.parts: phrase.score for phrase in found} for found in model.passes]
    assert ours == expected  # to the bit
    assert decoded(text) == joined
    assert [model[sentence] for sentence in sentences] == joined
    assert decoded(model.join_encoded(encoded_sentences(sentences))) == joined
    return model


def running_text(seed, n_words=40, sentences=400):
    """Sentences in which some words follow others more often than by chance."""
    generator = np.random.default_rng(seed)
    chances = 1 / np.arange(1, n_words + 1)
    chances /= chances.sum()
    made = []
    for length in generator.integers(0, 15, sentences):
        sentence = []
        for k in generator.choice(n_words, length, p=chances).tolist():
            sentence.append(f"w{k}")
            if k % 3 == 0 and generator.random() < 0.7:
                sentence += ["of"] * int(generator.integers(0, 3)) + [f"w{k + 1}"]
        made.append(sentence)
    return [sentence for sentence in made if sentence]


CHOICES = [
    {},
    {"min_count": 1, "threshold": 0.5},
    {"scoring": "npmi", "threshold": 0.1},
    {"scoring": "npmi", "threshold": -1, "min_count": 1},
    {"connector_words": {"of", "w0"}, "min_count": 2, "threshold": 1},
    {"connector_words": {"of"}, "passes": 4, "min_count": 2, "threshold": 0.5},
    {"passes": 3, "scoring": "npmi", "threshold": 0.2, "delimiter": "__"},
]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("choice", CHOICES, ids=range(len(CHOICES)))
def test_phrases_are_those_of_gensim(choice, workers):
    model = assert_as_gensim(running_text(1), PhraseSettings(**choice), workers)
    if choice:
        assert len(model) > 0


@pytest.mark.parametrize("scoring", ["default", "npmi"])
def test_counts_of_texts_that_can_be_cut_in_two_ways_are_one_as_in_gensim(scoring):
    sentences = [["new", "york", "city"], ["new_york", "city"], ["new", "york_city"], ["a", "b"]]
    for threshold in (0.2, 0.5, 0.9):
        chosen = PhraseSettings(min_count=1, threshold=threshold, scoring=scoring, passes=3)
        assert_as_gensim(sentences * 3 + [["new", "york"]] * 4, chosen)


def test_a_merge_of_counts_that_is_left_out_is_caught(monkeypatch):
    def unmerged(words, seen, counts, found, delimiter):
        return len(seen) + len(found.counts), counts, found.counts

    monkeypatch.setattr(module, "_merged", unmerged)
    sentences = [["new", "york", "city"], ["new_york", "city"], ["new", "york"]] * 3
    with pytest.raises(AssertionError):
        assert_as_gensim(sentences, PhraseSettings(min_count=1, threshold=0.1))


tokens = st.text(st.sampled_from("ab_é"), min_size=1, max_size=3)


@settings(max_examples=300, deadline=None)
@given(
    sentences=st.lists(st.lists(tokens, min_size=1, max_size=8), min_size=1, max_size=12),
    connectors=st.sets(tokens, max_size=3),
    scoring=st.sampled_from(["default", "npmi"]),
    threshold=st.sampled_from([0.01, 0.1, 0.3, 0.5, 1.0]),
    delimiter=st.sampled_from(["_", "__", "a", "", "\u2581", " "]),
    min_count=st.integers(1, 3),
)
def test_any_sentences_give_the_phrases_of_gensim(
    sentences, connectors, scoring, threshold, delimiter, min_count
):
    chosen = PhraseSettings(
        min_count=min_count,
        threshold=threshold,
        scoring=scoring,
        delimiter=delimiter,
        connector_words=connectors,
        passes=2,
    )
    with contextlib.suppress(ZeroDivisionError):  # gensim's, of a candidate that is all there is
        assert_as_gensim(sentences, chosen)


def test_english_connectors_make_phrases_with_them_inside():
    sentences = [["bank", "of", "the", "north"], ["the", "bank", "of"], ["of", "north"]] * 5
    chosen = PhraseSettings(min_count=1, threshold=0.1, connector_words=ENGLISH_CONNECTOR_WORDS)
    model = assert_as_gensim(sentences, chosen)
    assert model[["bank", "of", "the", "north"]] == ["bank_of_the_north"]
    assert model[["bank", "of", "a", "north"]] == ["bank", "of", "a", "north"]


def test_phrases_with_text_and_more_passes_make_longer_ones(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("in New York City today\nNew York City!\nin it\ntoday\n" * 9)
    chosen = PhraseSettings(min_count=1, threshold=0.1, passes=2)
    model = find_phrases(path, chosen)
    assert model[["new", "york", "city"]] == ["new_york_city"]
    assert "new_york_city" in model.scores()


def test_counts_whose_product_64_bits_do_not_hold(monkeypatch):
    sentences, chosen = [["a", "b"]] * 8 + [["c"]], PhraseSettings(min_count=1, threshold=1e-12)
    (seen,) = find_phrases(sentences, chosen).passes[0]
    merged, times = module._merged, 2**31

    def of_long_text(*arguments):
        n_types, words, pairs = merged(*arguments)
        return n_types, words * times, pairs * times

    monkeypatch.setattr(module, "_merged", of_long_text)
    (found,) = find_phrases(sentences, chosen).passes[0]
    assert found.score == pytest.approx(seen.score * 8 / 7 / times)


def test_joined_sentences_can_be_read_again_where_the_others_can():
    model = find_phrases([["a", "b"], ["a", "b"], ["c", "d"]] * 3, PhraseSettings(min_count=1))
    joined = model.joined([["x", "y"], ["a", "b"]])
    assert list(joined) == list(joined)


def test_a_model_in_a_file_is_the_same_one(tmp_path):
    chosen = PhraseSettings(
        min_count=2, threshold=0.5, connector_words={"of"}, passes=3, delimiter="\u2581"
    )
    model = find_phrases(running_text(2), chosen)
    model.write(tmp_path / "phrases.json")
    again = PhraseModel.read(tmp_path / "phrases.json")
    assert again.settings == model.settings
    assert again.passes == model.passes
    assert [list(map(type, phrase)) for phrase in again.passes[0][:1]] == [[tuple, int, float]]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-40], "got none"),
        (lambda data: b"{}", "other JSON"),
        (lambda data: b"[" * 10, "got none"),
        (lambda data: data.replace(b'"w', b'"v', 1), "damaged"),
        (lambda data: data.replace(b'"schema_version":1', b'"schema_version":7'), "schema version"),
        (lambda data: bytes(range(256)), "got none"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, damage, message):
    path = tmp_path / "phrases.json"
    find_phrases(running_text(3), PhraseSettings(min_count=1, threshold=0.5)).write(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelFormatError, match=message):
        PhraseModel.read(path)
    with pytest.raises(ModelFormatError, match="none"):
        PhraseModel.read(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    "choice",
    [
        {"min_count": 0},
        {"min_count": 1.5},
        {"threshold": 0},
        {"threshold": float("nan")},
        {"threshold": 10, "scoring": "npmi"},
        {"scoring": "count"},
        {"delimiter": 7},
        {"delimiter": "\ud800"},
        {"connector_words": "of"},
        {"connector_words": [1]},
        {"passes": 0},
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(choice):
    with pytest.raises(ConfigurationError, match=next(iter(choice))):
        PhraseSettings(**choice)


def test_text_is_written_a_sentence_a_line_and_words_with_blanks_are_not():
    sentences = [["é", "b"], [], ["c"]]
    out = io.BytesIO()
    write_sentences(encoded_sentences(sentences), out)
    assert out.getvalue().decode() == "é b\n\nc\n"
    with pytest.raises(UnwritableWordError, match="'a b'"):
        write_sentences(encoded_sentences([["a b"]]), io.BytesIO())


def test_tokens_that_are_no_text_are_refused():
    with pytest.raises(TokenKindError, match="str"):
        find_phrases([[1, 2], [1, 2]])


def test_a_sentence_that_is_none_is_refused():
    model = find_phrases([["a", "b"]], PhraseSettings(min_count=1))
    with pytest.raises(CorpusError, match="sentence"):
        model["a b"]


def test_long_runs_of_connectors_are_counted():
    sentences = [["a", *["of"] * 50_000, "b"]] * 2 + [["a", "b"], ["c"]]
    model = assert_as_gensim(
        sentences, PhraseSettings(min_count=1, threshold=0.1, connector_words={"of"})
    )
    assert model[sentences[0]][0].startswith("a_of_of")


@pytest.mark.parametrize("frozen", [False, True])
def test_phrases_of_gensim_are_taken_as_they_are(frozen):
    sentences = running_text(4)
    theirs = Phrases(sentences, min_count=1, threshold=0.5)
    joined = (theirs.freeze() if frozen else theirs)[sentences]
    vocabulary, tokens = read_corpus(joined, min_count=1)
    assert decoded((vocabulary.words, tokens.ids, tokens.sentence_starts)) == list(joined)
    assert any("_" in word for word in vocabulary.words)
