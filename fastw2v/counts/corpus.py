"""A counted corpus: all that training by the exact softmax needs to know of a text."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import CountingSettings, Hyperparameters
from fastw2v.counts.matrix import SparseCounts
from fastw2v.counts.windows import word_widths
from fastw2v.errors import CorpusError
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.vocabulary import Vocabulary, keep_probability
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = [
    "CorpusStatistics",
    "CountedCorpus",
    "CountsDescription",
    "counting_widths",
    "window_widths",
]


@dataclass(frozen=True)
class CorpusStatistics:
    """What is known of the text that was counted.

    Attributes
    ----------
    digests : tuple of str
        Of each text that was counted (`fastw2v.text.encoded.TextDigest`), in ascending order:
        several where counts were merged.
    n_raw_tokens, n_tokens : int
        Tokens of the text, and those of them that are in the vocabulary.
    n_sentences : int
    n_invalid : int
        Sequences of bytes that were not UTF-8 and were replaced or left out, as `errors` asked.
    n_missing : int
        Values that were missing in the field that was read.
    unicode_version : str, optional
        Of the characters by which the package cut the text; None for tokenizers that do not ask
        Unicode, and for counts made before the package had a table of its own.
    tokenizer_version : str, optional
        Of what cut the text beside this package, a library for a language or the package of a
        function; None where nothing else did, or is known.
    """

    digests: tuple[str, ...]
    n_raw_tokens: int
    n_tokens: int
    n_sentences: int
    n_invalid: int = 0
    n_missing: int = 0
    unicode_version: str | None = None
    tokenizer_version: str | None = None

    @classmethod
    def of(
        cls,
        tokens: EncodedTokens,
        vocabulary: Vocabulary,
        n_invalid: int = 0,
        n_missing: int = 0,
        unicode_version: str | None = None,
        tokenizer_version: str | None = None,
    ) -> "CorpusStatistics":
        """Return what is known of a text in memory."""
        return cls(
            (tokens.digest(vocabulary),),
            tokens.n_raw_tokens,
            tokens.n_tokens,
            tokens.n_sentences,
            n_invalid,
            n_missing,
            unicode_version,
            tokenizer_version,
        )

    @property
    def digest(self) -> str:
        """64 digits that tell this text, or these texts, from others."""
        if len(self.digests) == 1:
            return self.digests[0]
        return hashlib.blake2b("".join(self.digests).encode(), digest_size=32).hexdigest()

    def plus(self, other: "CorpusStatistics") -> "CorpusStatistics":
        """Return the statistics of both texts together, in whatever order they are added.

        Raises
        ------
        CorpusError
            If words of the two were cut by different versions of Unicode, or of a tokenizer.
        """
        versions = {self.unicode_version, other.unicode_version}
        tokenizers = {self.tokenizer_version, other.tokenizer_version}
        for name, of, found in (
            ("unicode_version", "Unicode", versions),
            ("tokenizer_version", "the tokenizer", tokenizers),
        ):
            if None not in found and len(found) > 1:
                raise CorpusError(
                    f"{name}: expected counts of texts that were cut into words by one version of "
                    f"{of}, got {' and '.join(sorted(map(str, found)))}; count the older text again"
                )
        return CorpusStatistics(
            tuple(sorted(self.digests + other.digests)),
            self.n_raw_tokens + other.n_raw_tokens,
            self.n_tokens + other.n_tokens,
            self.n_sentences + other.n_sentences,
            self.n_invalid + other.n_invalid,
            self.n_missing + other.n_missing,
            self.unicode_version if len(versions) == 1 else None,
            self.tokenizer_version if len(tokenizers) == 1 else None,
        )


@dataclass(frozen=True, eq=False)
class CountsDescription:
    """What counts were made of.

    Attributes
    ----------
    vocabulary : Vocabulary
    counting : CountingSettings
    widths : ndarray of int32, shape (V,), or None
        What each word took of a place in measured windows; None if windows are plain.
    statistics : CorpusStatistics
    words : WordRules
        What became of the tokens of the text before they were counted.
    """

    vocabulary: Vocabulary
    counting: CountingSettings
    widths: NDArray[np.int32] | None
    statistics: CorpusStatistics
    words: WordRules = field(default=NO_RULES, kw_only=True)


@dataclass(frozen=True, eq=False)
class CountedCorpus(CountsDescription):
    """Counts with the vocabulary, the settings and the text that they were made of.

    Attributes
    ----------
    counts : SparseCounts
        In memory, or in files that are mapped.
    """

    counts: SparseCounts


def counting_widths(vocabulary: Vocabulary, counting: CountingSettings) -> NDArray[np.int32] | None:
    """Return what each word takes of a place in the windows; None for plain windows."""
    if counting.window_sample == 0:
        return None
    return word_widths(keep_probability(vocabulary.counts, counting.window_sample))


def window_widths(vocabulary: Vocabulary, settings: Hyperparameters) -> NDArray[np.int32] | None:
    """Return what each word takes of a place in the settings' windows; None for plain windows.

    They follow from the counts of the vocabulary, those of the training text, whatever the text
    is that windows are counted in. Windows of CBOW and of the objectives that go over running text
    are plain: they drop tokens, or draw their reach.
    """
    exact_skipgram = settings.objective == "softmax" and settings.model == "skipgram"
    return counting_widths(vocabulary, CountingSettings.of(settings)) if exact_skipgram else None
