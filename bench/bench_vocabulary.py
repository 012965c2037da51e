"""Vocabulary and encoding of a large text, against gensim's scan of the same file.

    python bench/bench_vocabulary.py [--tokens 10000000] [--rounds 5]

The text is made up (and kept under corpora/, which git ignores): words of letters, drawn by the
law of Zipf and Mandelbrot with an exponent (1.2) that gives about as many different words as
English has, and with lengths like those of English, in sentences of 5 to 40 words, with capitals,
commas and full stops. The rivals take turns, each time in a fresh process. gensim's scan only
counts words; fastw2v tokenizes, counts, sorts, and encodes every token to its id. All times
include reading the file, from the system's cache. A small text is read first, so that kernels are
loaded; what that takes is reported apart.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
from commands import run_command

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
MIN_COUNT = 5
SEED = 1
GENSIM_FILE, GENSIM_LINES = "gensim corpus_file", "gensim LineSentence"
FASTW2V = ("fastw2v whitespace", "fastw2v words")
RIVALS = (GENSIM_FILE, GENSIM_LINES, *FASTW2V)


def make_text(path: Path, n_tokens: int) -> None:
    rng = np.random.default_rng(SEED)
    n_types = 500_000
    typical = 1.5 + 0.55 * np.log(np.arange(1, n_types + 1))
    lengths = np.clip(rng.normal(typical, 1.5), 1, 24).astype(int).tolist()
    letters = rng.choice(np.frombuffer(b"etaoinshrdlcumwfgypbvkjxqz", np.uint8), 24 * n_types)
    data = letters.tobytes()
    words = np.empty(n_types, object)
    words[:] = [data[24 * place : 24 * place + length] for place, length in enumerate(lengths)]
    weights = np.cumsum((np.arange(n_types) + 3.7) ** -1.2)
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        written = 0
        while written < n_tokens:
            ends = np.cumsum(rng.integers(5, 41, 20_000))
            ends = np.unique(np.minimum(ends, n_tokens - written))
            drawn = words[np.searchsorted(weights, rng.random(ends[-1]) * weights[-1])]
            drawn[rng.random(len(drawn)) < 0.05] += b","
            starts = np.concatenate(([0], ends[:-1]))
            drawn[starts] = [word.capitalize() for word in drawn[starts]]
            drawn[ends - 1] += b".\n"
            file.write(b" ".join(drawn.tolist()).replace(b"\n ", b"\n"))
            written += int(ends[-1])
    temporary.rename(path)


def time_gensim(path: Path, rival: str) -> dict[str, float]:
    from gensim.models.word2vec import LineSentence, Word2Vec

    model = Word2Vec(min_count=MIN_COUNT)
    begin = time.perf_counter()
    if rival == GENSIM_FILE:
        n_tokens, _ = model.scan_vocab(corpus_file=str(path))
    else:
        n_tokens, _ = model.scan_vocab(corpus_iterable=LineSentence(str(path)))
    return {"n_tokens": n_tokens, "elapsed_s": time.perf_counter() - begin}


def time_fastw2v(path: Path, rival: str) -> dict[str, float]:
    begin = time.perf_counter()
    from fastw2v.text.reading import read_corpus

    tokenizer = rival.rsplit(maxsplit=1)[-1]
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder, "small.txt")
        small.write_text("a small text\n")
        read_corpus(small, tokenizer=tokenizer, min_count=1)
    first_s = time.perf_counter() - begin
    begin = time.perf_counter()
    _, tokens = read_corpus(path, tokenizer=tokenizer, min_count=MIN_COUNT)
    elapsed_s = time.perf_counter() - begin
    return {"n_tokens": tokens.n_raw_tokens, "elapsed_s": elapsed_s, "first_s": first_s}


def measured_apart(path: Path, rival: str, **environment: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--text", str(path), "--measure", rival]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env={**os.environ, **environment}
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def compare(path: Path, n_rounds: int) -> None:
    with tempfile.TemporaryDirectory() as empty:
        compiled = measured_apart(path, FASTW2V[1], NUMBA_CACHE_DIR=empty)
    for rival in FASTW2V:  # so that the cache on disk is complete
        measured_apart(path, rival)
    runs: dict[str, list[dict[str, float]]] = {rival: [] for rival in RIVALS}
    for _ in range(n_rounds):
        for rival in RIVALS:
            runs[rival].append(measured_apart(path, rival))
    n_bytes = path.stat().st_size
    print(
        f"{path.name}: {n_bytes / 1e6:.1f} MB; median of {n_rounds} rounds, min_count={MIN_COUNT}"
    )
    print(", ".join(f"{name} {version(name)}" for name in ("fastw2v", "gensim", "numba", "numpy")))
    gensim_s = min(median(run["elapsed_s"] for run in runs[rival]) for rival in RIVALS[:2])
    for rival in RIVALS:
        elapsed_s = median(run["elapsed_s"] for run in runs[rival])
        n_tokens = runs[rival][0]["n_tokens"]
        print(
            f"{rival:20} {elapsed_s:7.3f} s {n_tokens / elapsed_s / 1e6:7.2f} M tokens/s "
            f"{n_bytes / elapsed_s / 1e6:6.0f} MB/s {gensim_s / elapsed_s:6.1f} x gensim"
        )
    loaded_s = median(run["first_s"] for rival in FASTW2V for run in runs[rival])
    print(
        f"import and first call: {loaded_s:.2f} s with cached kernels, "
        f"{compiled['first_s']:.2f} s where they must be compiled"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Vocabulary and encoding, against gensim's scan.")
    parser.add_argument("--tokens", type=int, default=10_000_000, help="length of the text")
    parser.add_argument("--rounds", type=int, default=5, help="how often each rival runs")
    parser.add_argument("--text", type=Path, help="read this text instead of a made-up one")
    parser.add_argument("--measure", choices=RIVALS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    path = options.text or CORPORA / f"zipf-{options.tokens}.txt"
    if options.measure:
        timer = time_fastw2v if options.measure in FASTW2V else time_gensim
        print(json.dumps(timer(path, options.measure)))
        return
    if not path.exists():
        make_text(path, options.tokens)
    compare(path, options.rounds)


if __name__ == "__main__":
    run_command(main)
