"""Users without a home: gensim can be imported, and nothing of the environment is changed by it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastw2v.system.home import a_home, keep_a_home

NAMELESS = """
import pwd
def unknown(number):
    raise KeyError(number)
pwd.getpwuid = unknown
"""
VECTORS = """
from fastw2v import Word2Vec
settings = {"vector_size": 2, "min_count": 1, "epochs": 1, "start": "random"}
print(len(Word2Vec(**settings).fit([["a", "b"], ["b", "c"]]).wv))
"""
NAMES = "from fastw2v.gensim_api import LineSentence\nprint(3)\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a home of POSIX")
@pytest.mark.parametrize("code", [VECTORS, NAMES])
def test_gensim_is_there_for_a_user_without_a_home(code):
    environment = {key: value for key, value in os.environ.items() if key != "HOME"}
    code = NAMELESS + code + "import os\nassert 'HOME' not in os.environ\n"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


def test_a_home_is_made_up_only_where_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    keep_a_home()
    with a_home():
        assert Path.home() == tmp_path
    assert os.environ["HOME"] == str(tmp_path)

    def without():
        if "HOME" not in os.environ:
            raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(Path, "home", without)
    with a_home():
        assert os.environ["HOME"] == "/nonexistent"
    assert "HOME" not in os.environ
    keep_a_home()
    assert os.environ["HOME"] == "/nonexistent"
