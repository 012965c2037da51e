"""gensim's word2vec on this project's trainer: change one import.

A script that says ``from gensim.models.word2vec import Word2Vec`` runs when it says
``from fastw2v.gensim_api import Word2Vec``. docs/gensim.md says what stays the same, what is
better, and what is not there.

Imports `training`, `objectives`, `text`, `kernels`, `system`, `config`, `callbacks`. Within,
`model` puts together what all others do with a `state`.
"""

from gensim.models.word2vec import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus

from fastw2v.gensim_api.model import Word2Vec

__all__ = ["BrownCorpus", "LineSentence", "PathLineSentences", "Text8Corpus", "Word2Vec"]
