"""The scikit-learn transformer: its conventions, its means, and that a classifier can use them."""

import io
import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import joblib
import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from fastw2v import Hyperparameters, Word2Vec
from fastw2v.errors import ConfigurationError, CorpusError
from fastw2v.integrations.sklearn import UnknownDocumentWarning, Word2VecTransformer
from tests.support.corpora_made import TOPICS, topic_of, topic_sentences

QUICK = {"vector_size": 8, "min_count": 1, "epochs": 2, "sample": 0.0}


class RowsAsDocuments(Word2VecTransformer):
    """Takes matrices, a word for each rounded cell: scikit-learn's checks know nothing else."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.string = False
        return tags

    def fit(self, X, y=None):
        return super().fit(validate_data(self, X), y)

    def transform(self, X):
        check_is_fitted(self)
        return super().transform(validate_data(self, X, reset=False))

    def _documents(self, X):
        return [[[f"{column}:{round(cell)}" for column, cell in enumerate(row)]] for row in X]


@pytest.mark.filterwarnings("ignore::fastw2v.integrations.sklearn.UnknownDocumentWarning")
@parametrize_with_checks(
    [RowsAsDocuments(vector_size=3, min_count=1, epochs=1)],
    expected_failed_checks=lambda _: {
        "check_fit2d_1feature": "a document of one word has no pair of words to train on",
    },
)
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


def test_the_transformer_itself_says_that_it_takes_text():
    with pytest.warns(match=r"Can't test .*two_d_array=False"):
        check_estimator(Word2VecTransformer())


def test_every_hyper_parameter_is_a_parameter_with_its_default():
    settings = {item.name: item.default for item in fields(Hyperparameters)}
    random_state = settings.pop("seed")
    parameters = Word2VecTransformer().get_params()
    assert parameters == settings | {
        "random_state": random_state,
        "n_jobs": None,
        "vectors": None,
    }
    with pytest.raises(TypeError, match="windw"):
        Word2VecTransformer(windw=5)


def test_clones_and_changed_parameters_reach_the_model():
    transformer = clone(Word2VecTransformer(**QUICK)).set_params(window=2, random_state=7, n_jobs=2)
    transformer.fit(topic_sentences(1, 50))
    expected = Hyperparameters(window=2, seed=7, **QUICK)
    assert transformer.model_.settings == expected
    assert transformer.model_.workers == 2
    assert "window=2" in repr(transformer)


def test_impossible_values_are_told_when_fitting():
    transformer = Word2VecTransformer(window=0)
    with pytest.raises(ConfigurationError, match="window: expected at least 1, got 0"):
        transformer.fit([["a", "b"]])


def test_means_are_those_of_a_loop_over_words():
    documents = topic_sentences(1, 80)
    transformer = Word2VecTransformer(**QUICK).fit(documents)
    plain = Word2Vec(**QUICK, workers=1).fit(documents)
    table = plain.embeddings.table("sum")
    given = [*documents[:5], ["t0w01", "unheard", "t0w01", "t1w02"]]
    expected = [
        np.mean([table[plain.vocabulary.index(w)] for w in words if w in plain.vocabulary], axis=0)
        for words in given
    ]
    means = transformer.transform(given)
    assert means.dtype == np.float32
    np.testing.assert_allclose(means, expected, rtol=1e-5, atol=1e-6)
    # The check can fail: a mean over all words, the unknown one too, is not near.
    assert not np.allclose(means[5] * 3 / 4, expected[5], rtol=1e-3)


SUBWORDS = {**QUICK, "inputs": "subwords", "min_n": 2, "max_n": 4, "bucket": 100_000}


@pytest.mark.parametrize("vectors", [None, "in"])
def test_unknown_words_count_where_the_model_makes_their_vectors(vectors):
    documents = topic_sentences(1, 80)
    transformer = Word2VecTransformer(vectors=vectors, **SUBWORDS).fit(documents)
    assert transformer.model_.settings.max_n == 4
    unknown = ["t0w011", "t0w0", "t0w011"]
    given = [["t0w01", *unknown, "qqqq"], unknown, *documents[:3]]
    model = transformer.model_
    expected = [
        model.vectors([word for word in words if word != "qqqq"], vectors).mean(axis=0)
        for words in given
    ]
    means = transformer.transform(given)
    np.testing.assert_allclose(means, expected, rtol=1e-4, atol=1e-6)
    known_alone = transformer.vectors_[transformer.vocabulary_["t0w01"]]
    assert not np.allclose(means[0], known_alone, rtol=1e-2)  # dropping them would be seen
    with pytest.warns(UnknownDocumentWarning, match="1 of 2 documents .*, nor one with a known n-"):
        assert not transformer.transform([["qqqq"], unknown])[0].any()
    copied = pickle.loads(pickle.dumps(transformer))
    assert np.array_equal(copied.transform(given), means)


def test_out_vectors_have_no_unknown_words():
    transformer = Word2VecTransformer(vectors="out", **SUBWORDS).fit(topic_sentences(1, 80))
    with pytest.warns(UnknownDocumentWarning):
        assert not transformer.transform([["t0w011"]]).any()


@pytest.mark.parametrize("vectors", ["in", "out", "sum", "both"])
def test_the_table_can_be_chosen(vectors):
    transformer = Word2VecTransformer(vectors=vectors, **QUICK).fit(topic_sentences(1, 50))
    table = transformer.model_.embeddings.table(vectors)
    assert np.array_equal(
        transformer.transform([["t0w01"]])[0], table[transformer.vocabulary_["t0w01"]]
    )


def test_text_is_cut_by_the_tokenizer_and_lines_are_sentences(tmp_path):
    texts = ["The cat's hat!\nIt sat.", "", "A hat, a cat.", "\n\nthe cat\n"]
    (tmp_path / "text.txt").write_text("\n".join(texts), encoding="utf-8")
    settings = {**QUICK, "vector_size": 3}
    transformer = Word2VecTransformer(**settings).fit(texts)
    plain = Word2Vec(workers=1, **settings).fit(tmp_path / "text.txt")
    assert np.array_equal(transformer.vectors_, plain.embeddings.table())
    with pytest.warns(UnknownDocumentWarning, match="1 of 4 documents"):
        of_texts = transformer.transform(texts)
    tokens = [["the", "cat's", "hat", "it", "sat"], [], ["a", "hat", "a", "cat"], ["the", "cat"]]
    with pytest.warns(UnknownDocumentWarning):
        assert np.array_equal(of_texts, transformer.transform(tokens))
    assert not np.array_equal(
        transformer.set_params(tokenizer="whitespace").transform(texts[2:3]), of_texts[2:3]
    )


def test_documents_of_unknown_words_are_zero_and_counted():
    transformer = Word2VecTransformer(**QUICK).fit([["a", "b"], ["b", "c"]])
    with pytest.warns(UnknownDocumentWarning, match=r"2 of 3 documents have no word .*\(3 words\)"):
        means = transformer.transform([["unheard"], ["a"], []])
    assert not means[[0, 2]].any()
    assert means[1].any()


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("a text", "got one str 'a text'"),
        (b"bytes", "got one bytes"),
        (5, "got one int"),
        ([["a"], [1, 2]], r"got \[1, 2\] as document 1"),
        ([b"bytes"], "got b'bytes' as document 0"),
        ([None], "got None as document 0"),
        ([[["a"]]], r"got \[\['a'\]\] as document 0"),
    ],
)
def test_what_is_no_documents_is_refused(documents, message):
    with pytest.raises(CorpusError, match=message):
        Word2VecTransformer().fit(documents)


TEXTS = ["red apples and pears", "sweet red apples", "old iron nails", "nails of iron"]


class Relation:
    """A table that has a shape alone, as those of databases."""

    shape = (4, 1)

    def __iter__(self):
        return iter([(text,) for text in TEXTS])


def tables():
    pd = pytest.importorskip("pandas")
    pa = pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"text": TEXTS, "label": [0, 0, 1, 1]})
    return {
        "frame": frame,
        "frame of one column": frame[["text"]],
        "frame without names": pd.DataFrame(TEXTS),
        "array of one column": np.array(TEXTS)[:, None],
        "array of tokens": np.array([["a", "b"], ["b", "a"]]),
        "no dimension": np.array("text"),
        "three dimensions": np.array([[["a"]]]),
        "mapping": {"text": TEXTS},
        "arrow": pa.table({"text": TEXTS}),
        "sparse": csr_array(np.eye(3)),
        "relation": Relation(),
    }


@pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
@pytest.mark.parametrize("name", tables())
def test_tables_are_refused(name, method):
    table = tables()[name]
    transformer = Word2VecTransformer(**QUICK)
    if method == "transform":
        transformer.fit(TEXTS)
    with pytest.raises(
        CorpusError, match=r"one dimension of documents.*ColumnTransformer\(\["
    ) as e:
        getattr(transformer, method)(table)
    message = str(e.value)
    if "text" in getattr(table, "columns", ()):
        assert f"of shape {table.shape} with the columns 'text'" in message
        assert "X['text']" in message
        assert "a list of columns, as ['text'], gives two dimensions" in message


def test_frames_of_polars_are_refused():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"text": TEXTS})
    with pytest.raises(CorpusError, match="with the columns 'text'"):
        Word2VecTransformer(**QUICK).fit(frame)
    expected = Word2VecTransformer(**QUICK).fit(TEXTS).vectors_
    assert np.array_equal(Word2VecTransformer(**QUICK).fit(frame["text"]).vectors_, expected)


def test_a_column_transformer_gives_the_column_that_it_is_told():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"text": TEXTS, "label": [0, 0, 1, 1]})
    words = Word2VecTransformer(**QUICK)
    expected = clone(words).fit_transform(TEXTS)
    given = ColumnTransformer([("words", words, "text")]).fit_transform(frame)
    assert np.array_equal(given, expected)
    with pytest.raises(CorpusError, match=r"of shape \(4, 1\) with the columns 'text'"):
        ColumnTransformer([("words", words, ["text"])]).fit(frame)


@pytest.mark.parametrize("document", [{"text": "red apples"}, {"red", "apples"}, b"red"])
def test_documents_without_an_order_are_refused(document):
    with pytest.raises(CorpusError, match="as document 1"):
        Word2VecTransformer(**QUICK).fit([["red", "apples"], document])


def test_containers_of_documents_are_alike():
    documents = [" ".join(words) for words in topic_sentences(1, 30)]
    pd = pytest.importorskip("pandas")
    transformer = Word2VecTransformer(**QUICK)
    expected = transformer.fit(documents).transform(documents)
    for X in (np.array(documents), np.array(documents, object), pd.Series(documents)):
        assert np.array_equal(transformer.fit_transform(X), expected)
    assert np.array_equal(transformer.fit_transform(document for document in documents), expected)


def test_random_states():
    documents = topic_sentences(1, 30)

    def fitted(random_state):
        made = Word2VecTransformer(start="random", random_state=random_state, **QUICK)
        return made.fit(documents).vectors_

    assert np.array_equal(fitted(3), fitted(np.int64(3)))
    assert not np.array_equal(fitted(3), fitted(4))
    assert np.array_equal(fitted(np.random.RandomState(5)), fitted(np.random.RandomState(5)))
    assert not np.array_equal(fitted(None), fitted(None))


def test_a_fitted_transformer_survives_pickle_and_joblib():
    documents = topic_sentences(1, 30)
    transformer = Word2VecTransformer(**QUICK).fit(documents)
    expected = transformer.transform(documents)
    restored = pickle.loads(pickle.dumps(transformer))
    assert np.array_equal(restored.transform(documents), expected)
    file = io.BytesIO()
    joblib.dump(transformer, file)
    file.seek(0)
    restored = joblib.load(file)
    assert np.array_equal(restored.transform(documents), expected)
    assert restored.model_.predict_context("t0w01") == transformer.model_.predict_context("t0w01")


def test_columns_have_names_and_frames_come_out():
    transformer = Word2VecTransformer(**QUICK).fit(topic_sentences(1, 30))
    pytest.importorskip("pandas")
    names = [f"word2vectransformer{column}" for column in range(8)]
    assert transformer.get_feature_names_out().tolist() == names
    frame = transformer.set_output(transform="pandas").transform([["t0w01"], ["t1w01"]])
    assert frame.columns.tolist() == names
    assert frame.shape == (2, 8)


def labelled_documents(seed):
    """Documents of a topic's words among words of any topic, and the topics."""
    generator = np.random.default_rng(seed)
    documents = topic_sentences(seed, 300)
    noise = topic_sentences(seed + 1, 300)
    labels = [topic_of(words[0]) for words in documents]
    mixed = [
        " ".join(generator.permutation(words + other[:6]))
        for words, other in zip(documents, noise, strict=True)
    ]
    return mixed, labels


