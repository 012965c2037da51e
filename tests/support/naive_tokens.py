"""Naive twin of the tokenizer `unicode`: the rules of UAX 29 one by one, then what goes beyond."""

import re
from itertools import pairwise

from fastw2v.kernels.text.tokens import LETTER, SHOWN
from fastw2v.kernels.text.word_breaks import CLASS, PICTOGRAPH, WORD_BREAKS
from fastw2v.text.unicode_table import token_classes, word_breaks, word_characters

IGNORED = {"Extend", "Format", "ZWJ"}
NEWLINES = {"CR", "LF", "Newline"}
LETTERS = {"ALetter", "Hebrew_Letter"}
MID_LETTERS = {"MidLetter", "MidNumLet", "Single_Quote"}
MID_NUMBERS = {"MidNum", "MidNumLet", "Single_Quote"}

PURE = word_breaks().tolist()
ADAPTED = token_classes(whole_runs=False).tolist()
WHOLE = token_classes(whole_runs=True).tolist()
LOWER = word_characters().tolist()


def kind_of(character, classes):
    return WORD_BREAKS[classes[ord(character)] & CLASS]


def is_boundary(text, place, classes):  # noqa: PLR0911 - a rule each
    """Whether there is a boundary before text[place], by WB1 to WB999, each for itself."""
    if place in (0, len(text)):
        return True  # WB1, WB2
    kinds = [kind_of(c, classes) for c in text]
    left, right = kinds[place - 1], kinds[place]
    if (left, right) == ("CR", "LF"):
        return False  # WB3
    if left in NEWLINES or right in NEWLINES:
        return True  # WB3a, WB3b
    if left == "ZWJ" and classes[ord(text[place])] & PICTOGRAPH:
        return False  # WB3c
    if left == right == "WSegSpace":
        return False  # WB3d
    if right in IGNORED:
        return False  # WB4
    # What counts on both sides, with X (Extend | Format | ZWJ)* taken for X.
    before = []
    for number in range(place):
        is_first = number == 0 or kinds[number - 1] in NEWLINES
        if kinds[number] not in IGNORED or is_first:
            before.append(kinds[number])
    after = [kind for kind in kinds[place:] if kind not in IGNORED]
    left, far_left = before[-1], before[-2] if len(before) > 1 else None
    far_right = after[1] if len(after) > 1 else None
    n_flags = 0
    while n_flags < len(before) and before[-1 - n_flags] == "Regional_Indicator":
        n_flags += 1
    joined = (
        (left in LETTERS and right in LETTERS)  # WB5
        or (left in LETTERS and right in MID_LETTERS and far_right in LETTERS)  # WB6
        or (far_left in LETTERS and left in MID_LETTERS and right in LETTERS)  # WB7
        or (left == "Hebrew_Letter" and right == "Single_Quote")  # WB7a
        or (left == far_right == "Hebrew_Letter" and right == "Double_Quote")  # WB7b
        or (far_left == right == "Hebrew_Letter" and left == "Double_Quote")  # WB7c
        or (left == right == "Numeric")  # WB8
        or (left in LETTERS and right == "Numeric")  # WB9
        or (left == "Numeric" and right in LETTERS)  # WB10
        or (far_left == right == "Numeric" and left in MID_NUMBERS)  # WB11
        or (left == far_right == "Numeric" and right in MID_NUMBERS)  # WB12
        or (left == right == "Katakana")  # WB13
        or (
            left in {*LETTERS, "Numeric", "Katakana", "ExtendNumLet"} and right == "ExtendNumLet"
        )  # WB13a
        or (left == "ExtendNumLet" and right in {*LETTERS, "Numeric", "Katakana"})  # WB13b
        or (right == "Regional_Indicator" and n_flags % 2 == 1)  # WB15, WB16
    )
    return not joined  # WB999


def naive_segments(text, classes=PURE):
    """The segments of a text."""
    cuts = [place for place in range(len(text) + 1) if is_boundary(text, place, classes)]
    return [text[start:end] for start, end in pairwise(cuts)]


