"""How good vectors are at the usual tests: word similarity and analogies, by gensim.

The sets come with gensim's wheel: WordSim-353 (Finkelstein et al. 2002), SimLex-999 (Hill et
al. 2015) and the Google analogies (Mikolov et al. 2013).
"""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

SIMILARITY_SETS = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
ANALOGIES = "questions-words.txt"
ANALOGY_VOCABULARY = 50_000


@dataclass(frozen=True)
class Score:
    """A test's result: Spearman's rho or the share of right answers, over what it covers."""

    name: str
    value: float
    covered: int
    total: int


def similarity(keyed: "KeyedVectors", name: str) -> Score:
    """Return Spearman's rho between cosines and human judgement, over the known pairs.

    Parameters
    ----------
    keyed : KeyedVectors
    name : {"WordSim-353", "SimLex-999"}
    """
    from gensim.test.utils import datapath

    path = datapath(SIMILARITY_SETS[name])
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - gensim gives a string
        total = sum(1 for line in file if line.strip() and not line.startswith("#"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # correlations of one or two known pairs
        _, (rho, _), unknown_percent = keyed.evaluate_word_pairs(path, case_insensitive=True)
    return Score(name, float(rho), round(total * (1 - unknown_percent / 100)), total)


def analogies(keyed: "KeyedVectors") -> Score:
    """Return the accuracy on the Google analogies among the 50,000 most frequent words."""
    from gensim.test.utils import datapath

    path = datapath(ANALOGIES)
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - gensim gives a string
        total = sum(1 for line in file if not line.startswith(":"))
    accuracy, sections = keyed.evaluate_word_analogies(path, restrict_vocab=ANALOGY_VOCABULARY)
    answered = len(sections[-1]["correct"]) + len(sections[-1]["incorrect"])
    return Score("Google analogies", float(accuracy), answered, total)


def scores(keyed: "KeyedVectors") -> list[Score]:
    """Return the results on WordSim-353, SimLex-999 and the Google analogies."""
    return [*(similarity(keyed, name) for name in SIMILARITY_SETS), analogies(keyed)]
