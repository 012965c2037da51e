"""Static pictures of a model by matplotlib: the map, the loss, the spectrum; PNG or SVG.

The same model makes the same bytes: no date is stored, and identifiers within an SVG are fixed.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import VectorChoice
from fastw2v.errors import ConfigurationError, FastW2VError
from fastw2v.report.clusters import N_COLOURS
from fastw2v.report.fonts import families_for
from fastw2v.report.projection import ProjectionMethod, require_method
from fastw2v.report.subject import Subject, subject_of
from fastw2v.report.word_map import METHOD_NAMES, WordMap, map_of
from fastw2v.system.dependencies import optional_module
from fastw2v.system.files import require_file_target, whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastw2v.formats.vectors import Vectors
    from fastw2v.model import Word2Vec

__all__ = ["PICTURE_KINDS", "SUFFIXES", "PictureKind", "named_places", "spectrum", "write_picture"]

PictureKind = Literal["map", "loss", "spectrum"]
PICTURE_KINDS: tuple[PictureKind, ...] = ("map", "loss", "spectrum")
SUFFIXES = (".png", ".svg")

_STYLE = {
    "svg.hashsalt": "fastw2v",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "font.size": 10,
}
_COLOUR, _SECOND, _QUIET = "#14667f", "#a84a12", "#75808e"
_NAMED_WORDS = 80
_ONE_SIZE = 4.0  # of points, where counts are not known
_CELLS = (40, 80)
_NAME_COLUMNS, _NAME_ROWS = 4, 1  # how many cells a name takes to each side
_METHODS = {"pca": "principal component", "umap": "UMAP", "tsne": "t-SNE"}
# The same as --group-0 and so on of page.css, which clusters take.
_CLUSTER_COLOURS = (
    *("#1f6fb4", "#c4570c", "#2a8038", "#c02f3d", "#7d55b5", "#8a5a44"),
    *("#c2478f", "#71710e", "#0f7f88", "#4d5bd0", "#98650a", "#5c6f2c"),
)
assert len(_CLUSTER_COLOURS) == N_COLOURS


def write_picture(
    source: "Word2Vec | Vectors",
    target: str | Path,
    kind: PictureKind,
    *,
    method: ProjectionMethod | None = None,
    vectors: VectorChoice | None = None,
    notice: Callable[[str], object] = warnings.warn,
) -> None:
    """Write a picture of a model, whole or not at all.

    Parameters
    ----------
    source : Word2Vec or Vectors
        A trained model; or vectors of a file, of which there is no loss.
    target : path
        Ends in .png or .svg, which decides the format.
    kind : {"map", "loss", "spectrum"}
        Words on a plane; the loss after each epoch, with the entropies that it lies between where
        they are known; the singular values of the vectors.
    method : {"pca", "umap", "tsne"}, optional
        How words get their places on the map, whose title says it. Default: UMAP, or principal
        components where umap-learn is not installed or there are fewer than 200 words.
    vectors : {"in", "out", "sum", "both"}, optional
        Which table the map or the spectrum is of. Default: the one that is handed out.
    notice : callable, optional
        Gets a sentence if names have characters that no installed font has: they are boxes.

    Raises
    ------
    ConfigurationError
        For an unknown kind or file name, a method whose package is missing, or the loss or a
        table of a file.
    MissingDependencyError
        If matplotlib is not installed.
    OutputError
        If the picture cannot be written.
    """
    target = Path(target)
    if kind not in PICTURE_KINDS:
        names = ", ".join(repr(name) for name in PICTURE_KINDS)
        raise ConfigurationError(f"kind: expected one of {names}, got {kind!r}")
    if target.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(
            f"output: expected a name that ends in .png or .svg, got {target.name!r}"
        )
    if method is not None:
        require_method(method)
    subject = subject_of(source)
    if kind == "loss" and subject.model is None:
        raise ConfigurationError(
            "kind: expected 'map' or 'spectrum' of a file of vectors, which has no history of "
            "training, got 'loss'"
        )
    table = subject.table(vectors)
    require_file_target(target)
    matplotlib = _matplotlib()
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(8, 8) if kind == "map" else (8, 5), layout="constrained")
        axes = figure.subplots()
        if kind == "map":
            _draw_map(axes, subject, table, method)
            _choose_fonts(axes, notice)
        elif kind == "loss" and subject.model is not None:
            _draw_loss(axes, subject.model)
        else:
            if subject.model is not None:
                vectors = vectors or subject.model.embeddings.default_vectors
            _draw_spectrum(axes, table, vectors)
        _save(figure, target)


def _matplotlib() -> Any:
    return optional_module("matplotlib", "pictures", "plot")


def _save(figure: "Figure", target: Path) -> None:
    form = target.suffix.lower()[1:]
    metadata = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
    with whole_file(target) as temporary, warnings.catch_warnings():
        # It tells of each character that fonts lack, again and again: a notice has done so.
        warnings.filterwarnings("ignore", "Glyph .* missing from font|.* does not support .* nativ")
        figure.savefig(temporary, format=form, dpi=150, metadata=metadata)


def _draw_map(
    axes: "Axes", subject: Subject, table: NDArray[np.float32], method: ProjectionMethod | None
) -> None:
    drawn = map_of(
        subject.words,
        table,
        subject.counts,
        method=method,
        n_clusters=None,
        seed=subject.seed,
    )
    sizes: NDArray[np.float64] | float = _ONE_SIZE
    if subject.counts is not None:
        weight = np.log1p(subject.counts)
        sizes = 2 + 14 * (weight / (weight[0] or 1)) ** 2
    places = drawn.places
    axes.scatter(places[:, 0], places[:, 1], s=sizes, c=_colours(drawn), alpha=0.5, linewidths=0)
    ground = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.7}
    for place in named_places(places, _NAMED_WORDS):
        axes.annotate(
            _plain(subject.words[place]),
            places[place],
            fontsize=8,
            color=_COLOUR,
            bbox=ground,
        )
    if drawn.clusters is not None and len(drawn.clusters.names) > 1:
        for words, place, colour in zip(
            drawn.clusters.names, drawn.name_places, drawn.colours, strict=True
        ):
            axes.annotate(
                _plain(", ".join(words)),
                place,
                fontsize=9,
                fontweight="bold",
                ha="center",
                color=_CLUSTER_COLOURS[colour],
                bbox=ground,
            )
    name = _METHODS[drawn.method]
    axes.set_title(f"{len(table):,} words by {METHOD_NAMES[drawn.method]}")
    axes.set_aspect("equal", adjustable="datalim")
    unit = " (cosine, no unit)" if drawn.method == "pca" else ""
    axes.set_xlabel(f"{name} 1{unit}")
    axes.set_ylabel(f"{name} 2{unit}")


def _choose_fonts(axes: "Axes", notice: Callable[[str], object]) -> None:
    """Have names drawn with fonts that have their characters."""
    names = [name.get_text() for name in axes.texts]
    families, lacking = families_for("".join(names))
    for name in axes.texts:
        name.set_fontfamily(families)
    boxes = [name for name in names if lacking & set(name)]
    if boxes:
        notice(
            f"{len(boxes)} of the {len(names)} names on the map have characters that no installed "
            f"font has, {boxes[0]!r} the first: they are drawn as boxes; install a font for them, "
            "such as Noto Sans CJK for Chinese, Japanese and Korean, and draw the map again"
        )


def _colours(drawn: WordMap) -> list[str]:
    """Return the colour of each word: its cluster's."""
    if drawn.clusters is None:
        return [_QUIET] * len(drawn.places)
    of_cluster = [_CLUSTER_COLOURS[number] for number in drawn.colours]
    return [of_cluster[cluster] for cluster in drawn.clusters.of_word.tolist()]


