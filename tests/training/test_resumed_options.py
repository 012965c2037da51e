"""What a run was asked for belongs to it: resumed, it needs to be told nothing again."""

from dataclasses import fields

import click
import pytest

from fastw2v import Checkpoints, Validation, Word2Vec
from fastw2v.cli.commands.train import train_command
from fastw2v.config import Hyperparameters
from fastw2v.errors import CheckpointError, ConfigurationError
from fastw2v.training.checkpoints import (
    Checkpoint,
    RunDescription,
    checkpoint_path,
    read_checkpoint,
    write_checkpoint,
)
from tests.support.corpora_made import random_sentences, write_text
from tests.training.test_resume import COMMON, StoppedHereError, arrays_of, stopping_at

# Where a checkpoint keeps what an option of `train` says.
STORED = {
    "corpus": "sources",
    "field": "sources",
    "read_as": "sources",
    "counts": "counts",
    "memory": "memory_mib",
    "validation": "validation",
    "validation_fraction": "validation",
    "patience": "patience",
    "checkpoint_every": "every",
    "features": "features",
    "stop_words": "words",
    "start_from": "start",
    "start_vocabulary": "start",
    "start_counts": "start",
    "lock_known": "start",
    "workers": "workers",
}
NAMES = ("output", "resume", "dry_run")  # the checkpoint lies beside it, or there is none
SHOWN = ("quiet", "log_json")  # changes no result
BESIDE = ("corpus", "workers", "tokenizer", *SHOWN)  # may be given to a run that goes on
NEGATIVE = {"objective": "negative"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    sentences = random_sentences(4, 60, sentences=700, longest=20)
    return write_text(tmp_path_factory.mktemp("corpus") / "text.txt", sentences)


@pytest.fixture(autouse=True)
def short_calls(monkeypatch):
    monkeypatch.setattr("fastw2v.objectives.stream.tables.BLOCKS_PER_CALL", 1)


def stopped(corpus, target, *, workers, **settings):
    """Train the first epoch, then stop as if killed; return the checkpoint's description."""
    model = Word2Vec(workers=workers, **COMMON | settings)
    with pytest.raises(StoppedHereError):
        model.fit(
            corpus,
            callbacks=[lambda report: report.epoch == 2 and stopping_at(report.step)(report)],
            checkpoints=Checkpoints(target, every="1epoch"),
            validation=Validation(fraction=0.1),
            patience=3,
            memory_mib=4000 if "objective" in settings else None,
        )
    return read_checkpoint(checkpoint_path(target)).run


def test_every_option_of_train_is_one_that_a_checkpoint_knows():
    options = {option.name for option in train_command.params}
    settings = {item.name for item in fields(Hyperparameters)}
    assert options == settings | set(STORED) | set(NAMES) | set(SHOWN)
    kept = {item.name for item in fields(RunDescription)}
    assert set(STORED.values()) | {"hyperparameters"} <= kept


def sample_of(option):
    if option.is_flag:
        return [option.opts[0]]
    if isinstance(option.type, click.Choice):
        return [option.opts[0], option.type.choices[0]]
    return [option.opts[0], "3"]


@pytest.mark.parametrize(
    "option",
    [option for option in train_command.params if option.name not in ("resume", *BESIDE)],
    ids=lambda option: option.name,
)
def test_no_option_is_taken_and_left_aside(run, tmp_path, option):
    status, shown, errors = run("train", "--resume", tmp_path / "model", *sample_of(option))
    assert (status, shown) == (2, "")
    name = option.name.replace("_", "-")
    refused = "no settings beside"
    if name == "dry-run":
        refused = "CORPUS beside it, no --counts or"
    assert f"--{name}: expected {refused} --resume" in errors


def test_a_run_on_one_worker_goes_on_with_one(corpus, tmp_path):
    whole = Word2Vec(workers=1, **COMMON, **NEGATIVE).fit(
        corpus, validation=Validation(fraction=0.1), patience=3
    )
    about = stopped(corpus, tmp_path / "model", workers=1, **NEGATIVE)
    assert (about.workers, about.patience, about.memory_mib) == (1, 3, 4000)
    assert (about.every, about.validation) == ("1epoch", {"fraction": 0.1})
    said = []
    resumed = Word2Vec.resume(tmp_path / "model", notice=said.append)
    assert resumed.workers == 1
    assert not [sentence for sentence in said if "workers" in sentence]
    assert arrays_of(resumed) == arrays_of(whole)


def test_the_command_line_goes_on_with_the_workers_of_the_run(run, corpus, tmp_path):
    """Sabotage beside it: without the checkpoint's number the bytes would be others."""
    stopped(corpus, tmp_path / "model", workers=1, **NEGATIVE)
    checkpoint = checkpoint_path(tmp_path / "model").read_bytes()
    assert run("train", "--resume", tmp_path / "model", "--quiet")[0] == 0
    alone = (tmp_path / "model" / "arrays.safetensors").read_bytes()
    others = []
    for number in (1, 3):
        target = tmp_path / str(number)
        checkpoint_path(target).write_bytes(checkpoint)
        status, _, errors = run("train", "--resume", target, "--workers", number)
        assert status == 0
        assert ("began with 1 workers and goes on with 3" in errors) == (number == 3)
        others.append((target / "arrays.safetensors").read_bytes())
    assert others[0] == alone
    assert others[1] != alone


def test_another_number_changes_nothing_of_the_exact_softmax(corpus, tmp_path):
    about = stopped(corpus, tmp_path / "model", workers=2)
    assert about.workers == 2
    said = []
    assert Word2Vec.resume(tmp_path / "model", notice=said.append).workers == 2
    resumed = Word2Vec.resume(tmp_path / "model", workers=3, notice=said.append)
    assert resumed.workers == 3
    assert not [sentence for sentence in said if "workers" in sentence]


def test_where_nobody_chose_the_machine_at_hand_decides(corpus, tmp_path):
    assert stopped(corpus, tmp_path / "exact", workers=None).workers is None
    about = stopped(corpus, tmp_path / "model", workers=None, **NEGATIVE)
    assert about.workers == Word2Vec().workers  # its bits depend on it, whoever chose


def test_a_checkpoint_of_before_says_that_it_does_not_know(corpus, tmp_path):
    stopped(corpus, tmp_path / "model", workers=1, **NEGATIVE)
    path = checkpoint_path(tmp_path / "model")
    earlier = read_checkpoint(path)
    earlier.run.workers = None
    write_checkpoint(path, Checkpoint(earlier.run, earlier.state, earlier.arrays))
    said = []
    Word2Vec.resume(tmp_path / "model", workers=1, notice=said.append)
    assert "does not say how many it began with" in " ".join(said)


def test_matrix_tiles_are_told_from_products_without(corpus, tmp_path, monkeypatch):
    """FASTW2V_AMX is an option too: its sums have another order."""
    monkeypatch.setattr("fastw2v.training.run.HAS_AMX", False)
    stopped(corpus, tmp_path / "model", workers=1, precision="auto")
    monkeypatch.setattr("fastw2v.training.run.HAS_AMX", True)
    monkeypatch.setattr("fastw2v.training.run.used_precision", lambda *_: "bf16")
    with pytest.raises(CheckpointError, match=r"is bf16 on matrix tiles on .* FASTW2V_AMX as it"):
        Word2Vec.resume(tmp_path / "model")


@pytest.mark.parametrize(
    ("begun", "given", "message"),
    [
        (None, Validation([["w1", "w2"]]), "expected none, as the run began, got a text"),
        (Validation(fraction=0.1), Validation([["w1", "w2"]]), "expected the fraction 0.1, as .*"),
        (Validation([["w1", "w2"]]), Validation(fraction=0.1), "expected a text, .* fraction 0.1"),
    ],
    ids=["none", "fraction", "text"],
)
def test_validation_of_another_kind_is_refused(corpus, tmp_path, begun, given, message):
    with pytest.raises(StoppedHereError):
        Word2Vec(**COMMON).fit(
            corpus,
            callbacks=[stopping_at(1)],
            checkpoints=Checkpoints(tmp_path / "model", "0.0001s"),
            validation=begun,
        )
    with pytest.raises(ConfigurationError, match=f"validation: {message}; leave it out"):
        Word2Vec.resume(tmp_path / "model", validation=given)
