"""Phrases joined and words left out while a text is read, as if sentence by sentence."""

import itertools
import os
import pickle

import numpy as np
import pytest
from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS, FrozenPhrases, Phrases
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.config import Hyperparameters, PhraseSettings
from fastw2v.errors import (
    ConfigurationError,
    CorpusError,
    ModelFormatError,
    OutputError,
    TokenKindError,
)
from fastw2v.text.collocations import EncodedSentences, Phrase
from fastw2v.text.given_words import given_phrases, given_stop_words, word_rules
from fastw2v.text.holdout import HeldOutChoice
from fastw2v.text.phrase_finding import mapped_arrays, numbers_of, phrase_settings
from fastw2v.text.phrases import PhraseModel, find_and_join, find_phrases
from fastw2v.text.reading import (
    PhraseSearch,
    ReadingOptions,
    encode_corpus,
    read_corpus,
    read_sentences,
    read_text,
)
from fastw2v.text.rules import TextRules
from fastw2v.text.word_choice import VocabularyLimits
from fastw2v.text.word_rules import NO_RULES, WordRules
from tests.text.test_phrases import running_text

patient = settings(deadline=None)
CHOSEN = PhraseSettings(min_count=2, threshold=0.5, passes=3, connector_words={"of", "w0"})
ALL_WORDS = VocabularyLimits(min_count=1)
STOPPED = ("of", "w1", "w2")


def assert_same(found, expected):
    (vocabulary, tokens), (wanted, others) = found, expected
    assert vocabulary.words == wanted.words
    assert vocabulary.counts.tolist() == wanted.counts.tolist()
    assert vocabulary.n_raw_types == wanted.n_raw_types
    assert vocabulary.n_raw_tokens == wanted.n_raw_tokens
    assert tokens.digest(vocabulary) == others.digest(wanted)
    assert (tokens.n_raw_tokens, tokens.n_oov) == (others.n_raw_tokens, others.n_oov)


def naive(model, sentences, stopped=()):
    return [[word for word in model[sentence] if word not in stopped] for sentence in sentences]


@pytest.mark.parametrize("min_count", [1, 4])
@pytest.mark.parametrize("stopped", [(), STOPPED], ids=["joined", "stopped"])
def test_phrases_that_are_found_are_joined_as_if_the_text_had_been_joined_before(
    tmp_path, stopped, min_count
):
    sentences = [[], *running_text(3), []]
    model = find_phrases(sentences, CHOSEN)
    assert len(model.passes) > 1
    expected = read_corpus(naive(model, sentences, stopped), min_count=min_count)
    rules = TextRules(words=WordRules(stop_words=stopped))
    for folder, workers in ((None, 1), (None, 3), (tmp_path / "text", 2)):
        read = read_text(
            sentences,
            rules,
            search=PhraseSearch(CHOSEN, workers, most_bytes=10**6 if folder else None),
            limits=VocabularyLimits(min_count),
            options=ReadingOptions(block_bytes=700, encoded_folder=folder),
        )
        assert_same((read.vocabulary, read.tokens), expected)
        assert read.words.phrases.as_dict() == model.as_dict()
        assert read.words.stop_words == stopped
        if folder is not None:
            assert [path.name for path in tmp_path.iterdir()] == ["text"]


WORDS = st.sampled_from(["a", "b", "of", "the", "c_d", "c", "d", "é", "\U0001f642"])
PARTS = st.tuples(
    WORDS.filter(lambda word: word not in ("of", "the")),
    st.lists(st.sampled_from(["of", "the"]), max_size=2),
    WORDS.filter(lambda word: word not in ("of", "the")),
).map(lambda parts: (parts[0], *parts[1], parts[2]))


