"""Start a chapter from the template.   python -m tools.new_chapter ch04_bandits

It copies six files into chapters/ch04_bandits, with one exercise, two wrong answers and another right
one, so that `pytest chapters/ch04_bandits --solutions` passes at once. CONTRIBUTING.md says what to do next.
"""

from __future__ import annotations

import re
import string
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEMPLATE = Path(__file__).parent / "template"


def new_chapter(name: str, root: Path = ROOT) -> list[Path]:
    """Write the files of chapters/<name>; ValueError if the name does not fit or the folder exists."""
    if not re.fullmatch(r"ch\d\d(_[a-z0-9]+)+", name):
        raise ValueError(
            f"NAME is {name!r}; it must look like ch04_bandits: ch, two digits, _, lower-case words"
        )
    folder = root / "chapters" / name
    taken = [path.name for path in sorted((root / "chapters").glob(name[:4] + "_*"))]
    if taken:
        raise ValueError(f"chapter {name[2:4]} exists already: chapters/{taken[0]}")
    slug = name[5:].replace("_", "-")
    words = {
        "n": str(int(name[2:4])),
        "name": name,
        "short": name[:4],
        "slug": slug,
        "title": slug.replace("-", " ").capitalize(),
    }
    folder.mkdir(parents=True)
    written = []
    for source in sorted(TEMPLATE.glob("*.tmpl")):
        text = string.Template(source.read_text(encoding="utf-8")).substitute(words).replace("\r\n", "\n")
        path = folder / source.name.removesuffix(".tmpl")
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tools.new_chapter ch04_bandits", file=sys.stderr)
        return 2
    try:
        written = new_chapter(arguments[0])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for path in written:
        print("wrote", path.relative_to(ROOT))
    print(f"now: pytest chapters/{arguments[0]} --solutions, and the page 'A chapter' in CONTRIBUTING.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
