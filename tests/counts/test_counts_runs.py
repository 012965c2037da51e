"""Runs on counts: checkpoints, validation and a budget of memory, as for runs on a text."""

import numpy as np
import pytest

from fastw2v import Checkpoints, Validation, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.training.checkpoints import checkpoint_path
from tests.support.corpora_made import random_sentences, write_text

COUNTING = CountingSettings(window=2, min_count=1)
COMMON = {"vector_size": 6, "epochs": 3, "seed": 3, "batch_rows": 16}
SENTENCES = random_sentences(4, 60, sentences=500, longest=20)


class StoppedHereError(Exception):
    """What a callback raises in place of a killed process."""


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    held_out = write_text(folder / "held_out.txt", random_sentences(5, 60, sentences=60))
    return write_text(folder / "text.txt", SENTENCES), held_out


@pytest.fixture
def counts(texts, tmp_path):
    return count_corpus(texts[0], COUNTING, tmp_path / "counts", workers=1) and (
        tmp_path / "counts"
    )


def stop(report):
    if report.step == 7:
        raise StoppedHereError


def arrays(model):
    return [table.tobytes() for table in (model.in_vectors, model.out_vectors, model.out_bias)]


def interrupted(counts, target, **options):
    with pytest.raises(StoppedHereError):
        Word2Vec(**COMMON).fit_counts(
            counts, callbacks=[stop], checkpoints=Checkpoints(target, "1epoch"), **options
        )


@pytest.mark.parametrize("workers", [1, 3])
def test_an_interrupted_run_on_counts_ends_in_the_same_bytes(texts, counts, tmp_path, workers):
    options = {"validation": Validation(texts[1]), "patience": 2}
    whole = Word2Vec(**COMMON).fit_counts(counts, **options)
    interrupted(counts, tmp_path / "model", **options)
    resumed = Word2Vec.resume(tmp_path / "model", workers=workers)
    assert arrays(resumed) == arrays(whole)
    held_out = [record.held_out_loss_nats for record in resumed.history]
    assert held_out == [record.held_out_loss_nats for record in whole.history]
    assert all(np.isfinite(held_out))
    resumed.save(tmp_path / "model")
    assert not checkpoint_path(tmp_path / "model").exists()


def test_validation_beside_counts_is_that_of_the_text(texts, counts):
    held_out = Validation(texts[1])
    of_counts = Word2Vec(**COMMON).fit_counts(counts, validation=held_out)
    of_text = Word2Vec(**COMMON, window=2, min_count=1).fit(texts[0], validation=held_out)
    losses = [[record.held_out_loss_nats for record in m.history] for m in (of_counts, of_text)]
    assert losses[0] == losses[1]
    assert arrays(of_counts) == arrays(of_text)


def test_other_counts_are_refused(counts, tmp_path):
    interrupted(counts, tmp_path / "model")
    changed = write_text(tmp_path / "changed.txt", [*SENTENCES, ["w1", "w2"]])
    count_corpus(changed, COUNTING, counts, workers=1)
    with pytest.raises(CorpusError, match="expected the text that the run began with"):
        Word2Vec.resume(tmp_path / "model")


def test_a_text_cannot_take_the_place_of_counts(texts, counts, tmp_path):
    interrupted(counts, tmp_path / "model")
    with pytest.raises(ConfigurationError, match="trains on the counts"):
        Word2Vec.resume(tmp_path / "model", texts[0])


def test_nothing_can_be_held_out_of_counts(counts):
    with pytest.raises(ConfigurationError, match="nothing can be held out"):
        Word2Vec(**COMMON).fit_counts(counts, validation=Validation(fraction=0.1))


def test_a_run_within_memory_is_resumed_within_it(texts, tmp_path):
    settings = {**COMMON, "window": 2, "min_count": 1}
    whole = Word2Vec(**settings).fit(texts[0])
    with pytest.raises(StoppedHereError):
        Word2Vec(**settings).fit(
            texts[0],
            callbacks=[stop],
            checkpoints=Checkpoints(tmp_path / "model", "1epoch"),
            memory_mib=600,
        )
    assert arrays(Word2Vec.resume(tmp_path / "model")) == arrays(whole)


def test_a_fraction_cannot_be_held_out_within_a_budget(texts):
    with pytest.raises(ConfigurationError, match=r"memory: .* give a validation text"):
        Word2Vec(**COMMON).fit(texts[0], validation=Validation(fraction=0.1), memory_mib=600)
