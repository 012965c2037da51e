"""`fastw2v neighbors`: what stands near words, and around them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.cli.options import TEXT
from fastw2v.cli.streams import as_json_text
from fastw2v.config import VECTOR_CHOICES

if TYPE_CHECKING:
    from fastw2v.cli.sources import VectorSource
    from fastw2v.objectives.embeddings import Embeddings
    from fastw2v.objectives.nearest import NearestWords
    from fastw2v.text.expressions import Term

__all__ = ["neighbors_command"]

_OF_A_FILE = "vectors"  # what the one table of a file is called


@click.command("neighbors")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL_OR_VECTORS")
@click.argument("words", nargs=-1, required=True, metavar="WORD...", type=TEXT)
@click.option("--topn", type=click.IntRange(min=1), default=10, show_default=True)
@click.option(
    "--vectors",
    "tables",
    type=click.Choice(VECTOR_CHOICES),
    multiple=True,
    help="Which table; repeatable. Default: sum; in for hierarchical, and for negative with "
    "subwords.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def neighbors_command(
    model: Path, words: tuple[str, ...], topn: int, tables: Any, as_json: bool
) -> None:
    """Print words near in cosine, and likely contexts.

    A word is "near" if its vector has a high cosine; "context" has p(context | word), and "lift"
    how many times as likely a context is beside the word as anywhere in the text. A WORD may be a
    sum or difference, 'king - man + woman', whose words count with length 1.

    MODEL_OR_VECTORS is a model folder, or a file of vectors, which has no contexts. Capitals do not
    matter, and "new york" stands for the phrase new_york, if the model has it. Unknown words have
    neighbours where the model has vectors of character n-grams; of others those that are known are
    answered all the same, and the status is 2.
    """
    from fastw2v.cli.sources import vector_source
    from fastw2v.errors import UnknownWordError

    source = vector_source(model, tables)
    chosen = list(dict.fromkeys(tables)) or [None]
    searched = {_name_of(source, table): (table, source.nearest(table)) for table in chosen}
    found, unknown = [], []
    for word in _joined(words):
        try:
            found.append(_answer(source, word, searched, topn))
        except UnknownWordError as error:
            unknown.append({"query": word, "message": str(error)})
            continue
        if not as_json:
            click.echo(_lines(found[-1], name_tables=len(searched) > 1))
    if as_json:
        content = {"model": str(model), "queries": found, "unknown": unknown}
        click.echo(as_json_text(content))
    if unknown:
        raise UnknownWordError("; ".join(one["message"] for one in unknown))


def _joined(words: tuple[str, ...]) -> list[str]:
    """Return the queries: a + or - that stands between two words makes one of them."""
    queries: list[str] = []
    rest = list(words)
    while rest:
        query = rest.pop(0)
        while len(rest) > 1 and rest[0] in ("+", "-"):
            query += f" {rest.pop(0)} {rest.pop(0)}"
        queries.append(query)
    return queries


def _name_of(source: "VectorSource", table: Any) -> str:
    if source.embeddings is None:
        return _OF_A_FILE
    return str(table or source.embeddings.default_vectors)


def _answer(
    source: "VectorSource",
    query: str,
    searched: "dict[str, tuple[Any, NearestWords]]",
    topn: int,
) -> dict[str, Any]:
    """Return what there is to say of a word or an expression, as plain values."""
    from fastw2v.text.expressions import parsed_expression

    terms = [
        term._replace(word=source.named(term.word))
        for term in parsed_expression(query, lambda text: source.named(text) in source)
    ]
    near = {
        name: _near(source, terms, table, nearest, topn)
        for name, (table, nearest) in searched.items()
    }
    context = lift = None
    if source.embeddings is not None and len(terms) == 1 and terms[0].weight > 0:
        context, lift = _contexts(source.embeddings, terms[0].word, topn)
    return {
        "query": query,
        "words": [
            {
                "word": term.word,
                "weight": term.weight,
                "known": term.word in source,
                "count": source.count(term.word),
            }
            for term in terms
        ],
        "near": {name: _named(pairs, "cosine") for name, pairs in near.items()},
        "context": None if context is None else _named(context, "probability"),
        "lift": None if lift is None else _named(lift, "lift"),
    }


def _near(
    source: "VectorSource", terms: "list[Term]", table: Any, nearest: "NearestWords", topn: int
) -> list[tuple[str, float]]:
    import numpy as np

    from fastw2v.objectives.nearest import direction

    total = np.zeros(nearest.table.shape[1], np.float64)
    for term, vector in zip(
        terms, source.vectors([term.word for term in terms], table), strict=True
    ):
        total += term.weight * direction(vector).astype(np.float64)
    rows = (source.row(term.word) for term in terms)
    asked = {row for row in rows if row is not None}
    return nearest.near(total.astype(np.float32), topn, asked)


def _contexts(
    embeddings: "Embeddings", text: str, topn: int
) -> tuple[list[tuple[Any, float]], list[tuple[Any, float]]]:
    """Return the most probable contexts of a word, and those that are most typical of it."""
    from fastw2v.objectives.nearest import largest_places

    words = embeddings.vocabulary
    probabilities = embeddings.context_probabilities(words.named(text))
    context, lift = (
        [(words[row], float(values[row])) for row in largest_places(values, topn).tolist()]
        for values in (probabilities, embeddings.lifts(probabilities))
    )
    return context, lift


def _named(pairs: list[tuple[Any, float]], value: str) -> list[dict[str, Any]]:
    """Return words with a number each, by name; words that are no text as they are shown."""
    return [
        {"word": word if isinstance(word, str) else repr(word), value: number}
        for word, number in pairs
    ]


def _lines(found: dict[str, Any], *, name_tables: bool) -> str:
    lines = [_heading(found)]
    for name, near in found["near"].items():
        label = f"near {name}" if name_tables else "near"
        lines.append(_line(label, [f"{one['word']} {one['cosine']:.2f}" for one in near]))
    if found["context"] is not None:
        likely = [f"{one['word']} {one['probability']:.2%}" for one in found["context"]]
        typical = [f"{one['word']} {one['lift']:.3g}x" for one in found["lift"]]
        lines += [_line("context", likely), _line("lift", typical)]
    return "\n".join(lines)


def _line(label: str, words: list[str]) -> str:
    return f"  {label:<8} " + ", ".join(words)


def _heading(found: dict[str, Any]) -> str:
    """Return the query, how it is spelt here if otherwise, and how often it was seen."""
    words = found["words"]
    if len(words) > 1 or words[0]["weight"] < 0:
        unknown = [one["word"] for one in words if not one["known"]]
        made = f" ({', '.join(unknown)} from n-grams)" if unknown else ""
        return f"{found['query']}{made}"
    (one,) = words
    word = one["word"]
    seen = f"{one['count']:,} times" if one["count"] else ""
    if not one["known"]:
        seen = "unknown, from its n-grams"
    return f"{word} ({seen})" if seen else word
