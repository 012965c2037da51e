"""Readers, ways to damage what they read, and what must hold of every damaged input.

What must hold of a damaged input: the reader raises a `FastW2VError`, or returns what a sound input
of those very bytes holds. Where the format guards its content (digests), that is what was written
and nothing else. No other error, no hang, no memory beyond a bound.

`tests/formats/test_fuzzing.py` and `bench/fuzz_readers.py` share this; a new reader is one more
line of `readers()`.
"""

import bz2
import gzip
import io
import json
import lzma
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

from fastw2v import Word2Vec, gensim_api
from fastw2v.errors import FastW2VError
from fastw2v.evaluation.test_sets import read_pairs
from fastw2v.formats import FORMATS, Format, model_folder, read_vectors
from fastw2v.text.encoded_folder import open_encoded
from fastw2v.text.feature_file import read_features
from fastw2v.text.phrases import PhraseModel, PhraseSettings, find_phrases
from fastw2v.text.reading import read_corpus
from fastw2v.text.tokenizers import tokenize_text
from tests.support.foreign_files import BEGINNINGS

SENTENCES = [["the", "cat", "sat"], ["the", "naïve", "汉字", "cat"], ["end", "the"]] * 3
SMALL: dict[str, Any] = {"vector_size": 3, "min_count": 1, "epochs": 1, "start": "random"}
LARGEST_GROWTH_BYTES = 1 << 30


class WrongSuccessError(AssertionError):
    """A damaged input was taken for a sound one."""


@dataclass(frozen=True)
class Reader:
    """A reader with an input that it reads, and the rule for damaged ones."""

    name: str
    write: Callable[[Path], None]
    """Puts a sound input, a file or a folder, at a path."""
    read: Callable[[Path], Any]
    """Reads and uses the input; returns what can be compared."""
    expected: Callable[[Path, Any], Any]
    """What reading a damaged input must return, given the path and what the sound one holds."""
    suffix: str = ""
    """How the name of an input ends, where readers go by it."""

    @property
    def file_name(self) -> str:
        """The name an input needs."""
        return f"input{self.suffix}"


def verdict(reader: Reader, path: Path, sound: Any) -> str:
    """Read a damaged input; return "refused" or "read". Anything else is raised."""
    try:
        found = reader.read(path)
    except FastW2VError as error:
        if "\n" in str(error):
            raise AssertionError(f"a message of several lines: {error}") from error
        return "refused"
    expected = reader.expected(path, sound)
    if found != expected:
        raise WrongSuccessError(f"{reader.name}: expected {expected!r:.300}, got {found!r:.300}")
    return "read"


def readers() -> list[Reader]:
    """Return every reader there is."""
    plain = [text_reader("text, words", "words"), text_reader("text, whitespace", "whitespace")]
    lenient = [
        text_reader(f"text, {errors}", "whitespace", errors=errors)
        for errors in ("replace", "ignore")
    ]
    compressed = [
        text_reader(f"text{suffix}", "whitespace", suffix) for suffix in DECOMPRESSORS if suffix
    ]
    return [
        *plain,
        *lenient,
        *compressed,
        Reader("model", write_model, read_model, guarded),
        Reader("model of subwords", write_subword_model, read_model, guarded),
        Reader("model of features", write_feature_model, read_model, guarded),
        Reader("model under gensim's names", write_gensim_model, read_gensim_model, guarded),
        Reader("features", write_features, read_feature_file, naive_features),
        Reader("encoded", write_encoded, read_encoded, guarded),
        Reader("phrases", write_phrases, read_phrases, guarded),
        Reader("pairs", write_pairs, read_pair_file, naive_pairs),
        *map(vector_reader, FORMATS),
        *(vector_reader(form, named=False) for form in FORMATS),
    ]


def guarded(_path: Path, sound: Any) -> Any:
    """The content has a digest: it is what was written."""
    return sound


# Models


def write_model(path: Path) -> None:
    """Save a small model."""
    Word2Vec(**SMALL).fit(SENTENCES).save(path)


def write_subword_model(path: Path) -> None:
    """Save a small model that makes vectors of unknown words."""
    Word2Vec(inputs="subwords", bucket=100, **SMALL).fit(SENTENCES).save(path)


