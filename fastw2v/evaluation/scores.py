"""The usual three figures: WordSim-353, SimLex-999 and the Google analogies."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fastw2v.evaluation.analogies import evaluate_analogies
from fastw2v.evaluation.similarity import evaluate_similarity
from fastw2v.evaluation.test_sets import bundled_analogies, bundled_pairs
from fastw2v.evaluation.word_table import WordTable

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

__all__ = ["Score", "scores"]


@dataclass(frozen=True)
class Score:
    """A test's result: Spearman's rho or the share of right answers, over what it covers."""

    name: str
    value: float
    covered: int
    total: int


def scores(vectors: "WordTable | KeyedVectors", *, workers: int | None = None) -> list[Score]:
    """Return the results on the three sets that come with gensim.

    They are over known words alone, whatever the vectors make of unknown ones, so that all trainers
    can be compared. Analogies are answered by 3CosAdd among the 50,000 most frequent words, as
    `KeyedVectors.evaluate_word_analogies` does.
    """
    if not isinstance(vectors, WordTable):
        vectors = WordTable(vectors.index_to_key, vectors.vectors)
    vectors = replace(vectors, make_unknown=None)
    found = []
    for pairs in bundled_pairs():
        result = evaluate_similarity(vectors, pairs, resamples=0)
        found.append(Score(result.name, result.spearman, result.covered, result.total))
    for questions in bundled_analogies():
        overall = evaluate_analogies(vectors, questions, workers=workers).overall
        found.append(Score(overall.name, overall.cos_add_accuracy, overall.covered, overall.total))
    return found
