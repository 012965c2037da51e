"""Tables and datasets of the libraries themselves, where they are installed (extra `interop`)."""

import pytest

from fastw2v import Source
from fastw2v.errors import CorpusError
from tests.support.field_sources import EXPECTED, LISTS, TEXTS, read

pytestmark = pytest.mark.slow


def test_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"id": range(len(TEXTS)), "text": TEXTS})
    for corpus in (
        Source(frame, "text"),
        Source(frame.lazy(), "text"),
        frame["text"],
        polars.Series(TEXTS, dtype=polars.Categorical),
    ):
        sentences, opened = read(corpus)
        assert sentences == EXPECTED
        assert opened.missing.n_values == 1
    assert read(polars.Series(LISTS))[0] == [each or [] for each in LISTS]
    for corpus in (frame, frame.lazy(), Source(frame, "no"), Source(frame.lazy(), "no")):
        with pytest.raises(CorpusError, match="'id', 'text'"):
            read(corpus)


def test_datasets():
    datasets = pytest.importorskip("datasets")
    inner = [{"text": text} for text in TEXTS]
    made = datasets.Dataset.from_dict({"id": range(len(TEXTS)), "text": TEXTS, "of": inner})
    for corpus in (
        Source(made, "text"),
        Source(made, "of.text"),
        Source(made.to_iterable_dataset(), "text"),
        Source((row for row in made), "of.text"),
    ):
        assert read(corpus)[0] == EXPECTED
    with pytest.raises(CorpusError, match="'id', 'text', 'of'"):
        read(made)
    with pytest.raises(CorpusError, match="got a DatasetDict"):
        read(Source(datasets.DatasetDict({"train": made}), "text"))


def test_duckdb():
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.sql("select * from (values (1, 'the cat'), (2, null)) as t(id, text)")
    sentences, opened = read(Source(rows, "text"))
    assert sentences == [["the", "cat"], []]
    assert opened.missing.n_values == 1
