"""A run that begins, fails or is interrupted leaves alone what another run has saved."""

import signal

import pytest

from fastw2v import Checkpoints, Validation, Word2Vec
from fastw2v.errors import CheckpointError, ConfigurationError, CorpusError
from fastw2v.system.signals import TrainingInterrupted
from fastw2v.training.checkpoints import checkpoint_path
from fastw2v.training.fit import fit
from fastw2v.training.options import Reports
from fastw2v.training.resume import resumed_run
from fastw2v.training.validation import ValidationText
from tests.support.corpora_made import random_sentences, write_text
from tests.support.programs import default_signals
from tests.training.test_resume import COMMON, RUNS, StoppedHereError, arrays_of, stopped


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    sentences = random_sentences(4, 60, sentences=700, longest=20)
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


def ended_while_reading(corpus, checkpoints, monkeypatch, error):
    def read_text(*_arguments, **_options):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("fastw2v.training.fit.read_text", read_text)
        Word2Vec(**COMMON).fit(corpus, checkpoints=checkpoints)


def announced(corpus, target, monkeypatch):
    """Leave the file of a run that was killed while it read."""
    with pytest.raises(StoppedHereError):
        ended_while_reading(corpus, Checkpoints(target, "1epoch"), monkeypatch, StoppedHereError)
    return checkpoint_path(target)


@pytest.mark.parametrize("every", [None, "1epoch"])
def test_a_new_run_from_python_does_not_overwrite_an_unfinished_one(corpus, tmp_path, every):
    stopped(corpus, tmp_path / "model", 3, "0.0001s", **RUNS["counts"])
    before = checkpoint_path(tmp_path / "model").read_bytes()
    for source in (corpus, tmp_path / "missing"):
        with pytest.raises(CheckpointError, match=r"an unfinished run is saved there; .*resume"):
            Word2Vec(**COMMON).fit(source, checkpoints=Checkpoints(tmp_path / "model", every))
        assert checkpoint_path(tmp_path / "model").read_bytes() == before


def test_an_interrupted_run_names_no_file_of_another(corpus, tmp_path, monkeypatch):
    path = announced(corpus, tmp_path / "model", monkeypatch)
    checkpoints = Checkpoints(tmp_path / "model")
    with pytest.raises(TrainingInterrupted) as caught:
        ended_while_reading(corpus, checkpoints, monkeypatch, KeyboardInterrupt)
    assert caught.value.checkpoint is None
    assert not path.exists()


def test_a_resumed_run_that_fails_can_be_resumed_again(corpus, tmp_path, monkeypatch):
    announced(corpus, tmp_path / "model", monkeypatch)
    with pytest.raises(CorpusError):
        Word2Vec.resume(tmp_path / "model", tmp_path / "missing")
    resumed = Word2Vec.resume(tmp_path / "model")
    assert arrays_of(resumed) == arrays_of(Word2Vec(**COMMON).fit(corpus))


def test_a_resumed_run_does_not_hold_its_checkpoint(corpus, tmp_path):
    stopped(corpus, tmp_path / "model", 3, "0.0001s", **RUNS["counts"])
    held = []
    reports = Reports(callbacks=[lambda _: held.append(len(run.resumed.arrays))])
    run = resumed_run(tmp_path / "model", reports=reports)
    assert run.resumed.arrays
    fit(run)
    assert set(held) == {0}


def test_an_epoch_at_whose_end_a_run_is_interrupted_is_reported(corpus, tmp_path, monkeypatch):
    ended, measured = [], ValidationText.loss

    def callback(report):
        if report.epoch_ended:
            ended.append(report.epoch)

    def interrupted(self, embeddings):
        if ended == [1]:
            signal.raise_signal(signal.SIGINT)
        return measured(self, embeddings)

    monkeypatch.setattr(ValidationText, "loss", interrupted)
    model = Word2Vec(**COMMON, **RUNS["counts"])
    with default_signals(), pytest.raises(TrainingInterrupted) as caught:
        model.fit(
            corpus,
            callbacks=[callback],
            checkpoints=Checkpoints(tmp_path / "model"),
            validation=Validation(fraction=0.1),
        )
    assert caught.value.reached == (2, 0)
    assert ended == [1, 2]
    Word2Vec.resume(tmp_path / "model", callbacks=[callback])
    assert ended == [1, 2, 3]


@pytest.mark.parametrize("model", [None, 5, "/", b"model"], ids=repr)
def test_what_no_checkpoint_can_lie_beside_is_refused(model):
    with pytest.raises(ConfigurationError, match="checkpoints: expected the path of the model f"):
        Checkpoints(model)


@pytest.mark.parametrize("fit", [Word2Vec.fit, Word2Vec.fit_counts], ids=["text", "counts"])
@pytest.mark.parametrize("name", ["validation", "checkpoints"])
def test_options_of_another_type_are_refused(corpus, fit, name):
    message = f"{name}: expected {name.capitalize()}.*, got 'text.txt' .str."
    with pytest.raises(ConfigurationError, match=message):
        fit(Word2Vec(), corpus, **{name: "text.txt"})


def test_nothing_is_resumed_beside_a_root():
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        Word2Vec.resume("/")
