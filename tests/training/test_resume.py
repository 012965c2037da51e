"""A run that was interrupted anywhere ends in the same bytes as one that was not."""

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest

from fastw2v import Checkpoints, Validation, Word2Vec
from fastw2v.errors import CheckpointError, ConfigurationError, CorpusError
from fastw2v.training.checkpoints import checkpoint_path, read_checkpoint, write_checkpoint
from tests.support.corpora_made import random_sentences, write_text

COMMON = {"vector_size": 6, "window": 2, "min_count": 1, "epochs": 3, "seed": 3}
RUNS = {
    "counts": {"batch_rows": 16},
    "counts in learned bias": {"batch_rows": 16, "bias": "learned", "optimizer": "adagrad"},
    "tokens": {"batches": "tokens", "batch_tokens": 300, "precision": "float32"},
    "subwords": {"inputs": "subwords", "batch_rows": 16},
    "subwords of tokens": {
        "inputs": "subwords",
        "batches": "tokens",
        "batch_tokens": 300,
        "precision": "float32",
    },
    "replicas": {"replicas": 3, "epochs": 1, "batch_rows": 16},
    "replicas of subwords": {
        "replicas": 3,
        "epochs": 1,
        "inputs": "subwords",
        "bias": "learned",
        "batch_rows": 16,
    },
    "plain gradient": {"optimizer": "sgd", "batch_rows": 16},
    "cbow": {"model": "cbow", "batch_tokens": 300, "sample": 0.1},
    "negative": {"objective": "negative"},
    "cbow negative": {"objective": "negative", "model": "cbow"},
    "hierarchical": {"objective": "hierarchical"},
    "negative subwords": {"objective": "negative", "inputs": "subwords"},
}
STREAMS = [name for name, settings in RUNS.items() if "objective" in settings]


