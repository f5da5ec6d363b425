"""Redraw the figures of the book that are out of date: `python -m tools.figures`.

Each figures/fig_CC_N_name.py holds `compute(seeds) -> dict of arrays` and `draw(data) -> Figure`, and may
hold `animate(data, path)`. Beside it stand the .npz that compute made and the .svg and .png (and .gif)
drawn from it.

A figure is out of date when a file is missing, or when the fingerprint in figures/manifest.json is not
the one of its inputs: its script and the modules of rlcore that it imports, directly or through others.
Comments, docstrings and packages' __init__ files do not count.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.util
import io
import json
import sys
import time
import tokenize
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "figures"


def scripts(names: Sequence[str] = (), folder: Path = FIGURES) -> list[Path]:
    """The figure scripts, all or those named (`fig_01_2_walk`, `01_2`, `01` for a chapter, or a file name), sorted.

    Raises ValueError for a name that fits no figure.
    """
    every = sorted(folder.glob("fig_*.py"))
    if not names:
        return every
    chosen = set()
    for name in names:
        stem = Path(name).stem
        fitting = [s for s in every if stem in (s.stem, s.stem[4:], s.stem[4:8], s.stem[4:6])]
        if not fitting:
            raise ValueError(
                f"no figure is called {name!r}; there are {', '.join(s.stem for s in every) or 'none'}"
            )
        chosen.update(fitting)
    return sorted(chosen)


def imported(script: Path, root: Path = ROOT) -> set[Path]:
    """The files of rlcore that a script imports, at any depth, wherever in the file the import stands."""
    found: set[Path] = set()
    queue = [script]
    while queue:
        tree = ast.parse(queue.pop().read_text(encoding="utf-8"))
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
                names.update(f"{node.module}.{alias.name}" for alias in node.names)
        for name in names:
            path = root.joinpath(*name.split(".")).with_suffix(".py")
            if name.startswith("rlcore.") and path.is_file() and path not in found:
                found.add(path)
                queue.append(path)
    return found


def code(path: Path) -> str:
    """A file without comments, docstrings and blank lines: what a picture can depend on."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            for row in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def fingerprint(script: Path, root: Path = ROOT) -> str:
    """What a figure depends on, as a short hash: the same on every system."""
    digest = hashlib.sha256()
    for path in [script, *sorted(imported(script, root))]:
        name = path.name if path == script else path.relative_to(root).as_posix()
        digest.update(f"{name}\n{code(path)}\n".encode())
    return digest.hexdigest()[:16]


def load(script: Path) -> ModuleType:
    """Import a figure script from its path."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    if spec is None or spec.loader is None:
        raise ImportError(f"{script} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs(script: Path) -> list[Path]:
    """The files that must stand beside a script."""
    animated = any(
        isinstance(node, ast.FunctionDef) and node.name == "animate"
        for node in ast.parse(script.read_text(encoding="utf-8")).body
    )
    return [script.with_suffix(s) for s in (".npz", ".svg", ".png", *([".gif"] if animated else []))]


def read_manifest(folder: Path = FIGURES) -> dict[str, str]:
    path = folder / "manifest.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def write_manifest(manifest: dict[str, str], folder: Path = FIGURES) -> None:
    lines = json.dumps(dict(sorted(manifest.items())), indent=0)
    (folder / "manifest.json").write_bytes((lines + "\n").encode())


def why_stale(script: Path, manifest: dict[str, str], root: Path = ROOT) -> str:
    """Why a figure must be redrawn; empty if it need not be."""
    missing = [path.name for path in outputs(script) if not path.is_file()]
    if missing:
        return f"{missing[0]} is missing"
    if script.stem not in manifest:
        return "it is not in manifest.json"
    return "" if manifest[script.stem] == fingerprint(script, root) else "its inputs changed"


def redraw(script: Path) -> None:
    """Compute, draw and write one figure."""
    from rlcore.lab import plots

    figure = load(script)
    data = figure.compute()
    np.savez_compressed(script.with_suffix(".npz"), **data)
    picture = figure.draw(data)
    for suffix in (".svg", ".png"):
        plots.save(picture, script.with_suffix(suffix))
    if hasattr(figure, "animate"):
        figure.animate(data, script.with_suffix(".gif"))


def main(argv: Sequence[str] | None = None, folder: Path = FIGURES) -> int:
    """The command line; 1 where a figure failed, or is out of date under --check."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.figures", description="Redraw the figures out of date."
    )
    parser.add_argument(
        "names", nargs="*", help="figures, fig_01_2_walk or 01_2, or a chapter, 01; default: all"
    )
    parser.add_argument("--all", action="store_true", help="redraw whether out of date or not")
    parser.add_argument("--check", action="store_true", help="write nothing, say what is out of date")
    options = parser.parse_args(argv)
    try:
        chosen = scripts(options.names, folder)
    except ValueError as error:
        parser.error(str(error))

    manifest, bad = read_manifest(folder), 0
    for script in chosen:
        began = time.perf_counter()
        why = why_stale(script, manifest) or ("asked for" if options.all else "")
        if not why:
            said = "up to date"
        elif options.check:
            said, bad = f"out of date: {why}", bad + 1
        else:
            try:
                redraw(script)
            except Exception as error:
                said, bad = f"failed: {type(error).__name__}: {error}", bad + 1
            else:
                manifest[script.stem] = fingerprint(script)
                kept = {name: known for name, known in manifest.items() if (folder / f"{name}.py").is_file()}
                write_manifest(kept, folder)
                said = f"drawn in {time.perf_counter() - began:.1f} s ({why})"
        print(f"{script.stem:<28} {said}", flush=True)
    gone = sorted(name for name in manifest if not (folder / f"{name}.py").is_file())
    for name in gone:
        print(f"{name:<28} has no script any more" + ("; run: make figures" if options.check else ""))
    if gone and not options.check:
        write_manifest({name: key for name, key in manifest.items() if name not in gone}, folder)
    return 1 if bad or (gone and options.check) else 0


if __name__ == "__main__":
    sys.exit(main())
