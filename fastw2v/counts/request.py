"""A count that was asked for, whoever makes it: this process, its disk, or a cluster."""

from dataclasses import dataclass
from pathlib import Path

from fastw2v.callbacks import StageProgress
from fastw2v.config import CountingSettings
from fastw2v.counts.corpus import CountedCorpus
from fastw2v.text.word_rules import WordRules

__all__ = ["CountRequest"]


@dataclass(frozen=True)
class CountRequest:
    """What is counted, how, and where to.

    Attributes
    ----------
    counting : CountingSettings
    output : Path
        The folder of the counts.
    reference : CountedCorpus or None
        Counts whose words and widths of windows are used.
    words : WordRules
        What becomes of tokens, as far as it was given; those of the reference.
    progress : callable or None
        Gets each stage, and how much of it is done.
    """

    counting: CountingSettings
    output: Path
    reference: CountedCorpus | None
    words: WordRules
    progress: StageProgress | None
