"""Try every command in the surroundings of containers, services and pipes, and say what goes wrong.

    python -m bench.try_surroundings
    python -m bench.try_surroundings --commands train eval --surroundings "locale C" --signals 20

Commands are those that the command line has: one without a recipe in
tests/support/command_recipes.py is the first thing that goes wrong. Each is run as another user who
has no home and may not write to the package, in each of the surroundings of
tests/support/surroundings.py (closed and full streams, a reader who has gone, a locale of C, no
room on the disk, no kernels, damaged ones), refused with --log-json, and signalled at random
moments. Exit status 1 if anything is wrong.
"""

import argparse
import random
import sys
from collections.abc import Iterator

from fastw2v.cli.manual import EXIT_DONE, EXIT_ERROR
from tests.support.command_recipes import RECIPES, commands, without_recipe
from tests.support.surroundings import (
    CACHES,
    SURROUNDINGS,
    Outcome,
    Workplace,
    can_be_another_user,
    interrupted,
    refused,
    tried,
    verdict,
)


def trials(
    place: Workplace, wanted: dict[str, set[str]], surroundings: list[str], signals: int, seed: int
) -> Iterator[tuple[str, str, Outcome, list[str]]]:
    """Yield surroundings, command, how it ended, and what is wrong with that."""
    generator = random.Random(seed)
    kept = {cache: place.folder / f"kept-{cache}" for cache in CACHES}
    for name, options in wanted.items():
        whole_s = 5.0
        for title in surroundings:
            way = SURROUNDINGS[title]
            line = f"{name} {RECIPES[name].arguments}"
            outcome = tried(place, line, way, temporary=kept.get(title))
            if title == "container":
                whole_s = outcome.seconds
            yield title, name, outcome, verdict(name, outcome, way.statuses, log_json=False)
        is_logged = "--log-json" in options
        outcome = refused(place, name, options)
        yield "refused", name, outcome, verdict(name, outcome, (EXIT_ERROR,), log_json=is_logged)
        for _ in range(signals):
            outcome, wrong = interrupted(place, name, options, generator, whole_s)
            yield "signalled", name, outcome, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--commands", nargs="+", metavar="NAME", help="'counts info' is one")
    parser.add_argument("--surroundings", nargs="+", choices=SURROUNDINGS, metavar="NAME")
    parser.add_argument("--signals", type=int, default=3, help="of each command")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    missing = without_recipe()
    if missing:
        sys.exit(f"tests/support/command_recipes.py: no recipe, or no command: {missing}")
    if not can_be_another_user():
        sys.exit("a superuser needs setpriv (util-linux) to start processes as another user")
    known = dict(commands())
    wanted = {name: known[name] for name in asked.commands or known}
    chosen = asked.surroundings or list(SURROUNDINGS)
    runs = faults = 0
    with Workplace() as place:
        for title, name, outcome, wrong in trials(place, wanted, chosen, asked.signals, asked.seed):
            runs += 1
            faults += bool(wrong)
            found = "; ".join(wrong) or "as it should"
            print(f"{title:20} {name:12} {outcome.status:4} {outcome.seconds:6.1f} s  {found}")
            if wrong:
                said = [line for line in outcome.errors.splitlines() if line.strip()]
                print("".join(f"    {line}\n" for line in [outcome.command, *said[-12:]]), end="")
            sys.stdout.flush()
    print(f"{runs} runs of {len(wanted)} commands, {faults} with something wrong")
    sys.exit(1 if faults else EXIT_DONE)


if __name__ == "__main__":
    main()