def write_feature_model(path: Path) -> None:
    """Save a small model that has vectors of named features."""
    words = {word for sentence in SENTENCES for word in sentence}
    features = {word: ["ascii" if word.isascii() else "öther", word] for word in words}
    Word2Vec(**SMALL).fit(SENTENCES, features=features).save(path)


def read_model(path: Path) -> tuple[Any, ...]:
    """Load a model and use it, as a table of words that is no table would show only then."""
    model = Word2Vec.load(path)
    words = model.vocabulary.words
    chances = dict(model.predict_context(words[0], topn=None))
    if not abs(sum(chances.values()) - 1) < 1e-6:
        raise WrongSuccessError(f"probabilities that sum to {sum(chances.values())}")
    keyed = model.keyed_vectors("in")
    if keyed.index_to_key != words or not np.isfinite(keyed.vectors).all():
        raise WrongSuccessError("words and vectors that do not fit together")
    arrays = [model.vocabulary.counts, model.in_vectors, model.out_vectors, model.out_bias]
    unknown, named = model.embeddings.unknown, model.embeddings.named_features
    if unknown is not None:
        model.wv  # noqa: B018 - gensim's vectors are made of it
        arrays += [unknown.table.buckets, unknown.table.vectors, unknown.centres, unknown.offset]
        arrays += [model.vectors(["cats"]), model.embeddings.centre_vectors(["cats"])]
    if named is not None:
        arrays += [named.vectors, named.centres, named.offset, model.feature_vector(["ascii"])]
        words = [*words, *named.names]
    return (
        tuple(words),
        tuple(array.tobytes() for array in arrays),
        model.settings,
        model.summary,
        tuple(map(repr, model.history)),
        model.corpus_digest,
        model.embeddings.temperature,
    )


def write_gensim_model(path: Path) -> None:
    """Save a small model under gensim's names, with a tree and noise words."""
    gensim_api.Word2Vec(SENTENCES, vector_size=3, min_count=1, epochs=1, workers=1, hs=1).save(path)


def read_gensim_model(path: Path) -> tuple[Any, ...]:
    """Load it and use it."""
    model = gensim_api.Word2Vec.load(path)
    arrays = [model.wv.vectors, model.wv.expandos["count"], model.syn1, model.syn1neg]
    return (
        tuple(model.wv.index_to_key),
        tuple(array.tobytes() for array in arrays),
        model.predict_output_word(["the"]),
        model.score([["the", "cat"]]).tobytes(),
        model.lifecycle_events[:-1],  # the last one is that it was loaded
    )


# Files of features


def write_features(path: Path) -> None:
    """Write the features of some words."""
    path.write_bytes("\ufeffcat\tanimal  small\r\n\nnaïve\tword\u3000new\n汉字\tword 汉".encode())


def read_feature_file(path: Path) -> Any:
    """Read them."""
    return read_features(path)


def naive_features(path: Path, _sound: Any) -> Any:
    """Whatever the bytes are, a naive reading of them is what must come."""
    found = {}
    for line in path.read_bytes().decode().removeprefix("\ufeff").split("\n"):
        if line.strip():
            word, rest = line.rstrip("\r").split("\t", 1)
            found[word] = rest.split()
    return found


def as_it_is(path: Path, _sound: Any) -> Any:
    """Without digests any well-formed content will do; it must only stay the same."""
    return read_model(path)


# Vectors in other programs' formats


def vector_reader(form: Format, *, named: bool = True) -> Reader:
    """Return the reader of a format, which is written from a small model first.

    Named or not: then it has to be recognised, and what is recognised as another format is read as
    that format's reader reads it.
    """

    def write(path: Path) -> None:
        features = {"inputs": "subwords", "bucket": 20} if form.name == "fasttext-bin" else {}
        Word2Vec(**SMALL, **features).fit(SENTENCES).export(path, form.name)

    def read(path: Path) -> tuple[Any, ...]:
        found = read_vectors(path, form.name if named else None)
        n_words, n_dimensions = found.vectors.shape
        if not (n_words == len(set(found.words)) == len(found.words) and n_dimensions):
            raise WrongSuccessError(f"{len(found.words)} words for {found.vectors.shape}")
        if found.vectors.dtype != np.float32 or not np.isfinite(found.vectors).all():
            raise WrongSuccessError("vectors that are no finite numbers")
        counts = None if found.counts is None else found.counts.tolist()
        if counts is not None and len(counts) != n_words:
            raise WrongSuccessError(f"{len(counts)} counts for {n_words} words")
        found.keyed_vectors()
        unknown = found.ngrams.of(["cats", "汉"]).tobytes() if found.ngrams else None
        return tuple(found.words), found.vectors.tobytes(), n_dimensions, counts, unknown

    def expected(path: Path, _sound: Any) -> Any:
        return read(path)

    suffix = form.suffixes[0] if form.suffixes else ""
    name = f"vectors, {form.name}" + ("" if named else ", unnamed")
    return Reader(name, write, read, expected, suffix if named else "")


