"""Words that training never saw: their vectors, contexts and losses, against plain numpy."""

import math
from dataclasses import replace

import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.models.fasttext import FastTextKeyedVectors

from fastw2v import Word2Vec
from fastw2v.errors import ConfigurationError, UnknownWordError
from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.features import Ngrams
from fastw2v.objectives.unknown_words import (
    BEGINNING,
    ngram_matrix,
    shares_of_beginnings,
    vectors_of_features,
)
from fastw2v.system.threads import WorkerPool
from fastw2v.text.vocabulary import Vocabulary, keep_probability
from tests.kernels.test_ngrams import fasttext_hash, ngrams_of
from tests.support.feature_models import centre_of
from tests.support.feature_twins import random_features
from tests.training.test_objectives import naive_probabilities

STEMS = ["river", "lake", "straße", "日本語", "река", "e\u0301te", "stone", "bird"]
ENDINGS = ["", "s", "ing", "er", "日"]
UNKNOWN = ["riverings", "lakeside", "straßen", "日本", "реками", "stonebirds", "e\u0301tete"]
NOT_MADE = ["", "qqq", "\0", "😀", "q" * 1_000_000]
SETTINGS = {"vector_size": 7, "window": 2, "min_count": 1, "epochs": 3}
KINDS = {
    "subwords": {"inputs": "subwords", "bucket": 300_000},
    "subwords of measured windows": {
        "inputs": "subwords", "bucket": 300_000, "window_sample": 0.01, "sample": 0.01, "min_n": 2,
    },
    "plain": {},
    "negative": {"objective": "negative", "epochs": 8},
    "negative subwords": {"objective": "negative", "inputs": "subwords", "bucket": 300_000},
    "cbow": {"model": "cbow"},
    "hierarchical": {"objective": "hierarchical"},
}  # fmt: skip
SKIPGRAMS = [kind for kind in KINDS if kind != "cbow"]


def sentences(seed=1, n=400, unknown=0):
    generator = np.random.default_rng(seed)
    words = [stem + ending for stem in STEMS for ending in ENDINGS]
    chances = 1 / np.arange(1, len(words) + 1)
    made = [
        list(generator.choice(words, generator.integers(1, 12), p=chances / chances.sum()))
        for _ in range(n)
    ]
    for sentence in made:
        for _ in range(unknown):
            word = str(generator.choice([*UNKNOWN, "qqq"]))
            sentence.insert(int(generator.integers(0, len(sentence) + 1)), word)
    return [[str(word) for word in sentence] for sentence in made]


@pytest.fixture(scope="module")
def models():
    made = {}

    def get(kind):
        if kind not in made:
            model = Word2Vec(workers=1, **SETTINGS | KINDS[kind]).fit(sentences())
            if "inputs" not in KINDS[kind]:
                model.make_unknown_words(bucket=300_000)
            made[kind] = model
        return made[kind]

    return get


@pytest.fixture(params=KINDS)
def model(models, request):
    return models(request.param)


def naive_sum(word, ngrams, buckets, table):
    """The sum over the n-grams of a word, and how many there are, known or not."""
    rows = dict(zip(buckets.tolist(), table, strict=True))
    total, number = np.zeros(table.shape[1]), 0
    for ngram in ngrams_of(word, ngrams.min_n, ngrams.max_n):
        number += 1
        total += rows.get(fasttext_hash(ngram) % ngrams.bucket, 0)
    return total, number


def naive_vector(model, word):
    unknown = model.embeddings.unknown
    total, number = naive_sum(word, unknown.ngrams, unknown.table.buckets, unknown.table.vectors)
    return total / number


def naive_centre(model, word):
    unknown = model.embeddings.unknown
    total, number = naive_sum(word, unknown.ngrams, unknown.table.buckets, unknown.centres)
    return total / number**unknown.power - unknown.offset


def row_of_a_root(model, word):
    unknown = model.embeddings.unknown
    total, number = naive_sum(word, unknown.ngrams, unknown.table.buckets, unknown.centres)
    return total / math.sqrt(number) - unknown.offset


