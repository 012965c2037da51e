"""Topics planted in a corpus come back: words of one topic are each other's neighbours."""

import numpy as np
import pytest

from fastw2v import Word2Vec
from tests.support.corpora_made import TOPICS, WORDS_OF_TOPIC, topic_of, topic_sentences

NEIGHBOURS = WORDS_OF_TOPIC - 1
CHANCE = NEIGHBOURS / (TOPICS * WORDS_OF_TOPIC - 1)
EPOCHS = {"counts": 60, "tokens": 10}


@pytest.fixture(scope="module")
def sentences():
    return topic_sentences(seed=1)


@pytest.fixture(scope="module")
def models(sentences):
    """One model for each kind of batches and each optimizer, all with default rates."""
    return {
        (batches, optimizer): Word2Vec(
            vector_size=20, min_count=1, epochs=epochs, batches=batches, optimizer=optimizer
        ).fit(sentences)
        for batches, epochs in EPOCHS.items()
        for optimizer in ("adam", "adagrad", "sgd")
    }


def share_of_own_topic(keyed, topic=topic_of):
    """How many of the nearest words of each word are of its topic; chance is 14 / 89."""
    hits = [
        topic(other) == topic(word)
        for word in keyed.index_to_key
        for other, _ in keyed.most_similar(word, topn=NEIGHBOURS)
    ]
    return float(np.mean(hits))


RUNS = [(batches, optimizer) for batches in EPOCHS for optimizer in ("adam", "adagrad", "sgd")]


@pytest.mark.parametrize("run", RUNS, ids="-".join)
@pytest.mark.parametrize("vectors", ["in", "out", "sum"])
def test_neighbours_are_of_the_same_topic(models, run, vectors):
    assert share_of_own_topic(models[run].keyed_vectors(vectors)) > 0.9 > 5 * CHANCE


@pytest.mark.parametrize("run", RUNS, ids="-".join)
def test_contexts_are_of_the_same_topic(models, run):
    model = models[run]
    for word in ("t0w00", "t3w07", "t5w14"):
        found = model.predict_context(word, topn=None)
        own = sum(p for other, p in found if topic_of(other) == topic_of(word))
        assert own > 0.9 > 5 / TOPICS


@pytest.mark.parametrize("sabotage", ["untrained vectors", "other topics", "shuffled sentences"])
def test_without_topics_neighbours_are_at_chance(sentences, models, sabotage):
    topic = topic_of
    if sabotage == "untrained vectors":  # a step too small to matter
        settings = {"optimizer": "sgd", "learning_rate": 1e-9, "start": "random"}
        model = Word2Vec(vector_size=20, min_count=1, epochs=1, **settings)
        model.fit(sentences)
    elif sabotage == "other topics":
        model = models["counts", "adam"]

        def topic(word):
            return int(word[3:]) % TOPICS

    else:
        words = np.random.default_rng(2).permutation([w for s in sentences for w in s])
        model = Word2Vec(vector_size=20, min_count=1, epochs=60).fit(words.reshape(-1, 10).tolist())
    assert share_of_own_topic(model.keyed_vectors("in"), topic) < 0.25
