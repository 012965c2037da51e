"""Text cut by functions of users and by libraries, in other processes too, never unasked."""

import subprocess
import sys
import types
from pathlib import Path

import pytest

from fastw2v import Source, Word2Vec
from fastw2v.config import CountingSettings, Hyperparameters, NamedTokenizer
from fastw2v.counts.build import ShardOptions, count_corpus
from fastw2v.counts.folder import read_counting_settings
from fastw2v.counts.merged_folder import merge_counts
from fastw2v.errors import (
    ConfigurationError,
    CorpusError,
    MissingDependencyError,
    TokenizerError,
)
from fastw2v.system.children import child_environment
from fastw2v.text import cutting, cutting_workers, segmenters
from fastw2v.text.functions import imported_tokenizer
from fastw2v.text.holdout import HeldOutChoice
from fastw2v.text.reading import read_corpus, read_text
from fastw2v.text.rules import TextRules
from fastw2v.text.tokenizers import tokenize_text
from fastw2v.text.word_choice import VocabularyLimits
from tests.support import made_tokenizers

FEW = {"vector_size": 4, "min_count": 1, "epochs": 1, "sample": 0}
NAME = "tests.support.made_tokenizers:upper"
LINES = [f"word{number % 9} ab x{number % 5} Line" for number in range(60)]


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{line}\n" for line in LINES))
    return path


@pytest.fixture
def in_processes(monkeypatch):
    """Other processes take over after the first lines."""
    monkeypatch.setattr(cutting, "_SLOW_S", 0.0)
    monkeypatch.setattr(cutting, "_CHUNK_BYTES", 100)


def test_a_function_cuts_text_and_its_name_is_kept(text, tmp_path):
    model = Word2Vec(tokenizer=made_tokenizers.upper, **FEW).fit(text)
    assert model.settings.tokenizer == NAME
    assert model.settings.normalize == "none"
    assert set(model.vocabulary.words) == {tuple("AB"), "LINE"} | {
        *(f"WORD{number}" for number in range(9)),
        *(tuple(f"X{number}") for number in range(5)),
    }
    assert model.summary.unicode_version is None
    as_lists = [made_tokenizers.upper(line) for line in LINES]
    listed = Word2Vec(tokenizer="whitespace", **FEW).fit(as_lists)
    assert model.corpus_digest == listed.corpus_digest
    model.save(tmp_path / "model")
    expected = model.perplexity(text)
    again = Word2Vec.load(tmp_path / "model", tokenizer=made_tokenizers.upper)
    assert again.perplexity(text) == expected
    assert again.reliability(text, least_count=1) is not None


def test_a_model_imports_nothing_and_says_so(text, tmp_path):
    model = Word2Vec(tokenizer=made_tokenizers.upper, **FEW).fit(text)
    model.save(tmp_path / "model")
    alone = Word2Vec.load(tmp_path / "model")
    with pytest.raises(TokenizerError, match=f"names out of files are not imported.*{NAME}"):
        alone.perplexity(text)
    assert alone.perplexity([made_tokenizers.upper(line) for line in LINES]).n_tokens == 240
    with pytest.warns(UserWarning, match="made_tokenizers:slow, and the model was trained"):
        other = Word2Vec.load(tmp_path / "model", tokenizer=made_tokenizers.slow)
    assert other.settings.tokenizer == NAME
    with pytest.raises(ConfigurationError, match=f"expected '{NAME}'.*got 'words'"):
        Word2Vec.load(tmp_path / "model", tokenizer="words")
    Word2Vec(**FEW).fit(text).save(tmp_path / "plain")
    with pytest.raises(ConfigurationError, match="expected 'words'"):
        Word2Vec.load(tmp_path / "plain", tokenizer=made_tokenizers.upper)
    assert Word2Vec.load(tmp_path / "plain", tokenizer="words").settings.tokenizer == "words"


def test_a_tokenizer_that_is_given_again_stays(text, tmp_path):
    Word2Vec(tokenizer=made_tokenizers.slow, **FEW).fit(text).save(tmp_path / "model")
    model = Word2Vec.load(tmp_path / "model", tokenizer=made_tokenizers.slow)
    model.make_unknown_words(bucket=100)
    assert model.perplexity(text).n_tokens


