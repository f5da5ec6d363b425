"""`make new-chapter` writes a chapter that works at once."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.new_chapter import main, new_chapter

ROOT = Path(__file__).parents[1]


def test_a_new_chapter_works_at_once(tmp_path):
    for part in ("harness", "__init__.py", "conftest.py"):
        source = ROOT / "chapters" / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        (tmp_path / "chapters").mkdir(exist_ok=True)
        copy(source, tmp_path / "chapters" / part)
    written = new_chapter("ch42_many_arms", tmp_path)
    assert len(written) == 6
    assert "(eq:many-arms-mean-square)" in (tmp_path / "chapters/ch42_many_arms/chapter.md").read_text()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "chapters/ch42_many_arms",
    ]
    for option, code, said in (
        ("", 1, "3 not done"),
        ("--solutions", 0, "2 of 2 points"),
        ("--mutants", 0, "2 passed"),
    ):
        done = subprocess.run([*command, *option.split()], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == code, done.stdout
        assert said in done.stdout


@pytest.mark.parametrize("name", ["bandits", "ch4_bandits", "ch04", "ch04_Bandits", "../ch04_x", ""])
def test_names_that_do_not_fit(name, tmp_path):
    with pytest.raises(ValueError, match="it must look like ch04_bandits"):
        new_chapter(name, tmp_path)


def test_a_number_is_taken_once(tmp_path):
    new_chapter("ch42_many_arms", tmp_path)
    with pytest.raises(ValueError, match="chapter 42 exists already: chapters/ch42_many_arms"):
        new_chapter("ch42_few_arms", tmp_path)


def test_command_line(capsys):
    assert main([]) == 2
    assert main(["nonsense"]) == 2
    assert "it must look like" in capsys.readouterr().err
