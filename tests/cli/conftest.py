"""Models with subwords and features, and files of features that are wrong."""

import gzip

import pytest

from fastw2v import Word2Vec
from tests.support.corpora_made import write_text
from tests.support.feature_models import WORDS, sentences


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a text, features of its words, and models of each kind."""
    folder = tmp_path_factory.mktemp("trained")
    write_text(folder / "text.txt", sentences())
    lines = "".join(f"{word}\t{word} {word[:2]} size{len(word)}\n" for word in WORDS)
    (folder / "features.tsv").write_text(lines)
    settings = {"vector_size": 6, "min_count": 1, "epochs": 2}
    text = folder / "text.txt"
    subwords = Word2Vec(inputs="subwords", bucket=200_000, **settings).fit(text)
    subwords.save(folder / "subwords")
    subwords.export(folder / "model.bin", "fasttext-bin")
    Word2Vec(**settings).fit(text).save(folder / "plain")
    Word2Vec(**settings).fit(text, features=folder / "features.tsv").save(folder / "features")
    Word2Vec(objective="hierarchical", workers=1, **settings).fit(text).save(folder / "tree")
    subwords.export(folder / "vectors.txt", "word2vec")
    return folder


@pytest.fixture
def at(trained, tmp_path, monkeypatch):
    """A current folder with links to all of it, and features that are wrong."""
    for path in trained.iterdir():
        (tmp_path / path.name).symlink_to(path)
    lines = [f"{word}\t{word}\n" for word in WORDS]
    files = {
        "lacking.tsv": "".join(lines[1:]),
        "more.tsv": "".join([*lines, "unseen\tx\n"]),
        "twice.tsv": "".join([*lines, lines[0]]),
        "table.csv": "".join(lines).replace("\t", ","),
        "bare.tsv": "".join(f"{word}\t\n" for word in WORDS),
        "blank.tsv": "\n \n",
        "empty.tsv": "",
        "fake.gz": "".join(lines),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "utf16.tsv").write_bytes("".join(lines).encode("utf-16"))
    (tmp_path / "latin.tsv").write_bytes("".join(lines).encode("latin-1"))
    (tmp_path / "binary.tsv").write_bytes(bytes(range(256)))
    (tmp_path / "compressed.tsv").write_bytes(gzip.compress("".join(lines).encode()))
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "photo.jpg").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path
