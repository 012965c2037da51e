"""Each format, opened by the program that it is for."""

import gzip
import json
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from wsgiref.simple_server import make_server

import numpy as np
import pytest
from gensim.models import KeyedVectors

from fastw2v import Word2Vec
from fastw2v.formats import read_vectors, write_vectors
from fastw2v.formats.vectors import Vectors
from tests.formats.test_formats import SCRIPTS, made

slow = pytest.mark.slow
WORD2VEC = Path(sys.executable).parent / "word2vec"
DISTANCE = WORD2VEC.with_name("word2vec-distance")
# A tab inside a word and the like is not for these; see the words that formats refuse.
WORDS = [word for word in SCRIPTS if word != "\ufeffbom"]


@pytest.fixture
def vectors():
    embeddings = made(WORDS)
    return Vectors(WORDS, embeddings.in_vectors, embeddings.vocabulary.counts)


# gensim's reader of files without a header leaves the file open.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("form", ["word2vec", "word2vec-bin", "fasttext", "glove"])
def test_gensim_loads_them(tmp_path, vectors, form, suffix):
    path = tmp_path / f"vectors{suffix}"
    write_vectors(vectors, path, form)
    binary, bare = form == "word2vec-bin", form == "glove"
    loaded = KeyedVectors.load_word2vec_format(str(path), binary=binary, no_header=bare)
    assert loaded.index_to_key == WORDS
    assert loaded.vectors.tobytes() == vectors.vectors.tobytes()


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_what_gensim_saves_is_read(tmp_path, vectors, binary, suffix):
    path = tmp_path / f"vectors{suffix}"
    vectors.keyed_vectors().save_word2vec_format(str(path), binary=binary)
    back = read_vectors(path)
    assert back.words == WORDS
    assert back.vectors.tobytes() == vectors.vectors.tobytes()


def test_gensim_and_kv(tmp_path, vectors):
    vectors.vectors[0] = 1  # a norm that float32 can hold
    write_vectors(vectors, tmp_path / "ours.kv")
    loaded = KeyedVectors.load(str(tmp_path / "ours.kv"))
    assert type(loaded) is KeyedVectors
    assert loaded.index_to_key == WORDS
    assert loaded.vectors.tobytes() == vectors.vectors.tobytes()
    assert loaded.get_vecattr(WORDS[2], "count") == vectors.counts[2]
    assert loaded.most_similar(WORDS[3])
    loaded.add_vectors(["new"], np.ones((1, 7), np.float32))
    loaded.fill_norms()
    for protocol in (2, 4, 5):
        loaded.save(str(tmp_path / "gensim.kv"), pickle_protocol=protocol)
        back = read_vectors(tmp_path / "gensim.kv")
        assert back.words == [*WORDS, "new"]
        assert np.array_equal(back.vectors, loaded.vectors)
        assert back.counts is None  # gensim keeps none for what is added


def test_gensim_s_own_model_s_vectors_are_read(tmp_path):
    import gensim.models

    model = gensim.models.Word2Vec([["a", "b", "c"]] * 9, vector_size=4, min_count=1, workers=1)
    model.wv.save(str(tmp_path / "x.kv"))
    back = read_vectors(tmp_path / "x.kv")
    assert back.words == model.wv.index_to_key
    assert np.array_equal(back.vectors, model.wv.vectors)
    assert back.counts.tolist() == [9, 9, 9]


def test_pyarrow_opens_parquet_and_arrow(tmp_path, vectors):
    import pyarrow as pa
    from pyarrow import parquet

    for form in ("parquet", "arrow"):
        write_vectors(vectors, tmp_path / form, form)
        if form == "parquet":
            table = parquet.read_table(tmp_path / form)
        else:
            with pa.memory_map(str(tmp_path / form)) as source:
                table = pa.ipc.open_file(source).read_all()
        assert table.column_names == ["word", "count", "vector"]
        assert table["word"].to_pylist() == WORDS
        assert table["count"].to_pylist() == vectors.counts.tolist()
        assert table["vector"].type == pa.list_(pa.float32(), 7)
        cells = table["vector"].combine_chunks().flatten().to_numpy()
        assert cells.tobytes() == vectors.vectors.tobytes()


