"""A report in headless Chromium, driven by Playwright: what it shows, complains of and asks for."""

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["Page", "chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
LOCAL = ("file:", "data:", "blob:")  # none of them leaves the machine
PATIENCE_MS = 300_000  # large pages on a busy machine
FIND = """name => Bokeh.documents.flatMap(d => d.get_model_by_name(name) ?? [])[0]"""


@contextmanager
def chromium():
    """Start a browser, or skip the test that needs it."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install 'fastw2v[browser]'"
    )
    found = [path for path in map(shutil.which, NAMES) if path]
    program = os.environ.get("FASTW2V_CHROMIUM") or next(iter(found), "")
    if not Path(program).is_file():
        pytest.skip("needs Chromium: apt-get install chromium, or FASTW2V_CHROMIUM=/path/to/it")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


class Page:
    """A report that is open, and what it complained of or asked for."""

    def __init__(self, browser, path, fragment="", **context):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **context)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.complaints, self.requests = [], []
        self.page.on("console", lambda said: said.type == "error" and self.complain(said.text))
        self.page.on("pageerror", lambda error: self.complain(str(error)))
        self.page.on("dialog", lambda dialog: self.complain(dialog.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri() + fragment)
        self.page.wait_for_selector("html[data-ready]", state="attached")

    def complain(self, what):
        self.complaints.append(what)

    def choose(self, word):
        """Type a word, take it, and wait for its title."""
        self.page.fill("#find", word)
        self.page.press("#find", "Enter")
        self.until("word => document.getElementById('word-title').textContent === word", word)

    def until(self, condition, argument=None):
        """Wait until a function of the page is true.

        Playwright's own waiting evaluates text within the page, which its policy forbids.
        """
        ends_s = time.monotonic() + PATIENCE_MS / 1000
        while not self.page.evaluate(condition, argument):
            assert time.monotonic() < ends_s, condition
            self.page.wait_for_timeout(50)

    def list(self, name):
        """Return word and value of every row of a list."""
        rows = self.page.locator(f"#{name} li button").all()
        return [tuple(row.locator("span").all_text_contents()[:2]) for row in rows]

    def lit(self, name):
        return self.page.evaluate(
            """name => { const renderer = Bokeh.documents.flatMap(
                d => d.get_model_by_name(name) ?? [])[0];
              return [...renderer.data_source.data.x]; }""",
            name,
        )

    def column(self, name, column):
        """Return a column of what bokeh draws under a name."""
        return self.page.evaluate(
            f"""([name, column]) => [...({FIND})(name).data_source.data[column]]""", [name, column]
        )

    def rest(self):
        """Wait until the map has come to rest, and names and sizes are those of the view."""
        self.page.wait_for_timeout(400)
        self.page.evaluate("() => new Promise(requestAnimationFrame)")

    def on_screen(self, x, y):
        """Return where a place of the map is on the screen."""
        return self.page.evaluate(
            f"""([x, y]) => {{ const plane = ({FIND})("plane");
              const box = document.getElementById("plane").getBoundingClientRect();
              const part = (at, range) => (at - range.start) / (range.end - range.start);
              return [box.x + part(x, plane.x_range) * box.width,
                      box.y + (1 - part(y, plane.y_range)) * box.height]; }}""",
            [x, y],
        )

    def drag(self, *places):
        """Press the mouse at the first of some places of the screen, and release it at the last."""
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=3)
        self.page.mouse.up()

    def download(self, button):
        """Press a button and return the bytes of the file that it makes, with its name."""
        with self.page.expect_download() as waiting:
            self.page.click(button)
        return Path(waiting.value.path()).read_bytes(), waiting.value.suggested_filename

    def ranges(self):
        return self.page.evaluate(
            """() => { const plane = Bokeh.documents.flatMap(
                d => d.get_model_by_name("plane") ?? [])[0];
              return [plane.x_range.start, plane.x_range.end,
                      plane.y_range.start, plane.y_range.end]; }"""
        )

    def close(self):
        self.context.close()
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith(LOCAL)] == []
