"""Records of runs as they would be, and trainings that take no time."""

import hashlib
from pathlib import Path

import numpy as np
from quality.plan import added, tuned
from quality.results import Results

from fastw2v.comparison.requests import TrainingRequest, save_vectors
from fastw2v.evaluation.test_sets import bundled_analogies, bundled_pairs

BASE = TrainingRequest(trainer="fastw2v", corpus=Path("text.txt"), vectors=Path("v.npz"))
RUNS = {run.name: run for run in tuned(BASE)}
MACHINE = {"cpu": "one", "cores": "2"}


def planned_run(name, **settings):
    """Return a run of the plan, or with more settings."""
    if not settings:
        return RUNS[name]
    import json

    return added(BASE, f"{name}={json.dumps(settings)}")


def record(seconds, mean, *, seed=1, form="in", other=0.0, **more):
    """Return a record whose vectors of one form have a mean, and those of another form `other`."""

    def scores(value):
        return {
            "known": {"WordSim-353": value, "mean": value},
            "all pairs": {"WordSim-353": value / 2},
        }

    second = "in+out" if form == "in" else "in"
    return {
        "seed": seed,
        "wall_s": seconds,
        "cpu_s": 2 * seconds,
        "peak_bytes": 2**28,
        "handed_out": form,
        "quality": {form: scores(mean), second: scores(other)},
        "covered": {"WordSim-353": [249, 353]},
        "made": {"WordSim-353": 99},
        "machine": MACHINE,
        "sources": "aaaa",
        **more,
    }


def results(folder, measured, *, planned=None, seeds=(1,)):
    """Return a file of results; `measured` is (name, record) each."""
    found = Results.begin(folder / "q.json", title="made", corpus={"sha256": "c"}, sets={"s": "d"})
    found.plan([RUNS[name] for name in planned or dict.fromkeys(n for n, _ in measured)], seeds)
    for name, each in measured:
        found.add(RUNS[name], each)
    return found


def words_of_the_sets(n_words=400):
    """Return words of all test sets, so that each is covered in part."""
    words = [word for pairs in bundled_pairs() for row in pairs.pairs[:60] for word in row[:2]]
    for questions in bundled_analogies():
        words += [word for rows in questions.sections.values() for row in rows[:6] for word in row]
    return list(dict.fromkeys(word.lower() for word in words))[:n_words]


def instant(asked, failing=()):
    """Return a stand-in for `train_once`: random vectors at once, noted in `asked`."""

    def train_once(request):
        name = f"{request.trainer} {request.epochs}"
        asked.append((name, request.sample, request.seed))
        if name in failing:
            return {"error": "no such luck", "is_missing": False, "install": "-"}
        words = words_of_the_sets()
        # hash() differs between processes
        digest = hashlib.sha256(request.as_json().encode()).digest()
        generator = np.random.default_rng(list(digest))
        tables = {
            name: generator.normal(size=(len(words), 5)).astype(np.float32)
            for name in ("in", "out")
        }
        save_vectors(request.vectors, words, np.arange(len(words), 0, -1), tables)
        return {
            "wall_s": 1.0 * request.epochs,
            "cpu_s": 1.5,
            "peak_bytes": 2**27,
            "loss": None,
            "settings": {},
            "handed_out": "in+out",
        }

    return train_once