URL_START = re.compile(r"(?:[A-Za-z][A-Za-z0-9]+://|[Ww]{3}\.)(?=[A-Za-z0-9_\x80-\U0010ffff])")
NOT_IN_URLS = set('"<>\\^`{|}\x7f') | {chr(code) for code in range(33)}
LOCAL_PART = re.compile(r"(?=[A-Za-z0-9_])[A-Za-z0-9._%+-]{1,64}@")
LABEL = re.compile(r"[A-Za-z0-9-]+")


def url_at(text, start):
    found = URL_START.match(text, start)
    if not found:
        return start
    end = found.end()
    while end < len(text) and text[end] not in NOT_IN_URLS:
        code = ord(text[end])
        is_letter = ADAPTED[code] & LETTER or kind_of(text[end], ADAPTED) == "Extend"
        if code >= 0x80 and not (code < 0x2E80 and is_letter):
            break
        end += 1
    body = text[found.end() : end]
    while body and (
        body[-1] in "!'*,.:;?]" or (body[-1] == ")" and body.count(")") > body.count("("))
    ):
        body = body[:-1]
    return found.end() + len(body) if body else start


def address_at(text, start):
    found = LOCAL_PART.match(text, start)
    if not found:
        return start
    end, labels, best = found.end(), 0, start
    while label := LABEL.match(text, end):
        labels, end = labels + 1, label.end()
        if labels > 1 and len(label[0]) > 1 and label[0].isalpha():
            best = end
        if text[end : end + 1] != ".":
            break
        end += 1
    return best


def tag_at(text, start):
    if text[start] not in "#@" or (start and re.match(r"[A-Za-z0-9_]", text[start - 1])):
        return start
    end, has_letter = start + 1, False
    while end < len(text):
        kind = kind_of(text[end], ADAPTED)
        if ADAPTED[ord(text[end])] & LETTER:
            has_letter |= kind not in ("Numeric", "ExtendNumLet")
        elif kind not in IGNORED or end == start + 1:
            break
        end += 1
    return end if has_letter else start


def written(segment, is_emoji):
    found = ""
    for character in segment:
        code = ord(character)
        if character in "'’‘":
            found += "'"
        elif LOWER[code]:
            found += character.lower() if character == "İ" else chr(LOWER[code])
        elif kind_of(character, ADAPTED) != "Format":
            found += character
    stripped = found.rstrip("\u200c\u200d")
    return found if is_emoji else stripped or found[0]


def is_emoji(segment):
    first, second = ADAPTED[ord(segment[0])], segment[1:2]
    if second and first & PICTOGRAPH:
        return second == "\ufe0f" or bool(first & SHOWN and second != "\ufe0e")
    if first & SHOWN:
        return True
    return (
        kind_of(segment[0], ADAPTED)
        == "Regional_Indicator"
        == (kind_of(second, ADAPTED) if second else "")
    )


def naive_tokens(line):
    """The tokens of a line, each character lower-cased by itself."""
    found, at = [], 0
    while at < len(line):
        end = url_at(line, at)
        end = address_at(line, at) if end == at else end
        end = tag_at(line, at) if end == at else end
        keycap = re.compile("[#*]\ufe0f?\u20e3").match(line, at)
        if end > at:
            found.append(written(line[at:end], False))
        elif keycap:
            end = keycap.end()
            found.append(keycap[0])
        else:
            # The rules look one base character back within a segment, so what was cut off before
            # a boundary does not matter.
            end = at + len(naive_segments(line[at:], ADAPTED)[0])
            segment = line[at:end]
            if ADAPTED[ord(segment[0])] & LETTER:
                found.append(written(segment, False))
            elif is_emoji(segment):
                found.append(written(segment, True))
            elif any(ADAPTED[ord(c)] & LETTER for c in segment):
                found.append(written(segment, False))
        at = end
    return found
