"""Unknown words in the report's page: its own script, run by Node, against the model."""

import json
import shutil
import subprocess
from importlib.resources import files

import numpy as np
import pytest

from fastw2v import Word2Vec
from fastw2v.errors import ConfigurationError
from fastw2v.objectives.features import Ngrams
from fastw2v.report import ReportOptions, write_report
from tests.report.test_report import data_of, page  # noqa: F401
from tests.support.corpora_made import topic_sentences

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node.js to run the page's script")
WORDS = ["river", "straße", "日本語", "a", "aaaa", "😀é", "</s>", "", "İx", "t1w011"]
UNKNOWN = ["t3w0", "T3W071", "t0w1t5w1", "qqqq"]


@pytest.fixture(scope="module")
def subwords():
    settings = {"vector_size": 12, "min_count": 1, "epochs": 3, "sample": 0}
    sizes = {"min_n": 1, "max_n": 4, "bucket": 50_000}
    return Word2Vec(inputs="subwords", **settings, **sizes).fit(topic_sentences(1, 300))


@pytest.fixture(scope="module")
def written(subwords, tmp_path_factory):
    path = tmp_path_factory.mktemp("unknown") / "page.html"
    write_report(subwords, path, ReportOptions("Topics", with_evaluation=False))
    return path.read_text(encoding="utf-8")


def run_script(code, given, changed=("", ""), more=()):
    """Run the page's classes under Node; `code` makes `answer` of `given`."""
    source = files("fastw2v.report")
    names = ("vectors.js", "ngrams.js", "chooser.js", *more)
    script = "\n".join(source.joinpath(name).read_text(encoding="utf-8") for name in names)
    assert changed[0] in script
    script = script.replace(*changed) if changed[0] else script
    script += (
        "\nconst given = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
        f"(async () => {{ let answer; {code}; console.log(JSON.stringify(answer)); }})();"
    )
    done = subprocess.run(
        [NODE, "-e", script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    return json.loads(done.stdout)


def buckets_of(sizes, words, changed=("", "")):
    stored = dict(zip(("min_n", "max_n", "bucket"), sizes, strict=True))
    stored |= {"is_lower_case": False, "buckets": "", "table": {"numbers": "", "scales": ""}}
    code = "const n = new Ngrams(given[0], 1); answer = given[1].map((word) => n.of(word))"
    return run_script(code, [stored, words], changed)


def expected_buckets(sizes, words):
    starts, buckets = Ngrams(*sizes).of(words)
    return [buckets[starts[k] : starts[k + 1]].tolist() for k in range(len(words))]


@needs_node
@pytest.mark.parametrize("sizes", [(3, 6, 2_000_000), (1, 3, 1000), (2, 2, 2**31 - 1), (5, 9, 7)])
def test_the_page_hashes_as_fasttext(sizes):
    assert buckets_of(sizes, WORDS) == expected_buckets(sizes, WORDS)


@needs_node
@pytest.mark.parametrize(
    "changed",
    [
        ("byte | 0xffffff00", "byte"),
        ("16777619", "16777618"),
        ("hashed(characters[last], value)", "hashed(characters[last])"),
    ],
)
def test_another_hash_would_be_noticed(changed):
    sizes = (3, 6, 2_000_000)
    assert buckets_of(sizes, WORDS, changed) != expected_buckets(sizes, WORDS)


NEAR = """
  const vectors = await Vectors.of(given[0]);
  const ngrams = new Ngrams(given[0].unknown, given[0].dimensions);
  answer = given[1].map((word) => {
    const made = ngrams.vector(ngrams.spelt(word));
    return made && [made.known, vectors.nearTo(made.values, 10).map(
      ({ id, value }) => [given[0].words[id], value])];
  })
"""


@needs_node
def test_unknown_words_have_the_model_s_neighbours(subwords, written):
    answers = run_script(NEAR, [data_of(written), UNKNOWN])
    assert answers[3] is None
    for word, (known, near) in zip(UNKNOWN[:3], answers[:3], strict=True):
        vector = subwords.vector(word.lower())
        assert known == subwords.embeddings.unknown.table.n_known([word.lower()])
        expected = subwords.wv.similar_by_vector(vector, topn=10)
        assert [other for other, _ in near] == [other for other, _ in expected]
        cosines = [cosine for _, cosine in expected]
        np.testing.assert_allclose([cosine for _, cosine in near], cosines, atol=1e-3)


@needs_node
def test_the_sum_of_other_vectors_would_be_noticed(subwords, written):
    data = data_of(written)
    data["outputs"] = data["inputs"]  # neighbours among 2 v instead of v + u
    (_, near), *_ = run_script(NEAR, [data, UNKNOWN])
    expected = subwords.wv.similar_by_vector(subwords.vector("t3w0"), topn=10)
    assert not np.allclose([c for _, c in near], [c for _, c in expected], atol=1e-3)


def test_the_page_says_what_it_has(written, subwords):
    data = data_of(written)
    n_ngrams = len(subwords.embeddings.unknown.table.buckets)
    assert f"from {n_ngrams:,} vectors of character n-grams" in written
    assert (data["unknown"]["min_n"], data["unknown"]["max_n"]) == (1, 4)
    assert data["unknown"]["is_lower_case"] is True
    for name in ("inputs", "min_n", "bucket"):
        assert f"<dt>{name}</dt>" in written
    assert "<dd>subwords</dd>" in written


def test_n_grams_beyond_the_limit_are_left_out_and_the_page_says_so(run, subwords, tmp_path):
    subwords.save(tmp_path / "model")
    asked = ("report", tmp_path / "model", "-o", tmp_path / "page.html", "--no-evaluation")
    status, _, _ = run(*asked, "--ngrams-mib", "0")
    assert status == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert data_of(text)["unknown"] is None
    assert "would take 1 MiB of the page, more than the 0 that were allowed" in text
    assert "Write it with --ngrams-mib 1 to have them" in text
    status, _, _ = run(*asked, "--ngrams-mib", "1")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert data_of(text)["unknown"] is not None
    assert "more than the" not in text
    with pytest.raises(ConfigurationError, match="ngrams-mib: expected at least 0"):
        ReportOptions("title", ngrams_mib=-1)


def test_models_without_ngrams_say_nothing_of_them(page):  # noqa: F811
    assert data_of(page)["unknown"] is None
    assert "n-grams" not in page.split("</main>")[0].split("<main>")[1]


def test_n_grams_count_towards_the_largest_page(subwords, tmp_path, monkeypatch):
    words = 2 * subwords.in_vectors.size * 2 * 4 // 3
    monkeypatch.setattr("fastw2v.report.embedded.LARGEST_PAGE_BYTES", words + 1)
    options = ReportOptions("x", with_evaluation=False)
    with pytest.raises(ConfigurationError, match="browsers take well"):
        write_report(subwords, tmp_path / "page.html", options)
    options = ReportOptions("x", with_evaluation=False, ngrams_mib=0)
    write_report(subwords, tmp_path / "page.html", options)
