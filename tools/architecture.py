"""The plan of the house, read off its import statements: `python -m tools.architecture`.

A room imports only itself and rooms above it in ROOMS; every import counts, also one inside a function.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

ROOMS = ("numerics", "problems", "exact", "nn", "learning", "plain", "algorithms", "lm", "lab")
ONLY_IN = {
    "matplotlib": ("lab/flow.py", "lab/plots.py"),
    "PIL": ("lab/plots.py", "lab/film.py"),
    "gymnasium": ("problems/gym.py",),
}
ALLOWED = {
    "numpy",
    "scipy",
    "gymnasium",
    "matplotlib",
    "PIL",
}  # beside the standard library; PIL comes with matplotlib
FORBIDDEN = {  # what checks shares no code with what it checks
    "exact": {"algorithms", "learning", "nn", "plain"},
    "algorithms": {"plain"},
}
SIBLINGS = {  # who may import whom
    *(("dp", "certificate"), ("dp", "fast_dp"), ("fast_dp", "certificate")),
    *(
        ("distributed", "ppo"),
        ("distributed", "actor_critic"),
        ("asynchronous", "distributed"),
    ),  # tasks, not loops
}


def imports(tree: ast.AST, package: str = "") -> Iterator[tuple[str, int]]:
    """Every module that a file imports, with its line; `from a import b` yields both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base, node.lineno
            for name in node.names:
                yield f"{base}.{name.name}", node.lineno


def find(module: str, root: Path = ROOT) -> Path | None:
    """The project's file of a module, None for other people's modules."""
    path = root.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def reachable(start: list[str], root: Path = ROOT) -> dict[str, Path]:
    """The project's modules that the modules `start` bring in, packages included: {'rlcore.numerics': path}."""
    found: dict[str, Path] = {}
    queue = list(start)
    while queue:
        module = queue.pop()
        path = find(module, root)
        if path is None or module in found:
            continue
        found[module] = path
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        queue += [name for name, _ in imports(ast.parse(path.read_text(encoding="utf-8")), package)]
        if "." in module:
            queue.append(module.rpartition(".")[0])
    return found


def violations(root: Path = ROOT) -> list[str]:
    """Every import that the plan forbids, as `file:line: what`."""
    problems: list[str] = []
    graph: dict[str, set[str]] = {}
    for path in sorted((root / "rlcore").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        package = ".".join(parts[:-1])
        graph[module] = set()
        for name, line in imports(ast.parse(path.read_text(encoding="utf-8")), package):
            if name.split(".")[0] == "rlcore" and find(name, root) is not None:
                graph[module].add(name)
            fault = _fault(path.relative_to(root / "rlcore").as_posix(), parts, name, root)
            if fault:
                problems.append(f"{path.relative_to(root).as_posix()}:{line}: {fault}")
    return list(dict.fromkeys(problems)) + _circles(graph)


def twins(root: Path = ROOT) -> tuple[dict[str, list[str]], list[str]]:
    """Where docstrings name an equation as [eq:label].

    -> (label -> the functions and classes that compute it, `file:name`;  every label named, modules too)
    """
    found: dict[str, list[str]] = {}
    named: list[str] = []
    files = [*sorted((root / "rlcore").rglob("*.py")), *sorted((root / "chapters").glob("ch*/solutions.py"))]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
                continue
            labels = re.findall(r"\[(eq:[^\]\s]+)\]", ast.get_docstring(node) or "")
            named += labels
            if not isinstance(node, ast.Module):
                for label in labels:
                    found.setdefault(label, []).append(f"{path.relative_to(root).as_posix()}:{node.name}")
    return found, named


def _fault(file: str, parts: tuple[str, ...], name: str, root: Path) -> str:
    """What is wrong with the import of `name` in rlcore/`file`, or ''."""
    words = name.split(".")
    if words[0] != "rlcore":
        if words[0] not in ALLOWED and words[0] not in sys.stdlib_module_names:
            return f"imports {words[0]}, on which rlcore does not depend"
        if words[0] in ONLY_IN and file not in ONLY_IN[words[0]]:
            return f"imports {words[0]}, which only {' and '.join(ONLY_IN[words[0]])} may"
        return ""
    if len(words) == 1 or find(name, root) is None or parts[1] == "__init__":
        return ""
    here, there = parts[1], words[1]
    for room in (here, there):
        if room not in ROOMS:
            return f"'{room}' is no room of the house: {', '.join(ROOMS)}"
    if there in FORBIDDEN.get(here, ()):
        return f"{here} imports {name}, but shares no code with {there}"
    if ROOMS.index(there) > ROOMS.index(here):
        return f"{here} imports {name}, which stands below it"
    if here == there == "algorithms" and len(words) > 2 and (parts[2], words[2]) not in SIBLINGS:
        return f"an algorithm imports its sibling {name}; formulas are shared in learning/, loops are not"
    return ""


def _circles(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other, one line a circle. A package's own __init__ is no circle."""
    problems: list[str] = []
    state: dict[str, int] = {}

    def visit(module: str, trail: list[str]) -> None:
        state[module] = 1
        for other in sorted(graph.get(module, ())):
            if state.get(other) == 1:
                circle = [*trail[trail.index(other) :], other]
                problems.append("a circle of imports: " + " -> ".join(circle))
            elif other not in state:
                visit(other, [*trail, other])
        state[module] = 2

    for module in sorted(graph):
        if module not in state:
            visit(module, [module])
    return problems


if __name__ == "__main__":
    found = violations()
    print("\n".join(found) or "every import goes up")
    sys.exit(1 if found else 0)
