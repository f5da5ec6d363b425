"""What was removed is noticed, and a difference is shown where it is."""

import json

import pytest

from tools import compare, figures, myst, notebooks


def test_a_figure_without_a_script_leaves_the_manifest(tmp_path, capsys):
    figures.write_manifest({"fig_09_1_gone": "0"}, tmp_path)
    assert figures.main(["--check"], tmp_path) == 1
    assert "has no script any more; run: make figures" in capsys.readouterr().out
    assert figures.main([], tmp_path) == 0
    assert figures.read_manifest(tmp_path) == {}
    assert figures.main(["--check"], tmp_path) == 0


def test_a_notebook_without_a_chapter_is_removed(tmp_path, capsys):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (tmp_path / "chapters").mkdir()
    (folder / "09_gone.ipynb").write_text("{}")
    (folder / "manifest.json").write_text(json.dumps({"09_gone": "0"}))
    assert notebooks.main(["--check"], tmp_path) == 1
    assert "notebooks/09_gone.ipynb has no chapter any more" in capsys.readouterr().out
    assert notebooks.main([], tmp_path) == 0
    assert not (folder / "09_gone.ipynb").exists()
    assert notebooks.main(["--check"], tmp_path) == 0


def test_a_difference_is_shown_where_it_is():
    same = "the same words over and over " * 10
    (said,) = compare.differences(same + "then left", same + "then right")
    assert "then left" in said
    assert "then right" in said


@pytest.mark.parametrize("number", ["0.735", ".735", "73.5%", "1e-3", "2.5e10"])
def test_numbers_that_prose_must_take_from_the_run(number, tmp_path):
    chapter = tmp_path / "chapter.md"
    chapter.write_text(f"# Title\n\nThe value is {number} here.\n")
    assert any(number.rstrip("%") in said for said in myst.lint(chapter, tmp_path))


@pytest.mark.parametrize(
    "text", ["with $0.9$ of it", "see section 2.3", "42 steps", "`0.5`", "version 1.2.3"]
)
def test_numbers_that_prose_may_hold(text, tmp_path):
    chapter = tmp_path / "chapter.md"
    chapter.write_text(f"# Title\n\nHere {text}.\n")
    assert list(myst.lint(chapter, tmp_path)) == []
