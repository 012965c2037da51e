"""Folders of counts: count once, train many times, the same bits as from the text; merging."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v import Word2Vec
from fastw2v.config import CountingSettings
from fastw2v.counts import merging as count_merging
from fastw2v.counts import parts as count_files
from fastw2v.counts.build import count_corpus, reference_counts
from fastw2v.counts.folder import described_counts, read_counts
from fastw2v.counts.matrix import CountPart, PairCounts
from fastw2v.counts.merged_folder import merge_counts
from fastw2v.counts.pairs import count_pairs
from fastw2v.counts.parts import CountsInFiles, write_parts
from fastw2v.errors import ConfigurationError, CorpusError, OutputError, VocabularyError
from fastw2v.objectives.softmax.batches import CountBatches
from fastw2v.system.manifests import file_digest
from fastw2v.text.phrase_model import PHRASES
from fastw2v.text.phrases import PhraseSettings, find_phrases
from fastw2v.text.reading import read_corpus
from fastw2v.text.word_rules import WordRules
from tests.support.corpora_made import chain_sentences, random_sentences, write_text
from tests.support.programs import tree

COUNTING = CountingSettings(window=3, window_sample=0.02, min_count=2, tokenizer="whitespace")
MODEL = {"vector_size": 8, "epochs": 2, "batch_rows": 16, "sample": 1e-2}


@pytest.fixture
def small_parts(monkeypatch):
    """Rows are cut and merged in many pieces."""
    monkeypatch.setattr(count_files, "PART_ENTRIES", 50)
    monkeypatch.setattr(count_merging, "BLOCK_ENTRIES", 70)


@pytest.fixture(scope="module")
def text_file(tmp_path_factory):
    sentences = chain_sentences(seed=3, n_words=60, sentences=400, skew=1.2)
    return write_text(tmp_path_factory.mktemp("text") / "text.txt", sentences)


def counted(corpus, folder, counting=COUNTING, **options):
    return count_corpus(corpus, counting, folder, workers=2, **options)


def dense(counts):
    matrix = np.zeros((counts.n_words, counts.n_words), np.int64)
    for part in counts.parts:
        rows = part.first + np.repeat(np.arange(part.n_rows), np.diff(part.indptr))
        matrix[rows, part.indices] = part.values
    return matrix


def random_counts(seed, n_words, largest=50, density=0.3):
    generator = np.random.default_rng(seed)
    matrix = generator.integers(1, largest, (n_words, n_words))
    matrix *= generator.random((n_words, n_words)) < density
    matrix[generator.random(n_words) < 0.2] = 0
    indptr = np.concatenate([[0], np.cumsum((matrix > 0).sum(axis=1))]).astype(np.int64)
    indices = np.nonzero(matrix)[1].astype(np.int32)
    values = matrix[matrix > 0]
    kind = np.int32 if values.max(initial=0) < 2**31 else np.int64
    return PairCounts(indptr, indices, values.astype(kind), 5)


def in_files(counts, folder):
    folder.mkdir()
    return CountsInFiles(folder, write_parts(folder, counts.parts))


# Counts in parts


@pytest.mark.parametrize("largest", [50, 2**33])
def test_whatever_is_read_off_counts_is_the_same_in_parts(tmp_path, small_parts, largest):
    whole = random_counts(1, 40, largest)
    parts = in_files(whole, tmp_path / "parts")
    assert len(parts.parts) > 5
    weights = np.random.default_rng(2).random(40)
    assert parts.total == whole.total
    assert (parts.n_words, parts.n_entries) == (whole.n_words, whole.n_entries)
    for sums in ("row_sums", "context_sums"):
        for given_weights in (None, weights):
            ours = getattr(parts, sums)(given_weights)
            assert ours.tobytes() == getattr(whole, sums)(given_weights).tobytes()
    for entropy in ("conditional_entropy_nats", "context_entropy_nats"):
        assert getattr(parts, entropy)(weights, weights) == getattr(whole, entropy)(
            weights, weights
        )
    parts.verify()
    batches = [
        CountBatches(counts, weights, dimensions=8, rows=16, seed=1) for counts in (parts, whole)
    ]
    for ours, theirs in zip(*(batch.one_epoch(0) for batch in batches), strict=True):
        for one, other in zip(ours, theirs, strict=True):
            if one is None:  # columns of a batch of all words
                assert other is None
            else:
                assert one.tobytes() == other.tobytes()


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 100))
def test_parts_are_cut_alike_however_rows_come(tmp_path_factory, data, seed):
    whole = random_counts(seed, 30)
    cuts = sorted(data.draw(st.lists(st.integers(1, 29), max_size=8, unique=True)))
    blocks = []
    for start, stop in zip([0, *cuts], [*cuts, 30], strict=True):
        indptr = whole.indptr[start : stop + 1]
        entries = slice(indptr[0], indptr[-1])
        values = whole.values[entries].astype(np.int64)
        blocks.append(CountPart(start, indptr - indptr[0], whole.indices[entries], values))
    folders = [tmp_path_factory.mktemp("parts") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(count_files, "PART_ENTRIES", 40)
        files = [write_parts(folders[0], whole.parts), write_parts(folders[1], blocks)]
    assert files[0] == files[1]
    assert tree(folders[0]) == tree(folders[1])
    assert len(files[0]) > 1
    assert all(part.n_rows == 1 or part.n_entries <= 40 for part in files[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=4), st.data())
def test_merged_rows_are_the_sum_of_matrices(seeds, data):
    summands = [random_counts(seed, 20) for seed in seeds]
    orders = [
        data.draw(st.one_of(st.none(), st.permutations(range(20)).map(np.array))) for _ in seeds
    ]
    expected = np.zeros((20, 20), np.int64)
    for counts, order in zip(summands, orders, strict=True):
        places = slice(None) if order is None else np.ix_(order, order)
        expected += dense(counts)[places]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(count_merging, "BLOCK_ENTRIES", data.draw(st.sampled_from([1, 60, 10**6])))
        blocks = list(count_merging.merged_rows(summands, orders))
    found = np.zeros((20, 20), np.int64)
    following = 0
    for part in blocks:
        assert part.first == following
        following += part.n_rows
        for row in range(part.n_rows):
            entries = slice(part.indptr[row], part.indptr[row + 1])
            assert np.all(np.diff(part.indices[entries]) > 0)
            found[part.first + row, part.indices[entries]] = part.values[entries]
    assert following == 20
    np.testing.assert_array_equal(found, expected)


# Count, then train


def test_training_on_counts_gives_the_bits_of_training_on_the_text(
    tmp_path, text_file, small_parts
):
    fields = COUNTING.as_dict()
    from_text = Word2Vec(**MODEL, **fields).fit(text_file)
    corpus = counted(text_file, tmp_path / "counts")
    assert len(corpus.counts.parts) > 5
    for settings_given in (MODEL, MODEL | fields):
        model = Word2Vec(**settings_given).fit_counts(tmp_path / "counts")
        assert model.settings == from_text.settings
        assert model.corpus_digest == from_text.corpus_digest
        assert model.summary.loss_nats == from_text.summary.loss_nats
        assert [record.loss_nats for record in model.history] == [
            record.loss_nats for record in from_text.history
        ]
        for name in ("in_vectors", "out_vectors", "out_bias"):
            assert getattr(model, name).tobytes() == getattr(from_text, name).tobytes()
    # The check would see another setting.
    other = Word2Vec(**MODEL | {"sample": 1e-3}).fit_counts(tmp_path / "counts")
    assert other.in_vectors.tobytes() != from_text.in_vectors.tobytes()


def test_a_folder_holds_what_was_counted(tmp_path, text_file, small_parts):
    corpus = counted(text_file, tmp_path / "counts")
    vocabulary, tokens = read_corpus(text_file, min_count=2, tokenizer="whitespace")
    assert corpus.vocabulary.words == vocabulary.words
    assert corpus.statistics.digest == tokens.digest(vocabulary)
    assert (corpus.statistics.n_tokens, corpus.statistics.n_sentences) == (
        tokens.n_tokens,
        tokens.n_sentences,
    )
    expected = count_pairs(tokens, len(vocabulary), 3, workers=1, widths=corpus.widths)
    np.testing.assert_array_equal(dense(read_counts(tmp_path / "counts").counts), dense(expected))


@pytest.mark.parametrize(
    ("given_settings", "name"),
    [
        ({"window": 4}, "window"),
        ({"min_count": 5}, "min_count"),
        ({"tokenizer": "words"}, "tokenizer"),
        ({"window_sample": 0.0}, "window_sample"),
        ({"max_final_vocab": 7}, "max_final_vocab"),
        ({"objective": "negative"}, "objective"),
        ({"model": "cbow"}, "model"),
        ({"batches": "tokens"}, "batches"),
    ],
)
def test_what_contradicts_the_counts_is_refused(tmp_path, text_file, given_settings, name):
    counted(text_file, tmp_path / "counts")
    model = Word2Vec(vector_size=4, **given_settings)
    with pytest.raises(ConfigurationError, match=rf"^{name}: expected .*, got"):
        model.fit_counts(tmp_path / "counts")


def test_counts_of_a_text_without_pairs_are_refused(tmp_path):
    counted([["a"], ["b"], ["a"], ["b"]], tmp_path / "counts")
    with pytest.raises(CorpusError, match="at least one pair"):
        Word2Vec(vector_size=4).fit_counts(tmp_path / "counts")


# What is not as written


def damage_part(folder):
    path = folder / "part-00000.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


def damage_words(folder):
    path = folder / "vocabulary.json"
    path.write_text(path.read_text().replace('"w1"', '"w_"'))


def cut_part(folder):
    path = folder / "part-00000.safetensors"
    path.write_bytes(path.read_bytes()[:-8])


def drop_part(folder):
    (folder / "part-00000.safetensors").unlink()


def edited(change):
    def edit(folder):
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest))

    return edit


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_part, "damaged .*digest"),
        (damage_words, "damaged .*vocabulary.json"),
        (cut_part, "damaged"),
        (drop_part, "damaged"),
        (lambda folder: (folder / "manifest.json").unlink(), "no manifest.json"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "cannot be read as JSON"),
        (edited(lambda manifest: manifest.update(format="other")), "another program"),
        (
            edited(lambda manifest: manifest.update(schema_version=2)),
            "schema version 1, got 2, written by fastw2v.* or .*count the text again",
        ),
        (edited(lambda manifest: manifest["parts"].clear()), "damaged .*rows"),
        (edited(lambda manifest: manifest["parts"][0].update(first=1)), "damaged .*rows"),
        (edited(lambda manifest: manifest["parts"][0].update(file="../x")), "damaged .*itself"),
        (edited(lambda manifest: manifest["counting"].update(window=0)), "damaged .*window"),
        (edited(lambda manifest: manifest.pop("corpus")), "damaged"),
    ],
)
def test_damaged_counts_are_refused(tmp_path, text_file, damage, message):
    folder = tmp_path / "counts"
    counted(text_file, folder)
    damage(folder)
    with pytest.raises(CorpusError, match=message):
        read_counts(folder)


def test_phrases_are_among_the_files_of_a_folder(tmp_path):
    phrases = find_phrases([["new", "york"]] * 9, PhraseSettings(min_count=1, threshold=0.1))
    folder = tmp_path / "counts"
    counted([["new", "york", "a"]] * 3, folder, words=WordRules(phrases))
    assert described_counts(folder).n_bytes == sum(map(len, tree(folder).values()))
    (folder / PHRASES).unlink()
    with pytest.raises(CorpusError, match=r"counts are damaged.*phrases\.json"):
        described_counts(folder)


def test_entries_that_point_nowhere_are_refused_though_digests_agree(tmp_path, text_file):
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "counts"
    counted(text_file, folder)
    path = folder / "part-00000.safetensors"
    arrays = load_file(path)
    arrays["indices"][-1] = 10**6
    save_file(arrays, path)
    digest = file_digest(path)
    edited(lambda manifest: manifest["parts"][0].update(digest=digest))(folder)
    with pytest.raises(CorpusError, match=r"damaged .*row \d+: expected ascending"):
        read_counts(folder)


def test_nothing_but_earlier_counts_is_replaced(tmp_path, text_file):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious.txt").write_text("precious")
    with pytest.raises(OutputError, match="other things"):
        counted(text_file, tmp_path / "other")
    counted(text_file, tmp_path / "counts")
    before = tree(tmp_path / "counts")
    with pytest.raises(CorpusError):
        counted([[]], tmp_path / "counts")
    assert tree(tmp_path / "counts") == before


# Merging


def halves(seed=5):
    sentences = random_sentences(seed, 30, sentences=300)
    return sentences[:120], sentences[120:]


def test_counts_over_one_vocabulary_add_up_to_those_of_both_texts(tmp_path, small_parts):
    first, second = halves()
    plain = CountingSettings(window=2, window_sample=0, min_count=1)
    counted(first + second, tmp_path / "both", plain)
    reference = reference_counts(tmp_path / "both", {})
    counted(first, tmp_path / "first", plain, reference=reference)
    counted(second, tmp_path / "second", plain, reference=reference)
    for number, folders in enumerate((("first", "second"), ("second", "first"))):
        merge_counts([tmp_path / name for name in folders], tmp_path / f"merged{number}")
    assert tree(tmp_path / "merged0") == tree(tmp_path / "merged1")
    merged, both = (read_counts(tmp_path / name) for name in ("merged0", "both"))
    assert merged.vocabulary.words == both.vocabulary.words
    assert merged.vocabulary.counts.tolist() == both.vocabulary.counts.tolist()
    np.testing.assert_array_equal(dense(merged.counts), dense(both.counts))
    assert merged.statistics.n_tokens == both.statistics.n_tokens
    for part in ("part-00000.safetensors", "part-00001.safetensors"):
        assert (tmp_path / "merged0" / part).read_bytes() == (tmp_path / "both" / part).read_bytes()
    # Measured windows, too, if both texts were measured with the same widths.
    measured = CountingSettings(window=2, window_sample=0.01, min_count=1)
    counted(first + second, tmp_path / "both", measured)
    reference = reference_counts(tmp_path / "both", {"window": 2})
    counted(first, tmp_path / "first", measured, reference=reference)
    counted(second, tmp_path / "second", measured, reference=reference)
    merged = merge_counts([tmp_path / "first", tmp_path / "second"], tmp_path / "merged")
    np.testing.assert_array_equal(
        dense(merged.counts), dense(read_counts(tmp_path / "both").counts)
    )
    assert Word2Vec(vector_size=4, epochs=1).fit_counts(tmp_path / "merged").summary.loss_nats > 0


def test_merging_in_any_steps_gives_the_same_bytes(tmp_path):
    plain = CountingSettings(window=2, window_sample=0, min_count=1)
    thirds = [random_sentences(seed, 12, sentences=80) for seed in (1, 2, 3)]
    counted([*thirds[0], *thirds[1], *thirds[2]], tmp_path / "all", plain)
    reference = reference_counts(tmp_path / "all", {})
    names = [tmp_path / name for name in "abc"]
    for name, text in zip(names, thirds, strict=True):
        counted(text, name, plain, reference=reference)
    merge_counts(names, tmp_path / "at_once")
    merge_counts([names[1], names[2]], tmp_path / "bc")
    merge_counts([tmp_path / "bc", names[0]], tmp_path / "in_steps")
    assert tree(tmp_path / "at_once") == tree(tmp_path / "in_steps")


def test_counts_that_do_not_fit_together_are_refused(tmp_path):
    first = halves()[0]
    plain = CountingSettings(window=2, window_sample=0, min_count=1)
    counted(first, tmp_path / "first", plain)
    rare = CountingSettings(window=2, window_sample=0, min_count=2)
    counted([*first, ["seldom"]], tmp_path / "rare", rare)
    counted([["else", "where"]] * 2, tmp_path / "words", rare)
    counted(first, tmp_path / "window", CountingSettings(window=3, window_sample=0, min_count=1))
    with pytest.raises(VocabularyError, match=r"same words.*only one.*--vocabulary"):
        merge_counts([tmp_path / "rare", tmp_path / "words"], tmp_path / "merged")
    with pytest.raises(VocabularyError, match="same window, got 2 and 3"):
        merge_counts([tmp_path / "first", tmp_path / "window"], tmp_path / "merged")
    measured = CountingSettings(window=2, window_sample=0.01, min_count=1)
    words = sorted({word for sentence in first for word in sentence})
    counted(first, tmp_path / "one", measured)
    counted([*first[:50], words, words], tmp_path / "two", measured)
    with pytest.raises(VocabularyError, match="same widths"):
        merge_counts([tmp_path / "one", tmp_path / "two"], tmp_path / "merged")
    with pytest.raises(CorpusError, match="at least two"):
        merge_counts([tmp_path / "first"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


# The command line


def test_count_train_info_and_merge_by_command(run, tmp_path, text_file):
    counts, options = tmp_path / "counts", ["--window", "3", "--min-count", "2"]
    status, out, _ = run("count", text_file, "-o", counts, *options)
    assert status == 0
    assert f"counts       {counts}" in out
    quick = ["--vector-size", "4", "--epochs", "1", "--quiet"]
    assert run("train", "--counts", counts, "-o", tmp_path / "one", *quick) == (0, "", "")
    assert run("train", text_file, "-o", tmp_path / "two", *quick, *options) == (0, "", "")
    one, two = (tmp_path / name / "arrays.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    status, out, _ = run("counts", "info", counts, "--json")
    found = json.loads(out)
    words = Counter(text_file.read_text().split())
    assert found["n_words"] == sum(count >= 2 for count in words.values())
    assert found["corpus"]["n_raw_tokens"] == sum(words.values())
    assert found["counting"]["window"] == 3
    assert "pairs" in run("counts", "info", counts)[1]
    assert run("count", text_file, "-o", tmp_path / "more", "--vocabulary", counts, "--quiet") == (
        0,
        "",
        "",
    )
    status, out, _ = run("counts", "merge", counts, tmp_path / "more", "-o", tmp_path / "sum")
    assert status == 0
    assert read_counts(tmp_path / "sum").counts.total == 2 * read_counts(counts).counts.total


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "-o", "MODEL"], "Missing argument 'CORPUS...'"),
        (["train", "TEXT", "--counts", "COUNTS", "-o", "MODEL"], "either CORPUS or --counts"),
        (["train", "--counts", "TEXT", "-o", "MODEL"], "expected a folder written by"),
        (["train", "--counts", "COUNTS", "-o", "MODEL", "--window", "9"], "window: expected 5"),
        (["count", "TEXT", "--vocabulary", "COUNTS", "-o", "MODEL", "--window", "9"], "window: "),
        (["counts", "info", "TEXT"], "expected a folder written by"),
    ],
)
def test_wrong_use_of_counts_is_one_line(run, tmp_path, text_file, arguments, message):
    names = {"TEXT": text_file, "COUNTS": tmp_path / "counts", "MODEL": tmp_path / "model"}
    counted(text_file, names["COUNTS"], CountingSettings(min_count=2))
    status, out, err = run(*[names.get(argument, argument) for argument in arguments])
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not names["MODEL"].exists()
