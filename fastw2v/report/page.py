"""`write_report`: everything that the page shows, put into its template."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastw2v.callbacks import StageProgress, stage_of
from fastw2v.config.numbers import MOST_MIB, whole_number
from fastw2v.errors import ConfigurationError
from fastw2v.formats.vectors import Vectors
from fastw2v.report.embedded import embedded_model, embedded_vectors, unknown_in_page
from fastw2v.report.evaluation_table import evaluation_rows
from fastw2v.report.history import epoch_rows
from fastw2v.report.projection import ProjectionMethod, project, require_method
from fastw2v.report.subject import subject_of
from fastw2v.system.dependencies import optional_module
from fastw2v.system.files import require_writable, whole_file
from fastw2v.system.threads import checked_workers
from fastw2v.version import VERSION

if TYPE_CHECKING:
    from fastw2v.model import Word2Vec
    from fastw2v.text.corpus import Corpus

__all__ = ["ReportOptions", "page_of", "require_bokeh", "settings_shown", "write_report"]

_SCRIPTS = (
    *("figures.js", "vectors.js", "ngrams.js", "chooser.js", "map.js", "training.js"),
    "page.js",  # which joins them
)
_STYLES = ("page.css", "words.css")
_METHOD_NAMES = {"pca": "principal components", "umap": "UMAP", "tsne": "t-SNE"}


@dataclass(frozen=True)
class ReportOptions:
    """What the page shows.

    Attributes
    ----------
    title : str
    method : {"pca", "umap", "tsne"}
        How words get their places on the map (`fastw2v.report.projection`).
    n_words : int, optional
        Show the most frequent words only. Default: all.
    with_evaluation : bool
        Whether to run the word similarity and analogy tests.
    ngrams_mib : int
        What vectors of n-grams may take of the page, in MiB. Unknown words get their neighbours by
        them; the page says so if they would take more and were left out.
    text : path, sequence of paths, or lists of tokens, optional
        A text that was held out, on which probabilities are compared with what is observed.
    """

    title: str
    method: ProjectionMethod = "pca"
    n_words: int | None = None
    with_evaluation: bool = True
    ngrams_mib: int = 64
    text: "Corpus | None" = None

    def __post_init__(self) -> None:
        if self.n_words is not None:
            object.__setattr__(self, "n_words", whole_number("words", self.n_words, low=1))
        mib = whole_number("ngrams-mib", self.ngrams_mib, low=0, high=MOST_MIB)
        object.__setattr__(self, "ngrams_mib", mib)


def write_report(
    source: "Word2Vec | Vectors",
    target: str | Path,
    options: ReportOptions,
    *,
    progress: StageProgress | None = None,
) -> None:
    """Write one self-contained HTML page about a model; it makes no network request.

    Parameters
    ----------
    source : Word2Vec or Vectors
        A trained model; or what `fastw2v.formats.read_vectors` read of any program's file, whose
        page has no contexts and nothing of training.
    target : path
        The page; written whole or not at all.
    options : ReportOptions
    progress : callable, optional
        Gets ("evaluating", sets done, sets), and ("mapping" | "drawing", 0 or 1, 1) before and
        after each of these.

    Raises
    ------
    MissingDependencyError
        If bokeh, or the package of the chosen map, is not installed.
    ConfigurationError
        For an unknown map, or a page too large for a browser.
    OutputError
        If the page cannot be written.
    """
    require_bokeh()
    require_method(options.method)
    require_writable(Path(target))
    page = page_of(source, options, progress)
    with _Stage(progress, "drawing"), whole_file(Path(target)) as temporary:
        temporary.write_text(page, encoding="utf-8")


def require_bokeh() -> None:
    """Raise `MissingDependencyError` unless bokeh, which brings jinja2, is installed."""
    for module in ("bokeh", "jinja2"):
        optional_module(module, "the report", "report")


def page_of(
    source: "Word2Vec | Vectors",
    options: ReportOptions,
    progress: StageProgress | None = None,
) -> str:
    """Return the whole page as text."""
    from bokeh.resources import Resources
    from jinja2 import Environment

    from fastw2v.report.figures import loss_figure, map_figure

    subject = subject_of(source)
    model, n_words = subject.model, len(subject.words)
    n_shown = _n_shown(options, n_words)
    unknown = unknown_in_page(subject.ngrams, options.ngrams_mib)
    rows = [] if model is None else epoch_rows(model)
    evaluation = None
    if options.with_evaluation:
        evaluation = evaluation_rows(subject, stage_of(progress, "evaluating"))
    reliability = None
    if options.text is not None:
        if model is None:
            raise ConfigurationError(
                "text: expected a model, whose p(context | word) is measured on it, got vectors"
            )
        reliability = model.reliability(options.text, progress=progress)
    with _Stage(progress, "mapping"):
        places = project(
            subject.vectors[:n_shown],
            options.method,
            seed=subject.seed,
            workers=checked_workers(subject.workers),
        )
    if model is not None:
        embedded = embedded_model(
            model.embeddings, places, n_shown, with_unknown=unknown.is_in_page
        )
    else:
        shown = Vectors(subject.words, subject.vectors, subject.counts, ngrams=subject.ngrams)
        embedded = embedded_vectors(shown, places, n_shown, with_unknown=unknown.is_in_page)
    parts = files("fastw2v.report")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(parts.joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(
        title=options.title,
        style="\n".join(parts.joinpath(name).read_text(encoding="utf-8") for name in _STYLES),
        library=_as_script(Resources(mode="inline", components=["bokeh"], log_level="warn").js_raw),
        script=_as_script([parts.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS]),
        data=_as_json(embedded),
        unknown=unknown,
        figures=_as_json(
            {
                "map": map_figure(has_counts=subject.counts is not None),
                "loss": loss_figure(rows, model.summary) if model is not None and rows else None,
            }
        ),
        model=model,
        n_words=n_words,
        n_counted=None if subject.counts is None else int(subject.counts.sum()),
        dimensions=subject.vectors.shape[1],
        summary=model.summary if model is not None else None,
        n_shown=n_shown,
        method=_METHOD_NAMES[options.method],
        rows=rows,
        evaluation=evaluation,
        reliability=reliability,
        settings=settings_shown(model) if model is not None else [],
        version=VERSION,
    )


def _n_shown(options: ReportOptions, n_words: int) -> int:
    return n_words if options.n_words is None else min(options.n_words, n_words)


def settings_shown(model: "Word2Vec") -> list[tuple[str, str]]:
    """Return name and value of every setting; what was left open is "default"."""
    return [
        (name, "default" if value is None else str(value))
        for name, value in model.settings.as_dict().items()
    ]


def _as_json(content: Any) -> str:
    """Return JSON that may stand in a script element: no word can end it, or begin a comment."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _as_script(parts: list[str]) -> str:
    """Join scripts of our own and of bokeh, which must not end their element early."""
    return "\n".join(parts).replace("</script", "<\\/script")


class _Stage:
    """Reports a stage whose progress is not known: begun, done."""

    def __init__(self, progress: StageProgress | None, name: str) -> None:
        self._report = stage_of(progress, name)

    def __enter__(self) -> None:
        if self._report:
            self._report(0, 1)

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._report and error is None:
            self._report(1, 1)
