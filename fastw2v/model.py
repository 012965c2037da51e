"""`Word2Vec`: the whole, from a corpus to vectors, probabilities and files."""

import difflib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.batches import Batches, CountBatches, TokenBatches
from fastw2v.callbacks import Callback, PassRecord, StageProgress
from fastw2v.config import Hyperparameters
from fastw2v.corpus import Corpus
from fastw2v.counts import PairCounts, count_pairs
from fastw2v.embeddings import Embeddings, VectorChoice
from fastw2v.errors import (
    ConfigurationError,
    CorpusError,
    DivergenceError,
    FastW2VError,
    ModelFormatError,
)
from fastw2v.formats import ExportFormat, export
from fastw2v.formats.model_folder import StoredModel, read_model, write_model
from fastw2v.initial import initial_bias, random_vectors, spectral_vectors
from fastw2v.objectives import ExactSoftmax, scores_bytes
from fastw2v.optim import Optimizer
from fastw2v.parallel import WorkerPool, available_cores
from fastw2v.tokens import EncodedTokens, encode_corpus, read_corpus
from fastw2v.training import train
from fastw2v.version import VERSION
from fastw2v.vocab import Vocabulary, keep_probability

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

DEFAULT_BATCH_ROWS = 256
DEFAULT_BATCH_TOKENS = 1024


@dataclass(frozen=True)
class TrainingSummary:
    """What a finished run amounts to.

    The loss is the exact mean of -log p(o|c) over all window pairs of the training text as the
    run weighs them (window distance, subsampling), with the final parameters. The unigram
    entropy is what the best model without centres would reach, the conditional entropy what no
    model can go below; all three in nats per pair of the same weighting.
    """

    loss_nats: float
    unigram_entropy_nats: float
    conditional_entropy_nats: float
    n_entries: int
    read_s: float
    count_s: float
    train_s: float
    batch_rows: int

    @property
    def perplexity(self) -> float:
        """exp(loss_nats)."""
        return _exponential(self.loss_nats)


@dataclass(frozen=True)
class Perplexity:
    """Exact loss on a text.

    Attributes
    ----------
    loss_nats : float
        Mean of -log p(o|c) over all window pairs, a pair at distance d weighing (w-d+1)/w.
    perplexity : float
        exp(loss_nats).
    n_tokens, n_oov : int
        Tokens within the vocabulary, and those outside it, which are removed before windowing.
    n_sentences : int
    pair_weight : float
        Sum of all pair weights.
    """

    loss_nats: float
    perplexity: float
    n_tokens: int
    n_oov: int
    n_sentences: int
    pair_weight: float


def _exponential(nats: float) -> float:
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf


class Word2Vec:
    """Exact full-softmax skip-gram.

    Parameters
    ----------
    settings : Hyperparameters, optional
        All settings at once, instead of by name.
    workers : int, optional
        Threads; default: the cores at hand. The result is the same for any number.
    **hyperparameters
        Any field of `Hyperparameters`: ``vector_size=100, window=5, min_count=5, sample=1e-5,
        epochs=5, seed=1, batches="counts", optimizer="adam", bias="unigram", ...``.

    Raises
    ------
    ConfigurationError
        For an unknown name or an impossible value.

    Examples
    --------
    >>> from fastw2v import Word2Vec
    >>> sentences = [["a", "b", "a", "b"], ["c", "d", "c", "d"]]
    >>> model = Word2Vec(vector_size=2, min_count=1, sample=0, epochs=50).fit(sentences)
    >>> model.predict_context("a", topn=1)[0][0]
    'b'
    """

    def __init__(
        self,
        settings: Hyperparameters | None = None,
        *,
        workers: int | None = None,
        **hyperparameters: Any,
    ) -> None:
        if settings is not None and hyperparameters:
            raise ConfigurationError("settings: expected either an object or names, got both")
        _require_known(hyperparameters)
        self.settings = settings or Hyperparameters(**hyperparameters)
        self.workers = _checked_workers(workers)
        self.history: list[PassRecord] = []
        self.summary: TrainingSummary | None = None
        self.corpus_digest: str | None = None
        self._embeddings: Embeddings | None = None
        self._keyed: dict[str, KeyedVectors] = {}

    def fit(
        self,
        corpus: Corpus,
        *,
        callbacks: Sequence[Callback] = (),
        progress: StageProgress | None = None,
    ) -> Self:
        """Build the vocabulary, count the windows, and train.

        Parameters
        ----------
        corpus : path, sequence of paths, or iterable of lists of tokens
            See `fastw2v.corpus`. It is read once.
        callbacks : sequence of callable
            Each gets a `StepReport` after every batch.
        progress : callable, optional
            Gets ("reading", bytes read, bytes in all or None) while the corpus is read, and
            ("counting", tokens counted, tokens) before and after its windows are counted.

        Raises
        ------
        CorpusError, VocabularyError
            If the corpus cannot be read, or nothing is left to train on.
        ConfigurationError
            If a batch does not fit the memory budget.
        DivergenceError
            If a loss or a vector is not finite any more. The model stays as it was.
        """
        started = time.perf_counter()
        settings = self.settings
        vocabulary, tokens = read_corpus(
            corpus,
            tokenizer=settings.tokenizer,
            min_count=settings.min_count,
            max_final_vocab=settings.max_final_vocab,
            progress=_stage(progress, "reading"),
        )
        read_s = time.perf_counter() - started
        counts = self._count(tokens, len(vocabulary), progress)
        if not counts.n_entries:
            raise CorpusError(
                f"corpus: expected at least one pair of words within {settings.window} of each "
                f"other, got {len(tokens.ids)} tokens that stand alone in their lines; "
                "use longer lines or a lower min_count"
            )
        count_s = time.perf_counter() - started - read_s
        with WorkerPool(self.workers) as pool:
            trained = self._train(vocabulary, tokens, counts, pool, callbacks)
        loss_nats, unigram, floor, batch_rows = trained
        self.summary = TrainingSummary(
            loss_nats,
            unigram,
            floor,
            counts.n_entries,
            read_s,
            count_s,
            time.perf_counter() - started - read_s - count_s,
            batch_rows,
        )
        self.corpus_digest = tokens.digest(vocabulary)
        return self

    def _count(
        self, tokens: EncodedTokens, n_words: int, progress: StageProgress | None
    ) -> PairCounts:
        report = _stage(progress, "counting")
        if report:
            report(0, len(tokens.ids))
        counts = count_pairs(tokens, n_words, self.settings.window, workers=self.workers)
        if report:
            report(len(tokens.ids), len(tokens.ids))
        return counts

    def _train(
        self,
        vocabulary: Vocabulary,
        tokens: EncodedTokens,
        counts: PairCounts,
        pool: WorkerPool,
        callbacks: Sequence[Callback],
    ) -> tuple[float, float, float, int]:
        settings = self.settings
        keep = keep_probability(vocabulary.counts, settings.sample)
        batches = self._batches(tokens, counts, keep)
        if settings.start == "spectral":
            in_vectors, out_vectors = spectral_vectors(counts, keep, settings, pool)
        else:
            in_vectors, out_vectors = random_vectors(len(vocabulary), settings)
        objective = ExactSoftmax(
            in_vectors,
            out_vectors,
            initial_bias(counts, keep, settings),
            optimizer=settings.optimizer,
            max_rows=batches.max_rows,
            pool=pool,
        )
        optimizer = Optimizer(settings, settings.epochs * batches.batches_per_pass)
        history = train(objective, batches, optimizer, passes=settings.epochs, callbacks=callbacks)
        rows = CountBatches(
            counts, keep, dimensions=settings.vector_size, rows=batches.max_rows, seed=settings.seed
        )
        loss_nats = exact_loss(objective, rows)
        if not math.isfinite(loss_nats):
            raise DivergenceError(
                f"training diverged: expected a finite loss of the final vectors, got {loss_nats}; "
                "use a smaller --learning-rate"
            )
        # p(o|c) of the text itself is q(o|c) / keep(o), normalised: docs/math.md.
        self._embeddings = Embeddings(
            vocabulary,
            objective.in_vectors,
            objective.out_vectors,
            (objective.out_bias - np.log(keep)).astype(np.float32),
        )
        self._keyed = {}
        self.history = history
        return (
            loss_nats,
            counts.context_entropy_nats(keep, keep),
            counts.conditional_entropy_nats(keep, keep),
            batches.max_rows,
        )

    def _batches(
        self, tokens: EncodedTokens, counts: PairCounts, keep: NDArray[np.float64]
    ) -> Batches:
        settings = self.settings
        n_words = len(keep)
        if settings.batches == "counts":
            rows = _batch_size(settings, n_words, "batch_rows", DEFAULT_BATCH_ROWS)
            return CountBatches(
                counts, keep, dimensions=settings.vector_size, rows=rows, seed=settings.seed
            )
        stretch = _batch_size(settings, n_words, "batch_tokens", DEFAULT_BATCH_TOKENS)
        return TokenBatches(
            tokens,
            keep,
            dimensions=settings.vector_size,
            window=settings.window,
            stretch=stretch,
            total_weight=float((counts.row_sums(keep) * keep).sum()),
            seed=settings.seed,
        )

    @property
    def embeddings(self) -> Embeddings:
        """Everything learned; raises `FastW2VError` before `fit`."""
        if self._embeddings is None:
            raise FastW2VError("the model is not trained yet: call fit(corpus) or load a model")
        return self._embeddings

    @property
    def vocabulary(self) -> Vocabulary:
        """Words and counts, most frequent first."""
        return self.embeddings.vocabulary

    @property
    def in_vectors(self) -> NDArray[np.float32]:
        """Centre vectors v (V, D)."""
        return self.embeddings.in_vectors

    @property
    def out_vectors(self) -> NDArray[np.float32]:
        """Context vectors u (V, D)."""
        return self.embeddings.out_vectors

    @property
    def out_bias(self) -> NDArray[np.float32]:
        """Context bias b (V,), subsampling undone."""
        return self.embeddings.out_bias

    @property
    def wv(self) -> "KeyedVectors":
        """The sum of in and out vectors as gensim `KeyedVectors`, with counts."""
        return self.keyed_vectors("sum")

    def keyed_vectors(self, vectors: VectorChoice = "sum") -> "KeyedVectors":
        """Return gensim `KeyedVectors` of the table "in", "out" or "sum", made once."""
        if vectors not in self._keyed:
            self._keyed[vectors] = self.embeddings.keyed_vectors(vectors)
        return self._keyed[vectors]

    def predict_context(self, word: str, topn: int | None = 10) -> list[tuple[str, float]]:
        """Return the `topn` most probable context words of `word` with p(o | word).

        Over the whole vocabulary (``topn=None``) the probabilities sum to one.

        Raises
        ------
        UnknownWordError
            If the word is not in the vocabulary.
        """
        probabilities = self.embeddings.context_probabilities(word)
        order = np.argsort(-probabilities, kind="stable")[:topn]
        words = self.vocabulary.words
        return [(words[i], float(probabilities[i])) for i in order]

    def perplexity(self, corpus: Corpus, *, progress: StageProgress | None = None) -> Perplexity:
        """Return the exact loss on a text, read with the model's tokenizer and window.

        Raises
        ------
        CorpusError
            If the text cannot be read or holds no pair of known words.
        """
        settings, embeddings = self.settings, self.embeddings
        tokens = encode_corpus(
            corpus,
            embeddings.vocabulary,
            tokenizer=settings.tokenizer,
            progress=_stage(progress, "reading"),
        )
        n_words = len(embeddings.vocabulary)
        counts = self._count(tokens, n_words, progress)
        if not counts.n_entries:
            raise CorpusError(
                f"text: expected at least one pair of known words within {settings.window} of "
                f"each other, got {len(tokens.ids)} known and {tokens.n_oov} unknown tokens"
            )
        rows = _batch_size(settings, n_words, "batch_rows", DEFAULT_BATCH_ROWS)
        batches = CountBatches(
            counts, np.ones(n_words), dimensions=settings.vector_size, rows=rows, seed=settings.seed
        )
        with WorkerPool(self.workers) as pool:
            objective = ExactSoftmax(
                embeddings.in_vectors,
                embeddings.out_vectors,
                embeddings.out_bias,
                optimizer="sgd",  # it has no state, and nothing is trained here
                max_rows=batches.max_rows,
                pool=pool,
            )
            loss_nats = exact_loss(objective, batches)
        return Perplexity(
            loss_nats,
            _exponential(loss_nats),
            len(tokens.ids),
            tokens.n_oov,
            len(tokens.sentence_starts) - 1,
            counts.total / settings.window,
        )

    def save(self, folder: str | Path) -> None:
        """Write the model as a folder, whole or not at all."""
        config = {
            "hyperparameters": self.settings.as_dict(),
            "corpus": {"digest": self.corpus_digest},
            "summary": asdict(self.summary) if self.summary else None,
            "history": [record.as_dict() for record in self.history],
        }
        write_model(StoredModel(config, self.embeddings), Path(folder))

    @classmethod
    def load(cls, folder: str | Path, *, workers: int | None = None) -> Self:
        """Read a model folder written by `save`.

        Raises
        ------
        ModelFormatError
            If it is missing, no model, damaged, or of a newer schema.
        """
        stored = read_model(Path(folder))
        config = stored.config
        try:
            settings = Hyperparameters(**config["hyperparameters"])
            digest = config["corpus"]["digest"]
            history = [PassRecord(**record) for record in config["history"]]
            summary = TrainingSummary(**config["summary"]) if config["summary"] else None
        except (LookupError, TypeError, ConfigurationError) as error:
            raise ModelFormatError(
                f"{folder}: expected a config.json as fastw2v {VERSION} writes it, got another "
                f"({type(error).__name__}: {error}), from fastw2v "
                f"{config.get('fastw2v_version')}; load it with that version, or train again"
            ) from error
        dimensions = stored.embeddings.in_vectors.shape[1]
        if dimensions != settings.vector_size:
            raise ModelFormatError(
                f"{folder}: the model is damaged: expected vectors of vector_size="
                f"{settings.vector_size} dimensions, got {dimensions}; "
                "restore it from a copy or train again"
            )
        model = cls(settings, workers=workers)
        model._embeddings = stored.embeddings
        model.corpus_digest, model.history, model.summary = digest, history, summary
        return model

    def export(
        self,
        target: str | Path,
        form: ExportFormat = "word2vec",
        vectors: VectorChoice = "sum",
    ) -> None:
        """Write the vectors in another program's format; see `fastw2v.formats.export`."""
        export(self.embeddings, Path(target), form, vectors)


