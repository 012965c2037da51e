"""Files that are no text are told by name, and no text is taken for one of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.errors import CorpusError, TextEncodingError
from fastw2v.system.file_kinds import LOOK_BYTES, kind_of, require_text, text_chunks
from tests.support.foreign_files import FOREIGN, PLAIN, tarred


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_is_no_text_is_told_by_name(name):
    content, shown = FOREIGN[name]
    with pytest.raises(CorpusError, match=shown) as caught:
        require_text(content[:LOOK_BYTES], "there")
    assert str(caught.value).startswith("there: expected UTF-8 text, got ")
    assert "; " in str(caught.value)  # and what to do
    assert isinstance(caught.value, TextEncodingError) == name.startswith("UTF")
    offered = str(caught.value).replace("'fastw2v count --memory'", "")
    assert "--" not in offered  # no option that a command may not have


TEXTS = {
    "nothing": "",
    "prose": PLAIN,
    "XML": '<?xml version="1.0"?>\n<mediawiki xml:lang="fr"><page><title>A</title>',
    "JSON": '{"text": "the cat"}\n',
    "CSV": "word,count\nthe,12\n",
    "an archive's name": "PK is what zip files begin with, tar files have ustar\n",
    **{
        f"a word like {word}": f"{word} 0.25 -1.5\nthe 0.5 0.5\n"
        for word in (
            *("PAR1", "ARROW1", "FEA1", "FiFu", "GGUF", "BZh9", "LZIP", "7z", "Rar!", "GIF89a"),
            *("<html>", "<!doctype", "%PDF", "PK\x03\x04", "SQLite", "!<arch>", "version", "%!PS"),
        )
    },
    "a tag in prose": "<html> is how pages begin\n",
    "NUL between words": "a\0b a\n",
    "colours of a terminal": "\x1b[31mred\x1b[0m words of a log file, line by line\n" * 20,
    "form feeds": "a page\f" * 100,
    "Chinese": "汉字" * 400,
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_text(name):
    require_text(TEXTS[name].encode()[:LOOK_BYTES], "there")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp1251", "shift_jis", "gb18030"])
def test_text_in_other_encodings_is_told_as_that(encoding):
    """What `errors` says decides, and the message says how it is re-encoded."""
    words = {"cp1251": "кошка сидит", "shift_jis": "猫は座る", "gb18030": "猫坐着"}
    text = (words.get(encoding, "le café est où") + "\n") * 99
    require_text(text.encode(encoding)[:LOOK_BYTES], "there")


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=600))
def test_no_text_without_control_characters_is_refused(text):
    if not any(text.startswith(mark) for mark in ("PK", "<", "%PDF", "{\\rtf")):
        require_text(text.encode(), "there")


@pytest.mark.parametrize("chunk_bytes", [1, 7, 300, 1 << 20])
def test_chunks_come_as_they_are_or_not_at_all(chunk_bytes):
    def chunks(data):
        return [data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes)]

    text = PLAIN.encode() * 50
    assert list(text_chunks(chunks(text), "there")) == chunks(text)
    assert list(text_chunks([], "there")) == []
    with pytest.raises(CorpusError, match="a tar archive"):
        next(text_chunks(chunks(tarred()), "there"))


def test_a_tar_archive_is_told_by_its_sum():
    """Sabotage: one byte of the header is another, so that it is none."""
    data = bytearray(tarred(None))
    assert kind_of(bytes(data)).name == "a tar archive"
    data[1] ^= 1
    assert kind_of(bytes(data)) is None
