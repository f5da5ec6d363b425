"""TeX to MathML, which browsers show without a script and without a network.

latex2mathml does the work. Here: what it lacks and this book uses, the number at the right of a display,
and an error where a command would otherwise show as it was typed.
"""

import re
from xml.etree import ElementTree as ET

from latex2mathml.converter import convert

UNDER = ("max", "min", "sup", "inf", "lim", "arg max", "arg min")
PRIME = "\N{PRIME}"


def mathml(tex: str, display: bool = False) -> str:
    """A formula as a <math> element; with \\tag{2.3} as a row with its number.

    Raises ValueError with the formula where a part of it is not understood.
    """
    tag = re.search(r"\\tag\{([^}]*)\}", tex)
    body = tex.replace(tag[0], "") if tag else tex
    body = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{split}", body)
    body = re.sub(r"\\arg\s*\\(max|min)", r"\\text{arg \1}", body)
    body = re.sub(r"\\operatorname\*?\{([^{}]*)\}", lambda m: rf"\text{{{_spaced(m[1])}}}", body)
    text = re.sub(r"&(?!#?\w+;)", "&amp;", convert(body.strip(), display="block" if display else "inline"))
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise ValueError(f"cannot show the formula {tex.strip()!r}: {error}") from None
    for element in root.iter():
        _mend(element, display)
        if re.search(r"\\[A-Za-z]|&", element.text or ""):
            raise ValueError(f"cannot show {element.text!r} in the formula {tex.strip()!r}")
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
    """Limits go below in a display; a prime is an operator; bold is a style, since browsers ignore mathvariant."""
    space, _, name = element.tag.rpartition("}")
    if element.text and set(element.text) == {PRIME}:
        element.tag = f"{space}}}mo"
    if display and name in ("msub", "msubsup") and " ".join((element[0].text or "").split()) in UNDER:
        element.tag = f"{space}}}{'munder' if name == 'msub' else 'munderover'}"
    if element.get("mathvariant", "").startswith("bold"):
        element.set("style", "font-weight: bold")