def test_vectors_are_means_over_ngrams(model):
    found = model.vectors(UNKNOWN)
    assert found.shape == (len(UNKNOWN), 7)
    for word, row in zip(UNKNOWN, found, strict=True):
        assert np.allclose(row, naive_vector(model, word), atol=1e-5)
        assert np.array_equal(model.vector(word), row)
        # Sabotage: a sum over the root of the number is another vector.
        assert not np.allclose(row, row_of_a_root(model, word), atol=1e-3)


def test_known_words_have_their_own(model):
    words = model.vocabulary.words[:5]
    mixed = [words[0], UNKNOWN[0], *words[1:], UNKNOWN[1]]
    found = model.vectors(mixed)
    assert np.array_equal(found[[0, 2, 3, 4, 5]], model.embeddings.table()[:5])
    assert np.array_equal(found[[1, 6]], model.vectors(UNKNOWN[:2]))
    assert model.vectors([]).shape == (0, 7)


def test_tables_of_unknown_words(model):
    centres = model.embeddings.centre_vectors(UNKNOWN)
    for word, row in zip(UNKNOWN, centres, strict=True):
        assert np.allclose(row, naive_centre(model, word), atol=1e-5)
    lacking = ["out", "both"]
    if model.embeddings.default_vectors == "in":
        assert np.array_equal(model.vectors(UNKNOWN, "in"), model.vectors(UNKNOWN))
        lacking.append("sum")
    else:
        assert np.array_equal(model.vectors(UNKNOWN, "in"), centres)
    for table in lacking:
        assert not model.embeddings.makes_unknown(table)
        if model.settings.objective == "hierarchical":
            continue
        with pytest.raises(UnknownWordError, match="'riverings' is not among"):
            model.vectors(["river", "riverings"], table)
        made = model.embeddings.unknown_vectors(["riverings"], table)
        assert made.shape == (1, model.embeddings.table(table).shape[1])
        assert not made.any()
    if model.settings.objective != "hierarchical":
        known = model.embeddings.table("out")[[model.vocabulary.index("river")]]
        assert np.array_equal(model.vectors(["river"], "out"), known)


@pytest.mark.parametrize("word", NOT_MADE, ids=lambda word: repr(word[:3]))
def test_words_of_unknown_ngrams_alone_are_told(models, word):
    for kind in ("subwords", "plain"):
        with pytest.raises(UnknownWordError) as caught:
            models(kind).vector(word)
        assert len(str(caught.value)) < 400
        assert "\n" not in str(caught.value)
        assert "\0" not in str(caught.value)


def test_words_of_any_length_and_script(models):
    model = models("subwords")
    for word in ["river" * 200_000, "日本語" * 1000, "river\0", "\0river\0s", "ri ver s", "RIVER"]:
        if not model.embeddings.unknown.can_make([word]):
            continue
        vector = model.vector(word)
        assert np.isfinite(vector).all()
        assert vector.any()
    assert model.embeddings.unknown.can_make(["river\0"])
    assert np.allclose(model.vector("river\0"), naive_vector(model, "river\0"), atol=1e-5)
    long = "river" * 500
    assert np.allclose(model.vector(long), naive_vector(model, long), atol=1e-5)
    together = ["riverings", long, "lakeside"]
    assert np.array_equal(model.vectors(together), [model.vector(word) for word in together])


def test_unknown_words_lie_near_what_they_are_made_of(models):
    """The vector of an unknown form of a stem is near known forms of the stem."""
    model = models("plain")
    near = [word for word, _ in model.wv.most_similar("lakerings", topn=3)]
    assert any(word.startswith("lake") or word.endswith("ing") for word in near)


def test_contexts_are_the_softmax_of_the_centre(model):
    for word in UNKNOWN[:3]:
        found = dict(model.predict_context(word, topn=None))
        assert sum(found.values()) == pytest.approx(1, abs=1e-6)
        centre = naive_centre(model, word).astype(np.float32)
        expected = naive_probabilities(model, centre)
        came = [found[other] for other in model.vocabulary.words]
        assert np.allclose(came, expected, rtol=1e-3, atol=1e-7)
    with pytest.raises(UnknownWordError):
        model.predict_context("qqq")
    none = model.embeddings.probabilities(np.empty((0, 7), np.float32))
    assert none.shape == (0, len(model.vocabulary))


