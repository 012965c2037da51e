"""Where words end by UAX 29, "Unicode Text Segmentation", rules WB1 to WB999, on UTF-8.

`classes` says of each code point its value of Word_Break (`CLASS` of the entry), and has bits for
what a token is made of (`fastw2v.kernels.text.tokens`).
"""

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.text.unicode_words import code_point

__all__ = [
    "ALETTER",
    "CLASS",
    "EXTEND",
    "EXTEND_NUM_LET",
    "FORMAT",
    "KATAKANA",
    "NUMERIC",
    "OTHER",
    "PICTOGRAPH",
    "REGIONAL_INDICATOR",
    "WORD_BREAKS",
    "W_SEG_SPACE",
    "ZWJ",
    "segment_end",
]

WORD_BREAKS = (
    "Other",
    "CR",
    "LF",
    "Newline",
    "Extend",
    "ZWJ",
    "Format",
    "Regional_Indicator",
    "Katakana",
    "Hebrew_Letter",
    "ALetter",
    "Single_Quote",
    "Double_Quote",
    "MidNumLet",
    "MidLetter",
    "MidNum",
    "Numeric",
    "ExtendNumLet",
    "WSegSpace",
)
"""The values of Word_Break, in the order of their numbers here."""

(
    OTHER,
    _CR,
    _LF,
    _NEWLINE,
    EXTEND,
    ZWJ,
    FORMAT,
    REGIONAL_INDICATOR,
    KATAKANA,
    _HEBREW,
    ALETTER,
    _SINGLE_QUOTE,
    _DOUBLE_QUOTE,
    _MID_NUM_LET,
    _MID_LETTER,
    _MID_NUM,
    NUMERIC,
    EXTEND_NUM_LET,
    W_SEG_SPACE,
) = range(len(WORD_BREAKS))

CLASS = 0x1F  # of an entry: the value of Word_Break
PICTOGRAPH = 0x20  # Extended_Pictographic


@kernel
def _next_class(text, at, n_bytes, classes):  # type: ignore[no-untyped-def]
    """Return the class of what follows, what WB4 passes over left out; `OTHER` at the end."""
    while at < n_bytes:
        code, width = code_point(text, at)
        kind = classes[code] & CLASS
        if kind < EXTEND or kind > FORMAT:
            return kind
        at += width
    return OTHER


@kernel
def _is_letter(kind):  # type: ignore[no-untyped-def]
    return kind in (ALETTER, _HEBREW)


@kernel
def _joins_letters(kind):  # type: ignore[no-untyped-def]
    return kind in (_MID_LETTER, _MID_NUM_LET, _SINGLE_QUOTE)


@kernel
def _joins_numbers(kind):  # type: ignore[no-untyped-def]
    return kind in (_MID_NUM, _MID_NUM_LET, _SINGLE_QUOTE)


@kernel
def _goes_on(  # type: ignore[no-untyped-def]  # noqa: PLR0911 - a rule each
    before, last, kind, text, behind, n_bytes, classes
):
    """Tell whether no boundary is between two classes, by WB5 to WB13b.

    `before` is the class before the last one, `behind` where what follows `kind` begins.
    """
    if _is_letter(last):
        if _is_letter(kind) or kind in (NUMERIC, EXTEND_NUM_LET):  # WB5, WB9, WB13a
            return True
        if _joins_letters(kind):  # WB6, WB7a
            if last == _HEBREW and kind == _SINGLE_QUOTE:
                return True
            return _is_letter(_next_class(text, behind, n_bytes, classes))
        if last == _HEBREW and kind == _DOUBLE_QUOTE:  # WB7b
            return _next_class(text, behind, n_bytes, classes) == _HEBREW
        return False
    if last == NUMERIC:
        if _is_letter(kind) or kind in (NUMERIC, EXTEND_NUM_LET):  # WB8, WB10, WB13a
            return True
        if _joins_numbers(kind):  # WB12
            return _next_class(text, behind, n_bytes, classes) == NUMERIC
        return False
    if last == KATAKANA:
        return kind in (KATAKANA, EXTEND_NUM_LET)  # WB13, WB13a
    if last == EXTEND_NUM_LET:  # WB13a, WB13b
        return _is_letter(kind) or kind in (NUMERIC, KATAKANA, EXTEND_NUM_LET)
    if _is_letter(kind):
        if _joins_letters(last) and _is_letter(before):  # WB7
            return True
        return kind == _HEBREW and last == _DOUBLE_QUOTE and before == _HEBREW  # WB7c
    return kind == NUMERIC and _joins_numbers(last) and before == NUMERIC  # WB11


@kernel
def segment_end(text, start, n_bytes, classes):  # type: ignore[no-untyped-def]
    """Return where the segment ends that begins at ``text[start]``, a boundary.

    Parameters
    ----------
    text : uint8 array (at least n_bytes + PADDING,)
        Valid UTF-8.
    start, n_bytes : int
        Where the segment begins; the length of the text.
    classes : uint8 array (0x110000,)
        See the module.

    Returns
    -------
    end : int
        The next boundary.
    """
    code, width = code_point(text, start)
    last = classes[code] & CLASS
    at = start + width
    if last == _CR and at < n_bytes and text[at] == 10:  # WB3
        return at + 1
    if _CR <= last <= _NEWLINE:  # WB3a
        return at
    behind_joiner, is_bare = last == ZWJ, True
    odd_flags = last == REGIONAL_INDICATOR
    if EXTEND <= last <= FORMAT:
        last = OTHER
    before = OTHER
    while at < n_bytes:
        code, width = code_point(text, at)
        entry = classes[code]
        kind = entry & CLASS
        if EXTEND <= kind <= FORMAT:  # WB4
            behind_joiner, is_bare = kind == ZWJ, False
            at += width
            continue
        if last != ALETTER or kind != ALETTER:
            if kind == REGIONAL_INDICATOR and last == REGIONAL_INDICATOR and odd_flags:
                odd_flags = False  # WB15, WB16
            elif (behind_joiner and entry & PICTOGRAPH) or (  # WB3c, WB3d
                is_bare and last == W_SEG_SPACE and kind == W_SEG_SPACE
            ):
                pass
            elif not _goes_on(before, last, kind, text, at + width, n_bytes, classes):
                return at
        before, last = last, kind
        behind_joiner, is_bare = False, True
        at += width
    return at
