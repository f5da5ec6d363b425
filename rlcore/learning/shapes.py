"""What the formulas ask of their arrays: the same shape, where NumPy would broadcast without a word.

Left out: what the numbers are; constructors check those.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def same_shape(**arrays: Any) -> None:
    """Raise ValueError unless all have the shape of the first; the message names the one that has not.

    Returns (N,) minus values (N, 1) is (N, N): every return against every value, and no error.
    """
    names = iter(arrays)
    model = next(names)
    shape = np.shape(arrays[model])
    for name in names:
        if np.shape(arrays[name]) != shape:
            raise ValueError(
                f"{name} has shape {np.shape(arrays[name])}; it must be {shape}, the shape of {model}"
            )
