"""Counts over different words added up: those of all texts at once, or told what is not there."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v import Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts import merging
from fastw2v.counts import parts as count_files
from fastw2v.counts.build import count_corpus
from fastw2v.counts.folder import read_counts
from fastw2v.counts.merged_folder import merge_counts
from fastw2v.counts.wider import WithEmptyRows, order_within
from fastw2v.errors import VocabularyError
from tests.support.corpora_made import random_sentences
from tests.support.counted_pairs import pairs_of
from tests.support.programs import tree

PLAIN = CountingSettings(window=2, window_sample=0, min_count=1)
RARE = CountingSettings(window=2, window_sample=0, min_count=2)
SENTENCES = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=6), max_size=8)
_TEXTS = {
    "a": [["w1", "w2", "w3"], ["w2", "w1"]],
    "b": [["w3", "w4", "w1", "w9"]] * 2,
    "c": [["w7", "w2"], ["w9", "w7", "w7"]],
}


def counted(sentences, folder, counting=PLAIN, **options):
    return count_corpus(sentences, counting, folder, workers=1, **options)


def naive(sentences, kept, window=2):
    """Return weights of pairs of kept words; the others are taken out before windows are."""
    found = Counter()
    for sentence in sentences:
        words = [word for word in sentence if word in kept]
        for place, centre in enumerate(words):
            for at in range(max(0, place - window), min(len(words), place + window + 1)):
                if at != place:
                    found[centre, words[at]] += window + 1 - abs(at - place)
    return found


def words_of(sentences, least=1):
    seen = Counter(word for sentence in sentences for word in sentence)
    return {word for word, count in seen.items() if count >= least}


def files_of(folder):
    """Return the bytes of all files but the manifest, which names the texts that were counted."""
    return {name: content for name, content in tree(folder).items() if "manifest" not in str(name)}


@settings(deadline=None, max_examples=30)
@given(SENTENCES, SENTENCES)
def test_the_sum_is_what_counting_both_at_once_gives(tmp_path_factory, yesterday, today):
    folder = tmp_path_factory.mktemp("counts")
    yesterday, today = [["a", "b"], *yesterday], [["a", "c", "z"], *today]
    counted(yesterday, folder / "one")
    counted(today, folder / "two")
    counted(yesterday + today, folder / "both")
    found = merge_counts([folder / "one", folder / "two"], folder / "sum")
    assert pairs_of(found) == naive(yesterday + today, words_of(yesterday + today))
    assert files_of(folder / "sum") == files_of(folder / "both")
    assert found.statistics.n_tokens == sum(map(len, yesterday + today))


def test_in_any_order_and_steps_in_many_pieces_to_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(count_files, "PART_ENTRIES", 7)
    monkeypatch.setattr(merging, "BLOCK_ENTRIES", 5)
    for name, text in _TEXTS.items():
        counted(text, tmp_path / name)
    counted([sentence for text in _TEXTS.values() for sentence in text], tmp_path / "all")

    def merged(target, *names):
        merge_counts([tmp_path / name for name in names], tmp_path / target)
        return tree(tmp_path / target)

    at_once = merged("abc", "a", "b", "c")
    merged("bc", "b", "c")
    assert at_once == merged("cba", "c", "b", "a") == merged("steps", "bc", "a")
    assert files_of(tmp_path / "abc") == files_of(tmp_path / "all")
    # Sabotage: a text that is counted twice is noticed.
    assert merged("aab", "a", "a", "b", "c") != at_once


def test_rare_words_of_one_text_have_pairs_from_the_others_alone(tmp_path):
    """With `grow`, and refused without: the docs say what differs, and this is it."""
    yesterday, today = random_sentences(1, 40, sentences=40), random_sentences(2, 40, sentences=40)
    counted(yesterday, tmp_path / "one", RARE)
    counted(today, tmp_path / "two", RARE)
    kept = words_of(yesterday, 2), words_of(today, 2)
    assert kept[0] != kept[1]
    message = r"one: expected counts over the same words, or of texts that left out none, got \d+ "
    with pytest.raises(VocabularyError, match=rf"{message}tokens that were .*--vocabulary.*--grow"):
        merge_counts([tmp_path / "one", tmp_path / "two"], tmp_path / "sum")
    assert not (tmp_path / "sum").exists()
    found = merge_counts([tmp_path / "one", tmp_path / "two"], tmp_path / "sum", grow=True)
    assert set(found.vocabulary.words) == kept[0] | kept[1]
    assert pairs_of(found) == naive(yesterday, kept[0]) + naive(today, kept[1])
    assert pairs_of(found) != naive(yesterday + today, kept[0] | kept[1])
    seen = [Counter(w for s in text for w in s) for text in (yesterday, today)]
    for word, count in zip(found.vocabulary.words, found.vocabulary.counts.tolist(), strict=True):
        assert count == sum(s[word] for s, words in zip(seen, kept, strict=True) if word in words)
    assert Word2Vec(vector_size=4, epochs=1).fit_counts(tmp_path / "sum").summary.loss_nats > 0


def test_a_text_counted_over_given_words_left_some_out(tmp_path):
    """Its min_count is 1, as that of the words that were given; its new words are not there."""
    counted(_TEXTS["a"], tmp_path / "a")
    given_words = read_counts(tmp_path / "a")
    counted(_TEXTS["b"], tmp_path / "b", reference=given_words)
    counted(_TEXTS["c"], tmp_path / "c")
    merge_counts([tmp_path / "a", tmp_path / "b"], tmp_path / "ab")
    with pytest.raises(VocabularyError, match=r"ab: .*4 tokens that were left out"):
        merge_counts([tmp_path / "c", tmp_path / "ab"], tmp_path / "sum")
    found = merge_counts([tmp_path / "c", tmp_path / "ab"], tmp_path / "sum", grow=True)
    assert set(found.vocabulary.words) == {"w1", "w2", "w3", "w7", "w9"}


def test_what_cannot_be_added_is_refused_with_or_without_growing(tmp_path):
    measured = CountingSettings(window=2, window_sample=0.01, min_count=1)
    text = [f"{sentence[0]} x".split() + sentence for sentence in _TEXTS["a"] * 9]
    counted(text, tmp_path / "one", measured)
    counted([*text, ["x", "y"] * 4], tmp_path / "two", measured)
    few = CountingSettings(window=2, window_sample=0, min_count=1, max_final_vocab=2)
    counted(_TEXTS["a"], tmp_path / "few", few)
    counted(_TEXTS["b"], tmp_path / "few too", few)
    for folders, message in (
        (("one", "two"), "same widths of words, got another one of .*--window-sample 0"),
        (("few", "few too"), "max_final_vocab: expected at most 2 words of all counts together"),
        (("one", "few"), "same window_sample, got 0.01 and 0"),
    ):
        with pytest.raises(VocabularyError, match=message):
            merge_counts([tmp_path / name for name in folders], tmp_path / "sum", grow=True)
    assert not (tmp_path / "sum").exists()


def test_items_of_any_kind_are_told_apart(tmp_path):
    counted([[1, "1", (1,)]], tmp_path / "one")
    counted([["1", 1, b"1"]], tmp_path / "two")
    found = merge_counts([tmp_path / "one", tmp_path / "two"], tmp_path / "sum")
    assert sorted(map(repr, found.vocabulary.words)) == ["'1'", "(1,)", "1", "b'1'"]
    assert found.vocabulary.counts.tolist() == [2, 2, 1, 1]


def test_memory_is_that_of_a_block_and_not_of_the_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(count_files, "PART_ENTRIES", 40_000)
    monkeypatch.setattr(merging, "BLOCK_ENTRIES", 20_000)
    for seed, name in ((1, "one"), (2, "two")):
        generator = np.random.default_rng(seed)
        text = [
            [f"w{number}" for number in line]
            for line in generator.integers(200 * seed, 1500 + 200 * seed, (6000, 20)).tolist()
        ]
        counted(text, tmp_path / name, CountingSettings(window=5, window_sample=0, min_count=1))
    corpora = [read_counts(tmp_path / name) for name in ("one", "two")]
    merge_counts([tmp_path / "one", tmp_path / "two"], tmp_path / "sum")  # kernels are compiled
    merged = read_counts(tmp_path / "sum").vocabulary
    tracemalloc.start()
    try:
        n_entries, largest = 0, 0
        for block in merging.merged_rows(
            [WithEmptyRows(corpus.counts, len(merged)) for corpus in corpora],
            [order_within(merged, corpus.vocabulary) for corpus in corpora],
        ):
            n_entries, largest = n_entries + len(block.indices), max(largest, len(block.indices))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert n_entries == read_counts(tmp_path / "sum").counts.n_entries > 50 * largest
    assert peak < 100 * merging.BLOCK_ENTRIES < 8 * n_entries


def test_by_command(run, tmp_path):
    for name, text in _TEXTS.items():
        counted(text, tmp_path / name)
        counted(text, tmp_path / f"{name} rare", RARE)
    status, out, err = run(
        "counts", "merge", *(tmp_path / name for name in "abc"), "-o", tmp_path / "sum"
    )
    assert (status, err) == (0, "")
    assert "tokens       18 of 18 in 6 sentences" in out
    rare = [tmp_path / f"{name} rare" for name in "abc"]
    status, _, err = run("counts", "merge", *rare, "-o", tmp_path / "rare")
    assert status == 2
    assert "--grow" in err
    assert run("counts", "merge", *rare, "-o", tmp_path / "rare", "--grow")[0] == 0
