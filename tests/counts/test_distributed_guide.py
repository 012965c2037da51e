"""The examples of docs/distributed.md run, in their order."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fastw2v.counts.folder import read_counts
from tests.support.corpora_made import random_sentences, write_text
from tests.support.programs import tree

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def run_block(kind, code, folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if kind == "python":
        path = folder / "example.py"
        body = "\n".join("    " + line for line in code.splitlines())
        path.write_text(f"if __name__ == '__main__':\n{body}\n")
        commands = [[sys.executable, str(path)]]
    else:
        lines = [shlex.split(line, comments=True) for line in code.splitlines()]
        assert all(line[0] == "fastw2v" for line in lines)
        commands = [[sys.executable, "-m", *line] for line in lines]
    for command in commands:
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


@pytest.mark.slow
def test_the_guide_s_examples_run(tmp_path):
    pytest.importorskip("distributed")
    blocks = BLOCK.findall((ROOT / "docs" / "distributed.md").read_text(encoding="utf-8"))
    assert [kind for kind, _ in blocks].count("python") == 1
    write_text(tmp_path / "corpus.txt", random_sentences(1, 60, sentences=500))
    (tmp_path / "folder").mkdir()
    write_text(tmp_path / "folder" / "more.txt", random_sentences(2, 60, sentences=200))
    found = []
    for kind, code in blocks:
        run_block(kind, code, tmp_path)
        if "folder" in code and (tmp_path / "counts").exists() and "merge" not in code:
            found.append(tree(tmp_path / "counts"))
    assert len(found) == 3
    assert all(one == found[0] for one in found)  # spilled, on two workers, by a client
    assert len(read_counts(tmp_path / "both").statistics.digests) == 2
    assert (tmp_path / "bound" / "config.json").is_file()
