"""The map of the page in a browser, at 70,000 and 300,000 words.

The vectors are generated: groups of words around directions. Principal components place them, which
is quick; `test_projection.py` has UMAP.
"""

import io
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from fastw2v import Word2Vec
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.exact_search import unit_rows
from fastw2v.report import ReportOptions, write_report
from fastw2v.report.clusters import find_clusters
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.result import TrainedModel
from tests.report.test_report import array_of, data_of
from tests.support.corpora_made import topic_sentences
from tests.support.open_pages import Page

pytestmark = pytest.mark.slow

N_GROUPS, DIMENSIONS = 24, 16
SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Large:
    """A large page that is open, and what it must show."""

    page: Page
    model: Word2Vec
    data: dict
    places: np.ndarray
    of_word: np.ndarray

    @property
    def n_words(self):
        return len(self.data["words"])

    def in_polygon(self, corners):
        """Return the words whose place on the screen is within some corners, by winding."""
        screen = self.screen()
        is_in = np.zeros(len(screen), bool)
        for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
            crosses = (y1 > screen[:, 1]) != (y2 > screen[:, 1])
            at = (x2 - x1) * (screen[:, 1] - y1) / ((y2 - y1) or 1) + x1
            is_in ^= crosses & (screen[:, 0] < at)
        return np.flatnonzero(is_in)

    def screen(self):
        """Return where all words are on the screen."""
        zero, one = (np.array(self.page.on_screen(*place)) for place in ((0, 0), (1, 1)))
        return zero + (one - zero) * self.places

    def selected(self):
        """Return the words of the selection, as they are saved."""
        saved, name = self.page.download("#save-words")
        assert name == "words.tsv"
        lines = [line.split("\t") for line in saved.decode().split("\n")[:-1]]
        return lines[0], lines[1:]


def large_model(n_words):
    generator = np.random.default_rng(8)
    counts = np.sort((1e6 / np.arange(1, n_words + 1)).astype(np.int64) + 1)[::-1].copy()
    group = np.arange(n_words) % N_GROUPS
    words = [f"g{g}w{k}" for k, g in enumerate(group)]
    centres = generator.normal(size=(N_GROUPS, DIMENSIONS))
    inputs = (centres[group] + 0.5 * generator.normal(size=(n_words, DIMENSIONS))) / 4
    outputs = 0.2 * generator.normal(size=(n_words, DIMENSIONS))
    bias = np.log(counts / counts.sum()).astype(np.float32)
    vocabulary = Vocabulary(words, counts, int(counts.sum()), n_words)
    tables = inputs.astype(np.float32), outputs.astype(np.float32)
    model = Word2Vec(vector_size=DIMENSIONS)
    model._trained = TrainedModel(model.settings, Embeddings(vocabulary, *tables, bias))
    return model