# Test sets


def write_phrases(path: Path) -> None:
    """Write the phrases of a few sentences."""
    find_phrases(SENTENCES, PhraseSettings(min_count=1, threshold=0.01, passes=2)).write(path)


def read_phrases(path: Path) -> Any:
    """Read them and join them."""
    found = PhraseModel.read(path)
    return found.settings, found.passes, [found[sentence] for sentence in SENTENCES]


def write_pairs(path: Path) -> None:
    """Write a few pairs."""
    path.write_bytes("\ufeff# a comment\ntiger\tcat\t7.35\r\n\nnaïve,汉字,1e0\na b 0.5".encode())


def read_pair_file(path: Path) -> Any:
    """Read them."""
    return read_pairs(path).pairs


def naive_pairs(path: Path, _sound: Any) -> Any:
    """Whatever the bytes are, a naive reading of them is what must come."""
    found = []
    for line in path.read_bytes().decode().removeprefix("\ufeff").split("\n"):
        if not line.strip() or line.strip().startswith("#"):
            continue
        mark = next((mark for mark in "\t," if mark in line.strip()), None)
        first, second, value = (field.strip() for field in line.strip().split(mark))
        found.append((first, second, float(value)))
    return found


# Encoded corpora


def write_encoded(path: Path) -> None:
    """Encode a small corpus."""
    read_corpus(SENTENCES, min_count=1, encoded_folder=path)


def read_encoded(path: Path) -> tuple[Any, ...]:
    """Open an encoded corpus, checking its digest."""
    vocabulary, tokens = open_encoded(path)
    return (tuple(vocabulary.words), tokens.ids.tobytes(), tokens.sentence_starts.tobytes())


# Text: whatever the bytes are, a naive reading of them is what must come.


def decompress_streams(decompressor: Callable[[], Any], padding: bytes = b"") -> Any:
    """Return a naive decompressor of streams behind each other."""

    def decompress(data: bytes) -> bytes:
        parts = []
        while data:
            stream = decompressor()
            parts.append(stream.decompress(data))
            if not stream.eof:
                raise EOFError("cut")
            data = stream.unused_data.lstrip(padding)
        return b"".join(parts)

    return decompress


DECOMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.GzipFile(fileobj=io.BytesIO(data)).read(),
    ".bz2": decompress_streams(bz2.BZ2Decompressor),
    ".xz": decompress_streams(lzma.LZMADecompressor, b"\0"),
    ".zst": decompress_streams(lambda: zstandard.ZstdDecompressor().decompressobj()),
}
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


def text_reader(name: str, tokenizer: Any, suffix: str = "", errors: Any = "strict") -> Reader:
    """Return a reader of text files."""
    text = "\ufeffThe cat's\tnaïve 汉字\r\n\n\u00adsoft\u3000wide\0nul é😀 the end".encode()

    def write(path: Path) -> None:
        compress = COMPRESSORS[suffix]
        path.write_bytes(compress(text) + (compress(b"\n" + text) if suffix else b""))

    def read(path: Path) -> Any:
        from fastw2v.text.corpus import Source, open_corpus

        opened = open_corpus(Source(path, read_as="text"), errors)
        vocabulary, tokens = read_corpus(opened, tokenizer=tokenizer, min_count=1, block_bytes=16)
        ends = tokens.sentence_starts[1:].tolist()
        return [vocabulary.words[place] for place in tokens.ids], ends

    def expected(path: Path, _sound: Any) -> Any:
        data = DECOMPRESSORS[suffix](path.read_bytes()).removeprefix(b"\xef\xbb\xbf")
        data += b"" if data.endswith(b"\n") or not data else b"\n"  # a line, whatever is ignored
        sentences = tokenize_text(data.decode(errors=errors), tokenizer)
        words = [word for sentence in sentences for word in sentence]
        return words, np.cumsum([len(sentence) for sentence in sentences]).tolist()

    return Reader(name, write, read, expected, suffix)


