"""Options and arguments that several commands share."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click

from fastw2v.cli.display import LOG_JSON
from fastw2v.config import (
    COUNTING_NAMES,
    TEXT_NAMES,
    Hyperparameters,
    Kind,
    NamedTokenizer,
    Tokenizer,
    is_function_name,
)
from fastw2v.errors import ConfigurationError
from fastw2v.formats import FORMATS

__all__ = [
    "TEXT",
    "TOKENIZER",
    "advising_to_skip",
    "counting_options",
    "decoded_text",
    "display_options",
    "format_option",
    "given_settings",
    "hyperparameter_options",
    "repeated_tokenizer_option",
    "require_no_reads",
    "require_outputs",
    "skip_option",
    "source_options",
    "sources_of",
    "stop_words_option",
    "text_options",
    "tokenizer_given_again",
    "words_of",
    "workers_option",
]


def decoded_text(given: str) -> str:
    """Return text of the command line, whose letters a locale of C has handed on as bytes.

    Raises
    ------
    ConfigurationError
        If the bytes are not UTF-8.
    """
    if not any("\udc80" <= letter <= "\udcff" for letter in given):
        return given
    data = os.fsencode(given)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{given!r}: expected text in UTF-8, or in the encoding of the locale, got byte "
            f"{data[error.start]:#04x}; set LC_ALL to the locale that it was typed in"
        ) from None


class _Text(click.ParamType):  # type: ignore[type-arg]  # of click 8.4
    """Text that is not the name of a file: names stay as they came, to be found on the disk."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return decoded_text(str(value))


TEXT = _Text()


class _PassesOrFile(click.ParamType):  # type: ignore[type-arg]  # of click 8.4
    """A number of passes that find phrases, or the file of phrases that are there."""

    name = "passes|file"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Path:
        text = str(value)
        return int(text) if text.isascii() and text.removeprefix("-").isdecimal() else Path(text)


PASSES_OR_FILE = _PassesOrFile()
stop_words_option = click.option(
    "--stop-words",
    type=TEXT,
    metavar="FILE|LANGUAGE",
    help="Leave these words out, once phrases are joined: of a file, or of a language (english, "
    "de, ...; pip install 'fastw2v[stopwords]').",
)


def words_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the phrases of a file and the stop words that were named, as `Word2Vec.fit` has them.

    Parameters
    ----------
    options : mapping
        With "phrases" and "stop_words".
    """
    phrases = options["phrases"]
    return {
        "phrases": phrases if isinstance(phrases, Path) else None,
        "stop_words": options["stop_words"],
    }


class _TokenizerName(click.ParamType):  # type: ignore[type-arg]  # of click 8.4
    """The name of a tokenizer; a function that is named is imported."""

    name = "tokenizer"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"[{'|'.join(get_args(Tokenizer))}|MODULE:FUNCTION]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from fastw2v.text.functions import imported_tokenizer

        if isinstance(value, NamedTokenizer) or value in get_args(Tokenizer):
            return value
        if not is_function_name(value):
            self.fail(
                f"{value!r} is not one of {', '.join(map(repr, get_args(Tokenizer)))}, and not of "
                "the form 'module:function'.",
                param,
                ctx,
            )
        return imported_tokenizer(value)


TOKENIZER = _TokenizerName()
_TOKENIZER_AGAIN = "fastw2v.tokenizer"


def hyperparameter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command one option for each field of `Hyperparameters`."""
    return _options_for(command, [item.name for item in fields(Hyperparameters)])


def counting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command one option for each hyper-parameter that counting depends on."""
    return _options_for(command, COUNTING_NAMES)


def text_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command one option for each hyper-parameter that says how text is cut."""
    return _options_for(command, (*TEXT_NAMES, "errors"))


