"""Positions that CBOW trains nothing at: where they lie, how many, and what is fitted to them."""

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.config import Hyperparameters
from fastw2v.objectives.losses.training_rows import fewer_rows, held_out_positions, training_rows
from fastw2v.text.encoded import EncodedTokens

CBOW = Hyperparameters(model="cbow", objective="negative", vector_size=8)


def text(n_tokens, length):
    starts = np.append(np.arange(0, n_tokens, length), n_tokens)
    return EncodedTokens(np.zeros(n_tokens, np.int32), starts, n_tokens, 0)


def test_one_of_each_part_of_the_text_whatever_its_period():
    """Sentences of 100 tokens, as random walks have: every place within them comes."""
    n_tokens = 100 * 12_288
    found = held_out_positions(text(n_tokens, 100), 5, CBOW)
    assert np.array_equal(found // 100, np.arange(12_288))
    assert np.histogram(found % 100, 10, (0, 100))[0].min() > 1000


def test_they_follow_from_the_seed_alone():
    first = held_out_positions(text(50_000, 9), 5, CBOW)
    assert np.array_equal(first, held_out_positions(text(50_000, 9), 5, CBOW))
    other = Hyperparameters(model="cbow", objective="negative", vector_size=8, seed=2)
    assert not np.array_equal(first, held_out_positions(text(50_000, 9), 5, other))


@pytest.mark.parametrize(
    ("n_tokens", "length", "settings", "expected"),
    [
        (50_000, 9, CBOW, 1000),  # one of 50
        (12_799, 9, CBOW, 0),  # too few to fit anything to
        (12_800, 8, CBOW, 256),
        (50_000, 1, CBOW, 0),  # no word has a context
        (0, 1, CBOW, 0),
        (50_000, 9, Hyperparameters(), 0),  # of CBOW alone
        (50_000, 9, Hyperparameters(objective="negative"), 0),
    ],
)
def test_how_many_there_are(n_tokens, length, settings, expected):
    assert len(held_out_positions(text(n_tokens, length), 5, settings)) == expected


def test_a_large_vocabulary_has_fewer():
    settings = Hyperparameters(model="cbow", objective="negative", vector_size=100)
    few = held_out_positions(text(1_000_000, 9), 1_000_000, settings)
    assert few.size == 256


@pytest.mark.parametrize("n_words", [400, 30_000, 1_000_000])
def test_temperatures_are_fitted_to_some_of_them(n_words):
    tokens = text(650_000, 9)
    held_out = held_out_positions(tokens, n_words, CBOW)
    rows = training_rows(np.zeros((n_words, 4), np.float32), tokens, CBOW, 1, held_out=held_out)
    assert np.array_equal(rows.positions, held_out)
    fewer = sum(len(batch.inputs) for batch in fewer_rows(rows))
    bound = min(4096, 2**33 // (4 * n_words))
    assert 0.5 * bound < fewer <= bound


def by_heart(objective):
    """A text without meaning, learned by heart; the loss of another one, above the least, nats."""
    made = np.random.default_rng(1).integers(0, 400, (1000, 20))
    sentences = [[f"w{word}" for word in line] for line in made.tolist()]
    settings = {"model": "cbow", "objective": objective, "vector_size": 64, "sample": 0}
    settings |= {"min_count": 1, "window": 2, "learning_rate": 0.4}
    if objective != "softmax":
        settings |= {"epochs": 60}
    model = Word2Vec(**settings, workers=1).fit(sentences[:900])
    return model.perplexity(sentences[900:]).loss_nats - np.log(400)


@pytest.mark.parametrize(
    ("objective", "most", "fitted_to_trained"),
    [("negative", 0.1, 1.5), ("softmax", 0.1, 0.4), ("hierarchical", 1.0, 2.0)],
)
def test_what_was_learned_by_heart_is_not_taken_for_true(
    objective, most, fitted_to_trained, monkeypatch
):
    assert by_heart(objective) < most
    monkeypatch.setattr("fastw2v.objectives.losses.training_rows._TOKENS_PER_HELD_OUT", 2**31)
    assert by_heart(objective) > fitted_to_trained