@patient
@given(
    st.lists(st.lists(WORDS, max_size=8), min_size=1, max_size=8).filter(any),
    st.lists(st.lists(PARTS, unique=True, max_size=6), max_size=3),
    st.sets(WORDS, max_size=2),
    st.integers(1, 40),
)
def test_given_phrases_are_joined_wherever_blocks_are_cut(sentences, passes, stopped, block_bytes):
    chosen = PhraseSettings(connector_words={"of", "the"}, passes=max(len(passes), 1))
    model = PhraseModel(chosen, tuple([Phrase(parts, 1, 1.0) for parts in p] for p in passes))
    joined = naive(model, sentences, stopped)
    rules = TextRules(words=WordRules(model, tuple(stopped)))
    assert [rules.words.of(sentence) for sentence in sentences] == joined
    if not any(joined):
        with pytest.raises(CorpusError, match="without a single token"):
            read_text(sentences, rules, limits=ALL_WORDS)
        return
    expected = read_corpus(joined, min_count=1)
    read = read_text(
        sentences, rules, limits=ALL_WORDS, options=ReadingOptions(block_bytes=block_bytes)
    )
    assert_same((read.vocabulary, read.tokens), expected)
    # Over a vocabulary that lacks some of their words, as that of another text does.
    few = read_corpus([joined[0] or ["a"]], min_count=1)[0]
    encoded = encode_corpus(sentences, few, tokenizer=rules, block_bytes=block_bytes)
    assert encoded.digest(few) == encode_corpus(joined, few).digest(few)
    assert encoded.n_raw_tokens == sum(map(len, joined))


