"""Nearest neighbours of words and vectors: graphs against exact search, files."""

import json
import threading

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.errors import (
    ConfigurationError,
    MissingDependencyError,
    ModelFormatError,
    OutputError,
    UnknownWordError,
)
from fastw2v.formats import write_vectors
from fastw2v.formats.vectors import Vectors
from fastw2v.integrations import index_libraries
from fastw2v.integrations.index import build_index, open_index
from fastw2v.system.manifests import file_description, signed
from tests.support.naive_neighbours import nearest_rows

LIBRARIES = {"usearch": "usearch", "faiss": "faiss"}


def made(n_words=400, dimensions=12, seed=1):
    generator = np.random.default_rng(seed)
    table = generator.standard_normal((n_words, dimensions), dtype=np.float32)
    return Vectors([f"w{row}" for row in range(n_words)], table * generator.uniform(0.1, 9))


@pytest.fixture(scope="module")
def vectors():
    return made()


@pytest.fixture(scope="module")
def model():
    generator = np.random.default_rng(2)
    words = ["river", "rivers", "bank", "banks", "boat", "boats", "sail", "sails"]
    sentences = [list(generator.choice(words, 6)) for _ in range(40)]
    trained = Word2Vec(inputs="subwords", vector_size=8, min_count=1, epochs=2, workers=1)
    return trained.fit(sentences)


def library(name):
    if name != "exact":
        pytest.importorskip(LIBRARIES[name], reason=f"{name} is not installed")
    return name


@pytest.mark.parametrize("name", ["exact", *LIBRARIES])
def test_words_in_words_and_cosines_out(vectors, name):
    index = build_index(vectors, library(name))
    found = index.nearest("w7", topn=5)
    rows, cosines = nearest_rows(vectors.vectors, vectors.vectors[7].astype(np.float64), 6)
    assert [word for word, _ in found] == [f"w{row}" for row in rows[1:]]
    np.testing.assert_allclose([cosine for _, cosine in found], cosines[1:], atol=1e-6)
    many = index.nearest_of_each(["w7", "w8 - w9", vectors.vectors[3]], topn=5)
    assert many[0] == found
    assert not {"w8", "w9"} & {word for word, _ in many[1]}
    assert many[2][0][0] == "w3"  # a vector is nobody's, so its word is there
    assert index.nearest(np.zeros(12), 3) == []
    assert index.nearest_of_each([]) == []
    assert len(index.nearest("w7", topn=10**6)) == len(index) - 1


@pytest.mark.parametrize("name", ["exact", *LIBRARIES])
def test_an_index_is_saved_and_opened(tmp_path, vectors, name):
    index = build_index(vectors, library(name))
    index.save(tmp_path / "index")
    index.save(tmp_path / "index")  # an earlier one is replaced
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.json").write_text("{}")
    with pytest.raises(OutputError, match=r"site: .*holds other things"):
        index.save(tmp_path / "site")
    write_vectors(vectors, tmp_path / "vectors.npz")
    for source in (vectors, tmp_path / "vectors.npz", str(tmp_path / "vectors.npz")):
        opened = open_index(tmp_path / "index", source)
        assert opened.library == name
        assert opened.nearest("w7", 4) == index.nearest("w7", 4)
    changed = vectors.vectors.copy()
    changed[5, 3] = np.nextafter(changed[5, 3], 9)
    words = ["v0", *vectors.words[1:]]
    for other in (Vectors(vectors.words, changed), Vectors(words, vectors.vectors), made(399)):
        with pytest.raises(ModelFormatError, match="that differ"):
            open_index(tmp_path / "index", other)


