"""Pages and pictures of files of vectors, of any program: fastText's .bin among them."""

import json
import re

import numpy as np
import pytest
from gensim.models import FastText
from gensim.models.fasttext import load_facebook_vectors, save_facebook_model

from fastw2v import Word2Vec
from fastw2v.comparison.requests import END_OF_LINE
from fastw2v.errors import ConfigurationError
from fastw2v.formats import FORMATS, read_vectors, write_vectors
from fastw2v.formats.vectors import Vectors
from fastw2v.report import ReportOptions, write_report
from fastw2v.report.embedded import unknown_in_page
from fastw2v.report.plots import write_picture
from fastw2v.report.subject import subject_of
from tests.report.test_plots import texts_of
from tests.report.test_report import data_of
from tests.report.test_report_unknown_words import NEAR, needs_node, run_script
from tests.support.corpora_made import topic_sentences

ALL = tuple(form.name for form in FORMATS)
UNKNOWN = ["t3w0", "t0w1t5w1", "t3w071"]


@pytest.fixture(scope="module")
def vectors():
    table = np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32)
    return Vectors([f"w{k}" for k in range(30)], table)


def page_of(run, path, target, *options):
    status, shown, errors = run("report", path, "-o", target, "--quiet", *options)
    assert (status, shown, errors) == (0, f"{target}\n", "")
    return target.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ALL)
def test_any_file_has_a_page_and_pictures(run, tmp_path, vectors, form):
    write_vectors(vectors, tmp_path / "x", form)
    page = page_of(run, tmp_path / "x", tmp_path / "page.html", "--no-evaluation")
    data = data_of(page)
    assert data["words"] == vectors.words
    assert (data["outputs"], data["bias"], data["counts"]) == (None, None, None)
    assert "30 words, 4 dimensions: a file of vectors." in page.replace("\n", "")
    for absent in ("likely context", "training-title", "settings-title", "tokens"):
        assert absent not in page.split("<script")[0]
    for kind, title in (("map", "30 words by principal"), ("spectrum", "Spectrum of the vectors")):
        target = tmp_path / f"{kind}.svg"
        done = run("plot", tmp_path / "x", "--kind", kind, "-o", target, "--quiet")
        assert done == (0, f"{target}\n", "")
        assert any(title in text for text in texts_of(target.read_text()))
    status, _, errors = run("plot", tmp_path / "x", "--kind", "loss", "-o", tmp_path / "no.svg")
    assert status == 2
    assert "expected 'map' or 'spectrum' of a file of vectors" in errors
    assert not (tmp_path / "no.svg").exists()


def test_counts_order_the_words(tmp_path, vectors):
    counts = np.arange(1, 31)
    given = Vectors(vectors.words, vectors.vectors, counts)
    subject = subject_of(given)
    assert subject.words == vectors.words[::-1]
    assert np.array_equal(subject.vectors, vectors.vectors[::-1])
    assert subject.counts.tolist() == counts[::-1].tolist()
    write_report(given, tmp_path / "page.html", ReportOptions("x", with_evaluation=False))
    page = (tmp_path / "page.html").read_text()
    data = data_of(page)
    assert data["counts"] == counts[::-1].tolist()
    assert "30 words of\n465 tokens" in page


def test_a_page_of_part_of_the_words(run, tmp_path, vectors):
    write_vectors(vectors, tmp_path / "x.txt")
    page = page_of(run, tmp_path / "x.txt", tmp_path / "p.html", "--words", "7", "--no-evaluation")
    assert data_of(page)["words"] == vectors.words[:7]
    assert "7 most frequent words by principal components" in page


def test_files_are_evaluated(run, tmp_path):
    words = ["king", "queen", "man", "woman", "tiger", "cat", "old", "new", "book", "paper"]
    table = np.random.default_rng(1).normal(size=(10, 4)).astype(np.float32)
    write_vectors(Vectors(words, table), tmp_path / "x.vec")
    page = page_of(run, tmp_path / "x.vec", tmp_path / "page.html")
    status, shown, _ = run("eval", tmp_path / "x.vec", "--json", "--quiet")
    assert status == 0
    measured = json.loads(shown)["similarity"][0]
    assert f"<td>{measured['spearman']:.3f}</td>" in page
    assert f"{measured['covered']} of {measured['total']}" in page


def ours(path):
    sizes = {"min_n": 1, "max_n": 4, "bucket": 5000}
    model = Word2Vec(inputs="subwords", vector_size=12, min_count=1, epochs=1, sample=0, **sizes)
    model.fit(topic_sentences(1, 100)).export(path, "fasttext-bin")


def gensim_s(path):
    settings = {"vector_size": 12, "min_count": 1, "min_n": 2, "max_n": 4, "bucket": 5000}
    save_facebook_model(FastText(topic_sentences(1, 100), workers=1, **settings), str(path))


