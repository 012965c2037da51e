"""One argument says what a run shows: True, False, a function, or what suits the place."""

import importlib.util
import subprocess
import sys

import pytest

from fastw2v import Checkpoints, Word2Vec
from fastw2v.errors import ConfigurationError
from fastw2v.model import progress as shown_progress
from tests.support.corpora_made import as_text, write_text

SMALL = {"vector_size": 4, "min_count": 1, "epochs": 3}


@pytest.fixture
def notebook(monkeypatch):
    """As in a kernel of Jupyter's, without widgets."""
    monkeypatch.setattr(shown_progress, "_in_notebook", lambda: True)
    monkeypatch.setattr(shown_progress, "find_spec", lambda name: None)


class Heard(list):
    def __call__(self, *call):
        self.append(call)

    def stages(self):
        return list(dict.fromkeys(call[0] for call in self))


@pytest.mark.parametrize(
    "settings", [{}, {"batches": "tokens"}, {"objective": "negative"}, {"model": "cbow"}]
)
def test_a_function_gets_every_stage_training_too(chain_file, settings):
    heard, reports = Heard(), []
    Word2Vec(workers=1, **SMALL, **settings).fit(
        chain_file, progress=heard, callbacks=[reports.append]
    )
    assert heard.stages()[0] == "reading"
    trained = [call for call in heard if call[0] == "training"]
    assert trained == [("training", report.step, report.steps) for report in reports]
    assert trained[-1][1] == trained[-1][2]
    if not settings:
        assert {"counting", "starting"} <= set(heard.stages())


@pytest.mark.parametrize("progress", [None, False])
def test_nothing_is_shown_unasked_outside_a_notebook(chain_file, capfd, tmp_path, progress):
    model = Word2Vec(**SMALL).fit(chain_file, progress=progress)
    model.perplexity(chain_file, progress=progress)
    model.export(tmp_path / "vectors", progress=progress)
    assert capfd.readouterr() == ("", "")


def test_a_notebook_without_widgets_has_lines_unless_told_otherwise(chain, capfd, notebook):
    model = Word2Vec(**SMALL).fit(chain)
    shown, errors = capfd.readouterr()
    assert errors == ""
    assert "counting: done" in shown
    assert "training: epoch 3/3" in shown
    model.fit(chain, progress=False)
    assert capfd.readouterr() == ("", "")


def test_true_shows_lines_where_there_is_no_terminal(chain_file, capfd, tmp_path):
    notices = []
    model = Word2Vec(**SMALL).fit(chain_file, progress=True)
    shown, errors = capfd.readouterr()
    assert shown == ""
    for stage in ("reading: done", "counting: done", "training: epoch 1/3", "training: epoch 3/3"):
        assert stage in errors
    model.perplexity(chain_file, progress=True)
    model.reliability(chain_file, least_count=1, progress=True)
    model.export(tmp_path / "vectors", progress=True)
    assert "writing: done (40 vectors)" in capfd.readouterr().err
    wrapped = write_text(tmp_path / "text", [["a", "b"]] * 9)
    wrapped.write_bytes(wrapped.read_bytes() + b"\xff\n")
    Word2Vec(errors="replace", **SMALL).fit(wrapped, progress=True)
    assert "invalid UTF-8" in capfd.readouterr().err  # what a person should read
    Word2Vec(errors="replace", **SMALL).fit(wrapped, progress=True, notice=notices.append)
    assert "invalid UTF-8" not in capfd.readouterr().err
    assert any("invalid UTF-8" in sentence for sentence in notices)


def test_what_is_no_progress_is_refused(chain):
    for wrong in ("yes", 1, []):
        with pytest.raises(ConfigurationError, match="progress: expected True, False or a func"):
            Word2Vec(**SMALL).fit(chain, progress=wrong)
    for wrong in (print, None, ["yes"], iter([print])):
        with pytest.raises(ConfigurationError, match="callbacks: expected a list of functions of"):
            Word2Vec(**SMALL).fit(chain, callbacks=wrong)
    with pytest.raises(ConfigurationError, match="notice: expected a function of a sentence, got"):
        Word2Vec(**SMALL).fit(chain, notice=True)