LOADING = """
import sys
from fastw2v import Word2Vec
from fastw2v.config import CountingSettings, Hyperparameters
from fastw2v.counts.folder import read_counts
model = Word2Vec.load(sys.argv[1])
read_counts(sys.argv[2])
Hyperparameters(tokenizer="wicked:cut"), CountingSettings(tokenizer="wicked:cut")
for use in (model.perplexity, model.reliability, Word2Vec(tokenizer="wicked:cut").fit):
    try:
        use(sys.argv[3])
    except Exception as error:
        print(type(error).__name__)
Word2Vec(**{"vector_size": 4}).fit_counts(sys.argv[2])
assert "wicked" not in sys.modules
"""


def test_nothing_that_a_file_names_is_imported(text, tmp_path):
    trace = tmp_path / "trace"
    (tmp_path / "wicked.py").write_text(
        f"open({str(trace)!r}, 'a').write('imported')\ncut = str.split\n"
    )
    tokenizer = NamedTokenizer("wicked:cut", str.split)
    Word2Vec(tokenizer=tokenizer, **FEW).fit(text).save(tmp_path / "model")
    count_corpus(text, CountingSettings(tokenizer=tokenizer, min_count=1), tmp_path / "counts")
    done = subprocess.run(
        [sys.executable, "-c", LOADING, tmp_path / "model", tmp_path / "counts", text],
        env=child_environment(),
        cwd=tmp_path,  # where it could be imported from
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "TokenizerError\n" * 3), done.stderr
    assert not trace.exists()


@pytest.mark.usefixtures("in_processes")
def test_the_same_bits_in_any_number_of_processes(text):
    found = {}
    for workers in (1, 3):
        rules = TextRules(made_tokenizers.slow, workers=workers)
        vocabulary, tokens = read_corpus(text, tokenizer=rules, min_count=1)
        found[workers] = (vocabulary.words, tokens.ids.tolist(), tokens.sentence_starts.tolist())
    assert found[1] == found[3]
    assert found[1][0] == read_corpus(text, tokenizer="whitespace", min_count=1)[0].words


@pytest.mark.usefixtures("in_processes")
@pytest.mark.parametrize("function", [made_tokenizers.loud, made_tokenizers.upper])
def test_what_comes_from_processes_is_what_comes_from_here(text, function):
    expected = [function(line) for line in LINES]
    assert tokenize_text(text.read_text(), TextRules(function, workers=2)) == expected


@pytest.mark.usefixtures("in_processes")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (made_tokenizers.failing, r"has failed \(ValueError: no boom here\)"),
        (made_tokenizers.deadly, r"has ended its process \(exit status 7\)"),
        (made_tokenizers.objects, r"has returned no tokens: token 1 .*got a float \(1.5\)"),
    ],
)
def test_what_fails_is_told_with_its_line(text, function, reason, workers):
    if workers == 1 and function is made_tokenizers.deadly:
        return  # it is this process that would end
    lines = [*LINES[:41], "BOOM  here", *LINES[42:]]
    text.write_text("".join(f"{line}\n" for line in lines))
    name = f"tests.support.made_tokenizers:{function.__name__}"
    pattern = f"text.txt, line 42: the tokenizer {name} {reason}.*; the line begins 'BOOM  here'"
    with pytest.raises(TokenizerError, match=pattern):
        read_corpus(text, tokenizer=TextRules(function, workers=workers))


@pytest.mark.usefixtures("in_processes")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("name", "first", "line", "bad", "rules", "place"),
    [
        ("a.jsonl", "", '{{"t": "{0}"}}', '{"t": "x\\nBOOM"}', {}, "line 42"),
        ("a.csv", "t,id\n", '"{0}\n{0}",1', '"x\nBOOM",2', {}, "row 43"),
        ("a.txt", "\n\n", "{0}\n{0}\n \n", "x\nBOOM\n", {"paragraphs": True}, "paragraph 42"),
    ],
    ids=["JSON lines", "CSV", "paragraphs"],
)
def test_what_fails_in_a_cell_is_told_with_its_place(
    tmp_path, name, first, line, bad, rules, place, workers
):
    lines = [line.format(text) for text in LINES]
    lines[41] = bad
    (tmp_path / name).write_text(first + "".join(f"{each}\n" for each in lines))
    rules = TextRules(made_tokenizers.failing, workers=workers, **rules)
    corpus = Source(tmp_path / name, None if name == "a.txt" else "t")
    with pytest.raises(TokenizerError, match=rf"{name}, {place}: the tokenizer .*BOOM"):
        read_corpus(corpus, tokenizer=rules, block_bytes=300)


