"""What is said where PyTorch or a card is missing, or an objective has no device."""

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from fastw2v import Hyperparameters, Word2Vec
from fastw2v.errors import ConfigurationError, MissingDependencyError
from fastw2v.objectives.softmax.device import library
from fastw2v.system.children import child_environment
from tests.support.corpora_made import write_text

SENTENCES = [["a", "b", "a", "b"], ["c", "d", "c", "d"]] * 3
SMALL = {"vector_size": 3, "min_count": 1, "epochs": 1}


@pytest.fixture
def no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    find = library.importlib.util.find_spec
    monkeypatch.setattr(
        library.importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )


@pytest.fixture
def no_card(monkeypatch):
    fake = SimpleNamespace(
        __version__="2.9.0",
        version=SimpleNamespace(cuda=None),
        cuda=SimpleNamespace(is_available=lambda: False),
    )
    monkeypatch.setitem(sys.modules, "torch", fake)
    monkeypatch.setattr(library.importlib.util, "find_spec", lambda _: object())


@pytest.mark.parametrize("device", ["cuda", "torch-cpu"])
def test_without_pytorch_it_is_said_what_to_install(no_torch, device):
    with pytest.raises(MissingDependencyError) as told:
        Word2Vec(**SMALL, device=device).fit(SENTENCES)
    assert str(told.value) == (
        f"device={device!r}: expected PyTorch, which is not installed; pip install 'fastw2v[gpu]'"
    )


def test_the_command_line_ends_with_status_2_before_it_reads(no_torch, run, tmp_path):
    status, shown, errors = run(
        "train", tmp_path / "none.txt", "-o", tmp_path / "model", "--device", "cuda"
    )
    assert (status, shown) == (2, "")
    assert "pip install 'fastw2v[gpu]'" in errors


def test_auto_without_pytorch_or_without_a_card_is_the_cpu(no_torch, tmp_path):
    assert not library.sees_card()
    told = []
    model = Word2Vec(**SMALL, device="auto").fit(SENTENCES, notice=told.append)
    assert model.summary.device is None
    assert model.in_vectors.tobytes() == Word2Vec(**SMALL).fit(SENTENCES).in_vectors.tobytes()


def test_without_a_card_it_is_said_that_there_is_none(no_card):
    assert not library.sees_card()
    with pytest.raises(ConfigurationError) as told:
        Word2Vec(**SMALL, device="cuda").fit(SENTENCES)
    for part in ("got none (PyTorch 2.9.0, built without CUDA)", "docs/gpu.md", "device='cpu'"):
        assert part in str(told.value)


def test_a_pytorch_that_cannot_be_loaded_is_told(monkeypatch):
    def broken(*_):
        raise OSError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setattr(library, "optional_module", broken)
    with pytest.raises(ConfigurationError, match=r"libcudart\.so\.13"):
        library.torch_library("cuda")
    monkeypatch.setattr(library.importlib.util, "find_spec", lambda _: object())
    assert not library.sees_card()


@pytest.mark.parametrize("objective", ["negative", "hierarchical"])
def test_an_objective_without_a_device_refuses_one(run, tmp_path, objective):
    text = write_text(tmp_path / "text.txt", SENTENCES)
    asked = ("train", text, "-o", tmp_path / "model", "--objective", objective)
    status, shown, errors = run(*asked, "--device", "cuda")
    assert (status, shown) == (2, "")
    assert "device: expected to be left alone, since only objective 'softmax' looks at it" in errors


def test_precisions_of_the_cpu_alone_are_refused_on_a_device():
    pytest.importorskip("torch", reason="PyTorch is not installed; make test-gpu has it")
    with pytest.raises(ConfigurationError, match=r"precision: .* got 'bf16x2'"):
        Word2Vec(**SMALL, device="torch-cpu", precision="bf16x2").fit(SENTENCES)


def test_a_model_of_a_device_is_used_where_there_is_none(no_torch, tmp_path):
    """What it was trained on is known, and asked for by nobody but training."""
    model = Word2Vec(**SMALL).fit(SENTENCES)
    settings = Hyperparameters(**SMALL, device="cuda")
    model._become(replace(model._result, settings=settings))
    model.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model")
    assert loaded.settings.device == "cuda"
    assert loaded.perplexity(SENTENCES) == model.perplexity(SENTENCES)
    gone_on = Word2Vec(**SMALL).fit(SENTENCES, start=loaded)
    assert gone_on.settings.device == "cpu"


def test_pytorch_is_not_imported_unless_asked_for():
    code = (
        "import sys; from fastw2v import Word2Vec; "
        f"Word2Vec(**{SMALL!r}, workers=1).fit({SENTENCES!r}); "
        "import fastw2v.objectives.softmax.device.layer; "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=child_environment(), check=False)
    assert done.returncode == 0
