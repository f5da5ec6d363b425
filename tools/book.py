"""The HTML book and the slides: `python -m tools.book` writes build/book/ from the executed notebooks.

Every page stands alone: formulas are MathML, pictures are inside, nothing is loaded from a network.
Slides are the same text, dealt out to the size of a projector by a small script.
"""

import argparse
import base64
import html
import mimetypes
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

from tools import myst
from tools.mathml import mathml

ROOT = myst.ROOT
PAGES = Path(__file__).parent / "pages"
LICENCE = "Code: MIT License. Text and figures: CC BY 4.0."
PICTURE = '<img src="{src}" alt="{alt}">'
FORMULA = re.compile(r"([(\[\u201c]?)(<math\b(?:(?!</math>).)*</math>)([,.;:!?)\]\u2019\u201d%]*)", re.DOTALL)


class Renderer(IPythonRenderer):
    """Markdown to HTML: formulas to MathML, pictures inside, links to pages of the book."""

    def __init__(self, folder: Path) -> None:
        super().__init__(escape=False)
        self.folder = folder  # where the notebook's relative links start
        self.contents: list[tuple[int, str, str]] = []  # level, id, text of each heading

    def block_math(self, body: str) -> str:
        return mathml(body, display=True)

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    def paragraph(self, text: str) -> str:
        """A display or a picture alone in its paragraph needs no <p> around it."""
        text = text.strip()
        if text.startswith('<div class="equation"') and text.endswith("</div>"):
            return f"{text}\n"
        if re.fullmatch(r"<img [^>]*>", text):
            return f'<div class="picture">{text}</div>\n'
        return super().paragraph(text)

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        words = html.unescape(re.sub(r"<[^>]*>", "", text))
        name = re.sub(r"[^\w.]+", "-", words.lower()).strip("-")
        self.contents.append((level, name, text))
        return f'<h{level} id="{name}">{text}</h{level}>\n'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return PICTURE.format(src=self._inside(url), alt=html.escape(text, quote=True))

    def block_html(self, html: str) -> str:
        return re.sub(r'(<img[^>]*\ssrc=")([^"]+)', lambda m: m[1] + self._inside(m[2]), html)

    inline_html = block_html

    def link(self, text: str, url: str, title: str | None = None) -> str:
        url = re.sub(r"^([^/:#]+)\.ipynb", lambda m: page_name(m[1]), url)
        if url.startswith("../"):  # seen from build/book/, not from notebooks/
            url = "../" + url
        return super().link(text, url, title)

    def _inside(self, url: str) -> str:
        if url.startswith("data:"):
            return url
        path = self.folder / url
        kind = mimetypes.guess_type(path.name)[0]
        return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def page_name(notebook: str) -> str:
    return "index.html" if notebook == "00_index" else f"{notebook}.html"


def style() -> str:
    """The style of a page, with the colours of code for light and dark."""
    light = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    rules = [re.sub(r"background(-color)?: [^;}]+;?", "", sheet) for sheet in (light, dark)]
    return (
        f"{_read('page.css')}\n{rules[0]}\n@media screen and (prefers-color-scheme: dark) {{\n{rules[1]}\n}}"
    )


def unbroken(text: str) -> str:
    """Keep each inline formula on one line with the punctuation that touches it."""

    def keep(match: re.Match[str]) -> str:
        touched = 'display="inline"' in match[2] and (match[1] or match[3])
        return f'<span class="unbroken">{match[0]}</span>' if touched else match[0]

    return FORMULA.sub(keep, text)


def render(notebook: nbformat.NotebookNode, folder: Path, book: dict[str, Any]) -> tuple[str, Renderer]:
    """One notebook as one HTML page; `folder` is where its links start."""
    renderer = Renderer(folder)
    exporter = HTMLExporter(template_name="chapter", extra_template_basedirs=[str(PAGES)])
    exporter.register_filter(
        "markdown2html", lambda text: unbroken(MarkdownWithMath(renderer=renderer).render(text))
    )
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    body, _ = exporter.from_notebook_node(notebook, resources={"book": book})
    return body, renderer


