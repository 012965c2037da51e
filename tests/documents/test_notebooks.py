"""The notebooks run from the first cell to the last, and are stored without output."""

import json
import os

import pytest

from tests.test_structure import ROOT

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def cells_of(notebook):
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_output(notebook):
    code = [cell for cell in cells_of(notebook) if cell["cell_type"] == "code"]
    assert len(code) > 3
    for cell in code:
        assert (cell["outputs"], cell["execution_count"]) == ([], None)


def run_notebook(text, folder):
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.reads(text, as_version=4)
    client.NotebookClient(
        notebook, timeout=1800, resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    run = run_notebook(notebook.read_text(encoding="utf-8"), tmp_path)
    shown = [cell for cell in run.cells if cell.cell_type == "code" and cell.outputs]
    assert len(shown) > 3


@pytest.mark.slow
def test_a_cell_that_fails_is_noticed(tmp_path):
    client = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("assert 1 == 2")])
    with pytest.raises(client.exceptions.CellExecutionError):
        run_notebook(nbformat.writes(notebook), tmp_path)
