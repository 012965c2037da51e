"""Words of a model: looked up, counted, and the nearest ones found, beside gensim's answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastw2v import Word2Vec
from fastw2v.errors import ConfigurationError, FastW2VError, UnknownWordError
from fastw2v.objectives import nearest
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.nearest import NearestWords, direction
from fastw2v.text.expressions import parsed_expression
from fastw2v.text.vocabulary import Vocabulary


def test_a_model_is_a_collection_of_its_words(model):
    words = model.vocabulary.words
    assert len(model) == len(words) == len(list(model))
    assert list(model) == words
    assert "w5" in model
    assert "w99" not in model
    assert ["w5"] not in model
    assert np.array_equal(model["w5"], model.wv["w5"])
    assert np.array_equal(model[["w5", "w7"]], model.vectors(["w5", "w7"]))
    with pytest.raises(UnknownWordError, match="close to it"):
        model["w99"]
    with pytest.raises(UnknownWordError, match="expected a word"):
        model[0:3]
    before = model["w5"].copy()
    model["w5"][:] = 0  # a copy
    assert np.array_equal(model["w5"], before)


def test_before_training_there_are_no_words_but_there_is_a_model():
    model = Word2Vec()
    assert model
    for look in (len, list, lambda model: "w5" in model, lambda model: model["w5"]):
        with pytest.raises(FastW2VError, match="not trained yet"):
            look(model)


ASKED = {
    "a word": ("w5", (), {"positive": ["w5"]}),
    "a difference": ("w5 - w6 + w7", (), {"positive": ["w5", "w7"], "negative": ["w6"]}),
    "lists": (["w5", "w7"], ["w6"], {"positive": ["w5", "w7"], "negative": ["w6"]}),
    "a negative one": ("w5", "w6", {"positive": ["w5"], "negative": ["w6"]}),
}


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("table", ["in", "out", "sum", "both", None])
def test_neighbours_are_gensims(model, name, table):
    positive, negative, gensims = ASKED[name]
    found = model.most_similar(positive, negative, topn=7, table=table)
    expected = model.keyed_vectors(table).most_similar(**gensims, topn=7)
    assert [word for word, _ in found] == [word for word, _ in expected]
    assert np.allclose([c for _, c in found], [c for _, c in expected], atol=1e-5)


def test_vectors_are_asked_for_as_words_are(model):
    of_word = model.most_similar("w5", topn=None)
    assert len(of_word) == len(model) - 1
    own, *others = model.most_similar(model["w5"], topn=None)
    assert own[0] == "w5"
    assert own[1] == pytest.approx(1)
    assert others == of_word
    assert model.most_similar(1000 * model["w5"].astype(np.float64), topn=3)[0][0] == "w5"
    assert model.most_similar(np.float64(1e300) * model["w5"], topn=3)[1:] == of_word[:2]
    rows = model.vectors(["w5", "w7"])
    by_vectors = dict(model.most_similar(rows, topn=None))
    for word, cosine in model.most_similar(["w5", "w7"], topn=5):
        assert by_vectors[word] == pytest.approx(cosine, abs=1e-6)
    mixed = model.most_similar(["w5", model["w7"]], topn=None)
    assert "w5" not in dict(mixed)
    assert "w7" in dict(mixed)
    assert model.most_similar("w5", topn=0) == []
    assert model.most_similar(np.zeros(12), topn=3) == []


def test_what_cannot_be_asked_for_is_refused(model):
    for wrong, message in [
        ("w5 -", "a sign without a word"),
        ("w5 - - w6", "a sign without a word"),
        ([], "a word or a vector at least"),
        (np.zeros(5), "expected 12 numbers"),
        (np.full(12, np.nan), "finite"),
        (np.array(["w5"] * 12), "expected 12 numbers"),
    ]:
        with pytest.raises(ConfigurationError, match=message):
            model.most_similar(wrong)
    for unknown in ("w99", "w5 - w99", ["w5", "w99"], 5, ("w5", "w6"), "w5-w6"):
        with pytest.raises(UnknownWordError):
            model.most_similar(unknown)
    with pytest.raises(ConfigurationError, match="topn"):
        model.most_similar("w5", topn=-1)
    with pytest.raises(ConfigurationError, match="expected one of"):
        model.most_similar("w5", table="outt")
    for text in ("w5", b"w5"):
        with pytest.raises(ConfigurationError, match=r"expected a list of words, got b?'w5'"):
            model.vectors(text)


def test_words_with_signs_are_words_first():
    sentences = [["a - b", "-", "a", "b", "c d"] * 3] * 20
    model = Word2Vec(vector_size=4, min_count=1, epochs=1).fit(sentences)
    assert "a - b" not in dict(model.most_similar("a - b"))
    assert {"a", "b"} <= set(dict(model.most_similar("a - b")))
    assert {"a", "c d"}.isdisjoint(dict(model.most_similar("a + c d")))
    assert "-" not in dict(model.most_similar("-"))


def test_tokens_that_are_no_text_have_neighbours():
    sentences = [[7, (1, 2), 8] * 3] * 20
    model = Word2Vec(vector_size=4, min_count=1, epochs=1).fit(sentences)
    assert set(dict(model.most_similar((1, 2)))) == {7, 8}
    assert set(dict(model.most_similar([7, 8]))) == {(1, 2)}
    assert 7 in model
    assert model[(1, 2)].shape == (4,)
    with pytest.raises(UnknownWordError):
        model[1]


@pytest.mark.parametrize("table", ["in", "out", "sum", "both"])
def test_a_lookup_takes_only_the_rows_that_it_needs(model, monkeypatch, table):
    whole, calls = Embeddings.table, []

    def counted(embeddings, vectors=None, rows=None):
        calls.append(rows)
        return whole(embeddings, vectors, rows)

    expected = whole(model.embeddings, table)
    monkeypatch.setattr(Embeddings, "table", counted)
    words = ["w5", "w7", "w5"]
    rows = [model.vocabulary.index(word) for word in words]
    assert np.array_equal(model.vectors(words, table), expected[rows])
    assert [len(rows) for rows in calls] == [3]


def test_new_vectors_are_searched_anew(chain):
    model = Word2Vec(vector_size=4, min_count=1, epochs=1).fit(chain)
    before = model.most_similar("w5", topn=None)
    model.fit([["w5", "w6", "w7"] * 3] * 9)
    assert len(model.most_similar("w5", topn=None)) == 2 < len(before)


@given(
    st.integers(1, 30),
    st.integers(1, 6),
    st.integers(0, 40),
    st.integers(0, 2**31),
)
def test_the_nearest_are_those_of_a_full_sort(n_words, dimensions, topn, seed):
    generator = np.random.default_rng(seed)
    table = generator.standard_normal((n_words, dimensions)).astype(np.float32)
    table[generator.integers(n_words)] = 0
    vector = generator.standard_normal(dimensions).astype(np.float32)
    left_out = set(generator.integers(n_words, size=2).tolist())
    found = NearestWords(range(n_words), table).near(vector, topn, left_out)
    lengths = np.maximum(np.linalg.norm(table, axis=1) * np.linalg.norm(vector), 1e-30)
    cosines = table @ vector / lengths
    expected = sorted(set(range(n_words)) - left_out, key=lambda row: -cosines[row])[:topn]
    assert len(found) == len(expected)
    assert np.allclose([c for _, c in found], cosines[expected], atol=1e-5)
    assert left_out.isdisjoint(row for row, _ in found)


def test_large_and_small_vectors_have_directions():
    large = np.full(3, 3e38, np.float32)
    for vector in (large, large.astype(np.float64) * 1e260, np.full(3, 1e-44, np.float32)):
        assert np.allclose(direction(vector), np.full(3, 3**-0.5), atol=1e-6)
    found = NearestWords(["a", "b"], np.array([large, -large], np.float32)).near(large, 2)
    assert [word for word, _ in found] == ["a", "b"]
    assert np.allclose([cosine for _, cosine in found], [1, -1], atol=1e-3)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("river", [("river", 1)]),
        ("king - man + woman", [("king", 1), ("man", -1), ("woman", 1)]),
        ("- king + man", [("king", -1), ("man", 1)]),
        ("well-known", [("well-known", 1)]),
        ("new york - usa", [("new york", 1), ("usa", -1)]),
        ("c++ + c", [("c++", 1), ("c", 1)]),
        ("  a  -  b ", [("a", 1), ("b", -1)]),
    ],
)
def test_expressions_are_cut_at_signs_between_blanks(text, terms):
    assert parsed_expression(text, lambda word: False) == terms


@given(st.lists(st.tuples(st.sampled_from("+-"), st.text("abc-+", min_size=2)), min_size=2))
def test_an_expression_that_is_written_is_read_back(terms):
    text = " ".join(f"{sign} {word}" for sign, word in terms)
    found = parsed_expression(text, lambda word: False)
    assert [("-" if term.weight < 0 else "+", term.word) for term in found] == terms


@pytest.mark.parametrize("name", ["in", "out", "sum", "both"])
def test_rows_that_are_made_when_they_are_asked_for_give_the_same_words(name, monkeypatch):
    monkeypatch.setattr(nearest, "_ROWS_AT_ONCE", 7)
    generator = np.random.default_rng(1)
    tables = [generator.standard_normal((50, 6)).astype(np.float32) for _ in range(2)]
    tables[0][9] = tables[1][9] = 0
    vocabulary = Vocabulary([f"w{k}" for k in range(50)], np.ones(50, np.int64), 50, 50)
    embeddings = Embeddings(vocabulary, *tables, np.zeros(50, np.float32))
    whole = NearestWords(vocabulary, embeddings.table(name))
    by_rows = NearestWords(vocabulary, embeddings.rows(name))
    assert by_rows.table.shape == whole.table.shape
    for _ in range(2):  # the second time lengths are known
        for vector in (whole.table[3], np.full(whole.table.shape[1], 1e30, np.float32)):
            found, expected = (one.near(vector, 50, {3}) for one in (by_rows, whole))
            assert [word for word, _ in found] == [word for word, _ in expected]
            assert np.allclose([cosine for _, cosine in found], [c for _, c in expected], atol=1e-6)
