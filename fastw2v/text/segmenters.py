"""Words of languages that put no blanks between them, found by libraries that others keep.

One library a language, each an extra of this package: rjieba for Chinese, SudachiPy for Japanese,
Kiwi for Korean (whose words are cut into their morphemes) and PyThaiNLP for Thai. They get the runs
of the language's script; what is between them is cut by Unicode's rules as other text is.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from fastw2v.config import NamedTokenizer
from fastw2v.system.dependencies import optional_module

__all__ = ["load_segmenter", "segmented", "tokenizer_version"]

_HAN = "\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3041-\u309f\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HANGUL = "[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]+"
_LONGEST_RUN = 8192  # characters at once; a longer run is no sentence, and libraries have bounds

_Segment = Callable[[str], Iterable[str]]


def _chinese() -> _Segment:
    cut: _Segment = _needed("rjieba", "chinese").cut
    return cut


def _japanese() -> _Segment:
    _needed("sudachidict_core", "japanese", "SudachiDict-core")
    tokenizer = _needed("sudachipy", "japanese", "SudachiPy").Dictionary().create()
    return lambda run: (morpheme.surface() for morpheme in tokenizer.tokenize(run))


def _korean() -> _Segment:
    kiwi = _needed("kiwipiepy", "korean").Kiwi(num_workers=1)
    return lambda run: (token.form for token in kiwi.tokenize(run))


def _thai() -> _Segment:
    tokenize = _needed("pythainlp.tokenize", "thai", "pythainlp").word_tokenize
    return lambda run: tokenize(run, engine="newmm", keep_whitespace=False)


def _needed(module: str, language: str, package: str | None = None) -> Any:
    return optional_module(module, f"--tokenizer {language}", language, package)


class _Language(NamedTuple):
    run: str
    """A pattern of what the library gets."""
    load: Callable[[], _Segment]
    packages: tuple[str, ...]
    """Those whose versions decide what a word is."""


_LANGUAGES = {
    "chinese": _Language(f"[{_HAN}]+", _chinese, ("rjieba",)),
    "japanese": _Language(f"[{_HAN}{_KANA}]+", _japanese, ("SudachiPy", "SudachiDict-core")),
    "korean": _Language(f"{_HANGUL}(?: +{_HANGUL})*", _korean, ("kiwipiepy", "kiwipiepy_model")),
    "thai": _Language("[\u0e00-\u0e7f]+", _thai, ("pythainlp",)),
}


@cache
def _loaded(language: str) -> tuple[re.Pattern[str], _Segment]:
    found = _LANGUAGES[language]
    return re.compile(found.run), found.load()


def load_segmenter(language: str) -> None:
    """Load the library for a language, which takes some a second; errors as `segmented`."""
    _loaded(language)


def segmented(line: str, language: str) -> str:
    """Return a line with blanks between the words of a language.

    Parameters
    ----------
    line : str
    language : {"chinese", "japanese", "korean", "thai"}

    Raises
    ------
    MissingDependencyError
        If the library for it is not installed.
    """
    pattern, segment = _loaded(language)
    return pattern.sub(lambda run: " ".join(("", *_words_of(run[0], segment), "")), line)


def _words_of(run: str, segment: _Segment) -> Iterator[str]:
    for first in range(0, len(run), _LONGEST_RUN):
        yield from segment(run[first : first + _LONGEST_RUN])


def tokenizer_version(tokenizer: str) -> str | None:
    """Return the versions of what cuts text beside this package; None where nothing else does.

    Returns
    -------
    str or None
        Such as "rjieba 0.2.2". Of a function, that of the package with the name of its module; None
        if there is none.
    """
    if isinstance(tokenizer, NamedTokenizer):
        packages: tuple[str, ...] = (tokenizer.partition(":")[0].partition(".")[0],)
    elif tokenizer in _LANGUAGES:
        packages = _LANGUAGES[tokenizer].packages
    else:
        return None
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found) or None
