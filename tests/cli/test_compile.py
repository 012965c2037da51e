"""`fastw2v compile`: what later runs need is there, and nothing is said to be that is not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastw2v import Word2Vec
from fastw2v.cli.commands import compile as command
from fastw2v.cli.main import main
from fastw2v.kernels import compilation
from tests.support.corpora_made import write_text

ROOT = Path(__file__).parents[2]


def ran(arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code or 0


@pytest.fixture
def compiled(monkeypatch):
    asked = []
    monkeypatch.setattr(command, "_compile", lambda settings: asked.append(settings.given))
    return asked


def test_without_settings_every_objective_is_compiled(compiled, capsys):
    assert ran(["compile", "--quiet"]) == 0
    assert compiled[0] == {}
    assert sorted(map(str, compiled)) == sorted(map(str, command.USUAL))
    kinds = {(kind.get("model", "skipgram"), kind.get("objective", "softmax")) for kind in compiled}
    assert len(kinds) == 6
    assert capsys.readouterr().out.startswith(str(compilation.folder_of_kernels()))


def test_with_settings_these_alone(compiled, capsys):
    assert ran(["compile", "--quiet", "--objective", "negative", "--vector-size", "7"]) == 0
    assert compiled == [{"objective": "negative", "vector_size": 7}]
    assert "kernels of 1 kind of runs" in capsys.readouterr().out
    assert ran(["compile", "--negative", "7"]) == 2  # of no use without its objective


def test_nowhere_to_keep_them_is_an_error(compiled, monkeypatch, capsys):
    monkeypatch.setattr(compilation, "folder_of_kernels", lambda: None)
    assert ran(["compile"]) == 2
    assert "set NUMBA_CACHE_DIR" in capsys.readouterr().err
    assert not compiled


def test_a_run_that_fails_is_told(monkeypatch, capsys):
    monkeypatch.setattr(command.sys, "executable", "/bin/false")
    assert ran(["compile", "--vector-size", "7"]) == 2
    assert "a run with the settings {'vector_size': 7}: exit status 1" in capsys.readouterr().err


COUNTED = """
import sys
from numba.core import event

class Compilations(event.Listener):
    count = 0
    def on_start(self, event):
        Compilations.count += 1
        args = event.data["dispatcher"].py_func
        print("COMPILED", args.__module__, args.__qualname__, file=sys.stderr)
    def on_end(self, event):
        pass

event.register("numba:compile", Compilations())
from fastw2v.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--objective", "negative"),
        ("--objective", "hierarchical"),
        ("--model", "cbow"),
        ("--rare-words", "sampled"),
    ],
)
def test_a_fresh_process_after_it_compiles_nothing(options, tmp_path, chain_file):
    """As in an image that was built with it; the text is another one, and longer."""
    options = ["--vector-size", "8", *options]
    if "sampled" in options:
        lines = [["w1", f"v{k}", f"v{k + 1}", f"v{7 * k % 8192}"] for k in range(9000)]
        chain_file = write_text(tmp_path / "many.txt", lines)
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(tmp_path / "k"),
        "PYTHONPATH": str(ROOT),
    }

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-c", COUNTED, *map(str, arguments)],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [line for line in done.stderr.splitlines() if line.startswith("COMPILED")]

    model = tmp_path / "model"
    train = ["train", chain_file, "-o", model, "--min-count", "1", *options]
    assert run("compile", *options) == []  # others do it
    assert run(*train) == []
    assert run("perplexity", model, chain_file) == []
    assert run("neighbors", model, "w1") == []
    assert run("export", model, tmp_path / "vectors.bin") == []
    summary = json.loads((model / "config.json").read_text(encoding="utf-8"))["summary"]
    assert summary["compile_s"] == 0
    assert Word2Vec.load(model).summary.compile_s == 0
