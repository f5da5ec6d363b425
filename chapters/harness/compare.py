"""When two answers are the same: shape, then numbers, within a tolerance that follows the dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

FLOAT64 = 1e-10  # absolute and relative
FLOAT32 = 1e-5


def difference(got: Any, want: Any, tol: float | None = None) -> str | None:
    """Say where `got` first differs from `want`, or None.

    Lists count as arrays, a whole number as a float, and (N, 1) as (N,). A float64 answer is judged to
    1e-10, relative and absolute, or to the test's `tol`; a float32 answer to 1e-5 if that is larger.
    """
    if isinstance(want, (list, tuple)) and not _is_array(want):
        return _sequence(got, want, tol)
    if isinstance(got, np.bool_):
        got = bool(got)
    if want is None or isinstance(want, (str, bool)) or isinstance(got, str) or got is None:
        return None if type(got) is type(want) and got == want else f"it is {got!r}, not {want!r}"
    try:
        a, b = np.asarray(got), np.asarray(want)
    except ValueError:
        return "its rows have different lengths"
    if a.dtype.kind not in "biuf":
        return f"it is {type(got).__name__}, not {_kind(b)}"
    if a.shape == (*b.shape, 1):
        a = a[..., 0]
    if a.shape != b.shape:
        return f"its shape is {a.shape}, not {b.shape}"
    if (a.dtype.kind == "b") != (b.dtype.kind == "b"):
        return f"its dtype is {a.dtype}, not {b.dtype}"
    bad = ~close(a, b, max(tol or FLOAT64, FLOAT32 if _coarse(got) else 0.0))
    if not bad.any():
        return None
    i = np.unravel_index(int(bad.argmax()), bad.shape)
    where = f"entry [{', '.join(map(str, i))}]" if i else "it"
    x, y = _number(a[i]), _number(b[i])
    return f"{where} is {x}, not {y}" + (f" (they differ by {abs(a[i] - b[i]):.1e})" if x == y else "")


def close(a: Any, b: Any, tol: float) -> Any:
    """Elementwise: equal, or within the tolerance; nan is close to nan alone."""
    with np.errstate(invalid="ignore"):
        return np.isclose(a.astype(float), b.astype(float), rtol=tol, atol=tol, equal_nan=True)


def gap(got: Any, want: Any) -> float:
    """How far apart two answers are: the largest difference; inf where they cannot be subtracted."""
    try:
        a, b = np.asarray(got, float), np.asarray(want, float)
        if a.shape == (*b.shape, 1):
            a = a[..., 0]
        if a.shape != b.shape:
            return float(np.inf)
        differ = np.subtract(a, b, out=np.zeros(b.shape), where=a != b)  # inf is no distance from inf
        distance = np.abs(differ).max(initial=0.0)
    except (TypeError, ValueError):
        parts = isinstance(got, (list, tuple)) and isinstance(want, (list, tuple)) and len(got) == len(want)
        return (
            max((gap(g, w) for g, w in zip(got, want)), default=0.0) if parts else float(got != want) * np.inf
        )
    return float(np.inf if np.isnan(distance) else distance)


def _sequence(got: Any, want: Any, tol: float | None) -> str | None:
    if not isinstance(got, (list, tuple)):
        return f"it is {type(got).__name__}, not a sequence of {len(want)}"
    if len(got) != len(want):
        return f"it has {len(got)} items, not {len(want)}"
    for i, (g, w) in enumerate(zip(got, want)):
        if said := difference(g, w, tol):
            return f"item {i}: {said}"
    return None


def _is_array(x: Any) -> bool:
    """A list or tuple that is a rectangular table of numbers is compared as an array."""
    try:
        return np.asarray(x).dtype.kind in "biuf" and isinstance(x, list)
    except ValueError:
        return False


def _coarse(x: Any) -> bool:
    """Is it float32, or a part of it? Beside whole numbers a part of a list becomes float64, and stays as coarse."""
    if isinstance(x, (list, tuple)):
        return any(map(_coarse, x))
    return getattr(x, "dtype", None) in (np.float32, np.float16)


def _kind(x: Any) -> str:
    return "a number" if x.ndim == 0 else f"an array of shape {x.shape}"


def _number(x: Any) -> str:
    return str(x) if x.dtype.kind == "b" else f"{x:.10g}"
