"""What commands say of a text that looks as if it were to be read otherwise: what they can do."""

import re

import click
import pytest

from fastw2v import Checkpoints, Word2Vec
from fastw2v.cli.main import command_line
from tests.support.corpora_made import write_text

LINES = "the rain fell on a city that had not been dry for weeks, and nobody\n" * 5
CLAUSES = "我们今天去北京看朋友，然后一起吃晚饭。\n" * 100
SETTINGS = {"vector_size": 4, "min_count": 1, "epochs": 1, "sample": 0.0, "workers": 1}
TRAINING_AGAIN = re.compile("or train another (model|one)[^\n]*")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notices")
    (folder / "book.txt").write_text(f"{LINES}\n" * 60)
    (folder / "clauses.txt").write_text(CLAUSES)
    text = [line.split() for line in LINES.splitlines()] * 40
    text += [["我们今天去北京看朋友", "然后一起吃晚饭"]] * 120
    write_text(folder / "text.txt", text)
    model = Word2Vec(**SETTINGS).fit(folder / "text.txt")
    model.save(folder / "model")
    model.export(folder / "vectors.txt")
    return folder


def options_of(command):
    found = command_line.get_command(click.Context(command_line), command).params
    return {name for option in found for name in (*option.opts, *option.secondary_opts)}


DECIDED = {
    "perplexity": ["perplexity", "model", "{}"],
    "calibration": ["calibration", "model", "{}"],
    "eval": ["eval", "model", "--text", "{}", "--workers", "1"],
    "train": ["train", "{}", "-o", "new", "--start-from", "model", "--epochs", "1"],
    "dry run": ["train", "{}", "--dry-run", "--start-from", "model"],
}
FREE = {
    "train": ["train", "{}", "-o", "new", "--vector-size", "4", "--min-count", "1"],
    "in a budget": ["train", "{}", "-o", "new", "--min-count", "1", "--memory", "600"],
    "vectors": ["train", "{}", "-o", "new", "--min-count", "1", "--start-from", "vectors.txt"],
    "dry run": ["train", "{}", "--dry-run", "--min-count", "1"],
    "count": ["count", "{}", "-o", "counts", "--min-count", "1"],
    "phrases": ["phrases", "{}", "-o", "phrases.tsv", "--min-count", "1"],
}
TEXTS = {"book.txt": "its lines look wrapped", "clauses.txt": "a script without blanks"}


def notice_in(errors, seen):
    found = [line for line in errors.splitlines() if seen in line]
    assert len(found) == 1, errors
    return found[0]


def at(place, tmp_path, monkeypatch):
    for path in place.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", DECIDED)
def test_where_a_model_decides_the_notice_says_so(run, place, tmp_path, monkeypatch, name, text):
    at(place, tmp_path, monkeypatch)
    command = DECIDED[name]
    status, _, errors = run(*(word.format(text) for word in command))
    assert status == 0, errors
    said = notice_in(errors, TEXTS[text])
    assert "as the settings of model have it" in said
    advice = TRAINING_AGAIN.search(said)
    assert advice is not None
    assert set(OPTION.findall(advice[0])) <= options_of("train")
    assert not OPTION.findall(said.replace(advice[0], ""))  # none that would be refused


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", FREE)
def test_elsewhere_the_command_has_the_options_that_it_names(
    run, place, tmp_path, monkeypatch, name, text
):
    at(place, tmp_path, monkeypatch)
    command = FREE[name]
    status, _, errors = run(*(word.format(text) for word in command))
    assert status == 0, errors
    said = notice_in(errors, TEXTS[text])
    named = set(OPTION.findall(said))
    assert named
    assert named <= options_of(command[0])


def test_a_resumed_run_has_its_settings(place, tmp_path):
    def stop(report):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Word2Vec(**{**SETTINGS, "epochs": 3}).fit(
            place / "book.txt",
            checkpoints=Checkpoints(tmp_path / "model", every="0.0001s"),
            callbacks=[lambda report: report.epoch == 2 and stop(report)],
        )
    told = []
    Word2Vec.resume(tmp_path / "model", notice=told.append)
    said = notice_in("\n".join(told), TEXTS["book.txt"])
    assert "as the settings that the run began with have it" in said


def test_advice_about_words_that_do_not_match(run, place, tmp_path, monkeypatch):
    """Settings of text that are a model's are no options of a run that starts from it."""
    at(place, tmp_path, monkeypatch)
    write_text(tmp_path / "other.txt", [["alpha", "beta", "gamma", "the"]] * 50)
    command = ("train", "other.txt", "-o", "new", "--min-count", "1", "--epochs", "1")
    said = notice_in(run(*command, "--start-from", "model")[2], "of the text, have vectors of")
    assert "the text is cut by the settings of model" in said
    assert not OPTION.findall(said)
    said = notice_in(run(*command, "--start-from", "vectors.txt")[2], "of the text, have vectors")
    assert "--tokenizer" in said


@pytest.mark.parametrize(
    ("more", "is_advised"),
    [([], True), (["--model", "cbow"], False), (["--batches", "tokens"], False)],
)
def test_counts_are_advised_where_they_can_be_added(
    run, place, tmp_path, monkeypatch, more, is_advised
):
    at(place, tmp_path, monkeypatch)
    command = ("train", "text.txt", "-o", "new", "--start-from", "model", "--epochs", "1")
    said = notice_in(run(*command, *more)[2], "training is on the new text alone")
    assert ("--start-counts" in said) == is_advised
