"""Hyper-parameters: what is allowed, what is refused, and how the refusal reads."""

import copy
import json
import math
import pickle
from dataclasses import FrozenInstanceError, fields
from typing import Literal, get_args, get_origin

import numpy as np
import pytest

from fastw2v.config import LARGEST_SEED, Hyperparameters
from fastw2v.config.defaults import BatchLimit
from fastw2v.errors import ConfigurationError, FastW2VError

ALLOWED = [
    ("vector_size", [1, 300, np.int64(7)]),
    ("window", [1, 10_000]),
    ("window_sample", [0, 1e-5, 1]),
    ("min_count", [1, 10**9]),
    ("max_final_vocab", [None, 1]),
    ("sample", [0, 1e-5, 0.5, 1, np.float64(0.1)]),
    ("epochs", [1]),
    ("replicas", [1, 1000, np.int64(4)]),
    ("seed", [0, LARGEST_SEED]),
    ("batches", ["counts", "tokens"]),
    ("rare_words", ["exact", "sampled", "auto"]),
    ("batch_rows", [None, 1]),
    ("batch_tokens", [None, 1]),
    ("scores_mib", [1]),
    ("optimizer", ["adam", "adagrad", "sgd"]),
    ("learning_rate", [1e-9, 3]),
    ("final_rate", [0, 1]),
    ("bias", ["unigram", "learned", "none"]),
    ("start", ["spectral", "random"]),
    ("precision", ["auto", "float32", "bf16x2", "bf16"]),
    ("device", ["cpu", "cuda", "auto", "torch-cpu"]),
    ("tokenizer", ["words", "whitespace"]),
    ("paragraphs", [True, False]),
    ("normalize", ["none", "nfc", "nfkc"]),
    ("language", ["none", "any", "tr", "az"]),
    ("keep_case", [True, False, np.True_]),
    ("errors", ["strict", "replace", "ignore"]),
    ("model", ["skipgram", "cbow"]),
    ("objective", ["softmax", "negative", "hierarchical"]),
    ("inputs", ["words", "subwords", "features"]),
    ("min_n", [1, 5, np.int64(3)]),
    ("max_n", [3, 1000]),
    ("bucket", [1, 2**31 - 1]),
    ("negative", [1, 20]),
    ("ns_exponent", [0.75, -1, 0]),
    ("negatives_shared", [True, False]),
    ("cbow_mean", [True, False]),
    ("canonical", [True, False]),
    ("phrases", [0, 1, 100, np.int64(2)]),
    ("phrase_scoring", ["default", "npmi"]),
    ("phrase_min_count", [1, 2**62]),
    ("phrase_threshold", [0.1, 10, 1e30]),
    ("phrase_connectors", ["none", "english"]),
]
# What makes a setting one that is looked at.
LOOKED_AT = {
    "batch_tokens": {"batches": "tokens"},
    **{name: {"inputs": "subwords"} for name in ("min_n", "max_n", "bucket")},
    "negative": {"objective": "negative"},
    "ns_exponent": {"objective": "negative"},
    "negatives_shared": {"objective": "negative"},
    "cbow_mean": {"model": "cbow"},
    "phrase_scoring": {"phrases": 1},
    "phrase_min_count": {"phrases": 1},
    "phrase_threshold": {"phrases": 1},
    "phrase_connectors": {"phrases": 1},
}
REFUSED = [
    ("vector_size", [0, -1, 1.5, "100", None, True, math.inf]),
    ("window", [0, 10_001]),
    ("window_sample", [-1e-9, 1.1, math.nan, None, "0.001"]),
    ("min_count", [0]),
    ("max_final_vocab", [0, 2.0]),
    ("sample", [-1e-9, 1.1, math.nan, math.inf, "0.1", False]),
    ("epochs", [0]),
    ("replicas", [0, 1001, 1.5, None, True, "2"]),
    ("seed", [-1, LARGEST_SEED + 1]),
    ("batches", ["Counts", 0, None]),
    ("rare_words", ["Sampled", True, None]),
    ("batch_rows", [0]),
    ("batch_tokens", [0]),
    ("scores_mib", [0]),
    ("optimizer", ["adamw", None]),
    ("learning_rate", [0, -0.1, math.nan, math.inf]),
    ("final_rate", [-0.1, 1.01]),
    ("precision", ["half", None]),
    ("device", ["gpu", "cuda:0", 0, None]),
    ("bias", [True, "Unigram"]),
    ("start", ["svd", 0]),
    ("tokenizer", [""]),
    ("paragraphs", [0, "yes", None]),
    ("normalize", ["nfd", "NFC", 1]),
    ("language", ["en", None]),
    ("keep_case", [1, None]),
    ("errors", ["backslashreplace", None]),
    ("model", ["skip-gram", None]),
    ("objective", ["ns", None]),
    ("inputs", ["Subwords", 0, None]),
    ("min_n", [0, 7, 1001, 2.5]),
    ("max_n", [0, 1001, "6"]),
    ("bucket", [0, 2**31, -1, True, None]),
    ("negative", [0, 1001, 2.5]),
    ("ns_exponent", [math.nan, 101, None]),
    ("negatives_shared", [1, "yes", None]),
    ("cbow_mean", [0, None]),
    ("canonical", [1, None, "yes"]),
    ("phrases", [-1, 101, 1.5, "phrases.json", None, True]),
    ("phrase_scoring", ["pmi", None]),
    ("phrase_min_count", [0, 2.5, None]),
    ("phrase_threshold", [0.0, -0.5, math.nan, "10"]),
    ("phrase_connectors", [True, None, "of"]),
]


