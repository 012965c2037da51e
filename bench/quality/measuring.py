"""How the benchmarks measure vectors: test sets, forms of the vectors, scores; and warm kernels."""

import hashlib
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.comparison.requests import TrainingRequest
from fastw2v.comparison.runs import train_once
from fastw2v.comparison.stored import StoredVectors
from fastw2v.errors import ConfigurationError
from fastw2v.evaluation import WordTable, evaluate_analogies, evaluate_similarity
from fastw2v.evaluation.test_sets import (
    AnalogySet,
    PairSet,
    bundled_analogies,
    bundled_pairs,
    read_pairs,
)

__all__ = ["FEW_LINES", "TestSets", "forms", "scores_of", "warm_up"]

FEW_LINES = 200


@dataclass(frozen=True)
class TestSets:
    """What vectors are measured on."""

    pairs: list[PairSet]
    analogies: list[AnalogySet]

    __test__ = False  # pytest would take it for a class of tests

    @classmethod
    def read(cls, named: Iterable[str] = ()) -> Self:
        """Return the sets that come with gensim, and pairs given as ``NAME=FILE``.

        Raises
        ------
        ConfigurationError
            If a text has no name or no file, or a name is there twice.
        EvaluationError
            If a file is no list of pairs.
        """
        pairs, analogies = bundled_pairs(), bundled_analogies()
        taken = {each.name for each in (*pairs, *analogies)}
        for text in named:
            name, _, file = text.partition("=")
            if not name or not file:
                raise ConfigurationError(f"pairs: expected NAME=FILE, got {text!r}")
            if name in taken:
                raise ConfigurationError(f"pairs: expected another name, there is a {name!r}")
            taken.add(name)
            pairs.append(read_pairs(Path(file), name))
        return cls(pairs, analogies)

    def digests(self) -> dict[str, str]:
        """Return what tells each set from another one of its name."""
        content: dict[str, Any] = {each.name: each.pairs for each in self.pairs}
        content |= {each.name: each.sections for each in self.analogies}
        return {
            name: hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]
            for name, value in content.items()
        }


def forms(stored: StoredVectors) -> dict[str, WordTable]:
    """Return the tables that a trainer's vectors can be used as.

    "in", and where there are output vectors of words "in+out", the sum, and "both", the two of
    length 1 side by side; the first two also with the mean of their vectors taken off.
    """
    found = {}
    for name, table in stored.word_tables.items():
        found[name] = table
        found[f"{name}, centred"] = table.centred()
    if "out" in stored.tables:
        sides = [WordTable(stored.words, stored.tables[name]).unit for name in ("in", "out")]
        found["both"] = WordTable(stored.words, np.concatenate(sides, axis=1))
    return found


def scores_of(table: WordTable, sets: TestSets, workers: int) -> dict[str, Any]:
    """Return a table's scores.

    Returns
    -------
    dict
        "known": Spearman's rho over the pairs of known words and 3CosAdd's accuracy on the
        analogies by set, None where nothing is covered, and their "mean" if there are all.
        "all pairs": rho over all pairs of each set, with vectors made of unknown words' n-grams; a
        word that gets none counts as cosine 0, and so do all unknown words without n-grams.
        "made": pairs of each set that have vectors by n-grams alone. "covered": pairs or questions
        of known words, and all, by set.
    """
    known: dict[str, float | None] = {}
    every: dict[str, float | None] = {}
    made, covered = {}, {}
    of_unknown = replace(table, make_unknown=table.make_unknown or _no_vectors(table))
    for pairs in sets.pairs:
        result = evaluate_similarity(of_unknown, pairs, resamples=0).as_dict()
        known[pairs.name] = result["spearman"]
        every[pairs.name] = result["with_unknown"]["spearman"]
        made[pairs.name] = result["with_unknown"]["made"]
        covered[pairs.name] = [result["covered"], result["total"]]
    alone = replace(table, make_unknown=None)
    for questions in sets.analogies:
        overall = evaluate_analogies(alone, questions, workers=workers).overall
        known[questions.name] = overall.as_dict()["cos_add_accuracy"]
        covered[questions.name] = [overall.covered, overall.total]
    values = [value for value in known.values() if value is not None]
    if len(values) == len(known):
        known["mean"] = statistics.mean(values)
    return {"known": known, "all pairs": every, "made": made, "covered": covered}


def _no_vectors(table: WordTable) -> Any:
    def make(words: Sequence[str]) -> NDArray[np.float32]:
        return np.zeros((len(words), table.vectors.shape[1]), np.float32)

    return make


def warm_up(asked: Iterable[TrainingRequest], folder: Path) -> None:
    """Train ours on a few lines: the first run ever on a machine compiles kernels."""
    for request in asked:
        if request.trainer.startswith("fastw2v"):
            few = folder / "few.txt"
            with request.corpus.open("rb") as file:
                few.write_bytes(b"".join(islice(file, FEW_LINES)))
            train_once(replace(request, corpus=few, min_count=1, epochs=1))
