"""What commands say of a text that looks as if it were to be read otherwise."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastw2v.cli.display import Display

__all__ = ["give_text_notices"]


def give_text_notices(display: "Display", source: Any, settings: Any, decided_by: str = "") -> None:
    """Give the notices of wrapped lines and of scripts without blanks, as `train` does.

    Parameters
    ----------
    display : Display
    source : path, paths or Source
        As `fastw2v.cli.options.sources_of` returns it.
    settings : Hyperparameters or CountingSettings
        How the text is cut.
    decided_by : str
        What has decided that, where the command has no options for it.
    """
    from fastw2v.text.appearance import notices_about_corpus
    from fastw2v.text.corpus import open_corpus
    from fastw2v.text.rules import TextRules

    rules = TextRules.of(settings)
    for sentence in notices_about_corpus(open_corpus(source), rules, decided_by):
        display.notice(sentence)
