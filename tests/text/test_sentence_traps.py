"""Traps of sentences: what is none, what is very long, words that formats cannot hold."""

import json
import re
import subprocess

import numpy as np
import pytest
from gensim.models import KeyedVectors

from fastw2v import Word2Vec
from fastw2v.errors import CorpusError, OutputError
from tests.support.programs import PROGRAM
from tests.support.traps_made import CELLS, QUICK, READERS, TEXT, WORDS, counts_of, holding, options

SENTENCES = [line.split() for line in TEXT.splitlines()]


def used_up():
    sentences = iter(SENTENCES)
    list(sentences)
    return sentences


SENTENCE_TRAPS = {
    "a string given for sentences": (lambda: "the cat sat", "expected lists of tokens, got a str"),
    "strings given for sentences": (
        lambda: ["the cat", "sat"],
        "the cat: no such .* got a str",
    ),
    "an iterator of strings": (lambda: iter(TEXT.splitlines()), "the cat sat on the mat: no such"),
    "a string among the sentences": (lambda: [["a"], "the cat"], "sentence 1 .* got a str"),
    "a generator that was read before": (used_up, "an iterator that was read before stays empty"),
    "no sentences": (list, "got an empty list"),
    "empty sentences": (lambda: [[], []], "got 2 lines or sentences without a single token"),
    "sentences of one word": (lambda: [["a"], ["b"]], "2 tokens that stand alone"),
    "tokens that are floats": (
        lambda: [["a", 3.0]],
        r"token 1 .*: expected a str, .*pass int\(token\)",
    ),
    "tokens that are missing": (
        lambda: [["a", None]],
        "token 1 .*: expected a str, .*leave missing",
    ),
    "a lone surrogate": (lambda: [["a", "\udc80"]], r"lone surrogate U\+DC80"),
}


@pytest.mark.parametrize("name", SENTENCE_TRAPS)
def test_a_trap_of_sentences(name):
    make, message = SENTENCE_TRAPS[name]
    with pytest.raises(CorpusError, match=message):
        Word2Vec(**QUICK).fit(make())


def test_a_string_given_for_sentences_on_the_command_line(run, tmp_path):
    status, _, errors = run("train", "the cat sat", "-o", tmp_path / "model")
    assert (status, errors) == (2, "fastw2v: the cat sat: no such file or folder\n")


@pytest.mark.parametrize(("kind", "objective"), CELLS)
def test_a_generator_that_can_be_read_only_once(kind, objective):
    settings = {"model": kind, "objective": objective, "sample": 0, "epochs": 3}
    settings |= {"vector_size": 2, "min_count": 1, "workers": 1}
    once = Word2Vec(**settings).fit(sentence for sentence in SENTENCES)
    listed = Word2Vec(**settings).fit(SENTENCES)
    assert counts_of(once) == WORDS
    assert once.in_vectors.tobytes() == listed.in_vectors.tobytes()


# Long lines


def pairs_of_one_sentence(n_tokens):
    return 2 * (n_tokens - 1)  # in windows of one word on each side


@pytest.fixture(scope="module")
def million():
    numbers = np.random.default_rng(1).integers(0, 50, 1_000_000)
    return [f"w{number}" for number in numbers.tolist()]


def test_a_sentence_of_a_million_tokens_is_never_cut(run, tmp_path, million):
    settings = QUICK | {"window": 1, "window_sample": 0, "sample": 0}
    model = Word2Vec(**settings).fit([million])
    found = model.perplexity([million])
    assert (found.n_tokens, found.n_sentences) == (1_000_000, 1)
    assert found.pair_weight == pairs_of_one_sentence(1_000_000)
    cut = [million[start : start + 10_000] for start in range(0, 1_000_000, 10_000)]
    assert model.perplexity(cut).pair_weight == 100 * pairs_of_one_sentence(
        10_000
    )  # what is caught
    path = holding(" ".join(million))(tmp_path)
    assert run("train", path, "-o", tmp_path / "model", *options(settings), "--quiet")[0] == 0
    assert Word2Vec.load(tmp_path / "model").corpus_digest == model.corpus_digest
    _, shown, _ = run("perplexity", tmp_path / "model", path, "--json", "--quiet")
    assert json.loads(shown)["pair_weight"] == pairs_of_one_sentence(1_000_000)


