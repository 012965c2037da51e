"""What the page knows of its map beside places: clusters, and columns that a user gave."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastw2v.errors import ConfigurationError
from fastw2v.report.columns import Column, WordColumns
from fastw2v.report.embedded import encoded
from fastw2v.report.word_map import WordMap

__all__ = ["embedded_columns", "embedded_map", "require_common_words"]


def embedded_map(drawn: WordMap) -> dict[str, Any]:
    """Return places and clusters as the page's script reads them."""
    clusters = None
    if drawn.clusters is not None:
        clusters = {
            "of_word": encoded(drawn.clusters.of_word, np.int32),
            "names": [", ".join(name) for name in drawn.clusters.names],
            "places": drawn.name_places.tolist(),
            "colours": drawn.colours,
        }
    return {"places": encoded(drawn.places, np.float32), "clusters": clusters}


def embedded_columns(table: WordColumns | None, words: Sequence[str]) -> list[dict[str, Any]]:
    """Return the columns in the order of words; numbers are float64, NaN where there is none."""
    return [] if table is None else [_embedded(column, words) for column in table.columns]


def _embedded(column: Column, words: Sequence[str]) -> dict[str, Any]:
    if column.is_numeric:
        numbers = [column.values.get(word, np.nan) for word in words]
        return {"name": column.name, "numbers": encoded(numbers, np.float64)}
    seen = Counter(column.values[word] for word in words if word in column.values)
    kinds = sorted(seen, key=lambda kind: (-seen[kind], str(kind)))  # the largest first
    number = {kind: place for place, kind in enumerate(kinds)}
    kind_of = [number[column.values[word]] if word in column.values else -1 for word in words]
    return {"name": column.name, "kinds": kinds, "of_word": encoded(kind_of, np.int32)}


def require_common_words(table: WordColumns, words: Sequence[str]) -> int:
    """Return how many words of a table are not on the map.

    Raises
    ------
    ConfigurationError
        If none is.
    """
    n_known = sum(word in table.words for word in words)
    if not n_known:
        first = next(iter(table.words), "")
        raise ConfigurationError(
            f"columns: {table.path}: expected words of the map in the first column, got none of "
            f"them in {len(table.words):,} lines; the first is {first!r}"
        )
    return len(table.words) - n_known
