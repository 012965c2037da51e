"""The vocabulary by gensim's rules: which words stay, how they are ordered, thinned and predicted.

Public names, parameters and results are gensim's. What they fill in is a real `KeyedVectors`.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gensim.models.keyedvectors import pseudorandom_weak_vector
from gensim.models.word2vec import LineSentence
from gensim.utils import keep_vocab_item, prune_vocab
from numpy.typing import NDArray

from fastw2v.gensim_api.checks import check_corpus
from fastw2v.gensim_api.numbers import (
    dimensions_of,
    int_of,
    int_or_none,
    number_of,
    threshold_of,
)
from fastw2v.gensim_api.reading import (
    Sentences,
    checked_sentences,
    numbered_text,
    raise_unfit,
    reads_the_same,
)
from fastw2v.gensim_api.state import GensimState
from fastw2v.objectives.huffman import huffman_tree
from fastw2v.objectives.noise import noise_distribution
from fastw2v.text.token_kinds import check_kinds

__all__ = [
    "SAMPLE_INT_MAX",
    "TrimRule",
    "VocabularyMethods",
    "keep_probabilities",
    "logger",
    "threshold_count",
]

logger = logging.getLogger(__name__)

TrimRule = Callable[[Any, int, int], int]

SAMPLE_INT_MAX = 2**32 - 1  # what gensim's thresholds of subsampling are fractions of
_VOCABULARY_BYTES = {False: 500, True: 700}  # of a word, as gensim estimates; with its tree


class VocabularyMethods(GensimState):
    """Building a vocabulary and the arrays that belong to it."""

    def build_vocab(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: str | None = None,
        update: bool = False,
        progress_per: int = 10000,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        **kwargs: Any,
    ) -> None:
        """Build the vocabulary from sentences, or with `update` add theirs to it.

        Parameters
        ----------
        corpus_iterable : iterable of lists of tokens
            Read once.
        corpus_file : path
            Instead: a file of lines, tokens between spaces.
        update : bool
            New words join the vocabulary, and counts add up.
        progress_per : int
            Sentences between two lines of the log.
        keep_raw_vocab : bool
            Keep the counts of all words in `raw_vocab`.
        trim_rule : callable, optional
            (word, count, min_count) to gensim's RULE_KEEP, RULE_DISCARD or RULE_DEFAULT.
        **kwargs
            For `prepare_vocab`.
        """
        check_corpus(corpus_iterable, corpus_file, 1)
        self.corpus_total_words, self.corpus_count = self.scan_vocab(
            corpus_iterable, corpus_file, progress_per=progress_per, trim_rule=trim_rule
        )
        report = self.prepare_vocab(
            update=update, keep_raw_vocab=keep_raw_vocab, trim_rule=trim_rule, **kwargs
        )
        report["memory"] = self.estimate_memory(vocab_size=report["num_retained_words"])
        self.prepare_weights(update=update)
        self.add_lifecycle_event("build_vocab", update=update, trim_rule=str(trim_rule))

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[Any, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: TrimRule | None = None,
        update: bool = False,
    ) -> None:
        """Build the vocabulary from counts of words; parameters as in `build_vocab`."""
        self.corpus_count = int_or_none("corpus_count", corpus_count) or 0
        self.raw_vocab = word_freq
        report = self.prepare_vocab(
            keep_raw_vocab=keep_raw_vocab, trim_rule=trim_rule, update=update
        )
        report["memory"] = self.estimate_memory(vocab_size=report["num_retained_words"])
        self.prepare_weights(update=update)

    def scan_vocab(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: str | None = None,
        progress_per: int = 10000,
        workers: int | None = None,
        trim_rule: TrimRule | None = None,
    ) -> tuple[int, int]:
        """Count words into `raw_vocab`; return the numbers of tokens and of sentences."""
        progress_per = int_of("progress_per", progress_per, low=1)
        if self.max_vocab_size:
            lines = corpus_iterable if corpus_file is None else LineSentence(corpus_file)
            n_words, n_sentences = self._scan_pruning(lines, progress_per, trim_rule)
        else:
            text = numbered_text(corpus_iterable, corpus_file, progress_per)
            self.raw_vocab = defaultdict(int, zip(text.words, text.counts.tolist(), strict=True))
            n_words, n_sentences = text.n_tokens, text.n_sentences
            if self._keeps_text and (corpus_file is not None or reads_the_same(corpus_iterable)):
                self._kept_text = (corpus_iterable if corpus_file is None else corpus_file, text)
        logger.info(
            "collected %i word types from a corpus of %i raw words and %i sentences",
            len(self.raw_vocab or ()),
            n_words,
            n_sentences,
        )
        return n_words, n_sentences

    def _scan_pruning(
        self, sentences: Any, progress_per: int, trim_rule: TrimRule | None
    ) -> tuple[int, int]:
        """Count as gensim does under `max_vocab_size`: rare words are dropped on the way."""
        counts: defaultdict[Any, int] = defaultdict(int)
        n_words, n_sentences, least = 0, 0, 1
        for sentence in checked_sentences(sentences, progress_per):
            n_sentences += 1
            try:
                n_words += len(sentence)
                for word in sentence:
                    counts[word] += 1
            except TypeError:
                raise_unfit(sentence, n_sentences - 1)
                raise
            if len(counts) > (self.max_vocab_size or 0):
                prune_vocab(counts, least, trim_rule=trim_rule)
                least += 1
        self.raw_vocab = counts
        return n_words, n_sentences

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Choose the words of `raw_vocab` that stay, and how they are thinned.

        Returns
        -------
        dict
            drop_unique, retain_total, downsample_unique, downsample_total, num_retained_words.
        """
        least = number_of("min_count", 0 if min_count is None else min_count) or self.min_count
        threshold = threshold_of(sample) or self.sample
        raw = self.raw_vocab or {}
        self.effective_min_count = self._least_count(raw, least)
        kept = {
            word: number
            for word, number in raw.items()
            if keep_vocab_item(word, number, self.effective_min_count, trim_rule=trim_rule)
        }
        if update:
            self._require_vocabulary()
        counts = np.fromiter(kept.values(), np.int64, len(kept))
        keep = keep_probabilities(counts, threshold)
        if not dry_run:
            saved = raw if keep_raw_vocab else kept
            check_kinds(saved, "vocabulary", list(saved.values()))
            if not update:
                self.min_count, self.sample = least, threshold
            self._enter(kept, keep, raw, update)
            if not keep_raw_vocab:
                self.raw_vocab = defaultdict(int)
            self._finish_vocabulary(update)
        logger.info(
            "effective_min_count=%i retains %i of %i words, %i tokens of them",
            self.effective_min_count,
            len(kept),
            len(raw),
            int(counts.sum()),
        )
        return {
            "drop_unique": len(raw) - len(kept),
            "retain_total": int(counts.sum()),
            "downsample_unique": int((keep < 1).sum()),
            "downsample_total": int(keep @ counts),
            "num_retained_words": len(kept),
        }

    def _least_count(self, raw: Mapping[Any, int], min_count: float) -> float:
        limit = self.max_final_vocab
        if limit is None:
            return min_count
        ordered = sorted(raw.values(), reverse=True)
        return max(ordered[limit] + 1 if limit < len(ordered) else 1, min_count)

    def _enter(
        self,
        kept: Mapping[Any, int],
        keep: NDArray[np.float64],
        raw: Mapping[Any, int],
        update: bool,
    ) -> None:
        """Put words, counts and thresholds into `wv`."""
        wv = self.wv
        if not update:
            wv.index_to_key, wv.key_to_index = [], {}
            wv.expandos = {}
        wv.index_to_key.extend(word for word in kept if word not in wv.key_to_index)
        wv.key_to_index = {word: place for place, word in enumerate(wv.index_to_key)}
        wv.allocate_vecattrs(["count", "sample_int"], [int, np.uint32])
        rows = np.fromiter((wv.key_to_index[word] for word in kept), np.int64, len(kept))
        wv.expandos["sample_int"][rows] = (keep * SAMPLE_INT_MAX).astype(np.uint32)
        if update:  # as gensim: counts of words that were left out this time rise, too
            added = (raw.get(word, 0) for word in wv.index_to_key)
            wv.expandos["count"] += np.fromiter(added, np.int64, len(wv))
        else:
            wv.expandos["count"][:] = np.fromiter(kept.values(), np.int64, len(kept))

    def _finish_vocabulary(self, update: bool) -> None:
        if self.null_word and "\0" not in self.wv.key_to_index:
            self.add_null_word()
        if self.sorted_vocab and not update:
            self.wv.vectors = np.zeros((0, self.vector_size), np.float32)
            self.wv.sort_by_descending_frequency()
        if self.hs and len(self.wv):
            self.create_binary_tree()
        if self.negative:
            self.make_cum_table()

    def _require_vocabulary(self) -> None:
        if not len(self.wv.vectors):
            raise RuntimeError(
                "expected a vocabulary to update, got none; build it with a corpus first, "
                "without update=True"
            )

    def add_null_word(self) -> None:
        r"""Add the word "\\0", which no text holds, with a count of 1."""
        self.wv.key_to_index["\0"] = len(self.wv)
        self.wv.index_to_key.append("\0")
        self.wv.set_vecattr("\0", "count", 1)

    def create_binary_tree(self) -> None:
        """Write the words' paths through gensim's Huffman tree into `wv`, as "code" and "point"."""
        tree = huffman_tree(np.asarray(self.wv.expandos["count"], np.int64))
        starts = tree.starts.tolist()
        for name, steps in (
            ("code", tree.codes.astype(np.uint8)),
            ("point", tree.points.astype(np.uint32)),
        ):
            paths = np.empty(len(self.wv), object)
            for word in range(len(paths)):
                paths[word] = steps[starts[word] : starts[word + 1]]
            self.wv.expandos[name] = paths

    def make_cum_table(self, domain: int = 2**31 - 1) -> None:
        """Write `cum_table`: of numbers up to `domain`, how many go to the words up to each."""
        domain = int_of("domain", domain, low=0, high=2**32 - 1)
        counts = np.asarray(self.wv.expandos.get("count", ()), np.float64)
        if not len(counts):
            self.cum_table = np.zeros(0, np.uint32)
            return
        shares = np.cumsum(noise_distribution(counts, self.ns_exponent))
        self.cum_table = np.rint(shares / shares[-1] * domain).astype(np.uint32)

    def prepare_weights(self, update: bool = False) -> None:
        """Make the vectors that belong to the vocabulary."""
        if update:
            self.update_weights()
        else:
            self.init_weights()

    def init_weights(self) -> None:
        """Reset the vectors: random inputs, the same as gensim's for the seed, outputs of zero."""
        wv = self.wv
        wv.vectors = np.zeros((0, self.vector_size), np.float32)
        wv.resize_vectors(seed=self.seed)
        wv.vectors_lockf = np.ones(max(1, len(wv)), np.float32)
        for name in self._output_tables:
            setattr(self, name, np.zeros((len(wv), self.layer1_size), np.float32))
        self.__dict__.pop("out_bias", None)  # of the words before

    def update_weights(self) -> None:
        """Keep the vectors; new words get random ones, and the least bias of all words."""
        self._require_vocabulary()
        wv = self.wv
        before = len(wv.vectors)
        wv.resize_vectors(seed=self.seed)
        gained = len(wv.vectors) - before
        if len(wv.vectors_lockf) == before:
            wv.vectors_lockf = np.append(wv.vectors_lockf, np.ones(gained, np.float32))
        for name in self._output_tables:
            rows = np.zeros((gained, self.layer1_size), np.float32)
            setattr(self, name, np.vstack([getattr(self, name), rows]))
        if hasattr(self, "out_bias"):
            least = np.full(gained, self.out_bias.min(), np.float32)
            self.out_bias = np.append(self.out_bias, least)

    @property
    def _output_tables(self) -> list[str]:
        if self.objective == "softmax":
            return ["syn1neg"]
        return ["syn1"] * bool(self.hs) + ["syn1neg"] * bool(self.negative)

    def estimate_memory(
        self, vocab_size: int | None = None, report: dict[str, int] | None = None
    ) -> dict[str, int]:
        """Return the bytes that the model takes, by part, as gensim estimates them."""
        n_words = int_or_none("vocab_size", vocab_size) or len(self.wv)
        report = report or {}
        report["vocab"] = n_words * _VOCABULARY_BYTES[bool(self.hs)]
        report["vectors"] = 4 * n_words * self.vector_size
        for name in self._output_tables:
            report[name] = 4 * n_words * self.layer1_size
        report["total"] = sum(report.values())
        return report

    def seeded_vector(self, seed_string: str, vector_size: int) -> NDArray[np.float32]:
        """Return a random vector that depends on a string through `hashfxn`; gensim's."""
        return np.asarray(
            pseudorandom_weak_vector(
                dimensions_of(vector_size), seed_string=seed_string, hashfxn=self.hashfxn
            )
        )


def keep_probabilities(counts: NDArray[np.int64], sample: float | None) -> NDArray[np.float64]:
    """Return the probability with which gensim keeps a token of each word.

    `sample` below 1 is a frequency; from 1 on it is a count, above which words are thinned.
    """
    if not sample or not len(counts):
        return np.ones(len(counts))
    threshold = threshold_count(sample, float(counts.sum()))
    with np.errstate(divide="ignore", invalid="ignore"):
        probabilities = (np.sqrt(counts / threshold) + 1) * (threshold / counts)
    return np.minimum(np.nan_to_num(probabilities, nan=1.0), 1.0)


def threshold_count(sample: float, total: float) -> float:
    """Return the count above which words are thinned, in a text of `total` tokens."""
    if sample < 1:
        return sample * total
    return float(int(sample * (3 + np.sqrt(5)) / 2))
