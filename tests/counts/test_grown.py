"""Counts of yesterday added to those of today: the numbers of both texts at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v import StartFrom, Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts.build import count_corpus, count_text
from fastw2v.counts.corpus import counting_widths
from fastw2v.counts.folder import read_counts
from fastw2v.counts.grown import grown_widths, with_counts_before
from fastw2v.counts.merged_folder import merge_counts
from fastw2v.errors import ConfigurationError
from fastw2v.text.growth import EarlierWords
from fastw2v.text.reading import read_corpus
from tests.support.corpora_made import chain_sentences, write_text
from tests.support.counted_pairs import pairs_of

SENTENCES = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=6), min_size=1, max_size=8)
PLAIN = CountingSettings(window=3, window_sample=0.0, min_count=1)
SMALL = {"vector_size": 5, "window": 3, "min_count": 1, "epochs": 2}


def counted(sentences, counting=PLAIN):
    vocabulary, tokens = read_corpus(sentences, min_count=counting.min_count)
    return count_text(tokens, vocabulary, counting, workers=2)


def grown(before, sentences, counting=PLAIN, *, grows=True, folder=None):
    words = EarlierWords.of(before.vocabulary, grows=grows)
    vocabulary, tokens = read_corpus(sentences, min_count=counting.min_count, earlier=words)
    widths = grown_widths(before, vocabulary, counting_widths(vocabulary, counting))
    found = count_text(tokens, vocabulary, counting, workers=2, widths=widths)
    return with_counts_before(found, before, folder)


@settings(deadline=None, max_examples=40)
@given(SENTENCES, SENTENCES)
def test_the_sum_is_what_counting_both_at_once_gives(yesterday, today):
    yesterday, today = [["a", "b"], *yesterday], [["a", "c"], *today]
    both = counted(yesterday + today)
    found = grown(counted(yesterday), today)
    assert found.vocabulary.words == both.vocabulary.words
    assert found.vocabulary.counts.tolist() == both.vocabulary.counts.tolist()
    assert pairs_of(found) == pairs_of(both)
    for name in ("indptr", "indices", "values"):
        mine, theirs = (
            np.concatenate([getattr(part, name) for part in corpus.counts.parts])
            for corpus in (found, both)
        )
        if name != "indptr":
            assert mine.dtype == theirs.dtype
            assert mine.tolist() == theirs.tolist()
    assert found.statistics.n_tokens == both.statistics.n_tokens


def test_kept_words_and_measured_windows(tmp_path):
    """Over the words of yesterday, in their windows, in memory and in files."""
    yesterday = chain_sentences(1, 12, sentences=60, skew=1.2)
    today = [*chain_sentences(2, 12, sentences=40, skew=1.2), ["w0", "new", "w1"]]
    counting = CountingSettings(window=3, window_sample=0.05, min_count=1)
    before = counted(yesterday, counting)
    vocabulary, tokens = read_corpus(
        [*yesterday, *([w for w in sentence if w != "new"] for sentence in today)], min_count=1
    )
    places = [before.vocabulary.index(word) for word in vocabulary.words]
    whole = count_text(tokens, vocabulary, counting, workers=1, widths=before.widths[places])
    for folder in (None, tmp_path / "sum"):
        found = grown(before, today, counting, grows=False, folder=folder)
        assert pairs_of(found) == pairs_of(whole)
        assert found.vocabulary.words == whole.vocabulary.words
        assert found.widths.tolist() == whole.widths.tolist()
    # Sabotage: in windows of its own the text of today would be counted otherwise.
    own = grown(counted(yesterday, counting), today, counting)
    assert pairs_of(own) != pairs_of(whole)


def arrays_of(model):
    tables = (model.in_vectors, model.out_vectors, model.out_bias)
    return [table.tobytes() for table in tables]


@pytest.mark.parametrize("memory_mib", [None, 4000])
def test_training_on_added_counts_has_the_bits_of_both_texts_at_once(tmp_path, memory_mib):
    yesterday, today = chain_sentences(1, 20), chain_sentences(2, 24)
    model = Word2Vec(**SMALL, window_sample=0.0).fit(yesterday)
    write_text(tmp_path / "yesterday.txt", yesterday)
    count_corpus(tmp_path / "yesterday.txt", PLAIN, tmp_path / "counts")
    start = StartFrom(model, counts=tmp_path / "counts")
    said = []
    found = Word2Vec(workers=2).fit(today, start=start, memory_mib=memory_mib, notice=said.append)
    assert f"counts of the earlier text are added: {tmp_path / 'counts'}" in said
    count_corpus(today, PLAIN, tmp_path / "today")
    merge_counts([tmp_path / "counts", tmp_path / "today"], tmp_path / "both")
    count_corpus([*yesterday, *today], PLAIN, tmp_path / "at once")
    assert pairs_of(read_counts(tmp_path / "both")) == pairs_of(read_counts(tmp_path / "at once"))
    whole = Word2Vec(workers=1).fit_counts(tmp_path / "both", start=model)
    assert found.vocabulary.words == whole.vocabulary.words
    assert arrays_of(found) == arrays_of(whole)
    alone = Word2Vec(workers=1).fit(today, start=model, notice=said.append)
    assert arrays_of(alone) != arrays_of(found)
    assert any(
        "on the new text alone" in sentence and "--start-counts" in sentence for sentence in said
    )


def test_counts_that_a_model_was_trained_on_are_found_again(tmp_path):
    yesterday, today = chain_sentences(1, 20), chain_sentences(2, 24)
    count_corpus(yesterday, PLAIN, tmp_path / "counts")
    model = Word2Vec(**SMALL, window_sample=0.0).fit_counts(tmp_path / "counts")
    assert model.run_record.counts == str(tmp_path / "counts")
    model.save(tmp_path / "model")
    found = Word2Vec(workers=1).fit(today, start=tmp_path / "model")
    assert found.run_record.start["counts"] == str(tmp_path / "counts")
    given_counts = StartFrom(tmp_path / "model", counts=tmp_path / "counts")
    assert arrays_of(found) == arrays_of(Word2Vec(workers=1).fit(today, start=given_counts))
    # Counts of another text in their place are none of the model's.
    count_corpus(today, PLAIN, tmp_path / "counts")
    alone = Word2Vec(workers=1).fit(today, start=tmp_path / "model")
    assert alone.run_record.start["counts"] is None
    other = Word2Vec(workers=1, objective="negative").fit(today, start=tmp_path / "model")
    assert other.run_record.start["counts"] is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"objective": "negative"}, "start_counts: expected skip-gram with the exact softmax by"),
        ({"model": "cbow"}, "start_counts: expected skip-gram with the exact softmax by"),
        ({"batches": "tokens"}, "start_counts: expected skip-gram with the exact softmax by"),
        ({"window": 2}, "window: expected 3, with which the counts .*counts were made, got 2"),
        ({"max_final_vocab": 6}, "max_final_vocab: expected all 20 words of the earlier counts"),
    ],
)
def test_counts_that_cannot_be_added_are_refused(tmp_path, asked, message):
    yesterday = chain_sentences(1, 20, sentences=40)
    count_corpus(yesterday, PLAIN, tmp_path / "counts")
    model = Word2Vec(**SMALL, window_sample=0.0).fit_counts(tmp_path / "counts")
    with pytest.raises(ConfigurationError, match=message):
        Word2Vec(workers=1, **asked).fit(
            yesterday, start=StartFrom(model, counts=tmp_path / "counts")
        )


def test_counts_to_train_on_take_a_start_and_decide_the_words(tmp_path):
    yesterday, today = chain_sentences(1, 20), chain_sentences(2, 12)
    model = Word2Vec(**SMALL).fit(yesterday)
    count_corpus(today, CountingSettings(window=3, min_count=1), tmp_path / "counts")
    found = Word2Vec(workers=1).fit_counts(tmp_path / "counts", start=model)
    assert len(found.vocabulary) == 12
    assert found.run_record.start["n_known"] == 12
    for start in (StartFrom(model, "keep"), StartFrom(model, counts=tmp_path / "counts")):
        with pytest.raises(ConfigurationError, match="expected none beside counts to train on"):
            Word2Vec(workers=1).fit_counts(tmp_path / "counts", start=start)
    with pytest.raises(ConfigurationError, match="start_counts: expected a model to start from"):
        Word2Vec(**SMALL).fit(today, start=StartFrom(model.wv, counts=tmp_path / "counts"))