@pytest.mark.usefixtures("in_processes")
def test_names_and_reasons_that_are_not_utf_8(text, monkeypatch):
    monkeypatch.syspath_prepend("/nowhere/caf\udce9")
    expected = [made_tokenizers.upper(line) for line in LINES]
    rules = TextRules(made_tokenizers.upper, workers=2)
    assert tokenize_text(text.read_text(), rules) == expected
    text.write_text(text.read_text() + "BOOM\n" + text.read_text())
    with pytest.raises(TokenizerError, match=r"line 61: .*has failed \(ValueError: caf\\udce9"):
        read_corpus(text, tokenizer=TextRules(made_tokenizers.surrogate, workers=2))


def test_processes_end_where_they_cannot_be_started_well(monkeypatch):
    started = []

    def failing(worker):
        started.append(worker.process)
        raise RuntimeError("not well")

    monkeypatch.setattr(cutting_workers._Worker, "start", failing)
    with (
        pytest.raises(RuntimeError, match="not well"),
        cutting_workers.CuttingPool(TextRules(made_tokenizers.upper), 2),
    ):
        pass
    assert [process.poll() is None for process in started] == [False]


@pytest.mark.parametrize(
    ("function", "got"),
    [(made_tokenizers.whole, "got a str"), (made_tokenizers.nothing, "got a NoneType")],
)
def test_what_are_no_tokens_is_refused(text, function, got):
    with pytest.raises(TokenizerError, match=f"line 1: .*expected an iterable of tokens, {got}"):
        read_corpus(text, tokenizer=function)


@pytest.mark.usefixtures("in_processes")
def test_a_function_that_others_cannot_have_runs_here_and_that_is_told(text):
    rules = TextRules(lambda line: line.split()[:2], workers=2)
    with pytest.warns(RuntimeWarning, match=r"<lambda> runs in this process alone"):
        vocabulary, _ = read_corpus(text, tokenizer=rules, min_count=1)
    assert set(vocabulary.words) == {"ab", *(f"word{number}" for number in range(9))}


def test_held_out_lines_and_fields_are_cut_as_the_rest(text, tmp_path):
    choice = HeldOutChoice(0.3, 1)
    read = read_text(text, made_tokenizers.upper, held_out=choice, limits=VocabularyLimits(1))
    assert read.tokens.n_raw_tokens + read.held_out.n_raw_tokens == 240
    assert tuple("AB") in read.vocabulary.words
    table = tmp_path / "x.jsonl"
    table.write_text("".join(f'{{"t": "{line}"}}\n' for line in LINES))
    rows = read_corpus(Source(table, "t"), tokenizer=made_tokenizers.upper, min_count=1)
    whole = read_corpus(text, tokenizer=made_tokenizers.upper, min_count=1)
    assert rows[0].words == whole[0].words
    assert rows[1].ids.tolist() == whole[1].ids.tolist()


def test_counts_are_the_same_in_shards_and_know_the_name(text, tmp_path):
    counting = CountingSettings(tokenizer=made_tokenizers.upper, min_count=1)
    whole = count_corpus(text, counting, tmp_path / "whole", workers=1)
    cut = count_corpus(
        text, counting, tmp_path / "cut", workers=1, shards=ShardOptions(block_mib=0.0005)
    )
    assert cut.statistics == whole.statistics
    stored = read_counting_settings(tmp_path / "cut")
    assert stored.tokenizer == NAME
    assert stored.tokenizer.function is None
    model = Word2Vec(vector_size=4, tokenizer=made_tokenizers.upper).fit_counts(tmp_path / "cut")
    assert model.perplexity(text).n_tokens == 240


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module_here:cut", "expected a module that can be imported, got ModuleNotFound"),
        ("tests.support.made_tokenizers:no", "it has no no"),
        ("tests.support.made_tokenizers:not_callable", "expected a function.*got int"),
    ],
)
def test_a_name_that_is_no_function(name, message):
    with pytest.raises(TokenizerError, match=message):
        imported_tokenizer(name)


def test_a_name_is_found_and_others_are_refused():
    assert imported_tokenizer(NAME).function is made_tokenizers.upper
    assert imported_tokenizer(NAME) == NAME
    with pytest.raises(ConfigurationError, match="expected 'module:function'"):
        imported_tokenizer("words")
    for wrong in ("word", "a b:c", "", 5, None):
        with pytest.raises(ConfigurationError, match="tokenizer: expected one of 'words'"):
            Hyperparameters(tokenizer=wrong)


# Libraries for languages


class MadeUpLibrary(types.SimpleNamespace):
    def __init__(self):
        super().__init__(cut=lambda run: [run[:2], run[2:]])


