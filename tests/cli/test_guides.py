"""The guides' examples run, in the order in which they stand."""

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas
import pytest

from tests.support.programs import PROGRAM

ROOT = Path(__file__).parents[2]
GUIDES = [
    "api",
    "text_to_vectors",
    "objectives",
    "report",
    "items_and_graphs",
    "command_line",
    "subwords",
    "input",
    "phrases",
    "tutorials/items",
    "tutorials/languages",
    "tutorials/from_gensim",
    "tutorials/from_fasttext",
    "continued_training",
]
# They start programs, or train on the articles that come with gensim, as they say.
SLOW_GUIDES = ["quick_start", "tutorials/words", "tutorials/domain_corpus"]
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.DOTALL | re.MULTILINE)
TOPICS = {
    "river": "river water valley bridge flows bank stream boat fish sea",
    "music": "music song piano band melody singer album concert violin tune",
    "court": "court judge law trial jury lawyer verdict prison appeal crime",
}


def made_text(seed, lines):
    generator = np.random.default_rng(seed)
    topics = [words.split() for words in TOPICS.values()]
    chosen = generator.integers(0, len(topics), lines)
    return "".join(
        "The " + " ".join(generator.choice(topics[topic], 9)) + " of the day.\n" for topic in chosen
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A current folder with the texts that guides speak of."""
    (tmp_path / "corpus.txt").write_text(made_text(1, 600))
    (tmp_path / "held-out.txt").write_text(made_text(2, 60))
    (tmp_path / "more.txt.gz").write_bytes(gzip.compress(made_text(3, 60).encode()))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "part.txt").write_text(made_text(4, 60))
    tweets = "".join(json.dumps({"text": line}) + "\n" for line in made_text(5, 300).splitlines())
    (tmp_path / "tweets.jsonl.gz").write_bytes(gzip.compress(tweets.encode()))
    reviews = "".join(f'5,"{line}"\n' for line in made_text(6, 60).splitlines())
    (tmp_path / "reviews.csv").write_text(f"stars,review\n{reviews}")
    (tmp_path / "tables").mkdir()
    frame = pandas.DataFrame({"text": made_text(7, 60).splitlines()})
    frame.to_parquet(tmp_path / "tables" / "a.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks_of(path):
    return BLOCK.findall(path.read_text(encoding="utf-8"))


def run_block(kind, code, names):
    if kind == "python":
        exec(compile(code, "<guide>", "exec"), names)
        return
    environment = {
        **os.environ,
        "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code], capture_output=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("guide", GUIDES)
def test_the_examples_of_a_guide_run(place, guide):
    blocks = blocks_of(ROOT / "docs" / f"{guide}.md")
    assert blocks
    names = {}
    for kind, code in blocks:
        run_block(kind, code, names)


@pytest.mark.slow
@pytest.mark.parametrize("guide", SLOW_GUIDES)
def test_the_examples_of_a_slow_guide_run(place, guide):
    test_the_examples_of_a_guide_run(place, guide)


def test_every_tutorial_with_code_is_run():
    tutorials = (ROOT / "docs" / "tutorials").glob("*.md")
    with_code = {f"tutorials/{path.stem}" for path in tutorials if blocks_of(path)}
    assert with_code <= {*GUIDES, *SLOW_GUIDES}


@pytest.mark.slow
def test_the_examples_of_the_readme_run(place):
    (place / "labels.tsv").write_text(
        "".join(f"{word}\t{topic}\n" for topic, words in TOPICS.items() for word in words.split())
    )
    (place / "corpora").mkdir()
    shutil.copy(place / "corpus.txt", place / "corpora" / "wikipedia.txt")
    blocks = blocks_of(ROOT / "README.md")
    blocks = [(kind, code) for kind, code in blocks if not code.startswith("make ")]
    assert {kind for kind, _ in blocks} == {"python", "sh"}
    for kind, code in blocks:
        # A comparison takes minutes and needs the rivals; it has tests of its own.
        run_block(kind, re.sub(r"^fastw2v compare .*\n", "", code, flags=re.MULTILINE), {})


def test_an_example_that_fails_is_noticed(place):
    with pytest.raises(AssertionError):
        run_block("python", "assert 1 == 2", {})
    with pytest.raises(AssertionError, match="no such file"):
        run_block("sh", "fastw2v train missing.txt -o model\necho fine", {})


def test_guides_link_to_pages_that_are_there():
    for guide in GUIDES:
        text = (ROOT / "docs" / f"{guide}.md").read_text(encoding="utf-8")
        for page in re.findall(r"docs/(\w+\.md)", text):
            assert (ROOT / "docs" / page).is_file(), (guide, page)
