"""Paragraphs, normal forms, case: how text is cut, against naive twins, wherever it is cut."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastw2v.config import CountingSettings, Hyperparameters
from fastw2v.counts.build import ShardOptions, count_corpus
from fastw2v.counts.folder import read_counts
from fastw2v.errors import ConfigurationError, VocabularyError
from fastw2v.formats.model_folder import with_later_settings
from fastw2v.text.appearance import looks_unsegmented, looks_wrapped, notices_about
from fastw2v.text.corpus import Source
from fastw2v.text.files import TextBlock
from fastw2v.text.normalization import NORMALIZED_VERSION, normalized
from fastw2v.text.paragraphs import whole_paragraphs
from fastw2v.text.reading import read_corpus
from fastw2v.text.rules import TextRules, rules_of
from fastw2v.text.tokenizers import tokenize_text

patient = settings(deadline=None)


def naive_paragraphs(text):
    found = [[]]
    for line in text.split("\n"):
        if line.strip(" \t\r\f\v\xa0"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [" ".join(lines) for lines in found if lines]


WRAPPED = st.lists(
    st.sampled_from(["a b", "c", "", " ", "\t\xa0", "d\r", "\r", "é x "]), max_size=30
)


@patient
@given(WRAPPED, st.lists(st.integers(1, 5), max_size=20))
def test_paragraphs_are_those_of_the_twin_wherever_blocks_are_cut(lines, sizes):
    blocks, offset, rest = [], 0, list(lines)
    for size in [*sizes, len(lines)]:
        if rest:
            data = "".join(f"{line}\n" for line in rest[:size]).encode()
            offset, rest = offset + len(data), rest[size:]
            blocks.append((TextBlock(data, "book", 0), offset))
    found = b"".join(block.data for block, _ in whole_paragraphs(blocks)).decode()
    expected = naive_paragraphs("\n".join(lines))
    assert [line.split() for line in found.split("\n")[:-1]] == [line.split() for line in expected]


def test_a_paragraph_ends_with_its_file_and_cells_of_a_table_are_lines(tmp_path):
    for name, text in (("one.txt", "a"), ("two.txt", "b\nc"), ("x.csv", "t\nd\ne\n")):
        (tmp_path / name).write_text(text)
    rules = TextRules(paragraphs=True)
    texts = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for corpus, starts in ((texts, [0, 1, 3]), (Source(tmp_path / "x.csv", field="t"), [0, 1, 2])):
        tokens = read_corpus(corpus, tokenizer=rules, min_count=1)[1]
        assert tokens.sentence_starts.tolist() == starts


BOOK = "It was\na dark\n\n\nand stormy\nnight\n \nthe rain\n"


@pytest.mark.parametrize("block_bytes", [1, 7, 1 << 20])
def test_a_book_is_read_by_paragraphs(tmp_path, block_bytes):
    book = tmp_path / "book.txt"
    book.write_text(BOOK)
    rules = TextRules(paragraphs=True)
    vocabulary, tokens = read_corpus(book, tokenizer=rules, min_count=1, block_bytes=block_bytes)
    sentences = [
        [vocabulary.words[place] for place in tokens.ids[start:end]]
        for start, end in zip(tokens.sentence_starts[:-1], tokens.sentence_starts[1:], strict=True)
    ]
    assert sentences == [["it", "was", "a", "dark"], ["and", "stormy", "night"], ["the", "rain"]]
    assert tokenize_text(BOOK, rules) == sentences


def test_counts_by_paragraphs_are_the_same_in_shards(tmp_path):
    book = tmp_path / "book.txt"
    book.write_text((BOOK + "\n") * 200)
    counting = CountingSettings(paragraphs=True, min_count=1)
    whole = count_corpus(book, counting, tmp_path / "whole", workers=1)
    shards = ShardOptions(block_mib=0.0005)
    cut = count_corpus(book, counting, tmp_path / "cut", workers=1, shards=shards)
    by_lines = count_corpus(book, CountingSettings(min_count=1), tmp_path / "lines", workers=1)
    assert cut.statistics.n_sentences == whole.statistics.n_sentences == 600
    assert cut.counts.total == whole.counts.total != by_lines.counts.total
    assert read_counts(tmp_path / "cut").counting == counting


# Normal forms


@patient
@given(
    st.text(
        st.sampled_from("aeÅÅé\u0301\u0327\u0344ﬁ①한각\u1100\u1161\u11a8คำ\n\u0958\u09c7\u09be漢")
    )
)
def test_normal_forms_are_pythons_own(text):
    for form in ("nfc", "nfkc"):
        expected = unicodedata.normalize(form.upper(), text)
        assert normalized(text.encode(), form).decode() == expected
    assert normalized(text.encode(), "none").decode() == text


def test_each_character_known_to_the_version_has_its_form_alone_and_behind_others():
    if unicodedata.unidata_version != NORMALIZED_VERSION:
        pytest.skip("another Python knows more characters")
    for form in ("nfc", "nfkc"):
        for before in ("", "e", "\u09c7", "\u1100"):
            text = "\n".join(
                before + chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000
            )
            assert normalized(text.encode(), form).decode() == unicodedata.normalize(
                form.upper(), text
            )


def test_characters_that_the_oldest_python_does_not_know_stay_apart():
    newer = "\U00011382\U000113c9"  # composed since Unicode 16
    text = f"e\u0301 {newer} {newer}\u0301"
    assert normalized(text.encode(), "nfc").decode() == f"é {newer} {newer}\u0301"


def test_the_table_of_newer_characters_is_that_of_the_version():
    from corpora.unicode_newer import TARGET, table

    if unicodedata.unidata_version != NORMALIZED_VERSION:
        pytest.skip("made by another Python")
    assert TARGET.read_text(encoding="ascii") == table()


def test_a_word_is_one_word_however_it_was_typed():
    text = "Café cafe\u0301"
    assert tokenize_text(text) == [["café", "café"]]
    assert tokenize_text(text, "whitespace") == [["Café", "cafe\u0301"]]
    assert tokenize_text(text, TextRules("whitespace", normalize="nfc")) == [["Café", "café"]]
    assert tokenize_text("Ｆｕｌｌ ﬁt", TextRules(normalize="nfkc")) == [["full", "fit"]]


# Case


GREEK = st.text(st.sampled_from("ΣσΑάο' \n\u00ad"), max_size=30)


@patient
@given(GREEK)
def test_a_capital_sigma_is_final_where_python_says_so(text):
    text = text.replace("\u00ad", "")
    lowered = "\n".join(
        " ".join(word.lower() for word in line.split(" ")) for line in text.split("\n")
    )
    rules = TextRules(language="any")
    # `lower` sees words as white space parts them; so does the twin, whose apostrophes are inside.
    if not any(word.startswith("'") or word.endswith("'") or "''" in word for word in text.split()):
        assert tokenize_text(text, rules) == tokenize_text(lowered, TextRules(language="none"))


def test_words_are_lower_cased_by_the_rules_of_a_language():
    assert tokenize_text("ΟΔΟΣ Σ ΣΑΣ") == [["οδος", "σ", "σας"]]
    assert tokenize_text("ΟΔΟ\u00adΣ\u00ad.") == [["οδος"]]
    assert tokenize_text("ΟΔΟΣ", TextRules()) == [["οδοσ"]]
    for language in ("tr", "az"):
        rules = TextRules(language=language)
        assert tokenize_text("DIŞ İÇ I\u0307ki ΑΣ", rules) == [["dış", "iç", "iki", "ας"]]
    assert tokenize_text("DIŞ İÇ")[0][0] == "diş"


def test_capitals_are_kept_if_asked_for():
    rules = TextRules(keep_case=True, language="tr")
    assert tokenize_text("The US, İstanbul's ΟΔΟΣ x_Y2", rules) == [
        ["The", "US", "İstanbul's", "ΟΔΟΣ", "x_Y2"]
    ]
    assert tokenize_text("The US 'Tis", rules) == [["The", "US", "Tis"]]


# Settings


def test_defaults_follow_the_tokenizer_and_earlier_models_keep_what_they_did():
    assert Hyperparameters().normalize == "nfc"
    assert Hyperparameters(tokenizer="whitespace").normalize == "none"
    assert rules_of("words") == TextRules("words", normalize="nfc", language="any")
    assert rules_of("whitespace").normalize == "none"
    for tokenizer in ("words", "whitespace"):
        stored = with_later_settings({"tokenizer": tokenizer})
        earlier = Hyperparameters.from_stored(stored)
        assert earlier.normalize == "none"
        assert earlier.language == ("none" if tokenizer == "words" else "any")
        counting = CountingSettings.from_stored({"tokenizer": tokenizer, "window_sample": 0})
        assert counting == CountingSettings.of(earlier)
    with pytest.raises(ConfigurationError, match="language: expected to be left alone"):
        Hyperparameters(tokenizer="whitespace", language="tr")
    with pytest.raises(ConfigurationError, match="normalize: expected one of"):
        Hyperparameters(normalize="nfd")


def test_counts_that_were_cut_by_other_rules_are_not_added(tmp_path):
    from fastw2v.counts.merged_folder import merge_counts

    text = tmp_path / "text.txt"
    text.write_text("a b a b\n")
    for name, normalize in (("one", "nfc"), ("two", "none")):
        counting = CountingSettings(min_count=1, normalize=normalize)
        count_corpus(text, counting, tmp_path / name, workers=1)
    with pytest.raises(VocabularyError, match="same normalize"):
        merge_counts([tmp_path / "one", tmp_path / "two"], tmp_path / "sum")


# Notices


def test_wrapped_lines_are_noticed_and_sentences_are_not():
    import textwrap

    prose = (
        "the rain fell on a city that had not been dry for weeks and nobody minded it much " * 400
    )
    book = "\n".join(textwrap.wrap(prose, 72)).encode() + b"\n"
    assert looks_wrapped(book)
    assert not looks_wrapped(b"".join(b"word " * (k % 25) + b"end.\n" for k in range(400)))
    assert not looks_wrapped(prose.encode())
    assert not looks_wrapped(book[:2000])


def test_clauses_without_blanks_are_noticed_and_words_are_not():
    assert looks_unsegmented("我们今天去北京看朋友，然后一起吃晚饭。" * 20)
    assert looks_unsegmented("ผมไปตลาดกับเพื่อนเมื่อวานนี้ แล้วซื้อผลไม้มาหลายอย่าง " * 20)
    assert not looks_unsegmented("我们 今天 去 北京 看 朋友 ， 然后 一起 吃 晚饭 。" * 20)
    assert not looks_unsegmented("ผม ไป ตลาด กับ เพื่อน เมื่อวานนี้ " * 20)
    assert not looks_unsegmented("The word 漢字 is Japanese, and this text is not. " * 20)
    assert not looks_unsegmented("한국어는 띄어쓰기를 합니다 " * 20)
    assert not looks_unsegmented("")


def test_training_tells_of_both(tmp_path):
    from fastw2v import Word2Vec

    clauses = tmp_path / "clauses.txt"
    clauses.write_text("我们今天去北京，然后一起吃晚饭。\n" * 30)
    told = []
    settings = Hyperparameters(vector_size=2, min_count=1, sample=0, epochs=1)
    Word2Vec(settings, workers=1).fit(clauses, notice=told.append)
    assert "without blanks between words" in told[0]
    assert "look wrapped" not in "".join(told)
    book = tmp_path / "book.txt"
    book.write_text("the rain fell on a city that had not been dry for weeks, and nobody\n" * 300)
    assert "look wrapped" in "".join(notices_about(str(book), TextRules()))
    assert not list(notices_about(str(book), TextRules(paragraphs=True)))
    assert not list(notices_about(str(tmp_path / "missing"), TextRules()))


def test_counting_and_comparing_tell_of_wrapped_lines(tmp_path, monkeypatch):
    from fastw2v.comparison import comparing
    from fastw2v.comparison.comparing import ComparisonSettings, compare
    from fastw2v.comparison.text import prepare_text

    book = tmp_path / "book.txt"
    lines = "the rain fell on a city that had not been dry for weeks, and nobody\n" * 5
    book.write_text(f"{lines}\n" * 60)
    shards = ShardOptions(600)
    for paragraphs, expected in ((False, 1), (True, 0)):
        counting = CountingSettings(min_count=1, paragraphs=paragraphs)
        for options in ({}, {"shards": shards}):
            told = []
            count_corpus(book, counting, tmp_path / "counts", notice=told.append, **options)
            assert len(told) == expected
            assert all("look wrapped" in sentence for sentence in told)

        def stopped(*_, **options):
            raise KeyboardInterrupt(options["paragraphs"])

        told = []
        with monkeypatch.context() as patched:
            patched.setattr(comparing, "prepare_text", stopped)
            with pytest.raises(KeyboardInterrupt, match=str(paragraphs)):
                compare(book, ComparisonSettings(paragraphs=paragraphs), notice=told.append)
        assert ["look wrapped" in sentence for sentence in told] == [True] * expected
        (tmp_path / "folder").mkdir(exist_ok=True)
        made = prepare_text(
            book,
            tmp_path / "folder",
            tokenizer="words",
            window=5,
            min_count=1,
            paragraphs=paragraphs,
        )
        # Every twentieth line is held out.
        n_lines = len(made.training.read_text().splitlines())
        assert n_lines == (57 if paragraphs else 285)


@patient
@given(st.lists(st.text(st.sampled_from("ab é\u0301\u0958ﬀΑ"), max_size=9), max_size=9))
def test_lines_that_change_are_written_among_those_that_do_not(lines):
    text = "".join(f"{line}\n" for line in lines)
    for form in ("nfc", "nfkc"):
        rules = TextRules("whitespace", normalize=form)
        expected = [unicodedata.normalize(form.upper(), line).split() for line in lines]
        assert tokenize_text(text, rules) == expected
