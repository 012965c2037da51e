"""The report in a real browser: search, neighbours and analogies as the model answers them.

Headless Chromium, driven by Playwright. `make test-slow` installs both, Chromium as Debian's
package if it may; FASTW2V_CHROMIUM names another one. `test_map_browser.py` looks at the map.
"""

import time

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.report import ReportOptions, write_report
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.training.result import TrainedModel
from tests.report.test_report import HOSTILE
from tests.support.corpora_made import topic_sentences
from tests.support.open_pages import Page

pytestmark = pytest.mark.slow

ANSWER_S = 2.0  # the page answers a choice on 70,000 words within so many seconds


@pytest.fixture(scope="module")
def trained():
    settings = {"vector_size": 20, "min_count": 1, "epochs": 8, "sample": 0}
    return Word2Vec(**settings).fit(topic_sentences(4))


@pytest.fixture(scope="module")
def report(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("browser") / "report.html"
    write_report(trained, path, ReportOptions("Topics", with_evaluation=False))
    return path


@pytest.fixture
def opened(browser, report):
    page = Page(browser, report)
    yield page
    page.close()


def near_of_model(model, word):
    return [(other, f"{cosine:.3f}") for other, cosine in model.wv.most_similar(word, topn=10)]


def contexts_of_model(model, word):
    return [(other, f"{100 * p:.2f} %") for other, p in model.predict_context(word, topn=10)]


def typical_of_model(model, word):
    return [(other, f"{x:.3g} x") for other, x in model.predict_context(word, topn=10, by="lift")]


def assert_same_answers(found, expected, unit):
    """Check the same words in the same order, and values that differ by rounding alone."""
    assert [word for word, _ in found] == [word for word, _ in expected]
    for (_, shown), (_, value) in zip(found, expected, strict=True):
        assert float(shown.rstrip(" %")) == pytest.approx(float(value.rstrip(" %")), abs=unit)


def test_a_word_s_neighbours_and_contexts_are_the_model_s(opened, trained):
    for word in ("t3w07", "t0w00", "t5w14"):
        opened.choose(word)
        assert_same_answers(opened.list("near"), near_of_model(trained, word), 0.00101)
        assert_same_answers(opened.list("contexts"), contexts_of_model(trained, word), 0.0101)
        found, expected = opened.list("typical"), typical_of_model(trained, word)
        assert [other for other, _ in found] == [other for other, _ in expected]
        for (_, shown), (_, value) in zip(found, expected, strict=True):
            assert float(shown.rstrip(" x")) == pytest.approx(float(value.rstrip(" x")), rel=0.06)
        assert len(opened.lit("near")) == 10
        assert len(opened.lit("chosen")) == 1
    assert opened.page.url.endswith("#t5w14")


def test_wrong_vectors_would_be_noticed(browser, trained, tmp_path):
    """The check above has something to find: with in vectors alone the answers are others."""
    other = Word2Vec(trained.settings)
    given = trained.embeddings
    others = Embeddings(given.vocabulary, given.in_vectors, 0 * given.out_vectors, given.out_bias)
    other._trained = TrainedModel(other.settings, others)
    write_report(other, tmp_path / "other.html", ReportOptions("x", with_evaluation=False))
    page = Page(browser, tmp_path / "other.html")
    page.choose("t3w07")
    with pytest.raises(AssertionError):
        assert_same_answers(page.list("near"), near_of_model(trained, "t3w07"), 0.00101)
    page.close()


def test_analogies_are_the_model_s(opened, trained):
    for field, word in zip("abc", ("t1w01", "t1w02", "t2w03"), strict=True):
        opened.page.fill(f"#term-{field}", word)
    opened.page.click("#analogy button")
    opened.page.wait_for_selector("#analogy-answers li")
    expected = trained.wv.most_similar(positive=["t1w01", "t2w03"], negative=["t1w02"], topn=10)
    assert_same_answers(
        opened.list("analogy-answers"), [(w, f"{cosine:.3f}") for w, cosine in expected], 0.00101
    )
    opened.page.fill("#term-b", "nowhere")
    opened.page.click("#analogy button")
    assert "“nowhere” is not a word" in opened.page.text_content("#analogy-status")
    assert opened.page.evaluate("document.activeElement.id") == "term-b"


def test_words_are_found_as_they_are_typed(opened):
    opened.page.fill("#find", "w03")
    options = opened.page.locator("#find-options li")
    assert options.count() == 6
    opened.page.fill("#find", "t2w0")
    assert options.count() == 10
    assert all(text.startswith("t2w0") for text in options.all_text_contents())
    opened.page.fill("#find", "zebra")
    assert "No word of the page has the letters “zebra”" in opened.page.text_content("#status")
    assert opened.page.is_hidden("#find-options")
    opened.page.fill("#find", "t2w0")
    assert opened.page.text_content("#status") == ""
    opened.page.press("#find", "Escape")
    assert opened.page.is_hidden("#find-options")


def test_an_unknown_word_finds_its_neighbours(browser, tmp_path):
    settings = {"vector_size": 12, "min_count": 1, "epochs": 3, "sample": 0, "bucket": 50_000}
    model = Word2Vec(inputs="subwords", **settings).fit(topic_sentences(1, 300))
    write_report(model, tmp_path / "page.html", ReportOptions("x", with_evaluation=False))
    page = Page(browser, tmp_path / "page.html")
    page.page.fill("#find", "T3W0711")
    assert page.page.locator("#find-options li").all_text_contents() == ["t3w0711unknown"]
    page.page.press("#find", "Enter")
    page.until("document.getElementById('word-title').textContent === 't3w0711'")
    near = model.wv.similar_by_vector(model.vector("t3w0711"), topn=10)
    expected = [(word, f"{cosine:.3f}") for word, cosine in near]
    assert_same_answers(page.list("near"), expected, 0.00101)
    assert page.list("contexts") == []
    assert len(page.lit("near")) == 10
    assert page.lit("chosen") == []
    assert "unknown, its vector made of" in page.page.text_content("#word-count")
    assert page.page.url.endswith("#t3w0711")
    page.page.fill("#find", "qqqq")
    assert "No word" in page.page.text_content("#status")
    page.choose("t3w07")
    assert len(page.list("contexts")) == 10
    page.close()
    linked = Page(browser, tmp_path / "page.html", "#t3w0711")
    assert linked.page.text_content("#word-title") == "t3w0711"
    linked.close()


TABBED = [
    *("colour-by", "drag-move", "drag-lasso", "drag-box", "zoom-in", "zoom-out", "zoom-all"),
    *("select-seen", "save-png", "save-svg", "plane"),
]


def test_the_keyboard_is_enough(opened):
    page = opened.page
    page.keyboard.press("Tab")  # the link that skips
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("t4w0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    active = page.get_attribute("#find", "aria-activedescendant")
    expected = page.locator(f"#{active}").evaluate("option => option.firstChild.textContent")
    page.keyboard.press("Enter")
    assert page.text_content("#word-title") == expected
    assert expected in page.text_content("#status")
    for expected in TABBED:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == expected
    before = opened.ranges()
    page.keyboard.press("ArrowRight")
    moved = opened.ranges()
    assert moved[0] > before[0]
    assert moved[1] - moved[0] == pytest.approx(before[1] - before[0])
    page.keyboard.press("+")
    assert opened.ranges()[1] - opened.ranges()[0] < before[1] - before[0]
    page.keyboard.press("0")
    assert opened.ranges()[1] - opened.ranges()[0] >= before[1] - before[0]
    page.focus("#near button")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    first_near = opened.list("near")[0][0]
    page.keyboard.press("Enter")
    assert page.text_content("#word-title") == first_near
    assert page.evaluate("document.activeElement.id") == "word-title"


def test_everything_to_press_has_a_name(opened):
    unnamed = opened.page.evaluate(
        """() => [...document.querySelectorAll(
            "button, input, select, [tabindex='0'], section")].filter(
          e => !(e.ariaLabel || e.textContent.trim() || e.getAttribute("aria-labelledby")
                 || e.labels?.length)).map(e => e.outerHTML)"""
    )
    assert unnamed == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_in_both_schemes(browser, report, scheme):
    page = Page(browser, report, color_scheme=scheme)
    colours = page.page.evaluate(
        """() => { const style = getComputedStyle(document.documentElement);
          return Object.fromEntries(["page", "raised", "ink", "quiet", "near", "context"].map(
            name => [name, style.getPropertyValue(`--${name}`).trim()])); }"""
    )
    grounds = [luminance(colours["page"]), luminance(colours["raised"])]
    assert all(ground > 0.8 if scheme == "light" else ground < 0.05 for ground in grounds)
    for ground in grounds:
        for name in ("ink", "quiet", "near", "context"):
            assert contrast(ground, luminance(colours[name])) >= 4.5, name  # WCAG AA
    page.close()


def luminance(colour):
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one, other):
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_the_map_follows_when_the_scheme_changes(opened):
    before = opened.column("points", "colour")
    opened.page.emulate_media(color_scheme="dark")
    points = "Bokeh.documents.flatMap(d => d.get_model_by_name('points') ?? [])[0]"
    opened.until(f"before => {points}.data_source.data.colour[0] !== before", before[0])
    after = opened.column("points", "colour")
    assert len(set(after)) == len(set(before)) > 1  # the same clusters in other colours


@pytest.mark.parametrize("width", [320, 390, 800])
def test_a_narrow_window_needs_no_sideways_scrolling(browser, report, width):
    page = Page(browser, report)
    page.page.set_viewport_size({"width": width, "height": 700})
    page.page.wait_for_timeout(300)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    page.choose("t3w07")
    assert page.page.locator("#near li").count() == 10
    page.close()


def test_the_mouse_shows_words_and_zooms(opened):
    page = opened.page
    page.set_viewport_size({"width": 1280, "height": 1100})
    opened.rest()
    opened.choose("t3w07")
    opened.rest()
    place = page.evaluate(
        """() => { const find = name => Bokeh.documents.flatMap(
              d => d.get_model_by_name(name) ?? [])[0];
          const [plane, {data}] = [find("plane"), find("chosen").data_source];
          const box = document.getElementById("plane").getBoundingClientRect();
          const part = (at, range) => (at - range.start) / (range.end - range.start);
          const across = part(data.x[0], plane.x_range);
          const up = part(data.y[0], plane.y_range);
          return [box.x + across * box.width, box.y + (1 - up) * box.height]; }"""
    )
    page.mouse.move(place[0] - 40, place[1] - 40)
    page.mouse.move(*place)
    page.wait_for_selector(".tip")
    assert "t3w07" in page.locator(".tip").all_text_contents()[0]
    before = opened.ranges()
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(300)
    assert opened.ranges()[1] - opened.ranges()[0] < before[1] - before[0]


def test_a_link_opens_its_word(browser, report):
    page = Page(browser, report, "#t2w02")
    assert page.page.text_content("#word-title") == "t2w02"
    page.close()


def test_hostile_words_do_no_harm(browser, tmp_path):
    sentences = [HOSTILE * 3, HOSTILE[::-1] * 2]
    model = Word2Vec(vector_size=3, min_count=1, epochs=1, sample=0).fit(sentences)
    write_report(model, tmp_path / "page.html", ReportOptions(HOSTILE[0], with_evaluation=False))
    page = Page(browser, tmp_path / "page.html")
    for word in HOSTILE:
        page.choose(word)
        assert {other for other, _ in page.list("near")} == {*HOSTILE} - {word}
        page.page.hover("#plane")
    assert page.page.evaluate("window.hacked") is None
    assert page.page.title().startswith(HOSTILE[0])
    page.close()


@pytest.mark.parametrize("objective", ["negative", "hierarchical"])
def test_the_other_objectives_probabilities(browser, tmp_path, objective):
    model = Word2Vec(vector_size=8, min_count=1, epochs=3, objective=objective, workers=1)
    model.fit(topic_sentences(4, sentences=300))
    write_report(model, tmp_path / "page.html", ReportOptions("x", with_evaluation=False))
    write_report(model, tmp_path / "part.html", ReportOptions("x", "pca", 50, False))
    page = Page(browser, tmp_path / "page.html")
    word = model.vocabulary.words[3]
    page.choose(word)
    assert_same_answers(page.list("contexts"), contexts_of_model(model, word), 0.0101)
    assert_same_answers(page.list("near"), near_of_model(model, word), 0.00101)
    page.close()
    part = Page(browser, tmp_path / "part.html")
    part.choose(word)
    known = set(model.vocabulary.words[:50])
    everything = [(w, f"{100 * p:.2f} %") for w, p in model.predict_context(word, topn=None)]
    expected = [(w, p) for w, p in everything if w in known][:10]
    assert_same_answers(part.list("contexts"), expected, 0.0101)
    part.close()


def test_seventy_thousand_words_are_answered_quickly(browser, tmp_path):
    generator = np.random.default_rng(8)
    n_words, dimensions = 70_000, 100
    counts = np.sort((1e6 / np.arange(1, n_words + 1)).astype(np.int64) + 1)[::-1]
    vocabulary = Vocabulary([f"word{k}" for k in range(n_words)], counts, 10**7, n_words)
    tables = generator.normal(0, 0.3, (2, n_words, dimensions)).astype(np.float32)
    bias = np.log(counts / counts.sum()).astype(np.float32)
    model = Word2Vec(vector_size=dimensions)
    model._trained = TrainedModel(model.settings, Embeddings(vocabulary, *tables, bias))
    write_report(
        model, tmp_path / "large.html", ReportOptions("Large", "pca", with_evaluation=False)
    )
    page = Page(browser, tmp_path / "large.html")
    took = []
    for word in ("word0", "word4321", "word69999"):
        started = time.perf_counter()
        page.choose(word)
        took.append(time.perf_counter() - started)
        near = [other for other, _ in page.list("near")]
        assert near == [other for other, _ in model.wv.most_similar(word, topn=10)]
    assert max(took) < ANSWER_S, took
    page.close()
