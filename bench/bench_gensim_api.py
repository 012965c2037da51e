"""One script, two imports: gensim's Word2Vec against fastw2v.gensim_api's, speed and quality.

    python bench/bench_gensim_api.py CORPUS [--scripts NAME ...] [--rounds R] [--workers W]

Every run is a process of its own that runs the same lines with the one or the other import; the
two alternate, round after round, each round with another seed. Times are those of the whole
process, and of the constructor alone, which reads, builds the vocabulary and trains 5 epochs by
gensim's defaults. fastw2v's kernels are compiled before, by a run that is not counted. Quality is
the mean of WordSim-353, SimLex-999 (Spearman's rho) and Google analogies (accuracy).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from commands import run_command
from machine import header, unpin_blas

HOMES = {"gensim": "gensim.models.word2vec", "fastw2v": "fastw2v.gensim_api"}
SCRIPTS: dict[str, dict[str, Any]] = {
    "cbow": {},
    "cbow-sum": {"cbow_mean": 0},
    "skipgram": {"sg": 1},
    "cbow-hs": {"hs": 1, "negative": 0},
    "skipgram-hs": {"sg": 1, "hs": 1, "negative": 0},
    "skipgram-file": {"sg": 1, "by_file": True},
}

TEMPLATE = """
import json, sys, time
options = json.loads(sys.argv[1])
from {home} import LineSentence, Word2Vec
began = time.perf_counter()
corpus, by_file = options.pop("corpus"), options.pop("by_file", False)
source = {{"corpus_file": corpus}} if by_file else {{"sentences": LineSentence(corpus)}}
model = Word2Vec(**source, **options)
built_s = time.perf_counter() - began
model.wv.save_word2vec_format(sys.argv[2], binary=True)
print(json.dumps({{"built_s": built_s, "words": len(model.wv)}}))
"""


def run(home: str, options: dict[str, Any], vectors: Path) -> dict[str, float]:
    script = TEMPLATE.format(home=home)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(options), str(vectors)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    wall_s = time.perf_counter() - began
    return {"wall_s": wall_s, **json.loads(done.stdout)}


def quality(vectors: Path) -> float:
    from gensim.models import KeyedVectors

    from fastw2v.evaluation import scores

    keyed = KeyedVectors.load_word2vec_format(str(vectors), binary=True)
    return statistics.mean(score.value for score in scores(keyed))


def compare(name: str, arguments: argparse.Namespace, folder: Path) -> None:
    options = {"corpus": str(arguments.corpus), "workers": arguments.workers, **SCRIPTS[name]}
    vectors = folder / "vectors.bin"
    run(HOMES["fastw2v"], {**options, "epochs": 1}, vectors)
    results: dict[str, list[dict[str, float]]] = {trainer: [] for trainer in HOMES}
    for seed in range(1, arguments.rounds + 1):
        for trainer, home in HOMES.items():
            found = run(home, {**options, "seed": seed}, vectors)
            results[trainer].append({**found, "quality": quality(vectors)})
    for trainer, rows in results.items():
        means = {key: statistics.mean(row[key] for row in rows) for key in rows[0]}
        spread = max(row["quality"] for row in rows) - min(row["quality"] for row in rows)
        print(
            f"{name:14} {trainer:8} process {means['wall_s']:6.1f} s, Word2Vec() "
            f"{means['built_s']:6.1f} s, quality {means['quality']:.4f} (spread {spread:.4f})"
        )
    for key, what in (("wall_s", "process"), ("built_s", "Word2Vec()")):
        pairs = zip(results["gensim"], results["fastw2v"], strict=True)
        ratios = [theirs[key] / ours[key] for theirs, ours in pairs]
        print(f"{name:14} {what}: fastw2v is {statistics.median(ratios):.1f} times as fast")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--scripts", nargs="+", choices=SCRIPTS, default=["cbow", "skipgram"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    print(header("gensim"))
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.scripts:
            compare(name, arguments, Path(folder))


if __name__ == "__main__":
    unpin_blas()
    run_command(main)
