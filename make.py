"""The one command behind every verb: `python make.py VERB`, the same as `make VERB`.

It makes `.venv` beside this file, installs what the verb needs, and runs the verb there. A stamp
remembers what was installed, so a second run goes straight to work.

Only the standard library, and only syntax that every Python reads, 2.7 included: so the wrong
Python gets one clear line instead of a SyntaxError.
"""

from __future__ import print_function

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time

OLDEST = (3, 10)
ROOT = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.join(ROOT, ".venv")
VENV_BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
VENV_PYTHON = os.path.join(VENV_BIN, "python.exe" if os.name == "nt" else "python")
STAMP = os.path.join(VENV, "installed.txt")
LOG = os.path.join(ROOT, "build", "install.log")
OPTIONS = ("CH", "NAME", "ARGS")


class Stop(Exception):
    """What ends the run with one line for the reader."""


# ---------------------------------------------------------------- the verbs


def help_(options):
    """list the verbs"""
    print("python make.py VERB, or make VERB, in any shell:\n")
    for name, (verb, _) in VERBS.items():
        print("    {:<12} {}".format(name, verb.__doc__))
    print("\nOptions: CH=ch03 (grade), NAME=ch04_bandits (new-chapter), ARGS='-k gamma' (handed to pytest),")
    print("PYTHON=python3.12 (with make: which Python to build .venv from)")
    return 0


def book(options):
    """figures, notebooks and the HTML book, built here"""
    code = run(["tools.figures"], ["tools.notebooks", "--into", "build/notebooks"], ["tools.book"])
    if code == 0:
        print("\nTo read and run it:   make lab   (or: python make.py lab)")
        print(
            "To read it only:      open {} in a browser".format(
                os.path.join(ROOT, "build", "book", "index.html")
            )
        )
    return code


def test(options):
    """the tests (minutes)"""
    return run(["pytest"] + parallel(options["ARGS"]) + options["ARGS"])


def slow(options):
    """the tests that take long"""
    return run(["pytest", "-m", "slow"] + parallel(options["ARGS"]) + options["ARGS"])


def check(options):
    """lint, format, types, architecture"""
    return run(
        ["ruff", "check"], ["ruff", "format", "--check"], ["mypy"], ["tools.architecture"], all_of_them=True
    )


def lab(options):
    """JupyterLab, opened at the index"""
    return run(["jupyterlab", os.path.join("notebooks", "00_index.ipynb")] + options["ARGS"])


def grade(options):
    """the exercises of a chapter: grade CH=ch03"""
    return run(["pytest", "chapters/" + options["CH"]] + options["ARGS"])


def figures(options):
    """redraw the figures that are out of date"""
    return run(["tools.figures"] + options["ARGS"])


def notebooks(options):
    """execute every notebook anew from its chapter"""
    return run(["tools.notebooks", "--all"] + options["ARGS"])


def bench(options):
    """speed, side by side with other libraries"""
    return run(["pytest", "tests/benchmarks", "-o", "python_files=bench_*.py"] + options["ARGS"])


def kill_matrix(options):
    """which test catches which wrong answer"""
    return run(["chapters.harness.kill_matrix"] + options["ARGS"])


def new_chapter(options):
    """start a chapter from the template: new-chapter NAME=ch04_bandits"""
    return run(["tools.new_chapter", options["NAME"]])


def clean(options):
    """remove .venv, build and caches, nothing of yours"""
    caches = (
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".ipynb_checkpoints",
    )
    doomed = [VENV, os.path.join(ROOT, "build"), os.path.join(ROOT, ".benchmarks")]
    for folder, inside, _ in os.walk(ROOT):
        doomed += [os.path.join(folder, name) for name in inside if name in caches]
        inside[:] = [name for name in inside if name not in caches + (".git", ".venv", "build")]
    for path in doomed:
        if os.path.isdir(path):
            print("removing " + os.path.relpath(path, ROOT))
            remove(path)
    return 0


VERBS = dict(  # verb: (what it does, the extras of pyproject.toml that it needs)
    [
        ("book", (book, ["book"])),
        ("test", (test, ["book", "test", "distributed"])),
        ("slow", (slow, ["book", "test", "distributed"])),
        ("check", (check, ["book", "test", "distributed", "dev"])),
        ("lab", (lab, ["book", "test"])),
        ("grade", (grade, ["test"])),
        ("figures", (figures, ["book"])),
        ("notebooks", (notebooks, ["book"])),
        ("bench", (bench, ["test", "bench"])),
        ("kill-matrix", (kill_matrix, ["test"])),
        ("new-chapter", (new_chapter, [])),
        ("clean", (clean, None)),
        ("help", (help_, None)),
    ]
)


