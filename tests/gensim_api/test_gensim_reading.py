"""What fastw2v.gensim_api reads: gensim's readers of files, streams, and how often each is read."""

import gc
import io
import tempfile
import warnings
from itertools import pairwise

import numpy as np
import pytest
from gensim.models.phrases import Phrases
from hypothesis import given
from hypothesis import strategies as st

from fastw2v.errors import TokenKindError
from fastw2v.gensim_api import (
    BrownCorpus,
    LineSentence,
    PathLineSentences,
    Text8Corpus,
    Word2Vec,
    reading,
)
from tests.support.corpora_made import write_text
from tests.support.gensim_twins import same_vocabulary, some_sentences, twins

LINES = "a b  c\n\n d\te\x0bf\u2003g\u00a0a\r\n b b\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(LINES, encoding="utf-8", newline="")
    return path


def decoded(text, n=None):
    """The sentences that a numbered text holds."""
    index = {word: place for place, word in enumerate(text.words)}
    tokens = text.encoded(index)
    starts = tokens.sentence_starts
    assert len(tokens.ids) == starts[-1] == text.n_tokens == text.counts.sum()
    sentences = [tokens.ids[a:b].tolist() for a, b in pairwise(starts)]
    return [[text.words[place] for place in sentence] for sentence in sentences if sentence]


@pytest.mark.parametrize("longest", [1, 2, 3, 10_000])
def test_files_are_read_as_gensim_reads_them(file, longest):
    sentences = LineSentence(str(file), max_sentence_length=longest)
    text = reading.numbered_text(sentences, None)
    assert decoded(text) == list(sentences)
    assert text.n_sentences == len(list(sentences))


@given(st.lists(st.text("ab \t\n\r\x0b\x1c\x85\u2003\u3000é", max_size=40), max_size=8))
def test_any_lines_are_read_as_gensim_reads_them(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("lines") / "text"
    path.write_text("\n".join(["x", *lines]), encoding="utf-8", newline="")
    for longest in (2, 10_000):
        sentences = LineSentence(str(path), max_sentence_length=longest)
        text = reading.numbered_text(sentences, None)
        assert decoded(text) == list(sentences)
        assert text.n_sentences == len(list(sentences))


def test_limit_and_file_objects_are_read_by_gensim(file):
    for sentences in (
        LineSentence(str(file), limit=1),
        LineSentence(io.BytesIO(LINES.encode())),
    ):
        text = reading.numbered_text(sentences, None)
        assert decoded(text) == list(sentences)
        model = Word2Vec(sentences, min_count=1)
        assert model.corpus_count == len(list(sentences))
        assert model.corpus_total_words == sum(map(len, sentences))
    assert len(list(LineSentence(str(file), limit=1))) == 1


def test_windows_do_not_cross_the_longest_sentence(file):
    """With sentences of one token there is nothing to learn from."""
    model = Word2Vec(LineSentence(str(file), max_sentence_length=1), min_count=1, compute_loss=True)
    assert model.get_latest_training_loss() == 0
    model = Word2Vec(LineSentence(str(file)), min_count=1, sample=0, compute_loss=True)
    assert model.get_latest_training_loss() > 0


def test_long_sentences_are_not_cut():
    """gensim trains on the first 10,000 tokens of a sentence and drops the rest."""
    long = [f"w{k % 7}" for k in range(25_000)]
    model = Word2Vec(min_count=1, sample=0, vector_size=4)
    model.build_vocab([long])
    assert model.train([long], total_examples=1, epochs=1) == (25_000, 25_000)


def test_other_readers(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    write_text(folder / "2.txt", some_sentences(2))
    write_text(folder / "1.txt", some_sentences(1))
    (tmp_path / "brown").mkdir()
    (tmp_path / "brown" / "ca01").write_text("The/at jury/nn said/vbd ./.\n" * 9)
    for corpus in (
        PathLineSentences(str(folder)),
        Text8Corpus(str(folder / "1.txt"), max_sentence_length=50),
        BrownCorpus(str(tmp_path / "brown")),
    ):
        theirs, ours = twins(min_count=2, sorted_vocab=0)
        for model in (theirs, ours):
            model.build_vocab(corpus)
        assert same_vocabulary(theirs, ours)
        assert theirs.corpus_count == ours.corpus_count
        assert ours.train(corpus, total_examples=ours.corpus_count, epochs=1)[0] > 0


def test_corpus_file_and_sentences_give_the_same_model(tmp_path):
    path = write_text(tmp_path / "text.txt", [s for s in some_sentences() if s])
    options = {"min_count": 2, "workers": 1, "vector_size": 10}
    first = Word2Vec(corpus_file=str(path), **options)
    for sentences in (LineSentence(str(path)), list(LineSentence(str(path)))):
        again = Word2Vec(sentences, **options)
        assert again.wv.index_to_key == first.wv.index_to_key
        assert (again.wv.vectors == first.wv.vectors).all()
    two_steps = Word2Vec(**options)
    two_steps.build_vocab(corpus_file=str(path))
    two_steps.train(corpus_file=str(path), total_words=two_steps.corpus_total_words, epochs=5)
    assert two_steps.wv.index_to_key == first.wv.index_to_key


class Counted:
    """Sentences that note how often they are read; other ones each time if asked."""

    def __init__(self, changes=False):
        self.readings, self.changes = 0, changes

    def __iter__(self):
        self.readings += 1
        yield from some_sentences(self.readings if self.changes else 1)


class CountedList(list):
    readings = 0

    def __iter__(self):
        self.readings += 1
        return super().__iter__()


def test_what_may_change_is_read_for_each_epoch():
    corpus = Counted(changes=True)
    model = Word2Vec(corpus, min_count=1, epochs=3, sample=0)
    assert corpus.readings == 1 + 3
    assert model.corpus_total_words == sum(map(len, some_sentences(1)))


def test_lists_are_read_once():
    corpus = CountedList(some_sentences())
    model = Word2Vec(corpus, min_count=1, epochs=3)
    assert corpus.readings == 1
    model.train(corpus, total_examples=120, epochs=4)
    assert corpus.readings == 2


def test_another_total_is_warned_of(caplog):
    model = Word2Vec(min_count=1)
    model.build_vocab(some_sentences())
    model.train(some_sentences(), total_examples=7, epochs=1)
    assert "supplied example count (120) did not equal expected count (7)" in caplog.text


@pytest.mark.parametrize("max_vocab_size", [None, 1000])
def test_progress_is_logged(max_vocab_size, caplog):
    model = Word2Vec(min_count=1, max_vocab_size=max_vocab_size)
    with caplog.at_level("INFO"):
        model.build_vocab(some_sentences(), progress_per=50)
    logged = [record.message for record in caplog.records if "PROGRESS" in record.message]
    assert logged == [f"PROGRESS: at sentence #{number}" for number in (0, 50, 100)]


def test_an_empty_corpus_is_warned_of(caplog):
    model = Word2Vec(min_count=1)
    model.build_vocab(some_sentences())
    before = model.wv.vectors.copy()
    assert model.train([], total_examples=120, epochs=1) == (0, 0)
    assert "empty iterator" in caplog.text
    assert (model.wv.vectors == before).all()


def test_phrases_are_read_as_streams():
    text = [["new", "york", *sentence] for sentence in some_sentences(n_words=400)]
    phrases = Phrases(text, min_count=1, threshold=1)
    for stream in (phrases[text], phrases.freeze()[text]):
        assert reading.reads_the_same(stream)
        model = Word2Vec(stream, min_count=1, epochs=2)
        assert "new_york" in model.wv
        assert set(model.wv.index_to_key) == {word for sentence in stream for word in sentence}
    assert not reading.reads_the_same(phrases[Counted()])


@pytest.mark.parametrize("corpus", [(s for s in [["a"]]), iter([["a"]]), map(list, ["a"])])
def test_what_is_read_once_only_is_refused(corpus):
    with pytest.raises(TypeError, match="what can be read 6 times"):
        Word2Vec(corpus, min_count=1)
    model = Word2Vec(min_count=1)
    model.build_vocab(corpus)
    assert list(model.wv.index_to_key) == ["a"]


def test_a_generator_will_do_for_one_epoch():
    model = Word2Vec(min_count=1, sample=0)
    model.build_vocab(some_sentences())
    done = model.train((s for s in some_sentences()), total_examples=120, epochs=1)
    assert done[0] == done[1] > 0
    with pytest.raises(TypeError):
        model.train((s for s in some_sentences()), total_examples=120, epochs=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "got neither"),
        ({"corpus_iterable": [["a"]], "corpus_file": "x"}, "got both"),
        ({"corpus_file": "missing.txt"}, "expected the path of a file"),
        ({"corpus_iterable": 7}, "expected an iterable"),
    ],
)
def test_impossible_corpora_are_errors(arguments, message):
    with pytest.raises(TypeError, match=message):
        Word2Vec(min_count=1).build_vocab(**arguments)


