"""The builder of notebooks, pages and slides, on a small chapter of its own."""

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest

from tools import book, myst, notebooks
from tools.compare import compare, differences, in_sync
from tools.execute import noise
from tools.mathml import mathml

ROOT = Path(__file__).parents[1]

INDEX = """# A small book

Begin with [the first chapter](ch01_one/chapter.md).

![a square](../figures/square.svg)
"""

ONE = r"""---
kernelspec:
  name: python3
---

# 1. One

## 1.1 A section

$$
y = 2 x
$$ (eq:double)

$$ z = y + 1 $$ (eq:add)

$$ \text{no number} $$

By {eq}`eq:double` and {eq}`eq:half`, and `{eq}` as code. See [two](../ch02_two/chapter.md#there),
[the tests](test_x.py) and [a site](https://example.org/1.5).

![a square](../../figures/square.svg)

+++

```{code-cell} python
:tags: [hide-input]
x = 1 / 8
print("x is", x)
```

So $x = 0.125$ is {eval}`f"{x:.2f}"`, twice {eval}`2 * x`, said "{eval}`"so"`".

```{code-cell} python
import sys
for k in range(2):
    print(k)
    sys.stdout.flush()
x + 1
```

```python
not_a_cell(0.5)
```
"""

TWO = "# 2. Two\n\n$$ x = y / 2 $$ (eq:half)\n\nBack to {eq}`eq:add`.\n"


def write_book(root: Path) -> Path:
    """A book of two chapters and an index."""
    for name, text in (("ch01_one", ONE), ("ch02_two", TWO)):
        folder = root / "chapters" / name
        folder.mkdir(parents=True)
        (folder / "chapter.md").write_text(text, encoding="utf-8")
    (root / "chapters/ch01_one/test_x.py").touch()
    (root / "chapters/index.md").write_text(INDEX, encoding="utf-8")
    (root / "figures").mkdir()
    (root / "figures/square.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    return root


@pytest.fixture
def small(tmp_path) -> Path:
    return write_book(tmp_path / "a book")


def rewrite(root: Path, old: str, new: str, chapter: str = "ch01_one") -> Path:
    path = root / "chapters" / chapter / "chapter.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


# ---------------------------------------------------------------- the text


def test_equations_are_numbered_by_chapter_and_order(small):
    assert myst.equations(small) == {"eq:double": "1.1", "eq:add": "1.2", "eq:half": "2.1"}


def test_text_becomes_markdown(small):
    text = myst.to_markdown(small / "chapters/ch01_one/chapter.md", myst.equations(small), small)
    assert "$$\ny = 2 x\n\\tag{1.1}\n$$\n" in text
    assert r"$$ z = y + 1 \tag{1.2} $$" in text
    assert r"$$ \text{no number} $$" in text
    assert "By (1.1) and (2.1), and `{eq}` as code." in text
    assert "[two](02_two.ipynb#there)" in text
    assert "[the tests](../chapters/ch01_one/test_x.py)" in text
    assert "[a site](https://example.org/1.5)" in text
    assert "![a square](../figures/square.svg)" in text
    index = myst.to_markdown(small / "chapters/index.md", {}, small)
    assert "(01_one.ipynb)" in index
    assert "(../figures/square.svg)" in index


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "(eq:add)",
            "(eq:double)",
            "ch01_one/chapter.md:14: the label 'eq:double' stands already in chapters/ch01_one/",
        ),
        (
            "(eq:add)",
            "(eq:half)",
            "ch02_two/chapter.md:3: the label 'eq:half' stands already in chapters/ch01_one/",
        ),
        ("(eq:add)", "(add)", "ch01_one/chapter.md:14: the label 'add' must begin with 'eq:'"),
    ],
)
def test_a_wrong_label_is_an_error_with_its_line(small, old, new, message):
    rewrite(small, old, new)
    with pytest.raises(myst.ChapterError) as error:
        myst.equations(small)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("eq:half`,", "eq:third`,", "ch01_one/chapter.md:18: no equation is labelled 'eq:third'"),
        ("{eq}`eq:half`", "{ref}`eq:half`", "ch01_one/chapter.md:18: the role '{ref}' is unknown"),
        ("```python", "```{note}", "ch01_one/chapter.md:41: '{note}' would show as it stands"),
        ("test_x.py", "test_y.py", "ch01_one/chapter.md:19: the link 'test_y.py' leads nowhere"),
        (
            "So $x = 0.125$",
            "So x = 0.125",
            "ch01_one/chapter.md:31: the bare number 0.125; write it as {eval} or in math",
        ),
        ("By {eq}", "By 3.5, {eq}", "ch01_one/chapter.md:18: the bare number 3.5"),
    ],
)
def test_a_fault_of_the_text_is_an_error_with_its_line(small, old, new, message):
    path = rewrite(small, old, new)
    with pytest.raises(myst.ChapterError) as error:
        myst.to_markdown(path, {"eq:double": "1.1", "eq:add": "1.2", "eq:half": "2.1"}, small)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "prose",
    [
        "Example 4.1, Figures 2.3 and 2.4, and (Section 3.5)",
        "Exercises 1.1, 1.2 and 1.3",
        "$x = 0.5$ and `0.5` and {eval}`0.5`",
        "## 0.5 is a heading",
        "| 1.1 | `f` | * |",
        "a [link](https://example.org/0.5) or https://example.org/0.5",
        "NumPy 1.26 or 1.26.4",
        "<!-- 0.5 -->",
    ],
)
def test_numbers_that_are_no_results_may_stand(small, prose):
    path = rewrite(small, "By {eq}", f"{prose}\n\nBy {{eq}}")
    assert list(myst.lint(path, small)) == []