def _options_for(command: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    for item in reversed(fields(Hyperparameters)):
        if item.name not in names:
            continue
        kinds = [kind for kind in get_args(item.type) if kind is not type(None)]
        kind: Any = item.type
        if item.name == "tokenizer":
            kind = TOKENIZER
        elif get_origin(item.type) is Literal:
            kind = click.Choice(kinds)
        elif kinds:
            kind = kinds[0]
        described = item.metadata["help"]
        if item.name == "phrases":
            kind = PASSES_OR_FILE
            described += " Or a file that 'fastw2v phrases' has written."
        name = item.name.replace("_", "-")
        option = click.option(
            f"--{name}/--no-{name}" if kind is bool else f"--{name}",
            item.name,
            type=kind,
            default=item.default,
            show_default=item.default is not None,
            help=described,
        )
        command = option(command)
    return command


def given_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that were given on the command line, not those left at their default."""
    source = click.get_current_context().get_parameter_source
    left = click.core.ParameterSource.DEFAULT
    given = {name: value for name, value in settings.items() if source(name) != left}
    if isinstance(given.get("phrases"), Path):  # no number of passes
        del given["phrases"]
    return given


format_option = click.option(
    "--format",
    "form",
    type=click.Choice([form.name for form in FORMATS]),
    help="Default: by the suffix of OUT ("
    + ", ".join(f"{suffix} {form.name}" for form in FORMATS for suffix in form.suffixes)
    + "); word2vec for others. model2vec and projector write folders.",
)
skip_option = click.option(
    "--skip-unwritable",
    is_flag=True,
    help="Leave out words that OUT cannot hold, instead of refusing; they are counted and named.",
)
workers_option = click.option(
    "--workers", type=int, help="Threads; the result does not depend on them. Default: all cores."
)
_quiet = click.option("--quiet", is_flag=True, help="No progress.")
_log_json = click.option(
    "--log-json",
    is_flag=True,
    expose_value=False,  # the display finds it, so that no command has to pass it on
    callback=lambda context, _, value: context.meta.update({LOG_JSON: value}),
    help="Progress as one JSON object a line on standard error; 'fastw2v docs command_line' has "
    "the fields.",
)


repeated_tokenizer_option = click.option(
    "--tokenizer",
    type=TOKENIZER,
    expose_value=False,  # `loaded_model` finds it
    callback=lambda context, _, value: context.meta.update({_TOKENIZER_AGAIN: value}),
    help="The function that cut the text of MODEL, 'module:function', where one did: a model knows "
    "its name, and imports nothing by itself.",
)


def tokenizer_given_again() -> str | None:
    """Return what was given by `repeated_tokenizer_option`."""
    context = click.get_current_context(silent=True)
    given: str | None = None if context is None else context.meta.get(_TOKENIZER_AGAIN)
    return given


def display_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that `Display` looks at: ``--quiet`` and ``--log-json``."""
    return _quiet(_log_json(command))


@contextmanager
def advising_to_skip() -> Iterator[None]:
    """Say of a word that cannot be written that it can be left out."""
    from fastw2v.errors import UnwritableWordError

    try:
        yield
    except UnwritableWordError as error:
        error.add_note("or leave out such words by --skip-unwritable")
        raise


_field = click.option(
    "--field",
    "--column",
    "field",
    metavar="NAME",
    type=TEXT,
    help="Field of JSON lines (OUTER.INNER too) or column of CSV, TSV, Parquet and Arrow files "
    "that holds the text; a number is the column of a file without a header, from 1.",
)
_read_as = click.option(
    "--read-as",
    type=click.Choice(get_args(Kind)),
    help="What the files are. Default: what their names or first bytes say.",
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what is read of its corpora, for `sources_of`."""
    return _field(_read_as(command))


def require_outputs(targets: Mapping[str, Path]) -> None:
    """Refuse files, by the option that names each, that cannot be written or that are the same.

    Raises
    ------
    OutputError
        If one cannot be written.
    click.UsageError
        If two options name one file, which would have what was written last.
    """
    from fastw2v.system.files import require_file_target

    options: dict[Path, str] = {}
    for option, target in targets.items():
        require_file_target(target)
        other = options.setdefault(target.resolve(), option)
        if other != option:
            raise click.UsageError(f"{other}, {option}: expected two files, got {target} for both")


def require_no_reads(options: Mapping[str, Any], instead: str) -> None:
    """Refuse what says how a text is read, where none is; `instead` is what was expected."""
    for name in ("field", "read_as"):
        if options[name] is not None:
            raise click.UsageError(f"--{name.replace('_', '-')}: expected {instead}")


def sources_of(corpus: tuple[str, ...], options: Mapping[str, Any]) -> Any:
    """Return the sources that were named on the command line, as `Word2Vec.fit` takes them."""
    from fastw2v.text.corpus import Source

    # A Path is a path for certain, so that messages about it need not wonder; the others are none.
    sources = [name if name == "-" or "://" in name else Path(name) for name in corpus]
    source = sources[0] if len(sources) == 1 else sources
    field, read_as = options["field"], options["read_as"]
    if field is None and read_as is None:
        return source
    return Source(source, int(field) if field and field.isdecimal() else field, read_as)
