"""How long a large model takes to write, to open mapped, to verify, and to read whole."""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from commands import run_command

from fastw2v import Word2Vec
from fastw2v.formats.model_folder import StoredModel, write_model
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.text.vocabulary import Vocabulary


def made(n_words: int, dimensions: int) -> StoredModel:
    """Return a model of random vectors."""
    tables = np.random.default_rng(1).random((2, n_words, dimensions), np.float32)
    words = [f"word{k}" for k in range(n_words)]
    vocabulary = Vocabulary(words, np.arange(n_words, 0, -1), 10**9, n_words)
    embeddings = Embeddings(vocabulary, *tables, np.zeros(n_words, np.float32))
    settings = Word2Vec(vector_size=dimensions).settings.as_dict()
    config = {"hyperparameters": settings, "corpus": {"digest": None}, "summary": None}
    return StoredModel(config | {"history": []}, embeddings)


def timed(name: str, call: Callable[[], Any], times: int = 1) -> None:
    """Print the least of some times that a call takes."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        took.append(time.perf_counter() - started)
    print(f"{name:24} {1000 * min(took):12,.2f} ms")


def main() -> None:
    """Write a model to a temporary folder and open it in every way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=250)
    options = parser.parse_args()
    model = made(options.words, options.dimensions)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model"
        timed("write", lambda: write_model(model, target))
        size = sum(path.stat().st_size for path in target.iterdir())
        print(f"{'size':24} {size / 2**20:12,.0f} MiB")
        timed("open mapped", lambda: Word2Vec.load(target, mmap=True), 5)
        mapped = Word2Vec.load(target, mmap=True)
        timed("decode its words", lambda: mapped.vocabulary.words)
        timed("open mapped, verify", lambda: Word2Vec.load(target, mmap=True, verify=True))
        timed("read whole", lambda: Word2Vec.load(target))


if __name__ == "__main__":
    run_command(main)