def naive_unknown_loss(model, text, widths, window=SETTINGS["window"]):
    """Mean of -log p(o | c) around unknown words c that have vectors, by a double loop."""
    words = model.vocabulary.words
    places = {word: place for place, word in enumerate(words)}
    makes = [word for word in UNKNOWN if model.embeddings.unknown.can_make([word])]
    places |= {word: len(words) + at for at, word in enumerate(makes)}
    centres = [np.float32(naive_centre(model, word)) for word in makes]
    logs = [np.log(naive_probabilities(model, centre)) for centre in centres]
    wide = np.concatenate([widths, np.zeros(len(makes))])
    loss = weight = n_tokens = 0
    for sentence in text:
        ids = [places[word] for word in sentence if word in places]
        n_tokens += sum(word >= len(words) for word in ids)
        for i, centre in enumerate(ids):
            for j, context in enumerate(ids):
                between = wide[ids[min(i, j) + 1 : max(i, j)]].sum()
                share = math.floor(window - between + 0.5)
                if centre < len(words) <= context or centre < len(words) or context >= len(words):
                    continue
                if share > 0 and abs(i - j) <= 4 * window:
                    loss -= share * logs[centre - len(words)][context]
                    weight += share
    return loss / weight, n_tokens


@pytest.mark.parametrize("kind", SKIPGRAMS)
def test_the_loss_around_unknown_words_is_the_naive_one(models, kind):
    model, text = models(kind), sentences(2, 60, unknown=2)
    counts = model.vocabulary.counts
    measured = "window_sample" in KINDS[kind] or "objective" not in KINDS[kind]
    widths = (
        keep_probability(counts, model.settings.window_sample) if measured else np.ones(len(counts))
    )
    result = model.perplexity(text)
    loss, n_tokens = naive_unknown_loss(model, text, widths)
    assert result.unknown_loss_nats == pytest.approx(loss, rel=1e-4)
    assert result.n_unknown == n_tokens
    assert result.n_oov == sum(word not in model.vocabulary for line in text for word in line)
    assert n_tokens < result.n_oov  # "qqq" has no vector
    # Sabotage: other windows, and other words' contexts.
    assert result.unknown_loss_nats != pytest.approx(
        naive_unknown_loss(model, text, widths, window=1)[0], rel=1e-3
    )
    mirrored = [line[::2] + line[1::2] for line in text]
    assert result.unknown_loss_nats != pytest.approx(
        naive_unknown_loss(model, mirrored, widths)[0], rel=1e-3
    )


@pytest.mark.parametrize("kind", SKIPGRAMS)
def test_the_loss_of_known_words_does_not_hear_of_unknown_ones(models, kind):
    model, text = models(kind), sentences(2, 60, unknown=2)
    known = [[word for word in line if word in model.vocabulary] for line in text]
    with_unknown, without = model.perplexity(text), model.perplexity(known)
    assert with_unknown.loss_nats == without.loss_nats
    assert with_unknown.pair_weight == without.pair_weight
    assert (without.n_unknown, without.unknown_loss_nats) == (0, None)


def test_contexts_of_cbow_are_known_words(models):
    result = models("cbow").perplexity(sentences(2, 60, unknown=2))
    assert (result.n_unknown, result.unknown_loss_nats) == (0, None)


def test_gensim_has_the_same_vectors_and_finds_the_same_words(model, tmp_path):
    keyed = model.wv
    assert isinstance(keyed, FastTextKeyedVectors)
    keyed.save(str(tmp_path / "vectors.kv"))
    known = model.vocabulary.words
    assert np.array_equal([keyed.get_vector(word) for word in known], model.vectors(known))
    for wv in (keyed, KeyedVectors.load(str(tmp_path / "vectors.kv"))):
        for word in UNKNOWN:
            assert word in wv
            assert word not in wv.key_to_index
            assert np.allclose(wv.get_vector(word), model.vector(word), atol=1e-6)
        for word in known[:10]:
            assert np.allclose(wv.get_vector(word), model.vector(word), atol=1e-6)
            assert (
                wv.get_vecattr(word, "count")
                == model.vocabulary.counts[model.vocabulary.index(word)]
            )
        near, same = (vectors.most_similar("riverings", topn=5) for vectors in (wv, keyed))
        assert [word for word, _ in near] == [word for word, _ in same]
        assert [cosine for _, cosine in near] == pytest.approx([x for _, x in same], abs=1e-5)
        unit = wv.get_normed_vectors()
        cosines = unit @ (model.vector("riverings") / np.linalg.norm(model.vector("riverings")))
        best = model.vocabulary.words[int(np.argmax(cosines))]
        assert wv.most_similar("riverings", topn=1)[0][0] == best
        assert wv.similarity("river", "riverings") == pytest.approx(
            cosines[model.vocabulary.index("river")], abs=1e-5
        )


