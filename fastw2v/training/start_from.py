"""What a run starts from: an earlier model, or vectors of any program, and what holds for it."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from fastw2v.config import (
    TEXT_NAMES,
    CountingSettings,
    Hyperparameters,
    continued_settings,
)
from fastw2v.config.numbers import shown_value, true_or_false
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.counts.folder import described_counts, read_counts
from fastw2v.counts.grown import require_same_counting
from fastw2v.errors import ConfigurationError, FastW2VError
from fastw2v.formats import read_vectors
from fastw2v.formats.model_folder import is_model_folder
from fastw2v.formats.vectors import Vectors, checked_vectors, float32_table, texts_of
from fastw2v.objectives.earlier import EarlierVectors
from fastw2v.text.growth import EarlierWords
from fastw2v.text.word_rules import NO_RULES, WordRules
from fastw2v.training.result import TrainedModel
from fastw2v.training.saved import read_saved

__all__ = [
    "Earlier",
    "StartFrom",
    "StartVocabulary",
    "begins_by_counts",
    "begun_start",
    "counted_in",
    "is_by_counts",
    "read_start",
    "settings_for_start",
    "with_counts",
]

StartVocabulary = Literal["grow", "keep"]


@dataclass(frozen=True)
class StartFrom:
    """What a run starts from, and what becomes of it.

    Parameters
    ----------
    source : path, Word2Vec, or gensim's KeyedVectors
        A model folder, a trained model, or vectors in any format that `fastw2v.formats` reads.
    vocabulary : {"grow", "keep"}
        "grow": the words of a model, and those of the text that are frequent enough in it; of
        vectors those of the text, matched where both have them. "keep": the words of a model; of
        vectors those that the text has, too.
    lock_known : bool
        Whether known words keep their vectors, bit by bit, and only new ones learn.
    counts : path, optional
        Counts of the text that the model was trained on, which are added to those of the text:
        for skip-gram with the exact softmax by counts. Default: those that the model was trained
        on by `fit_counts`, if they are still there.

    Raises
    ------
    ConfigurationError
        For another vocabulary, or a value of another type.
    """

    source: Any
    vocabulary: StartVocabulary = "grow"
    lock_known: bool = False
    counts: Path | str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.vocabulary, str) or self.vocabulary not in get_args(StartVocabulary):
            raise ConfigurationError(
                f"start_vocabulary: expected 'grow' or 'keep', got {shown_value(self.vocabulary)}"
            )
        object.__setattr__(self, "lock_known", true_or_false("lock_known", self.lock_known))
        if self.counts is not None:
            if not isinstance(self.counts, str | os.PathLike):
                raise ConfigurationError(
                    "start_counts: expected the path of a folder of counts, got "
                    f"{shown_value(self.counts)}"
                )
            object.__setattr__(self, "counts", Path(self.counts))


@dataclass(frozen=True, eq=False)
class Earlier:
    """What a run starts from, once it has been read.

    Attributes
    ----------
    asked : StartFrom
    path : Path, optional
        Of the model folder or file; None for what came from memory.
    vectors : EarlierVectors
    settings : Hyperparameters, optional
        Of the model.
    counts : CountedCorpus, optional
        Of its text, mapped; they are added to those of the new one.
    trained_on : (Path, str), optional
        The folder of counts that the model was trained on, and their digest.
    text : str, optional
        The digest of the model's text.
    is_counted : bool
        Whether the counts that a run trains on hold that text, too.
    rules : WordRules
        The phrases and stop words of the model's text.
    """

    asked: StartFrom
    path: Path | None
    vectors: EarlierVectors
    settings: Hyperparameters | None = None
    counts: CountedCorpus | None = None
    trained_on: tuple[Path, str] | None = None
    text: str | None = None
    is_counted: bool = False
    rules: WordRules = NO_RULES

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path) if self.path is not None else "the vectors that were given"

    @property
    def decided_by(self) -> str:
        """What has decided how text is cut; empty if options can say so."""
        return f"the settings of {self.name}" if self.settings is not None else ""

    @property
    def cut_otherwise(self) -> str:
        """What to do where few words match, perhaps because text was cut in another way."""
        if self.settings is None:
            return "cut the text as theirs was (--tokenizer, --keep-case, --normalize)"
        return (
            f"the text is cut by {self.decided_by}; to cut it otherwise start from its vectors "
            "alone ('fastw2v export')"
        )

    @property
    def words(self) -> EarlierWords | None:
        """The words that a text's vocabulary goes on from; None if it is that of the text alone."""
        grows = self.asked.vocabulary == "grow"
        if self.counts is not None:
            return EarlierWords.of(self.counts.vocabulary, grows=grows)
        if self.vectors.embeddings is not None:
            return EarlierWords.of(self.vectors.embeddings.vocabulary, grows=grows)
        if grows:
            return None
        words = self.vectors.words
        return EarlierWords(words, np.zeros(len(words), np.int64), 0, 0, grows=False, stay=False)

    def as_dict(self) -> dict[str, Any]:
        """Return what tells this start from others, as plain values that JSON can hold."""
        counts = self.asked.counts
        return {
            "path": None if self.path is None else str(self.path.absolute()),
            "digest": self.vectors.digest,
            "vocabulary": self.asked.vocabulary,
            "lock_known": self.asked.lock_known,
            "counts": str(counts.absolute()) if isinstance(counts, Path) else None,
            "counts_digest": None if self.counts is None else self.counts.statistics.digest,
            "is_counted": self.is_counted,
        }


