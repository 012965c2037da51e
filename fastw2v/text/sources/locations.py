"""Which files a path, a folder, a glob or a URL stands for."""

import glob
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastw2v.errors import CorpusError
from fastw2v.text.batches import described
from fastw2v.text.files import AnyPath, files_of, is_read_once, shown_name
from fastw2v.text.sources.streams import fsspec_module, is_url, reading

__all__ = ["files_of_all", "located_files"]


def located_files(source: AnyPath) -> list[str]:
    """Return the files that one path stands for, in their order.

    Parameters
    ----------
    source : path
        A file, a folder, a pattern with ``*``, ``?``, ``[...]`` or ``**``, ``"-"``; or, as a str, a
        URL that fsspec knows, of a file, a folder or with a pattern.

    Raises
    ------
    CorpusError
        If there is none.
    """
    if isinstance(source, str) and is_url(source):
        return _urls_of(source)
    name = os.fspath(source)
    if isinstance(name, str) and glob.has_magic(name) and not os.path.lexists(name):
        found = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - absolute ones too
        if not found:
            raise CorpusError(f"{name}: expected files that match, found none")
        return [file for each in found for file in files_of(Path(each))]
    return files_of(source)


def files_of_all(sources: Iterable[Any]) -> list[str]:
    """Return the files of several paths.

    Raises
    ------
    CorpusError
        If there is none, something else than a path comes, or what can be read once comes twice.
    """
    files: list[str] = []
    for place, item in enumerate(sources):
        if not isinstance(item, str | os.PathLike):
            raise CorpusError(
                f"item {place} of the corpus: expected a path, as the items before are, got "
                f"{described(item)}; a corpus is either paths or lists of tokens"
            )
        files += located_files(item)
    for file, times in Counter(files).items():
        if times > 1 and not is_url(file) and is_read_once(file):
            raise CorpusError(
                f"{shown_name(file)} can be read once only, got it {times} times; name it once"
            )
    return files


def _urls_of(url: str) -> list[str]:
    with reading(url):
        system, path = fsspec_module().core.url_to_fs(url)
        # In addresses of the web a question mark begins the query.
        if "*" in path or (glob.has_magic(path) and not url.startswith(("http:", "https:"))):
            found = sorted(system.glob(path))
            if not path.rpartition("/")[2].startswith("."):  # as in a shell
                found = [name for name in found if not name.rpartition("/")[2].startswith(".")]
        elif system.isdir(path):
            found = sorted(
                name
                for name in system.find(path)
                if not any(part.startswith(".") for part in name[len(path) :].split("/"))
            )
        else:
            found = [path] if system.exists(path) else []
        if not found:
            raise CorpusError(f"{url}: no such file, or none that matches")
        return [str(system.unstrip_protocol(name)) for name in found]
