"""fastw2v beside its rivals: the same text, the same settings, each in a process of its own.

`compare` in `fastw2v.comparison.comparing` does the whole. Imports `evaluation`, `model` and all
that is below; but this file and `child` import nothing before a trainer asks for it, because the
processes that train begin here, and what they import counts as their time.
"""
