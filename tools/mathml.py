"""TeX to MathML, which browsers show without a script and without a network.

latex2mathml does the work. Here: what it lacks and this book uses, what browsers leave out of MathML (the
alignment of columns, the space around the name of a function, a prime as large as its letter), the number at
the right of a display, and an error where a command would otherwise show as it was typed.
"""

import re
from xml.etree import ElementTree as ET

from latex2mathml.converter import convert

UNDER = ("max", "min", "sup", "inf", "lim", "arg max", "arg min")
FUNCTIONS = (*UNDER, "log", "ln", "exp", "sin", "cos", "tan", "tanh", "det", "Pr")
NAME = "\N{FUNCTION APPLICATION}"  # marks a word as the name of a function
PRIMES = "\N{PRIME}\N{DOUBLE PRIME}\N{TRIPLE PRIME}"
THIN = "0.167em"  # TeX's thin space


def mathml(tex: str, display: bool = False) -> str:
    """A formula as a <math> element; with \\tag{2.3} as a row with its number.

    Raises ValueError with the formula where a part of it is not understood.
    """
    tag = re.search(r"\\tag\{([^}]*)\}", tex)
    body = tex.replace(tag[0], "") if tag else tex
    body = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{split}", body)
    body = re.sub(r"\\arg\s*\\(max|min)", r"\\text{arg \1}", body)
    body = re.sub(r"\\operatorname\*?\{([^{}]*)\}", lambda m: rf"\text{{{NAME}{_spaced(m[1])}}}", body)
    text = re.sub(r"&(?!#?\w+;)", "&amp;", convert(body.strip(), display="block" if display else "inline"))
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise ValueError(f"cannot show the formula {tex.strip()!r}: {error}") from None
    for element in root.iter():
        if re.search(r"\\[A-Za-z]|&", element.text or ""):
            raise ValueError(f"cannot show {element.text!r} in the formula {tex.strip()!r}")
    for element in list(root.iter()):
        _mend(element, display)
    for row in root.iter():
        _space_functions(row)
    ET.register_namespace("", "http://www.w3.org/1998/Math/MathML")
    html = ET.tostring(root, encoding="unicode")
    if not display:
        return html
    number = f'<span class="number">({tag[1]})</span>' if tag else ""
    anchor = f' id="eq-{tag[1]}"' if tag else ""
    return f'<div class="equation"{anchor}><div class="formula">{html}</div>{number}</div>'


def _spaced(name: str) -> str:
    return name.replace(r"\,", " ")


def _mend(element: ET.Element, display: bool) -> None:
    """Make one element say in the browsers' MathML what it means; a parent comes before its children."""
    space, _, name = element.tag.rpartition("}")
    space += "}"
    text = " ".join((element.text or "").split())
    if name in ("mi", "mo", "mtext") and (text in FUNCTIONS or text.startswith(NAME)):
        element.tag, element.text = f"{space}mo", text.removeprefix(NAME).replace(" ", "\N{NO-BREAK SPACE}")
        element.attrib = {"form": "prefix", "lspace": "0", "rspace": "0"}
    if display and name in ("msub", "msubsup"):
        base = " ".join((element[0].text or "").removeprefix(NAME).split())
        if base in UNDER:  # limits go below in a display
            element.tag = f"{space}{'munder' if name == 'msub' else 'munderover'}"
    if name in ("msup", "msubsup"):
        _inline_prime(element, space)
    if name == "mtable":
        _align(element)
    if element.get("mathvariant", "").startswith("bold"):  # browsers ignore mathvariant
        element.set("style", "font-weight: bold")


def _inline_prime(script: ET.Element, space: str) -> None:
    """Set a prime beside its letter: fonts draw it raised already, and raised twice it is a speck.

    x' is the row (x, prime); x'^2 the power of that row; x_i' gets its index after the prime.
    """
    last = script[-1]
    head = last[0] if last.tag == f"{space}mrow" and len(last) else last
    prime = (head.text or "").strip()
    if not prime or set(prime) - set(PRIMES):
        return
    base = ET.Element(f"{space}mrow")
    base.append(script[0])
    mark = ET.SubElement(base, f"{space}mo", form="postfix", lspace="0", rspace="0")
    mark.text = prime
    mark.set("style", 'font-feature-settings: "ssty" 0')  # the glyph that is raised, in scripts too
    script[0] = base
    if head is not last:
        last.remove(head)
    if head is last or not len(last):
        script.remove(last)
        script.tag = f"{space}{'mrow' if len(script) == 1 else 'msub'}"


def _align(table: ET.Element) -> None:
    """Say the alignment of columns in CSS, the only way browsers read; no gap before an aligned relation.

    A cell of MathML is laid out as a block, which text-align alone does not move in every browser.
    """
    paired = table.get("columnspacing", "").startswith("0em")
    for row in table:
        for k, cell in enumerate(row):
            side = cell.get("columnalign")
            if side:
                gap = f"; padding: 0.5ex 0 0.5ex {2 if k and side == 'right' else 0}em" if paired else ""
                cell.set("style", f"text-align: {side}; text-align: -webkit-{side}{gap}")


def _space_functions(row: ET.Element) -> None:
    """Space the names of functions as TeX does: thin, none beside an operator, none before a bracket."""
    children = list(row)
    for k, child in enumerate(children):
        core = child
        while len(core) and core.tag.rpartition("}")[2] in (
            "msub",
            "msup",
            "msubsup",
            "munder",
            "munderover",
        ):
            core = core[0]
        if core.get("form") != "prefix" or core.get("fence"):
            continue
        if k and _letters(children[k - 1]):
            core.set("lspace", THIN)
        if k + 1 < len(children) and not _opens(children[k + 1]):
            core.set("rspace", THIN)


def _letters(element: ET.Element) -> bool:
    return element.tag.rpartition("}")[2] != "mo" and bool("".join(element.itertext()).strip())


def _opens(element: ET.Element) -> bool:
    return element.tag.rpartition("}")[2] == "mo" and (element.text or "") in ("(", "[", "{")
