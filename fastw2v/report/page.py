"""`write_report`: everything that the page shows, put into its template."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from fastw2v.callbacks import StageProgress, stage_of
from fastw2v.config.numbers import MOST_MIB, whole_number
from fastw2v.errors import ConfigurationError
from fastw2v.formats.vectors import Vectors
from fastw2v.report.columns import WordColumns, read_columns
from fastw2v.report.embedded import embedded_model, embedded_vectors, unknown_in_page
from fastw2v.report.embedded_map import embedded_columns, embedded_map, require_common_words
from fastw2v.report.evaluation_table import evaluation_rows
from fastw2v.report.history import epoch_rows
from fastw2v.report.projection import Fallback, ProjectionMethod, require_method
from fastw2v.report.subject import Subject, subject_of
from fastw2v.report.word_map import WordMap, map_of
from fastw2v.system.dependencies import optional_module
from fastw2v.system.files import require_file_target, whole_file
from fastw2v.system.threads import checked_workers
from fastw2v.version import VERSION

if TYPE_CHECKING:
    from fastw2v.model import Word2Vec
    from fastw2v.text.corpus import Corpus

__all__ = ["ReportOptions", "WrittenReport", "require_bokeh", "settings_shown", "write_report"]

_SCRIPTS = (
    *("figures.js", "vectors.js", "ngrams.js", "chooser.js", "names.js", "map.js", "colours.js"),
    *("selection.js", "picture.js", "controls.js", "training.js"),
    "page.js",  # which joins them
)
_STYLES = ("page.css", "words.css", "map.css")
_MOST_CLUSTERS = 500
_NAMED_SOURCES = 5


@dataclass(frozen=True)
class ReportOptions:
    """What the page shows.

    Attributes
    ----------
    title : str
    method : {"pca", "umap", "tsne"}, optional
        How words get their places on the map (`fastw2v.report.projection`). Default: UMAP, or
        principal components where umap-learn is not installed or there are fewer than 200 words;
        the page says so.
    n_words : int, optional
        Show the most frequent words only. Default: all.
    with_evaluation : bool
        Whether to run the word similarity and analogy tests.
    ngrams_mib : int
        What vectors of n-grams may take of the page, in MiB. Unknown words get their neighbours by
        them; the page says so if they would take more and were left out.
    text : path, sequence of paths, or lists of tokens, optional
        A text that was held out, on which probabilities are compared with what is observed.
    n_clusters : int, optional
        How many groups of words to find and name on the map, at most 500; 0 for none. Default:
        by the number of words, 48 at most.
    columns : path, or what `fastw2v.report.columns.read_columns` read, optional
        A table of words with columns that the map can be coloured by.
    """

    title: str
    method: ProjectionMethod | None = None
    n_words: int | None = None
    with_evaluation: bool = True
    ngrams_mib: int = 64
    text: "Corpus | None" = None
    n_clusters: int | None = None
    columns: str | Path | WordColumns | None = None

    def __post_init__(self) -> None:
        if self.n_clusters is not None:
            number = whole_number("clusters", self.n_clusters, low=0, high=_MOST_CLUSTERS)
            object.__setattr__(self, "n_clusters", number)
        if self.n_words is not None:
            object.__setattr__(self, "n_words", whole_number("words", self.n_words, low=1))
        mib = whole_number("ngrams-mib", self.ngrams_mib, low=0, high=MOST_MIB)
        object.__setattr__(self, "ngrams_mib", mib)


@dataclass(frozen=True)
class WrittenReport:
    """What became of what was asked for.

    Attributes
    ----------
    method : {"pca", "umap", "tsne"}
        How words got their places.
    fallback : {"few words", "not installed"}, optional
        Why it is not UMAP, where no method was chosen.
    n_words_without_place : int
        How many words of the table of columns are not on the map.
    """

    method: ProjectionMethod
    fallback: Fallback | None = None
    n_words_without_place: int = 0


def write_report(
    source: "Word2Vec | Vectors",
    target: str | Path,
    options: ReportOptions,
    *,
    progress: StageProgress | None = None,
) -> WrittenReport:
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

    Returns
    -------
    written : WrittenReport

    Raises
    ------
    MissingDependencyError
        If bokeh, or the package of the chosen map, is not installed.
    ConfigurationError
        For an unknown map, a page too large for a browser, or a table of columns that cannot be
        used.
    CorpusError
        If that table cannot be read.
    OutputError
        If the page cannot be written.
    """
    require_bokeh()
    if options.method is not None:
        require_method(options.method)
    require_file_target(Path(target))
    columns = options.columns
    if columns is not None and not isinstance(columns, WordColumns):
        columns = read_columns(columns)
    subject = subject_of(source)
    if options.text is not None and subject.model is None:
        raise ConfigurationError(
            "text: expected a model, whose p(context | word) is measured on it, got vectors"
        )
    n_shown = _n_shown(options, len(subject.words))
    n_without = require_common_words(columns, subject.words[:n_shown]) if columns else 0
    unknown = unknown_in_page(subject.ngrams, options.ngrams_mib)
    data = _data(subject, n_shown, with_unknown=unknown.is_in_page)
    with _Stage(progress, "mapping"):
        drawn = _map_of(subject, n_shown, options)
    data |= embedded_map(drawn)
    data["columns"] = embedded_columns(columns, subject.words[:n_shown])
    parts = {
        "unknown": unknown,
        "table": columns and {"n_words": len(columns.words), "n_without": n_without},
    }
    page = _page(subject, drawn, data, parts, options, progress)
    with _Stage(progress, "drawing"), whole_file(Path(target)) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return WrittenReport(drawn.method, drawn.fallback, n_without)


