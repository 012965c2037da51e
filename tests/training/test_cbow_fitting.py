"""Training CBOW by the exact softmax: planted structure comes back, with every default rate."""

import numpy as np
import pytest
from gensim.models import KeyedVectors

from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError, CorpusError, DivergenceError
from fastw2v.objectives.softmax.initialization import START_STEPS
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.reading import read_corpus
from fastw2v.text.vocabulary import keep_probability
from fastw2v.training.cbow import train_cbow
from fastw2v.training.options import Reports
from fastw2v.training.run import Run
from fastw2v.training.text import TrainingText
from tests.support.corpora_made import (
    TOPICS,
    WORDS_OF_TOPIC,
    chain_sentences,
    topic_of,
    topic_sentences,
)
from tests.support.unfitted import unfitted

OPTIMIZERS = ("adam", "adagrad", "sgd")
KINDS = [(optimizer, mean) for optimizer in OPTIMIZERS for mean in (True, False)]
NAMES = [f"{optimizer}-{'mean' if mean else 'sum'}" for optimizer, mean in KINDS]


def fitted(sentences, mean=True, callbacks=(), workers=2, **settings):
    vocabulary, tokens = read_corpus(sentences, min_count=1)
    values = {"vector_size": 12, "sample": 0.0, "window": 3, "epochs": 5, **settings}
    run = Run(
        settings=Hyperparameters(model="cbow", cbow_mean=mean, **values),
        workers=workers,
        reports=Reports(callbacks=callbacks),
    )
    return vocabulary, train_cbow(run, TrainingText(vocabulary, tokens))


def share_of_own_topic(words, vectors, topic=topic_of):
    """How many of the nearest words of each word are of its topic; chance is 14 / 89."""
    keyed = KeyedVectors(vectors.shape[1])
    keyed.add_vectors(words, vectors)
    hits = [
        topic(other) == topic(word)
        for word in words
        for other, _ in keyed.most_similar(word, topn=WORDS_OF_TOPIC - 1)
    ]
    return float(np.mean(hits))


RUNS = [(*kind, "spectral") for kind in KINDS] + [
    ("adam", mean, "random") for mean in (True, False)
]


@pytest.mark.parametrize(("optimizer", "mean", "start"), RUNS, ids=str)
def test_planted_topics_come_back(optimizer, mean, start):
    epochs = 4 if start == "spectral" else 30
    sentences = topic_sentences(seed=1)
    vocabulary, found = fitted(
        sentences, mean, optimizer=optimizer, start=start, epochs=epochs, batch_tokens=128
    )
    assert share_of_own_topic(vocabulary.words, found.embeddings.in_vectors) > 0.9
    assert share_of_own_topic(vocabulary.words, found.embeddings.out_vectors) > 0.9


def test_topics_that_are_not_there_are_not_found():
    sentences = topic_sentences(seed=1)
    shuffled = np.random.default_rng(2).permutation([w for s in sentences for w in s])
    vocabulary, found = fitted(shuffled.reshape(-1, 10).tolist())
    assert share_of_own_topic(vocabulary.words, found.embeddings.in_vectors) < 0.3

    def other(word):
        return int(word[3:]) % TOPICS

    vocabulary, found = fitted(sentences)
    assert share_of_own_topic(vocabulary.words, found.embeddings.in_vectors, other) < 0.3


def unigram_entropy(counts):
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


@pytest.mark.parametrize(("optimizer", "mean"), KINDS, ids=NAMES)
def test_the_loss_of_a_chain_falls_below_the_entropy_of_its_words(optimizer, mean):
    sentences = chain_sentences(1, 40, sentences=600)
    values = {"optimizer": optimizer, "batch_tokens": 128, "epochs": 8}
    vocabulary, found = fitted(sentences, mean, **values)
    entropy = unigram_entropy(vocabulary.counts)
    losses = [record.loss_nats for record in found.history]
    assert len(losses) == 8
    assert losses[-1] < losses[0]
    assert losses[-1] < entropy - 0.5
    # Without a chain the contexts say nothing: what little is gained is learned by heart.
    shuffled = np.random.default_rng(2).permutation([w for s in sentences for w in s])
    _, found = fitted(shuffled.reshape(-1, 12).tolist(), mean, **values)
    assert found.history[-1].loss_nats > entropy - 0.1


