"""How large the report is, how long it takes to open, and how soon it answers.

    python bench/bench_report.py --words 10000 70000
    python bench/bench_report.py --words 70000 --map umap

The vectors are random ones around 300 directions: size, and times but those of UMAP, do not depend
on what they are. The first call of umap-learn compiles it. Needs Playwright and Chromium
(`tests/report/test_report_browser.py`).
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from commands import run_command
from playwright.sync_api import sync_playwright

from fastw2v import Word2Vec
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.report import ReportOptions, write_report
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.result import TrainedModel

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def random_model(n_words: int, dimensions: int) -> Word2Vec:
    """Return a model that was never trained."""
    generator = np.random.default_rng(1)
    counts = (1e6 / np.arange(1, n_words + 1)).astype(np.int64) + 1
    words = [f"word{number}" for number in range(n_words)]
    tables = generator.normal(0, 0.3, (2, n_words, dimensions)).astype(np.float32)
    centres = generator.normal(0, 0.3, (300, dimensions)).astype(np.float32)
    tables[0] += centres[generator.integers(0, len(centres), n_words)]
    bias = np.log(counts / counts.sum()).astype(np.float32)
    model = Word2Vec(vector_size=dimensions)
    vocabulary = Vocabulary(words, counts, int(counts.sum()), n_words)
    model._trained = TrainedModel(model.settings, Embeddings(vocabulary, *tables, bias))
    return model


def main() -> None:
    """Print a row for each number of words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, nargs="+", default=[10_000, 70_000])
    parser.add_argument("--dimensions", type=int, default=100)
    parser.add_argument("--map", choices=["pca", "umap", "tsne"], default="pca")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    arguments = parser.parse_args()
    print("| words | MB | s to write | of them CPU s | s to open | s to answer |")
    print("|---|---|---|---|---|---|")
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(executable_path=arguments.chromium, args=_FLAGS)
        for n_words in arguments.words:
            model = random_model(n_words, arguments.dimensions)
            path = Path(folder) / "report.html"
            began = time.perf_counter()
            began_cpu = time.process_time()
            write_report(model, path, ReportOptions("bench", arguments.map, with_evaluation=False))
            written = time.perf_counter()
            cpu = time.process_time() - began_cpu
            page = browser.new_page()
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            opened = time.perf_counter()
            for number in range(5):
                page.fill("#find", f"word{number}")
                page.press("#find", "Enter")
                page.wait_for_function(
                    "word => document.getElementById('word-title').textContent === word",
                    arg=f"word{number}",
                )
            answered = (time.perf_counter() - opened) / 5
            print(
                f"| {n_words:,} | {path.stat().st_size / 1e6:.1f} | {written - began:.1f} | "
                f"{cpu:.1f} | {opened - written:.1f} | {answered:.2f} |"
            )
            page.close()


if __name__ == "__main__":
    run_command(main)
