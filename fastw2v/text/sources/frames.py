"""Corpora that are objects of Python: records, and columns and tables of other libraries.

None of these libraries is imported here: their objects are recognised by the names of their
modules.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from fastw2v.errors import CorpusError
from fastw2v.text.encoding import Repairs
from fastw2v.text.sources.cells import Piece, pieces_of
from fastw2v.text.sources.columnar import column_of, column_pieces, inner_column
from fastw2v.text.sources.json_lines import field_of, fields_of, has_field
from fastw2v.text.sources.kinds import Field, MissingValues, no_such_field, shown_fields

__all__ = ["is_frame", "record_values", "value_pieces", "values_of_frame"]

_ROWS = 1024  # that are Python objects at a time
_LIBRARIES = ("pandas", "polars", "pyarrow", "datasets")


def is_frame(corpus: Any) -> bool:
    """Return whether an object is a table or column of pandas, polars, pyarrow or datasets.

    So is whatever hands out its columns through Arrow's interface for streams.
    """
    if isinstance(corpus, Mapping):
        return False
    return hasattr(corpus, "__arrow_c_stream__") or bool(_library_of(corpus))


def _library_of(corpus: Any) -> str:
    """Return which of the libraries an object is of; nothing if of none."""
    modules = [kind.__module__.partition(".")[0] for kind in type(corpus).__mro__]
    library = next((name for name in modules if name in _LIBRARIES), "")
    if library == "datasets" and not hasattr(corpus, "select_columns"):
        return ""  # a column of one, or of a module of somebody's that is called so
    return library


def values_of_frame(corpus: Any, field: Field | None) -> Iterator[Any]:
    """Yield the values of a column, some at a time: lists, or arrays of pyarrow's.

    Parameters
    ----------
    corpus : object
        As `is_frame` knows it.
    field : str, int or None
        The column of a table; None for a column.

    Raises
    ------
    CorpusError
        If there is no such column, or a table without a field was given.
    """
    library = _library_of(corpus)
    if library == "pandas":
        return _slices(_named(corpus, field, getattr(corpus, "columns", None)).tolist)
    if library == "polars":
        return _slices(_of_polars(corpus, field))
    if library == "datasets":
        return _of_dataset(corpus, field)
    return _of_arrow(corpus, field)


def _named(corpus: Any, field: Field | None, names: Iterable[Any] | None) -> Any:
    """Return the column of a table, or a column as it is."""
    kind = f"{type(corpus).__module__.partition('.')[0]} {type(corpus).__name__}"
    if names is None:
        if field is not None:
            raise CorpusError(
                f"corpus: expected a table with the column {field!r}, got one column ({kind}); "
                "leave the field out"
            )
        return corpus
    columns = list(names)
    if field is None:
        raise CorpusError(
            f"corpus: expected the column that holds the text to be named, since it is a {kind}; "
            f"it has {shown_fields(list(map(str, columns)))}; pass field=... or the column alone"
        )
    if field in columns:
        return corpus[field]
    alike = [name for name in columns if str(name) == str(field)]
    if not alike:
        raise no_such_field(f"corpus ({kind})", field, list(map(str, columns)))
    return corpus[alike[0]]


def _of_polars(corpus: Any, field: Field | None) -> Callable[[], list[Any]]:
    if hasattr(corpus, "collect_schema") and hasattr(corpus, "collect"):
        names = list(corpus.collect_schema().names())
        if field is not None and str(field) in names:
            corpus = corpus.select(str(field)).collect()
        else:
            _named(corpus, field, names)
    column = _named(corpus, field, getattr(corpus, "columns", None))
    values: Callable[[], list[Any]] = column.to_list
    return values


def _slices(values: Callable[[], list[Any]]) -> Iterator[list[Any]]:
    """Yield values that are in memory anyway, some at a time."""
    return _in_lists(iter(values()))


def _of_dataset(corpus: Any, field: Field | None) -> Iterator[list[Any]]:
    """Yield the values of a dataset of Hugging Face's, one in memory or one that is streamed."""
    names = corpus.column_names
    if names is None:  # a stream does not know them before it begins
        return record_values(iter(corpus), field, "corpus (a dataset)")
    outer = str(field).partition(".")[0]
    column = str(field) if str(field) in names else outer
    if field is None or column not in names:
        _named(corpus, field, names)
    batches = corpus.select_columns([column]).iter(batch_size=_ROWS)
    if column == str(field):
        return (list(batch[column]) for batch in batches)
    inner = str(field).removeprefix(f"{outer}.")
    return ([field_of(value, inner) for value in batch[column]] for batch in batches)


