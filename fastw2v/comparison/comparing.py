"""The whole comparison: prepare the text, train in turn, measure, compare embeddings."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastw2v.comparison.machine import describe_machine
from fastw2v.comparison.requests import SharedSettings, TrainingRequest
from fastw2v.comparison.rivals import RIVALS
from fastw2v.comparison.runs import ComparedRun, Record, alternate, train_once
from fastw2v.comparison.stored import LossSettings, StoredVectors, agreement, held_out_losses
from fastw2v.comparison.text import PreparedText, prepare_text
from fastw2v.config import Hyperparameters
from fastw2v.config.numbers import real_number, whole_number
from fastw2v.config.tokenizers import checked_tokenizer
from fastw2v.errors import ConfigurationError, FastW2VError
from fastw2v.text.appearance import notices_about_corpus
from fastw2v.text.corpus import Corpus, open_corpus
from fastw2v.text.rules import TextRules

__all__ = ["FORMAT", "OURS", "SCHEMA_VERSION", "ComparisonSettings", "Notice", "compare"]

FORMAT = "fastw2v-comparison"
SCHEMA_VERSION = 1
OURS = "fastw2v"
_WARM_UP_LINES = 200
_NOISE_EXPONENTS = {"fasttext": 0.5}  # of counts; word2vec's and gensim's is 0.75

Notice = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ComparisonSettings(SharedSettings):
    """Which trainers are compared, how often, and with which settings.

    Attributes
    ----------
    rivals : sequence of str
        ``TRAINER`` or ``TRAINER:EPOCHS``. `OURS` goes before them unless it is among them.
    rounds : int
        Trainings of each, with the seeds 1, 2, ...
    tokenizer : str or callable
        How the text is cut before any trainer sees it; a function is kept under its name.
    paragraphs : bool
        Whether a blank line ends a sentence of it, and not every line.
    time_limit_s : float, optional
        Of a single training.
    fasttext_t : float, optional
        fastText's own `t`, its subsampling threshold, in place of `sample`.
    """

    rivals: Sequence[str] = ("gensim", "word2vec", "fasttext")
    rounds: int = 3
    tokenizer: str = "words"
    paragraphs: bool = False
    time_limit_s: float | None = None
    fasttext_t: float | None = None

    def __post_init__(self) -> None:
        least = ("rounds", "epochs", "vector_size", "window", "min_count", "negative", "workers")
        for name in least:
            object.__setattr__(self, name, whole_number(name, getattr(self, name), low=1))
        object.__setattr__(self, "tokenizer", checked_tokenizer(self.tokenizer))
        if self.time_limit_s is not None:
            limit_s = real_number("time_limit_s", self.time_limit_s, low=0, low_is_open=True)
            object.__setattr__(self, "time_limit_s", limit_s)
        if self.inputs == "features":
            raise ConfigurationError(
                f"inputs: expected 'words' or 'subwords' to compare, got {self.inputs!r}"
            )
        # It refuses what training would refuse.
        named: Any = {**self.ngram_sizes(), "inputs": self.inputs, "sample": self.sample}
        checked = Hyperparameters(**named)
        if self.sample is not None:
            object.__setattr__(self, "sample", checked.sample)
        if self.fasttext_t is not None:
            fasttext_t = real_number("fasttext_t", self.fasttext_t, low=0, high=1, low_is_open=True)
            object.__setattr__(self, "fasttext_t", fasttext_t)
        if len(set(self.rivals)) != len(self.rivals):
            raise ConfigurationError(f"rivals: expected each once, got {', '.join(self.rivals)}")
        _ = self.runs

    @property
    def runs(self) -> list[ComparedRun]:
        """What is run in each round, in this order."""
        found = [ComparedRun.parse(text, self.epochs) for text in self.rivals]
        if any(run.trainer == OURS for run in found):
            return found
        return [ComparedRun.parse(OURS, self.epochs), *found]


def compare(
    corpus: Corpus,
    settings: ComparisonSettings,
    *,
    held_out: Corpus | None = None,
    notice: Notice | None = None,
) -> dict[str, Any]:
    """Train all on the same text and measure them.

    Parameters
    ----------
    corpus : path or sequence of paths
    settings : ComparisonSettings
    held_out : path or sequence of paths, optional
        Default: every twentieth line of the corpus.
    notice : callable, optional
        Gets a sentence when something has been done, and where the text looks as if it were to be
        read otherwise.

    Returns
    -------
    dict
        "machine", "corpus", "settings", "results" (one record a training) and "agreement"
        (between embeddings), as plain values for JSON; `fastw2v.comparison.tables` lays it out.

    Raises
    ------
    CorpusError, VocabularyError
        If the text cannot be used. What a trainer does wrong is a record, no error.
    """
    report = notice or (lambda sentence: None)
    runs = settings.runs
    rules = TextRules(settings.tokenizer, settings.paragraphs)
    for sentence in notices_about_corpus(open_corpus(corpus), rules) if notice else ():
        report(sentence)
    with TemporaryDirectory(prefix="fastw2v-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        text = prepare_text(
            corpus,
            folder,
            tokenizer=settings.tokenizer,
            window=settings.window,
            min_count=settings.min_count,
            paragraphs=settings.paragraphs,
            held_out=held_out,
        )
        report(f"text: {text.tokens:,} tokens, {text.vocabulary:,} words")
        session = _Session(settings, text, folder)
        for trainer in dict.fromkeys(run.trainer for run in runs):
            if RIVALS[trainer].package == OURS:
                session.warm_up(trainer)
        results = []
        for record in alternate(runs, settings.rounds, session.train):
            results.append(record)
            report(_outcome(record))
        packages = dict.fromkeys(RIVALS[run.trainer].package for run in runs)
        return {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            "machine": describe_machine(*packages),
            "corpus": _described(text),
            "settings": asdict(settings) | {"rivals": list(settings.rivals)},
            "results": results,
            "agreement": session.agreements(runs, results),
        }


class _Session:
    """One comparison's text and the vectors that its trainings leave."""

    def __init__(self, settings: ComparisonSettings, text: PreparedText, folder: Path) -> None:
        self.settings, self.text, self.folder = settings, text, folder

    def request(self, run: ComparedRun, seed: int) -> TrainingRequest:
        """Return what a training process is asked for."""
        own: dict[str, Any] = {}
        if self.settings.fasttext_t is not None and run.trainer.startswith("fasttext"):
            own["t"] = self.settings.fasttext_t
        return TrainingRequest(
            settings=own,
            trainer=run.trainer,
            corpus=self.text.training,
            vectors=self._vectors(run.name, seed),
            seed=seed,
            n_words=self.text.vocabulary,
            held_out=self.text.held_out,
            **self.settings.shared() | {"epochs": run.epochs},
        )

    def warm_up(self, trainer: str) -> None:
        """Train on a few lines: kernels are compiled and cached before anything is measured."""
        few = self.folder / "warm-up.txt"
        with self.text.training.open("rb") as file:
            few.write_bytes(b"".join(islice(file, _WARM_UP_LINES)))
        asked = self.request(ComparedRun(trainer, trainer, 1), 1)
        changed = {"corpus": few, "min_count": 1, "held_out": None}
        train_once(TrainingRequest(**{**vars(asked), **changed}))

    def train(self, run: ComparedRun, seed: int) -> Record:
        """Train once, then measure what came of it."""
        request = self.request(run, seed)
        record = train_once(request, time_limit_s=self.settings.time_limit_s)
        if "error" in record:
            return record
        tokens, pairs = self.text.tokens * run.epochs, self.text.pairs * run.epochs
        record |= {
            "workers": self.settings.workers,
            "epochs": run.epochs,
            "tokens_per_s": tokens / record["wall_s"],
            "pairs_per_s": pairs / record["wall_s"],
        }
        try:
            stored = StoredVectors.read(request.vectors)
            record["quality"], record["coverage"] = stored.quality(), stored.coverage()
            if stored.ngrams is not None:
                record["all_pairs"] = stored.all_pairs()
            if self.text.held_out is not None:
                asked = self._loss_settings(run.trainer, record["loss"])
                losses = held_out_losses(stored, asked, self.text.training, self.text.held_out)
                record = losses | record  # our own model's own loss is exact already
        except FastW2VError as error:  # vectors that are not finite, say
            return {
                "error": f"trained, but cannot be measured: {error}",
                "is_missing": False,
                "install": RIVALS[run.trainer].install,
            }
        finally:
            if seed > 2:  # two of each are compared with one another
                request.vectors.unlink(missing_ok=True)
        return record

    def _loss_settings(self, trainer: str, loss: str | None) -> LossSettings:
        return LossSettings(
            loss=loss,
            window=self.settings.window,
            negative=self.settings.negative,
            noise_exponent=_NOISE_EXPONENTS.get(trainer, 0.75),
            workers=self.settings.workers,
        )

    def agreements(
        self, runs: Sequence[ComparedRun], results: list[Record]
    ) -> list[dict[str, Any]]:
        """Return how far our embedding agrees with each rival's, and each with itself."""
        done = {(r["run"], r["seed"]) for r in results if "error" not in r}
        read = {
            key: StoredVectors.read(self._vectors(*key)).word_tables
            for key in sorted(done)
            if key[1] <= 2
        }
        ours = next(run.name for run in runs if run.trainer == OURS)
        found = []
        for run in runs:
            pairs = [((ours, 1), (run.name, 1))] if run.name != ours else []
            pairs.append(((run.name, 1), (run.name, 2)))
            for first, second in pairs:
                if first in read and second in read:
                    found += _agreements(first, second, read[first], read[second])
        return found

    def _vectors(self, name: str, seed: int) -> Path:
        return self.folder / f"{name.replace(':', '-')}.{seed}.npz"


def _agreements(
    first: tuple[str, int], second: tuple[str, int], one: dict[str, Any], other: dict[str, Any]
) -> list[dict[str, Any]]:
    """Compare in vectors with in vectors, and what is handed out: our sum with their in vectors."""
    tables = [("in", "in")]
    if "in+out" in one and first[0] != second[0]:
        tables.append(("in+out", "in"))
    return [
        {
            "first": first[0],
            "second": second[0],
            "seeds": [first[1], second[1]],
            "tables": [left, right],
            **agreement(one[left], other[right]),
        }
        for left, right in tables
    ]


def _described(text: PreparedText) -> dict[str, Any]:
    names = ("tokens", "held_out_tokens", "vocabulary", "pairs")
    return {name: getattr(text, name) for name in names}


def _outcome(record: Record) -> str:
    about = f"round {record['seed']}: {record['run']}"
    if "error" in record:
        return f"{about} failed: {record['error']}"
    return f"{about} {record['wall_s']:.1f} s"
