"""`Word2Vec`: the whole, from a corpus to vectors, probabilities and files.

`word2vec` has the class; what it does is in a module for each concern, a base class of it:
`fitting`, `words`, `prediction`, `files`, on the `state` that they share. Imports `training`,
`formats`, `objectives`, `counts`, `text`, `system`.
"""

from fastw2v.model.prediction import ContextOrder
from fastw2v.model.word2vec import Word2Vec

__all__ = ["ContextOrder", "Word2Vec"]
