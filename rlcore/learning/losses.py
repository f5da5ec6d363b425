"""Losses: (value, gradient with respect to the first argument), minimised, a mean over the batch.

    value, d_prediction = squared_error(prediction, target)

Letters: B batch (any shape: every entry counts once).
Left out: weights of single entries.
"""

from __future__ import annotations

import numpy as np

from rlcore.numerics import Array


def squared_error(prediction: Array, target: Array) -> tuple[float, Array]:
    """Half the mean square.   (B,), (B,) -> number, (B,)

        mean(e^2) / 2,   e = prediction - target;   gradient e / B

    Raises ValueError where the shapes differ: (B,) against (B, 1) would be broadcast to (B, B).
    """
    e = _error(prediction, target)
    return float(np.mean(e * e) / 2), e / e.size


def huber(prediction: Array, target: Array, delta: float = 1.0) -> tuple[float, Array]:
    """Squared error near the target, absolute error beyond delta: outliers pull with bounded force.

        mean of  e^2 / 2  where |e| <= delta,  else  delta (|e| - delta / 2);   gradient clip(e) / B

    Errors larger than delta are fitted by their median, not by their mean: rare ones that matter, a fall in a
    hundred steps, lose weight with the noise.   Huber (1964).   (B,), (B,) -> number, (B,);  ValueError where
    the shapes differ.
    """
    e = _error(prediction, target)
    inner = np.clip(e, -delta, delta)
    return float(np.mean(inner * (e - inner / 2))), np.asarray(inner / e.size)


def _error(prediction: Array, target: Array) -> Array:
    if np.shape(prediction) != np.shape(target):
        raise ValueError(
            f"prediction has shape {np.shape(prediction)} and target {np.shape(target)}; they must be equal"
        )
    return np.asarray(np.subtract(prediction, target))