def read_start(asked: StartFrom) -> Earlier:
    """Read what a run starts from.

    Raises
    ------
    ModelFormatError, TextEncodingError
        If the folder or file cannot be read.
    CorpusError
        If the counts cannot.
    ConfigurationError
        If the source is of no such kind.
    """
    source = asked.source
    counts = None if asked.counts is None else read_counts(asked.counts)
    if isinstance(source, TrainedModel):
        return _of_model(asked, None, source, counts)
    if isinstance(source, str | Path):
        path = Path(source)
        if is_model_folder(path):
            trained = read_saved(path, mapped=False, verify=None)
            return _of_model(asked, path, trained, counts)
        found, name = read_vectors(path), str(path)
    else:
        path, found, name = None, _vectors_of(source), "start"
    if counts is not None:
        raise ConfigurationError(
            f"start_counts: expected a model to start from beside counts of its text, got {name}, "
            "which is vectors alone; leave the counts out"
        )
    return Earlier(asked, path, EarlierVectors(found.words, found.vectors, ngrams=found.ngrams))


def _of_model(
    asked: StartFrom, path: Path | None, model: TrainedModel, counts: CountedCorpus | None
) -> Earlier:
    counted = model.run_record.counts if model.run_record is not None else None
    trained_on = None
    if counted is not None and model.corpus_digest is not None:
        trained_on = (Path(counted), model.corpus_digest)
    vectors = EarlierVectors.of_model(model.embeddings)
    text = model.corpus_digest
    return Earlier(
        asked, path, vectors, model.settings, counts, trained_on, text, rules=model.words
    )


def _vectors_of(source: Any) -> Vectors:
    """Return the vectors of gensim's `KeyedVectors`."""
    words, table = getattr(source, "index_to_key", None), getattr(source, "vectors", None)
    if not isinstance(words, list) or not isinstance(table, np.ndarray):
        raise ConfigurationError(
            "start: expected a model folder, a file of vectors, a trained Word2Vec or gensim's "
            f"KeyedVectors, got {type(source).__name__}"
        )
    return checked_vectors(Path("start"), texts_of(words), float32_table(table))


