"""Parameters of negative sampling and hierarchical softmax on running text.

Imports `objectives.huffman`, `objectives.noise` and what is below `objectives`.
"""