def flat(cases):
    return [pytest.param(name, value, id=f"{name}-{value!r}") for name, vs in cases for value in vs]


@pytest.mark.parametrize(("name", "value"), flat(ALLOWED))
def test_allowed(name, value):
    settings = Hyperparameters(**{name: value}, **LOOKED_AT.get(name, {}))
    assert getattr(settings, name) == value


@pytest.mark.parametrize(("name", "value"), flat(REFUSED))
def test_refused_by_name_with_what_was_expected_and_what_came(name, value):
    with pytest.raises(ConfigurationError) as caught:
        Hyperparameters(**{name: value}, **LOOKED_AT.get(name, {}))
    message = str(caught.value)
    assert message.startswith(f"{name}: expected ")
    assert message.endswith(f"got {value!r}")
    assert isinstance(caught.value, FastW2VError | ValueError)


@pytest.mark.parametrize("name", ["bucket", "seed", "learning_rate", "window", "sample"])
@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_numbers_beyond_floats_are_refused_in_a_line(name, value):
    with pytest.raises(ConfigurationError, match=f"^{name}: expected ") as caught:
        Hyperparameters(**{name: value}, **LOOKED_AT.get(name, {}))
    assert len(str(caught.value)) < 500


def test_every_setting_is_covered_here():
    names = {item.name for item in fields(Hyperparameters)}
    assert {name for name, _ in ALLOWED} == names == {name for name, _ in REFUSED}


def test_every_choice_is_named_when_none_of_them_came():
    for item in fields(Hyperparameters):
        if get_origin(item.type) is Literal:
            with pytest.raises(ConfigurationError) as caught:
                Hyperparameters(**{item.name: "something else"})
            assert all(repr(choice) in str(caught.value) for choice in get_args(item.type))


def test_what_is_left_open_follows_the_objective():
    assert (Hyperparameters().epochs, Hyperparameters().sample, Hyperparameters().final_rate) == (
        5,
        1e-5,
        0.05,
    )
    settings = Hyperparameters(objective="negative")
    assert (settings.epochs, settings.sample, settings.final_rate) == (20, 1e-4, 1e-4)
    assert Hyperparameters(objective="hierarchical", sample=0, final_rate=0).sample == 0
    assert Hyperparameters(sample=None, learning_rate=None, final_rate=None) == Hyperparameters()


@pytest.mark.parametrize(
    ("given", "rate"),
    [
        ({}, 0.02),
        ({"optimizer": "adagrad"}, 0.2),
        ({"optimizer": "sgd"}, 0.2),
        ({"optimizer": "sgd", "batches": "tokens"}, 0.03),
        ({"batches": "tokens"}, 0.02),
        ({"inputs": "subwords"}, 0.75 * 0.02),
        ({"inputs": "features", "optimizer": "sgd", "batches": "tokens"}, 0.75 * 0.03),
        ({"model": "cbow"}, 0.005),
        ({"model": "cbow", "optimizer": "sgd"}, 0.03),
        ({"model": "cbow", "optimizer": "sgd", "cbow_mean": False}, 0.02),
        ({"model": "cbow", "optimizer": "adagrad", "cbow_mean": False}, 0.1),
        ({"objective": "negative"}, 0.025),
        ({"objective": "negative", "inputs": "subwords"}, 0.05),
        ({"objective": "hierarchical", "inputs": "subwords"}, 0.05),
        ({"objective": "hierarchical", "model": "cbow"}, 0.15),
        ({"objective": "negative", "model": "cbow", "cbow_mean": False}, 0.025),
    ],
)
def test_rates_that_are_left_open(given, rate):
    assert Hyperparameters(**given).learning_rate == rate
    assert Hyperparameters(**given, learning_rate=0.5).learning_rate == 0.5


