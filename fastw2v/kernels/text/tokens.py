"""Running text into tokens by UAX 29 and what people expect beyond it: UTF-8 in, tokens out.

At each boundary the first of these that is there is a token: a URL, an e-mail address, a word
behind # or @, an emoji, a segment of UAX 29 with a letter or number in it. What is no token
separates. Plain ASCII is done 64 bytes at a time; what needs more than its own bytes to be told is
looked at one by one (`_looked_at`).
"""

import numpy as np

from fastw2v.kernels.compilation import kernel
from fastw2v.kernels.simd.bits import lowest_bit
from fastw2v.kernels.text.scan import (
    ONE,
    PADDING,
    inner_mark_mask,
    same_byte_mask,
    sign_mask,
    store_plain_words,
    wide_mask,
    word_mask,
)
from fastw2v.kernels.text.unicode_words import (
    APOSTROPHE,
    CAPITAL_SIGMA,
    DOTTED_CAPITAL_I,
    SOFT_HYPHEN,
    code_point,
    ends_word,
    put_code_point,
)
from fastw2v.kernels.text.word_breaks import (
    CLASS,
    EXTEND,
    EXTEND_NUM_LET,
    FORMAT,
    NUMERIC,
    PICTOGRAPH,
    REGIONAL_INDICATOR,
    segment_end,
)

__all__ = ["LETTER", "LONGEST_LOCAL_PART", "SHOWN", "URL_LETTERS_BELOW", "write_tokens"]

SHOWN = 0x40  # of an entry: a pictograph that is an emoji by itself
LETTER = 0x80  # of an entry: a letter, a number or an underscore

LONGEST_LOCAL_PART = 64  # of an e-mail address, RFC 5321
URL_LETTERS_BELOW = 0x2E80  # text of other scripts follows a URL without a blank

_SPACE, _LINE_FEED = np.uint8(32), np.uint8(10)
_NOTHING, _TOKEN, _EMOJI = 0, 1, 2
_AT, _COLON, _DOT, _NUMBER_SIGN, _SLASH, _STAR = 64, 58, 46, 35, 47, 42
_TEXT_STYLE, _EMOJI_STYLE = (0xFE0E, 0xFE0F)
_KEYCAP = 0x20E3


@kernel
def _is_alphabetic(byte):  # type: ignore[no-untyped-def]
    return 97 <= byte | 0x20 <= 122


@kernel
def _is_word_byte(byte):  # type: ignore[no-untyped-def]
    """Tell whether a byte is an ASCII letter, digit or underscore."""
    return _is_alphabetic(byte) or 48 <= byte <= 57 or byte == 95


@kernel
def _is_local(byte):  # type: ignore[no-untyped-def]
    """Tell whether a byte may stand before the @ of an address; also . % + and - do."""
    return _is_word_byte(byte) or byte in (46, 37, 43, 45)


@kernel
def _looked_at(text, at):  # type: ignore[no-untyped-def]
    """Return the mask of the next 64 bytes that must be looked at with what is around them."""
    words, wide = word_mask(text, at), wide_mask(text, at)
    before = words << ONE
    if at > 0 and (text[at - 1] >= 0x80 or _is_word_byte(text[at - 1])):
        before |= ONE
    behind = words >> ONE
    if text[at + 64] >= 0x80 or _is_word_byte(text[at + 64]):
        behind |= ONE << np.uint64(63)
    found = wide | inner_mark_mask(text, at) & before & behind | sign_mask(text, at) & behind
    colons = same_byte_mask(text, at, _COLON) & before
    if colons != 0:
        slashes = same_byte_mask(text, at, _SLASH) >> ONE
        if text[at + 64] == _SLASH:
            slashes |= ONE << np.uint64(63)
        found |= colons & slashes
    return found


