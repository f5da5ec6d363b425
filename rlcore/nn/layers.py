"""Layers: the value forward and the gradient backward, side by side.

    y, back = layer(params, x)        back(dy) = the gradient of sum(dy * y)

`back` closes over what the forward pass saw, so one layer may be called any number of times before any
of its `back`s. A layer's `back` returns arrays in the order of its arguments; that of a network returns
`(dx, grads)`, where grads has the keys of params. Results have the dtype of the parameters, float32 or
float64: x and dy are cast to it.

Letters: B batch (here any leading axes: `(B, in)`, `(T, N, in)`, or none), V tokens, D features.
Left out: layers that own state, graphs that build themselves, devices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.doors import check_count

Params: TypeAlias = dict[str, Array]
Pullback: TypeAlias = Callable[[Array], tuple[Array, Params]]  # of a network: dy -> (dx, grads)
Forward: TypeAlias = Callable[[Params, Array], tuple[Array, Pullback]]  # a network: (params, x) -> (y, back)
Init: TypeAlias = Callable[[int, int, Generator], Array]  # (in, out, rng) -> weights (in, out)
Activation: TypeAlias = Callable[[Array], tuple[Array, Callable[[Array], Array]]]


def linear(W: Array, b: Array, x: Array) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """y = x W + b.   (in, out), (out,), (B, in) -> (B, out);   back: dy -> (dW, db, dx)

    dW = x^T dy,   db = 1^T dy, the sum over the batch,   dx = dy W^T
    """
    x = np.asarray(x, W.dtype)

    def back(dy: Array) -> tuple[Array, Array, Array]:
        dy = np.asarray(dy, W.dtype)  # (B, out)
        rows, d_rows = x.reshape(-1, W.shape[0]), dy.reshape(-1, W.shape[1])
        return rows.T @ d_rows, np.ones(len(rows), W.dtype) @ d_rows, dy @ W.T

    return x @ W + b, back


def tanh(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    """y = tanh(x), elementwise;   dx = dy (1 - y^2)"""
    y = np.tanh(x)
    return y, lambda dy: dy * (1 - y * y)


def relu(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    """y = max(x, 0), elementwise;   dx = dy where x > 0, else 0"""
    return np.maximum(x, 0), lambda dy: dy * (x > 0)


def embedding(W: Array, index: Any) -> tuple[Array, Callable[[Array], Array]]:
    """y = W[index], a row a token: one-hot features times W.   (V, D), (B) int -> (B, D);   back: dy -> dW

    dW[v] = sum of dy over the places where index is v
    """
    index = np.asarray(index)

    def back(dy: Array) -> Array:
        dW = np.zeros_like(W)
        np.add.at(dW, index, np.asarray(dy, W.dtype))
        return dW

    return W.take(index, axis=0), back


def layer_norm(
    gain: Array, bias: Array, x: Array, eps: float = 1e-5
) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """y = gain z + bias,   z = (x - mean) / sqrt(variance + eps).   (D,), (D,), (B, D) -> (B, D)

    Mean and variance (divided by D) are those of one row, so rows do not see each other.

        back: dy -> (dgain, dbias, dx)      dz = dy gain
        dx = (dz - mean(dz) - z mean(dz z)) / sqrt(variance + eps)

    Ba, Kiros & Hinton (2016).
    """
    x = np.asarray(x, gain.dtype)
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + gain.dtype.type(eps))  # (B, 1)
    z = centred / scale

    def back(dy: Array) -> tuple[Array, Array, Array]:
        dy = np.asarray(dy, gain.dtype)
        dz, batch = dy * gain, tuple(range(dy.ndim - 1))
        dx = dz - dz.mean(axis=-1, keepdims=True) - z * (dz * z).mean(axis=-1, keepdims=True)
        return (dy * z).sum(axis=batch), dy.sum(axis=batch), dx / scale

    return gain * z + bias, back


def mlp(params: Params, x: Array, activation: Activation = tanh) -> tuple[Array, Pullback]:
    """A network of linear layers with an activation between them.   (B, in) -> (B, out)

    h_0 = x,   h_{k+1} = activation(h_k W_k + b_k),   the last layer without activation.
    Without a hidden layer it is linear in x; on one-hot features that is a table.
    """
    depth = sum(name.startswith("W") for name in params)
    backs: list[Any] = []
    for k in range(depth):
        if k:
            x, back = activation(x)
            backs.append(back)
        x, back = linear(params[f"W{k}"], params[f"b{k}"], x)  # type: ignore[assignment]
        backs.append(back)

    def pullback(dy: Array) -> tuple[Array, Params]:
        grads: Params = {}
        for k in reversed(range(depth)):
            grads[f"W{k}"], grads[f"b{k}"], dy = backs[2 * k](dy)
            if k:
                dy = backs[2 * k - 1](dy)
        return dy, {name: grads[name] for name in params}

    return x, pullback


def scaled(forward: Forward, scale: Any) -> Forward:
    """The network on x / scale: features of unlike units become comparable.   scale (in,)"""
    return partial(_scaled, forward, scale)  # which can be sent to another process


def _scaled(forward: Forward, scale: Any, params: Params, x: Array) -> tuple[Array, Pullback]:
    y, back = forward(params, np.asarray(x) / scale)

    def pullback(dy: Array) -> tuple[Array, Params]:
        dx, grads = back(dy)
        return np.asarray(dx / scale, dx.dtype), grads

    return y, pullback


# ---------------------------------------------------------------- first parameters


def mlp_params(
    sizes: Sequence[int],
    rng: Generator,
    *,
    init: Init | None = None,
    gain: float = 1.0,
    last_gain: float = 1.0,
    dtype: Any = np.float64,
) -> Params:
    """Parameters W0, b0, W1, b1, ... of an `mlp` with these layer sizes, input first; biases are 0.

    init      fan_in_uniform (default) or orthogonal
    gain      factor of the hidden layers' weights
    last_gain factor of the last layer's: a small one starts near 0, and a policy near uniform
    Raises ValueError unless there are two sizes or more, all whole numbers >= 1, and a float dtype.
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes is {list(sizes)!r}; it must hold the input's and the output's size")
    for k, size in enumerate(sizes):
        check_count(f"sizes[{k}]", size, 1)
    check_dtype(dtype)
    init = fan_in_uniform if init is None else init
    params: Params = {}
    for k, (n_in, n_out) in enumerate(pairwise(sizes)):
        factor = last_gain if k == len(sizes) - 2 else gain
        params[f"W{k}"] = (factor * init(n_in, n_out, rng)).astype(dtype)
        params[f"b{k}"] = np.zeros(n_out, dtype)
    return params


