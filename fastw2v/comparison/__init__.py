"""fastw2v beside its rivals: the same text, the same settings, each in a process of its own.

`compare` does the whole, `as_markdown` lays it out. Imports `evaluation`, `model` and all that is
below; but this file imports nothing before a name is asked for, because the processes that train
begin here, and what they import counts as their time.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastw2v.comparison.comparing import ComparisonSettings, compare
    from fastw2v.comparison.tables import as_markdown

__all__ = ["ComparisonSettings", "as_markdown", "compare"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from fastw2v.comparison import comparing, tables

        return getattr(tables if name == "as_markdown" else comparing, name)
    raise AttributeError(f"module 'fastw2v.comparison' has no attribute {name!r}")