def _of_arrow(corpus: Any, field: Field | None) -> Iterator[Any]:
    import pyarrow as arrow

    if isinstance(corpus, arrow.Array):
        corpus = arrow.chunked_array([corpus])
    if isinstance(corpus, arrow.ChunkedArray):
        _named(corpus, field, None)
        return iter(corpus.chunks)
    if not isinstance(corpus, arrow.RecordBatchReader):
        if hasattr(corpus, "to_reader"):
            corpus = corpus.to_reader()
        elif isinstance(corpus, arrow.RecordBatch):
            corpus = arrow.Table.from_batches([corpus]).to_reader()
        elif hasattr(corpus, "__arrow_c_stream__"):
            corpus = arrow.RecordBatchReader.from_stream(corpus)
        elif hasattr(corpus, "to_batches"):  # a dataset of files
            corpus = arrow.RecordBatchReader.from_batches(corpus.schema, corpus.to_batches())
        else:
            raise CorpusError(
                f"corpus: expected a table or a column, got pyarrow {type(corpus).__name__}"
            )
    if field is None:
        _named(corpus, None, corpus.schema.names)
    way = column_of("corpus (a table)", "arrow", corpus.schema, field)
    return (inner_column(batch.column(way[0]), way) for batch in corpus)


def _in_lists(values: Iterator[Any]) -> Iterator[list[Any]]:
    while gathered := list(islice(values, _ROWS)):
        yield gathered


def record_values(
    records: Iterator[Any], field: Field | None, source: str = "corpus"
) -> Iterator[list[Any]]:
    """Yield the values of a field of records, some at a time.

    Raises
    ------
    CorpusError
        If no field was named, or none of the first records has it.
    """
    first = list(islice(records, _ROWS))
    names = list(dict.fromkeys(n for r in first if isinstance(r, Mapping) for n in fields_of(r)))
    if field is None:
        raise CorpusError(
            f"{source}: expected the field that holds the text to be named, since it yields "
            f"records; they have {shown_fields(names)}; pass field=..."
        )
    name = str(field)
    if not any(has_field(record, name) for record in first):
        raise no_such_field(source, name, names)
    return _fields_of_records(first, records, name, source)


def _fields_of_records(
    first: list[Any], records: Iterator[Any], name: str, source: str
) -> Iterator[list[Any]]:
    n_before = 0
    for chunk in chain([first], _in_lists(records)):
        values = []
        for number, record in enumerate(chunk):
            try:
                values.append(field_of(record, name))
            except TypeError as error:
                raise CorpusError(
                    f"{source}, record {n_before + number} (counted from 0): {error}"
                ) from None
        yield values
        n_before += len(chunk)


def value_pieces(
    chunks: Iterable[Any],
    source: str,
    missing: MissingValues,
    repairs: Repairs,
    n_before: int = 0,
) -> Iterator[Piece]:
    """Yield what chunks of values hold, as `values_of_frame` and `record_values` give them.

    So many values came before, for messages.
    """
    for chunk in chunks:
        place = _row(n_before)
        if isinstance(chunk, list):
            yield from pieces_of(chunk, source, place, missing)
        else:
            yield from column_pieces(chunk, source, place, "strict", repairs, missing)
        n_before += len(chunk)


def _row(first: int) -> Callable[[int], str]:
    return lambda number: f"row {first + number:,} (counted from 0)"