def test_a_pipeline_tells_topics_apart_and_a_search_finds_settings():
    documents, labels = labelled_documents(3)
    pipeline = make_pipeline(Word2VecTransformer(**QUICK), LogisticRegression(max_iter=500))
    assert cross_val_score(pipeline, documents, labels, cv=3).mean() > 0.9
    # Vectors that say nothing of words, or labels of other documents, stay near chance.
    shuffled = np.random.default_rng(1).permutation(labels)
    assert cross_val_score(pipeline, documents, shuffled, cv=3).mean() < 2 / TOPICS
    search = GridSearchCV(pipeline, {"word2vectransformer__vector_size": [1, 8]}, cv=3)
    search.fit(documents, labels)
    assert search.best_params_ == {"word2vectransformer__vector_size": 8}
    small, large = search.cv_results_["mean_test_score"]
    assert small < large


def test_without_scikit_learn_the_message_says_what_to_install():
    code = "import sys; sys.modules['sklearn'] = None; import fastw2v.integrations.sklearn"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert "MissingDependencyError" in done.stderr
    assert "pip install 'fastw2v[sklearn]'" in done.stderr


def test_the_guide_s_examples_run():
    text = (Path(__file__).parents[2] / "docs" / "sklearn.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    assert len(blocks) >= 2
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(block, namespace)
    assert namespace["accuracy"] > 0.9