@pytest.fixture(scope="module", params=[70_000, 300_000])
def large(browser, request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    model = large_model(request.param)
    words = model.vocabulary.words
    table = folder / "columns.tsv"
    rows = (f"{word}\tkind {k % 3}\t{k % 7}" for k, word in enumerate(words[: len(words) // 2]))
    table.write_text("word\tkind\tnumber\n" + "\n".join(rows) + "\n")
    path = folder / "page.html"
    options = ReportOptions("Large", "pca", with_evaluation=False, columns=table)
    assert write_report(model, path, options).n_words_without_place == 0
    data = data_of(path.read_text(encoding="utf-8"))
    places = array_of(data["places"], "<f4").reshape(-1, 2).astype(float)
    of_word = array_of(data["clusters"]["of_word"], "<i4")
    opened = Page(browser, path, accept_downloads=True)
    opened.page.set_viewport_size({"width": 1280, "height": 1100})
    opened.rest()
    yield Large(opened, model, data, places, of_word)
    opened.close()


@pytest.fixture(autouse=True)
def as_at_first(request):
    """Let each test find the whole map, coloured by cluster, with nothing lit or selected."""
    if "large" not in request.fixturenames:
        return
    page = request.getfixturevalue("large").page
    page.page.select_option("#colour-by", "cluster")
    page.page.fill("#rank-from", "0")
    page.page.fill("#rank-to", "1000")
    for button in ("#clear-words", "#unlight", "#drag-move", "#zoom-all"):
        if page.page.is_visible(button):
            page.page.click(button)
    page.rest()


def test_clusters_are_named_and_those_of_the_vectors(large):
    rows = unit_rows(large.model.embeddings.table())
    counts = large.model.vocabulary.counts
    n_clusters = len(large.data["clusters"]["names"])
    expected = find_clusters(large.data["words"], rows, counts, n_clusters, seed=1)
    legend = large.page.page.locator("#legend button").all_text_contents()
    assert len(legend) == n_clusters == 48
    for text, names, size in zip(legend, expected.names, expected.sizes, strict=True):
        assert text == f"{', '.join(names)} {size:,}"
    of_one_group = [len({name.split("w")[0] for name in names}) == 1 for names in expected.names]
    assert np.mean(of_one_group) > 0.8
    assert large.page.column("cluster_labels", "text")


def test_points_are_coloured_by_cluster_frequency_and_columns(large):
    page = large.page
    colours = np.array(page.column("points", "colour"))
    for cluster in range(len(large.data["clusters"]["names"])):
        assert len(set(colours[large.of_word == cluster])) == 1
    assert len(set(colours)) == 12
    page.page.select_option("#colour-by", label="frequency")
    by_count = page.column("points", "colour")
    assert by_count[0] != by_count[-1]
    assert len(set(by_count)) > 20
    page.page.select_option("#colour-by", label="kind")
    kinds = page.column("points", "colour")
    half = large.n_words // 2
    assert len(set(kinds[:half])) == 3
    assert kinds[:6] == kinds[:3] * 2
    assert len(set(kinds[half:])) == 1
    assert kinds[half] not in kinds[:half]
    legend = page.page.locator("#legend button").all_text_contents()
    assert [text.rsplit(" ", 1)[0] for text in legend] == ["kind 0", "kind 1", "kind 2"]
    assert page.column("points", "about")[half - 1 : half + 1] == [
        f"kind {(half - 1) % 3}",
        "no value",
    ]
    page.page.select_option("#colour-by", label="number")
    numbers = page.column("points", "colour")
    assert len(set(numbers[:half])) == 7
    assert numbers[:7] == numbers[7:14]
    assert page.page.text_content("#legend").replace(" ", "") == "06"


def test_frequency_filters_words(large):
    page, counts = large.page, large.model.vocabulary.counts
    page.page.fill("#rank-from", "500")
    page.page.fill("#rank-to", "900")
    first, last = (round(large.n_words**part) for part in (0.5, 0.9))
    assert page.column("points", "word") == large.data["words"][first - 1 : last]
    shown = page.page.text_content("#rank-shown")
    assert shown == (
        f"words {first:,} to {last:,}: {counts[last - 1]:,} to {counts[first - 1]:,} times"
    )
    page.rest()
    assert set(page.column("labels", "text")) <= set(large.data["words"][first - 1 : last])
    assert page.column("labels", "text")
    page.page.click("#select-seen")
    _, rows = large.selected()
    assert [word for word, *_ in rows] == large.data["words"][first - 1 : last]


def test_points_and_names_grow_with_the_zoom(large):
    page = large.page

    def sizes():
        page.rest()
        fonts = [float(size.removesuffix("px")) for size in page.column("labels", "size")]
        return np.array(page.column("points", "size")), max(fonts)

    small, small_font = sizes()
    for _ in range(6):
        page.page.click("#zoom-in")
    grown, grown_font = sizes()
    np.testing.assert_allclose(grown / small, 1.4 ** (6 * 0.4), rtol=1e-3)
    assert grown_font > 1.2 * small_font
    page.page.click("#zoom-all")
    np.testing.assert_allclose(sizes()[0], small, rtol=1e-6)


@pytest.mark.parametrize("tool", ["lasso", "box"])
def test_words_are_selected_together(large, tool):
    page = large.page
    box = page.page.locator("#plane").bounding_box()
    left, top = box["x"] + 0.35 * box["width"], box["y"] + 0.4 * box["height"]
    wide, high = 0.2 * box["width"], 0.15 * box["height"]
    corners = [(left, top), (left + wide, top), (left + wide, top + high), (left, top + high)]
    page.page.click(f"#drag-{tool}")
    page.drag(*(corners if tool == "lasso" else (corners[0], corners[2])))
    page.page.wait_for_selector("#selection:not([hidden])")
    heading, rows = large.selected()
    assert heading == ["word", "count", "cluster", "kind", "number"]
    inside = large.in_polygon(corners)
    found = [int(word.split("w")[1]) for word, *_ in rows]
    assert found == sorted(found)
    # Those at the very edge may fall to either side.
    assert len(set(found) ^ set(inside.tolist())) <= 0.01 * len(inside) + 2
    assert 100 < len(found) < large.n_words / 2
    names = large.data["clusters"]["names"]
    for k, row in zip(found[:50], rows[:50], strict=True):
        count = str(large.model.vocabulary.counts[k])
        known = [f"kind {k % 3}", str(k % 7)] if k < large.n_words // 2 else ["", ""]
        assert row == [large.data["words"][k], count, names[large.of_word[k]], *known]
    assert page.page.locator("#selection-list li").count() == min(200, len(found))
    assert f"{len(found):,} words" in page.page.text_content("#selection-title")
    alpha = np.array(page.column("points", "alpha"))
    assert alpha[found].min() > 0.9
    assert np.delete(alpha, found).max() < 0.3
    page.page.click("#clear-words")
    assert page.page.is_hidden("#selection")
    assert np.array(page.column("points", "alpha")).max() > 0.8


def test_a_selection_is_copied(large):
    page = large.page
    page.page.locator("#legend button").nth(2).click()
    members = np.flatnonzero(large.of_word == 2)
    assert f"{len(members):,} words: {large.data['clusters']['names'][2]}" in (
        page.page.text_content("#selection-title")
    )
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.page.click("#copy-words")
    page.until("document.getElementById('selection-status').textContent.startsWith('Copied')")
    copied = page.page.evaluate("navigator.clipboard.readText()")
    assert copied.split("\n") == [large.data["words"][k] for k in members]
    page.page.locator("#selection-list button").first.click()
    assert page.page.text_content("#word-title") == large.data["words"][members[0]]


def test_the_view_is_saved_as_svg_and_png(large):
    page = large.page
    page.choose("g3w3")
    page.rest()
    page.page.mouse.move(*large.screen()[3])
    for _ in range(4):
        page.page.mouse.wheel(0, -400)
    page.rest()
    saved, name = page.download("#save-svg")
    assert name == "map.svg"
    root = ElementTree.fromstring(saved)
    box = page.page.locator("#plane").bounding_box()
    assert (float(root.get("width")), float(root.get("height"))) == pytest.approx(
        (box["width"], box["height"]), abs=1
    )
    screen = large.screen() - [box["x"], box["y"]]
    is_seen = ((screen > -9) & (screen < [box["width"] + 9, box["height"] + 9])).all(axis=1)
    lit = sum(len(page.lit(kind)) for kind in ("chosen", "near", "contexts"))
    n_circles = len(root.findall(f"{SVG}circle"))
    assert is_seen.sum() - 5 <= n_circles <= is_seen.sum() + lit + 5
    assert is_seen.sum() < large.n_words  # only what is in sight
    texts = [element.text for element in root.findall(f"{SVG}text")]
    assert "g3w3" in texts
    assert set(page.column("labels", "text")) <= set(texts)
    saved, name = page.download("#save-png")
    assert name == "map.png"
    with Image.open(io.BytesIO(saved)) as picture:
        assert picture.size == pytest.approx((2 * box["width"], 2 * box["height"]), abs=3)
        assert len(picture.convert("RGB").getcolors(2**24)) > 100


def test_a_word_s_neighbours_are_lit_among_the_others(large):
    page = large.page
    page.choose("g5w29")
    near = [word for word, _ in large.model.wv.most_similar("g5w29", topn=10)]
    assert [word for word, _ in page.list("near")] == near
    ids = [large.data["words"].index(word) for word in near]
    np.testing.assert_allclose(page.lit("near"), large.places[ids, 0], rtol=1e-6)
    np.testing.assert_allclose(page.lit("chosen"), [large.places[29, 0]], rtol=1e-6)
    assert np.array(page.column("points", "alpha")).max() < 0.3
    lists = [page.page.locator(f"#{name}").bounding_box() for name in ("contexts", "typical")]
    assert lists[0]["y"] == pytest.approx(lists[1]["y"], abs=2)  # side by side
    page.page.click("#unlight")
    assert page.lit("near") == []
    assert np.array(page.column("points", "alpha")).max() > 0.8


def test_back_returns_to_what_was_shown(large):
    page = large.page.page

    def title():
        return page.text_content("#word-title")

    large.page.choose("g1w1")
    large.page.choose("g2w2")
    for field, word in zip("abc", ("g3w3", "g4w4", "g5w5"), strict=True):
        page.fill(f"#term-{field}", word)
    page.press("#term-c", "Enter")  # one Enter solves
    answer = page.locator("#analogy-answers button span").first.text_content()
    assert page.text_content("#analogy-status") == f"g3w3 − g4w4 + g5w5: {answer}"
    expected = large.model.wv.most_similar(positive=["g3w3", "g5w5"], negative=["g4w4"], topn=1)
    assert answer == expected[0][0]
    page.locator("#analogy-answers button").first.click()
    assert title() == answer
    page.go_back()
    large.page.until("location.hash === '#/g3w3/g4w4/g5w5'")
    assert len(large.page.lit("chosen")) == 3
    page.go_back()
    large.page.until("document.getElementById('word-title').textContent === 'g2w2'")
    assert page.input_value("#find") == "g2w2"
    page.go_back()
    large.page.until("document.getElementById('word-title').textContent === 'g1w1'")
    page.go_forward()
    large.page.until("document.getElementById('word-title').textContent === 'g2w2'")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "report.html"
    model = Word2Vec(vector_size=12, min_count=1, epochs=3, sample=0).fit(topic_sentences(4))
    write_report(model, path, ReportOptions("Topics", with_evaluation=False))
    return path


def test_back_to_the_beginning_is_the_page_as_it_was_opened(browser, small):
    page = Page(browser, small)
    first = page.page.text_content("#word-title")
    assert page.lit("chosen") == []
    page.choose("t3w07")
    page.page.go_back()
    page.until(f"document.getElementById('word-title').textContent === '{first}'")
    assert page.lit("chosen") == []
    assert page.page.input_value("#find") == ""
    page.close()


def test_an_analogy_says_which_word_is_unknown_and_nothing_covers_it(browser, small):
    opened = Page(browser, small)
    page = opened.page
    page.fill("#term-a", "t1w01")
    page.press("#term-a", "Enter")
    assert page.evaluate("document.activeElement.id") == "term-b"  # the next that is empty
    page.fill("#term-b", "nowhere")
    page.fill("#term-c", "t2w03")
    page.press("#term-c", "Enter")
    assert page.text_content("#analogy-status") == "“nowhere” is not a word of the page."
    assert page.evaluate("document.activeElement.id") == "term-b"
    page.keyboard.type("x")
    assert "letters “nowherex”" in page.text_content("#analogy-status")
    page.locator("#analogy-status").scroll_into_view_if_needed()
    covering = page.evaluate(
        """() => { const box = document.getElementById("analogy-status").getBoundingClientRect();
          return document.elementFromPoint(box.x + 20, box.y + box.height / 2).id; }"""
    )
    assert covering == "analogy-status"
    page.fill("#term-b", "T1W02")
    page.press("#term-b", "Enter")
    assert page.text_content("#analogy-status").startswith("t1w01 − t1w02 + t2w03: ")
    linked = Page(browser, small, "#/t1w01/t1w02/t2w03")
    assert linked.page.text_content("#analogy-status").startswith("t1w01 − t1w02 + t2w03: ")
    linked.close()
    opened.close()


@pytest.mark.parametrize("width", [320, 600, 1000])
def test_nothing_is_hidden_in_a_narrow_window(browser, small, width):
    opened = Page(browser, small, "#t3w07")
    page = opened.page
    page.set_viewport_size({"width": width, "height": 640})
    opened.rest()
    page.fill("#find", "t")
    outside = page.evaluate(
        """() => [...document.querySelectorAll(
            "main :is(button, input, select, h2, h3, h4, li, output)")]
          .filter(e => e.offsetParent && !e.closest(".scroll"))
          .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
          .filter(([, box]) => box.left < 0 || box.right > innerWidth + 0.5)
          .map(([html]) => html)"""
    )
    assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.press("#find", "Escape")
    page.evaluate("scrollTo(0, 0)")
    page.locator("#plane").scroll_into_view_if_needed()
    before = page.evaluate("scrollY"), opened.ranges()
    page.hover("#plane")
    page.mouse.wheel(0, 200)  # scrolls the page, and does not zoom
    opened.until("before => scrollY > before", before[0])
    assert opened.ranges() == before[1]
    page.focus("#plane")
    page.hover("#plane")
    page.mouse.wheel(0, -200)
    opened.rest()
    assert opened.ranges() != before[1]
    opened.close()