@slow
def test_polars_and_duckdb_open_parquet_and_arrow(tmp_path, vectors):
    import duckdb
    import polars
    import pyarrow as pa

    write_vectors(vectors, tmp_path / "x.parquet")
    write_vectors(vectors, tmp_path / "x.arrow")
    for frame in (
        polars.read_parquet(tmp_path / "x.parquet"),
        polars.read_ipc(tmp_path / "x.arrow"),
    ):
        assert frame["word"].to_list() == WORDS
        assert frame["count"].to_list() == vectors.counts.tolist()
        assert frame["vector"].to_numpy().tobytes() == vectors.vectors.tobytes()
        frame.write_parquet(tmp_path / "polars.parquet")
        back = read_vectors(tmp_path / "polars.parquet")
        assert back.words == WORDS
        assert back.vectors.tobytes() == vectors.vectors.tobytes()
        assert back.counts.tolist() == vectors.counts.tolist()
    found = duckdb.sql(
        f"select word, count, vector from '{tmp_path / 'x.parquet'}' where count > 20"
    ).fetchall()
    assert [row[0] for row in found] == WORDS[: len(found)]
    assert len(found) == (vectors.counts > 20).sum()
    assert np.float32(found[0][2]).tobytes() == vectors.vectors[0].tobytes()
    with pa.memory_map(str(tmp_path / "x.arrow")) as source:
        table = pa.ipc.open_file(source).read_all()
        sums = duckdb.from_arrow(table).aggregate("count(*), sum(count)").fetchall()
        assert sums == [(len(WORDS), vectors.counts.sum())]
    duckdb.sql(f"copy (from '{tmp_path / 'x.parquet'}') to '{tmp_path / 'duck.parquet'}'")
    back = read_vectors(tmp_path / "duck.parquet")
    assert back.words == WORDS
    assert back.vectors.tobytes() == vectors.vectors.tobytes()


@pytest.fixture(scope="module")
def topics(tmp_path_factory):
    """A model of some words with clear neighbours, and its vectors."""
    sentences = [[f"{topic}{k}" for k in range(4)] * 2 for topic in "abcde"] * 40
    model = Word2Vec(vector_size=8, min_count=1, sample=0, epochs=10, window=3).fit(sentences)
    folder = tmp_path_factory.mktemp("topics")
    for name in ("x.bin", "x.txt", "x.vec", "x.npz"):
        model.export(folder / name)
    return model, folder


@slow
@pytest.mark.skipif(not DISTANCE.exists(), reason="word2vec's programs are missing")
def test_word2vec_s_distance_finds_the_same_neighbours(topics):
    model, folder = topics
    done = subprocess.run(
        [DISTANCE, folder / "x.bin"],
        input=b"a0\nEXIT\n",
        capture_output=True,
        check=False,
        timeout=60,
    )
    found = [line.split() for line in done.stdout.decode().splitlines() if "\t" in line]
    expected = model.wv.most_similar("a0", topn=10)
    assert [word for word, _ in found[:10]] == [word for word, _ in expected]
    assert [float(cosine) for _, cosine in found[:10]] == pytest.approx(
        [cosine for _, cosine in expected], abs=1e-5
    )


@slow
def test_fasttext_starts_from_a_vec(topics, tmp_path):
    fasttext = pytest.importorskip("fasttext")
    model, folder = topics
    (tmp_path / "text.txt").write_text("a0 a1 a2 a3\n" * 50)
    trained = fasttext.train_unsupervised(
        str(tmp_path / "text.txt"),
        pretrainedVectors=str(folder / "x.vec"),
        dim=8,
        minCount=1,
        maxn=0,
        lr=0.0,
        epoch=1,
        thread=1,
    )
    for word in ("a0", "a3"):
        np.testing.assert_allclose(trained.get_word_vector(word), model.wv[word], atol=1e-6)


