"""The exact softmax from given vectors, and what is handed out after each epoch."""

import numpy as np
import pytest

from fastw2v.config import Hyperparameters
from fastw2v.text.reading import read_corpus
from fastw2v.training.cbow import train_cbow
from fastw2v.training.options import Reports
from fastw2v.training.run import Run
from fastw2v.training.skipgram import train_skipgram
from fastw2v.training.text import TrainingText
from tests.support.corpora_made import topic_sentences

TRAINERS = {"skipgram": train_skipgram, "cbow": train_cbow}


def fitted(model, start=None, **settings):
    vocabulary, tokens = read_corpus(topic_sentences(1, 100), min_count=1)
    epochs, reports = [], []
    values = {"vector_size": 6, "epochs": 3, "model": model, "canonical": False, **settings}
    run = Run(
        settings=Hyperparameters(**values),
        workers=2,
        reports=Reports(callbacks=[reports.append]),
        after_epoch=epochs.append,
        start=start,
    )
    found = TRAINERS[model](run, TrainingText(vocabulary, tokens))
    return found.embeddings, epochs, reports


@pytest.mark.parametrize("model", TRAINERS)
def test_training_begins_where_it_is_told(model):
    generator = np.random.default_rng(1)
    start = tuple(generator.normal(0, 0.3, (90, 6)).astype(np.float32) for _ in range(2))
    kept = tuple(table.copy() for table in start)
    found, _, _ = fitted(model, start, epochs=1, learning_rate=1e-9)
    assert np.allclose(found.in_vectors, start[0], atol=1e-5)
    assert np.allclose(found.out_vectors, start[1], atol=1e-5)
    elsewhere, _, _ = fitted(model, None, epochs=1, learning_rate=1e-9)
    assert not np.allclose(elsewhere.in_vectors, start[0], atol=1e-2)
    fitted(model, start)
    assert all((table == before).all() for table, before in zip(start, kept, strict=True))


@pytest.mark.parametrize("model", TRAINERS)
def test_each_epoch_hands_out_its_vectors(model):
    found, epochs, reports = fitted(model)
    assert len(epochs) == 3
    assert sum(report.epoch_ended for report in reports) == 3
    assert (epochs[-1][0] == found.in_vectors).all()
    assert (epochs[-1][1] == found.out_vectors).all()
    assert (epochs[0][0] != epochs[1][0]).any()
