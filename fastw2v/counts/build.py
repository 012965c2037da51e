"""The door to counting: from a text, however long, to its counts.

`count_text` counts an encoded text in memory, `counted_windows` one that is only measured;
`count_corpus` reads a corpus and writes its counts to a folder: in memory, in shards on this
machine, or on a cluster. All take what is counted, over which words, how, and where to, in this
order. The same text and settings give the same counts, to the byte, whichever way they are made.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.callbacks import StageProgress, stage_of
from fastw2v.config import CountingSettings, Hyperparameters, settings_for_counts
from fastw2v.counts.corpus import (
    CorpusStatistics,
    CountedCorpus,
    counting_widths,
    window_widths,
)
from fastw2v.counts.folder import LAYOUT, read_counts, write_counts
from fastw2v.counts.matrix import PairCounts
from fastw2v.counts.merged_folder import write_in_order
from fastw2v.counts.pairs import count_packed_pairs, count_pairs
from fastw2v.counts.request import CountRequest
from fastw2v.counts.sharded.dask import count_on_cluster
from fastw2v.counts.sharded.local import count_on_one_machine
from fastw2v.counts.sharded.plan import ShardOptions
from fastw2v.errors import ConfigurationError
from fastw2v.system.files import require_replaceable
from fastw2v.system.threads import checked_workers
from fastw2v.text.appearance import notices_about_corpus
from fastw2v.text.corpus import Corpus, OpenedCorpus, open_corpus
from fastw2v.text.encoded import EncodedTokens
from fastw2v.text.encoding import READ_WITH_ERRORS
from fastw2v.text.phrase_finding import phrase_settings
from fastw2v.text.reading import PhraseSearch, ReadingOptions, encode_corpus, read_text
from fastw2v.text.rules import TextRules
from fastw2v.text.segmenters import tokenizer_version
from fastw2v.text.unicode_table import version_of
from fastw2v.text.vocabulary import Vocabulary
from fastw2v.text.word_choice import VocabularyLimits
from fastw2v.text.word_rules import NO_RULES, WordRules

__all__ = [
    "ShardOptions",
    "checked_rules",
    "count_corpus",
    "count_text",
    "counted_windows",
    "reference_counts",
]


def count_text(
    tokens: EncodedTokens,
    vocabulary: Vocabulary,
    counting: CountingSettings,
    *,
    workers: int,
    widths: NDArray[np.int32] | None = None,
    n_invalid: int = 0,
    n_missing: int = 0,
    words: WordRules = NO_RULES,
    progress: StageProgress | None = None,
) -> CountedCorpus:
    """Count the windows of an encoded text in memory.

    Parameters
    ----------
    tokens : EncodedTokens
        Of this vocabulary.
    vocabulary : Vocabulary
    counting : CountingSettings
    workers : int
        Threads. The result does not depend on them.
    widths : ndarray of int32, shape (V,), optional
        What each word takes of a place in a measured window. Default: what follows from the counts
        of the vocabulary.
    n_invalid : int
        Sequences of bytes of the text that were not UTF-8.
    n_missing : int
        Values that were missing in the field that was read.
    words : WordRules, optional
        What became of the tokens while the text was read.
    progress : callable, optional
        Gets the stage "counting", tokens counted, and tokens.

    Raises
    ------
    CorpusError, VocabularyError
        If the tokens are not of this vocabulary, or a count does not fit int64.
    """
    if widths is None:
        widths = counting_widths(vocabulary, counting)
    counts = count_packed_pairs(
        tokens,
        len(vocabulary),
        counting.window,
        workers=workers,
        widths=widths,
        progress=stage_of(progress, "counting"),
    )
    statistics = CorpusStatistics.of(
        tokens,
        vocabulary,
        n_invalid,
        n_missing,
        version_of(counting.tokenizer),
        tokenizer_version(counting.tokenizer),
    )
    return CountedCorpus(vocabulary, counting, widths, statistics, counts, words=words)


def counted_windows(
    tokens: EncodedTokens,
    vocabulary: Vocabulary,
    settings: Hyperparameters,
    *,
    workers: int,
    progress: StageProgress | None = None,
) -> PairCounts:
    """Count the windows that the settings ask for, in a text over a model's vocabulary.

    For measuring a text, of which nothing but counts is needed; parameters and errors as in
    `count_text`.
    """
    return count_pairs(
        tokens,
        len(vocabulary),
        settings.window,
        workers=workers,
        widths=window_widths(vocabulary, settings),
        progress=stage_of(progress, "counting"),
    )


def count_corpus(
    corpus: Corpus | Sequence[str] | Any,
    counting: CountingSettings | None,
    output: str | Path,
    *,
    workers: int | None = None,
    shards: ShardOptions | None = None,
    client: Any = None,
    reference: CountedCorpus | None = None,
    words: WordRules = NO_RULES,
    progress: StageProgress | None = None,
    notice: Callable[[str], None] | None = None,
) -> CountedCorpus:
    """Read a corpus, count its windows, and write the counts to a folder.

    In memory the text is read once. In shards, beyond memory or on a cluster, it is read twice, and
    what can be read only once is kept beside the output; a folder of the output's name and
    ".counting" holds what is done so far, and an interrupted run leaves it behind.

    Parameters
    ----------
    corpus : path, paths, or lists of tokens
        See `fastw2v.text.corpus.open_corpus`. On a cluster also a `dask.bag.Bag` of lists of
        tokens; all workers must see the files.
    counting : CountingSettings or None
        None: those of `reference`, or those of `Hyperparameters`.
    output : path
        Written whole or not at all; earlier counts there are replaced. On a cluster all workers
        must see it under the same path.
    workers : int, optional
        Threads. The result does not depend on them. Default: as many as there are cores. A cluster
        has its own.
    shards : ShardOptions, optional
        Count in shards, in bounded memory. Default: the text and its counts in memory.
    client : distributed.Client, optional
        Of a cluster whose workers have fastw2v installed; it counts the shards.
    reference : CountedCorpus, optional
        Counts whose words and widths of windows are used, so that both can be merged; `counting`
        must be its settings. Its phrases and stop words are used too.
    words : WordRules, optional
        Phrases that are joined, and words that are left out; `fastw2v.text.given_words` makes them
        of what users have. Where `counting` asks for passes, phrases are found, and none given.
    progress : callable, optional
        Gets ("reading", "finding phrases" or "counting", done, in all or None): bytes read; passes;
        tokens counted in memory.
    notice : callable, optional
        Gets a sentence for a person where the text looks as if it were to be read otherwise.

    Returns
    -------
    CountedCorpus
        As read from the folder.

    Raises
    ------
    CorpusError, VocabularyError
        If the corpus cannot be read (the message names the file or shard), or nothing is left to
        count.
    ConfigurationError
        If the memory is too small, an interrupted run had other settings, `workers` is given
        beside a cluster, or phrases are given beside passes that find some, or beside a reference.
    ClusterError
        If there are no workers within a minute, they have another version of fastw2v, they keep
        dying, or the scheduler goes away. What was counted stays, and `ShardOptions.resume` goes
        on with it.
    OutputError
        If the folder cannot be written.
    """
    if counting is None:
        counting = reference.counting if reference is not None else CountingSettings()
    words = checked_rules(words, counting, reference)
    request = CountRequest(counting, Path(output), reference, words, progress)
    if client is not None:
        if workers is not None:
            raise ConfigurationError(
                f"workers: expected none beside a cluster, which has its own, got {workers}; leave "
                "them out"
            )
        options = shards or ShardOptions()
        # A bag's partitions are computed where they are counted.
        opened = corpus if hasattr(corpus, "to_delayed") else _opened(corpus, counting, notice)
        return count_on_cluster(opened, request, options, client)
    workers = checked_workers(workers)
    opened = _opened(corpus, counting, notice)
    if shards is not None:
        return count_on_one_machine(opened, request, shards, workers)
    return _count_in_memory(opened, request, workers)


def _opened(
    corpus: Corpus, counting: CountingSettings, notice: Callable[[str], None] | None
) -> OpenedCorpus:
    opened = open_corpus(corpus, counting.errors, READ_WITH_ERRORS)
    for sentence in notices_about_corpus(opened, TextRules.of(counting)) if notice else ():
        assert notice is not None
        notice(sentence)
    return opened


def _count_in_memory(opened: OpenedCorpus, request: CountRequest, workers: int) -> CountedCorpus:
    counting, reference, progress = request.counting, request.reference, request.progress
    require_replaceable(request.output, LAYOUT)
    words = request.words
    reading = stage_of(progress, "reading")
    widths = None
    rules = TextRules.of(counting, workers, words=words)
    if reference is None:
        asked = phrase_settings(counting)
        read = read_text(
            opened,
            rules,
            search=None
            if asked is None
            else PhraseSearch(asked, workers, progress=stage_of(progress, "finding phrases")),
            limits=VocabularyLimits(counting.min_count, counting.max_final_vocab),
            options=ReadingOptions(reading),
        )
        vocabulary, tokens, words = read.vocabulary, read.tokens, read.words
    else:
        vocabulary, widths = reference.vocabulary, reference.widths
        tokens = encode_corpus(opened, vocabulary, tokenizer=rules, progress=reading)
    found = count_text(
        tokens,
        vocabulary,
        counting,
        workers=workers,
        widths=widths,
        n_invalid=opened.repairs.n_sequences,
        n_missing=opened.missing.n_values,
        words=words,
        progress=progress,
    )
    if reference is None:
        write_counts(request.output, found)
    else:
        frequencies = np.bincount(tokens.ids, minlength=len(vocabulary)).astype(np.int64)
        write_in_order(request.output, found, frequencies)
    return read_counts(request.output, verify=False)


def checked_rules(
    words: WordRules, settings: Hyperparameters | CountingSettings, reference: CountedCorpus | None
) -> WordRules:
    """Return what becomes of tokens: what was given, or that of counts that are referred to.

    Raises
    ------
    ConfigurationError
        If something was given twice.
    """
    if reference is not None:
        if words and words.digest != reference.words.digest:
            raise ConfigurationError(
                f"phrases and stop_words: expected those of the counts that are referred to, "
                f"{reference.words.described()}, got {words.described()}; leave them out"
            )
        return reference.words
    if settings.phrases and words.phrases is not None:
        raise ConfigurationError(
            f"phrases: expected passes that find some, or phrases that are there, got "
            f"{settings.phrases} passes beside {len(words.phrases):,} phrases; leave one out"
        )
    return words


def reference_counts(folder: str | Path, given: dict[str, Any]) -> CountedCorpus:
    """Open counts whose words and windows another text is to be counted with.

    Parameters
    ----------
    folder : path
    given : dict
        The settings of counting that were asked for, by name.

    Raises
    ------
    ConfigurationError
        If a setting that was asked for is not theirs.
    CorpusError
        If there are no counts.
    """
    reference = read_counts(folder)
    chosen = settings_for_counts(given, reference.counting)
    # A tokenizer that was given has its function.
    counting = replace(reference.counting, tokenizer=chosen.tokenizer)
    return replace(reference, counting=counting)
