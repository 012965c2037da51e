"""Documents against the code: rooms that they name, paths that are stable, files that are there."""

import importlib
import re
from pathlib import Path

import pytest

from tests.test_structure import FILES, PACKAGE, ROOT, import_graph, module_name, packages

GROUND = {"config", "callbacks", "errors", "version"}
QUOTED = re.compile(r"`([^`\n]+)`")
LINKED = [
    "ARCHITECTURE.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "README.md",
    "BENCHMARKS.md",
    "SECURITY.md",
    "bench/README.md",
]
GUIDES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def table_under(text, header):
    """Return the rows of cells of the table whose first heading is `header`."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {header} |"):
            break
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def rooms_named(text):
    """Return the rooms of ARCHITECTURE.md's table, and what each row says they may import."""
    named = {}
    for row in table_under(text, "room"):
        for name in QUOTED.findall(row[0]):
            assert name not in named, f"{name} is there twice"
            named[name] = row[2]
    return named


def rooms_that_exist():
    folders = {f"{path.relative_to(PACKAGE)}/" for path in packages() if path != PACKAGE}
    modules = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    return folders | modules


def test_the_map_names_every_room_and_no_other():
    assert set(rooms_named(read("ARCHITECTURE.md"))) == rooms_that_exist()


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (("`text/`", "`texts/`"), {"text/", "texts/"}),
        (("| `counts/sharded/` |", "| |"), {"counts/sharded/"}),
    ],
)
def test_a_map_that_is_wrong_is_noticed(change, left):
    text = read("ARCHITECTURE.md")
    assert change[0] in text
    assert set(rooms_named(text.replace(*change))) ^ rooms_that_exist() == left


def test_rooms_import_what_the_map_allows():
    graph = import_graph({module_name(file, ROOT): file.read_text() for file in FILES})
    allowed = rooms_named(read("ARCHITECTURE.md"))
    rooms = {name.rstrip("/") for name in allowed if "/" not in name.rstrip("/")}
    for name, targets in graph.items():
        room = [*name.split("."), ""][1]
        if room not in rooms or room == "cli":  # the package and __main__ hand on
            continue
        found = {target.split(".")[1] for target in targets if "." in target} - {room} - GROUND
        said = allowed.get(f"{room}/", allowed.get(room))
        extra = found - set(QUOTED.findall(said))
        assert not extra, f"{name} imports {extra}, which ARCHITECTURE.md does not say of {room}"


def test_the_map_is_short():
    assert len(read("ARCHITECTURE.md").splitlines()) <= 90


def test_the_contract_on_the_map_is_the_one_that_is_enforced():
    import tomllib

    contract = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]
    layers = [line.replace("fastw2v.", "") for line in contract["layers"]]
    block = read("ARCHITECTURE.md").split("## The contract")[1]
    drawn = " ".join(line for line in block.splitlines() if line.startswith("    "))
    assert [" ".join(part.split()) for part in drawn.split(">")] == layers[1:]
    assert layers[0] == "__main__"


STABLE = [
    (QUOTED.findall(path)[0], name)
    for path, names, _ in table_under(read("docs/api.md"), "import from")
    for name in QUOTED.findall(names)
]
NEEDS = {"fastw2v.integrations.sklearn": "sklearn"}


@pytest.mark.parametrize(("path", "name"), STABLE)
def test_what_is_said_to_be_stable_can_be_imported(path, name):
    if path in NEEDS:
        pytest.importorskip(NEEDS[path])
    module = importlib.import_module(path)
    assert hasattr(module, name)
    assert name in module.__all__


def test_the_stable_paths_are_those_that_were_promised():
    paths = {path for path, _ in STABLE}
    promised = ("", ".gensim_api", ".integrations.sklearn", ".formats", ".evaluation")
    assert {f"fastw2v{path}" for path in (*promised, ".comparison", ".report", ".errors")} <= paths
    assert any(path.startswith("fastw2v.counts") for path in paths)


def test_every_error_is_explained():
    errors = importlib.import_module("fastw2v.errors")
    named = {name for path, name in STABLE if path == "fastw2v.errors"}
    raised = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert named == raised
    rows = table_under(read("docs/api.md"), "error")
    explained = {name for row in rows for name in QUOTED.findall(row[0])}
    assert explained == raised - {"FastW2VError"}


# What commands write, and names that stand for others.
BUILT = {
    "corpora/english-small.txt",
    "corpora/english-large.txt",
    "corpora/english-packages/",
    "corpora/wikipedia.txt",
    "bench/results/NAME.json",
    "bench/results/objectives-NAME.json",
    "bench/results/quality-NAME.json",
    "fastw2v/cli/commands/NAME.py",
    "tests/ROOM",
}
SHAPE = re.compile(r"\b(?:tests|docs|bench|corpora|fastw2v|kernels|objectives|counts)/[\w./-]*\w/?")


def missing_files(text):
    """Return the paths of the repository, or within the package, that a text names in vain.

    `kernels/simd/blocks` may stand for the module, `formulas/functions.sigmoid` for what is in it.
    """
    missing = set()
    for word in set(SHAPE.findall(text)) - BUILT:
        path = word.rstrip("/")
        member = path.rpartition(".")[0] or path
        found = (root / f"{name}" for root in (ROOT, PACKAGE) for name in (path, f"{member}.py"))
        module = (root / f"{path}.py" for root in (ROOT, PACKAGE))
        if not any(target.exists() for target in (*found, *module)):
            missing.add(word)
    return missing


# docs/math.md names what is in the kernels' rooms; its functions have a test of their own.
@pytest.mark.parametrize("document", sorted({*LINKED, *GUIDES} - {"docs/math.md"}))
def test_files_that_are_named_are_there(document):
    assert missing_files(read(document)) == set()


def test_a_file_that_is_not_there_is_noticed():
    there = "kernels/softmax/tiles, `counts/pairs.count_pairs`, docs/math.md and tests/golden/."
    assert missing_files(there) == set()
    gone = "tests/no_such_test.py or kernels/softmax/no_tiles, docs/no.md."
    assert len(missing_files(gone)) == 3


@pytest.mark.parametrize("document", ["README.md", *GUIDES])
def test_modules_that_are_named_are_there(document):
    missing = set()
    for dotted in set(re.findall(r"\bfastw2v(?:\.[A-Za-z_]\w*)+", read(document))):
        parts = dotted.split(".")
        for end in range(len(parts), 0, -1):
            path = ROOT.joinpath(*parts[:end])
            if path.with_suffix(".py").exists() or path.is_dir():
                break
        if end < len(parts) - 2:  # a class of a module and its method, at most
            missing.add(dotted)
        elif end < len(parts):
            module = importlib.import_module(".".join(parts[:end]))
            if not hasattr(module, parts[end]):
                missing.add(dotted)
    assert not missing - {"fastw2v.fish"}  # a file


def test_guides_are_linked_from_the_readme():
    text = read("README.md") + read("ARCHITECTURE.md") + read("docs/index.md")
    assert "docs/index.md" in read("README.md")
    unlinked = [guide for guide in GUIDES if guide.removeprefix("docs/") not in text]
    assert not unlinked
    assert Path(ROOT / "CONTRIBUTING.md").exists()
