"""Workers that have copies of frequent rows, when the common rows are replaced under them."""

import numpy as np
import pytest

from fastw2v import Checkpoints, Word2Vec
from fastw2v.callbacks import EpochProgress
from fastw2v.objectives.stream.tables import StreamTables
from fastw2v.system.threads import WorkerPool
from fastw2v.text.encoded import EncodedTokens
from fastw2v.training.checkpoints import checkpoint_path, read_checkpoint
from tests.support.corpora_made import chain_sentences, write_text
from tests.support.stream_runs import stream_settings

CELLS = {
    "skipgram-negative": {},
    "skipgram-hierarchical": {"objective": "hierarchical"},
    "cbow-negative": {"model": "cbow"},
    "cbow-hierarchical": {"model": "cbow", "objective": "hierarchical"},
}
WORDS, DIMENSIONS = 30, 7


class StoppedHereError(Exception):
    """What a callback raises in place of a killed process."""


def text():
    ids = np.random.default_rng(6).integers(0, WORDS, 500).astype(np.int32)
    return EncodedTokens(ids, np.arange(0, 501, 25), 500, 0)


def epoch_from(cell, first, then, workers):
    """Train an epoch, in one block, from tables that were put in place of others.

    Only one of the workers finds a block, so that two give what one gives, but for rounding.
    """
    settings = stream_settings(
        vector_size=DIMENSIONS, window=2, sample=0, epochs=1, learning_rate=0.05, **CELLS[cell]
    )
    with WorkerPool(workers) as pool:
        tables = StreamTables(text(), np.arange(WORDS + 5, 5, -1), settings, pool, 500)
        tables.begin(first)
        if then is not None:
            stored = tables.arrays()
            padded = {name: np.zeros_like(array) for name, array in stored.items()}
            for name, given in zip(("in_vectors", "out_vectors"), then, strict=True):
                rows = given[::-1] if name == "out_vectors" and "hier" in cell else given
                padded[name].reshape(len(given), -1)[:, :DIMENSIONS] = rows
            tables.restore(padded)
        (ended,) = tables.epoch(0, EpochProgress(0, 0.0, 0.0))
        return tables.in_vectors, tables.out_vectors, ended.loss_sum / ended.weight_sum


def starts(cell):
    generator = np.random.default_rng(7)
    out_rows = WORDS - ("hierarchical" in cell)
    return [
        tuple(
            generator.normal(0, 1, (rows, DIMENSIONS)).astype(np.float32)
            for rows in (WORDS, out_rows)
        )
        for _ in range(2)
    ]


def differences(one, other):
    return [float(np.abs(np.subtract(x, y)).max()) for x, y in zip(one, other, strict=True)]


@pytest.mark.parametrize("cell", CELLS)
def test_an_epoch_after_restoring_is_that_from_those_tables(cell):
    others, wanted = starts(cell)
    alone = epoch_from(cell, wanted, None, workers=1)
    for workers in (1, 2, 3):
        came = epoch_from(cell, others, wanted, workers)
        assert max(differences(came, alone)) < 1e-5
    # From the tables before, the loss and the steps are others.
    assert min(differences(epoch_from(cell, others, None, workers=2), alone)) > 1e-2


@pytest.mark.parametrize("cell", CELLS)
def test_a_run_resumed_by_two_workers_goes_on_from_what_was_saved(tmp_path, cell):
    """The text is one block, so that the resumed epochs are the same for one worker and for two."""
    corpus = write_text(tmp_path / "text.txt", chain_sentences(3, 40, sentences=60))
    settings = {
        "vector_size": 8, "window": 2, "min_count": 1, "sample": 0, "epochs": 3,
        "learning_rate": 0.3, "objective": "negative", **CELLS[cell],
    }  # fmt: skip

    def stop(report):
        if report.epoch == 2:
            raise StoppedHereError

    whole = Word2Vec(workers=1, **settings).fit(corpus)
    with pytest.raises(StoppedHereError):
        Word2Vec(workers=1, **settings).fit(
            corpus, callbacks=[stop], checkpoints=Checkpoints(tmp_path / "model", "1epoch")
        )
    state = read_checkpoint(checkpoint_path(tmp_path / "model")).state
    assert (state.epochs_done, state.steps_done) == (2, 0)
    assert state.block_tokens >= 60 * 12
    resumed = Word2Vec.resume(tmp_path / "model", workers=2)
    losses = [[record.loss_nats for record in model.history] for model in (whole, resumed)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[0][2] != pytest.approx(losses[0][1], rel=1e-3)  # a step that can be seen
    for name in ("in_vectors", "out_vectors"):
        assert np.abs(getattr(resumed, name) - getattr(whole, name)).max() < 1e-4
