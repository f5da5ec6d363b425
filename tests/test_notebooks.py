"""The committed notebooks: built from their chapters, executed, and still true.

Those whose inputs changed since they were built are executed anew and compared, number by number.
With RLCORE_ALL_NOTEBOOKS=1 all of them are.
"""

import os
from pathlib import Path

import nbformat
import pytest
from nbconvert.filters.markdown_mistune import MarkdownWithMath

from tools import book, myst, notebooks
from tools.compare import compare, in_sync
from tools.execute import noise

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
NAMES = list(myst.chapters(ROOT))


def committed(name: str) -> nbformat.NotebookNode:
    path = FOLDER / f"{name}.ipynb"
    assert path.exists(), "run: make notebooks"
    return nbformat.read(path, as_version=4)


def test_every_chapter_has_a_notebook_and_the_reverse():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(NAMES)
    assert sorted(notebooks.read_manifest(FOLDER)) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_its_chapter(name):
    assert in_sync(notebooks.read(name, ROOT), committed(name)) == [], "run: make notebooks"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_executed_and_holds_nothing_of_the_run(name):
    notebook = committed(name)
    nbformat.validate(notebook)
    assert noise(notebook, ROOT) == []
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert '"execution":' not in text
    for cell in notebook.cells:
        if cell.cell_type == "code" and ("print(" in cell.source or cell.source.rstrip().endswith("show()")):
            assert cell.outputs, f"a cell of {name} was not executed: {cell.source[:60]!r}"
        if cell.cell_type == "markdown":
            assert myst.evaluations(cell.source) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_page_and_the_slides_can_show_every_formula(name):
    """latex2mathml knows less TeX than an editor does; what it does not know is a ValueError of the builder."""
    for cell in committed(name).cells:
        if cell.cell_type == "markdown":
            html = MarkdownWithMath(renderer=book.Renderer(FOLDER)).render(cell.source)
            assert html.count("<math") >= cell.source.count("$$") // 2


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_whose_inputs_changed_still_says_the_same(name):
    current = notebooks.read_manifest(FOLDER).get(name) == notebooks.inputs(name, ROOT)
    if current and not os.environ.get("RLCORE_ALL_NOTEBOOKS"):
        return  # what it was made from is what it was made from
    fresh, _ = notebooks.build(name, ROOT)
    assert compare(committed(name), fresh) == [], "run: make notebooks, and read what changed"
