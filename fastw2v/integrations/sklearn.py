"""word2vec as a scikit-learn transformer: documents to the means of their words' vectors."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import fields, replace
from inspect import Parameter, Signature
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fastw2v.config import TEXT_NAMES, Hyperparameters
from fastw2v.config.numbers import whole_number
from fastw2v.errors import ConfigurationError, CorpusError, missing_dependency
from fastw2v.model import Word2Vec
from fastw2v.text.paragraphs import joined_lines
from fastw2v.text.rules import TextRules
from fastw2v.text.tokenizers import tokenize_text

try:
    from joblib import effective_n_jobs
    from scipy.sparse import csr_array
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise missing_dependency(__name__, "scikit-learn", "sklearn") from error

__all__ = ["UnknownDocumentWarning", "Word2VecTransformer"]

_LARGEST_DRAWN_SEED = 2**31 - 1
_SHOWN_NAMES = 5


class UnknownDocumentWarning(UserWarning):
    """Documents without any known word became zero vectors."""


def _constructor_signature() -> Signature:
    """Return what scikit-learn reads parameters from: the hyper-parameters, in its own words."""
    settings = {item.name: item.default for item in fields(Hyperparameters)}
    random_state = settings.pop("seed")
    defaults = settings | {"vectors": None, "random_state": random_state, "n_jobs": None}
    return Signature(
        [Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)]
        + [
            Parameter(name, Parameter.KEYWORD_ONLY, default=default)
            for name, default in defaults.items()
        ]
    )


_SIGNATURE = _constructor_signature()


class Word2VecTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Train word vectors on documents; turn documents into the means of their words' vectors.

    A document is a str, which `tokenizer` cuts into words, each line a sentence; or a list of
    tokens, which is one sentence. A word counts in the mean as often as it occurs. Words that are
    not in the vocabulary do not count, unless the model makes vectors of them: with
    ``inputs="subwords"`` their character n-grams do, where some occurred in training. A document
    of none but words without a vector becomes the zero vector, and `transform` warns how many
    there were (`UnknownDocumentWarning`).

    Parameters
    ----------
    **parameters
        The fields of `fastw2v.Hyperparameters`, by their names and with their defaults:
        ``vector_size, window, min_count, sample, epochs, objective, tokenizer, ...``. Three have
        scikit-learn's names or are this class's own:

        random_state : int, RandomState or None
            In place of `seed`. None draws a seed from numpy's global generator.
        n_jobs : int or None
            Threads, as scikit-learn counts them: None is one, -1 all. Beyond one, objectives
            other than "softmax" do not repeat their bits.
        vectors : {"in", "out", "sum", "both"} or None
            Which table the means are of; None: the objective's own.

    Attributes
    ----------
    model_ : Word2Vec
        The trained model.
    vocabulary_ : dict of str to int
        The row of each word.
    vectors_ : (V, D) float32
        The table that means are taken of.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> documents = ["red apples and pears", "sweet red apples", "old iron nails", "nails of iron"]
    >>> words = Word2VecTransformer(vector_size=2, min_count=1, sample=0)
    >>> pipeline = make_pipeline(words, LogisticRegression()).fit(documents, [0, 0, 1, 1])
    >>> pipeline.named_steps["word2vectransformer"].transform(["iron nails"]).shape
    (1, 2)
    """

    def __init__(self, **parameters: Any) -> None:
        bound = _SIGNATURE.bind(self, **parameters)
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            if name != "self":
                setattr(self, name, value)

    __init__.__signature__ = _SIGNATURE  # type: ignore[attr-defined]

    def fit(self, X: Iterable[str | Iterable[str]], y: Any = None) -> Self:
        """Train on documents.

        Parameters
        ----------
        X : iterable of str or of lists of str
            A column of a table, not a table: name it to a `ColumnTransformer` as ``"text"``, since
            ``["text"]`` gives a table of one column.
        y : ignored

        Raises
        ------
        ConfigurationError
            If a parameter has an impossible value.
        CorpusError, VocabularyError
            If `X` is no documents, or a table, or nothing is left to train on.
        """
        sentences = [sentence for document in self._documents(X) for sentence in document]
        parameters = self.get_params(deep=False)
        n_jobs, vectors = parameters.pop("n_jobs"), parameters.pop("vectors")
        seed = _seed(parameters.pop("random_state"))
        settings = Hyperparameters(**parameters, seed=seed)
        model = Word2Vec(settings, workers=_workers_of(n_jobs)).fit(sentences)
        self.vectors_: NDArray[np.float32] = model.embeddings.table(vectors)
        self.vocabulary_ = {word: row for row, word in enumerate(model.vocabulary.words)}
        self.model_ = model
        self._table = vectors
        return self

    def transform(self, X: Iterable[str | Iterable[str]]) -> NDArray[np.float32]:
        """Return the mean vector of each document.

        Parameters
        ----------
        X : iterable of n documents, each a str or a list of str

        Returns
        -------
        means : (n, D) float32

        Warns
        -----
        UnknownDocumentWarning
            If documents have no word with a vector.
        """
        check_is_fitted(self)
        joined = self.model_.joined
        documents = [[joined(sentence) for sentence in found] for found in self._documents(X)]
        places, table = self._with_unknown_words(documents)
        rows: list[int] = []
        ends = [0]
        for document in documents:
            known = (places.get(word) for sentence in document for word in sentence)
            rows.extend(row for row in known if row is not None)
            ends.append(len(rows))
        n_documents = len(ends) - 1
        occurrences = csr_array(
            (np.ones(len(rows), np.float32), rows, ends), shape=(n_documents, len(table))
        )
        lengths = np.diff(ends)
        unknown = int((lengths == 0).sum())
        if unknown:
            warnings.warn(
                f"{unknown} of {n_documents} documents have no word of the vocabulary "
                f"({len(self.vectors_)} words){self._nor_made} and become zero vectors",
                UnknownDocumentWarning,
                stacklevel=2,
            )
        sums = occurrences @ table
        means: NDArray[np.float32] = sums / np.maximum(lengths, 1)[:, None].astype(np.float32)
        return means

    def fit_transform(self, X: Iterable[str | Iterable[str]], y: Any = None) -> Any:
        """Train on documents and return their mean vectors; `X` may be a generator."""
        if isinstance(X, Iterator):
            X = list(X)
        return self.fit(X, y).transform(X)

    def _with_unknown_words(
        self, documents: list[list[list[str]]]
    ) -> tuple[dict[str, int], NDArray[np.float32]]:
        """Return the rows of words and their vectors, those of unknown words behind the others."""
        embeddings = self.model_.embeddings
        if not embeddings.makes_unknown(self._table):
            return self.vocabulary_, self.vectors_
        met = {word for document in documents for sentence in document for word in sentence}
        unknown = sorted(met - self.vocabulary_.keys())
        made = embeddings.unknown_vectors(unknown, self._table)
        kept = np.flatnonzero(made.any(axis=1))
        further = {unknown[row]: len(self.vectors_) + place for place, row in enumerate(kept)}
        return self.vocabulary_ | further, np.concatenate([self.vectors_, made[kept]])

    @property
    def _nor_made(self) -> str:
        is_made = self.model_.embeddings.makes_unknown(self._table)
        return ", nor one with a known n-gram," if is_made else ""

    @property
    def _n_features_out(self) -> int:
        return int(self.vectors_.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []  # the means are float32
        return tags

    def _documents(self, X: Any) -> list[list[list[str]]]:
        """Return the documents as lists of sentences of tokens."""
        _require_one_dimension(X)
        if isinstance(X, str | bytes) or not isinstance(X, Iterable):
            raise CorpusError(
                f"X: expected documents, each a str or a list of tokens, got one "
                f"{type(X).__name__} {str(X)[:40]!r}; put it in a list"
            )
        given = {name: getattr(self, name) for name in TEXT_NAMES}
        rules = TextRules.of(Hyperparameters(**given))
        made: list[list[list[str]]] = []
        texts: list[str] = []
        for place, document in enumerate(X):
            if isinstance(document, str):
                # A line for each sentence.
                texts.append(_paragraphs_of(document) if rules.paragraphs else document)
                made.append([])  # filled below, with all other texts
            else:
                made.append([_tokens(document, place)])
        cut = replace(rules, paragraphs=False)
        lines = iter(tokenize_text("\n".join(texts) + "\n", cut)) if texts else iter(())
        waiting = iter(texts)
        for sentences in made:
            if not sentences:
                n_lines = next(waiting).count("\n") + 1
                sentences.extend(next(lines) for _ in range(n_lines))
        return made


def _paragraphs_of(document: str) -> str:
    return joined_lines(document.encode(errors="surrogatepass")).decode(errors="surrogatepass")


def _require_one_dimension(X: Any) -> None:
    """Raise for tables: iterated over, some give the names of their columns instead of rows."""
    shape: Any = getattr(X, "shape", None)
    has_shape = isinstance(shape, tuple)
    if has_shape and len(shape) == 1:
        return
    names = list(X) if isinstance(X, Mapping) else _column_names(X)
    if not has_shape and not isinstance(X, Mapping) and not names:
        return
    sizes = f" of shape {shape}" if has_shape else ""
    shown = ", ".join(map(repr, names[:_SHOWN_NAMES])) + ", ..." * (len(names) > _SHOWN_NAMES)
    columns = f" with the columns {shown}" if names else ""
    column = repr(names[0]) if names else "0"
    raise CorpusError(
        f"X: expected one dimension of documents, each a str or a list of tokens, got a "
        f"{type(X).__name__}{sizes}{columns}; pass one column, X[{column}] of a frame or X[:, 0] "
        f"of an array, or in a pipeline ColumnTransformer([('words', Word2VecTransformer(), "
        f"{column})]) with the column itself: a list of columns, as [{column}], gives two "
        "dimensions"
    )


def _column_names(X: Any) -> list[Any]:
    """Return the names of a table's columns, as pandas, polars, pyarrow and datasets have them."""
    for attribute in ("column_names", "columns"):
        names = getattr(X, attribute, None)
        if names is not None and not callable(names):
            return list(names)
    return []


def _tokens(document: Any, place: int) -> list[str]:
    is_unordered = isinstance(document, bytes | Mapping | Set)
    tokens = None if is_unordered else _as_list(document)
    if tokens is None or not all(isinstance(token, str) for token in tokens):
        raise CorpusError(
            f"X: expected each document to be a str or a list of str, got {document!r:.60} "
            f"as document {place}"
        )
    return tokens


def _as_list(document: Any) -> list[Any] | None:
    return list(document) if isinstance(document, Iterable) else None


def _seed(random_state: Any) -> int:
    """Return the seed that `random_state` stands for; an integer stands for itself."""
    if random_state is None or hasattr(random_state, "randint"):
        return int(check_random_state(random_state).randint(_LARGEST_DRAWN_SEED))
    seed: int = random_state
    return seed


def _workers_of(n_jobs: Any) -> int:
    """Return how many workers scikit-learn's `n_jobs` asks for."""
    if n_jobs is not None:
        n_jobs = whole_number("n_jobs", n_jobs)
        if n_jobs == 0:
            raise ConfigurationError("n_jobs: expected None or a whole number but 0, got 0")
    return int(effective_n_jobs(n_jobs))