# Damage


TOKENS = (
    *(b"\0", b"\xff", b"\n", b"\r", b"{", b"}", b"[", b'"', b",", b"\\u0000", b"\\ud800", b" "),
    *(b"-1", b"0", b"1", b"null", b"true", b"NaN", b"Infinity", b"1e999", b"0.5", b'""', b"[]"),
    *(b"1000000000000", b"9223372036854775807", b"18446744073709551616", b"9" * 5000),
    *(
        b"e" + b"9" * 30,
        b"0e" + b"9" * 30,
        b"-1e-" + b"9" * 30,
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b"\xe2\x82",
        b"\xf4\x90\x80\x80",
        b"\xed\xa0\x80",
    ),
    *(number.to_bytes(8, "little") for number in (0, 1, 10**12, 2**31, 2**63 - 1, 2**64 - 1)),
)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes with one to three things wrong."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(changed) + 1)
        to = min(len(changed), at + chance.choice((1, 1, 2, 4, 8, 64)))
        kind = chance.randrange(9)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and at < len(changed):
            changed[at] = chance.randrange(256)
        elif kind == 2:
            del changed[at:]
        elif kind == 3:
            del changed[at:to]
        elif kind == 4:
            changed[at:at] = changed[at:to]
        elif kind == 5:
            changed[at:at] = chance.choice(TOKENS)
        elif kind == 6:
            changed[at:to] = chance.choice(TOKENS)
        elif kind == 7:  # the first bytes of another kind of file, in front or over what is there
            beginning = chance.choice(BEGINNINGS)
            changed[: chance.choice((0, len(beginning)))] = beginning
        else:
            changed[:] = number_replaced(bytes(changed), chance)
    return bytes(changed)


def number_replaced(data: bytes, chance: random.Random) -> bytes:
    """Return text in which one number is another: the damage that headers lie with."""
    import re

    places = [match.span() for match in re.finditer(rb"\d+(\.\d+)?", data)]
    if not places:
        return data
    start, end = chance.choice(places)
    return data[:start] + chance.choice(TOKENS) + data[end:]


def damage(sound: Path, target: Path, chance: random.Random) -> str:
    """Copy a sound input with one of its files damaged; return which."""
    if target.is_dir():
        shutil.rmtree(target)
    if sound.is_dir():
        shutil.copytree(sound, target)
        name = chance.choice(sorted(path.name for path in target.iterdir()))
        path = target / name
        if chance.random() < 0.02:
            path.unlink()
            return f"{name} removed"
    else:
        name, path = sound.name, target
        shutil.copyfile(sound, target)
    path.write_bytes(damaged(path.read_bytes(), chance))
    return name


def headers_that_promise_too_much() -> dict[str, Callable[[Path], None]]:
    """Return changes to a sound model that make its headers promise 10^12 vectors."""
    many = 10**12

    def header(path: Path) -> None:
        arrays = path / model_folder.ARRAYS
        data = arrays.read_bytes()
        size = int.from_bytes(data[:8], "little")
        content = json.loads(data[8 : 8 + size])
        content["in_vectors"]["shape"] = [many, 3]
        start = content["in_vectors"]["data_offsets"][0]
        content["in_vectors"]["data_offsets"] = [start, start + 4 * 3 * many]
        text = json.dumps(content).encode()
        arrays.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])

    def length(path: Path) -> None:
        arrays = path / model_folder.ARRAYS
        arrays.write_bytes(many.to_bytes(8, "little") + arrays.read_bytes()[8:])

    def settings(path: Path) -> None:
        config = path / model_folder.CONFIG
        content = json.loads(config.read_text())
        content["hyperparameters"]["vector_size"] = many
        config.write_text(json.dumps(content))

    return {"shape": header, "length of the header": length, "vector_size": settings}
