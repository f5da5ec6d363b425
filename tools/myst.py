"""What a chapter's text may hold, and how it becomes plain Markdown.

A chapter is Markdown in the MyST dialect, of which the book uses four things only:

    ```{code-cell} python        a cell
    $$ ... $$ (eq:gae)           an equation that is referred to: numbered chapter.1, chapter.2, ...
    {eq}`eq:gae`                 the reference, from any chapter
    {eval}`f"{x:.2f}"`           a number of the running text, computed at that place

Numbers, references and links are settled here, on the text, so that an error can name its line.
`{eval}` stays for the kernel (tools/execute.py).
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
EQUATION = re.compile(r"\$\$(?P<body>.+?)\$\$(?:[ \t]*\((?P<label>[^()\s]+)\))?", re.DOTALL)
REFERENCE = re.compile(r"(?<!`)\{eq\}`(?P<label>[^`]*)`")
EVAL = re.compile(r"(?<!`)\{eval\}`(?P<expression>[^`]+)`")
ROLE = re.compile(r"(?<!`)\{(?P<name>[\w:-]+)\}`")
LINK = re.compile(r"\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)|<img[^>]*\ssrc=\"(?P<source>[^\"]+)\"")
CODE_SPAN = re.compile(r"(?:\{[\w:-]+\})?(?<!`)(`+)(?!`)(?:[^`]|(?!\1)`)+?\1(?!`)")
MATH = re.compile(r"\$\$.+?\$\$|(?<![\\$])\$(?!\s)[^$\n]+(?:\n[^$\n]+)*?\$", re.DOTALL)
CITED = re.compile(
    r"\b(?:[Ss]ections?|[Cc]hapters?|[Ee]xamples?|[Ff]igures?|[Ee]xercises?|[Ee]quations?|[Tt]ables?|[Tt]heorems?"
    r"|[Pp]ropositions?|[Pp]arts?|Eqs?\.|Python|Gymnasium|NumPy|SciPy|BY)"
    r"[ \n]\(?\d+(?:\.\d+)+\)?(?:(?:, | and |, and | to | or |-)\(?\d+(?:\.\d+)+\)?)*"
)
DECIMAL = re.compile(r"(?<![\w.])(?:\d*\.\d+(?:e[-+]?\d+)?|\d+e[-+]?\d+)(?![\w]|\.\d)")


class ChapterError(ValueError):
    """An error of the text, beginning with file:line."""


def chapters(root: Path = ROOT) -> dict[str, Path]:
    """Notebook name -> the text it is built from: {'00_index': chapters/index.md, '01_mdp': ...}."""
    found = {}
    if (root / "chapters/index.md").exists():
        found["00_index"] = root / "chapters/index.md"
    for path in sorted((root / "chapters").glob("ch[0-9][0-9]_*/chapter.md")):
        found[path.parent.name.removeprefix("ch")] = path
    return found


def equations(root: Path = ROOT) -> dict[str, str]:
    """Label -> number, over all chapters: {'eq:return': '1.4', ...}.

    Raises ChapterError where a label stands twice or does not begin with `eq:`.
    """
    numbers: dict[str, str] = {}
    home: dict[str, str] = {}
    for name, path in chapters(root).items():
        text = path.read_text(encoding="utf-8")
        labelled = [m for m in EQUATION.finditer(_hide(text, code=True)) if m["label"]]
        for k, match in enumerate(labelled, start=1):
            label, here = match["label"], _place(path, root, text, match.start("label"))
            if not label.startswith("eq:"):
                raise ChapterError(f"{here}: the label '{label}' must begin with 'eq:'")
            if label in numbers:
                raise ChapterError(f"{here}: the label '{label}' stands already in {home[label]}")
            numbers[label], home[label] = f"{int(name[:2])}.{k}", here
    return numbers


def to_markdown(path: Path, numbers: dict[str, str], root: Path = ROOT) -> str:
    """The chapter's text with equations numbered, references and links settled, ready for Jupytext."""
    text = path.read_text(encoding="utf-8")
    problems = list(lint(path, root))
    if problems:
        raise ChapterError("\n".join(problems))
    edits = []
    for match in EQUATION.finditer(_hide(text, code=True)):
        if match["label"]:
            body = text[match.start("body") : match.end("body")].rstrip()
            end = "\n" if "\n" in body else " "
            edits.append((match.span(), f"$${body}{end}\\tag{{{numbers[match['label']]}}}{end}$$"))
    for match in REFERENCE.finditer(_hide(text)):
        if match["label"] not in numbers:
            here = _place(path, root, text, match.start())
            raise ChapterError(f"{here}: no equation is labelled '{match['label']}'")
        edits.append((match.span(), f"({numbers[match['label']]})"))
    for match in LINK.finditer(_hide(text, code=True, math=True)):
        group = "target" if match["target"] else "source"
        try:
            edits.append((match.span(group), _link(match[group], path, root)))
        except FileNotFoundError:
            here = _place(path, root, text, match.start())
            raise ChapterError(f"{here}: the link '{match[group]}' leads nowhere") from None
    for (start, end), new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def lint(path: Path, root: Path = ROOT) -> Iterator[str]:
    """What a text may not hold: bare decimals, other roles and directives than the four above."""
    text = path.read_text(encoding="utf-8")
    for match in re.finditer(r"^ {0,3}(?:`{3,}|~{3,})[ \t]*\{(?P<name>[^}]+)\}", text, re.MULTILINE):
        if match["name"] not in ("code-cell", "raw-cell"):
            here = _place(path, root, text, match.start())
            yield f"{here}: '{{{match['name']}}}' would show as it stands in a notebook; write plain Markdown"
    for match in ROLE.finditer(_hide(text)):
        if match["name"] not in ("eq", "eval"):
            here = _place(path, root, text, match.start())
            yield f"{here}: the role '{{{match['name']}}}' is unknown; there are {{eq}} and {{eval}}"
    prose = _hide(text, code=True, math=True)
    for pattern in (
        r"^ {0,3}#.*$",  # headings carry the section's number
        r"^\|[ \t]*\d+\.\d+[ \t]*\|",  # so does the first column of a table of exercises
        r"\]\([^()]*\)|https?://\S+",
        CITED,
    ):
        prose = re.sub(
            pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), prose, flags=0 if pattern is CITED else re.M
        )
    for match in DECIMAL.finditer(prose):
        here = _place(path, root, text, match.start())
        yield f"{here}: the bare number {match[0]}; write it as {{eval}} or in math"


