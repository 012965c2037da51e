"""gensim's word2vec on this project's trainer: change one import.

A script that says ``from gensim.models.word2vec import Word2Vec`` runs when it says
``from fastw2v.gensim_api import Word2Vec``. docs/gensim.md says what stays the same, what is
better, and what is not there.

Imports `model`, `training`, `formats`, `objectives`, `text`, `kernels`, `system`, `config`,
`callbacks`. Within, `model` puts together what all others do with a `state`; `fasttext` goes to
gensim's FastText and comes from it.
"""

from fastw2v.system.home import a_home

with a_home():  # before any module of this room imports gensim
    from gensim.models.word2vec import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus

from fastw2v.gensim_api.fasttext import from_fasttext, to_fasttext
from fastw2v.gensim_api.model import Word2Vec

__all__ = [
    "BrownCorpus",
    "LineSentence",
    "PathLineSentences",
    "Text8Corpus",
    "Word2Vec",
    "from_fasttext",
    "to_fasttext",
]