@pytest.mark.parametrize(
    ("objective", "sizes"), [("softmax", (2, 5)), ("negative", (3, 6)), ("hierarchical", (3, 6))]
)
def test_sizes_of_ngrams_that_are_left_open(objective, sizes):
    settings = Hyperparameters(objective=objective, inputs="subwords")
    assert (settings.min_n, settings.max_n) == sizes
    chosen = Hyperparameters(objective=objective, inputs="subwords", min_n=1, max_n=4)
    assert (chosen.min_n, chosen.max_n) == (1, 4)


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ({}, BatchLimit("batch_rows", 256, is_fixed=False)),
        ({"batch_rows": 7}, BatchLimit("batch_rows", 7, is_fixed=True)),
        ({"batches": "tokens"}, BatchLimit("batch_tokens", 1024, is_fixed=False)),
        ({"batches": "tokens", "batch_tokens": 9}, BatchLimit("batch_tokens", 9, is_fixed=True)),
        ({"model": "cbow"}, BatchLimit("batch_tokens", 512, is_fixed=False)),
        ({"model": "cbow", "batch_tokens": 512}, BatchLimit("batch_tokens", 512, is_fixed=True)),
    ],
)
def test_sizes_of_batches(given, limit):
    assert Hyperparameters(**given).batch_limit == limit


# Which settings each cell looks at, beside those that all do.
FOR_ALL = {
    "vector_size", "window", "min_count", "max_final_vocab", "sample", "epochs", "seed", "model",
    "objective", "learning_rate", "final_rate", "tokenizer", "errors",
    "paragraphs", "normalize", "language", "keep_case", "phrases",
}  # fmt: skip
SOFTMAX = {"scores_mib", "optimizer", "bias", "start", "precision", "device", "canonical"}
NEGATIVE = {"negative", "ns_exponent"}
EXACT = SOFTMAX | {"window_sample", "batches", "inputs", "replicas"}
PHRASES = {"phrase_scoring", "phrase_min_count", "phrase_threshold", "phrase_connectors"}
OF_COUNTS = {"batch_rows", "rare_words"}
USED = [
    ({}, EXACT | OF_COUNTS),
    ({"batches": "tokens"}, EXACT | {"batch_tokens"}),
    ({"inputs": "features"}, EXACT | OF_COUNTS),
    ({"inputs": "subwords"}, EXACT | OF_COUNTS | {"min_n", "max_n", "bucket"}),
    ({"model": "cbow"}, SOFTMAX | {"cbow_mean", "batch_tokens"}),
    ({"objective": "negative"}, NEGATIVE | {"negatives_shared", "inputs", "canonical"}),
    (
        {"objective": "negative", "inputs": "subwords"},
        NEGATIVE | {"negatives_shared", "min_n", "max_n", "bucket"},
    ),
    ({"objective": "negative", "model": "cbow"}, NEGATIVE | {"cbow_mean", "canonical"}),
    ({"objective": "hierarchical"}, {"inputs"}),
    ({"objective": "hierarchical", "inputs": "subwords"}, {"min_n", "max_n", "bucket"}),
    ({"objective": "hierarchical", "model": "cbow"}, {"cbow_mean"}),
    ({"objective": "hierarchical", "phrases": 2}, {"inputs", *PHRASES}),
]
OTHER_VALUES = {
    "window_sample": 1e-5, "batches": "tokens", "batch_rows": 7, "batch_tokens": 7,
    "rare_words": "sampled", "replicas": 2,
    "scores_mib": 3, "optimizer": "sgd", "bias": "none", "start": "random",
    "precision": "float32", "device": "cuda", "inputs": "subwords", "min_n": 4, "max_n": 4,
    "bucket": 7, "negative": 3, "ns_exponent": 0.5, "negatives_shared": False,
    "cbow_mean": False, "canonical": False, "phrase_scoring": "npmi", "phrase_min_count": 3,
    "phrase_threshold": 0.5, "phrase_connectors": "english",
}  # fmt: skip