def named_places(places: NDArray[np.float32], n_named: int) -> list[int]:
    """Return the most frequent words whose names have room beside those before them."""
    low, high = places.min(axis=0), places.max(axis=0)
    spread = np.where(high > low, high - low, 1)
    cells = np.minimum((places - low) / spread * _CELLS, np.subtract(_CELLS, 1)).astype(int)
    taken = np.zeros(_CELLS, bool)
    named = []
    for place, (column, row) in enumerate(cells.tolist()):
        if taken[column, row]:
            continue
        named.append(place)
        if len(named) == n_named:
            break
        left, below = max(column - _NAME_COLUMNS, 0), max(row - _NAME_ROWS, 0)
        taken[left : column + _NAME_COLUMNS + 1, below : row + _NAME_ROWS + 1] = True
    return named


def _draw_loss(axes: "Axes", model: "Word2Vec") -> None:
    from matplotlib.ticker import MaxNLocator

    if not model.history:
        raise FastW2VError("loss: expected a model with a history of its epochs, this one has none")
    epochs = [record.epoch for record in model.history]
    losses = [record.loss_nats for record in model.history]
    axes.plot(epochs, losses, marker="o", color=_COLOUR, label="mean of the epoch")
    held_out = [record.held_out_loss_nats for record in model.history]
    if any(value is not None for value in held_out):
        values = [np.nan if value is None else value for value in held_out]
        axes.plot(epochs, values, marker="s", color=_SECOND, label="held out, after the epoch")
    summary = model.summary
    if summary is not None and summary.unigram_entropy_nats is not None:
        axes.axhline(
            summary.unigram_entropy_nats, ls="--", color=_QUIET,
            label="unigram entropy: no vectors needed",
        )  # fmt: skip
    if summary is not None and summary.conditional_entropy_nats is not None:
        axes.axhline(
            summary.conditional_entropy_nats, ls=":", color=_QUIET,
            label="conditional entropy of the counts: the floor",
        )  # fmt: skip
    axes.set_title(f"Loss of training ({model.settings.model}, {model.settings.objective})")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (nats a pair)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)


def spectrum(table: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the singular values of a table (V, D), largest first."""
    return np.asarray(np.linalg.svd(table.astype(np.float64), compute_uv=False))


def _draw_spectrum(axes: "Axes", table: NDArray[np.float32], chosen: VectorChoice | None) -> None:
    values = spectrum(table)
    axes.plot(np.arange(1, len(values) + 1), values, marker=".", color=_COLOUR)
    axes.set_yscale("log")
    names = {
        "in": "in vectors",
        "out": "out vectors",
        "sum": "in + out vectors",
        "both": "in and out vectors side by side",
        None: "vectors",
    }
    axes.set_title(f"Spectrum of the {names[chosen]}, {len(table):,} words")
    axes.set_xlabel("number of the singular value")
    axes.set_ylabel("singular value (length of vectors)")


def _plain(word: str) -> str:
    """Return a word as it is: matplotlib would read mathematics between dollar signs."""
    return word.replace("$", r"\$")