@kernel
def _url_end(text, start, n_bytes, classes):  # type: ignore[no-untyped-def]
    """Return where a URL ends that begins at ``text[start]``; `start` if there is none."""
    at = start
    while _is_alphabetic(text[at]) or 48 <= text[at] <= 57:
        at += 1
    if at - start >= 2 and text[at] == _COLON:
        if text[at + 1] != _SLASH or text[at + 2] != _SLASH:
            return start
        at += 3
    elif at - start == 3 and text[at] == _DOT:
        for place in range(start, at):
            if text[place] | 0x20 != 119:  # w
                return start
        at += 1
    else:
        return start
    body, unclosed = at, 0
    if text[at] < 0x80 and not _is_word_byte(text[at]):
        return start
    while at < n_bytes:
        byte = text[at]
        if byte >= 0x80:
            code, width = code_point(text, at)
            entry = classes[code]
            if code >= URL_LETTERS_BELOW or not (entry & LETTER or entry & CLASS == EXTEND):
                break
            at += width
            continue
        # Blanks and controls, and " < > \ ^ ` { | }
        if byte <= 32 or byte in (34, 60, 62, 92, 94, 96) or 123 <= byte <= 125 or byte == 127:
            break
        if byte == 40:
            unclosed += 1
        elif byte == 41:
            unclosed -= 1
        at += 1
    while at > body:
        byte = text[at - 1]
        if byte == 41 and unclosed < 0:
            unclosed += 1
        elif byte not in (33, 39, 42, 44, 46, 58, 59, 63, 93):  # ! ' * , . : ; ? ]
            break
        at -= 1
    return at if at > body else start


@kernel
def _address_end(text, start):  # type: ignore[no-untyped-def]
    """Return where an e-mail address ends that begins at ``text[start]``, or `start`."""
    at = start
    while at - start < LONGEST_LOCAL_PART and _is_local(text[at]):
        at += 1
    if at == start or text[at] != _AT:
        return start
    found, n_labels = start, 0
    while True:
        at += 1
        label, is_alphabetic = at, True
        while _is_alphabetic(text[at]) or 48 <= text[at] <= 57 or text[at] == 45:
            is_alphabetic &= _is_alphabetic(text[at])
            at += 1
        if at == label:
            return found
        n_labels += 1
        if n_labels > 1 and is_alphabetic and at - label > 1:
            found = at
        if text[at] != _DOT:
            return found


@kernel
def _address_start(text, at, earliest):  # type: ignore[no-untyped-def]
    """Return where an e-mail address begins that has ``text[at]`` in it or next, or -1."""
    end = at
    while end - at <= LONGEST_LOCAL_PART and _is_local(text[end]):
        end += 1
    if text[end] != _AT:
        return -1
    start = end
    while start > earliest and end - start < LONGEST_LOCAL_PART and _is_local(text[start - 1]):
        start -= 1
    while start < at:
        is_first = start == earliest or not _is_word_byte(text[start - 1])
        if is_first and _is_word_byte(text[start]):
            return start if _address_end(text, start) > start else -1
        start += 1
    return -1


@kernel
def _tag_end(text, start, n_bytes, classes):  # type: ignore[no-untyped-def]
    """Return where a word behind # or @ ends, which has a letter in it, or `start`."""
    if start > 0 and _is_word_byte(text[start - 1]):
        return start
    at, has_letter = start + 1, False
    while at < n_bytes:
        code, width = code_point(text, at)
        entry = classes[code]
        kind = entry & CLASS
        if entry & LETTER:
            has_letter |= kind not in (NUMERIC, EXTEND_NUM_LET)
        elif not (EXTEND <= kind <= FORMAT and at > start + 1):
            break
        at += width
    return at if has_letter else start


@kernel
def _keycap_end(text, start, n_bytes):  # type: ignore[no-untyped-def]
    """Return where # or * ends that is written on a key, or `start`."""
    at = start + 1
    code, width = code_point(text, at)
    if code == _EMOJI_STYLE:
        at += width
        code, width = code_point(text, at)
    return at + width if code == _KEYCAP and at < n_bytes else start


