"""Training on sums over features: plain words are the special case, and the bits stay the same."""

import gzip

import numpy as np
import pytest
from scipy import sparse

from fastw2v import Hyperparameters, Word2Vec
from fastw2v.cli.main import main
from fastw2v.errors import ConfigurationError
from fastw2v.kernels.simd.bfloat16 import HAS_BFLOAT16
from tests.support.corpora_made import random_sentences, write_text

SETTINGS = {"vector_size": 10, "window": 3, "min_count": 2, "epochs": 2, "batch_rows": 16}
SENTENCES = random_sentences(3, 80, sentences=400)
PRECISIONS = ["float32", *(["bf16", "bf16x2"] if HAS_BFLOAT16 else [])]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", SENTENCES)


def arrays_of(model):
    tables = (model.in_vectors, model.out_vectors, model.out_bias)
    return [table.tobytes() for table in tables]


def all_arrays_of(model):
    found = arrays_of(model)
    unknown, named = model.embeddings.unknown, model.embeddings.named_features
    if unknown is not None:
        parts = (unknown.table.buckets, unknown.table.vectors, unknown.centres, unknown.offset)
        found += [part.tobytes() for part in parts] + [unknown.power]
    if named is not None:
        found += [part.tobytes() for part in (named.vectors, named.centres, named.offset)]
    return found


def own_names(model):
    return {word: [f"the word {word}"] for word in model.vocabulary.words}


CELLS = {
    "adam": {},
    "adagrad": {"optimizer": "adagrad"},
    "sgd": {"optimizer": "sgd"},
    "learned bias": {"bias": "learned"},
    "random": {"start": "random"},
    "tokens": {"batches": "tokens", "batch_tokens": 500},
    "measured windows": {"window_sample": 0.01, "sample": 0.01},
}


def settings_of(cell):
    settings = SETTINGS | CELLS[cell]
    if "batches" in settings:
        settings.pop("batch_rows")
    # Features keep their directions, so that the form that both have is the one of training.
    asked = {"learning_rate": Hyperparameters(**settings).learning_rate, "canonical": False}
    return settings | asked


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_feature_for_each_word_trains_the_bits_of_plain_words(text, cell, precision):
    settings = settings_of(cell) | {"precision": precision}
    plain = Word2Vec(**settings).fit(text)
    same = Word2Vec(inputs="features", **settings).fit(text, features=own_names(plain))
    assert arrays_of(same) == arrays_of(plain)
    assert same.summary.loss_nats == plain.summary.loss_nats
    assert [r.loss_nats for r in same.history] == [r.loss_nats for r in plain.history]
    named = same.embeddings.named_features
    words = plain.vocabulary.words
    vectors = np.array([named.of([f"the word {word}"]) for word in words])
    assert np.array_equal(vectors, plain.vectors(words))
    # Sabotage: two words that share a feature, and the bits are others.
    names = own_names(plain)
    names[words[0]] = names[words[1]]
    other = Word2Vec(inputs="features", **settings).fit(text, features=names)
    assert arrays_of(other) != arrays_of(plain)


def features_of(words):
    return {word: [word, f"last {word[-1]}", f"size {len(word)}"] for word in words}


KINDS = {
    "subwords": {"inputs": "subwords", "bucket": 500, "min_n": 2},
    "many buckets": {"inputs": "subwords", "bucket": 2**31 - 1},
    "features": {"inputs": "features"},
}


def trained(kind, corpus, workers=2, **settings):
    settings = SETTINGS | KINDS[kind] | settings
    model = Word2Vec(workers=workers, **settings)
    if kind != "features":
        return model.fit(corpus)
    return model.fit(corpus, features=features_of(kept_words()))


def kept_words():
    counts = {}
    for sentence in SENTENCES:
        for word in sentence:
            counts[word] = counts.get(word, 0) + 1
    return [word for word, count in counts.items() if count >= SETTINGS["min_count"]]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bits_at_any_number_of_workers_and_in_every_run(text, kind, precision):
    first = trained(kind, text, 1, precision=precision)
    for workers in (1, 2, 3):
        again = trained(kind, text, workers, precision=precision)
        assert all_arrays_of(again) == all_arrays_of(first)
        assert again.summary.loss_nats == first.summary.loss_nats
    assert all_arrays_of(trained(kind, text, seed=2)) != all_arrays_of(first)


@pytest.mark.parametrize("kind", KINDS)
def test_counts_budgets_and_lists_of_tokens_give_the_bits_of_the_text(text, tmp_path, kind):
    first = trained(kind, text)
    assert all_arrays_of(trained(kind, SENTENCES)) == all_arrays_of(first)
    features = features_of(kept_words()) if kind == "features" else None
    settings = SETTINGS | KINDS[kind]
    bound = Word2Vec(**settings).fit(text, features=features, memory_mib=700)
    assert all_arrays_of(bound) == all_arrays_of(first)
    options = ["--min-count", "2", "--window", "3", "--quiet"]
    with pytest.raises(SystemExit) as ended:
        main(["count", str(text), "-o", str(tmp_path / "counts"), *options])
    assert not ended.value.code
    counted = {
        name: value for name, value in settings.items() if name not in ("window", "min_count")
    }
    from_counts = Word2Vec(**counted).fit_counts(tmp_path / "counts", features=features)
    assert all_arrays_of(from_counts) == all_arrays_of(first)


