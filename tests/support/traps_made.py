"""What the tests of input traps share: folders that anybody may use, settings, small files."""

import os
import shutil
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors

QUICK = {"vector_size": 2, "min_count": 1, "epochs": 1, "start": "random"}
TEXT = "the cat sat on the mat\nthe end\n"
WORDS = Counter(TEXT.split())
CELLS = [(m, o) for m in ("skipgram", "cbow") for o in ("softmax", "negative", "hierarchical")]
NOBODY = 65534


def options(settings):
    """Settings as the command line takes them."""
    words = []
    for name, value in settings.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return words


def counts_of(model):
    """Words of a model, with their counts."""
    return Counter(dict(zip(model.vocabulary.words, model.vocabulary.counts.tolist(), strict=True)))


def holding(data, name="text.txt"):
    """Return what makes a file of this text or these bytes in a folder."""

    def make(folder):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return make


def fifo(folder, text=TEXT):
    """Make a named pipe that a thread writes a text to."""
    path = folder / "fifo"
    os.mkfifo(path)
    threading.Thread(target=path.write_text, args=(text,), daemon=True).start()
    return path


@contextmanager
def open_folder():
    """Make a folder that any user may enter and write to, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="fastw2v-trap-"))
    made.chmod(0o777)
    try:
        yield made
    finally:
        for path in sorted(made.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(made)


@contextmanager
def without_privileges(*, only_if=True):
    """Take away a superuser's right to read and write everything; modules must be there by then."""
    if not only_if or not hasattr(os, "geteuid") or os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def gensim_words(path, form):
    return KeyedVectors.load_word2vec_format(str(path), binary=form == "word2vec-bin").index_to_key


def npz_words(path, _form):
    with np.load(path, allow_pickle=False) as stored:
        return stored["words"].tolist()


READERS = {"word2vec": gensim_words, "word2vec-bin": gensim_words, "npz": npz_words}