def check_dtype(dtype: Any) -> None:
    """Raise ValueError unless dtype is float32 or float64."""
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype is {np.dtype(dtype)}; it must be float32 or float64")


def fan_in_uniform(n_in: int, n_out: int, rng: Generator) -> Array:
    """Weights uniform on (-1, 1) / sqrt(n_in).   -> (n_in, n_out)"""
    bound = 1 / np.sqrt(n_in)
    return rng.uniform(-bound, bound, (n_in, n_out))


def orthogonal(n_in: int, n_out: int, rng: Generator) -> Array:
    """Weights whose rows or columns, the fewer of them, are orthonormal.   -> (n_in, n_out)

    Q of the QR decomposition of a Gaussian matrix, each column with the sign that makes R's diagonal
    positive: so the draw is uniform among all such matrices. Saxe, McClelland & Ganguli (2014).
    """
    Q, R = np.linalg.qr(rng.standard_normal((max(n_in, n_out), min(n_in, n_out))))
    Q = Q * np.sign(np.diag(R))
    return Q if n_in >= n_out else Q.T


def copy(params: Params) -> Params:
    """The same numbers in arrays of their own: a target network, a reference policy."""
    return {name: array.copy() for name, array in params.items()}


def flat(params: Params) -> Array:
    """All entries as one vector, array after array.   -> (P,)"""
    return np.concatenate([array.ravel() for array in params.values()]) if params else np.zeros(0)


def unflat(vector: Array, params: Params) -> Params:
    """The other way: a vector as arrays, or views of it, with the names and shapes of params.   (P,) -> params"""
    parts, start = {}, 0
    for name, array in params.items():
        parts[name] = vector[start : start + array.size].reshape(array.shape)
        start += array.size
    return parts


def blend(frozen: Params, params: Params, part: float) -> None:
    """frozen <- (1 - part) frozen + part params, in place; part 1 is a copy.   Polyak averaging."""
    for name, array in frozen.items():
        array[...] = (1 - part) * array + part * params[name]
