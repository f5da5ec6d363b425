"""A causal transformer of one block: a position reads itself and what came before, never what comes after.

    x      = token[tokens] + position                 (B, L, D)
    x      = x + attend(norm(x))                      mixes positions
    x      = x + feed(norm(x))                        mixes features
    logits = norm(x) W + b                            (B, L, V), of the token that follows

The norms stand before what they feed, inside the branch, so that the sum itself runs through untouched
(Xiong et al., 2020). Layers are those of `layers`: (y, back), float32 or float64, called as often as wanted.

Sequences of unlike lengths are padded on the right. A pad comes after every token that counts, so it
changes nothing that counts, and no mask is needed: give its own logits the weight 0 in the loss.

Letters: B batch (any leading axes), L tokens, D features, H heads, K features of a head, V tokens there are.
Left out: more than one block, dropout, pads on the left, a memory of keys and values for sampling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from rlcore.nn.layers import (
    Activation,
    Init,
    Params,
    Pullback,
    check_dtype,
    embedding,
    fan_in_uniform,
    layer_norm,
    linear,
    relu,
)
from rlcore.numerics import Array, softmax
from rlcore.problems.doors import check_count


def causal_attention(
    q: Array, k: Array, v: Array
) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """y_t = sum_{j <= t} w_tj v_j,   w_t = softmax over j <= t of q_t . k_j / sqrt(K).   3 x (B, L, K) -> same

        back: dy -> (dq, dk, dv)       dw = dy v^T,   dv = w^T dy
        ds = w (dw - sum_j dw w) / sqrt(K),   dq = ds k,   dk = ds^T q

    The weight of a later position is exactly 0. Where all scores are equal, y_t is the mean of v_0 ... v_t.
    Vaswani et al. (2017).   [eq:attention]
    """
    L, K = q.shape[-2:]
    scale = q.dtype.type(1 / np.sqrt(K))
    later = np.triu(np.ones((L, L), bool), 1)
    w = softmax(np.where(later, q.dtype.type(-np.inf), scale * (q @ _T(k))))  # (B, L, L)

    def back(dy: Array) -> tuple[Array, Array, Array]:
        dw = dy @ _T(v)
        ds = scale * w * (dw - (dw * w).sum(axis=-1, keepdims=True))
        return ds @ k, _T(ds) @ q, _T(w) @ dy

    return w @ v, back


def _T(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


def self_attention(
    W: Array, b: Array, W_out: Array, b_out: Array, x: Array, heads: int = 1
) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array, Array, Array]]]:
    """Causal attention of a sequence to itself, in `heads` parts side by side.   (B, L, D) -> (B, L, D)

    q, k, v = x W + b, each cut into heads of K = D / heads features;   y = (the heads in a row) W_out + b_out
    (D, 3 D), (3 D,), (D, D), (D,);   back: dy -> (dW, db, dW_out, db_out, dx)
    """
    qkv, back_in = linear(W, b, x)  # (B, L, 3 D)
    parts = qkv.reshape(*qkv.shape[:-1], 3, heads, -1)  # (B, L, 3, H, K)
    q, k, v = np.moveaxis(parts, (-3, -2), (0, -3))  # each (B, H, L, K)
    read, back_read = causal_attention(q, k, v)
    rows = np.moveaxis(read, -3, -2)  # (B, L, H, K)
    y, back_out = linear(W_out, b_out, rows.reshape(*rows.shape[:-2], -1))

    def back(dy: Array) -> tuple[Array, Array, Array, Array, Array]:
        dW_out, db_out, d_rows = back_out(dy)
        d_read = np.moveaxis(d_rows.reshape(rows.shape), -2, -3)
        d_parts = np.moveaxis(np.stack(back_read(d_read)), (0, -3), (-3, -2))
        dW, db, dx = back_in(d_parts.reshape(qkv.shape))
        return dW, db, dW_out, db_out, dx

    return y, back


def transformer(
    params: Params, tokens: Any, heads: int = 1, activation: Activation = relu
) -> tuple[Array, Pullback]:
    """Logits of the next token at every position, from the tokens up to it.   (B, L) int -> (B, L, V)

    back: dlogits -> (dx, grads);  whole numbers have no gradient, so dx (B, L, D) is that of their embeddings.
    The width D must be a multiple of `heads`. Raises ValueError for more tokens than there are positions.
    """
    p, L = params, np.shape(tokens)[-1]
    if L > len(p["position"]):
        raise ValueError(f"tokens has length {L}; there are {len(p['position'])} positions")
    x, back_token = embedding(p["token"], tokens)
    x = x + p["position"][:L]
    z, back_norm_attend = layer_norm(p["gain_attend"], p["bias_attend"], x)
    y, back_attend = self_attention(p["W_qkv"], p["b_qkv"], p["W_mix"], p["b_mix"], z, heads)
    x = x + y
    z, back_norm_feed = layer_norm(p["gain_feed"], p["bias_feed"], x)
    h, back_up = linear(p["W_up"], p["b_up"], z)
    h, back_bend = activation(h)
    y, back_down = linear(p["W_down"], p["b_down"], h)
    x = x + y
    z, back_norm_out = layer_norm(p["gain_out"], p["bias_out"], x)
    logits, back_out = linear(p["W_out"], p["b_out"], z)

    def back(dy: Array) -> tuple[Array, Params]:
        g: Params = {}
        g["W_out"], g["b_out"], dz = back_out(dy)
        g["gain_out"], g["bias_out"], dx = back_norm_out(dz)
        g["W_down"], g["b_down"], dh = back_down(dx)
        g["W_up"], g["b_up"], dz = back_up(back_bend(dh))
        g["gain_feed"], g["bias_feed"], d_branch = back_norm_feed(dz)
        dx = dx + d_branch
        g["W_qkv"], g["b_qkv"], g["W_mix"], g["b_mix"], dz = back_attend(dx)
        g["gain_attend"], g["bias_attend"], d_branch = back_norm_attend(dz)
        dx = dx + d_branch
        g["position"] = np.zeros_like(p["position"])
        g["position"][:L] = dx.reshape(-1, *dx.shape[-2:]).sum(axis=0)
        g["token"] = back_token(dx)
        return dx, {name: g[name] for name in p}

    return logits, back


def transformer_params(
    n_tokens: int,
    length: int,
    rng: Generator,
    *,
    width: int = 16,
    hidden: int | None = None,
    init: Init = fan_in_uniform,
    last_gain: float = 1.0,
    dtype: Any = np.float64,
) -> Params:
    """First parameters of a `transformer`: gains 1, biases 0, embeddings normal with rows of length about 1.

    n_tokens   V, input and output alike
    length     the longest sequence there will be
    width      D, a multiple of the heads
    hidden     features between the two layers that mix features; 4 D where not given
    init       of the weights
    last_gain  factor of the last layer's: a small one starts near the uniform distribution
    Raises ValueError unless the sizes are whole numbers >= 1, and for a dtype that is no float.
    """
    hidden = 4 * width if hidden is None else hidden
    sizes = {"n_tokens": n_tokens, "length": length, "width": width, "hidden": hidden}
    for name, size in sizes.items():
        check_count(name, size, 1)
    check_dtype(dtype)
    D, V = width, n_tokens
    params: Params = {
        "token": rng.standard_normal((V, D)) / np.sqrt(D),
        "position": rng.standard_normal((length, D)) / np.sqrt(D),
    }
    weights = {"qkv": (D, 3 * D), "mix": (D, D), "up": (D, hidden), "down": (hidden, D), "out": (D, V)}
    for name, (n_in, n_out) in weights.items():
        params[f"W_{name}"], params[f"b_{name}"] = init(n_in, n_out, rng), np.zeros(n_out)
    params["W_out"] *= last_gain
    for name in ("attend", "feed", "out"):
        params[f"gain_{name}"], params[f"bias_{name}"] = np.ones(D), np.zeros(D)
    return {name: array.astype(dtype) for name, array in params.items()}