# ---------------------------------------------------------------- the run


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The small book, built once."""
    root = write_book(tmp_path_factory.mktemp("built") / "a book")
    assert notebooks.main([], root) == 0
    return root


def test_a_chapter_is_executed(built):
    notebook = nbformat.read(built / "notebooks/01_one.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs[0].text for cell in code] == ["x is 0.125\n", "0\n1\n"]
    assert code[1].outputs[1].data["text/plain"] == "1.125"
    assert all(cell.execution_count is None for cell in code)
    assert code[0].metadata == {"tags": ["hide-input"]}
    assert code[1].metadata == {}
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert 'So $x = 0.125$ is 0.12, twice 0.25, said "so".' in text
    assert noise(notebook, built) == []
    assert in_sync(notebooks.read("01_one", built), notebook) == []


def test_building_twice_gives_the_same_bytes(built):
    files = sorted((built / "notebooks").iterdir())
    assert [path.name for path in files] == [
        "00_index.ipynb",
        "01_one.ipynb",
        "02_two.ipynb",
        "manifest.json",
    ]
    before = [path.read_bytes() for path in files]
    assert notebooks.main(["--all"], built) == 0
    assert [path.read_bytes() for path in files] == before


def test_only_what_changed_is_built(built, capsys):
    assert notebooks.main(["--check"], built) == 0
    other = rewrite(built, "Back to", "Again", "ch02_two")
    assert notebooks.main(["--check"], built) == 1
    assert capsys.readouterr().out.count("out of date") == 1
    assert notebooks.main([], built) == 0
    assert "1 of 3 notebooks to build" in capsys.readouterr().out
    other.write_text(TWO, encoding="utf-8")
    assert notebooks.main([], built) == 0


def test_a_module_that_a_notebook_imports_is_one_of_its_inputs(small):
    rewrite(small, "x = 1 / 8", "from rlcore.problems import y\nx = 1 / 8")
    (small / "rlcore/problems").mkdir(parents=True)
    for name in ("__init__", "numerics", "other", "problems/y"):
        (small / f"rlcore/{name}.py").write_text("import rlcore.numerics\n" if "/" in name else "")
    before = notebooks.inputs("01_one", small), notebooks.inputs("02_two", small)
    (small / "rlcore/other.py").write_text("changed = True\n")
    assert (notebooks.inputs("01_one", small), notebooks.inputs("02_two", small)) == before
    (small / "rlcore/numerics.py").write_text("changed = True\n")
    assert notebooks.inputs("01_one", small) != before[0]
    assert notebooks.inputs("02_two", small) == before[1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2 * x", "2 * nothing", "01_one: {eval}`2 * nothing`: NameError"),
        ("x = 1 / 8", "x = 1 / 0", "ZeroDivisionError"),
        ("x + 1", "object()", "shows an address in memory"),
        ("x + 1", "sys.stderr.write('old')", "writes to stderr: old"),
        ("x + 1", "import os; os.getcwd()", "shows the path"),
    ],
)
def test_a_cell_that_fails_or_is_noisy_is_an_error(small, capsys, old, new, message):
    rewrite(small, old, new)
    assert notebooks.main(["01_one"], small) == 1
    error = capsys.readouterr().err
    assert error.startswith("\n01_one: ")
    assert message in error
    assert not (small / "notebooks/01_one.ipynb").exists()


def test_a_notebook_has_a_time_limit(small, monkeypatch):
    rewrite(small, "x = 1 / 8", "import time; time.sleep(1.5); x = 1 / 8")
    monkeypatch.setattr(notebooks, "LIMIT", 1)
    with pytest.raises(myst.ChapterError, match="01_one: a cell took more than 1 s"):
        notebooks.build("01_one", small)


# ---------------------------------------------------------------- the comparison


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x = 1.0", "x = 1.0000001"),
        ("[[ 1.  2.]]", "[[1. 2.]]"),
        ("error 3e-17", "error 8e-17"),
        ("0.12345", "0.12346"),  # the last digit rounded the other way
        ("nan and inf", "nan and inf"),
    ],
)
def test_equal_within_the_tolerance(old, new):
    assert list(differences(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x = 1.0", "y = 1.0"),
        ("x = 1.000001", "x = 1.000004"),
        ("0.12345", "0.12348"),
        ("0.5", "0.6"),
        ("7 sweeps", "8 sweeps"),
        ("1.0", "-1.0"),
        ("1.0", "nan"),
        ("1 2", "1"),
    ],
)
def test_different_beyond_the_tolerance(old, new):
    assert len(list(differences(old, new))) == 1


def test_two_notebooks_are_compared_cell_by_cell(built):
    path = built / "notebooks/01_one.ipynb"
    old, new = nbformat.read(path, as_version=4), nbformat.read(path, as_version=4)
    assert compare(old, new) == []
    code = [cell for cell in new.cells if cell.cell_type == "code"]
    code[0].outputs[0].text = "x is 0.135\n"
    code[1].outputs[1].data["text/plain"] = "1.2"
    for cell in new.cells:
        cell.source = cell.source.replace("twice 0.25", "twice 0.75")
    found = compare(old, new)
    assert [line.partition(": ")[2] for line in found] == [
        "output: 0.125, now 0.135",
        "text: 0.25, now 0.75",
        "output: 1.125, now 1.2",
    ]
    assert len(compare(old, nbformat.v4.new_notebook())) == 1


def test_a_notebook_edited_by_hand_is_found(built):
    source = notebooks.read("01_one", built)
    for old, new in (("x = 1 / 8", "x = 1 / 4"), ("So $x", "Thus $x"), ("said", "sad")):
        edited = nbformat.read(built / "notebooks/01_one.ipynb", as_version=4)
        for cell in edited.cells:
            cell.source = cell.source.replace(old, new)
        assert len(in_sync(source, edited)) == 1


# ---------------------------------------------------------------- formulas, pages, slides


@pytest.mark.parametrize(
    ("tex", "needle"),
    [
        (r"V = \frac{1}{2} \tag{2.3}", '<span class="number">(2.3)</span>'),
        (r"\max_a Q", "munder"),
        (r"\arg\max_a Q", "munder"),
        (r"\operatorname*{arg\,max}_a Q", "munder"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "mtable"),
        (r"a < b", "&lt;"),
    ],
)
def test_a_formula_becomes_mathml(tex, needle):
    html = mathml(tex, display=True)
    ET.fromstring(html)
    assert needle in html


def inner(tex, display=False):
    """A formula without namespace and without <math> around it."""
    html = mathml(tex, display).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    return html.partition(">")[2].removesuffix("</math>") if not display else html


def test_aligned_lines_meet_at_the_relation():
    tex = r"\begin{aligned} a &= b & c &= d \\ &\le e \end{aligned}"
    cells = [cell for cell in ET.fromstring(mathml(tex, display=True)).iter() if cell.tag.endswith("mtd")]
    styles = [cell.get("style") for cell in cells]
    sides = ["right", "left", "right", "left", "right", "left"]
    assert [style.split(";")[1].strip() for style in styles] == [f"text-align: -webkit-{s}" for s in sides]
    assert [style.rpartition(" ")[2] for style in styles] == ["0em", "0em", "2em", "0em", "0em", "0em"]
    cases = mathml(r"\begin{cases} 1 & x \\ 0 & y \end{cases}", display=True)
    assert cases.count('style="text-align: left; text-align: -webkit-left"') == 4


@pytest.mark.parametrize(
    ("tex", "same"),
    [("s'", "s"), ("V_{s'}", "V_s"), ("s'^2", "s^2"), ("s_i'", "s_i"), ("s'_i", "s_i"), ("s''", "s")],
)
def test_a_prime_stands_beside_its_letter(tex, same):
    """Without the prime, the formula has the scripts of the one beside it: the prime is in none of them."""

    def scripts(html):
        tags = [element.tag.rpartition("}")[2] for element in ET.fromstring(html).iter()]
        return [tag for tag in tags if tag in ("msub", "msup", "msubsup")]

    assert scripts(mathml(tex)) == scripts(mathml(same))
    prime = "\N{DOUBLE PRIME}" if "''" in tex else "\N{PRIME}"
    assert inner(tex).count(f">{prime}</mo>") == 1


@pytest.mark.parametrize(
    ("tex", "left", "right"),
    [
        (r"= \arg\max_a Q", "0", "0.167em"),
        (r"= \operatorname*{arg\,max}_a Q", "0", "0.167em"),
        (r"\gamma \max_a Q", "0.167em", "0.167em"),
        (r"= \max(a, b)", "0", "0"),
        (r"2 \log x", "0.167em", "0.167em"),
    ],
)
@pytest.mark.parametrize("display", [False, True])
def test_the_name_of_a_function_is_spaced_as_in_tex(tex, left, right, display):
    assert f'<mo form="prefix" lspace="{left}" rspace="{right}">' in inner(tex, display)


def test_punctuation_stays_with_its_formula():
    math = mathml("x")
    kept = f'<span class="unbroken">{math},</span>'
    assert book.unbroken(f"<p>of {math}, {math} and ({math}).</p>") == (
        f'<p>of {kept} {math} and <span class="unbroken">({math}).</span></p>'
    )
    display = mathml("x", display=True)
    assert book.unbroken(f"({display}).") == f"({display})."


def test_an_unknown_command_is_an_error():
    with pytest.raises(ValueError, match=r"cannot show '\\\\nonsense'"):
        mathml(r"x + \nonsense")


def test_the_book_is_read_offline(built):
    pages = {
        path.relative_to(built).as_posix(): path
        for path in book.build(built / "notebooks", built / "out", built)
    }
    assert sorted(pages) == [
        "out/01_one.html",
        "out/02_two.html",
        "out/index.html",
        "out/slides/01_one.html",
        "out/slides/02_two.html",
    ]
    one = pages["out/01_one.html"].read_text(encoding="utf-8")
    assert "$" not in one.split("<main>")[1].split("</main>")[0]
    assert '<span class="number">(1.2)</span>' in one
    assert 'href="02_two.html#there"' in one
    assert 'href="../../chapters/ch01_one/test_x.py"' in one
    assert '<div class="picture"><img alt="a square" src="data:image/svg+xml;base64,' in one
    assert 'rel="prev"' in one
    assert 'rel="next"' in one
    assert "<summary>The code</summary>" in one
    assert 'href="01_one.html"' in pages["out/index.html"].read_text(encoding="utf-8")
    slides = pages["out/slides/01_one.html"].read_text(encoding="utf-8")
    assert 'href="../01_one.html"' in slides
    for key in ("ArrowRight", "ArrowLeft", "PageDown", "PageUp", "Home", "End"):
        assert key in slides, key
    assert "@page { size: 1280px 720px; margin: 0; }" in slides
    assert [book.network(path.read_text(encoding="utf-8")) for path in pages.values()] == [[]] * 5


def test_a_page_has_letters_for_chinese_and_dark_colours_on_screens_only():
    css = book.style()
    fonts = '"Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif'
    assert f"--cjk: {fonts};" in css
    assert [line for line in css.splitlines() if "font-family" in line and "var(--cjk)" not in line] == [
        line for line in css.splitlines() if line.startswith("math {")
    ]
    assert (
        css.count("prefers-color-scheme: dark") == css.count("screen and (prefers-color-scheme: dark)") == 2
    )


@pytest.mark.parametrize(
    "page",
    [
        '<img src="https://example.org/a.png">',
        '<script src="//example.org/a.js"></script>',
        '<link rel="stylesheet" href="http://example.org/a.css">',
        "<style>@import 'https://example.org/a.css';</style>",
        '<p style="background: url(https://example.org/a.png)">',
        "<script>fetch('https://example.org/a.json')</script>",
    ],
)
def test_a_page_that_would_load_something_is_found(page):
    assert len(book.network(page)) == 1
    assert book.network('<a href="https://example.org">a link to follow</a>') == []


def test_a_picture_from_the_network_is_an_error(built):
    copy = built / "copy"
    shutil.copytree(built / "notebooks", copy)
    path = copy / "01_one.ipynb"
    path.write_text(
        path.read_text(encoding="utf-8").replace("../figures/square.svg", "https://example.org/a.svg")
    )
    with pytest.raises(ValueError, match="01_one"):
        book.build(copy, built / "out", built)