@kernel
def _token_at(text, start, n_bytes, classes):  # type: ignore[no-untyped-def]  # noqa: PLR0911
    """Return where what begins at a boundary ends, and what it is."""
    byte = text[start]
    if byte < 0x80:
        end = start
        if _is_alphabetic(byte):
            end = _url_end(text, start, n_bytes, classes)
        if end == start and _is_word_byte(byte):
            end = _address_end(text, start)
        if end == start and byte in (_NUMBER_SIGN, _AT):
            end = _tag_end(text, start, n_bytes, classes)
        if end > start:
            return end, _TOKEN
        if byte in (_NUMBER_SIGN, _STAR):
            end = _keycap_end(text, start, n_bytes)
            if end > start:
                return end, _EMOJI
    end = segment_end(text, start, n_bytes, classes)
    code, width = code_point(text, start)
    entry = classes[code]
    if entry & LETTER:
        return end, _TOKEN
    if entry & PICTOGRAPH and start + width < end:
        behind, _ = code_point(text, start + width)
        if behind == _EMOJI_STYLE or (entry & SHOWN and behind != _TEXT_STYLE):
            return end, _EMOJI
    elif entry & SHOWN:
        return end, _EMOJI
    if entry & CLASS == REGIONAL_INDICATOR and start + width < end:
        behind, _ = code_point(text, start + width)
        if classes[behind] & CLASS == REGIONAL_INDICATOR:
            return end, _EMOJI
    at = start + width
    while at < end:
        code, width = code_point(text, at)
        if classes[code] & LETTER:
            return end, _TOKEN
        at += width
    return end, _NOTHING


@kernel
def _put_token(text, start, stop, is_emoji, kinds, classes, out, end):  # type: ignore[no-untyped-def]
    """Write a token, and return the position behind it."""
    at, first = start, end
    while at < stop:
        code, width = code_point(text, at)
        at += width
        kind = kinds[code]
        if kind > 0:
            end = put_code_point(kind, out, end)
        elif kind == DOTTED_CAPITAL_I:
            end = put_code_point(0x307, out, put_code_point(0x69, out, end))
        elif kind == CAPITAL_SIGMA:
            is_last = end > first and (at >= stop or ends_word(text, at, kinds))
            end = put_code_point(0x3C2 if is_last else 0x3C3, out, end)
        elif kind == APOSTROPHE or code == 0x2018:
            end = put_code_point(0x27, out, end)
        elif kind != SOFT_HYPHEN and classes[code] & CLASS != FORMAT:
            end = put_code_point(code, out, end)
    # Joiners (E2 80 8C and 8D) that join nothing.
    while (
        not is_emoji
        and end - first > 3
        and out[end - 3] == 0xE2
        and out[end - 2] == 0x80
        and 0x8C <= out[end - 1] <= 0x8D
    ):
        end -= 3
    return end


@kernel
def write_tokens(text, n_bytes, kinds, classes, out, case_bit):  # type: ignore[no-untyped-def]
    """Write the tokens of a text, with spaces between them and its line feeds.

    Parameters
    ----------
    text : uint8 array (at least n_bytes + PADDING,)
        Valid UTF-8, ending in a line feed, and its padding of spaces.
    n_bytes : int
        Length of the text.
    kinds : int32 array (0x110000,)
        The lower case of each code point, as `fastw2v.kernels.text.unicode_words.write_words`
        takes it.
    classes : uint8 array (0x110000,)
        Its class in UAX 29, and bits, see `fastw2v.kernels.text.word_breaks` and above.
    out : uint8 array (at least 2 * n_bytes + 2 * PADDING,)
        Where the tokens go.
    case_bit : int
        As in `write_words`.

    Returns
    -------
    n_out : int
        Length of what was written; padding of spaces stands behind it.
    """
    at, end, begin = 0, 0, 0  # begin: the last boundary at which the bytes below were looked at
    while at < n_bytes:
        plain = min(lowest_bit(_looked_at(text, at)), n_bytes - at)
        store_plain_words(text, at, out, end, case_bit)
        at += plain
        end += plain
        if plain == 64 or at >= n_bytes:
            continue
        start = -1
        if text[at] in (_AT, _DOT):
            start = _address_start(text, at, begin)
        if start < 0:
            start = at
            if text[at] not in (_AT, _NUMBER_SIGN, _STAR):
                while start > begin and _is_word_byte(text[start - 1]):
                    start -= 1
            elif start > begin and _is_word_byte(text[start - 1]):
                out[end] = _SPACE  # the word before ends here, whatever the sign begins
                end += 1
        # Each byte of ASCII since then has made one.
        end -= at - start
        at = start
        while True:
            stop, form = _token_at(text, at, n_bytes, classes)
            if form != _NOTHING:
                end = _put_token(text, at, stop, form == _EMOJI, kinds, classes, out, end)
            out[end] = _LINE_FEED if text[stop - 1] == _LINE_FEED else _SPACE
            end += 1
            at = stop
            if at >= n_bytes or text[at] < 0x80:
                break
        begin = at
    out[end : end + PADDING] = _SPACE
    return end