@slow
def test_a_vec_of_fasttext_is_read(tmp_path):
    fasttext = pytest.importorskip("fasttext")
    (tmp_path / "text.txt").write_text("a0 a1 a2 a3\n" * 50)
    trained = fasttext.train_unsupervised(str(tmp_path / "text.txt"), dim=4, minCount=1, thread=1)
    words = trained.get_words()
    lines = [
        # As fastText's own print: a blank behind each number, the last one too.
        f"{word} {''.join(f'{number:.5g} ' for number in trained.get_word_vector(word))}\n"
        for word in words
    ]
    (tmp_path / "x.vec").write_text(f"{len(words)} 4\n" + "".join(lines))
    back = read_vectors(tmp_path / "x.vec")
    assert back.words == words
    expected = [trained.get_word_vector(word) for word in words]
    np.testing.assert_allclose(back.vectors, expected, rtol=1e-4)


@slow
@pytest.mark.skipif(not WORD2VEC.exists(), reason="word2vec is missing")
@pytest.mark.parametrize("binary", ["0", "1"])
def test_what_word2vec_writes_is_read(tmp_path, binary):
    (tmp_path / "text.txt").write_text("a0 a1 a2 a3\n" * 50)
    command = [WORD2VEC, "-train", "text.txt", "-output", "x", "-size", "6", "-min-count", "1"]
    subprocess.run(
        [*command, "-binary", binary], cwd=tmp_path, check=True, capture_output=True, timeout=60
    )
    back = read_vectors(tmp_path / "x")
    loaded = KeyedVectors.load_word2vec_format(str(tmp_path / "x"), binary=binary == "1")
    assert back.words == loaded.index_to_key
    assert set(back.words) == {"</s>", "a0", "a1", "a2", "a3"}
    assert np.array_equal(back.vectors, loaded.vectors)


@slow
@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is missing")
def test_tensorboard_s_projector_serves_the_folder(tmp_path, topics):
    from urllib.parse import quote
    from urllib.request import urlopen

    from tensorboard.backend.event_processing import plugin_event_multiplexer
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.projector import projector_plugin
    from werkzeug.wrappers import Request

    model, folder = topics
    write_vectors(read_vectors(folder / "x.npz"), tmp_path / "log", "projector")
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    context = base_plugin.TBContext(logdir=str(tmp_path / "log"), multiplexer=multiplexer)
    plugin = projector_plugin.ProjectorPlugin(context)
    apps = plugin.get_plugin_apps()

    def serve(environ, start_response):
        return apps[Request(environ).path](environ, start_response)

    server = make_server("127.0.0.1", 0, serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"

        def asked(question):
            with urlopen(address + question) as answer:
                content = answer.read()
            return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content

        runs = json.loads(asked("/runs"))
        assert runs
        run = quote(runs[0])
        shown = json.loads(asked(f"/info?run={run}"))
        name = shown["embeddings"][0]["tensorName"]
        words = asked(f"/metadata?run={run}&name={name}&num_rows=1000").decode().splitlines()
        assert words == model.vocabulary.words
        table = np.frombuffer(asked(f"/tensor?run={run}&name={name}&num_rows=1000"), np.float32)
        assert table.tobytes() == model.embeddings.table().tobytes()
    finally:
        server.shutdown()
        server.server_close()


def test_npz_is_read_by_numpy_alone(topics):
    _, folder = topics
    code = (
        "import sys, numpy; f = numpy.load(sys.argv[1]);"
        "print(*f['words'][:2], f['in_vectors'].shape, *(m for m in sys.modules if 'fastw2v' in m))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, folder / "x.npz"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path("/"),
    )
    assert done.stdout.split() == ["a0", "a1", "(20,", "8)"]
