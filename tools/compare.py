"""Do two notebooks say the same? Texts equal, numbers within a tolerance; pictures are not compared."""

import math
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from tools import myst
from tools.execute import texts

NUMBER = re.compile(r"[-+]?(?<![\w.])\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w])|(?<!\w)[-+]?(?:nan|inf)(?!\w)")


def compare(
    committed: NotebookNode, fresh: NotebookNode, rtol: float = 1e-6, atol: float = 1e-9
) -> list[str]:
    """Every difference between two executed notebooks, a line each; [] where they agree.

    Compared are the cells, what they printed and returned, and the numbers of the running text.
    """
    if len(committed.cells) != len(fresh.cells):
        return [f"{len(committed.cells)} cells, now {len(fresh.cells)}"]
    problems = []
    for i, (old, new) in enumerate(zip(committed.cells, fresh.cells)):
        pairs = [("text", old.source, new.source)]
        if old.cell_type == "code":
            if old.source != new.source:
                problems.append(f"cell {i}: the code differs")
            before, after = texts(old), texts(new)
            if len(before) != len(after):
                problems.append(f"cell {i}: {len(before)} outputs, now {len(after)}")
            pairs = [("output", a, b) for a, b in zip(before, after)]
        for what, a, b in pairs:
            problems += [f"cell {i}: {what}: {difference}" for difference in differences(a, b, rtol, atol)]
    return problems


def differences(old: str, new: str, rtol: float = 1e-6, atol: float = 1e-9) -> Iterator[str]:
    """Where two texts differ beyond the tolerance; runs of blanks count as one.

    A last printed digit that rounded the other way is forgiven where it is under 1 % of the number.
    """
    words = [re.sub(r"\[ ", "[", " ".join(NUMBER.sub("#", text).split())) for text in (old, new)]
    if words[0] != words[1]:
        yield "{!r}, now {!r}".format(*_excerpts(old, new))
        return
    for a, b in zip(NUMBER.findall(old), NUMBER.findall(new)):
        x, y = float(a), float(b)
        both_nan = math.isnan(x) and math.isnan(y)
        if not (both_nan or math.isclose(x, y, rel_tol=rtol, abs_tol=atol) or _rounded(a, b)):
            yield f"{a}, now {b}"


def in_sync(source: NotebookNode, built: NotebookNode) -> list[str]:
    """Where a built notebook is not its chapter's: cells, with anything in the place of an {eval}."""
    if len(source.cells) != len(built.cells):
        return [f"the chapter has {len(source.cells)} cells, the notebook {len(built.cells)}"]
    problems = []
    for i, (cell, other) in enumerate(zip(source.cells, built.cells)):
        expected = cell.source
        if cell.cell_type == "markdown":
            marks = len(myst.evaluations(expected))
            expected = myst.substitute(expected, ["\0"] * marks)
        pattern = re.escape(expected).replace("\0", r".*?").replace(re.escape("\0"), r".*?")
        if cell.cell_type != other.cell_type or not re.fullmatch(pattern, other.source, re.DOTALL):
            problems.append(f"cell {i} differs from the chapter: {_excerpt(other.source)!r}")
    return problems


def _rounded(a: str, b: str) -> bool:
    digits = [re.fullmatch(r"[-+]?\d+\.(\d+)", text) for text in (a, b)]
    if not all(digits) or len(digits[0][1]) != len(digits[1][1]):  # type: ignore[index]
        return False
    unit = 10.0 ** -len(digits[0][1])  # type: ignore[index]
    x, y = float(a), float(b)
    return abs(x - y) < 1.5 * unit and unit <= 0.01 * max(abs(x), abs(y))


def _excerpts(old: str, new: str) -> tuple[str, str]:
    """Both texts from a little before the place where they part."""
    a, b = (" ".join(text.split()) for text in (old, new))
    start = max(0, next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b))) - 40)
    mark = "..." if start else ""
    return mark + _excerpt(a[start:]), mark + _excerpt(b[start:])


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:100] + "..."
