"""Yesterday's model with today's text, beside a model of both texts at once."""

import numpy as np
import pytest

from fastw2v import StartFrom, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from tests.support.corpora_made import chain_sentences

N_WORDS = 60
CELLS = {
    "softmax": {"window_sample": 0.0},
    "cbow": {"model": "cbow", "sample": 0.01},
    "negative": {"objective": "negative", "epochs": 15, "learning_rate": 0.1},
    "hierarchical": {"objective": "hierarchical", "epochs": 15, "learning_rate": 0.1},
}
COMMON = {"vector_size": 12, "window": 3, "min_count": 1, "sample": 0.0, "epochs": 8, "workers": 1}
# What part of the way from yesterday's loss to that of both at once is gone, at least: all pairs
# are there for the exact softmax by counts; CBOW's second text is as good as new ones.
LEAST_GAIN = {"softmax": 0.7, "cbow": 0.8, "negative": 0.2, "hierarchical": 0.1}


def text_of(seed, sentences=400):
    return chain_sentences(seed, N_WORDS, sentences=sentences, noise=0.3, skew=0.5)


def nearest(model):
    """Return the five nearest words of each word (V, 5)."""
    vectors = model.wv.get_normed_vectors()
    rows = [model.wv.key_to_index[f"w{k}"] for k in range(N_WORDS)]
    cosines = vectors[rows] @ vectors[rows].T
    np.fill_diagonal(cosines, -2)
    return np.argsort(-cosines, axis=1)[:, :5]


def overlap(model, other):
    pairs = zip(nearest(model), nearest(other), strict=True)
    return np.mean([len(set(mine) & set(theirs)) / 5 for mine, theirs in pairs])


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_going_on_comes_near_to_both_at_once(tmp_path, cell):
    """On a text that neither has seen; neighbours agree as those of two seeds do."""
    yesterday, today, held_out = text_of(1), text_of(2), text_of(3, 300)
    settings = {**COMMON, **CELLS[cell]}
    both = [Word2Vec(**settings, seed=seed).fit([*yesterday, *today]) for seed in (1, 2, 3)]
    model = Word2Vec(**settings).fit(yesterday)
    start = StartFrom(model)
    if cell == "softmax":
        counting = CountingSettings(window=3, window_sample=0.0, min_count=1)
        count_corpus(yesterday, counting, tmp_path / "counts")
        start = StartFrom(model, counts=tmp_path / "counts")
    gone_on = Word2Vec(workers=1, seed=4).fit(today, start=start)
    best = np.mean([one.perplexity(held_out).loss_nats for one in both])
    before = model.perplexity(held_out).loss_nats
    gained = (before - gone_on.perplexity(held_out).loss_nats) / (before - best)
    assert gained > LEAST_GAIN[cell]
    among_seeds = [overlap(both[0], both[1]), overlap(both[0], both[2]), overlap(both[1], both[2])]
    with_seeds = np.mean([overlap(gone_on, one) for one in both])
    assert with_seeds > np.mean(among_seeds) - 0.05


@pytest.mark.slow
def test_a_model_of_something_else_would_be_noticed():
    """Sabotage: today's text with its words exchanged is no more of the same."""
    yesterday, held_out = text_of(1), text_of(3, 300)
    exchanged = {f"w{k}": f"w{k * 7 % N_WORDS}" for k in range(N_WORDS)}
    today = [[exchanged[word] for word in sentence] for sentence in text_of(2)]
    settings = {**COMMON, **CELLS["softmax"]}
    model = Word2Vec(**settings).fit(yesterday)
    gone_on = Word2Vec(workers=1).fit(today, start=model)
    before, after = (one.perplexity(held_out).loss_nats for one in (model, gone_on))
    assert after > before + 0.5
