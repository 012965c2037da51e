"""A command or an option that there is not is answered by the one that was meant."""

import pytest

from fastw2v.cli.main import COMMANDS
from fastw2v.cli.suggestions import _OTHER_COMMANDS

COMMAND = {
    "trian": "train",
    "Train": "train",
    "neighbours": "neighbors",
    "most-similar": "neighbors",
    "evaluate": "eval",
    "perplexitty": "perplexity",
    "nn": "neighbors",
    "fit": "train",
    "phrase": "phrases",
}
OPTION = {
    "--lowercase": "here it is --keep-case (words are lower-cased unless it is set)",
    "--size": "here it is --vector-size",
    "--dim=100": "here it is --vector-size",
    "--iter": "here it is --epochs",
    "--lr": "here it is --learning-rate",
    "--minCount": "here it is --min-count",
    "--min_count": "here it is --min-count",
    "--threads": "here it is --workers",
    "--hs": "here it is --objective ('hierarchical' where hs=1)",
    "--vectr-size": "did you mean --vector-size?",
    "--epoch": "here it is --epochs",
    "--no-canonicall": "did you mean --no-canonical or",
    "--valid": "did you mean --validation or --validation-fraction?",
}


@pytest.mark.parametrize("typed", COMMAND)
def test_commands_are_answered_by_the_nearest(run, typed):
    status, shown, errors = run(typed, "file")
    assert (status, shown) == (2, "")
    assert f"No such command '{typed}'; did you mean {COMMAND[typed]}" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("typed", ["xyzzy", "häßlich", "7", "a" * 1000])
def test_what_is_near_no_command_is_only_refused(run, typed):
    status, _, errors = run(typed)
    assert status == 2
    assert "No such command" in errors
    assert "did you mean" not in errors
    assert len(errors) < 300


@pytest.mark.parametrize("typed", OPTION)
def test_options_are_answered_by_the_one_that_was_meant(run, typed):
    status, shown, errors = run("train", "text", "-o", "model", typed)
    assert (status, shown) == (2, "")
    assert OPTION[typed] in errors
    assert errors.endswith("see 'fastw2v train --help'\n")
    assert errors.count("\n") == 1


def test_an_option_of_another_command_is_not_offered(run):
    _, _, errors = run("neighbors", "model", "word", "--size", "5")
    assert "--vector-size" not in errors
    _, _, errors = run("train", "text", "--lowercasing")
    assert "--workers" not in errors
    assert run("counts", "infoo", "x")[0] == 2


def test_names_of_others_are_none_of_ours():
    others = [name for names in _OTHER_COMMANDS.values() for name in names]
    assert len(set(others)) == len(others)
    assert not set(others) & set(COMMANDS)
    assert set(_OTHER_COMMANDS) <= set(COMMANDS)
