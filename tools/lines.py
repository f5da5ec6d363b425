"""How much a reader of PPO has to read: `python -m tools.lines [module.name ...]`.

From the names given, every function, class and constant of rlcore that their code mentions, annotations included,
and what the code of those mentions, and so on: by the syntax tree and the import statements, without running
anything. A class counts with all of its methods. Lines of code have code on them, be it one bracket; docstrings
count apart; blank lines and comments of their own do not count.

Doors are what refuses bad input: `__post_init__`, functions whose names begin with `check_` or `_check_`, the
modules DOORS, and what only they lead to. Nobody reads them to understand PPO, so they are a sum of their own. A
class that code only compares with, `isinstance(x, C)`, is not read for that either.

What arrives as an argument leaves no trace in the code: the environment, the network and the head that the
example of `rlcore.algorithms.ppo` hands over are starting points too (EXAMPLE).
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.architecture import ROOT, find

PPO = ("rlcore.algorithms.ppo.ppo", "rlcore.algorithms.ppo.PPOConfig")
DOORS = ("rlcore.problems.doors", "rlcore.learning.shapes")
EXAMPLE = (
    "rlcore.problems.cartpole.CartPole",
    "rlcore.learning.heads.Categorical",
    "rlcore.nn.layers.mlp",
    "rlcore.nn.layers.mlp_params",
    "rlcore.nn.layers.orthogonal",
)


@dataclass(frozen=True)
class Module:
    """A file's top level: what it defines, and what its other names stand for."""

    defined: dict[str, ast.stmt]
    imported: dict[str, str]  # name here -> full name
    code: frozenset[int]  # lines that hold code
    text: frozenset[int]  # lines of docstrings that are not blank


@cache
def read(module: str, root: Path = ROOT) -> Module | None:
    """The module's parts, None for other people's modules."""
    path = find(module, root)
    if path is None:
        return None
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    defined: dict[str, ast.stmt] = {}
    for node in tree.body:
        for name in names_of(node):
            defined[name] = node
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    docs, lines = docstring_lines(tree), text.splitlines()
    written = frozenset(k for k in docs if lines[k - 1].strip())
    return Module(defined, imported, frozenset(set(code_lines(text)) - docs), written)


def names_of(node: ast.stmt) -> list[str]:
    """What a statement of the top level defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [
        name.id for target in targets if target for name in ast.walk(target) if isinstance(name, ast.Name)
    ]


def code_lines(text: str) -> Iterator[int]:
    """Numbers of the lines that hold more than a comment; those of docstrings too."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent | {tokenize.ENDMARKER}:
            yield from range(token.start[0], token.end[0] + 1)


def docstring_lines(tree: ast.AST) -> set[int]:
    """Numbers of the lines of docstrings."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
            and ast.get_docstring(node) is not None
        ):
            found |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return found


def is_door(name: str, module: str = "") -> bool:
    return name == "__post_init__" or name.startswith(("check_", "_check_")) or module in DOORS


def without_doors(node: ast.AST) -> Iterator[ast.AST]:
    """Every node of a definition, but those of its methods that are doors, and the classes of `isinstance`."""
    yield node
    asked = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
    for child in node.args[:1] if asked else ast.iter_child_nodes(node):  # type: ignore[attr-defined]
        if not (isinstance(child, ast.FunctionDef) and is_door(child.name)):
            yield from without_doors(child)


def mentioned(node: ast.stmt, module: Module, doors: bool) -> Iterator[str]:
    """Full names of what a definition's code mentions; `layers.mlp` of an imported module too."""
    for part in ast.walk(node) if doors else without_doors(node):
        if isinstance(part, ast.Name) and part.id in module.imported:
            yield module.imported[part.id]
        elif isinstance(part, ast.Name):
            yield part.id
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            yield f"{module.imported.get(part.value.id, part.value.id)}.{part.attr}"


def reachable(names: tuple[str, ...], doors: bool = False, root: Path = ROOT) -> dict[str, tuple[int, int]]:
    """Full name -> lines of code, lines of text, of all that the names lead to, themselves included."""
    found: dict[str, tuple[int, int]] = {}
    todo = list(names)
    while todo:
        full = todo.pop()
        home, _, name = full.rpartition(".")
        module = read(home, root) if home else None
        if full in found or module is None or (is_door(name, home) and not doors):
            continue
        if name in module.imported and name not in module.defined:
            todo.append(module.imported[name])
            continue
        if name not in module.defined:
            continue
        node = module.defined[name]
        span = lines_of(node, doors)
        found[full] = len(span & module.code), len(span & module.text)
        todo += [other if "." in other else f"{home}.{other}" for other in mentioned(node, module, doors)]
    return found


def lines_of(node: ast.stmt, doors: bool) -> set[int]:
    """The lines of a definition, decorators included."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    span = set(range(first, (node.end_lineno or 0) + 1))
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef) and is_door(child.name) and not doors:
            span -= lines_of(child, doors)
    return span


def total(found: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Lines of code, lines of docstring."""
    return sum(code for code, _ in found.values()), sum(docs for _, docs in found.values())


def main(names: tuple[str, ...]) -> None:
    found = reachable(names)
    print(" code  text")
    for name, (code, text) in sorted(found.items(), key=lambda item: -item[1][0]):
        print(f"{code:5} {text:5}  {name}")
    sums = {", ".join(names): {name: found[name] for name in names}, "all of the above": found}
    sums["with doors and what they lead to"] = reachable(names, doors=True)
    if names == PPO:
        sums["all of the above, and the example"] = reachable(PPO + EXAMPLE)
    print()
    for what, part in sums.items():
        print("{:5} {:5}  {}".format(*total(part), what))


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or PPO)