def test_bars_within_other_bars_are_lines(chain, capfd, monkeypatch):
    from rich.errors import LiveError

    def start(self):
        raise LiveError("Only one live display may be active at once")

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(shown_progress.Bars, "start", start)
    Word2Vec(**SMALL).fit(chain, progress=True)
    assert "training: epoch 3/3" in capfd.readouterr().err


def test_an_error_ends_the_bars(chain, monkeypatch):
    ended = []
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(shown_progress.Bars, "start", lambda self: None)

    def stop_bars(bars):
        ended.append(bars)

    def stop(report):
        raise KeyboardInterrupt

    monkeypatch.setattr(shown_progress.Bars, "stop", stop_bars)

    with pytest.raises(KeyboardInterrupt):
        Word2Vec(**SMALL).fit(chain, progress=True, callbacks=[stop])
    assert len(ended) == 1


def test_a_program_without_standard_error_trains(chain, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert len(Word2Vec(**SMALL).fit(chain, progress=True)) == 40


def test_a_resumed_run_shows_what_it_does(chain_file, tmp_path):
    def stop(report):
        if report.step == 2:
            raise KeyboardInterrupt

    checkpoints = Checkpoints(tmp_path / "model", "1epoch")
    with pytest.raises(KeyboardInterrupt):
        Word2Vec(**SMALL).fit(chain_file, callbacks=[stop], checkpoints=checkpoints)
    heard = Heard()
    Word2Vec.resume(tmp_path / "model", progress=heard)
    assert heard[-1][0] == "training" or "training" in heard.stages()


KERNEL = """
import sys
{before}
from fastw2v import Word2Vec
model = Word2Vec(vector_size=4, min_count=1, epochs=2).fit({corpus!r})
model
"""


@pytest.mark.slow
@pytest.mark.parametrize("widgets", [True, False])
def test_a_real_kernel_shows_progress_and_the_model(chain, tmp_path, widgets):
    """A cell is executed by a kernel of Jupyter's; its outputs are those that a page would get."""
    for name in ("jupyter_client", "ipykernel", "ipywidgets"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    from jupyter_client.manager import start_new_kernel

    (tmp_path / "text").write_text(as_text(chain))
    before = "" if widgets else "sys.modules['ipywidgets'] = None"
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        outputs = []
        client.execute_interactive(
            KERNEL.format(before=before, corpus=str(tmp_path / "text")),
            output_hook=outputs.append, timeout=600,
        )  # fmt: skip
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    kinds = [message["header"]["msg_type"] for message in outputs]
    assert "error" not in kinds, outputs
    data = [message["content"]["data"] for message in outputs if "data" in message["content"]]
    (result,) = [part for part in data if "Word2Vec" in part.get("text/html", "")]
    assert "<svg" in result["text/html"]
    assert "\n" not in result["text/plain"]
    text = "".join(message["content"].get("text", "") for message in outputs)
    has_widget = any("application/vnd.jupyter.widget-view+json" in part for part in data)
    assert has_widget == widgets
    assert ("training: epoch 2/2" in text) != widgets
    assert "install" not in text


@pytest.mark.slow
def test_a_terminal_has_bars(chain, tmp_path):
    pty = pytest.importorskip("pty")
    (tmp_path / "text").write_text(as_text(chain))
    code = (
        "from fastw2v import Word2Vec; Word2Vec(vector_size=4, min_count=1, epochs=2)"
        f".fit({str(tmp_path / 'text')!r}, progress=True)"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs) as process:
        process.wait(600)
    import os

    os.close(theirs)
    shown = os.read(ours, 1 << 20).decode()
    os.close(ours)
    assert process.returncode == 0
    assert "training" in shown
    assert "epoch 2/2" in shown
