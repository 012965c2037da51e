"""What is trained: the families of trainers, each at the settings that it is tuned over."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from fastw2v.comparison.requests import SharedSettings, TrainingRequest
from fastw2v.comparison.rivals import fastw2v_settings
from fastw2v.config import Hyperparameters
from fastw2v.errors import ConfigurationError

__all__ = ["FAMILIES", "Family", "PlannedRun", "added", "chosen", "tuned"]

_SHARED = {each.name for each in fields(SharedSettings)}
# What a request holds that makes no other training of it.
_PLACES = ("corpus", "vectors", "seed", "n_words", "held_out")


@dataclass(frozen=True)
class Family:
    """A line of the picture.

    Attributes
    ----------
    title : str
    trainer : str
        A name of `fastw2v.comparison.rivals.RIVALS`.
    settings : dict
        What all its runs are given.
    epochs : tuple of int
    samples : tuple of float, or of None
        Subsampling thresholds; None: the trainer's default.
    """

    title: str
    trainer: str
    settings: dict[str, Any]
    epochs: tuple[int, ...] = (5, 20)
    samples: tuple[float | None, ...] = (1e-3, 1e-4)

    @property
    def is_ours(self) -> bool:
        """Whether it is this package's."""
        return self.trainer == "fastw2v"


_SUBWORDS = {"inputs": "subwords"}
FAMILIES = {
    "exact": Family("fastw2v, exact", "fastw2v", {}, (1, 2, 3, 5, 10, 20), (None,)),
    "subwords": Family(
        "fastw2v, exact with subwords", "fastw2v", _SUBWORDS, (1, 2, 3, 5, 10), (None,)
    ),
    "replicas": Family(
        "fastw2v, exact with subwords, 4 replicas",
        "fastw2v",
        _SUBWORDS | {"replicas": 4},
        (5,),
        (None,),
    ),
    "negative": Family("fastw2v, negative sampling", "fastw2v", {"objective": "negative"}),
    "cbow": Family(
        "fastw2v, CBOW with negative sampling",
        "fastw2v",
        {"objective": "negative", "model": "cbow"},
    ),
    "hierarchical": Family(
        "fastw2v, hierarchical softmax", "fastw2v", {"objective": "hierarchical"}
    ),
    "gensim": Family("gensim", "gensim", {}),
    "word2vec.c": Family("word2vec.c", "word2vec", {}),
    "fastText": Family("fastText", "fasttext", _SUBWORDS),
}


@dataclass(frozen=True)
class PlannedRun:
    """A run by its name, its family's, and what its process is asked for."""

    name: str
    family: str
    request: TrainingRequest

    @property
    def names(self) -> tuple[str, str, str]:
        """By which it can be chosen: "ours" or "rivals", its family's, its own."""
        side = "ours" if FAMILIES[self.family].is_ours else "rivals"
        return side, self.family, self.name

    def identity(self) -> dict[str, Any]:
        """Return all that its result depends on beside corpus and seed.

        This package's settings are there with their defaults, so that another default is another
        run.

        Raises
        ------
        ConfigurationError
            If this package refuses the settings.
        """
        values = {key: value for key, value in asdict(self.request).items() if key not in _PLACES}
        if FAMILIES[self.family].is_ours:
            values["settings"] = Hyperparameters(**fastw2v_settings(self.request)).as_dict()
            del values["settings"]["seed"]
            if values["settings"]["replicas"] == 1:  # results are older than the setting
                del values["settings"]["replicas"]
        found: dict[str, Any] = json.loads(json.dumps(values))
        return found

    def key(self) -> str:
        """Return the digest of `identity`."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def tuned(
    base: TrainingRequest,
    *,
    epochs: Sequence[int] | None = None,
    samples: Sequence[float] | None = None,
) -> list[PlannedRun]:
    """Return the runs of every family.

    Parameters
    ----------
    base : TrainingRequest
        What all have in common.
    epochs, samples : sequence, optional
        In place of those of families that go over the text.
    """
    found = []
    for name, family in FAMILIES.items():
        over_text = family.samples != (None,)
        for sample in samples if over_text and samples else family.samples:
            for count in epochs if over_text and epochs else family.epochs:
                found.append(_run(base, name, {"epochs": count, "sample": sample}))
    return found


def added(base: TrainingRequest, text: str) -> PlannedRun:
    """Return the run of ``FAMILY=JSON``, settings that a family is to be tried at too.

    Raises
    ------
    ConfigurationError
        If there is no such family, or the rest is no object of JSON with settings.
    """
    name, _, settings = text.partition("=")
    if name not in FAMILIES:
        raise ConfigurationError(f"add: expected one of {', '.join(FAMILIES)}, got {name!r}")
    try:
        given = json.loads(settings)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"add: expected {name}=JSON, got {text!r} ({error})") from error
    if not isinstance(given, dict):
        raise ConfigurationError(f'add: expected an object like {{"epochs": 10}}, got {settings}')
    return _run(base, name, given)


def chosen(runs: Sequence[PlannedRun], only: Sequence[str] | None) -> list[PlannedRun]:
    """Return the runs that are named, by `PlannedRun.names`; all for None.

    Raises
    ------
    ConfigurationError
        If a name is none of them.
    """
    if only is None:
        return list(runs)
    by_place = zip(*(run.names for run in runs), strict=True)
    known = list(dict.fromkeys(name for names in by_place for name in names))
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ConfigurationError(
            f"runs: expected some of {', '.join(known)}; got {', '.join(unknown)}"
        )
    return [run for run in runs if not set(run.names).isdisjoint(only)]


def _run(base: TrainingRequest, family: str, given: dict[str, Any]) -> PlannedRun:
    settings = FAMILIES[family].settings | given
    shared = {key: value for key, value in settings.items() if key in _SHARED}
    own = {key: value for key, value in settings.items() if key not in _SHARED}
    request = replace(base, trainer=FAMILIES[family].trainer, settings=own, **shared)
    name = f"{family} {request.epochs}"
    if request.sample is not None:
        name += f" x {'t' if family == 'fastText' else 'sample'} {request.sample:g}"
    more = {key: value for key, value in given.items() if key not in ("epochs", "sample")}
    name += "".join(f" {key} {value}" for key, value in more.items())
    return PlannedRun(name, family, request)
