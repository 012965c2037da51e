"""The report's page as it is written: what it embeds, what it escapes, when it refuses.

`test_report_browser.py` looks at it in a browser.
"""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.errors import ConfigurationError, MissingDependencyError
from fastw2v.formats import write_vectors
from fastw2v.formats.vectors import Vectors
from fastw2v.report import ReportOptions, embedded, write_report
from fastw2v.report.embedded import embedded_model, normalisers, packed
from fastw2v.report.evaluation_table import evaluation_rows
from fastw2v.report.history import epoch_rows
from fastw2v.report.page import corpus_shown
from fastw2v.report.subject import subject_of
from fastw2v.training.result import TrainedModel
from tests.support.corpora_made import chain_sentences

HOSTILE = ["</script><img/src=x/onerror=hacked=1>", "<!--", "&amp;", "\"'", "__proto__", "{{7*7}}"]


@pytest.fixture(scope="module")
def page(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(model, path, ReportOptions("Chain & <b>", with_evaluation=False))
    return path.read_text(encoding="utf-8")


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def array_of(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def unpacked(table, dimensions):
    numbers = array_of(table["numbers"], "<i2").reshape(-1, dimensions)
    return numbers * array_of(table["scales"], "<f4")[:, None]


class _Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.ids, self.names = [], [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset"):
                self.links.append(value)
            if name == "id":
                self.ids.append(value)


def test_the_page_asks_for_nothing_and_names_everything_once(page):
    elements = _Elements()
    elements.feed(page)
    assert set(elements.links) == {"#explore", "data:,"}
    assert len(set(elements.ids)) == len(elements.ids)
    assert "default-src 'none'; script-src 'unsafe-inline'; style-src" in page
    assert "connect-src" not in page  # default-src has it
    assert "<h1>Chain &amp; &lt;b&gt;</h1>" in page


def test_the_page_shows_summary_epochs_and_settings(page, model):
    assert f"{model.summary.loss_nats:.4f}" in page
    assert f"{model.summary.unigram_entropy_nats:.4f}" in page
    assert f"{model.summary.conditional_entropy_nats:.4f}" in page
    for record in model.history:
        assert f"<td>{record.loss_nats:.4f}</td>" in page
    for name in model.settings.as_dict():
        assert f"<dt>{name}</dt>" in page


def test_vectors_in_the_page_are_those_of_the_model(page, model):
    data = data_of(page)
    assert data["words"] == model.vocabulary.words
    assert data["counts"] == model.vocabulary.counts.tolist()
    for name, table in (("inputs", model.in_vectors), ("outputs", model.out_vectors)):
        found = unpacked(data[name], 12)
        largest = np.abs(table).max(axis=1, keepdims=True)
        assert np.all(np.abs(found - table) <= largest * (0.5 / (2**15 - 1) + 1e-6))
    np.testing.assert_array_equal(array_of(data["bias"], "<f4"), model.out_bias)
    rates = array_of(data["self_rates"], "<f4")
    np.testing.assert_array_equal(rates, model.embeddings.self_rates)
    assert data["n_tokens"] == sum(data["counts"])
    assert np.isfinite(array_of(data["places"], "<f4")).all()


def _orders(inputs, outputs, temperature, bias):
    table = inputs + outputs
    units = table / np.linalg.norm(table, axis=1, keepdims=True)
    near = np.argsort(-(units @ units.T), axis=1, kind="stable")[:, :11]
    contexts = np.argsort(-(temperature * inputs @ outputs.T + bias), axis=1, kind="stable")
    return near, contexts[:, :10]


def _same_order(bits, monkeypatch):
    """Return the share of words whose ten neighbours and contexts keep their order when packed."""
    monkeypatch.setattr(embedded, "_LARGEST_NUMBER", 2 ** (bits - 1) - 1)
    generator = np.random.default_rng(3)
    tables = generator.normal(size=(2, 1500, 50)).astype(np.float32)
    exact = _orders(*tables, 1.0, 0.0)
    found = _orders(*(unpacked(packed(table), 50) for table in tables), 1.0, 0.0)
    return [np.mean((a == b).all(axis=1)) for a, b in zip(exact, found, strict=True)]


def test_packed_vectors_keep_the_order_and_eight_bits_would_not(monkeypatch):
    assert min(_same_order(16, monkeypatch)) > 0.98
    assert max(_same_order(8, monkeypatch)) < 0.9


def test_a_table_of_zeros_is_packed():
    assert not unpacked(packed(np.zeros((2, 3), np.float32)), 3).any()


def test_hostile_words_stay_inside_their_element(tmp_path):
    sentences = [HOSTILE * 3, HOSTILE[::-1] * 2]
    model = Word2Vec(vector_size=3, min_count=1, epochs=1, sample=0).fit(sentences)
    write_report(model, tmp_path / "page.html", ReportOptions(HOSTILE[0], with_evaluation=False))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert sorted(data_of(page)["words"]) == sorted(HOSTILE)
    elements = _Elements()
    elements.feed(page)
    assert "img" not in elements.names
    assert elements.names.count("script") == 4


def test_a_part_of_the_words_has_normalisers_of_the_whole(model):
    embeddings = replace(model.embeddings, peaks=None)  # test_page_probabilities.py has them
    part = embedded_model(embeddings, 5)
    assert len(part["words"]) == 5
    for word, normaliser in zip(part["words"], normalisers(embeddings, 5)[0], strict=True):
        centre = model.in_vectors[model.vocabulary.index(word)]
        score = model.out_vectors[:5] @ centre + model.out_bias[:5]
        own = model.vocabulary.index(word)
        rate = embeddings.self_rates[own]
        told = (1 - rate) * np.exp(score - normaliser)  # over the other words
        told[own] = rate
        expected = embeddings.context_probabilities(word)[:5]
        np.testing.assert_allclose(told, expected, rtol=1e-5)
    assert embedded_model(embeddings, 40)["normalisers"] is None


def test_the_page_shows_predicted_beside_observed_shares(model, tmp_path):
    from tests.support.corpora_made import chain_sentences

    text = chain_sentences(3, 40, sentences=60)
    options = ReportOptions("x", with_evaluation=False, text=text)
    write_report(model, tmp_path / "page.html", options)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<h2 id="calibration-title">Calibration</h2>' in page
    found = model.reliability(text)
    for one in (*found.bins, found.own):
        assert f"<td>{100 * one.predicted:.3f} %</td><td>{100 * one.observed:.3f} %</td>" in page
    without = ReportOptions("x", with_evaluation=False)
    write_report(model, tmp_path / "without.html", without)
    assert "Calibration" not in (tmp_path / "without.html").read_text(encoding="utf-8")


def test_throughput_is_that_of_the_text(model):
    rows = epoch_rows(model)
    assert sum(row.seconds for row in rows) == pytest.approx(model.history[-1].elapsed_s)
    assert rows[0].tokens_per_s == pytest.approx(7200 / model.history[0].elapsed_s)
    assert {row.held_out_nats for row in rows} == {None}


def test_tests_that_cover_nothing_have_no_result(model):
    seen = []
    rows = evaluation_rows(subject_of(model), lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert rows
    assert {(str(row.value), row.interval, row.covered) for row in rows} == {("nan", None, 0)}


def test_the_command_writes_the_page_and_says_where(run, reference, tmp_path):
    target = tmp_path / "page.html"
    status, shown, errors = run("report", reference, "-o", target, "--quiet", "--words", "7")
    assert (status, errors) == (0, "")
    assert shown == f"{target}\n"
    page = target.read_text(encoding="utf-8")
    assert len(data_of(page)["words"]) == 7
    assert "<h1>model</h1>" in page
    assert "7 most frequent words" in page


def test_a_page_too_large_for_browsers_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "LARGEST_PAGE_BYTES", 1000)
    with pytest.raises(ConfigurationError, match=r"words: a page of 40 words .* --words"):
        write_report(model, tmp_path / "page.html", ReportOptions("x", with_evaluation=False))
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_said_before_the_work(model, tmp_path, monkeypatch):
    monkeypatch.setattr("fastw2v.report.projection.find_spec", lambda name: None)
    with pytest.raises(
        MissingDependencyError, match=r"expected openTSNE, .*'fastw2v\[map\]', or choose 'pca'"
    ):
        write_report(model, tmp_path / "page.html", ReportOptions("x", "tsne"))
    monkeypatch.setitem(__import__("sys").modules, "bokeh", None)
    with pytest.raises(MissingDependencyError, match=r"bokeh, .* install 'fastw2v\[report\]'"):
        write_report(model, tmp_path / "page.html", ReportOptions("x"))


def test_an_untrained_history_and_a_single_word_make_a_page(tmp_path, monkeypatch):
    model = Word2Vec(vector_size=1, min_count=1, epochs=1).fit([["a", "a"]])
    model._trained = TrainedModel(model.settings, model.embeddings)
    write_report(model, tmp_path / "page.html", ReportOptions("x", with_evaluation=False))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "holds no summary" in page
    assert data_of(page)["words"] == ["a"]


def test_a_held_out_loss_is_drawn_when_the_history_has_it(tmp_path):
    model = Word2Vec(vector_size=2, min_count=1, epochs=2).fit(chain_sentences(1, 9, 50))
    for record, loss in zip(model.history, (1.2345, None), strict=True):
        object.__setattr__(record, "held_out_loss_nats", loss)
    write_report(model, tmp_path / "page.html", ReportOptions("x", with_evaluation=False))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<td>1.2345</td>" in page
    assert '"name":"held_out_line"' in page


def test_the_page_has_clusters_and_says_how_words_got_their_places(page):
    data = data_of(page)
    clusters = data["clusters"]
    of_word = array_of(clusters["of_word"], "<i4")
    assert len(of_word) == 40
    assert set(of_word.tolist()) == set(range(len(clusters["names"])))
    assert len(clusters["places"]) == len(clusters["colours"]) == len(clusters["names"]) == 2
    for name in clusters["names"]:
        assert set(name.split(", ")) <= set(data["words"])
    told = "words by principal components, as there are fewer than 200 words."
    assert told in page.replace("\n", " ")


def test_clusters_can_be_left_out(model, tmp_path):
    options = ReportOptions("x", with_evaluation=False, n_clusters=0)
    write_report(model, tmp_path / "page.html", options)
    assert data_of((tmp_path / "page.html").read_text(encoding="utf-8"))["clusters"] is None
    with pytest.raises(ConfigurationError, match="clusters: expected at most 500"):
        ReportOptions("x", n_clusters=501)


def test_without_umap_the_map_is_of_principal_components_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("fastw2v.report.projection.find_spec", lambda name: None)
    table = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    vectors = Vectors([f"w{k}" for k in range(300)], table)
    written = write_report(vectors, tmp_path / "p.html", ReportOptions("x", with_evaluation=False))
    assert written.method == "pca"
    assert written.fallback == "not installed"
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "principal components, as umap-learn is not installed" in page
    with pytest.raises(MissingDependencyError, match=r"expected umap-learn, .*fastw2v\[report\]"):
        write_report(vectors, tmp_path / "q.html", ReportOptions("x", "umap"))


def test_the_command_says_that_umap_is_missing(run, monkeypatch, tmp_path):
    monkeypatch.setattr("fastw2v.report.projection.find_spec", lambda name: None)
    table = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
    write_vectors(Vectors([f"w{k}" for k in range(200)], table), tmp_path / "x.txt")
    asked = ("report", tmp_path / "x.txt", "-o", tmp_path / "p.html", "--no-evaluation")
    told = "the map is of principal components, as umap-learn is not installed"
    assert told in run(*asked, "--log-json")[2]
    assert told not in run(*asked, "--log-json", "--map", "pca")[2]
    assert told not in run(*asked, "--log-json", "--words", "199")[2]


def test_word_tests_are_hidden_where_they_cannot_apply(model, tmp_path):
    """The words of this model are no English: a map of items has no tests of words."""
    write_report(model, tmp_path / "page.html", ReportOptions("Items"))
    assert 'id="evaluation-title"' not in (tmp_path / "page.html").read_text(encoding="utf-8")
    words = ["tiger", "cat", "book", "paper", "w1"]
    table = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    write_report(Vectors(words, table), tmp_path / "words.html", ReportOptions("Words"))
    page = (tmp_path / "words.html").read_text(encoding="utf-8")
    shown = page[page.index('id="evaluation-title"') : page.index("<footer")]
    assert " of 353</td>" in shown
    assert "of 19,544</td>" not in shown
    told = "No question of these has all its words in the vocabulary:"
    assert "Google analogies" in shown[shown.index(told) :]


def test_settings_name_the_corpus(model, chain_file, tmp_path):
    fitted = Word2Vec(vector_size=2, min_count=1, epochs=1).fit(chain_file)
    assert corpus_shown(fitted) == "chain.txt"
    write_report(fitted, tmp_path / "page.html", ReportOptions("x", with_evaluation=False))
    assert "<dt>corpus</dt><dd>chain.txt</dd>" in (tmp_path / "page.html").read_text()
    assert corpus_shown(model) == "no file: lists of tokens, or counts"
    many = [f"/data/part{k}.txt" for k in range(1000)]
    fitted._trained = replace(
        fitted._trained, run_record=replace(fitted.run_record, sources=["-", *many])
    )
    shown = "standard input, part0.txt, part1.txt, part2.txt, part3.txt and 996 more"
    assert corpus_shown(fitted) == shown
