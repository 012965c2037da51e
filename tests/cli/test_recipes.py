"""The recipes of docs/recipes.md run, each on data that are made as it speaks of them."""

import gzip
import json
import re
import textwrap
from pathlib import Path

import numpy as np
import pandas
import pytest

from fastw2v import Word2Vec
from tests.cli.test_guides import BLOCK, ROOT, TOPICS, run_block

PAGE = ROOT / "docs" / "recipes.md"
SECTIONS = re.split(r"^## (.+)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
RECIPES = dict(zip(SECTIONS[::2], SECTIONS[1::2], strict=True))


def sentences_of(topics, seed, number, length=9):
    """Words of one topic in each sentence, so that there are neighbours to find."""
    generator = np.random.default_rng(seed)
    lists = [words.split() for words in topics]
    chosen = generator.integers(0, len(lists), number)
    return [list(generator.choice(lists[topic], length)) for topic in chosen]


def text_of(sentences):
    return "".join(" ".join(sentence) + "\n" for sentence in sentences)


def make_books(folder):
    (folder / "books" / "more").mkdir(parents=True)
    for number, name in enumerate(("one.txt", "more/two.txt")):
        sentences = sentences_of(TOPICS.values(), number, 60, 25)
        paragraphs = [textwrap.fill("The " + " ".join(words), 60) for words in sentences]
        (folder / "books" / name).write_text("\n\n".join(paragraphs) + "\n")


def make_events(folder):
    items = [" ".join(map(str, range(7 * k, 7 * k + 7))) for k in range(1, 5)]
    rows = [
        {"session": session, "time": time, "item": int(item)}
        for session, sentence in enumerate(sentences_of(items, 2, 200))
        for time, item in enumerate(sentence)
    ]
    frame = pandas.DataFrame(rows).sample(frac=1, random_state=1)
    frame.to_parquet(folder / "events.parquet")


def make_tweets(folder):
    topics = ["🎸 #music song 🎵 band", "🌊 #sea fish boat 🐟", "⚖️ court judge #law trial"]
    lines = [" ".join(sentence) for sentence in sentences_of(topics, 3, 200)]
    data = "".join(json.dumps({"id": k, "text": line}) + "\n" for k, line in enumerate(lines))
    (folder / "tweets.jsonl.gz").write_bytes(gzip.compress(data.encode()))


def make_german(folder):
    topics = [
        "Fluss Ufer flussufer Flüsse Wasser Boot Brücke flusslauf",
        "Musik Lied Lieder Musiker Konzert liedtext Geige",
        "Gericht Richter Urteil Gerichte Richterin Anwalt",
    ]
    (folder / "deutsch.txt").write_text(text_of(sentences_of(topics, 4, 300)), encoding="utf-8")


def make_chinese(folder):
    topics = ["河流 水 山谷 桥 船 鱼", "音乐 歌曲 钢琴 乐队 歌手", "法院 法官 法律 审判 律师"]
    pytest.importorskip("rjieba", reason="needs rjieba: pip install 'fastw2v[chinese]'")
    text = text_of(sentences_of(topics, 5, 200)).replace(" ", "")
    (folder / "zh.txt").write_text(text, encoding="utf-8")


def make_travel(folder):
    """Names now and then among many words, as phrases are found by what is rare otherwise."""
    topics = [" ".join(f"{topic}{k}" for k in range(20)) for topic in ("hotel", "loan", "river")]
    for seed, name in ((6, "travel.txt"), (7, "travel-held-out.txt")):
        sentences = sentences_of(topics, seed, 400)
        for k, sentence in enumerate(sentences):
            named = {0: "in the New York", 5: "of the Bank of America"}.get(k % 10, "the")
            sentence.insert(k % 9, named)
        (folder / name).write_text(text_of(sentences))
    (folder / "stop.txt").write_text("of the in a\n")


# What each begins with, and the words of its model that the test asks for.
MADE = {
    "A folder of books": (make_books, "books-model", {"river", "song"}),
    "Sessions with whole numbers for items": (make_events, "items-model2", {7, 14}),
    "Tweets with emoji, as JSON lines": (make_tweets, "tweets-model", {"🎸", "#music"}),
    "German, with subwords": (make_german, "german-model", {"fluss", "brücke"}),
    "Chinese": (make_chinese, "chinese-model", {"音乐", "法院"}),
    "Phrases": (make_travel, "travel-model", {"new_york", "bank_of_america", "river1"}),
}
QUICK = {"Tweets with emoji, as JSON lines"}


def test_every_recipe_has_data():
    assert RECIPES.keys() == MADE.keys()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MADE]
)
def test_a_recipe_runs(tmp_path, monkeypatch, name):
    make, model, words = MADE[name]
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    blocks = BLOCK.findall(RECIPES[name])
    assert blocks
    names = {}
    for kind, code in blocks:
        run_block(kind, code, names)
    found = Word2Vec.load(model)
    assert words <= set(found.vocabulary.words)
    if name == "Sessions with whole numbers for items":
        first = Word2Vec.load("items-model")
        assert first.in_vectors.tobytes() == found.in_vectors.tobytes()
    if name == "Phrases":
        again = Word2Vec.load("travel-model2")
        assert again.in_vectors.tobytes() == found.in_vectors.tobytes()
        assert not {"of", "the", "new"} & set(found.vocabulary.words)


def test_recipes_link_to_pages_that_are_there():
    for page in re.findall(r"docs/(\w+\.md)", PAGE.read_text(encoding="utf-8")):
        assert (Path(ROOT) / "docs" / page).is_file()