@pytest.mark.parametrize("objective", ["negative", "hierarchical"])
def test_other_objectives_train_all_of_a_long_sentence(million, objective):
    """The count of a word beyond the first 10,000 tokens would be all there is of it."""
    late = [*million[:20_000], *["late", "later"] * 2000]
    settings = {"objective": objective, "vector_size": 2, "min_count": 1, "epochs": 1, "sample": 0}
    model = Word2Vec(workers=1, **settings).fit([late])
    before = Word2Vec(workers=1, **settings | {"learning_rate": 1e-30}).fit([late])
    place = model.vocabulary.index("late")
    assert np.abs(model.in_vectors[place] - before.in_vectors[place]).max() > 1e-4


@pytest.mark.slow
def test_a_line_of_100_megabytes(tmp_path):
    n_words = 20_000_000
    words = np.frombuffer(b"".join(b"%04d " % k for k in range(1000)), np.uint8).reshape(1000, 5)
    numbers = np.random.default_rng(1).integers(0, 1000, n_words)
    path = tmp_path / "long.txt"
    path.write_bytes(words[numbers].tobytes())
    assert path.stat().st_size == 100_000_000
    settings = QUICK | {"window": 1, "window_sample": 0, "sample": 0}
    model = Word2Vec(**settings).fit(path)
    assert model.vocabulary.n_tokens == n_words
    assert (np.sort(model.vocabulary.counts) == np.sort(np.bincount(numbers))).all()
    assert model.perplexity(path).pair_weight == pairs_of_one_sentence(n_words)
    command = [PROGRAM, "train", path, "-o", tmp_path / "model", *options(settings)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert Word2Vec.load(tmp_path / "model").corpus_digest == model.corpus_digest


# Words that formats cannot hold


STRANGE = ["two words", "a\tb", "a\nb", "a\u00a0b", "</s>", "\ufeffa", "a\0b", "\u3000", "汉字 x"]


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """Models of each strange word with a harmless one, by word."""
    made = {}
    for number, word in enumerate(STRANGE):
        folder = tmp_path_factory.mktemp("strange") / f"model {number}"
        Word2Vec(**QUICK).fit([[word, "fine", word]]).save(folder)
        made[word] = folder
    return made


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("word", STRANGE)
def test_a_word_is_written_so_that_it_is_read_again_or_not_at_all(
    run, tmp_path, strange, word, form
):
    model, target = Word2Vec.load(strange[word]), tmp_path / "out"
    assert counts_of(model) == {word: 2, "fine": 1}
    status, _, errors = run("export", strange[word], tmp_path / "by program", "--format", form)
    if status != 0:
        assert (status, errors.count("\n")) == (2, 1)
        assert repr(word) in errors
        with pytest.raises(OutputError, match=re.escape(repr(word))):
            model.export(target, form)
        assert list(tmp_path.iterdir()) == []
        assert form != "npz"
        return
    model.export(target, form)
    assert READERS[form](target, form) == model.vocabulary.words
    assert (tmp_path / "by program").read_bytes() == target.read_bytes() or form == "npz"


def test_words_that_a_format_refuses_are_those_that_would_be_read_as_others(tmp_path):
    """Sabotage: written without the check, gensim reads other words, or none."""
    keyed = KeyedVectors(2, count=0)
    keyed.add_vectors(["a b", "fine"], np.ones((2, 2), np.float32))
    for form in ("word2vec", "word2vec-bin"):
        keyed.save_word2vec_format(str(tmp_path / form), binary=form == "word2vec-bin")
        try:
            found = READERS[form](tmp_path / form, form)
        except (ValueError, EOFError):
            found = []
        assert found != ["a b", "fine"]
