"""fastw2v beside its rivals: the same text, the same settings, each in a process of its own.

`compare` in `fastw2v.comparison.comparing` does the whole. This module imports nothing, because
the processes that train begin here, and what they import counts as their time.
"""
