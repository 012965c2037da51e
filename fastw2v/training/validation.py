"""What a run is validated on, and the loss on it after each epoch."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from fastw2v.config import Hyperparameters
from fastw2v.config.numbers import checked_fraction
from fastw2v.counts.build import counted_windows
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.losses.perplexity import losses_of, perplexity_of
from fastw2v.system.threads import WorkerPool
from fastw2v.text.corpus import Corpus, Source
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.sources.streams import is_url
from fastw2v.text.vocabulary import Vocabulary

__all__ = [
    "VALIDATION_ROWS",
    "HeldOutLoss",
    "Validation",
    "ValidationText",
    "named_sources",
    "opened_sources",
    "options_of_source",
]

VALIDATION_ROWS = 4096  # of objectives whose losses have no counts to make them cheap


@dataclass(frozen=True)
class Validation:
    """What a run is validated on: a separate text, or a part of the training text.

    Parameters
    ----------
    text : path, sequence of paths, lists of tokens, or Source, optional
        Read with the vocabulary of the training text.
    fraction : float, optional
        Hold out so many of the training text's documents (lines), chosen by the seed and their
        content, before the vocabulary is counted.

    Raises
    ------
    ConfigurationError
        Unless exactly one is given, and a fraction is between 0 and 1.
    """

    text: Corpus | None = None
    fraction: float | None = None

    def __post_init__(self) -> None:
        if (self.text is None) == (self.fraction is None):
            raise ConfigurationError(
                "validation: expected either a text or a fraction of the training text, got "
                f"{'neither' if self.text is None else 'both'}"
            )
        if self.fraction is not None:
            object.__setattr__(self, "fraction", checked_fraction(self.fraction))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; a text that is not a file has no sources."""
        if self.fraction is not None:
            return {"fraction": self.fraction}
        return {"sources": named_sources(self.text)} | options_of_source(self.text)


class HeldOutLoss(NamedTuple):
    """Loss on the validation text, and exp of it where it is one of probabilities."""

    loss_nats: float
    perplexity: float | None


def named_sources(corpus: Any) -> list[str] | None:
    """Return absolute names of the files and folders of a corpus; None for what has no names."""
    corpus = corpus.corpus if isinstance(corpus, Source) else corpus
    items = [corpus] if isinstance(corpus, str | os.PathLike) else corpus
    if not isinstance(items, list | tuple) or not items:
        return None
    if not all(isinstance(item, str | os.PathLike) for item in items):
        return None
    return [item if _is_no_path(item) else str(Path(item).absolute()) for item in items]


def _is_no_path(item: Any) -> bool:
    return isinstance(item, str) and (item == "-" or is_url(item))


def options_of_source(corpus: Any) -> dict[str, Any]:
    """Return the field that is read of a corpus, and as what, where that was said."""
    options = corpus.options() if isinstance(corpus, Source) else {}
    return {name: value for name, value in options.items() if value is not None}


def opened_sources(sources: Iterable[str], options: Mapping[str, Any]) -> Corpus:
    """Return what `named_sources` and `options_of_source` gave as a corpus."""
    names = [name if name == "-" or is_url(name) else Path(name) for name in sources]
    return Source(names, options.get("field"), options.get("read_as"))


class ValidationText:
    """Measures a model on a held-out text, the same way after every epoch.

    Skip-gram with the exact softmax: the exact loss of all its window pairs, as
    `Word2Vec.perplexity` gives it but for what is fitted to the text when training is over
    (`fastw2v.objectives.softmax.text_fit`). That takes one of the three products of an epoch, for
    the words of the held-out text; where rare words may be sampled it is the exact loss over
    `VALIDATION_ROWS` rows drawn by the seed. The other cells have no counts that make it cheap:
    their loss is the objective's own, over as many rows, the same ones after each epoch.

    Parameters
    ----------
    tokens : EncodedTokens
        The text.
    vocabulary : Vocabulary
    settings : Hyperparameters
    workers : int
        Threads; the result does not depend on them.

    Raises
    ------
    CorpusError
        If the text has no pair of known words.
    """

    def __init__(
        self,
        tokens: EncodedTokens,
        vocabulary: Vocabulary,
        settings: Hyperparameters,
        workers: int,
    ) -> None:
        self.tokens, self.settings, self.workers = tokens, settings, workers
        self.counts = counted_windows(tokens, vocabulary, settings, workers=workers)
        if not self.counts.n_entries:
            raise CorpusError(
                f"validation: expected at least one pair of known words within {settings.window} "
                f"of each other, got {len(tokens.ids)} known and {tokens.n_oov} unknown tokens; "
                "give more text"
            )
        is_exact = settings.objective == "softmax" and settings.model == "skipgram"
        is_exact = is_exact and settings.rare_words == "exact"
        self.sample = None if is_exact else VALIDATION_ROWS

    @property
    def nbytes(self) -> int:
        """Memory of the text and its counts."""
        arrays = (self.tokens.ids, self.tokens.sentence_starts)
        return self.counts.nbytes + sum(array.nbytes for array in arrays)

    def loss(self, embeddings: Embeddings) -> HeldOutLoss:
        """Return the loss of a model."""
        with WorkerPool(self.workers) as pool:
            losses = losses_of(
                embeddings, self.tokens, self.counts, self.settings, pool, sample=self.sample
            )
        if self.settings.objective == "negative":
            return HeldOutLoss(losses.own_nats, None)
        return HeldOutLoss(losses.own_nats, perplexity_of(losses.own_nats))

    def as_dict(self) -> dict[str, Any]:
        """Return how much text it is, and how many rows are drawn from it, if not all count."""
        return {
            "n_tokens": self.tokens.n_tokens,
            "n_oov": self.tokens.n_oov,
            "n_documents": self.tokens.n_sentences,
            "sampled_rows": self.sample,
        }