def test_a_text_file_is_cut_first_and_joined_then(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("New York, new\n\nYork. The new york!\n")
    model = PhraseModel(PhraseSettings(), ([Phrase(("new", "york"), 1, 1.0)],))
    rules = TextRules.of(Hyperparameters(), words=WordRules(model, ("the",)))
    for block_bytes in (1, 1000):
        found = read_text(
            text, rules, limits=ALL_WORDS, options=ReadingOptions(block_bytes=block_bytes)
        )
        expected = [["new_york", "new"], [], ["york", "new_york"]]
        assert_same((found.vocabulary, found.tokens), read_corpus(expected, min_count=1))


def test_held_out_documents_have_the_phrases_of_the_others():
    sentences = running_text(5)
    choice = HeldOutChoice(0.3, 1)
    read = read_text(
        sentences,
        TextRules(words=WordRules(stop_words=STOPPED)),
        search=PhraseSearch(CHOSEN),
        held_out=choice,
        limits=ALL_WORDS,
    )
    plain = read_text(sentences, TextRules(), held_out=choice, limits=ALL_WORDS)
    decoded = [
        [[plain.vocabulary.words[k] for k in ids] for ids in np.split(part.ids, ends)]
        for part in (plain.tokens, plain.held_out)
        for ends in [part.sentence_starts[1:-1]]
    ]
    model = find_phrases(decoded[0], CHOSEN)
    assert read.words.phrases.digest == model.digest
    expected = read_corpus(naive(model, decoded[0], STOPPED), min_count=1)
    assert_same((read.vocabulary, read.tokens), expected)
    # Words that are held out alone were lost when the plain text was decoded.
    encoded = encode_corpus(naive(model, decoded[1], STOPPED), expected[0])
    assert read.held_out.digest(expected[0]) == encoded.digest(expected[0])


def test_numbers_of_a_text_are_whole_sentences(monkeypatch):
    monkeypatch.setattr("fastw2v.text.phrase_finding._TOKENS_AT_ONCE", 3)
    sentences = [[], ["a"], ["b", "c", "d", "e", "f"], [], ["a", "b"], ["c"], []]
    text = read_sentences(sentences)
    blocks = list(numbers_of(text))
    assert all(block[-1] == -1 for block in blocks)
    assert len(blocks) > 2
    numbers = np.concatenate(blocks).tolist()
    words = [[]]
    for number in numbers:
        words[-1].append(text.words[number]) if number >= 0 else words.append([])
    assert words == [*sentences, []]
    assert list(numbers_of(EncodedSentences([], text.ids[:0], text.sentence_starts[:1]))) == []


def test_candidates_beyond_the_memory_are_refused_with_what_to_do():
    text = read_sentences(running_text(3))
    with pytest.raises(ConfigurationError, match=r"MiB of memory, got about .*--phrases"):
        find_and_join(text, CHOSEN, most_bytes=1000)
    found = find_and_join(text, CHOSEN, most_bytes=100_000, workers=2)[0]
    assert found.as_dict() == find_and_join(text, CHOSEN)[0].as_dict()


@pytest.mark.parametrize("is_posix", [True, False])
def test_a_full_disk_is_an_error_and_no_crash(tmp_path, monkeypatch, is_posix):
    """A map of a file that has no room on its disk would end the process where it is written to."""
    if is_posix and not hasattr(os, "posix_fallocate"):
        pytest.skip("the system cannot reserve room")
    text = read_sentences(running_text(3))
    expected = find_and_join(text, CHOSEN)[0].as_dict()
    if not is_posix:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    found = find_and_join(text, CHOSEN, new_array=mapped_arrays(tmp_path))[0]
    assert found.as_dict() == expected

    def full(*_):
        raise OSError(28, "No space left on device")

    if is_posix:
        monkeypatch.setattr(os, "posix_fallocate", full)
    else:
        monkeypatch.setattr("fastw2v.text.phrase_finding._reserve", full)
    with pytest.raises(OutputError, match="No space left on device"):
        find_and_join(text, CHOSEN, new_array=mapped_arrays(tmp_path))
    with pytest.raises(OutputError, match="could not be written"):
        mapped_arrays(tmp_path / "nowhere")(3, np.int32)
    assert list(tmp_path.iterdir()) == []


def scorer(worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count):
    return bigram_count - min_count + 0.5


GENSIM = [
    {"min_count": 1, "threshold": 0.5},
    {"scoring": "npmi", "threshold": 0.1, "min_count": 2},
    {"min_count": 2, "threshold": 1, "connector_words": {"of", "w0"}},
    {"min_count": 2, "threshold": 1, "connector_words": {"of"}, "delimiter": ""},
    {"min_count": 2, "threshold": 3, "scoring": scorer, "delimiter": "__"},
]


@pytest.mark.parametrize("options", GENSIM, ids=range(len(GENSIM)))
def test_gensims_objects_join_here_what_they_join_there(options):
    sentences = [*running_text(7), ["w1_w2", "of", "w3", "w1", "w2_of_w3"], ["w3", "w4of", "w1"]]
    phrases = Phrases(sentences, **options)
    # gensim cannot freeze phrases without a delimiter.
    for given_object in [phrases, *([phrases.freeze()] if phrases.delimiter else [])]:
        ours = given_phrases(given_object)
        assert len(ours) > 0
        joined = [given_object[sentence] for sentence in sentences]
        assert joined != sentences
        assert [ours[sentence] for sentence in sentences] == joined
        assert ours.settings.delimiter == phrases.delimiter
        if "scoring" not in options:
            assert ours.settings.min_count == options["min_count"]
            assert ours.settings.threshold == options["threshold"]


def test_two_of_gensims_objects_are_two_passes():
    sentences = running_text(9)
    options = {"min_count": 2, "threshold": 0.5, "connector_words": ENGLISH_CONNECTOR_WORDS}
    first = Phrases(sentences, **options)
    second = Phrases(first[sentences], **options)
    ours = given_phrases([first.freeze(), second])
    assert (len(ours.passes), ours.settings.passes) == (2, 2)
    joined = [second[first[sentence]] for sentence in sentences]
    assert [ours[sentence] for sentence in sentences] == joined
    assert joined != [first[sentence] for sentence in sentences]
    other = Phrases(sentences, min_count=2, threshold=0.5, delimiter="~")
    with pytest.raises(ConfigurationError, match="with one connector_words"):
        given_phrases([first, Phrases(sentences, min_count=1, threshold=1)])
    with pytest.raises(ConfigurationError, match="with one delimiter"):
        given_phrases([find_phrases(sentences, PhraseSettings()), other])


def test_what_is_no_phrases_is_refused(tmp_path):
    model = find_phrases([["a", "b"]] * 9, PhraseSettings(min_count=1, threshold=0.1))
    model.write(tmp_path / "phrases.json")
    assert given_phrases(model) is model
    assert given_phrases(str(tmp_path / "phrases.json")).digest == model.digest
    for bad in (3, [], {"a_b": 1.0}, object(), b"phrases.json", [3]):
        with pytest.raises(ConfigurationError, match="phrases: expected a PhraseModel"):
            given_phrases(bad)
    (tmp_path / "phrases.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ModelFormatError, match="a pickle, as gensim saves them"):
        given_phrases(tmp_path / "phrases.pkl")
    with pytest.raises(ModelFormatError, match="got none"):
        given_phrases(tmp_path / "missing.json")
    frozen = Phrases([["a", "b"]] * 9, min_count=1, threshold=0.1).freeze()
    assert isinstance(frozen, FrozenPhrases)
    frozen.phrasegrams = {}
    assert given_phrases(frozen).passes == ()


def test_stop_words_of_files_lists_and_languages(tmp_path):
    pytest.importorskip("stop_words")
    (tmp_path / "stop.txt").write_text("the of\n7 -3 07 the\n")
    assert set(given_stop_words(tmp_path / "stop.txt")) == {"the", "of", "7", 7, "-3", -3, "07"}
    assert given_stop_words(str(tmp_path / "stop.txt")) == given_stop_words(tmp_path / "stop.txt")
    assert "the" in given_stop_words("english")
    assert given_stop_words(iter(["b", "a", "b", b"x", 5])) == ("a", "b", 5, b"x")
    with pytest.raises(TokenKindError, match="got a float"):
        given_stop_words([0.5])
    with pytest.raises(ConfigurationError, match="stop_words: expected a file"):
        given_stop_words(5)
    with pytest.raises(CorpusError, match="expected text that UTF-8 can hold"):
        given_stop_words(["\ud800"])
    with pytest.raises(CorpusError, match=r"nowhere\.txt"):
        given_stop_words("nowhere.txt")


def test_whole_numbers_are_left_out_and_never_joined(tmp_path):
    sentences = [[1, 2, 3], [2, 7]] * 3
    rules = TextRules(words=WordRules(stop_words=(2, "3")))
    read = read_text(sentences, rules, limits=ALL_WORDS)
    assert read.vocabulary.words == [1, 3, 7]
    assert read.vocabulary.n_raw_tokens == 9
    with pytest.raises(TokenKindError, match="phrases are joined of, got 1;"):
        read_text(sentences, rules, search=PhraseSearch(CHOSEN))
    model = find_phrases([["a", "b"]] * 9, PhraseSettings(min_count=1, threshold=0.1))
    for mixed in (sentences, [["a", "b"], ["a", (1, "b")]]):
        with pytest.raises(TokenKindError, match="or leave out phrases"):
            read_text(mixed, TextRules(words=WordRules(model)))
    # A stop word that is a number is none of the text's words.
    of_numbers = TextRules(words=WordRules(model, (7, "7")))
    assert read_text([["a", "b", "7"]], of_numbers, limits=ALL_WORDS).vocabulary.words == ["a_b"]


def test_rules_are_told_apart_and_come_back_from_json():
    model = find_phrases([["a", "b"]] * 9, PhraseSettings(min_count=1, threshold=0.1))
    other = PhraseModel(PhraseSettings(delimiter="~"), model.passes)
    made = [NO_RULES, *itertools.starmap(WordRules, [(model,), (other,), (model, ("a",))])]
    made += [WordRules(None, ("a",)), WordRules(None, ("a", 5, b"x"))]
    digests = [rules.digest for rules in made]
    assert len(set(digests)) == len(made)
    assert digests[0] is None
    assert not NO_RULES
    for rules in made:
        again = WordRules.from_dict(rules.as_dict())
        assert (again.digest, again.stop_words) == (rules.digest, rules.stop_words)
    assert WordRules(None, ("b", "a")).digest == WordRules(None, ("a", "b")).digest
    assert word_rules().digest is None
    assert made[3].described() == "1 phrases and 1 stop words"


@pytest.mark.parametrize("rules", [NO_RULES, WordRules(stop_words=("a",))])
@pytest.mark.parametrize("sentence", ["abc", {"b"}, 5, ["b", 1.5]])
def test_what_is_no_list_of_tokens_is_refused(rules, sentence):
    assert rules.of(("b", 1)) == ["b", 1]
    with pytest.raises(CorpusError, match="sentence 0"):
        rules.of(sentence)


def test_settings_ask_for_phrases():
    assert phrase_settings(Hyperparameters()) is None
    asked = phrase_settings(
        Hyperparameters(phrases=2, phrase_scoring="npmi", phrase_connectors="english")
    )
    assert asked == PhraseSettings(
        passes=2, scoring="npmi", threshold=0.5, connector_words=ENGLISH_CONNECTOR_WORDS
    )