def test_the_bias_undoes_subsampling():
    sentences = chain_sentences(2, 40, sentences=600, skew=1.5)
    with unfitted():
        vocabulary, found = fitted(sentences, sample=1e-3, epochs=1, learning_rate=1e-9)
    keep = keep_probability(vocabulary.counts, 1e-3)
    assert keep[0] < 0.5
    share = np.exp(found.embeddings.out_bias.astype(np.float64))
    assert share / share.sum() == pytest.approx(vocabulary.counts / vocabulary.n_tokens, rel=1e-5)


@pytest.mark.parametrize("bias", ["none", "learned"])
def test_other_biases(bias):
    with unfitted():
        vocabulary, found = fitted(chain_sentences(1, 40), bias=bias)
    if bias == "none":
        assert not found.embeddings.out_bias.any()
    else:
        logs = np.log(vocabulary.counts / vocabulary.n_tokens)
        assert np.abs(found.embeddings.out_bias - logs).max() > 0.01


def test_workers_and_batches_are_as_they_should():
    sentences = chain_sentences(1, 40)
    reports = []
    _, two = fitted(sentences, batch_tokens=100, sample=1e-2, callbacks=[reports.append])
    _, one = fitted(sentences, workers=1, batch_tokens=100, sample=1e-2)
    for name in ("in_vectors", "out_vectors", "out_bias"):
        assert np.array_equal(getattr(two.embeddings, name), getattr(one.embeddings, name))
    assert [r.loss_nats for r in two.history] == [r.loss_nats for r in one.history]
    assert [r.epoch for r in reports if r.epoch_ended] == [1, 2, 3, 4, 5]
    assert reports[-1].step == reports[-1].steps
    _, other = fitted(sentences, batch_tokens=100, sample=1e-2, seed=2)
    assert not np.array_equal(other.embeddings.in_vectors, two.embeddings.in_vectors)


def test_stages_are_reported():
    vocabulary, tokens = read_corpus(chain_sentences(1, 40), min_count=1)
    settings = Hyperparameters(model="cbow", vector_size=6, window=2, sample=0.0, epochs=1)
    stages = []

    def report(stage, done, total):
        stages.append((stage, done, total))

    train_cbow(
        Run(settings=settings, workers=2, reports=Reports(report)), TrainingText(vocabulary, tokens)
    )
    n = tokens.n_tokens
    counting = [("counting", 0, n), ("counting", n, n)]
    starting = [("starting", done, START_STEPS) for done in range(START_STEPS + 1)]
    assert stages == [*counting, *starting, ("fitting", 0, 1), ("fitting", 1, 1)]


def test_what_cannot_be_trained_is_told():
    sentences = chain_sentences(1, 40)
    with pytest.raises(ConfigurationError, match="scores_mib: a batch of 10000000 over 40 words"):
        fitted(sentences, batch_tokens=10**7, scores_mib=1)
    with pytest.raises(CorpusError, match="expected words with contexts in every epoch"):
        fitted([["a"], ["b"]])
    with pytest.raises(DivergenceError, match="use a smaller --learning-rate"):
        fitted(sentences, optimizer="sgd", learning_rate=1e6)
    vocabulary, _ = read_corpus(sentences, min_count=1)
    alien = EncodedTokens(np.array([0, 40], np.int32), np.array([0, 2]), 2, 0)
    with pytest.raises(Exception, match="expected words from 0 to 39, got 40"):
        train_cbow(
            Run(settings=Hyperparameters(model="cbow"), workers=2), TrainingText(vocabulary, alien)
        )
