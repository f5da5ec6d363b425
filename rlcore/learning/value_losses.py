"""Losses of a critic: how far its values are from their targets, minimised, and what every loss does with a batch.

    value, d_prediction = squared_error(prediction, target)

Letters: B batch (any shape: every entry counts once), e error.
Left out: losses of a distribution of returns.
"""

from __future__ import annotations

import numpy as np

from rlcore.learning.shapes import same_shape
from rlcore.numerics import Array


def squared_error(prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
    """Half the mean square.   (B,), (B,) -> number, (B,)

        mean(e^2) / 2,   e = prediction - target;   gradient e / B

    Raises ValueError where the shapes differ: (B,) against (B, 1) would be broadcast to (B, B).
    """
    same_shape(prediction=prediction, target=target)
    e = np.subtract(prediction, target)
    return over_batch(e * e / 2, e, weight)


def huber(prediction: Array, target: Array, delta: float = 1.0) -> tuple[float, Array]:
    """Squared error near the target, absolute error beyond delta: outliers pull with bounded force.

        mean of  e^2 / 2  where |e| <= delta,  else  delta (|e| - delta / 2);   gradient clip(e) / B

    Errors larger than delta are fitted by their median, not by their mean: rare ones that matter, a fall in a
    hundred steps, lose weight with the noise.   Huber (1964).   (B,), (B,) -> number, (B,);  ValueError where
    the shapes differ.
    """
    same_shape(prediction=prediction, target=target)
    e = np.subtract(prediction, target)
    inner = np.clip(e, -delta, delta)
    return float(np.mean(inner * (e - inner / 2))), np.asarray(inner / e.size)


def clipped_squared_error(
    value: Array,
    value_old: Array,
    target: Array,
    clip: float,
    *,
    larger: bool = True,
    weight: Array | None = None,
) -> tuple[float, Array]:
    """Squared error of a value that may not move further than clip from the old one.   (B,) ... -> number, (B,)

        e = value - target,    e_clip = value_old + clip(value - value_old, -clip, clip) - target
        larger:      mean(max(e^2, e_clip^2)) / 2      never below `squared_error`
        not larger:  mean(e_clip^2) / 2                may be below it: the way back from a wrong move is cut off

    Both are in use; some code leaves out the half. The gradient is that of the branch taken: e, or e_clip
    where value is within clip and 0 beyond. Where both squares are equal, e; at the edge itself, within.
    [eq:value-clip]  Raises ValueError where the shapes differ.
    """
    same_shape(value=value, value_old=value_old, target=target)
    move = np.subtract(value, value_old)
    e, e_clip = np.subtract(value, target), np.subtract(value_old + np.clip(move, -clip, clip), target)
    slope = np.where(np.abs(move) <= clip, e_clip, 0.0)
    if larger:
        far = e * e >= e_clip * e_clip
        e_clip, slope = np.where(far, e, e_clip), np.where(far, e, slope)
    return over_batch(e_clip * e_clip / 2, slope, weight)


def over_batch(loss: Array, slope: Array, weight: Array | None) -> tuple[float, Array]:
    """The mean of the losses and its gradient, or the sum weighted; slope: that of each loss.   (B,) -> number, (B,)"""
    if weight is None:
        return float(loss.sum() / loss.size), np.asarray(slope / loss.size)
    same_shape(loss=loss, weight=weight)
    weight = np.asarray(weight, loss.dtype)
    counts = weight != 0
    return float(np.sum(weight * loss, where=counts)), np.where(counts, weight * slope, 0.0)