def fasttext_s(path):
    # With fewer than ten threads it leaves most first vectors as they are found in memory.
    fasttext = pytest.importorskip("fasttext")
    text = path.with_suffix(".text")
    lines = [" ".join(sentence) for sentence in topic_sentences(1, 100)]
    text.write_text("\n".join(lines * 20) + "\n")
    settings = {"dim": 12, "minCount": 1, "minn": 2, "maxn": 4, "bucket": 5000, "thread": 10}
    for _ in range(9):
        try:  # its loss is 0 / 0 while its thread has not begun, on a busy machine
            trained = fasttext.train_unsupervised(str(text), "skipgram", lr=0.01, **settings)
        except RuntimeError:
            continue
        trained.save_model(str(path))
        return


WRITERS = [ours, gensim_s, pytest.param(fasttext_s, marks=pytest.mark.slow)]


@needs_node
@pytest.mark.parametrize("write", WRITERS)
def test_unknown_words_of_a_fasttext_bin_have_its_neighbours(run, tmp_path, write):
    """The oracle is gensim's reader of the file, and its own search."""
    write(tmp_path / "model.bin")
    page = page_of(run, tmp_path / "model.bin", tmp_path / "page.html", "--no-evaluation")
    keyed = load_facebook_vectors(str(tmp_path / "model.bin"))
    answers = run_script(NEAR, [data_of(page), UNKNOWN])
    for word, (_, near) in zip(UNKNOWN, answers, strict=True):
        assert word not in keyed.key_to_index
        expected = keyed.similar_by_vector(keyed.get_vector(word), topn=10)
        cosines = [cosine for _, cosine in expected]
        np.testing.assert_allclose([cosine for _, cosine in near], cosines, atol=2e-3)
        assert len({other for other, _ in near} & {other for other, _ in expected}) >= 8
    assert "get their neighbours from" in page
    assert "their contexts are not in the page" not in page


@pytest.mark.parametrize("write", WRITERS)
def test_every_command_takes_a_fasttext_bin(run, tmp_path, write):
    write(tmp_path / "model.bin")
    keyed = load_facebook_vectors(str(tmp_path / "model.bin"))
    # gensim gives fastText's end of a line n-grams, which fastText does not.
    a, b, c = [word for word in keyed.index_to_key if word != END_OF_LINE][:3]
    status, shown, _ = run("neighbors", tmp_path / "model.bin", a, "t3w071", "--topn", "3")
    assert status == 0
    assert "t3w071 (unknown, from its n-grams)" in shown
    near = [word for word in re.findall(r"near +(.*)", shown)[0].split() if word in keyed]
    expected = keyed.most_similar(a, topn=3)
    assert near[0] == next(word for word, _ in expected if word != END_OF_LINE)
    status, shown, _ = run("vectors", tmp_path / "model.bin", "t3w071")
    assert status == 0
    found = np.array(shown.split()[1:], np.float32)
    np.testing.assert_allclose(found, keyed.get_vector("t3w071"), atol=1e-6)
    (tmp_path / "pairs").write_text(f"{a}\t{b}\t9\n{a}\t{c}\t1\n{a}\tt3w071\t2\n")
    status, shown, _ = run("eval", tmp_path / "model.bin", "--pairs", tmp_path / "pairs", "--json")
    assert status == 0
    assert json.loads(shown)["similarity"][0]["covered"] == 2
    target = tmp_path / "map.png"
    assert run("plot", tmp_path / "model.bin", "--kind", "map", "-o", target, "--quiet")[0] == 0
    assert run("convert", tmp_path / "model.bin", tmp_path / "x.vec")[0] == 0
    assert read_vectors(tmp_path / "x.vec").words == keyed.index_to_key


def test_ngrams_that_are_too_many_for_a_page_are_told(run, tmp_path):
    ours(tmp_path / "model.bin")
    table = read_vectors(tmp_path / "model.bin").ngrams
    assert unknown_in_page(table, 64).is_in_page
    page = page_of(
        *(run, tmp_path / "model.bin", tmp_path / "p.html"),
        *("--ngrams-mib", "0", "--no-evaluation"),
    )
    assert "though the file has what makes vectors of them" in page
    assert data_of(page)["unknown"] is None


def test_a_file_has_one_table(tmp_path, vectors):
    with pytest.raises(ConfigurationError, match="which has one table, got 'in'"):
        write_picture(vectors, tmp_path / "x.png", "map", vectors="in")


@needs_node
def test_a_word_of_a_file_has_neighbours_and_no_contexts(tmp_path, vectors):
    write_report(vectors, tmp_path / "page.html", ReportOptions("x", with_evaluation=False))
    code = """
      const vectors = await Vectors.of(given[0]);
      answer = [vectors.near(3, 10).map(({ id, value }) => [given[0].words[id], value]),
                vectors.contexts(3, 10)];
    """
    near, contexts = run_script(code, [data_of((tmp_path / "page.html").read_text())])
    assert contexts == []
    expected = vectors.keyed_vectors().most_similar("w3", topn=10)
    assert [word for word, _ in near] == [word for word, _ in expected]