@pytest.mark.parametrize(("cell", "used"), USED, ids=[str(cell) for cell, _ in USED])
def test_what_a_cell_does_not_look_at_is_refused(cell, used):
    assert FOR_ALL | set(OTHER_VALUES) == {item.name for item in fields(Hyperparameters)}
    for name, value in OTHER_VALUES.items():
        if name in cell:
            continue
        assert Hyperparameters(**cell).uses(name) == (name in used)
        if name in used:
            assert getattr(Hyperparameters(**cell | {name: value}), name) == value
            continue
        with pytest.raises(ConfigurationError, match=f"{name}: expected to be left alone") as told:
            Hyperparameters(**cell | {name: value})
        assert str(told.value).endswith(f"got {value!r}")
        stored = Hyperparameters(**cell).as_dict() | {name: value}
        assert Hyperparameters.from_stored(stored) == Hyperparameters(**cell)
    assert all(Hyperparameters(**cell).uses(name) for name in FOR_ALL)


def test_settings_know_which_of_them_were_given():
    assert Hyperparameters().given == {}
    settings = Hyperparameters(window=5, sample=None, epochs=np.int64(3))
    assert settings.given == {"window": 5, "sample": 1e-5, "epochs": 3}
    for copied in (
        copy.copy(settings),
        copy.deepcopy(settings),
        pickle.loads(pickle.dumps(settings)),
    ):
        assert copied == settings
        assert copied.given == settings.given
    assert hash(settings) == hash(Hyperparameters(epochs=3))


def test_a_stored_setting_out_of_range_is_refused_though_nobody_looks_at_it():
    with pytest.raises(ConfigurationError, match="negative: expected at least 1"):
        Hyperparameters.from_stored({"negative": 0})
    with pytest.raises(TypeError):
        Hyperparameters.from_stored({"nonsense": 0})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"min_n": 4}, "min_n: .* only inputs 'subwords' looks at it, not 'words'"),
        ({"inputs": "features", "bucket": 7}, "bucket: .* inputs 'subwords' .* not 'features'"),
        ({"objective": "negative", "inputs": "features"}, "inputs: expected 'words' or 'subwords'"),
        ({"model": "cbow", "inputs": "subwords"}, "inputs: .* model 'skipgram'"),
        ({"model": "cbow", "inputs": "features"}, "inputs: .* model 'skipgram'"),
        ({"inputs": "subwords", "min_n": 4, "max_n": 3}, "min_n: expected at most max_n=3, got 4"),
        ({"negative": 7}, "negative: .* only objective 'negative' looks at it, not 'softmax'"),
        ({"cbow_mean": False}, "cbow_mean: .* only model 'cbow' looks at it, not 'skipgram'"),
        ({"objective": "hierarchical", "optimizer": "sgd"}, "optimizer: .* objective 'softmax'"),
        ({"objective": "negative", "precision": "bf16"}, "precision: .* not 'negative'"),
        ({"objective": "hierarchical", "device": "auto"}, "device: .* objective 'softmax'"),
        ({"model": "cbow", "window_sample": 1e-4}, "window_sample: .* model 'skipgram'"),
        ({"model": "cbow", "batch_rows": 7, "batches": "tokens"}, "batches: .* model 'skipgram'"),
        ({"batch_tokens": 7}, "only batches 'tokens' or model 'cbow' looks at it, not 'counts'"),
        ({"batches": "tokens", "batch_rows": 7}, "batch_rows: .* only batches 'counts' looks"),
        (
            {"objective": "negative", "model": "cbow", "negatives_shared": False},
            "negatives_shared: .* only model 'skipgram' looks at it, not 'cbow'",
        ),
        ({"phrase_min_count": 3}, "phrase_min_count: .* only phrases above 0 looks at it, not 0"),
        (
            {"phrases": 1, "phrase_scoring": "npmi", "phrase_threshold": 2},
            "phrase_threshold: expected at most 1",
        ),
    ],
)
def test_a_setting_that_nobody_would_look_at_is_refused(given, message):
    with pytest.raises(ConfigurationError, match=message):
        Hyperparameters(**given)


def test_settings_do_not_change_once_made():
    settings = Hyperparameters()
    with pytest.raises(FrozenInstanceError):
        settings.window = 3


def test_settings_survive_json():
    settings = Hyperparameters(vector_size=np.int64(7), sample=np.float64(0.25), batches="tokens")
    assert Hyperparameters(**json.loads(json.dumps(settings.as_dict()))) == settings


def test_every_setting_says_what_it_means():
    for item in fields(Hyperparameters):
        assert item.metadata["help"].endswith(".")


def test_changed_settings_are_those_that_are_not_their_defaults():
    assert Hyperparameters().changed == {}
    assert Hyperparameters(window=5).changed == {}
    assert Hyperparameters(window=4, objective="negative").changed == {
        "window": 4,
        "objective": "negative",
    }
    settings = Hyperparameters(model="cbow", sample=0.5)
    assert Hyperparameters.from_stored(settings.as_dict()).changed == settings.changed