def test_mappings_files_and_matrices_say_the_same(text, tmp_path):
    features = features_of(kept_words())
    by_mapping = Word2Vec(**SETTINGS).fit(text, features=features)
    assert by_mapping.settings.inputs == "features"
    lines = "\r\n".join(f"{word}\t{' '.join(n.split())}" for word, n in joined(features).items())
    (tmp_path / "features.tsv").write_bytes(b"\xef\xbb\xbf" + lines.encode())
    (tmp_path / "features.tsv.gz").write_bytes(gzip.compress((lines + "\n\n").encode()))
    of_mapping = Word2Vec(**SETTINGS).fit(
        text, features={word: names.split() for word, names in joined(features).items()}
    )
    for name in ("features.tsv", "features.tsv.gz"):
        of_file = Word2Vec(**SETTINGS).fit(text, features=str(tmp_path / name))
        assert all_arrays_of(of_file) == all_arrays_of(of_mapping)
    words = by_mapping.vocabulary.words
    names = sorted({name for found in features.values() for name in found})
    table = np.array([[name in features[word] for name in names] for word in words], np.float32)
    of_matrix = Word2Vec(**SETTINGS).fit(text, features=(sparse.coo_matrix(table), names))
    assert all_arrays_of(of_matrix) == all_arrays_of(by_mapping)
    turned = {word: features[word] for word in reversed(list(features))}
    assert all_arrays_of(Word2Vec(**SETTINGS).fit(text, features=turned)) == all_arrays_of(
        by_mapping
    )


def joined(features):
    """The same names without blanks, as the file has them."""
    return {
        word: " ".join(name.replace(" ", "-") for name in names) for word, names in features.items()
    }


def test_shared_features_bring_words_together(text):
    """Words that share all features but their own lie nearer than others."""
    words = kept_words()
    halves = {word: [word, "even" if int(word[1:]) % 2 else "odd"] for word in words}
    settings = SETTINGS | {"start": "random", "epochs": 1}
    model = Word2Vec(inputs="features", **settings).fit(text, features=halves)
    even = np.array([int(word[1:]) % 2 == 1 for word in model.vocabulary.words])
    unit = model.in_vectors / np.linalg.norm(model.in_vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, np.nan)
    within = np.nanmean(np.where(even[:, None] == even, cosines, np.nan))
    across = np.nanmean(np.where(even[:, None] != even, cosines, np.nan))
    assert within > across + 0.3


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ((sparse.eye(3), "xyz"), r"the names of its columns, got a tuple of .*, str$"),
        ((sparse.eye(3),), r"the names of its columns, got a tuple of"),
        ((sparse.eye(3), 3), r"the names of its columns, got a tuple of .*, int$"),
        ((np.eye(3), ["x", "y", "z"]), r"a sparse matrix of scipy's, got ndarray"),
        ([["x"]], r"a mapping from each word .* got list"),
        (7, r"a mapping from each word .* got int"),
    ],
    ids=["names", "alone", "number", "dense", "list", "int"],
)
def test_what_is_no_features_is_told(text, features, message):
    with pytest.raises(ConfigurationError, match=message):
        Word2Vec(**SETTINGS).fit(text, features=features)


@pytest.mark.parametrize(
    ("settings", "features", "message"),
    [
        ({"inputs": "features"}, None, r"expected features of the words .* got none; give them"),
        ({"inputs": "words"}, {"w1": ["x"]}, r"expected none with inputs='words', got some"),
        ({"inputs": "subwords"}, {"w1": ["x"]}, r"expected none with inputs='subwords', got some"),
        ({}, {"w1": ["x"]}, r"expected at least one for each of \d+ words, got none for 'w0'"),
        ({}, {}, r"expected at least one for each of \d+ words"),
        ({}, {"w1": ["x"], "w99999": ["x"]}, r"got some for 'w99999'; leave them out"),
        ({"objective": "negative"}, {"w1": ["x"]}, r"inputs: .*with objective 'negative'"),
        ({"model": "cbow"}, {"w1": ["x"]}, r"inputs: .*model"),
    ],
    ids=str,
)
def test_features_that_do_not_fit_are_told(text, settings, features, message):
    with pytest.raises(ConfigurationError, match=message):
        Word2Vec(**SETTINGS_OF_ANY | settings).fit(text, features=features)


SETTINGS_OF_ANY = {"vector_size": 4, "min_count": 2, "epochs": 1}
