"""`make demo`'s script on a made-up corpus of words that its tests and its questions know."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors
from gensim.test.utils import datapath

from fastw2v import Word2Vec

ROOT = Path(__file__).parents[2]
ASKED = ["music", "river", "computer", "president", "green"]
ANALOGY = ["athens", "greece", "oslo", "norway"]


def test_the_demo_trains_shows_and_saves(tmp_path):
    with Path(datapath("wordsim353.tsv")).open(encoding="utf-8") as file:
        pairs = [line.lower().split()[:2] for line in file if not line.startswith("#")]
    words = sorted({*ASKED, *ANALOGY, *(word for pair in pairs[:30] for word in pair)})
    sentences = np.random.default_rng(1).choice(words, (600, 8))
    corpus = tmp_path / "made.txt"
    corpus.write_text("\n".join(" ".join(line) for line in sentences) + "\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "bench" / "demo.py",
            "--corpus",
            corpus,
            "--output",
            tmp_path / "m",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"vocabulary {len(words)} words" in done.stdout
    for word in ASKED:
        assert done.stdout.count(f"\n  {word} ") == 2  # neighbours, and contexts
    assert "WordSim-353" in done.stdout
    assert Word2Vec.load(tmp_path / "m").summary.loss_nats > 0
    assert len(KeyedVectors.load_word2vec_format(str(tmp_path / "m.txt"))) == len(words)
