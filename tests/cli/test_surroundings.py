"""Every command in the surroundings of containers and pipes: a small part of what bench/ tries."""

import random

import click
import pytest

from fastw2v.cli.main import COMMANDS, command_line
from fastw2v.cli.manual import EXIT_DONE, EXIT_ERROR, EXIT_INTERRUPTED
from tests.support import command_recipes
from tests.support.command_recipes import RECIPES, commands, without_recipe
from tests.support.surroundings import (
    SURROUNDINGS,
    Outcome,
    Workplace,
    can_be_another_user,
    interrupted,
    refused,
    tried,
    verdict,
)

KNOWN = dict(commands())
SMALL = ("container", "locale C", "all closed", "reader gone", "no room")


def test_every_command_has_a_recipe():
    assert without_recipe() == [], "give the command a recipe in tests/support/command_recipes.py"
    assert {name.split()[0] for name in KNOWN} == set(COMMANDS)


def test_a_new_command_is_missed(monkeypatch):
    """Sabotage: a command that nobody has written a recipe for, and one that is gone."""
    monkeypatch.setitem(command_line.commands, "new", click.Command("new"))
    monkeypatch.setattr(
        type(command_line), "list_commands", lambda self, context: [*COMMANDS[1:], "new"]
    )
    found = type(command_line).get_command
    monkeypatch.setattr(
        type(command_line),
        "get_command",
        lambda self, context, name: self.commands.get(name) or found(self, context, name),
    )
    assert command_recipes.without_recipe() == ["new", "train"]


FAULTS = {
    "a status": Outcome("", 1, "", "", 1.0, [], ["vectors.txt"]),
    "a killed process": Outcome("", -15, "", "", 1.0, [], []),
    "a traceback": Outcome(
        "", 0, "", "Traceback (most recent call last)", 1.0, [], ["vectors.txt"]
    ),
    "a temporary file": Outcome("", 0, "", "", 1.0, [".fastw2v-1-2"], ["vectors.txt"]),
    "a result that is missing": Outcome("", 0, "", "", 1.0, [], []),
    "a result too many": Outcome("", 130, "", "", 1.0, [], ["else"]),
    "a silent error": Outcome("", 2, "", "oops", 1.0, [], []),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_seen(fault):
    allowed = (EXIT_DONE, EXIT_ERROR, EXIT_INTERRUPTED)
    assert verdict("export", FAULTS[fault], allowed, log_json=False)


@pytest.mark.parametrize("line", ["", "no JSON", '{"event": "stage"}', '"text"', "null"])
def test_an_end_that_is_no_event_is_seen(line):
    ended = Outcome("", 130, "", f"{line}\n", 1.0, [], [])
    assert verdict("export", ended, (EXIT_INTERRUPTED,), log_json=True)
    told = Outcome("", 130, "", '{"event": "error", "exit_status": 130}\n', 1.0, [], [])
    assert not verdict("export", told, (EXIT_INTERRUPTED,), log_json=True)


@pytest.fixture(scope="module")
def place():
    if not can_be_another_user():
        pytest.skip("a superuser needs setpriv (util-linux) to start processes as another user")
    with Workplace(caches=()) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_a_command_in_its_surroundings(place, name):
    line = f"{name} {RECIPES[name].arguments}"
    whole_s = 5.0
    for title in SMALL:
        way = SURROUNDINGS[title]
        outcome = tried(place, line, way)
        assert not verdict(name, outcome, way.statuses, log_json=False), (title, outcome)
        whole_s = outcome.seconds if title == "container" else whole_s
    is_logged = "--log-json" in KNOWN[name]
    outcome = refused(place, name, KNOWN[name])
    assert not verdict(name, outcome, (EXIT_ERROR,), log_json=is_logged), outcome
    outcome, wrong = interrupted(place, name, KNOWN[name], random.Random(name), whole_s)
    assert not wrong, outcome
