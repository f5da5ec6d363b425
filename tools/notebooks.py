"""Build the notebooks: `python -m tools.notebooks [--all | --check] [--into FOLDER] [NAME ...]`.

chapters/ch01_mdp/chapter.md -> notebooks/01_mdp.ipynb, executed; chapters/index.md -> 00_index.ipynb.
The manifest beside them holds, for each, a hash of what it was made from: its text, the modules it
imports, and the builder. Without options those whose hash changed are built.
"""

import argparse
import ast
import hashlib
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from tools import architecture, myst
from tools.execute import execute

ROOT = myst.ROOT
BUILDER = ("tools/notebooks.py", "tools/myst.py", "tools/execute.py")
LIMIT = 90.0  # seconds a notebook may take


def read(name: str, root: Path = ROOT) -> NotebookNode:
    """The notebook of a chapter before execution: equations numbered, {eval} still there."""
    text = myst.to_markdown(myst.chapters(root)[name], myst.equations(root), root)
    return jupytext.reads(
        myst.FRONT_MATTER.sub("", text), fmt="md:myst"
    )  # which is for Jupytext in an editor


def inputs(name: str, root: Path = ROOT) -> str:
    """Hash of all that the notebook is made from: its text, the modules it imports, the builder."""
    notebook = read(name, root)
    start = ["rlcore"]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            code = "\n".join(line for line in cell.source.split("\n") if not line.startswith(("%", "!")))
            start += [module for module, _ in architecture.imports(ast.parse(code))]
    files = [*architecture.reachable(start, root).values(), *(ROOT / tool for tool in BUILDER)]
    digest = hashlib.sha256()
    for cell in notebook.cells:
        digest.update(f"{cell.cell_type}\0{cell.source}\0".encode())
    for text in sorted(path.read_text(encoding="utf-8") for path in files):
        digest.update(text.encode())
    return digest.hexdigest()


def build(name: str, root: Path = ROOT) -> tuple[NotebookNode, float]:
    """Read and execute one notebook; return it with the seconds it took.

    Raises ChapterError where the text or a cell is wrong, or where it takes more than LIMIT seconds.
    """
    start = time.perf_counter()
    notebook = execute(read(name, root), name, LIMIT, root)
    seconds = time.perf_counter() - start
    if seconds > LIMIT:
        raise myst.ChapterError(f"{name}: took {seconds:.0f} s; a notebook has {LIMIT:.0f} s")
    return notebook, seconds


def read_manifest(folder: Path) -> dict[str, str]:
    path = folder / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(folder: Path, manifest: dict[str, str]) -> None:
    """Write the manifest, a line a notebook."""
    text = json.dumps(dict(sorted(manifest.items())), indent=1) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8", newline="\n")


def out_of_date(folder: Path, root: Path = ROOT) -> dict[str, str]:
    """Name -> present hash, of each notebook in `folder` that is missing or whose inputs changed."""
    manifest = read_manifest(folder)
    now = {name: _key(name, folder, root) for name in myst.chapters(root)}
    return {
        name: key
        for name, key in now.items()
        if manifest.get(name) != key or not (folder / f"{name}.ipynb").exists()
    }


def _key(name: str, folder: Path, root: Path) -> str:
    """The committed notebooks depend on the book alone; elsewhere on the installed versions too."""
    key = inputs(name, root)
    if folder.resolve() != (root / "notebooks").resolve():
        installed = [
            f"{package} {version(package)}" for package in ("numpy", "scipy", "gymnasium", "matplotlib")
        ]
        key = hashlib.sha256(" ".join([key, sys.version, *installed]).encode()).hexdigest()
    return key


def write(notebook: NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as f:
        nbformat.write(notebook, f)


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description="Build the notebooks.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="01_mdp, say; without a name, those out of date"
    )
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--check", action="store_true", help="build nothing; fail where one is out of date")
    parser.add_argument("--into", default="notebooks", metavar="FOLDER", help="where to write them")
    args = parser.parse_args(argv)
    folder = root / args.into
    try:
        known = myst.chapters(root)
        unknown = [name for name in args.names if name not in known]
        if unknown:
            parser.error(f"no notebook '{unknown[0]}'; there are {', '.join(known)}")
        old = out_of_date(folder, root)
        gone = sorted(read_manifest(folder).keys() - known.keys())
        if args.check:
            for name in [*old, *gone]:
                why = "has no chapter any more" if name in gone else "is out of date"
                print(f"{args.into}/{name}.ipynb {why}; run: make notebooks")
            return 1 if old or gone else 0
        for name in gone:
            print(f"    {name:<28} has no chapter any more: removed")
            (folder / f"{name}.ipynb").unlink(missing_ok=True)
            keep(folder, {key: value for key, value in read_manifest(folder).items() if key in known})
        wanted = args.names or (list(known) if args.all else list(old))
        print(f"{len(wanted)} of {len(known)} notebooks to build")
        for name in wanted:
            print(f"    {name:<28}", end="", flush=True)
            notebook, seconds = build(name, root)
            write(notebook, folder / f"{name}.ipynb")
            keep(folder, {**read_manifest(folder), name: _key(name, folder, root)})
            print(f"{seconds:6.1f} s", flush=True)
    except (myst.ChapterError, SyntaxError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
