"""Measuring any objective on any text, in nats that can be compared.

Imports `objectives.softmax`, `objectives.stream` and what is below them.
"""