def test_other_tables_of_gensim_have_known_words_alone(models):
    keyed = models("subwords").keyed_vectors("in")
    assert not isinstance(keyed, FastTextKeyedVectors)
    assert "riverings" not in keyed


def test_more_buckets_than_memory_are_told():
    model = Word2Vec(inputs="subwords", bucket=2**31 - 1, **SETTINGS | {"vector_size": 300})
    model.fit(sentences(n=30))
    assert model.vector("riverings").any()
    with pytest.raises(ConfigurationError, match=r"bucket: expected as many as memory has room"):
        model.wv.get_vector("riverings")


@pytest.mark.parametrize("inputs", ["subwords", "features"])
def test_what_has_vectors_of_features_gets_no_others(inputs):
    text = sentences(n=30)
    words = sorted({word for sentence in text for word in sentence})
    given = {"features": {word: [word[:2]] for word in words}} if inputs == "features" else {}
    model = Word2Vec(inputs=inputs, **SETTINGS).fit(text, **given)
    with pytest.raises(ConfigurationError, match=rf"got one with inputs='{inputs}'"):
        model.make_unknown_words()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"min_n": 0}, "min_n: expected at least 1, got 0"),
        ({"min_n": 7}, "min_n: expected at most max_n=5, got 7"),
        ({"max_n": 1001}, "max_n: expected at most 1000"),
        ({"bucket": 0}, "bucket: expected at least 1, got 0"),
        ({"bucket": 2**31}, "bucket: expected at most"),
        ({"min_n": 2.5}, "min_n: expected"),
    ],
)
def test_numbers_out_of_range_are_told(models, numbers, message):
    with pytest.raises(ConfigurationError, match=message):
        Word2Vec(**SETTINGS).fit(sentences(n=20)).make_unknown_words(**numbers)


def test_a_word_of_n_grams_that_no_word_has_is_unknown_for_good():
    text = [["abc", "cd", "ef", "abc"]] * 20
    trained = Word2Vec(inputs="subwords", min_n=5, max_n=12, **SETTINGS).fit(text)
    made = Word2Vec(**SETTINGS).fit(text).make_unknown_words(min_n=5, max_n=12)
    for model in (trained, made):
        with pytest.raises(UnknownWordError, match="none of its character n-grams of 5 to 12"):
            model.vector("abcdefghijkl")
        assert np.array_equal(model.vectors(["cd"]), model.vector("cd")[None])
        assert model.perplexity([["abc", "zz", "cd"]]).unknown_loss_nats is None


def test_making_them_gives_the_same_bits_for_any_number_of_workers():
    found = []
    for workers in (1, 2, 3):
        model = Word2Vec(workers=workers, **SETTINGS).fit(sentences()).make_unknown_words()
        unknown = model.embeddings.unknown
        found.append((unknown.table.vectors.tobytes(), unknown.centres.tobytes()))
    assert found[0] == found[1] == found[2]


