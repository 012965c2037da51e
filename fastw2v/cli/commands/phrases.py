"""`fastw2v phrases`: words that belong together, found and joined."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastw2v.cli.options import (
    TEXT,
    display_options,
    given_settings,
    require_outputs,
    source_options,
    sources_of,
    stop_words_option,
    text_options,
    workers_option,
)
from fastw2v.config import TEXT_NAMES, CountingSettings

if TYPE_CHECKING:
    from fastw2v.text.collocations import EncodedSentences
    from fastw2v.text.phrases import PhraseModel, PhraseSettings

__all__ = ["phrases_command"]

_SETTINGS = ("scoring", "min_count", "threshold", "connector_words", "passes", "delimiter")
_ENGLISH = "english"


@click.command("phrases")
@click.argument("corpus", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="File of phrases (JSON). Default, without --text: a list on standard output.",
)
@click.option(
    "--text",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write CORPUS with phrases joined, for 'fastw2v train --tokenizer whitespace'.",
)
@click.option(
    "--phrases",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Find none, but join those of this file, which --output wrote.",
)
@stop_words_option
@click.option(
    "--scoring",
    type=click.Choice(("default", "npmi")),
    default="default",
    show_default=True,
    help="By counts, as word2vec's word2phrase and gensim do, or by normalized mutual information.",
)
@click.option(
    "--min-count",
    type=int,
    default=5,
    show_default=True,
    help="Taken off each count by 'default'; 'npmi' leaves out what is rarer.",
)
@click.option(
    "--threshold",
    type=float,
    help="Pairs with a higher score are joined. Default: 10, and 0.5 for npmi.",
)
@click.option(
    "--connector-words",
    type=TEXT,
    metavar="FILE|english",
    help="Words that may stand within a phrase: of a file, or gensim's English ones.",
)
@click.option(
    "--passes",
    type=int,
    default=1,
    show_default=True,
    help="How often pairs are joined; two passes find phrases of up to four words.",
)
@click.option(
    "--delimiter", type=TEXT, default="_", show_default=True, help="Between the words of a phrase."
)
@text_options
@source_options
@workers_option
@display_options
def phrases_command(corpus: tuple[str, ...], quiet: bool, **given: Any) -> None:
    """Find phrases in CORPUS, words that stand together more often than by chance.

    They are gensim's at the same settings. The list has score, count and phrase, the best first.
    """
    from fastw2v.cli.display import Display
    from fastw2v.cli.text_notices import give_text_notices
    from fastw2v.system.files import whole_file
    from fastw2v.text.corpus import open_corpus
    from fastw2v.text.encoding import READ_WITH_ERRORS
    from fastw2v.text.phrases import encoded_sentences, without_words, write_sentences
    from fastw2v.text.rules import TextRules

    files = {name: given[name] for name in ("output", "text") if given[name] is not None}
    chosen = _settings(given) if given["phrases"] is None else _earlier(given)
    stopped = _stop_words(given)
    require_outputs({f"--{name}": target for name, target in files.items()})
    settings = CountingSettings(**given_settings({n: given[n] for n in TEXT_NAMES}))
    rules = TextRules.of(settings)
    source = open_corpus(sources_of(corpus, given), given["errors"], READ_WITH_ERRORS)
    with Display(quiet=quiet) as display:
        give_text_notices(display, source, settings)
        text = encoded_sentences(
            source, tokenizer=rules, progress=partial(display.stage, "reading")
        )
        found, text = _joined(text, chosen, given["workers"])
    n_joined, text = len(text.ids), without_words(text, stopped)
    if "text" in files:
        with whole_file(files["text"]) as temporary, temporary.open("wb") as file:
            write_sentences(text, file)
    if "output" in files:
        found.write(files["output"])
    if not files:
        for phrase in (phrase for phrases in found.passes for phrase in phrases):
            joined = found.settings.delimiter.join(phrase.parts)
            click.echo(f"{phrase.score:.6g}\t{phrase.seen}\t{joined}")
    elif not quiet:
        sizes = ", then ".join(f"{len(phrases):,}" for phrases in found.passes)
        click.echo(f"phrases      {sizes or 'none'}")
        if stopped:
            click.echo(f"stop words   {n_joined - len(text.ids):,} of {n_joined:,} tokens")
        if source.repairs.n_sequences:
            click.echo(f"not UTF-8    {source.repairs.n_sequences:,} sequences, {given['errors']}d")
        if source.missing.n_values:
            click.echo(f"missing      {source.missing.n_values:,} values, read as no token")
        for name, target in files.items():
            click.echo(f"{name:13}{target}")


def _stop_words(given: dict[str, Any]) -> frozenset[str]:
    from fastw2v.text.word_lists import stop_words

    if given["stop_words"] is None:
        return frozenset()
    if given["text"] is None:
        raise click.UsageError("Missing option '--text', which --stop-words are left out of")
    return stop_words(given["stop_words"])


def _earlier(given: dict[str, Any]) -> "PhraseModel":
    """Return the phrases of a file, beside which no settings may stand."""
    from fastw2v.errors import ConfigurationError
    from fastw2v.text.phrases import PhraseModel

    for name in (*_SETTINGS, "output"):
        if given_settings({name: None}):
            raise ConfigurationError(
                f"--{name.replace('_', '-')}: expected nothing of it beside --phrases, whose file "
                "has its own settings"
            )
    if given["text"] is None:
        raise click.UsageError("Missing option '--text', for what --phrases joins")
    return PhraseModel.read(given["phrases"])


def _joined(
    text: "EncodedSentences", chosen: "PhraseModel | PhraseSettings", workers: int | None
) -> "tuple[PhraseModel, EncodedSentences]":
    from fastw2v.text.phrases import PhraseModel, find_and_join

    if isinstance(chosen, PhraseModel):
        return chosen, chosen.join_encoded(text)
    return find_and_join(text, chosen, workers=workers)


def _settings(given: dict[str, Any]) -> "PhraseSettings":
    from fastw2v.text.phrases import PhraseSettings

    words = given["connector_words"]
    connectors: frozenset[str] = frozenset()
    if words == _ENGLISH:
        from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS

        connectors = ENGLISH_CONNECTOR_WORDS
    elif words is not None:
        from fastw2v.text.word_lists import read_word_list

        connectors = read_word_list(Path(words))
    return PhraseSettings(
        **{name: given[name] for name in _SETTINGS if name != "connector_words"},
        connector_words=connectors,
    )
