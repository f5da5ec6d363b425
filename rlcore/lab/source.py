"""Show a function of the book inside the book: the text includes code, it never repeats it."""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, repr=False)
class Source:
    """A piece of source code that a notebook shows with its colours."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.text}\n```"


def source(*things: Callable[..., Any] | type) -> Source:
    """The source of functions and classes, as it stands in rlcore.

    Raises TypeError for anything that has no source.
    """
    return Source("\n\n".join(textwrap.dedent(inspect.getsource(thing)).rstrip() for thing in things))