def with_counts(earlier: Earlier, settings: Hyperparameters) -> Earlier:
    """Return what a run on a text starts from, with the counts of the earlier text if they fit.

    Those that the model was trained on by `fit_counts` are looked for where they were.

    Raises
    ------
    ConfigurationError
        If counts were given that cannot be added.
    """
    by_counts = is_by_counts(settings)
    now = CountingSettings.of(settings)
    if earlier.counts is not None:
        if not by_counts:
            raise ConfigurationError(
                "start_counts: expected skip-gram with the exact softmax by counts, which alone "
                "can be trained on the counts of two texts, got other settings; leave them out"
            )
        require_same_counting(earlier.counts.counting, now, f"{earlier.asked.counts}")
        return earlier
    if not by_counts or earlier.trained_on is None:
        return earlier
    try:
        counts = read_counts(earlier.trained_on[0])
        require_same_counting(counts.counting, now, "")
    except FastW2VError:  # moved, or counted otherwise: as if nobody knew of them
        return earlier
    if counts.statistics.digest != earlier.trained_on[1]:
        return earlier
    asked = replace(earlier.asked, counts=earlier.trained_on[0])
    return replace(earlier, asked=asked, counts=counts)


def is_by_counts(settings: Hyperparameters) -> bool:
    """Return whether training is on counts, to which those of another text can be added."""
    is_exact = settings.objective == "softmax" and settings.model == "skipgram"
    return is_exact and settings.batches == "counts"


def begins_by_counts(earlier: Earlier, settings: Hyperparameters) -> bool:
    """Return whether a run begins by the counts of both texts, and not by the earlier vectors.

    It does where the earlier text's pairs are among those that it trains on, unless known words
    are locked or the settings ask for no spectral start.
    """
    has_pairs = earlier.counts is not None or earlier.is_counted
    may_move = not earlier.asked.lock_known and settings.start == "spectral"
    return has_pairs and may_move and is_by_counts(settings)


def begun_start(
    asked: StartFrom, given: Mapping[str, Any], folder: Path | None = None
) -> tuple[Earlier, Hyperparameters]:
    """Read what a run starts from; return it with the settings of the run.

    Parameters
    ----------
    asked : StartFrom
    given : mapping
        As in `settings_for_start`.
    folder : Path, optional
        Of counts that are trained on, in place of a text.

    Raises
    ------
    ModelFormatError, TextEncodingError, CorpusError, ConfigurationError
        As `read_start`, `settings_for_start` and `with_counts`.
    """
    earlier = read_start(asked)
    settings = settings_for_start(given, earlier)
    earlier = with_counts(earlier, settings) if folder is None else counted_in(folder, earlier)
    return earlier, settings_for_start(given, earlier)


def counted_in(folder: Path, earlier: Earlier) -> Earlier:
    """Return what a run on counts starts from, knowing whether they are of the earlier text, too.

    They tell by the digests of their texts. A model of counts that were merged has one digest for
    several; those are known while the counts are where they were.
    """
    texts = described_counts(folder).statistics.digests
    before = {earlier.text}
    if earlier.trained_on is not None and earlier.text not in texts:
        with suppress(FastW2VError):
            counted = described_counts(earlier.trained_on[0]).statistics
            if counted.digest == earlier.trained_on[1]:
                before = set(counted.digests)
    return replace(earlier, is_counted=before <= set(texts))


def settings_for_start(given: Mapping[str, Any], earlier: Earlier) -> Hyperparameters:
    """Return the settings of a run that starts from something earlier.

    Parameters
    ----------
    given : mapping
        The hyper-parameters that were asked for, by name. Others are those of the earlier model,
        as far as the run looks at them, but for the learning rate.

    Raises
    ------
    ConfigurationError
        If dimensions, or the settings by which text became words, are others than asked for.
    """
    dimensions, before = earlier.vectors.dimensions, earlier.settings
    fixed = {"vector_size": dimensions}
    if before is not None:
        fixed |= {name: getattr(before, name) for name in TEXT_NAMES}
    for name, value in fixed.items():
        if given.get(name, value) == value:
            continue
        raise ConfigurationError(
            f"{name}: expected {value!r}, as {earlier.name} has it, or nothing, got "
            f"{given[name]!r}; "
            + (
                "leave it out, or begin anew"
                if name == "vector_size"
                else "leave it out, or start from its vectors alone ('fastw2v export')"
            )
        )
    settings = continued_settings(given, dimensions, before)
    if not begins_by_counts(earlier, settings):
        return settings
    return continued_settings(given, dimensions, before, all_pairs=True)
