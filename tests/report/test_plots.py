"""`fastw2v plot`: what is drawn, read back from the SVG; the same bytes each time."""

import json
import re
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from fastw2v import Word2Vec
from fastw2v.errors import ConfigurationError, FastW2VError, MissingDependencyError
from fastw2v.formats import write_vectors
from fastw2v.formats.vectors import Vectors
from fastw2v.report import ReportOptions, write_report
from fastw2v.report.clusters import N_COLOURS
from fastw2v.report.fonts import families_for
from fastw2v.report.plots import _CLUSTER_COLOURS, named_places, spectrum, write_picture
from fastw2v.training.result import TrainedModel
from tests.report.test_report import data_of

TITLES = {"map": "40 words by principal components", "loss": "Loss of training",
          "spectrum": "Spectrum of the in + out vectors"}  # fmt: skip


def texts_of(svg):
    """Matplotlib draws letters as paths and leaves the text as a comment."""
    return re.findall(r"<!-- (.*?) -->", svg)


@pytest.mark.parametrize("kind", TITLES)
def test_pictures_have_titles_axes_and_the_same_bytes(run, model_folder, tmp_path, kind):
    for name in ("one.svg", "two.svg", "one.png", "two.png"):
        target = tmp_path / name
        done = run("plot", model_folder, "--kind", kind, "-o", target, "--quiet")
        assert done == (0, f"{target}\n", "")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    svg = (tmp_path / "one.svg").read_text()
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    shown = texts_of(svg)
    assert any(TITLES[kind] in text for text in shown)
    labels = {
        "map": ["principal component 1 (cosine, no unit)"],
        "loss": ["epoch", "loss (nats a pair)", "unigram entropy: no vectors needed",
                 "conditional entropy of the counts: the floor"],
        "spectrum": ["number of the singular value", "singular value (length of vectors)"],
    }  # fmt: skip
    for label in labels[kind]:
        assert label in shown
    if kind == "map":
        assert len({f"w{number}" for number in range(40)} & set(shown)) >= 20
    with Image.open(tmp_path / "one.png") as picture:
        assert min(picture.size) >= 750
        assert len(picture.convert("L").getcolors()) > 20  # something is drawn


def test_the_spectrum_is_that_of_the_gram_matrix(model):
    table = model.embeddings.table()
    squares = np.linalg.eigvalsh(table.T.astype(float) @ table)[::-1]
    np.testing.assert_allclose(spectrum(table), np.sqrt(squares), rtol=1e-6)


def test_named_words_are_the_most_frequent_with_room():
    places = np.array([[0, 0], [0.01, 0], [1, 1], [0.5, 0.5], [1, 0.99]], np.float32)
    assert named_places(places, 10) == [0, 2, 3]
    assert named_places(places, 2) == [0, 2]
    assert named_places(np.zeros((3, 2), np.float32), 5) == [0]


def test_the_map_has_the_clusters_names_and_colours_of_the_page(model, tmp_path):
    write_picture(model, tmp_path / "map.svg", "map")
    write_report(model, tmp_path / "page.html", ReportOptions("x", with_evaluation=False))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    svg = (tmp_path / "map.svg").read_text()
    clusters = data_of(page)["clusters"]
    assert len(clusters["names"]) == 2
    assert set(clusters["names"]) <= set(texts_of(svg))
    of_page = re.findall(r"--group-\d+: (#\w+);", page)[:N_COLOURS]  # the light ones come first
    assert tuple(of_page) == _CLUSTER_COLOURS
    for colour in clusters["colours"]:
        assert svg.count(f"fill: {of_page[colour]}") > 1


def test_dollars_in_words_are_no_mathematics(tmp_path):
    model = Word2Vec(vector_size=2, min_count=1, epochs=1).fit([["$a_", "_$", "$\\x$", "b"] * 3])
    write_picture(model, tmp_path / "map.svg", "map")
    assert "<svg" in (tmp_path / "map.svg").read_text()


def test_installed_fonts_draw_what_matplotlib_s_own_lacks(tmp_path):
    families, lacking = families_for("plain words")
    assert (families, lacking) == (["sans-serif"], set())
    families, lacking = families_for("a\u02ef\n")  # matplotlib brings other fonts that have it
    assert (len(families), lacking) == (2, set())
    vectors = Vectors(["a\u02ef", "b"], np.eye(2, 3, dtype=np.float32))
    write_picture(vectors, tmp_path / "map.svg", "map")
    fonts = set(re.findall(r'id="(\w+)-[0-9a-f]+"', (tmp_path / "map.svg").read_text()))
    assert len(fonts - {"DejaVuSans"}) == 1


def test_names_without_a_font_are_told_once(run, tmp_path):
    """U+0378 is no character: no font has it."""
    names = ["one", "t\u0378wo", "\u0378", "four"]
    vectors = Vectors(names, np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32))
    write_vectors(vectors, tmp_path / "vectors.txt", "word2vec")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asked = ("plot", tmp_path / "vectors.txt", "-o", tmp_path / "map.png")
        assert run(*asked, "--quiet") == (0, f"{tmp_path / 'map.png'}\n", "")
        status, _, errors = run(*asked, "--log-json")
        with pytest.raises(UserWarning, match="of the 4 names on the map have characters that no"):
            write_picture(vectors, tmp_path / "map.svg", "map")
    assert status == 0
    notices = [event for event in map(json.loads, errors.splitlines()) if "message" in event]
    assert len(notices) == 1
    assert "2 of the 4 names" in notices[0]["message"]
    assert f"{names[1]!r} the first" in notices[0]["message"]


def test_what_cannot_be_drawn_is_refused(model, tmp_path, monkeypatch):
    with pytest.raises(ConfigurationError, match=r"ends in \.png or \.svg, got 'x\.gif'"):
        write_picture(model, tmp_path / "x.gif", "map")
    with pytest.raises(ConfigurationError, match="kind: expected one of 'map', 'loss', 'spectrum'"):
        write_picture(model, tmp_path / "x.png", "pie")
    bare = Word2Vec(vector_size=2, min_count=1, epochs=1).fit([["a", "b"]])
    bare._trained = TrainedModel(bare.settings, bare.embeddings)
    with pytest.raises(FastW2VError, match="history of its epochs, this one has none"):
        write_picture(bare, tmp_path / "x.png", "loss")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"matplotlib, .* install 'fastw2v\[plot\]'"):
        write_picture(model, tmp_path / "x.png", "loss")
    assert list(tmp_path.iterdir()) == []
