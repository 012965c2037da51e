"""Folders that a manifest describes: models, counts, encoded texts.

A manifest is a JSON object in a file of the folder. It says what the folder is ("format"), how it
is laid out ("schema_version"), who wrote it, and by digests what the other files hold.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastw2v.errors import FastW2VError, VocabularyError, one_line
from fastw2v.system.file_kinds import LOOK_BYTES, kind_of
from fastw2v.system.files import FolderLayout
from fastw2v.system.renames import recover
from fastw2v.version import VERSION

__all__ = [
    "FolderKind",
    "file_description",
    "file_digest",
    "read_json",
    "require_described",
    "require_digest",
    "require_signed",
    "signed",
    "write_json",
]

# JSON may nest deeper than Python goes, and hold numbers that are none of numpy's.
_NOT_JSON = (OSError, ValueError, RecursionError, OverflowError)
_DAMAGE = (*_NOT_JSON, LookupError, TypeError, AttributeError, VocabularyError)


@dataclass(frozen=True)
class FolderKind:
    """A kind of folder, and what messages say of it.

    Attributes
    ----------
    manifest : str
        Name of the manifest.
    format : str
        What the manifest has as "format".
    schema_version : int
        That of what is written.
    oldest_version : int
        The first one that is still read.
    expected : str
        What a folder without a manifest should have been.
    what : str
        What is in it, with its verb: "the model is".
    remedy : str
        What to do if it cannot be read.
    error : type of FastW2VError
    files : tuple of str
        Names of all other files that it may hold; ``*`` stands for anything.
    """

    manifest: str
    format: str
    schema_version: int
    oldest_version: int
    expected: str
    what: str
    remedy: str
    error: type[FastW2VError]
    files: tuple[str, ...]

    def is_one(self, folder: Path) -> bool:
        """Tell by its manifest whether a folder is of this kind, sound or not."""
        path = folder / self.manifest
        return path.is_file() and self.format.encode() in path.read_bytes()

    @property
    def layout(self) -> FolderLayout:
        """What tells such a folder from those that must not be replaced."""
        return FolderLayout(self.is_one, (self.manifest, *self.files))

    def header(self) -> dict[str, Any]:
        """Return what every manifest of this kind begins with."""
        return {
            "format": self.format,
            "schema_version": self.schema_version,
            "fastw2v_version": VERSION,
        }

    def read(self, folder: Path) -> dict[str, Any]:
        """Return a folder's manifest, after an earlier folder was brought back if need be.

        Raises
        ------
        FastW2VError
            Of this kind's type, if there is no manifest, or it is not of this kind and a version
            that can be read.
        """
        recover(folder)
        path = folder / self.manifest
        try:
            is_file, has_manifest = folder.is_file(), path.is_file()
        except OSError as error:
            raise self.error(
                f"{folder}: expected {self.expected}, cannot look at it ({error.strerror})"
            ) from error
        if is_file:
            raise self.error(f"{folder}: expected {self.expected}, got {_kind_of_file(folder)}")
        if not has_manifest:
            raise self.error(f"{folder}: expected {self.expected}, found no {self.manifest} in it")
        try:
            content = read_json(path)
        except _NOT_JSON as error:
            raise self.error(f"{path}: cannot be read as JSON ({one_line(error)})") from error
        if not isinstance(content, dict) or content.get("format") != self.format:
            raise self.error(
                f'{path}: expected "format": "{self.format}"; this is another program\'s'
            )
        self._require_version(path, content)
        return content

    def _require_version(self, path: Path, content: dict[str, Any]) -> None:
        readable = range(self.oldest_version, self.schema_version + 1)
        version = content.get("schema_version")
        is_number = isinstance(version, int) and not isinstance(version, bool)
        if is_number and version in readable:
            return
        expected = f"expected schema version {' or '.join(map(str, readable))}, got {version!r}"
        if isinstance(version, int) and version > self.schema_version:
            raise self.error(
                f"{path}: {expected}, written by fastw2v {content.get('fastw2v_version')}; "
                f"install a newer fastw2v, or {self.remedy}"
            )
        raise self.error(f"{path}: {expected}; {self.remedy}")

    @contextmanager
    def damage(self, folder: Path) -> Iterator[None]:
        """Turn what reading a damaged folder may raise into this kind's error, naming the folder.

        `ConfigurationError` is one of these: it is a `ValueError`.
        """
        try:
            yield
        except _DAMAGE as error:
            raise self.error(
                f"{folder}: {self.what} damaged ({type(error).__name__}: {one_line(error)}); "
                f"{self.remedy}"
            ) from error


def write_json(path: Path, content: Any, *, only_ascii: bool = False) -> None:
    """Write a file of JSON, indented, with a line end.

    Parameters
    ----------
    path : Path
    content : Any
        Plain values. With `only_ascii` texts need not be UTF-8, as paths may not be.
    only_ascii : bool
    """
    text = json.dumps(content, ensure_ascii=only_ascii, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")


def _kind_of_file(path: Path) -> str:
    """Return what messages call a file that is named where a folder was expected."""
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(LOOK_BYTES))
    except OSError:
        kind = None
    return f"a file, {kind.name}; {kind.remedy}" if kind is not None else "a file"


def read_json(path: Path) -> Any:
    """Return what a file of JSON holds.

    Raises
    ------
    OSError, ValueError, RecursionError, OverflowError
        If it cannot be read, or is no JSON.
    """
    return json.loads(path.read_text(encoding="utf-8"))


def file_digest(path: Path) -> str:
    """Return 64 hexadecimal digits (BLAKE2b) that differ where a file's content does."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def require_digest(path: Path, digest: str) -> None:
    """Raise ValueError unless a file has the content that `file_digest` gave this digest for."""
    if file_digest(path) != digest:
        raise ValueError(f"{path.name}: its content is not what its digest was made of")


def file_description(path: Path) -> dict[str, Any]:
    """Return a file's size and SHA-256, as ``sha256sum`` prints it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def require_described(path: Path, description: dict[str, Any], *, verify: bool) -> None:
    """Raise ValueError unless a file has the size and, with `verify`, the SHA-256 described."""
    size = path.stat().st_size
    if size != description["bytes"]:
        raise ValueError(f"{path.name}: expected {description['bytes']} bytes, got {size}")
    if verify and (came := file_description(path)["sha256"]) != description["sha256"]:
        raise ValueError(f"{path.name}: expected SHA-256 {description['sha256']}, got {came}")


def signed(content: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest with the SHA-256 of all its other content."""
    others = {key: value for key, value in content.items() if key != "sha256"}
    text = json.dumps(others, sort_keys=True, separators=(",", ":"))
    return others | {"sha256": hashlib.sha256(text.encode()).hexdigest()}


def require_signed(name: str, content: dict[str, Any]) -> None:
    """Raise ValueError unless a manifest has the content that `signed` gave its SHA-256 for."""
    expected, came = content["sha256"], signed(content)["sha256"]
    if came != expected:
        raise ValueError(f"{name}: expected the content with SHA-256 {expected}, got {came}")