def test_something_new_with_known_features():
    text = sentences()
    words = sorted({word for sentence in text for word in sentence})
    features = {word: [word, word[:2], f"size {len(word)}"] for word in words}
    model = Word2Vec(**SETTINGS).fit(text, features=features)
    named = model.embeddings.named_features
    vectors = dict(zip(named.names, named.vectors.astype(np.float64), strict=True))
    asked = ["ri", "size 5"]
    assert np.allclose(
        model.feature_vector(asked), np.mean([vectors[name] for name in asked], axis=0), atol=1e-6
    )
    for word in words[:5]:  # known ones come out as they are trained, on the centre's side
        found = centre_of(named, features[word])
        assert np.allclose(found, model.vectors([word], "in")[0], atol=1e-5)
    with pytest.raises(UnknownWordError, match="'zz' is not among the"):
        model.feature_vector(["ri", "zz"])
    with pytest.raises(ConfigurationError, match="expected a list of names, got 'ri'"):
        model.feature_vector("ri")
    with pytest.raises(UnknownWordError, match="expected at least one, got none"):
        model.feature_vector([])
    with pytest.raises(UnknownWordError, match="got one with inputs='words'"):
        Word2Vec(**SETTINGS).fit(text).feature_vector(asked)
    with pytest.raises(UnknownWordError):
        model.vector("riverings")


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("scale", [100, 0.01, -1])
def test_vectors_of_features_do_not_hear_of_the_scale_of_all_values(scale, shared):
    generator = np.random.default_rng(7)
    matrix = random_features(generator, 30, 12)
    if not shared:  # a feature of its own for each word
        matrix = replace(matrix, starts=np.arange(31), indices=np.arange(30), n_features=30)
        matrix = replace(matrix, values=matrix.values[:30])
    tables = generator.normal(size=(2, 30, 7)).astype(np.float32)
    vocabulary = Vocabulary([f"w{word}" for word in range(30)], np.ones(30, np.int64), 30, 30)
    embeddings = Embeddings(vocabulary, *tables, np.zeros(30, np.float32))
    size = matrix.n_features
    centres = generator.normal(size=(size, 7)).astype(np.float32), np.zeros(7, np.float32)
    scaled = replace(matrix, values=np.float32(scale) * matrix.values)
    with WorkerPool(1) as pool:
        expected = vectors_of_features(matrix, embeddings, centres, pool)
        sign = np.float32(np.sign(scale))  # training leaves centres of the other sign as well
        found = vectors_of_features(scaled, embeddings, (sign * centres[0], centres[1]), pool)
    assert np.allclose(sign * found, expected, atol=1e-4)


def naive_beginnings(words, ngrams):
    """Return which n-grams begin a word, in the order of their first character."""
    found = []
    for word in words:
        framed = f"<{word}>" if word != "</s>" else ""
        for first in range(len(framed)):
            for size in range(ngrams.min_n, min(ngrams.max_n, len(framed) - first) + 1):
                if framed[first : first + size] not in ("<", ">"):
                    found.append(first == 0)
    return found


@pytest.mark.parametrize(("min_n", "max_n"), [(1, 1), (1, 3), (2, 5), (3, 6), (4, 40)])
def test_ngrams_that_begin_a_word_are_those_behind_its_frame(min_n, max_n):
    words = ["river", "a", "", "</s>", "größe", "水", "a" * 30]
    ngrams = Ngrams(min_n, max_n, 1000)
    starts, _ = ngrams.of(words)
    assert ngrams.begin_words(words, starts).tolist() == naive_beginnings(words, ngrams)


@pytest.mark.parametrize("bucket", [1_000_000, 7])
def test_what_begins_a_word_counts_more(bucket):
    """In buckets that n-grams share, by how many of their places begin a word."""
    words, ngrams = ["river", "rivers", "verse"], Ngrams(2, 4, bucket)
    every = ngrams.of(words)[1]
    buckets = np.unique(every)
    begin = np.array(naive_beginnings(words, ngrams))
    expected = [1 + begin[every == one].mean() * (BEGINNING - 1) for one in buckets]
    shares = shares_of_beginnings(words, ngrams, ngram_matrix(words, ngrams, buckets))
    np.testing.assert_allclose(shares, expected, rtol=1e-6)
    assert shares.max() > shares.min() >= 1


def test_n_grams_longer_than_every_word_are_refused():
    text = [["river", "water", "a"]] * 4
    plain = Word2Vec(**SETTINGS).fit(text)
    message = r"got 8 to 9 characters where the longest word has 7 with its frame; take a smaller"
    with pytest.raises(ConfigurationError, match=message):
        plain.make_unknown_words(min_n=8, max_n=9)
    for objective in ("softmax", "negative", "hierarchical"):
        model = Word2Vec(inputs="subwords", objective=objective, min_n=8, max_n=9, **SETTINGS)
        with pytest.raises(ConfigurationError, match=message):
            model.fit(text)
