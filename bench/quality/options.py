"""Options that benchmarks of quality share, and the training that they ask for."""

import argparse
from pathlib import Path

from fastw2v.comparison.requests import TrainingRequest

__all__ = ["add_training", "base_request"]


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add what a training on a corpus takes, and what it is measured on."""
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--pairs", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--min-count", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--title", default="", help="what the corpus is, for the JSON file")


def base_request(options: argparse.Namespace, folder: Path) -> TrainingRequest:
    """Return the training by this package that all runs are variations of."""
    return TrainingRequest(
        trainer="fastw2v",
        corpus=options.corpus,
        vectors=folder / "vectors.npz",
        vector_size=options.vector_size,
        min_count=options.min_count,
        workers=options.workers,
    )
