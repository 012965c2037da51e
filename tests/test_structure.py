"""How the package is built: no circles, few doors, packages that say what they are for."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fastw2v"
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 400
MOST_TOP_MODULES = 8


def module_name(file, root):
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(sources):
    """Return which module imports which, given text by name; wherever the import stands.

    Imports within functions, and those for types alone, are imports all the same.
    """
    graph = {}
    for name, text in sources.items():
        found = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}: a relative import"
                for alias in node.names:
                    member = f"{node.module}.{alias.name}"
                    found.add(member if member in sources else node.module)
        graph[name] = found & set(sources) - {name}
    return graph


def circles(graph):
    """Return the strongly connected components of more than one module (Tarjan 1972)."""
    index, lowest, stack, components = {}, {}, [], []

    def visit(node):
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for target in graph[node]:
            if target not in index:
                visit(target)
                lowest[node] = min(lowest[node], lowest[target])
            elif target in stack:
                lowest[node] = min(lowest[node], index[target])
        if lowest[node] == index[node]:
            place = stack.index(node)
            component = sorted(stack[place:])
            del stack[place:]
            if len(component) > 1:
                components.append(component)

    for node in graph:
        if node not in index:
            visit(node)
    return components


def room_graph(graph, depth):
    """Return which room imports which: modules taken together by the first parts of their names."""
    rooms = {}
    for name, targets in graph.items():
        room = ".".join(name.split(".")[:depth])
        found = {".".join(target.split(".")[:depth]) for target in targets}
        rooms.setdefault(room, set()).update(found - {room})
    return rooms


@pytest.fixture(scope="module")
def graph():
    return import_graph({module_name(file, ROOT): file.read_text() for file in FILES})


def test_no_modules_stand_in_a_circle(graph):
    assert len(graph) > 150
    assert sum(map(len, graph.values())) > 500
    assert circles(graph) == []


def test_no_rooms_stand_in_a_circle(graph):
    # The package itself hands out what its rooms hold; everyone asks it for nothing.
    rooms = room_graph(graph | {"fastw2v": set()}, 2)
    assert {"fastw2v.cli", "fastw2v.text", "fastw2v.kernels"} <= set(rooms)
    assert circles(rooms) == []


@pytest.mark.parametrize(
    "later",
    [
        "import house.a",
        "def late():\n    from house.a import thing",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house import a",
    ],
)
def test_a_planted_circle_is_found(later):
    sources = {"house": "", "house.a": "from house.b import x", "house.b": "from house.c import y"}
    assert circles(import_graph({**sources, "house.c": "import numpy"})) == []
    found = circles(import_graph({**sources, "house.c": later}))
    assert found == [["house.a", "house.b", "house.c"]]


def test_the_top_level_has_few_modules_beside_its_rooms():
    modules = [file.stem for file in PACKAGE.glob("*.py")]
    assert "callbacks" in modules
    assert len(modules) <= MOST_TOP_MODULES, modules


def packages():
    return sorted(file.parent for file in PACKAGE.rglob("__init__.py"))


def docstring(file):
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def test_every_folder_with_modules_is_a_package():
    assert {file.parent for file in FILES} == set(packages())


@pytest.mark.parametrize("package", packages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_says_what_it_is_for_and_what_it_imports(package):
    text = docstring(package / "__init__.py")
    first, _, rest = text.partition("\n\n")
    assert first.endswith((".", ":", "`"))
    assert "Imports " in rest or "imports nothing" in rest.lower(), text


@pytest.mark.parametrize("folder", ["fastw2v", "bench", "corpora"])
def test_a_long_file_says_why(folder):
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    for file in files:
        n_lines = len(file.read_text(encoding="utf-8").splitlines())
        assert n_lines <= MOST_LINES or "lines" in docstring(file), (
            f"{file}: {n_lines} lines; cut it where it does two things, or say in its docstring "
            "why it has more lines"
        )


def bound_names(body):
    """Return the names that statements of a module bind, those of their branches too."""
    found = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {
                inner.id
                for target in targets
                for inner in ast.walk(target)
                if isinstance(inner, ast.Name)
            }
        for branch in ("body", "orelse", "handlers", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
                found |= bound_names(getattr(node, branch, []))
    return found


def exported(tree):
    """Return what `__all__` of a module lists, or None."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return None


def lacks_all(file):
    """Return whether a module defines public names and has no `__all__`."""
    if file.name in ("__init__.py", "__main__.py"):
        return False
    tree = ast.parse(file.read_text(encoding="utf-8"))
    defined = bound_names([node for node in tree.body if not isinstance(node, ast.Import)])
    return exported(tree) is None and any(not name.startswith("_") for name in defined)


def test_every_public_module_lists_its_public_names():
    lacking = [str(file) for file in FILES if lacks_all(file)]
    assert not lacking, f"expected __all__ in {lacking}"


@pytest.mark.parametrize("file", FILES, ids=lambda path: module_name(path, ROOT))
def test_what_all_lists_is_there_once(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = exported(tree) or []
    assert len(set(names)) == len(names)
    missing = set(names) - bound_names(tree.body)
    assert not missing or "__getattr__" in bound_names(tree.body), f"{file}: lists {missing}"


def compared_arrays(tree):
    """Return dataclasses that would compare arrays, whose comparison has no truth value."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            made = [ast.unparse(one) for one in node.decorator_list]
            is_compared = any(one.startswith("dataclass") and "eq=False" not in one for one in made)
            fields = " ".join(
                ast.unparse(one.annotation) for one in node.body if isinstance(one, ast.AnnAssign)
            )
            if is_compared and re.search(r"Array\b|ndarray|_Doubles", fields):
                yield node.name


def test_no_dataclass_compares_or_hashes_arrays():
    planted = "@dataclass(frozen=True)\nclass A:\n    b: dict[str, NDArray[np.int32]]\n"
    assert list(compared_arrays(ast.parse(planted))) == ["A"]
    for file in FILES:
        assert not list(compared_arrays(ast.parse(file.read_text(encoding="utf-8")))), file
