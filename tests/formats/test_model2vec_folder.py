"""Folders for model2vec: the real program encodes text as this project's tokenizer cuts it."""

import json
import shutil
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastw2v.formats import read_vectors, write_vectors
from fastw2v.formats.vectors import Vectors
from fastw2v.text.rules import TextRules, rules_of
from fastw2v.text.tokenizers import tokenize_text
from tests.formats.test_formats import SCRIPTS, made

slow = pytest.mark.slow

RAW = [
    "The cat's HAT, isn't it?",
    "naïve Straße ΟΔΟΣ İstanbul 汉字 e\u0301x",
    "soft\u00adhyphen ’quoted’ rock’n’roll zero\u200dwidth",
    "under_score 3.14 a-b \t two\u00a0blanks\u3000end",
    "nothing-known-here",
    "",
]


@slow
@pytest.mark.parametrize("tokenizer", ["words", "whitespace"])
def test_model2vec_encodes_text_as_the_tokenizer_does(tmp_path, tokenizer):
    from model2vec import StaticModel

    tokens = [[word for line in tokenize_text(text, tokenizer) for word in line] for text in RAW]
    words = sorted({word for text in tokens[:4] for word in text})
    table = np.random.default_rng(1).normal(size=(len(words), 5)).astype(np.float32)
    write_vectors(Vectors(words, table, tokenizer=tokenizer), tmp_path / "model", "model2vec")
    loaded = StaticModel.from_pretrained(tmp_path / "model")
    rows = {word: table[row] for row, word in enumerate(words)}
    for text, of_text in zip(RAW, tokens, strict=True):
        known = [rows[word] for word in of_text if word in rows]
        expected = np.mean(known, axis=0) if known else np.zeros(5)
        np.testing.assert_allclose(loaded.encode(text), expected, atol=1e-6)
    assert len({*map(str, loaded.encode(RAW[:4]))}) == 4
    loaded.save_pretrained(str(tmp_path / "again"))
    back = read_vectors(tmp_path / "again")
    assert back.words == words
    assert back.vectors.tobytes() == table.tobytes()


# Letters, marks, numbers and separators of all kinds; what is no character yet for Python may be
# one for a program with a newer Unicode.
CHARACTERS = st.sampled_from("aBé'’\u00ad\u200c\u200d_ \t\u0301İΣ1٣.-汉") | st.characters(
    codec="utf-8", exclude_categories=["Cn", "Cs"], exclude_characters="\n"
)


CUTS = [
    "words",
    "whitespace",
    TextRules("words", normalize="nfkc", language="tr"),
    TextRules("words", normalize="nfc", keep_case=True),
    TextRules("words"),
    TextRules("whitespace", normalize="nfc"),
]


def test_an_exported_tokenizer_normalizes_as_the_model(tmp_path):
    """An accent that was typed as a character of its own is one with its letter."""
    for place, cut in enumerate(CUTS):
        vectors = Vectors(["a"], np.ones((1, 2), np.float32), tokenizer=cut)
        write_vectors(vectors, tmp_path / str(place), "model2vec")
        written = json.loads((tmp_path / str(place) / "tokenizer.json").read_text())["normalizer"]
        steps = [] if written is None else [step["type"] for step in written["normalizers"]]
        rules = rules_of(cut)
        form = [] if rules.normalize == "none" else [rules.normalize.upper()]
        is_turkish = rules.language == "tr"  # whose i is replaced between
        assert [step for step in steps if step.startswith("NF")] == form * (1 + is_turkish)
        assert ("Lowercase" in steps) == (rules.tokenizer == "words" and not rules.keep_case)


@slow
@pytest.mark.parametrize("tokenizer", CUTS, ids=str)
def test_the_exported_tokenizer_cuts_any_text_alike(tmp_path, tokenizer):
    from tokenizers import Tokenizer, normalizers

    vectors = Vectors(["a"], np.ones((1, 2), np.float32), tokenizer=tokenizer)
    write_vectors(vectors, tmp_path / "model", "model2vec")
    theirs = Tokenizer.from_file(str(tmp_path / "model" / "tokenizer.json"))

    def is_known(character):
        """Whether their Unicode, which may be older, has the form that ours has."""
        form = normalizers.NFKC().normalize_str(character)
        return form == unicodedata.normalize("NFKC", character)

    @settings(deadline=None, max_examples=1000)
    @given(st.text(CHARACTERS.filter(is_known), min_size=1, max_size=12))
    @example("\u0130\u0301 I\u0307\u0301")
    def compare(text):
        whole = theirs.normalizer.normalize_str(text) if theirs.normalizer else text
        cut = [word for word, _ in theirs.pre_tokenizer.pre_tokenize_str(whole)]
        assert cut == tokenize_text(text, tokenizer)[0]

    compare()


@slow
def test_model2vec_loads_an_exported_model(tmp_path, model):
    from model2vec import StaticModel

    model.export(tmp_path / "model", "model2vec")
    loaded = StaticModel.from_pretrained(tmp_path / "model")
    np.testing.assert_allclose(
        loaded.encode("W1, w2! unheard"), (model.wv["w1"] + model.wv["w2"]) / 2, atol=1e-6
    )
    modules = json.loads((tmp_path / "model" / "modules.json").read_text())
    assert modules[0]["type"] == "sentence_transformers.models.StaticEmbedding"


@slow
def test_sentence_transformers_layout_is_read(tmp_path):
    """A folder as sentence-transformers saves a StaticEmbedding: other names, a level lower."""
    from safetensors.numpy import load_file, save_file

    vectors = Vectors(SCRIPTS, made(SCRIPTS).in_vectors)
    write_vectors(vectors, tmp_path / "ours", "model2vec")
    nested = tmp_path / "theirs" / "0_StaticEmbedding"
    nested.mkdir(parents=True)
    arrays = load_file(str(tmp_path / "ours" / "model.safetensors"))
    save_file({"embedding.weight": arrays["embeddings"]}, str(nested / "model.safetensors"))
    shutil.copy(tmp_path / "ours" / "tokenizer.json", nested)
    (tmp_path / "theirs" / "config_sentence_transformers.json").write_text("{}")
    from model2vec import StaticModel

    assert StaticModel.from_pretrained(tmp_path / "theirs").dim == 7
    back = read_vectors(tmp_path / "theirs")
    assert back.words == [*SCRIPTS, "[UNK]"]  # nothing says there that this row was added
    assert back.vectors[:-1].tobytes() == vectors.vectors.tobytes()
