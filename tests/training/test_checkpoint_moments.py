"""When a run is saved, and that what is saved means the same to another number of workers."""

import numpy as np
import pytest

from fastw2v import Checkpoints, Word2Vec
from fastw2v.training import watch
from fastw2v.training.checkpoints import checkpoint_path, read_checkpoint
from tests.support.corpora_made import chain_sentences, write_text

COMMON = {"vector_size": 4, "window": 2, "min_count": 1, "seed": 3, "epochs": 7}
KINDS = {"softmax": {"batch_rows": 16}, "negative": {"objective": "negative"}}


class StoppedHereError(Exception):
    """What a callback raises in place of a killed process."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """24,000 tokens: several blocks, of another size for two workers than for one."""
    sentences = chain_sentences(4, 40, sentences=2000)
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("every", "epochs"), [("1epoch", 1), ("2epochs", 2), ("3 epochs", 3)])
def test_a_run_is_saved_after_every_so_many_epochs(
    corpus, tmp_path, monkeypatch, kind, every, epochs
):
    saved = []
    real = watch.write_checkpoint

    def watched(path, checkpoint):
        if checkpoint.state is not None:
            saved.append((checkpoint.state.epochs_done, checkpoint.state.steps_done))
        real(path, checkpoint)

    monkeypatch.setattr(watch, "write_checkpoint", watched)
    Word2Vec(workers=1, **COMMON, **KINDS[kind]).fit(
        corpus, checkpoints=Checkpoints(tmp_path / "model", every)
    )
    assert saved == [(done, 0) for done in range(epochs, 8, epochs)]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_blocks_of_a_stream_stay_those_it_began_with(corpus, tmp_path, monkeypatch, workers):
    """Steps done are counted in them: were they others, text would be left out or come twice."""
    monkeypatch.setattr("fastw2v.objectives.stream.tables.BLOCKS_PER_CALL", 1)
    settings = {**COMMON, **KINDS["negative"], "sample": 0, "epochs": 2}
    reports = []
    whole = Word2Vec(workers=1, **settings).fit(corpus, callbacks=[reports.append])
    steps = reports[-1].steps // 2
    assert steps >= 4

    def stop(report):
        if report.step == 2:
            raise StoppedHereError

    with pytest.raises(StoppedHereError):
        Word2Vec(workers=1, **settings).fit(
            corpus, callbacks=[stop], checkpoints=Checkpoints(tmp_path / "model", "0.0001s")
        )
    state = read_checkpoint(checkpoint_path(tmp_path / "model")).state
    assert (state.epochs_done, state.steps_done) == (0, 2)
    seen = []
    resumed = Word2Vec.resume(tmp_path / "model", workers=workers, callbacks=[seen.append])
    assert {report.steps for report in seen} == {2 * steps}
    assert seen[0].step > 2
    # The rest of the first epoch is as much text as was left: the mean loss is that of all of it.
    found, expected = ([r.loss_nats for r in model.history] for model in (resumed, whole))
    assert found == pytest.approx(expected, rel=1e-9 if workers == 1 else 0.02)
    assert np.isfinite(resumed.in_vectors).all()