# ---------------------------------------------------------------- the command line


def main(argv):
    try:
        verb, options = parse(argv)
        act, extras = VERBS[verb]
        if extras is not None:
            check_python(verb)
            install(extras)
        return act(options)
    except Stop as stop:
        print("make.py: " + str(stop), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


def parse(argv):
    """['grade', 'CH=ch01'] -> ('grade', {'CH': 'ch01_mdp', ...}).  `make` hands options over as variables."""
    words = [word for word in argv if "=" not in word]
    given = dict((name, os.environ.get(name, "")) for name in OPTIONS)
    for name, value in (word.split("=", 1) for word in argv if "=" in word):
        if name not in OPTIONS:
            raise Stop("unknown option {}=; options are {}".format(name, ", ".join(OPTIONS)))
        given[name] = value
    verb = words[0] if words else "help"
    if verb in ("-h", "--help"):
        verb = "help"
    if verb not in VERBS:
        raise Stop("unknown verb '{}'; verbs are {}".format(verb, ", ".join(VERBS)))
    if words[1:]:
        raise Stop("'{}' is one word too many; pytest's arguments go into ARGS='...'".format(words[1]))
    if verb == "grade":
        given["CH"] = find_chapter(given["CH"])
    if verb == "new-chapter" and not given["NAME"]:
        raise Stop("new-chapter needs a name: make new-chapter NAME=ch04_bandits")
    try:
        given["ARGS"] = shlex.split(given["ARGS"])
    except ValueError as error:
        raise Stop("ARGS is {!r}: {}".format(given["ARGS"], error))
    for i, word in enumerate(given["ARGS"][:-1]):
        if word == "--answers":  # a path as the caller sees it; pytest runs at the project's root
            given["ARGS"][i + 1] = os.path.abspath(given["ARGS"][i + 1])
    return verb, given


def find_chapter(name):
    """'ch03' or '3' or a folder's full name -> the folder's name."""
    folder = os.path.join(ROOT, "chapters")
    chapters = sorted(
        c for c in os.listdir(folder) if c.startswith("ch") and os.path.isdir(os.path.join(folder, c))
    )
    wanted = "ch{:02d}".format(int(name)) if name and not name.strip("0123456789") else name
    found = [c for c in chapters if wanted and (c == wanted or c.startswith(wanted + "_"))]
    if len(found) != 1:
        why = "no chapter '{}'".format(name) if name else "grade needs a chapter: make grade CH=ch03"
        raise Stop("{}; chapters are {}".format(why, ", ".join(chapters) or "none yet"))
    return found[0]


# ---------------------------------------------------------------- Python, .venv, pip


def check_python(verb):
    if sys.version_info < OLDEST:
        newer = next((p for p in ("python3.%d" % minor for minor in range(19, 9, -1)) if runs(p)), None)
        hint = "Install one from https://www.python.org/downloads/"
        if os.name == "nt":
            hint = "Try: py -3 make.py " + verb
        elif newer:
            hint = "Try: make {} PYTHON={}".format(verb, newer)
        here = "this is Python {}.{}.{} ({})".format(*(tuple(sys.version_info[:3]) + (sys.executable,)))
        raise Stop("rlcore needs Python {}.{} or newer; {}. {}".format(OLDEST[0], OLDEST[1], here, hint))
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        version = "{}.{}".format(*sys.version_info[:2])
        hint = "on Debian and Ubuntu: sudo apt install python{}-venv".format(version)
        raise Stop(
            "this Python {} ({}) lacks the module {}; {}".format(version, sys.executable, error.name, hint)
        )


def runs(program):
    """Is it there, and does it start? (A version manager may leave shims that do not.)"""
    try:
        with open(os.devnull, "w") as nowhere:
            return subprocess.call([program, "-c", ""], stdout=nowhere, stderr=nowhere) == 0
    except OSError:
        return False


def install(extras):
    """Bring .venv up to date: at most `python -m venv` and one `pip install`, mostly neither."""
    before = read_stamp()
    reason = why_rebuild(before)
    if reason:
        start = step(
            "making .venv with Python {}.{}.{} ({})".format(*(tuple(sys.version_info[:3]) + (reason,)))
        )
        remove(VENV)
        os.makedirs(VENV)
        before = {"root": ROOT}
        write_stamp(before)  # first, so that a .venv half made is known as ours
        base = getattr(sys, "_base_executable", None) or sys.executable
        logged([base, "-m", "venv", VENV], "making .venv failed")
        done(start)
    wanted = sorted(set(extras) | set(before.get("extras", "").split()))
    now = {"root": ROOT, "pyproject": pyproject_hash(), "extras": " ".join(wanted)}
    if before != now:
        start = step(
            "installing rlcore[{}] into .venv (the first time this takes minutes)".format(",".join(wanted))
        )
        target = ".[{}]".format(",".join(wanted)) if wanted else "."
        pip = [VENV_PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
        logged(pip + ["--editable", target], "installing failed")
        write_stamp(now)
        done(start)


def read_stamp():
    try:
        with open(STAMP) as f:
            return dict(line.rstrip("\n").split(" = ", 1) for line in f)
    except (IOError, OSError, ValueError):
        return {}


def write_stamp(stamp):
    with open(STAMP, "w") as f:
        f.write("".join("{} = {}\n".format(key, stamp[key]) for key in sorted(stamp)))


def why_rebuild(stamp):
    """'' where .venv can be used, else the reason to make it anew. A .venv that is not ours is never removed."""
    if not os.path.isdir(VENV):
        return "there is none"
    reason = ""
    here = "{}.{}".format(*sys.version_info[:2])
    try:
        ask = [VENV_PYTHON, "-c", "import sys, pip; print('%d.%d' % sys.version_info[:2])"]
        version = subprocess.check_output(ask, stderr=subprocess.STDOUT).decode().strip()
        if version != here:
            reason = "the old one has Python " + version
    except (OSError, subprocess.CalledProcessError):
        reason = "the old one is broken"
    if stamp and stamp.get("root") != ROOT:
        reason = "the project was moved"
    if reason and not stamp:
        raise Stop(
            "{} was not made by make.py and cannot be used: {}. Rename or remove it".format(VENV, reason)
        )
    return reason


def pyproject_hash():
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as f:
        return hashlib.sha256(f.read().replace(b"\r\n", b"\n")).hexdigest()


def remove(path):
    try:
        if os.path.islink(path):
            os.unlink(path)
        elif os.path.isdir(path):
            shutil.rmtree(path)
    except OSError as error:
        raise Stop("cannot remove {}: {} (is it in use?)".format(path, error))


# ---------------------------------------------------------------- child processes


def run(*commands, **how):
    """Run `python -m command` for each in .venv, at the project's root; return the first exit code that is not 0."""
    codes = []
    for command in commands:
        if len(commands) > 1:
            start = step(" ".join(command))
        codes.append(wait([VENV_PYTHON, "-m"] + command))
        if len(commands) > 1:
            done(start, "failed" if codes[-1] else "done")
        if codes[-1] and not how.get("all_of_them"):
            break
    return next((code for code in codes if code), 0)


def wait(command):
    """The exit code. Ctrl-C reaches the child too, which stops in its own way; we wait for it."""
    child = subprocess.Popen(command, cwd=ROOT, env=environment())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            pass


def logged(command, failure):
    """Run a command whose output goes to build/install.log; on a terminal its last line shows."""
    if not os.path.isdir(os.path.dirname(LOG)):
        os.makedirs(os.path.dirname(LOG))
    last = ""
    with open(LOG, "ab") as log:
        log.write((" ".join(command) + "\n").encode("utf-8"))
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for line in iter(child.stdout.readline, b""):
            log.write(line)
            text = line.decode("utf-8", "replace").strip()
            last = text if text.startswith("ERROR") or not last.startswith("ERROR") else last
            if sys.stdout.isatty():
                sys.stdout.write("\r\033[K    " + text[:70])
                sys.stdout.flush()
        code = child.wait()
    if sys.stdout.isatty():
        sys.stdout.write("\r\033[K")
    if code:
        raise Stop("{}: {} (the whole story: {})".format(failure, last, os.path.relpath(LOG, ROOT)))


def environment():
    """What a child sees: .venv first, one thread a process for linear algebra, UTF-8."""
    env = dict(os.environ, VIRTUAL_ENV=VENV, PYTHONUTF8="1")
    env["PATH"] = VENV_BIN + os.pathsep + env.get("PATH", "")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        env.setdefault(name, "1")
    for name in ("PYTHONHOME", "PIP_USER") + OPTIONS:
        env.pop(name, None)
    return env


def parallel(arguments):
    """pytest-xdist's argument: a worker a core, where there are two or more, and ARGS does not choose itself."""
    if any(word.startswith("-n") or "xdist" in word for word in arguments):
        return []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ["-n", str(min(cores, 8))] if cores > 1 else []


def step(what):
    print("==> " + what.rstrip(), flush=True)
    return time.time()


def done(start, word="done"):
    print("    {} in {:.1f} s".format(word, time.time() - start), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