def test_compressed_files_are_refused_as_corpus_file(tmp_path):
    path = tmp_path / "text.gz"
    path.write_bytes(b"")
    with pytest.raises(TypeError, match="pass LineSentence"):
        Word2Vec(corpus_file=str(path))


@pytest.mark.parametrize("memory_bytes", [1 << 26, 64])  # in memory, and on disk
def test_nothing_is_left_open(memory_bytes, monkeypatch, file):
    monkeypatch.setattr(reading, "_MEMORY_BYTES", memory_bytes)
    opened = []

    class Spool(tempfile.SpooledTemporaryFile):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            opened.append(self)

    monkeypatch.setattr(reading.tempfile, "SpooledTemporaryFile", Spool)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Word2Vec(some_sentences(), min_count=1, epochs=1)
        Word2Vec(LineSentence(str(file)), min_count=1, epochs=2)
        with pytest.raises(TokenKindError):
            Word2Vec([["a"], ["b", []]], min_count=1)
        model = Word2Vec(min_count=1)
        model.build_vocab(Counted())
        model.train(Counted(), total_examples=model.corpus_count, epochs=2)
        del model
        gc.collect()
    assert [item for item in caught if issubclass(item.category, ResourceWarning)] == []
    assert len(opened) == 6
    assert all(spool.closed for spool in opened)


def test_many_numbers_wait_on_disk(monkeypatch):
    whole = reading.numbered_text(some_sentences(), None)
    monkeypatch.setattr(reading, "_MEMORY_BYTES", 64)
    monkeypatch.setattr(reading, "_CHUNK_NUMBERS", 50)
    pieces = reading.numbered_text(some_sentences(), None)
    assert decoded(pieces) == decoded(whole) == [s for s in some_sentences() if s]
    assert (pieces.counts == whole.counts).all()
    tokens = pieces.encoded({"w0": 0, "w3": 1})
    assert np.bincount(tokens.ids).tolist() == [
        sum(s.count(word) for s in some_sentences()) for word in ("w0", "w3")
    ]
    assert tokens.n_oov == tokens.n_raw_tokens - len(tokens.ids)
