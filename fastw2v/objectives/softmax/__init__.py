"""The exact softmax over the whole vocabulary, skip-gram and CBOW.

Imports `objectives.embeddings` and what is below `objectives`.
"""