@pytest.fixture
def chinese(monkeypatch):
    segmenters._loaded.cache_clear()
    monkeypatch.setitem(sys.modules, "rjieba", MadeUpLibrary())
    monkeypatch.setattr(segmenters, "version", lambda package: "1.5")
    yield
    segmenters._loaded.cache_clear()


@pytest.mark.usefixtures("chinese")
def test_a_library_cuts_its_script_and_unicode_the_rest(tmp_path):
    line = "我们今天去U.S.A.北京，AB制 https://t.co/x你好👍🏽"
    assert tokenize_text(line, "chinese") == [
        ["我们", "今天去", "u.s.a", "北京", "ab", "制", "https://t.co/x", "你好", "👍🏽"]
    ]
    text = tmp_path / "text.txt"
    text.write_text((line + "\n") * 5)
    model = Word2Vec(tokenizer="chinese", workers=1, **FEW).fit(text)
    assert model.summary.tokenizer_version == "rjieba 1.5"
    assert model.settings.normalize == "nfc"
    model.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model", workers=1)
    assert loaded.perplexity(text).n_tokens == 45


@pytest.mark.usefixtures("chinese")
def test_another_version_is_told_and_its_counts_are_not_added(tmp_path, monkeypatch):
    text = tmp_path / "text.txt"
    text.write_text("我们今天去北京\n" * 5)
    model = Word2Vec(tokenizer="chinese", workers=1, **FEW).fit(text)
    counting = CountingSettings(tokenizer="chinese", min_count=1)
    count_corpus(text, counting, tmp_path / "one", workers=1)
    monkeypatch.setattr(segmenters, "version", lambda package: "2.0")
    with pytest.warns(UserWarning, match=r"text that rjieba 1\.5 cut, and rjieba 2\.0 is here"):
        model.perplexity(text)
    count_corpus(text, counting, tmp_path / "two", workers=1)
    with pytest.raises(CorpusError, match=r"one version of the tokenizer, got rjieba 1\.5 and"):
        merge_counts([tmp_path / "one", tmp_path / "two"], tmp_path / "sum")


def test_a_library_that_is_missing_is_named(monkeypatch):
    segmenters._loaded.cache_clear()
    for module in ("rjieba", "sudachidict_core", "kiwipiepy", "pythainlp.tokenize"):
        monkeypatch.setitem(sys.modules, module, None)
    for language in ("chinese", "japanese", "korean", "thai"):
        with pytest.raises(MissingDependencyError, match=rf"fastw2v\[{language}\]"):
            tokenize_text("x", language)


@pytest.mark.parametrize(
    ("language", "module", "text", "tokens"),
    [
        ("chinese", "rjieba", "我们今天去北京。OK 1,000", "我们 今天 去 北京 ok 1,000"),
        ("japanese", "sudachidict_core", "東京都に住む Py3", "東京都 に 住む py3"),
        ("korean", "kiwipiepy", "서울에 갔다. BTS", "서울 에 가 었 다 bts"),
        ("thai", "pythainlp", "ผมไปตลาด OK", "ผม ไป ตลาด ok"),
    ],
)
def test_the_libraries_themselves(language, module, text, tokens):
    pytest.importorskip(module)
    assert tokenize_text(text, language) == [tokens.split(" ")]


def test_runs_of_any_length_are_cut(monkeypatch):
    calls = []
    monkeypatch.setattr(
        segmenters,
        "_loaded",
        lambda language: (
            segmenters.re.compile("[漢]+"),
            lambda run: calls.append(len(run)) or [run],
        ),
    )
    segmenters.segmented("漢" * 20_000 + "a", "chinese")
    assert calls == [8192, 8192, 3616]


@pytest.mark.slow
def test_the_command_line_takes_a_name_and_asks_for_it_again(text, tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "fastw2v", *map(str, arguments)],
            env={**child_environment(), "FASTW2V_AHEAD": "0"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    (tmp_path / "mine.py").write_text("def cut(line):\n    return line.split('d')\n")
    few = ("--vector-size", 2, "--min-count", 1, "--epochs", 1)
    done = run("train", text, "-o", "model", "--tokenizer", "mine:cut", *few)
    assert done.returncode == 0, done.stderr
    done = run("perplexity", "model", text)
    assert done.returncode == 2
    assert "--tokenizer mine:cut" in done.stderr
    done = run("perplexity", "model", text, "--tokenizer", "mine:cut")
    assert done.returncode == 0, done.stderr
    assert Path(tmp_path / "model").is_dir()
