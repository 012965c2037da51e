"""The tables of docs/gensim.md against the real classes, and a script with one import changed."""

import re
import runpy
from pathlib import Path

import pytest
from gensim.models import KeyedVectors
from gensim.models import Word2Vec as GensimWord2Vec

from fastw2v.gensim_api import Word2Vec

PAGE = Path(__file__).parents[2] / "docs" / "gensim.md"
KINDS = {"same", "better", "not"}


def table(name):
    """Name and kind of each row of a table of the page."""
    text = PAGE.read_text(encoding="utf-8")
    part = text.split(f"<!-- {name} -->")[1].split(f"<!-- end of {name} -->")[0]
    return re.findall(r"^\| `(\w+)` \| (\w+) \|", part, re.MULTILINE)


def models():
    return [make([["a", "b"]] * 9, min_count=1, hs=1) for make in (GensimWord2Vec, Word2Vec)]


def public(value):
    return {name for name in dir(value) if not name.startswith("_")}


def complaints(rows, theirs, ours):
    """What is wrong with a table, as gensim's object and this project's are."""
    names = [name for name, _ in rows]
    wrong = [f"{name} twice" for name in set(names) if names.count(name) > 1]
    wrong += [f"{name} missing" for name in public(theirs) - set(names)]
    wrong += [f"{name} not gensim's" for name in set(names) - public(theirs)]
    wrong += [f"{name} is {kind}" for name, kind in rows if kind not in KINDS]
    has = public(ours)
    return wrong + [f"{name}: {kind}" for name, kind in rows if (name in has) != (kind != "not")]


def test_the_table_of_the_model():
    theirs, ours = models()
    rows = table("Word2Vec")
    assert complaints(rows, theirs, ours) == []
    assert complaints(rows[1:], theirs, ours)
    assert complaints([(name, "not") for name, _ in rows], theirs, ours)
    assert complaints([*rows, ("invented", "same")], theirs, ours)


def test_the_table_of_the_vectors():
    theirs, ours = models()
    assert type(ours.wv) is KeyedVectors
    assert complaints(table("KeyedVectors"), theirs.wv, ours.wv) == []


def test_names_beside_gensims_are_documented():
    theirs, ours = models()
    text = PAGE.read_text(encoding="utf-8")
    for name in public(ours) - public(theirs):
        assert f"`{name}`" in text


def test_parameters_and_defaults_are_gensims():
    import inspect

    for name in sorted(public(GensimWord2Vec) - {"load", "save"}):
        theirs = inspect.signature(getattr(GensimWord2Vec, name)).parameters
        ours = inspect.signature(getattr(Word2Vec, name)).parameters
        assert list(ours) == list(theirs), name
        assert [p.default for p in ours.values()] == [p.default for p in theirs.values()], name
    theirs = inspect.signature(GensimWord2Vec).parameters
    ours = inspect.signature(Word2Vec).parameters
    assert list(ours) == [*theirs, "objective"]
    assert all(ours[name].default == theirs[name].default for name in theirs)


SCRIPT = """
import logging
from gensim.models.callbacks import CallbackAny2Vec
from {home} import LineSentence, Word2Vec

class Losses(CallbackAny2Vec):
    def __init__(self):
        self.all = []
    def on_epoch_end(self, model):
        self.all.append(model.get_latest_training_loss())

losses = Losses()
model = Word2Vec(
    LineSentence({corpus!r}), vector_size=20, window=3, min_count=1, sg=1, workers=2,
    compute_loss=True, callbacks=[losses], epochs=3,
)
words = model.wv.index_to_key
similar = model.wv.most_similar(words[0], topn=3)
model.save({saved!r})
again = Word2Vec.load({saved!r})
again.build_vocab([["quite", "new", words[0]]], update=True)
done = again.train([["quite", "new", words[0]]], total_examples=1, epochs=1)
"""


@pytest.mark.parametrize("home", ["gensim.models.word2vec", "fastw2v.gensim_api"])
def test_a_script_runs_with_either_import(home, chain_file, tmp_path):
    script = tmp_path / "script.py"
    saved = str(tmp_path / "saved")
    script.write_text(SCRIPT.format(home=home, corpus=str(chain_file), saved=saved))
    found = runpy.run_path(str(script))
    assert len(found["words"]) == 40
    assert len(found["losses"].all) == 3
    assert len(found["again"].wv) == 42
    assert found["done"][1] == 3
