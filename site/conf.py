"""How Sphinx builds the site of documents: `make docs`.

Pages are the Markdown files as they stand in the repository, so that they read well there too. What
only a site has is made while it is built: the navigation, from the lists of docs/index.md; the
reference, from the docstrings of the names in docs/api.md and from the help of the commands; and a
link wherever a page names another one.
"""

import sys
from pathlib import Path
from typing import Any

SITE = Path(__file__).parent
ROOT = SITE.parent
sys.path[:0] = [str(SITE), str(ROOT)]

import navigation  # noqa: E402 (the paths above come first)
import reference_pages  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402

from fastw2v import __version__  # noqa: E402

project = "fastw2v"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "site/reference/*.rst",
    "ARCHITECTURE.md",
    "BENCHMARKS.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "bench/README.md",
    "corpora/README.md",
]
exclude_patterns = ["**/.*", "build", "dist", "fastw2v", "tests", "runs"]
default_role = "literal"  # docstrings quote code as Markdown does
myst_heading_anchors = 4  # the anchors that GitHub gives to headings
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88
napoleon_google_docstring = False
suppress_warnings = ["ref.python"]  # two classes are called Word2Vec
html_theme = "furo"
html_title = "fastw2v"
html_use_index = False  # the search finds names, too
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect what is made while the site is built."""
    app.connect("config-inited", lambda *_: reference_pages.write(ROOT))
    app.connect("source-read", navigation.add_navigation)
    app.connect("doctree-resolved", navigation.link_named_pages)
    app.connect("build-finished", navigation.write_entrance)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