def build(source: Path, target: Path, root: Path = ROOT) -> list[Path]:
    """Write the book of the notebooks in `source` to `target`; return its pages.

    Raises ValueError naming the page and the formula, picture or address that is wrong.
    """
    names = list(myst.chapters(root))
    notebooks = {name: nbformat.read(source / f"{name}.ipynb", as_version=4) for name in names}
    titles = {name: _title(notebook, name) for name, notebook in notebooks.items()}
    (target / "slides").mkdir(parents=True, exist_ok=True)
    written = []
    for k, name in enumerate(names):
        try:
            page = _page(
                notebooks[name], name, titles, names[k - 1] if k else None, names[k + 1 : k + 2], root
            )
            slides = _slides(notebooks[name], name, titles[name], root) if name != "00_index" else ""
        except (ValueError, OSError) as error:
            raise ValueError(f"{name}: {error}") from None
        for path, text in ((target / page_name(name), page), (target / "slides" / f"{name}.html", slides)):
            if text:
                loaded = network(text)
                if loaded:
                    raise ValueError(f"{path.name} would load {loaded[0]} from the network")
                path.write_text(text, encoding="utf-8", newline="\n")
                written.append(path)
    return written


def _page(
    notebook: nbformat.NotebookNode,
    name: str,
    titles: dict[str, str],
    before: str | None,
    after: list[str],
    root: Path,
) -> str:
    links = [f'<a href="index.html">{html.escape(titles.get("00_index", "Contents"))}</a>']
    if name != "00_index":
        links.append(f'<a href="slides/{name}.html">Slides</a>')
    turn = (
        [f'<a href="{page_name(before)}" rel="prev">&larr; {html.escape(titles[before])}</a>']
        if before
        else []
    )
    turn += [f'<a href="{page_name(n)}" rel="next">{html.escape(titles[n])} &rarr;</a>' for n in after]
    book = {
        "title": titles[name],
        "style": style(),
        "navigation": f"<nav>{''.join(links)}</nav>",
        "footer": f"<nav>{''.join(turn)}</nav>\n<footer><p>{LICENCE}</p></footer>",
        "script": _read("page.js"),
    }
    text, renderer = render(notebook, root / "notebooks", book)
    sections = [(key, words) for level, key, words in renderer.contents if level == 2]
    if len(sections) > 2 and name != "00_index":
        items = "".join(f'<li><a href="#{key}">{words}</a></li>' for key, words in sections)
        contents = f'<details class="contents"><summary>On this page</summary><ol>{items}</ol></details>'
        text = text.replace("</h1>", f"</h1>\n{contents}", 1)
    return text


def _slides(notebook: nbformat.NotebookNode, name: str, title: str, root: Path) -> str:
    book = {
        "title": f"{title} (slides)",
        "style": f"{style()}\n{_read('slides.css')}",
        "navigation": "",
        "footer": "",
        "script": _read("slides.js").replace("../PAGE", f"../{page_name(name)}"),
    }
    return render(notebook, root / "notebooks", book)[0]


def _title(notebook: nbformat.NotebookNode, name: str) -> str:
    heading = re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE) if notebook.cells else None
    return heading[1].strip() if heading else name


def _read(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


class _Loads(HTMLParser):
    """Collects what a browser would fetch while it shows a page; a link that a reader follows is none."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        for key, value in attrs:
            loads = key in ("src", "srcset", "poster", "data", "background") or (
                tag == "link" and key == "href"
            )
            if loads and re.match(r"\s*(?:https?:)?//", value or ""):
                self.found.append(str(value))
            if key == "style":
                self.handle_style(value or "")

    def handle_data(self, data: str) -> None:
        if self.inside == "style":
            self.handle_style(data)
        if self.inside == "script":
            self.found += re.findall(
                r"""(?:fetch|import|src\s*=|open)\W{0,4}["']((?:https?:)?//[^"']+)""", data
            )

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_style(self, text: str) -> None:
        self.found += re.findall(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')]+)""", text)


def network(page: str) -> list[str]:
    """The addresses that a page would load from a network; [] for a page that can be read offline."""
    parser = _Loads()
    parser.feed(page)
    return parser.found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.book", description="Write the HTML book and the slides."
    )
    parser.add_argument(
        "--source", default="build/notebooks", metavar="FOLDER", help="the executed notebooks"
    )
    parser.add_argument("--into", default="build/book", metavar="FOLDER", help="where the book goes")
    args = parser.parse_args(argv)
    try:
        pages = build(ROOT / args.source, ROOT / args.into)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(pages)} pages in {args.into}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
