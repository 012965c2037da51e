"""The constructor that is spelled out: equal to `Hyperparameters`, seen by editors and checkers."""

import inspect
import shutil
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args

import pytest

from fastw2v import Hyperparameters, Word2Vec
from fastw2v.config.foreign_names import _FOREIGN, native_name, spelt_alike
from fastw2v.errors import ConfigurationError
from fastw2v.formats import FORMATS, FormatName
from tests.test_structure import ROOT
from tools.spell_out_settings import TARGET, spelled_out

SETTINGS = [item.name for item in fields(Hyperparameters)]


def without_layout(code):
    return "".join(code.split()).replace(",", "")


def test_the_module_is_what_the_script_writes():
    assert without_layout(TARGET.read_text(encoding="utf-8")) == without_layout(spelled_out())


def test_a_setting_that_was_forgotten_is_noticed():
    text = TARGET.read_text(encoding="utf-8")
    assert without_layout(text.replace("window: int = 5", "window: int = 6")) != without_layout(
        spelled_out()
    )


def test_the_signature_has_every_setting_with_its_default():
    parameters = inspect.signature(Word2Vec).parameters
    assert list(parameters) == ["settings", "workers", *SETTINGS]
    for item in fields(Hyperparameters):
        assert item.default is not MISSING
        assert parameters[item.name].default == item.default
        assert f"\n        {item.name} : " in Word2Vec.__init__.__doc__
    assert parameters["epochs"].kind is inspect.Parameter.KEYWORD_ONLY


def test_what_was_given_is_told_from_what_has_its_default():
    model = Word2Vec(model="cbow", epochs=5, workers=1)
    assert model.settings.given == {"model": "cbow", "epochs": 5}
    assert Word2Vec(Hyperparameters(epochs=2)).settings.given == {"epochs": 2}
    assert Word2Vec(settings=Hyperparameters(epochs=2)).settings.epochs == 2
    assert Word2Vec(None).settings == Hyperparameters()


@pytest.mark.parametrize(
    ("given", "named", "said"),
    [
        ((["a", "b"],), {"vector_size": 100}, "go to fit"),
        (("corpus.txt",), {}, "fit('corpus.txt')"),
        ((Path("corpus.txt"),), {}, "go to fit"),
        ((Hyperparameters(), 5), {}, "1 more"),
        ((), {"settings": "corpus.txt"}, "go to fit"),
        ((), {"sentences": [["a"]]}, "goes to fit"),
        ((), {"corpus_file": "corpus.txt"}, "goes to fit"),
        ((), {"sg": 1}, "here it is model ('skipgram' where sg=1"),
        ((), {"hs": 1}, "here it is objective ('hierarchical'"),
        ((), {"size": 100}, "here it is vector_size"),
        ((), {"iter": 5}, "here it is epochs"),
        ((), {"iter": 10**5000}, "here it is epochs"),
        ((), {"size": "x" * 10_000}, "here it is vector_size"),
        ((), {"alpha": 0.025}, "here it is learning_rate"),
        ((), {"min_alpha": 0.0001}, "here it is final_rate"),
        ((), {"minCount": 5}, "here it is min_count"),
        ((), {"dim": 5, "ws": 5}, "here it is vector_size"),
        ((), {"trim_rule": None}, "no counterpart"),
    ],
)
def test_other_programs_calls_are_answered_by_the_native_ones(given, named, said):
    with pytest.raises(ConfigurationError) as caught:
        Word2Vec(*given, **named)
    assert said in str(caught.value)
    assert "fastw2v.gensim_api.Word2Vec" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_misspelt_setting_is_answered_by_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean 'window'"):
        Word2Vec(windw=5)
    with pytest.raises(ConfigurationError, match="known: vector_size"):
        Word2Vec(colour="red")
    with pytest.raises(ConfigurationError, match=r"Word2Vec\(\*\*settings\)"):
        Word2Vec({"epochs": 5})
    with pytest.raises(ConfigurationError, match="either an object or names"):
        Word2Vec(Hyperparameters(), epochs=5)


def test_foreign_names_are_none_of_ours_and_mean_some_that_are():
    assert not set(_FOREIGN) & set(SETTINGS)
    assert {native.setting for native in _FOREIGN.values()} <= {*SETTINGS, "workers", ""}
    assert native_name("--min-Count").setting == native_name("minCount").setting == "min_count"
    assert native_name("window") is None
    assert spelt_alike("lowercase", ["workers", "--keep-case"]) == []
    assert spelt_alike("vectr_size", SETTINGS) == ["vector_size"]


def test_the_names_of_formats_are_those_of_the_table():
    assert get_args(FormatName) == tuple(form.name for form in FORMATS)


RIGHT = """
from pathlib import Path
from fastw2v import Hyperparameters, Word2Vec
from fastw2v.formats import read_vectors
model = Word2Vec(window=5, epochs=5, sample=None)
model.fit("a.txt", progress=True).export("p", "word2vec")
Word2Vec(Hyperparameters(epochs=5), workers=2)
near: list[tuple[object, float]] = model.most_similar("a - b + c")
n_words: int = len(model)
"""
WRONG = {
    "Word2Vec(windw=5)": "windw",
    'Word2Vec(epochs="five")': "epochs",
    'Word2Vec("corpus.txt")': "Hyperparameters",
    'Word2Vec(model="glove")': "model",
    'Word2Vec().export("p", "word2vecc")': "word2vecc",
    'Word2Vec().export("p", vectors="outt")': "outt",
    'read_vectors(Path("p"), "word2vecc")': "word2vecc",
    'Word2Vec().fit("a.txt", progress="yes")': "progress",
    "Hyperparameters(windw=5)": "windw",
    'Hyperparameters(epochs="five")': "epochs",
}
CHECKERS = {
    "mypy": [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")],
    "pyright": ["pyright", "--pythonpath", sys.executable],
    "basedpyright": ["basedpyright", "--level", "error", "--pythonpath", sys.executable],
}


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_type_checkers_see_wrong_calls_and_no_others(checker, tmp_path):
    command = CHECKERS[checker]
    if checker == "mypy":
        pytest.importorskip("mypy")
    elif shutil.which(checker) is None:
        pytest.skip(f"{checker} is not installed")
    target = tmp_path / "calls.py"
    target.write_text(RIGHT + "".join(f"{line}\n" for line in WRONG))
    told = subprocess.run(
        [*command, str(target)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1, told.stdout + told.stderr
    first = RIGHT.count("\n") + 1
    found = {}
    for line in told.stdout.splitlines():
        parts = line.strip().split(":")
        if parts[0] == str(target) and "error" in line:
            found.setdefault(int(parts[1]), []).append(line)
    assert set(found) == set(range(first, first + len(WRONG))), told.stdout
    for number, said in enumerate(WRONG.values(), first):
        assert any(said in line for line in found[number]), found[number]