def _stage(progress: StageProgress | None, stage: str) -> Callable[[int, int | None], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(stage, done, total)


def exact_loss(objective: ExactSoftmax, batches: CountBatches) -> float:
    """Return the exact mean loss over all rows of the counts, nats per weighted pair."""
    total_loss, total_weight = 0.0, 0.0
    for batch in batches.one_pass(0):
        total_loss += objective.loss(batch)
        total_weight += float(batch.row_weights.sum())
    return total_loss / total_weight


def _batch_size(settings: Hyperparameters, n_words: int, name: str, default: int) -> int:
    """Return the batch size `name`: as set, or the default as far as memory allows."""
    asked: int | None = getattr(settings, name)
    size = asked or default
    budget = settings.memory_mib * 2**20
    while asked is None and size > 1 and scores_bytes(n_words, min(size, n_words)) > budget:
        size //= 2
    needed = scores_bytes(n_words, min(size, n_words))
    if needed > budget:
        raise ConfigurationError(
            f"memory_mib: a batch of {size} over {n_words:,} words needs {-(-needed // 2**20)} MiB "
            f"for its scores, the budget is {settings.memory_mib}; raise memory_mib, lower {name}, "
            "or keep fewer words with max_final_vocab or min_count"
        )
    return size


def _require_known(hyperparameters: dict[str, Any]) -> None:
    known = [item.name for item in fields(Hyperparameters)]
    for name in hyperparameters:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
            raise ConfigurationError(f"{name}: unknown hyper-parameter{hint}")


def _checked_workers(workers: int | None) -> int:
    if workers is None:
        return available_cores()
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ConfigurationError(f"workers: expected a whole number from 1 on, got {workers!r}")
    return workers
