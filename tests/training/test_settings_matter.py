"""Every hyper-parameter reaches what it is for: another value gives another model."""

from dataclasses import fields
from functools import cache

import pytest

from fastw2v import Word2Vec
from fastw2v.config import Hyperparameters
from tests.support.corpora_made import chain_sentences

CELLS = {
    "softmax": {},
    "softmax tokens": {"batches": "tokens"},
    "subwords": {"inputs": "subwords"},
    "cbow": {"model": "cbow"},
    "negative": {"objective": "negative"},
    "cbow negative": {"objective": "negative", "model": "cbow"},
    "hierarchical": {"objective": "hierarchical"},
    "negative subwords": {"objective": "negative", "inputs": "subwords"},
    "cbow hierarchical": {"objective": "hierarchical", "model": "cbow"},
}
BASE = {"vector_size": 4, "window": 3, "min_count": 1, "epochs": 2, "sample": 0.05}
EVERYWHERE = {
    "vector_size": 5, "window": 2, "min_count": 40, "max_final_vocab": 20, "sample": 0.01,
    "epochs": 3, "seed": 2, "learning_rate": 0.011, "final_rate": 0.5, "tokenizer": "whitespace",
}  # fmt: skip
SOFTMAX = {
    "optimizer": "sgd", "bias": "learned", "start": "random", "precision": "float32",
    "canonical": False,
}  # fmt: skip
OWN = {
    "softmax": {**SOFTMAX, "batch_rows": 7, "window_sample": 0.05, "replicas": 2},
    "softmax tokens": {**SOFTMAX, "batch_tokens": 90, "window_sample": 0.05, "replicas": 2},
    "subwords": {
        **SOFTMAX,
        "replicas": 2,
        "batch_rows": 7,
        "window_sample": 0.05,
        "min_n": 4,
        "max_n": 3,
        "bucket": 7,
    },
    "cbow": {**SOFTMAX, "batch_tokens": 90, "cbow_mean": False},
    "negative": {
        "negative": 3,
        "ns_exponent": 0.2,
        "negatives_shared": False,
        "canonical": False,
    },
    "cbow negative": {"negative": 3, "ns_exponent": 0.2, "cbow_mean": False, "canonical": False},
    "hierarchical": {},
    "negative subwords": {
        "negative": 3,
        "negatives_shared": False,
        "min_n": 4,
        "max_n": 3,
        "bucket": 7,
    },
    "cbow hierarchical": {"cbow_mean": False},
}
CASES = [
    (cell, name, value)
    for cell in CELLS
    for name, value in {**EVERYWHERE, **OWN[cell]}.items()
    if name != "tokenizer"  # of texts only; tests/text/test_tokenizers.py
]
# Not of the vectors: how texts become words (tests/text/test_text_rules.py), how what is no UTF-8
# is read, and what is refused as too large.
TEXTS = {"tokenizer", "paragraphs", "normalize", "language", "keep_case", "errors"}
# Which words are joined (tests/training/test_phrase_runs.py).
TEXTS |= {item.name for item in fields(Hyperparameters) if item.name.startswith("phrase")}
# Rare words are sampled of large vocabularies only (tests/training/test_rare_words_runs.py), and
# devices need PyTorch (tests/training/test_device_runs.py).
ELSEWHERE = TEXTS | {"scores_mib", "model", "objective", "batches", "inputs", "rare_words"}
ELSEWHERE |= {"device"}


@cache
def sentences():
    return chain_sentences(seed=8, n_words=30, sentences=80, skew=1.0)


@cache
def vectors(cell, **changed):
    settings = {**BASE, "precision": "float32", **CELLS[cell], **changed}
    if "objective" in CELLS[cell]:
        settings.pop("precision")
    elif changed.get("precision") == "float32":
        settings["precision"] = "bf16"
    model = Word2Vec(workers=1, **settings).fit(sentences())
    return model.in_vectors.tobytes() + model.out_vectors.tobytes() + model.out_bias.tobytes()


def test_every_setting_is_looked_at_here():
    looked_at = {name for _, name, _ in CASES} | ELSEWHERE
    assert looked_at == {item.name for item in fields(Hyperparameters)}


@pytest.mark.parametrize(("cell", "name", "value"), CASES)
def test_another_value_gives_another_model(cell, name, value):
    if name == "precision":
        from fastw2v.kernels.simd.bfloat16 import HAS_BFLOAT16

        if not HAS_BFLOAT16:
            pytest.skip("the CPU has no bfloat16")
    assert getattr(Hyperparameters(**BASE, **CELLS[cell]), name) != value or name == "precision"
    assert vectors(cell, **{name: value}) != vectors(cell)


@pytest.mark.parametrize("cell", CELLS)
def test_the_same_values_give_the_same_model(cell):
    """Without this, the comparison above would find a difference in anything random."""
    again = vectors.__wrapped__(cell)
    assert again == vectors(cell)


@pytest.mark.parametrize(
    ("settings", "rate"),
    [
        ({"objective": "negative"}, 0.025),
        ({"objective": "hierarchical"}, 0.025),
        ({"objective": "negative", "model": "cbow"}, 0.15),
        ({"objective": "negative", "model": "cbow", "cbow_mean": False}, 0.025),
        ({"objective": "hierarchical", "model": "cbow", "cbow_mean": False}, 0.025),
    ],
)
def test_a_stream_has_the_rate_of_its_cell_and_falls_to_its_fraction(settings, rate):
    model = Word2Vec(workers=1, **BASE, **settings, final_rate=0.25).fit(sentences())
    assert [record.learning_rate for record in model.history] == pytest.approx(
        [rate * (1 - 0.75 / 2), rate * 0.25]
    )
