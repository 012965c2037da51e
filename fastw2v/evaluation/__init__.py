"""How good vectors are: word similarity, analogies, a probe, neighbours, alignment.

`scores` gives the usual three figures; the modules have the rest. All measures stand on a
`word_table`. Imports `model`, `formats`, `objectives`, `kernels`, `system`.
"""

from fastw2v.evaluation.analogies import evaluate_analogies
from fastw2v.evaluation.scores import Score, scores
from fastw2v.evaluation.similarity import evaluate_similarity
from fastw2v.evaluation.word_table import WordTable

__all__ = ["Score", "WordTable", "evaluate_analogies", "evaluate_similarity", "scores"]
