"""Short trainings that tests of comparisons ask for."""

from fastw2v.comparison.requests import TrainingRequest

QUICK = ["--vector-size", "6", "--epochs", "2", "--min-count", "2", "--workers", "1"]


def request(trainer, corpus, folder, **changes):
    named = {"vector_size": 6, "epochs": 2, "min_count": 2, **changes}
    return TrainingRequest(trainer=trainer, corpus=corpus, vectors=folder / "v.npz", **named)