def evaluations(markdown: str) -> list[str]:
    """The expressions of a Markdown cell, in order."""
    return [match["expression"] for match in EVAL.finditer(_hide(markdown))]


def substitute(markdown: str, values: list[str]) -> str:
    """Replace each {eval} by its value."""
    matches = list(EVAL.finditer(_hide(markdown)))
    for match, value in reversed(list(zip(matches, values))):
        markdown = markdown[: match.start()] + value + markdown[match.end() :]
    return markdown


def _hide(text: str, code: bool = False, math: bool = False) -> str:
    """Blanks for what is not text, of equal length: front matter, fences and comments; code spans and math too."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    text = FRONT_MATTER.sub(blank, text)
    text = re.sub(r"^ {0,3}(`{3,}|~{3,}).*?^ {0,3}\1[ \t]*$", blank, text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->", blank, text, flags=re.DOTALL)
    if code:
        text = CODE_SPAN.sub(blank, text)
    return MATH.sub(blank, text) if math else text


def _place(path: Path, root: Path, text: str, position: int) -> str:
    return f"{path.relative_to(root).as_posix()}:{text.count(chr(10), 0, position) + 1}"


def _link(target: str, path: Path, root: Path) -> str:
    """A link of a chapter's text, as seen from notebooks/. Chapters become their notebooks."""
    address, mark, anchor = target.partition("#")
    if re.match(r"[a-z]+:", target) or not address:
        return target
    if address.removesuffix(".ipynb") in chapters(root):
        return target
    full = (path.parent / address).resolve()
    if not full.exists():
        raise FileNotFoundError(target)
    for name, source in chapters(root).items():
        if full == source.resolve():
            return f"{name}.ipynb{mark}{anchor}"
    return Path(os.path.relpath(full, root.resolve() / "notebooks")).as_posix() + mark + anchor
