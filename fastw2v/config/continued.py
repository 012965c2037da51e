"""Settings of a run that goes on from earlier vectors."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fastw2v.config.counting import PHRASE_NAMES
from fastw2v.config.defaults import CONTINUED_RATES
from fastw2v.config.hyperparameters import Hyperparameters

__all__ = ["continued_settings"]

# What follows from the objective is not taken over from a run of another one.
_OF_OBJECTIVE = {"epochs", "sample", "final_rate", "min_n", "max_n"}
_OF_MACHINE = {"device"}  # another machine may have none
_FROM_NOTHING = {"replicas"}  # only runs that begin by counts have several


def continued_settings(
    given: Mapping[str, Any],
    dimensions: int,
    before: Hyperparameters | None,
    *,
    all_pairs: bool = False,
) -> Hyperparameters:
    """Return the settings of a run that starts from earlier vectors.

    Parameters
    ----------
    given : mapping
        The hyper-parameters that were asked for, by name.
    dimensions : int
        Of the vectors.
    before : Hyperparameters, optional
        Those of the earlier run, which fill what was not asked for and is looked at. The learning
        rate has a default of its own, what follows from another objective is not taken over, and
        phrases that were found are joined, not looked for again. Nor is the device taken over.
    all_pairs : bool
        Whether the run begins by the pairs of both texts. Its learning rate is then that of a run
        which starts from nothing, and it has as many replicas as the earlier one.

    Raises
    ------
    ConfigurationError
        As `Hyperparameters`.
    """
    values: dict[str, Any] = {"vector_size": dimensions}
    if before is not None:
        kind = {name: getattr(before, name) for name in ("model", "objective", "tokenizer")}
        chosen = Hyperparameters(**kind | _among(given, kind))
        for name in ("batches", "inputs"):
            if chosen.uses(name):
                value = given.get(name, getattr(before, name))
                if name == "inputs" and value == "features" and chosen.objective != "softmax":
                    value = "words"
                chosen = Hyperparameters(**chosen.given | {name: value})
        same = chosen.objective == before.objective
        values |= {
            item.name: getattr(before, item.name)
            for item in fields(Hyperparameters)
            if chosen.uses(item.name)
            and item.name not in PHRASE_NAMES
            and item.name not in _OF_MACHINE
            and (all_pairs or item.name not in _FROM_NOTHING)
            and (same or item.name not in _OF_OBJECTIVE)
        }
        values |= chosen.given
    values |= given
    if "learning_rate" not in given:
        values.pop("learning_rate", None)
        anew = Hyperparameters(**values)
        part = 1.0 if all_pairs else CONTINUED_RATES[anew.objective]
        values["learning_rate"] = anew.learning_rate * part
    return Hyperparameters(**values)


def _among(values: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in names}
