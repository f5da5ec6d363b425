"""make.py: one clear line where something is missing, and no work that was done before."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VERBS = ["book", "test", "slow", "check", "lab", "grade", "figures", "notebooks", "bench"]
VERBS += ["kill-matrix", "new-chapter", "clean", "help"]


def command(*args: str, root: Path = ROOT, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("CH", "NAME", "ARGS")}
    return subprocess.run(
        [python, str(root / "make.py"), *args], capture_output=True, text=True, env=environment
    )


@pytest.fixture
def make(tmp_path, monkeypatch):
    """make.py as a module of a project of its own, whose child processes are recorded, not run."""
    root = tmp_path / "a project"
    for name in ("ch01_mdp", "ch02_bellman", "ch12_scaling_up"):
        (root / "chapters" / name).mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copy(ROOT / "make.py", root)
    spec = importlib.util.spec_from_file_location("make", root / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ran = []

    def logged(words, failure):
        module.ran.append(words)
        if "venv" in words:
            Path(module.VENV_PYTHON).parent.mkdir(parents=True)

    version = "{}.{}\n".format(*sys.version_info[:2])
    monkeypatch.setattr(module, "logged", logged)
    monkeypatch.setattr(module.subprocess, "check_output", lambda *args, **how: version.encode())
    return module


def test_every_python_can_read_it():
    text = (ROOT / "make.py").read_text(encoding="utf-8")
    text.encode("ascii")
    tree = ast.parse(text, feature_version=(3, 4))
    newer = (
        ast.JoinedStr,
        ast.AnnAssign,
        ast.Nonlocal,
        ast.NamedExpr,
        ast.YieldFrom,
        ast.AsyncFunctionDef,
    )
    for node in ast.walk(tree):
        assert not isinstance(node, newer), f"line {node.lineno}: Python 2.7 has no {type(node).__name__}"
        if isinstance(node, ast.FunctionDef):
            assert not node.returns
            assert not node.args.kwonlyargs
            assert not any(argument.annotation for argument in node.args.args)
        if isinstance(node, ast.Raise):
            assert node.cause is None


def old_pythons() -> list[str]:
    """Interpreters on this machine that are too old for rlcore."""
    names = ["python2.7", *(f"python3.{minor}" for minor in range(4, 10))]
    on_path = [shutil.which(name) for name in names]
    under_pyenv = sorted(Path.home().glob(".pyenv/versions/[23].[0-9]*.[0-9]*/bin/python"))
    found = [p for p in [*on_path, *map(str, under_pyenv)] if p]
    ask = "import sys; sys.exit(sys.version_info >= (3, 10))"
    return [p for p in found if subprocess.run([p, "-c", ask], capture_output=True).returncode == 0]


def test_an_old_python_gets_one_line():
    for python in old_pythons():
        done = command("test", python=python)
        assert done.returncode == 2
        assert done.stdout == ""
        line = r"make.py: rlcore needs .+; this is Python [23]\.\d+\.\d+ \(.+\)\. (Try: make test|Install one) .+\n"
        assert re.fullmatch(line, done.stderr), done.stderr


def test_the_version_check_itself(make, monkeypatch):
    monkeypatch.setattr(make.sys, "version_info", (3, 9, 18))
    monkeypatch.setattr(make, "runs", lambda program: program == "python3.12")
    monkeypatch.setattr(make.os, "name", "posix")
    with pytest.raises(
        make.Stop, match=r"this is Python 3\.9\.18 \(.*\)\. Try: make book PYTHON=python3\.12$"
    ):
        make.check_python("book")


def test_a_missing_venv_module_gets_one_line(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(
        make.Stop, match=r"lacks the module ensurepip; on Debian and Ubuntu: sudo apt install python3"
    ):
        make.check_python("test")


def test_help_lists_every_verb():
    for args in ([], ["help"], ["--help"]):
        done = command(*args)
        assert done.returncode == 0
        assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("    ")] == VERBS


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["tset"], "unknown verb 'tset'; verbs are book, test, "),
        (["grade"], "grade needs a chapter: make grade CH=ch03; chapters are ch01_"),
        (["grade", "CH=ch99"], "no chapter 'ch99'; chapters are ch01_"),
        (["grade", "CHAPTER=ch01"], "unknown option CHAPTER=; options are CH, NAME, ARGS"),
        (["test", "fast"], "'fast' is one word too many"),
        (["new-chapter"], "new-chapter needs a name: make new-chapter NAME=ch04_bandits"),
    ],
)
def test_a_mistake_gets_one_line(args, message):
    done = command(*args)
    assert done.returncode == 2
    assert done.stderr.startswith("make.py: " + message)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["ch12", "12", "ch12_scaling_up"])
def test_a_chapter_is_found_by_its_number_or_name(make, name):
    assert make.parse(["grade", "CH=" + name])[1]["CH"] == "ch12_scaling_up"


def test_half_a_number_is_no_chapter(make):
    with pytest.raises(make.Stop, match="no chapter 'ch1'"):
        make.parse(["grade", "CH=ch1"])


def test_make_hands_options_over_as_variables(make, monkeypatch):
    monkeypatch.setenv("CH", "ch02")
    monkeypatch.setenv("ARGS", "-k 'a or b'")
    verb, options = make.parse(["grade"])
    assert (verb, options["CH"], options["ARGS"]) == ("grade", "ch02_bellman", ["-k", "a or b"])


def installs(make) -> list[str]:
    return [words[-1] for words in make.ran if "--editable" in words]


def test_the_second_run_installs_nothing(make):
    make.install(["test"])
    assert [words[-2:] for words in make.ran] == [["venv", make.VENV], ["--editable", ".[test]"]]
    make.ran.clear()
    make.install(["test"])
    make.install([])
    assert make.ran == []


def test_extras_are_added_up(make):
    make.install(["test"])
    make.install(["book"])
    make.install(["test"])
    assert installs(make) == [".[test]", ".[book,test]"]


def test_a_changed_pyproject_is_installed_again(make):
    make.install(["test"])
    path = Path(make.ROOT, "pyproject.toml")
    path.write_text(path.read_text() + "\n# changed\n")
    make.install(["test"])
    assert installs(make) == [".[test]", ".[test]"]


def made_anew(make) -> bool:
    make.ran.clear()
    make.install(["test"])
    return any("venv" in words for words in make.ran)


def test_a_venv_of_another_python_is_made_anew(make, monkeypatch):
    make.install(["test"])
    monkeypatch.setattr(make.subprocess, "check_output", lambda *args, **how: b"3.99\n")
    assert made_anew(make)


def test_a_venv_whose_python_is_gone_is_made_anew(make, monkeypatch):
    make.install(["test"])

    def gone(*args, **how):
        raise OSError("no such file")

    monkeypatch.setattr(make.subprocess, "check_output", gone)
    assert made_anew(make)


def test_a_venv_that_was_moved_is_made_anew(make):
    make.install(["test"])
    stamp = Path(make.STAMP)
    stamp.write_text(stamp.read_text().replace("a project", "an older place"))
    assert made_anew(make)
    assert not made_anew(make)


def test_a_venv_that_is_not_ours_is_used_or_left_alone(make, monkeypatch):
    Path(make.VENV).mkdir()
    assert not made_anew(make)
    assert installs(make) == [".[test]"]
    Path(make.STAMP).unlink()
    monkeypatch.setattr(make.subprocess, "check_output", lambda *args, **how: b"3.99\n")
    with pytest.raises(
        make.Stop, match=r"was not made by make\.py and cannot be used: the old one has Python 3\.99"
    ):
        make.install(["test"])
    assert Path(make.VENV).is_dir()


def test_a_failed_install_names_the_log(make, monkeypatch):
    monkeypatch.undo()
    spec_root = Path(make.ROOT)
    fresh = importlib.util.spec_from_file_location("fresh", spec_root / "make.py")
    module = importlib.util.module_from_spec(fresh)
    fresh.loader.exec_module(module)
    code = "print('ERROR: no such package'); print('bye'); raise SystemExit(1)"
    message = r"installing failed: ERROR: no such package \(the whole story: build.install\.log\)"
    with pytest.raises(module.Stop, match=message):
        module.logged([sys.executable, "-c", code], "installing failed")
    assert "bye" in Path(module.LOG).read_text()


def test_exit_codes_pass_through(make, monkeypatch):
    codes = iter([0, 3, 1])
    monkeypatch.setattr(make, "wait", lambda words: next(codes))
    assert make.run(["a"], ["b"], ["c"], all_of_them=True) == 3
    codes = iter([0, 3, 1])
    assert make.run(["a"], ["b"], ["c"]) == 3
    assert next(codes) == 1


def test_clean_leaves_your_work_alone(make):
    root = Path(make.ROOT)
    mine = root / "chapters/ch01_mdp/exercises.py"
    mine.write_text("done = True\n")
    for name in (".venv/lib", "build/book", "chapters/__pycache__", ".pytest_cache"):
        (root / name).mkdir(parents=True)
    make.clean({})
    left = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert left == {"make.py", "pyproject.toml", "chapters/ch01_mdp/exercises.py"}
    assert not (root / ".venv").exists()
    assert not (root / "chapters/__pycache__").exists()


def test_the_makefile_has_the_same_verbs():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    line = re.search(r"^VERBS := (.+)$", text, re.MULTILINE)
    assert line
    assert line[1].split() == VERBS
