"""Solutions of chapter 7, and other right answers that the graders must let pass."""

import numpy as np

from chapters.harness import alternative


def mean_square(x):
    """Exercise 7.1.  [eq:n-step-and-planning-mean-square]"""
    return float(np.mean(x**2))


# ---------------------------------------------------------------- other right answers


@alternative("mean_square")
def in_float32(x):
    return np.float32(x @ x / len(x))