def require_bokeh() -> None:
    """Raise `MissingDependencyError` unless bokeh, which brings jinja2, is installed."""
    for module in ("bokeh", "jinja2"):
        optional_module(module, "the report", "report")


def _data(subject: Subject, n_shown: int, *, with_unknown: bool) -> dict[str, Any]:
    """Return words and vectors; refuses what is too large before the work of a map."""
    if subject.model is not None:
        embeddings = subject.model.embeddings
        return embedded_model(embeddings, n_shown, with_unknown=with_unknown)
    shown = Vectors(subject.words, subject.vectors, subject.counts, ngrams=subject.ngrams)
    return embedded_vectors(shown, n_shown, with_unknown=with_unknown)


def _map_of(subject: Subject, n_shown: int, options: ReportOptions) -> WordMap:
    return map_of(
        subject.words[:n_shown],
        subject.vectors[:n_shown],
        None if subject.counts is None else subject.counts[:n_shown],
        method=options.method,
        n_clusters=options.n_clusters,
        seed=subject.seed,
        workers=checked_workers(subject.workers),
    )


def _page(
    subject: Subject,
    drawn: WordMap,
    data: dict[str, Any],
    parts: dict[str, Any],
    options: ReportOptions,
    progress: StageProgress | None,
) -> str:
    """Return the whole page as text; `parts` go into the template as they are."""
    from bokeh.resources import Resources
    from jinja2 import Environment

    from fastw2v.report.figures import loss_figure, map_figure

    model = subject.model
    rows = [] if model is None else epoch_rows(model)
    evaluation, uncovered = None, []
    if options.with_evaluation:
        tests = evaluation_rows(subject, stage_of(progress, "evaluating"))
        evaluation = [row for row in tests if row.covered]
        uncovered = list(dict.fromkeys(row.name.lstrip("- ") for row in tests if not row.covered))
    reliability = None
    if options.text is not None and model is not None:
        reliability = model.reliability(options.text, progress=progress)
    files_of_page = files("fastw2v.report")

    def text_of(name: str) -> str:
        return files_of_page.joinpath(name).read_text(encoding="utf-8")

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    summary = model.summary if model is not None else None
    figures = {
        "map": map_figure(has_counts=subject.counts is not None),
        "loss": loss_figure(rows, summary) if rows else None,
    }
    return environment.from_string(text_of("page.html")).render(
        title=options.title,
        style="\n".join(map(text_of, _STYLES)),
        library=_as_script(Resources(mode="inline", components=["bokeh"], log_level="warn").js_raw),
        script=_as_script(list(map(text_of, _SCRIPTS))),
        data=_as_json(data),
        figures=_as_json(figures),
        model=model,
        n_words=len(subject.words),
        n_counted=None if subject.counts is None else int(subject.counts.sum()),
        dimensions=subject.vectors.shape[1],
        summary=summary,
        n_shown=len(data["words"]),
        drawn=drawn,
        has_counts=subject.counts is not None,
        column_names=[column["name"] for column in data["columns"]],
        rows=rows,
        evaluation=evaluation,
        uncovered=uncovered,
        reliability=reliability,
        settings=settings_shown(model) if model is not None else [],
        corpus=corpus_shown(model) if model is not None else None,
        version=VERSION,
        **parts,
    )


def _n_shown(options: ReportOptions, n_words: int) -> int:
    return n_words if options.n_words is None else min(options.n_words, n_words)


def corpus_shown(model: "Word2Vec") -> str:
    """Return what a model was trained on: names of files without their folders."""
    record = model.run_record
    if record is None or record.sources is None:
        return "no file: lists of tokens, or counts"
    names = [
        "standard input" if source == "-" else PurePath(source).name or source
        for source in record.sources
    ]
    more = len(names) - _NAMED_SOURCES
    return ", ".join(names[:_NAMED_SOURCES]) + (f" and {more:,} more" if more > 0 else "")


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
