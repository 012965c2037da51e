"""`fastw2v compile`: compile kernels ahead, in images of containers above all."""

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.cli.options import display_options, given_settings, hyperparameter_options

if TYPE_CHECKING:
    from fastw2v.config import Hyperparameters

__all__ = ["USUAL", "compile_command"]

# What is compiled where no settings are given: every objective as it is by default.
USUAL: tuple[dict[str, Any], ...] = (
    {},
    {"objective": "negative"},
    {"objective": "hierarchical"},
    {"inputs": "subwords"},
    {"objective": "negative", "inputs": "subwords"},
    {"model": "cbow"},
    {"model": "cbow", "objective": "negative"},
    {"model": "cbow", "objective": "hierarchical"},
)


@click.command("compile")
@hyperparameter_options
@display_options
def compile_command(quiet: bool, **settings: Any) -> None:
    """Compile the kernels that runs will need, and keep them.

    With settings: those of runs with such settings. Without: those of every objective with its
    defaults. Later runs on this machine, or in an image that was built with it, compile nothing.
    """
    from fastw2v.cli.display import Display
    from fastw2v.config import Hyperparameters
    from fastw2v.kernels.compilation import folder_of_kernels
    from fastw2v.system.threads import available_cores

    given = given_settings(settings)
    kinds = [Hyperparameters(**kind) for kind in ([given] if given else USUAL)]
    folder = folder_of_kernels()
    if folder is None:
        raise click.UsageError(
            "expected a folder for compiled kernels that can be written, found none; set "
            "NUMBA_CACHE_DIR to one"
        )
    with Display(quiet=quiet) as display:
        display.stage("compiling", 0, len(kinds))
        _compile(kinds[0])  # what all have in common is compiled once; a second process helps
        display.stage("compiling", 1, len(kinds))
        with ThreadPoolExecutor(available_cores()) as pool:
            try:
                for done, _ in enumerate(pool.map(_compile, kinds[1:]), 2):
                    display.stage("compiling", done, len(kinds))
            except BaseException:  # the pool waits for its processes, which may take minutes
                pool.shutdown(wait=False, cancel_futures=True)
                for process in tuple(_processes):
                    process.kill()
                raise
    click.echo(f"{folder}: kernels of {len(kinds)} kind{'s' * (len(kinds) > 1)} of runs")


# Of this process, to be ended with it.
_processes: "set[subprocess.Popen[str]]" = set()


def _compile(settings: "Hyperparameters") -> None:
    """Do in a process of its own what a run of these settings does, on a few words."""
    from fastw2v.system.children import child_environment

    code = "from fastw2v.cli.commands.compile import _child; _child()"
    # The folder is this process's, which removes it whatever becomes of the other one.
    with tempfile.TemporaryDirectory(prefix="fastw2v-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, json.dumps(settings.given), folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=child_environment() | {"PYTHONWARNINGS": "ignore"},
        )
        _processes.add(process)
        try:
            _, errors = process.communicate()
        finally:
            process.kill()
            process.wait()
            _processes.discard(process)
    if process.returncode:
        last = (errors.strip().splitlines() or [f"exit status {process.returncode}"])[-1]
        raise click.ClickException(f"compile: a run with the settings {settings.given}: {last}")


def _child() -> None:
    from fastw2v.config import Hyperparameters

    _use(Hyperparameters(**json.loads(sys.argv[1])), Path(sys.argv[2]))


def _use(settings: "Hyperparameters", folder: Path) -> None:
    """Train on a few words, save, and ask the model what people ask."""
    from fastw2v.config import Hyperparameters
    from fastw2v.formats import read_vectors
    from fastw2v.integrations.index import build_index
    from fastw2v.kernels.compilation import leave_mark
    from fastw2v.model import Word2Vec
    from fastw2v.training.ahead import fewest_words, mark_of
    from fastw2v.training.run import first_device, used_products

    words = [first + second for first in "abcdefgh" for second in "ijklmnop"]
    lines = [" ".join(words[start::step]) for step in (3, 5, 7) for start in range(60)]
    more = range(fewest_words(settings) - len(words))  # none but where rare words are drawn
    lines += [" ".join(f"w{k}" for k in range(n, n + 8)) for n in more]
    text = folder / "text.txt"
    text.write_text("\n".join([*lines, "café's naïveté"]) + "\n", encoding="utf-8")
    few: dict[str, Any] = {"epochs": 1, "min_count": 1, "max_final_vocab": None}
    model = Word2Vec(Hyperparameters(**settings.given | few))
    model.fit(text, progress=lambda *_: None, notice=lambda _: None)
    if not settings.given:
        tokens = [line.split() for line in lines]
        Word2Vec(Hyperparameters(**few, tokenizer="whitespace")).fit(tokens)
    leave_mark(mark_of(settings, used_products(settings, first_device(settings))))
    model.save(folder / "model")
    model = Word2Vec.load(folder / "model")
    known = model.vocabulary.words[0]
    if settings.inputs != "features":
        model.predict_context(known)
        model.perplexity(text)
    model.wv.most_similar(known)
    model.most_similar(known, topn=1)
    index = build_index(model)
    index.nearest(known, topn=1)
    index.nearest_of_each(words[:40], topn=1)
    for name in ("vectors.txt", "vectors.bin"):
        model.export(folder / name)
        read_vectors(folder / name)
