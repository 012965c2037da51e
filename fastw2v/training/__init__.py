"""One run, from settings and a text to a result: the loop, checkpoints, validation, resuming.

Imports `formats`, `objectives`, `counts`, `text`, `system`, `config`.
"""
