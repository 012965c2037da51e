"""Which files a path, a folder, a glob or a URL stands for."""

import glob
import os
from collections import Counter
from collections.abc import Iterable
from functools import cache
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
        folders_and_files = _each_once(found)  # a link to a folder above comes again and again
        return _each_once(file for each in folders_and_files for file in files_of(Path(each)))
    return files_of(source)


def _each_once(names: Iterable[str]) -> list[str]:
    """Leave out names that were there before, by whatever way to their folder.

    Where ``**`` matches a folder, it matches what is below it, too.
    """
    real_folder = cache(os.path.realpath)
    found: dict[tuple[str, str], str] = {}
    for path in names:
        folder, name = os.path.split(path)
        found.setdefault((real_folder(folder), name), path)
    return list(found.values())


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
            matching = system.glob(path, detail=True)
            names = sorted(matching)
            begin = len(_folder_of_pattern(path))
            if not _is_hidden(path[begin:]):  # as in a shell
                names = [name for name in names if not _is_hidden(name[begin:])]
            files = [
                file
                for name in names
                for file in (
                    _files_below(system, name) if matching[name]["type"] == "directory" else [name]
                )
            ]
            found = list(dict.fromkeys(files))  # ** matches folders, and what is below them
        elif system.isdir(path):
            found = _files_below(system, path)
        else:
            found = [path] if system.exists(path) else []
        if not found:
            raise CorpusError(f"{url}: no such file, or none that matches")
        return [str(system.unstrip_protocol(name)) for name in found]


def _files_below(system: Any, folder: str) -> list[str]:
    return sorted(name for name in system.find(folder) if not _is_hidden(name[len(folder) :]))


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _folder_of_pattern(path: str) -> str:
    """Return the folder in which a pattern begins."""
    parts = path.split("/")
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:first])
