"""Train one embedding with one trainer in this process; the benchmarks start it as a child.

Prints one JSON line: seconds of each stage as far as the trainer tells them apart, peak memory,
and where the vectors are. ``--started`` is the parent's clock at the start, so that importing,
reading, counting and training are all in ``wall_s``; writing the vectors for the parent is not.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

Result = dict[str, Any]


def save(path: Path, words: list[str], counts: Any, tables: dict[str, Any]) -> None:
    np.savez(path, words=np.array(words, dtype=np.str_), counts=np.asarray(counts), **tables)


def train_fastw2v(options: argparse.Namespace) -> Result:
    from fastw2v import Word2Vec

    settings = {"window": options.window, **json.loads(options.settings)}
    model = Word2Vec(
        workers=options.workers,
        vector_size=options.vector_size,
        min_count=options.min_count,
        epochs=options.epochs,
        tokenizer="whitespace",
        seed=options.seed,
        **settings,
    )
    model.fit(options.corpus)
    wall_s = time.time() - options.started
    assert model.summary is not None
    tables = {"in": model.in_vectors}
    if model.settings.objective != "hierarchical":  # which has none for words
        tables["out"] = model.out_vectors
    save(options.vectors, model.vocabulary.words, model.vocabulary.counts, tables)
    stages = {
        "read_s": model.summary.read_s,
        "count_s": model.summary.count_s,
        "train_s": model.summary.train_s,
        "passes_s": model.history[-1].elapsed_s,
        "pass_losses_nats": [record.loss_nats for record in model.history],
        "loss_nats": model.summary.loss_nats,
    }
    if options.held_out:
        stages |= held_out_losses(model, options.corpus, options.held_out)
    return {"wall_s": wall_s, **stages}


def held_out_losses(model: Any, corpus: Path, held_out: Path) -> dict[str, float]:
    """Return losses of a text in nats a pair: the objective's own, the model's, the calibrated.

    Both numbers of the calibration are fitted on a sample of the training text, for every
    objective alike (`fastw2v.calibration`).
    """
    from fastw2v.calibration import calibrate, calibrated_loss
    from fastw2v.context_scores import SoftmaxScores, TreeScores
    from fastw2v.counts import count_pairs
    from fastw2v.huffman import huffman_tree
    from fastw2v.input_rows import CbowRows, CentreRows
    from fastw2v.parallel import WorkerPool
    from fastw2v.stream_fitting import training_rows
    from fastw2v.tokens import encode_corpus

    plain = model.perplexity(held_out)
    settings, vectors = model.settings, model.in_vectors
    log_unigram = np.log(model.vocabulary.counts / model.vocabulary.counts.sum())
    biases = log_unigram.astype(np.float32)

    def encoded(text: Path) -> Any:
        return encode_corpus(text, model.vocabulary, tokenizer=settings.tokenizer)

    with WorkerPool(model.workers) as pool:
        if settings.objective == "hierarchical":
            tree = huffman_tree(model.vocabulary.counts)
            scores: Any = TreeScores(model.out_vectors, tree, pool)
        else:
            scores = SoftmaxScores(model.out_vectors, pool)
        found = calibrate(
            scores, training_rows(vectors, encoded(corpus), settings, model.workers), biases
        )
        tokens = encoded(held_out)
        if settings.model == "cbow":
            rows: Any = CbowRows(
                vectors, tokens, window=settings.window, mean=settings.cbow_mean, sample=20_000
            )
        else:
            counts = count_pairs(tokens, len(vectors), settings.window, workers=model.workers)
            rows = CentreRows(vectors, counts)
        calibrated = calibrated_loss(scores, rows, biases, found)
    return {
        "own_nats": plain.objective_loss_nats,
        "model_nats": plain.loss_nats,
        "calibrated_nats": calibrated,
        "temperature": found.temperature,
    }


def train_gensim(options: argparse.Namespace) -> Result:
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=options.vector_size,
        window=options.window,
        min_count=options.min_count,
        workers=options.workers,
        seed=options.seed,
        sg=1,
        negative=5,
        **json.loads(options.settings),
    )
    began = time.time()
    model.build_vocab(corpus_file=str(options.corpus))
    read_s = time.time() - began
    model.train(
        corpus_file=str(options.corpus),
        total_examples=model.corpus_count,
        total_words=model.corpus_total_words,
        epochs=options.epochs,
    )
    now = time.time()
    counts = [model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key]
    tables = {"in": model.wv.vectors, "out": model.syn1neg}
    save(options.vectors, model.wv.index_to_key, counts, tables)
    return {
        "wall_s": now - options.started,
        "read_s": read_s,
        "train_s": now - began - read_s,
    }


def train_word2vec_c(options: argparse.Namespace) -> Result:
    from gensim.models import KeyedVectors

    program = Path(sys.executable).parent / "word2vec"
    binary = options.vectors.with_suffix(".bin")
    arguments = {
        "train": options.corpus,
        "output": binary,
        "size": options.vector_size,
        "window": options.window,
        "min-count": options.min_count,
        "threads": options.workers,
        "iter": options.epochs,
        "cbow": 0,
        "negative": 5,
        "hs": 0,
        "sample": 1e-3,
        "binary": 1,
    }
    flags = [str(part) for name, value in arguments.items() for part in (f"-{name}", value)]
    subprocess.run([program, *flags], check=True, stdout=subprocess.DEVNULL)
    wall_s = time.time() - options.started
    keyed = KeyedVectors.load_word2vec_format(str(binary), binary=True)
    keep = [word for word in keyed.index_to_key if word != "</s>"]
    counts = np.arange(len(keep), 0, -1)  # the binary format has no counts; order is enough
    save(options.vectors, keep, counts, {"in": keyed[keep]})
    return {"wall_s": wall_s}


TRAINERS = {
    "fastw2v": train_fastw2v,
    "gensim": train_gensim,
    "word2vec.c": train_word2vec_c,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trainer", choices=TRAINERS)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("vectors", type=Path, help=".npz to write")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--min-count", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--started", type=float, default=time.time())
    parser.add_argument("--held-out", type=Path, help="a text to measure losses on (fastw2v)")
    parser.add_argument("--settings", default="{}", help="more settings of the trainer, as JSON")
    options = parser.parse_args()
    result = TRAINERS[options.trainer](options)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    result["peak_bytes"] = 1024 * (children if options.trainer == "word2vec.c" else own)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
