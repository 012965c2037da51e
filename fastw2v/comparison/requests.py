"""What a training process is asked for, and what it answers: plain values, as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.comparison.clock import Clock

if TYPE_CHECKING:
    from fastw2v.config import Inputs
    from fastw2v.objectives.feature_vectors import NgramVectors

__all__ = [
    "END_OF_LINE",
    "SharedSettings",
    "Trained",
    "TrainingRequest",
    "save_vectors",
]

END_OF_LINE = "</s>"  # a word to word2vec.c and fastText, no word of the text


@dataclass(frozen=True, kw_only=True)
class SharedSettings:
    """What all trainers of a comparison are given.

    Attributes
    ----------
    epochs, vector_size, window, min_count, negative, workers : int
        `negative` is for those that sample noise.
    sample : float, optional
        Subsampling threshold, 0: every token is kept; default: each trainer's own.
    inputs : {"words", "subwords"}
        Whether fastw2v and fastText take words as sums of vectors of themselves and of their
        character n-grams. The others know words alone.
    min_n, max_n, bucket : int, optional
        The sizes of n-grams in characters, and how many buckets they are hashed into; default: each
        trainer's own.
    """

    epochs: int = 5
    vector_size: int = 100
    window: int = 5
    min_count: int = 5
    negative: int = 5
    workers: int = 1
    sample: float | None = None
    inputs: "Inputs" = "words"
    min_n: int | None = None
    max_n: int | None = None
    bucket: int | None = None

    def ngram_sizes(self) -> dict[str, int]:
        """Return those of `min_n`, `max_n` and `bucket` that are given, by name."""
        sizes = {"min_n": self.min_n, "max_n": self.max_n, "bucket": self.bucket}
        return {name: size for name, size in sizes.items() if size is not None}

    def shared(self) -> dict[str, Any]:
        """Return these settings by name."""
        return {each.name: getattr(self, each.name) for each in fields(SharedSettings)}


@dataclass(frozen=True, kw_only=True)
class TrainingRequest(SharedSettings):
    """One training.

    Attributes
    ----------
    trainer : str
        A name of `fastw2v.comparison.rivals.RIVALS`.
    corpus : Path
        Plain text; words are what stands between white space.
    vectors : Path
        The .npz to write: words, counts, and the tables that the trainer has.
    seed : int
    settings : dict
        More settings, in the trainer's own names.
    n_words : int, optional
        Words that come at least `min_count` times, where that is known.
    held_out : Path, optional
        A text on which fastw2v measures its own loss, after the clock was stopped.
    """

    trainer: str
    corpus: Path
    vectors: Path
    seed: int = 1
    settings: dict[str, Any] = field(default_factory=dict)
    n_words: int | None = None
    held_out: Path | None = None

    def as_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `as_json` made."""
        values = json.loads(text)
        for name in ("corpus", "vectors", "held_out"):
            values[name] = values[name] and Path(values[name])
        return cls(**values)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """What a trainer hands out.

    Attributes
    ----------
    words, counts
        V words but for `END_OF_LINE`, most frequent first.
    tables : dict of str to (V, D) float32
        "in", and "out" or "nodes" where the trainer gives them away.
    clock : Clock
    stages : dict of str to float
        Seconds of stages that the trainer reports, and other figures of the run.
    loss : {"softmax", "negative", "hierarchical"}, optional
        What was trained, if its loss can be computed from `tables`.
    settings : dict
        All settings that were passed on, and the defaults that matter.
    ngrams : (str, NgramVectors), optional
        What unknown words' vectors are made of, and the table whose space they are in: "in" or
        "in+out".
    """

    words: list[str]
    counts: NDArray[np.int64]
    tables: dict[str, NDArray[np.float32]]
    clock: Clock
    stages: dict[str, Any]
    loss: str | None
    settings: dict[str, Any]
    ngrams: "tuple[str, NgramVectors] | None" = None

    def save(self, path: Path) -> None:
        """Write words, counts, tables and n-grams as .npz."""
        save_vectors(path, self.words, self.counts, self.tables, self.ngrams)


def save_vectors(
    path: Path,
    words: Sequence[str],
    counts: NDArray[np.int64],
    tables: Mapping[str, NDArray[np.float32]],
    ngrams: "tuple[str, NgramVectors] | None" = None,
) -> None:
    """Write what `fastw2v.comparison.stored.StoredVectors` reads.

    Words are one text, a line each: numpy's table of strings is as wide as the longest.
    """
    text = np.frombuffer("\n".join(words).encode(), np.uint8)
    arrays = {"words": text, "counts": counts, **tables}
    if ngrams is not None:
        table, of_ngrams = ngrams
        sizes = of_ngrams.ngrams
        arrays["ngrams_table"] = np.frombuffer(table.encode(), np.uint8)
        arrays["ngrams_sizes"] = np.array([sizes.min_n, sizes.max_n, sizes.bucket])
        arrays |= {"ngrams_buckets": of_ngrams.buckets, "ngrams_vectors": of_ngrams.vectors}
    np.savez(path, **arrays)  # type: ignore[arg-type]