@pytest.mark.parametrize("name", LIBRARIES)
def test_damage_ends_in_project_errors(tmp_path, vectors, name):
    folder = tmp_path / "index"
    build_index(vectors, library(name)).save(folder)
    graph, manifest = folder / "graph.bin", folder / "index.json"
    whole, content = graph.read_bytes(), json.loads(manifest.read_text())
    for damaged in (b"", whole[: len(whole) // 2], whole[:-1], whole[:99] + b"?" + whole[100:]):
        graph.write_bytes(damaged)
        with pytest.raises(ModelFormatError, match="build it again"):
            open_index(folder, vectors)
    graph.write_bytes(b"no index of any library")
    files = {"graph.bin": file_description(graph)}
    manifest.write_text(json.dumps(signed(content | {"files": files})))
    with pytest.raises(ModelFormatError, match="can read"):
        open_index(folder, vectors)
    graph.write_bytes(whole)
    for wrong in (
        {"library": "annoy"},
        {"settings": {"links": "many"}},
        {"settings": []},
        {"files": {}},
    ):
        manifest.write_text(json.dumps(signed(content | wrong)))
        with pytest.raises(ModelFormatError, match="build it again"):
            open_index(folder, vectors)
    manifest.write_text(json.dumps(content | {"words": 3}))
    with pytest.raises(ModelFormatError, match="SHA-256"):
        open_index(folder, vectors)
    graph.unlink()
    manifest.write_text(json.dumps(content))
    with pytest.raises(ModelFormatError, match="damaged"):
        open_index(folder, vectors)


def test_other_files_are_no_index(tmp_path, vectors, model):
    model.save(tmp_path / "model")
    (tmp_path / "file").write_bytes(b"\x80\x04\x95cposix\nsystem\n")
    (tmp_path / "empty").mkdir()
    for path in ("model", "file", "empty", "nothing"):
        with pytest.raises(ModelFormatError):
            open_index(tmp_path / path, vectors)
    with pytest.raises(OutputError):
        build_index(vectors).save(tmp_path / "model")
    with pytest.raises(ModelFormatError):
        build_index(tmp_path / "nothing")
    with pytest.raises(ModelFormatError):
        build_index(tmp_path / "file")
    with pytest.raises(ConfigurationError):
        build_index(vectors.vectors)


def test_a_model_makes_vectors_of_unknown_words(tmp_path, model):
    model.save(tmp_path / "model")
    index = build_index(model)
    assert "riverbank" not in model
    unknown = index.nearest("riverbank", 3)
    of_model = model.most_similar("riverbank", topn=3)
    assert [word for word, _ in unknown] == [word for word, _ in of_model]
    np.testing.assert_allclose([c for _, c in unknown], [c for _, c in of_model], atol=1e-5)
    assert build_index(tmp_path / "model").nearest("riverbank", 3) == unknown
    inputs = build_index(model, table="in")
    inputs.save(tmp_path / "index")
    assert open_index(tmp_path / "index", model, table="in").nearest("river") == inputs.nearest(
        "river"
    )
    with pytest.raises(ModelFormatError, match="same table"):
        open_index(tmp_path / "index", model, table="out")


def test_what_cannot_be_answered_is_said(vectors):
    index = build_index(vectors)
    for word in ("nobody", None, ("a", "b"), 7):
        with pytest.raises(UnknownWordError, match="not among"):
            index.nearest(word)
    with pytest.raises(UnknownWordError):
        index.nearest_of_each(["w1", "nobody"])
    with pytest.raises(ConfigurationError, match="use nearest"):
        index.nearest_of_each("w1")
    for vector in (np.ones(5), np.full(12, np.nan), np.array(["a"] * 12)):
        with pytest.raises(ConfigurationError, match="vectors: expected"):
            index.nearest(vector)
    with pytest.raises(ConfigurationError, match="file of vectors"):
        build_index(vectors, table="in")
    with pytest.raises(ConfigurationError, match="library"):
        build_index(vectors, "annoy")
    infinite = Vectors(["a", "b"], np.array([[1, 2], [np.inf, 1]], np.float32))
    with pytest.raises(ConfigurationError, match="row 1"):
        build_index(infinite)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_missing_library_is_named(monkeypatch, vectors, name):
    import sys

    for module in ("usearch", "usearch.index", "faiss"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match="pip install 'fastw2v"):
        build_index(vectors, name)


def test_what_a_graph_lacks_or_makes_up_is_searched_exactly(vectors):
    index = build_index(vectors)
    expected = index.search(vectors.vectors[:4], 3)

    class Liar:
        def search(self, queries, topn):
            found = expected[0].copy()
            found[0, 1], found[2, 0] = -1, 10**9
            return found

    index._graph = Liar()
    np.testing.assert_array_equal(index.search(vectors.vectors[:4], 3)[0], expected[0])


def test_several_threads_search_one_index(vectors):
    index = build_index(vectors)
    expected = index.nearest_of_each(vectors.words[:40])
    found = {}

    def ask(number):
        found[number] = index.nearest_of_each(vectors.words[:40])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[number] == expected for number in range(4))


def test_libraries_of_the_type_are_those_that_there_are():
    assert set(index_libraries.LIBRARIES) == {"exact", *LIBRARIES}