class StoppedHereError(Exception):
    """What a callback raises in place of a killed process."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    sentences = random_sentences(4, 60, sentences=700, longest=20)
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


@pytest.fixture
def short_calls(monkeypatch):
    """Streams report after each block, so that a short text has places to stop at."""
    monkeypatch.setattr("fastw2v.objectives.stream.tables.BLOCKS_PER_CALL", 1)


def arrays_of(model):
    tables = (model.in_vectors, model.out_vectors, model.out_bias)
    return [table.tobytes() for table in tables] + [model.embeddings.temperature]


def losses_of(model):
    return [(r.epoch, r.loss_nats, r.learning_rate) for r in model.history]


def stopping_at(step):
    def callback(report):
        if report.step == step:
            raise StoppedHereError

    return callback


def stopped(corpus, target, step, every, workers=1, **settings):
    """Train until a step, then stop as if killed; the checkpoint stays."""
    model = Word2Vec(workers=workers, **COMMON | settings)
    with pytest.raises(StoppedHereError):
        model.fit(
            corpus, callbacks=[stopping_at(step)], checkpoints=Checkpoints(target, every=every)
        )
    return read_checkpoint(checkpoint_path(target))


def steps_of(corpus, **settings):
    reports = []
    model = Word2Vec(workers=1, **COMMON | settings).fit(corpus, callbacks=[reports.append])
    return model, [report.step for report in reports], reports


@pytest.mark.parametrize("name", RUNS)
def test_stopped_within_an_epoch_and_resumed(corpus, tmp_path, short_calls, name):
    whole, steps, _ = steps_of(corpus, **RUNS[name])
    place = steps[len(steps) // 2 - 1]  # in the second epoch of three
    checkpoint = stopped(corpus, tmp_path / "model", place, "0.0001s", **RUNS[name])
    assert checkpoint.state.epochs_done == 1
    assert checkpoint.state.steps_done > 0
    workers = 1 if name in STREAMS else 3
    resumed = Word2Vec.resume(tmp_path / "model", workers=workers)
    assert arrays_of(resumed) == arrays_of(whole)
    assert losses_of(resumed) == losses_of(whole)
    assert resumed.summary.loss_nats == whole.summary.loss_nats
    assert resumed.settings == whole.settings
    assert resumed.corpus_digest == whole.corpus_digest
    resumed.save(tmp_path / "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
    assert arrays_of(Word2Vec.load(tmp_path / "model")) == arrays_of(whole)


@pytest.mark.parametrize("name", ["counts", "subwords", "cbow", "negative"])
def test_resumed_from_the_end_of_an_epoch_and_of_all(corpus, tmp_path, short_calls, name):
    whole, steps, _ = steps_of(corpus, **RUNS[name])
    per_epoch = len(steps) // 3
    for epochs, place in ((1, steps[per_epoch]), (3, steps[-1])):
        target = tmp_path / str(epochs)
        checkpoint = stopped(corpus, target, place, "1epoch", **RUNS[name])
        assert (checkpoint.state.epochs_done, checkpoint.state.steps_done) == (epochs, 0)
        assert arrays_of(Word2Vec.resume(target, workers=1)) == arrays_of(whole)


def test_a_run_may_be_stopped_and_resumed_again_and_again(corpus, tmp_path):
    whole, steps, _ = steps_of(corpus, **RUNS["counts"])
    stopped(corpus, tmp_path / "model", steps[0] + 1, "0.0001s", **RUNS["counts"])
    for place in (steps[2] + 1, steps[5], steps[-1]):
        with pytest.raises(StoppedHereError):
            Word2Vec.resume(tmp_path / "model", callbacks=[stopping_at(place)], workers=2)
    assert arrays_of(Word2Vec.resume(tmp_path / "model")) == arrays_of(whole)


@pytest.mark.parametrize("sabotage", ["in_moments", "in_visits", "out_moments", "steps_done"])
def test_a_state_that_is_not_whole_is_caught(corpus, tmp_path, monkeypatch, sabotage):
    """Were a moment or a position left out, the bytes would differ: the comparison sees it."""
    whole, steps, _ = steps_of(corpus, **RUNS["counts"])
    place = steps[len(steps) // 3] + 1  # two batches into the second epoch
    stopped(corpus, tmp_path / "model", place, "0.0001s", **RUNS["counts"])

    def spoilt(path):
        checkpoint = read_checkpoint(path)
        if sabotage == "steps_done":
            checkpoint.state.steps_done += 1
        else:
            checkpoint.arrays[sabotage][:] = 0
        return checkpoint

    monkeypatch.setattr("fastw2v.training.resume.read_checkpoint", spoilt)
    assert arrays_of(Word2Vec.resume(tmp_path / "model")) != arrays_of(whole)


def test_streams_resume_at_any_number_of_workers(corpus, tmp_path, short_calls):
    """Not bit by bit, but every pair once and the loss where it was."""
    whole, steps, _ = steps_of(corpus, **RUNS["negative"])
    stopped(corpus, tmp_path / "model", steps[len(steps) // 2], "0.0001s", **RUNS["negative"])
    resumed = Word2Vec.resume(tmp_path / "model", workers=2)
    assert math.isclose(resumed.summary.loss_nats, whole.summary.loss_nats, rel_tol=0.02)
    assert [record.epoch for record in resumed.history] == [1, 2, 3]


def test_seconds_go_on_from_where_they_were(corpus, tmp_path):
    _, steps, _ = steps_of(corpus, **RUNS["counts"])
    checkpoint = stopped(corpus, tmp_path / "model", steps[-2], "0.0001s", **RUNS["counts"])
    before_s = checkpoint.state.elapsed_s
    resumed = Word2Vec.resume(tmp_path / "model")
    elapsed = [record.elapsed_s for record in resumed.history]
    assert elapsed == sorted(elapsed)
    assert elapsed[-1] > before_s > elapsed[-2]


def test_a_new_run_does_not_overwrite_an_unfinished_one(run, corpus, tmp_path):
    stopped(corpus, tmp_path / "model", 3, "0.0001s", **RUNS["counts"])
    before = checkpoint_path(tmp_path / "model").read_bytes()
    status, _, errors = run("train", corpus, "-o", tmp_path / "model", "--quiet")
    assert status == 2
    assert "an unfinished run is saved there; go on with it by 'fastw2v train --resume" in errors
    assert checkpoint_path(tmp_path / "model").read_bytes() == before


def test_resuming_takes_no_settings(run, corpus, tmp_path):
    stopped(corpus, tmp_path / "model", 3, "0.0001s", **RUNS["counts"])
    for option in (["--epochs", "9"], ["--output", "x"], ["--patience", "1"], ["--seed", "1"]):
        status, _, errors = run("train", "--resume", tmp_path / "model", *option)
        assert status == 2
        assert f"{option[0]}: expected no settings beside --resume" in errors
    assert run("train", "--resume", tmp_path / "model", "--workers", "1", "--quiet")[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
    status, shown, _ = run("train", "--resume", tmp_path / "model")
    assert (status, shown.split(": ")[1]) == (
        0,
        "is trained and saved; there is nothing to resume\n",
    )
    status, _, errors = run("train", "--resume", tmp_path / "another")
    assert status == 2
    assert "another.checkpoint: no such checkpoint; begin the run with 'fastw2v train'" in errors


def test_another_corpus_is_refused(corpus, tmp_path):
    text = tmp_path / "text.txt"
    shutil.copy(corpus, text)
    stopped(text, tmp_path / "model", 3, "0.0001s", **RUNS["counts"])
    text.write_text(text.read_text(encoding="utf-8").replace("w1 ", "w2 ", 1), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"corpus: expected the text that the run began with .*"):
        Word2Vec.resume(tmp_path / "model")
    assert checkpoint_path(tmp_path / "model").exists()
    text.unlink()
    with pytest.raises(CorpusError, match=r"text\.txt: no such file"):
        Word2Vec.resume(tmp_path / "model")
    assert Word2Vec.resume(tmp_path / "model", corpus).summary is not None


def test_lists_of_tokens_have_to_be_given_again(tmp_path):
    sentences = random_sentences(4, 30)
    stopped(sentences, tmp_path / "model", 3, "0.0001s", **RUNS["counts"])
    message = r"were lists of tokens or tables, not files; pass the same"
    with pytest.raises(CheckpointError, match=message):
        Word2Vec.resume(tmp_path / "model")
    whole = Word2Vec(**COMMON, **RUNS["counts"]).fit(sentences)
    assert arrays_of(Word2Vec.resume(tmp_path / "model", sentences)) == arrays_of(whole)


def rewritten(path, change):
    """Change the JSON of a checkpoint, and nothing else."""
    from safetensors.numpy import load_file, save_file

    from fastw2v.system.array_files import read_metadata

    content = json.loads(read_metadata(path)["fastw2v"])
    change(content)
    save_file(load_file(path), path, {"fastw2v": json.dumps(content)})


class StateOfPasses:
    """A state as it was written when epochs were called passes."""

    def __init__(self, state):
        self.state = state

    def as_dict(self):
        values = self.state.as_dict()
        former = {
            "epochs_done": "passes_done",
            "steps_done": "batches_done",
            "epoch_began_s": "pass_began_s",
            "kept_epoch": "kept_pass",
        }
        history = [
            {"pass_number" if name == "epoch" else name: value for name, value in record.items()}
            for record in values.pop("history")
        ]
        return {former.get(name, name): value for name, value in values.items()} | {
            "history": history
        }


def test_checkpoints_of_passes_go_on(corpus, tmp_path):
    whole, steps, _ = steps_of(corpus, **RUNS["counts"])
    place = steps[len(steps) // 2]
    checkpoint = stopped(corpus, tmp_path / "model", place, "0.0001s", **RUNS["counts"])
    path = checkpoint_path(tmp_path / "model")
    about = replace(checkpoint.run, every="2passes")
    former = replace(checkpoint, run=about, state=StateOfPasses(checkpoint.state))
    write_checkpoint(path, former)
    assert b"passes_done" in path.read_bytes()
    assert read_checkpoint(path).state == checkpoint.state
    assert read_checkpoint(path).run.every == "2epochs"
    resumed = Word2Vec.resume(tmp_path / "model")
    assert arrays_of(resumed) == arrays_of(whole)
    assert losses_of(resumed) == losses_of(whole)


def flipped(path):
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "missing": (lambda p: p.unlink(), "no such checkpoint"),
    "cut": (lambda p: p.write_bytes(p.read_bytes()[:-1]), "damaged"),
    "empty": (lambda p: p.write_bytes(b""), "damaged"),
    "a bit flipped": (flipped, "expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}"),
    "a position changed": (
        lambda p: rewritten(p, lambda c: c["state"].update(steps_done=0)),
        "expected SHA-256",
    ),
    "foreign": (lambda p: rewritten(p, lambda c: c.update(format="x")), "another kind of file"),
    "newer": (
        lambda p: rewritten(p, lambda c: c.update(schema_version=2)),
        "expected schema version 1, got 2",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_no_sound_checkpoint_is_told(corpus, tmp_path, damage):
    stopped(corpus, tmp_path / "model", 3, "0.0001s", **RUNS["counts"])
    path = checkpoint_path(tmp_path / "model")
    change, message = DAMAGE[damage]
    change(path)
    with pytest.raises(CheckpointError, match=message) as caught:
        Word2Vec.resume(tmp_path / "model")
    assert str(path) in str(caught.value)


def test_a_checkpoint_of_another_shape_is_refused(corpus, tmp_path, monkeypatch):
    stopped(corpus, tmp_path / "model", 3, "0.0001s", **RUNS["counts"])

    def narrower(path):
        checkpoint = read_checkpoint(path)
        checkpoint.arrays["in_vectors"] = checkpoint.arrays["in_vectors"][:-16]
        return checkpoint

    monkeypatch.setattr("fastw2v.training.resume.read_checkpoint", narrower)
    with pytest.raises(CheckpointError, match="in_vectors: expected float32 of shape"):
        Word2Vec.resume(tmp_path / "model")


def test_a_run_that_was_only_announced_begins_anew(corpus, tmp_path, monkeypatch):
    def killed(*arguments, **options):
        raise StoppedHereError

    with monkeypatch.context() as patched:
        patched.setattr("fastw2v.training.fit.read_text", killed)
        with pytest.raises(StoppedHereError):
            Word2Vec(**COMMON).fit(corpus, checkpoints=Checkpoints(tmp_path / "model", "1epoch"))
    assert read_checkpoint(checkpoint_path(tmp_path / "model")).state is None
    whole = Word2Vec(**COMMON).fit(corpus)
    assert arrays_of(Word2Vec.resume(tmp_path / "model")) == arrays_of(whole)


def test_an_error_before_training_leaves_no_checkpoint(tmp_path):
    with pytest.raises(CorpusError):
        Word2Vec().fit(tmp_path / "missing", checkpoints=Checkpoints(tmp_path / "model", "1epoch"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("every", "seconds", "epochs"),
    [
        ("10min", 600, None),
        ("90s", 90, None),
        ("1.5 h", 5400, None),
        ("1epoch", None, 1),
        ("3 epochs", None, 3),
        (None, None, None),
    ],
)
def test_how_often(every, seconds, epochs):
    checkpoints = Checkpoints("model", every)
    assert (checkpoints.seconds, checkpoints.epochs) == (seconds, epochs)


@pytest.mark.parametrize(
    "every",
    ["", "10", "min", "0s", "0epochs", "1.5epochs", "-1min", "1day", 600, "9" * 5000 + "epochs"],
    ids=lambda every: f"{every!s:.12}",
)
def test_how_often_in_other_words_is_refused(every):
    with pytest.raises(ConfigurationError, match=r"checkpoint_every: expected a time as '10min'"):
        Checkpoints("model", every)


def test_best_and_last_good_epochs_are_resumed_too(corpus, tmp_path):
    """Stopped when the best epoch is behind, the resumed run still ends in it."""
    settings = {**RUNS["counts"], "learning_rate": 1.0}
    held_out = random_sentences(5, 60, sentences=60)
    validation = Validation(text=held_out)
    asked = {"validation": validation, "patience": 2}
    settings = {**COMMON, **settings, "epochs": 8}
    reports = []
    whole = Word2Vec(**settings).fit(corpus, callbacks=[reports.append], **asked)
    best = whole.run_record.kept_epoch
    assert best < len(whole.history)
    step = next(r.step for r in reports if r.epoch == best + 1 and not r.epoch_ended) + 1
    with pytest.raises(StoppedHereError):
        Word2Vec(**settings).fit(
            corpus,
            callbacks=[stopping_at(step)],
            checkpoints=Checkpoints(tmp_path / "model", "0.0001s"),
            **asked,
        )
    assert any(n.startswith("kept/") for n in read_checkpoint(tmp_path / "model.checkpoint").arrays)
    resumed = Word2Vec.resume(tmp_path / "model", validation=validation)
    assert arrays_of(resumed) == arrays_of(whole)
    assert resumed.run_record.kept_epoch == best
    found = [record.held_out_loss_nats for record in resumed.history]
    assert found == [record.held_out_loss_nats for record in whole.history]
    assert np.argmin(found) == best - 1
