"""Attention and the transformer: by hand, causal to the last bit, padded, and learning what needs to look back."""

from functools import partial

import numpy as np
import pytest

from rlcore.nn.attention import causal_attention, self_attention, transformer, transformer_params
from rlcore.nn.layers import tanh
from rlcore.nn.optim import Adam
from rlcore.numerics import finite_difference, log_softmax, pick, softmax

V, L, D = 5, 6, 4
HEADS = pytest.mark.parametrize("heads", [1, 2, 4])


def random_params(rng, dtype=np.float64, length=L, **keywords):
    """First parameters and noise on all of them: no gain is 1, no bias 0."""
    params = transformer_params(V, length, rng, width=D, **keywords)
    return {name: (a + 0.3 * rng.standard_normal(a.shape)).astype(dtype) for name, a in params.items()}


def tokens_of(rng, *shape):
    return rng.integers(V, size=shape)


def close(gradient, expected):
    assert gradient.shape == expected.shape
    assert np.abs(expected).max() > 1e-3  # else there is nothing to compare
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize("axes", [(), (3,), (2, 3)], ids=str)
def test_gradient_of_attention(axes):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((*axes, L, 3)) for _ in range(3)]
    y, back = causal_attention(*arrays)
    dy = rng.standard_normal(y.shape)
    for gradient, array in zip(back(dy), arrays, strict=True):
        close(gradient, finite_difference(lambda: (dy * causal_attention(*arrays)[0]).sum(), array))


@HEADS
@pytest.mark.parametrize("axes", [(), (3,)], ids=str)
def test_gradient_of_self_attention(axes, heads):
    rng = np.random.default_rng(1)
    shapes = [(D, 3 * D), (3 * D,), (D, D), (D,), (*axes, L, D)]
    arrays = [rng.standard_normal(shape) for shape in shapes]
    y, back = self_attention(*arrays, heads)
    dy = rng.standard_normal(y.shape)
    for gradient, array in zip(back(dy), arrays, strict=True):
        # a bias of k shifts all scores of a row alike: its gradient is 0 and no measure, so the largest is
        close(gradient, finite_difference(lambda: (dy * self_attention(*arrays, heads)[0]).sum(), array))


@HEADS
@pytest.mark.parametrize("axes", [(), (3,), (2, 2)], ids=str)
@pytest.mark.parametrize("length", [1, 4, L])
def test_gradient_of_the_transformer(axes, heads, length):
    """Every parameter; relu's kinks are further away than a difference looks, as the seed has it."""
    rng = np.random.default_rng(2)
    params, tokens = random_params(rng), tokens_of(rng, *axes, length)
    network = partial(transformer, heads=heads)
    y, back = network(params, tokens)
    assert y.shape == (*axes, length, V)
    dy = rng.standard_normal(y.shape)
    dx, grads = back(dy)
    assert dx.shape == (*axes, length, D)
    assert list(grads) == list(params)
    for name, array in params.items():
        close(grads[name], finite_difference(lambda: (dy * network(params, tokens)[0]).sum(), array))


def test_gradient_with_another_activation():
    rng = np.random.default_rng(3)
    params, tokens = random_params(rng, hidden=3), tokens_of(rng, 2, L)
    y, back = transformer(params, tokens, activation=tanh)
    dy = rng.standard_normal(y.shape)
    for name, gradient in back(dy)[1].items():
        close(
            gradient,
            finite_difference(
                lambda: (dy * transformer(params, tokens, activation=tanh)[0]).sum(), params[name]
            ),
        )


def test_dx_is_the_gradient_of_the_embeddings():
    """Position t moves the embedding of every sequence's token t: dx, summed over the batch."""
    rng = np.random.default_rng(4)
    params, tokens = random_params(rng), tokens_of(rng, 3, L)
    y, back = transformer(params, tokens)
    dx, grads = back(rng.standard_normal(y.shape))
    np.testing.assert_allclose(dx.sum(axis=0), grads["position"], rtol=0, atol=1e-14)
    one_hot = np.eye(V)[tokens]
    np.testing.assert_allclose(np.einsum("blv,bld->vd", one_hot, dx), grads["token"], rtol=0, atol=1e-13)


# ---------------------------------------------------------------- known values


def test_attention_by_hand():
    """Scores of position 1: log 3 and 0 after division by sqrt(4), so the weights are 3/4 and 1/4."""
    q = np.array([[5.0, 0, 0, 0], [2 * np.log(3), 0, 0, 0]])
    k = np.array([[1.0, 9, 9, 9], [0.0, 9, 9, 9]])
    v = np.array([[8.0, 0.0], [0.0, 4.0]])
    y, back = causal_attention(q, k, v)
    np.testing.assert_allclose(y, [[8, 0], [6, 1]], rtol=0, atol=1e-14)
    dq, dk, dv = back(np.array([[0.0, 0.0], [1.0, 0.0]]))
    np.testing.assert_allclose(dv, [[0.75, 0], [0.25, 0]], rtol=0, atol=1e-14)
    np.testing.assert_allclose(dq, [[0] * 4, [0.75, 0, 0, 0]], rtol=0, atol=1e-14)  # 3/4 (8 - 6) k_0 / 2
    np.testing.assert_allclose(dk[:, 0], [1.5 * np.log(3), -1.5 * np.log(3)], rtol=0, atol=1e-14)


def test_equal_scores_give_running_means():
    v = np.random.default_rng(5).standard_normal((3, 7, 2))
    y, _ = causal_attention(np.zeros((3, 7, 4)), np.ones((3, 7, 4)), v)
    np.testing.assert_allclose(y, v.cumsum(axis=1) / np.arange(1, 8)[:, None], rtol=0, atol=1e-14)


def test_large_scores_pick_one_position():
    """Each position asks for the first one; no overflow."""
    k = np.zeros((4, 3))
    k[0] = 1e4
    y, back = causal_attention(np.full((4, 3), 1e4), k, np.arange(8.0).reshape(4, 2))
    np.testing.assert_array_equal(y, [[0, 1]] * 4)
    assert all(np.isfinite(gradient).all() for gradient in back(np.ones((4, 2))))


@HEADS
def test_self_attention_is_its_heads_side_by_side(heads):
    """Head h by itself, on columns h K to (h + 1) K of q, k and v."""
    rng, K = np.random.default_rng(6), D // heads
    W, b, x = rng.standard_normal((D, 3 * D)), rng.standard_normal(3 * D), rng.standard_normal((2, L, D))
    q, k, v = np.split(x @ W + b, 3, axis=-1)
    columns = [slice(h * K, (h + 1) * K) for h in range(heads)]
    expected = np.concatenate(
        [causal_attention(q[..., c], k[..., c], v[..., c])[0] for c in columns], axis=-1
    )
    np.testing.assert_allclose(
        self_attention(W, b, np.eye(D), np.zeros(D), x, heads)[0], expected, rtol=0, atol=1e-13
    )


def test_the_transformer_is_the_formula_of_its_docstring():
    """Position by position, in loops, one head."""
    rng = np.random.default_rng(7)
    p, tokens = random_params(rng), tokens_of(rng, L)

    def norm(x, name):
        return p[f"gain_{name}"] * (x - x.mean()) / np.sqrt(x.var() + 1e-5) + p[f"bias_{name}"]

    x = [p["token"][tokens[t]] + p["position"][t] for t in range(L)]
    qkv = [np.split(norm(row, "attend") @ p["W_qkv"] + p["b_qkv"], 3) for row in x]
    for t in range(L):
        w = softmax(np.array([qkv[t][0] @ qkv[j][1] / np.sqrt(D) for j in range(t + 1)]))
        read = sum(w[j] * qkv[j][2] for j in range(t + 1))
        row = x[t] + read @ p["W_mix"] + p["b_mix"]
        h = np.maximum(norm(row, "feed") @ p["W_up"] + p["b_up"], 0)
        row = row + h @ p["W_down"] + p["b_down"]
        expected = norm(row, "out") @ p["W_out"] + p["b_out"]
        np.testing.assert_allclose(transformer(p, tokens)[0][t], expected, rtol=0, atol=1e-12)


# ---------------------------------------------------------------- causality, pads, overlapping calls, number types


@HEADS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_later_token_changes_no_earlier_logit(heads, dtype):
    """Equal, not only close; and the token's own logits, and later ones, do change."""
    rng = np.random.default_rng(8)
    params, tokens = random_params(rng, dtype), tokens_of(rng, 3, L)
    logits, _ = transformer(params, tokens, heads)
    for t in range(L):
        other = tokens.copy()
        other[:, t] = (other[:, t] + 1) % V
        changed, _ = transformer(params, other, heads)
        np.testing.assert_array_equal(changed[:, :t], logits[:, :t])
        assert (changed[:, t:] != logits[:, t:]).any(axis=-1).all()


@HEADS
def test_an_earlier_logit_sends_no_gradient_to_a_later_token(heads):
    rng = np.random.default_rng(9)
    params, tokens = random_params(rng), tokens_of(rng, 3, L)
    logits, back = transformer(params, tokens, heads)
    for t in range(L):
        dy = np.zeros_like(logits)
        dy[:, t] = rng.standard_normal((3, V))
        dx, _ = back(dy)
        assert not dx[:, t + 1 :].any()
        assert (dx[:, : t + 1] != 0).any(axis=-1).all()


def test_pads_on_the_right_change_nothing_that_counts():
    """Logits to the last bit; gradients too, where the pads' logits have weight 0."""
    rng = np.random.default_rng(10)
    params, tokens = random_params(rng), tokens_of(rng, 2, L)
    length = np.array([4, 2])
    real = np.arange(L) < length[:, None]
    dy = rng.standard_normal((2, L, V)) * real[..., None]
    padded = [transformer(params, np.where(real, tokens, pad)) for pad in (0, 3)]
    np.testing.assert_array_equal(padded[0][0][real], padded[1][0][real])
    grads = [back(dy)[1] for _, back in padded]
    alone = [transformer(params, tokens[i, :n])[1](dy[i, :n])[1] for i, n in enumerate(length)]
    for name in params:
        np.testing.assert_allclose(grads[0][name], grads[1][name], rtol=0, atol=1e-14)
        np.testing.assert_allclose(grads[0][name], alone[0][name] + alone[1][name], rtol=0, atol=1e-12)


def test_a_prefix_alone_has_the_logits_it_has_in_the_whole():
    rng = np.random.default_rng(11)
    params, tokens = random_params(rng), tokens_of(rng, 3, L)
    whole, _ = transformer(params, tokens)
    for t in range(1, L):
        np.testing.assert_allclose(transformer(params, tokens[:, :t])[0], whole[:, :t], rtol=0, atol=1e-13)


def test_two_calls_may_overlap():
    rng = np.random.default_rng(12)
    params, (a, b), dy = random_params(rng), tokens_of(rng, 2, 3, L), rng.standard_normal((3, L, V))
    alone = [transformer(params, tokens)[1](dy) for tokens in (a, b)]
    (_, back_a), (_, back_b) = transformer(params, a), transformer(params, b)
    for (dx, grads), (dx_alone, grads_alone) in zip([back_a(dy), back_b(dy), back_a(dy)], [*alone, alone[0]]):
        np.testing.assert_array_equal(dx, dx_alone)
        for name in params:
            np.testing.assert_array_equal(grads[name], grads_alone[name])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given", [np.float32, np.float64])
def test_results_have_the_dtype_of_the_parameters(dtype, given):
    rng = np.random.default_rng(13)
    params = transformer_params(V, L, rng, width=D, dtype=dtype)
    logits, back = transformer(params, tokens_of(rng, 3, L), 2)
    dx, grads = back(np.ones((3, L, V), given))
    assert {a.dtype for a in (logits, dx, *params.values(), *grads.values())} == {np.dtype(dtype)}


def test_float32_is_float64_to_its_own_precision():
    rng = np.random.default_rng(14)
    params, tokens, dy = random_params(rng), tokens_of(rng, 3, L), rng.standard_normal((3, L, V))
    (y, back), (y32, back32) = (
        transformer({name: a.astype(dtype) for name, a in params.items()}, tokens, 2)
        for dtype in (np.float64, np.float32)
    )
    np.testing.assert_allclose(y32, y, rtol=0, atol=1e-5 * np.abs(y).max())
    grads32 = back32(dy)[1]
    for name, g in back(dy)[1].items():
        np.testing.assert_allclose(grads32[name], g, rtol=0, atol=1e-4 * np.abs(g).max() + 1e-5)


# ---------------------------------------------------------------- first parameters, and what they learn


def test_first_parameters():
    params = transformer_params(V, L, np.random.default_rng(15), width=8)
    shapes = {"token": (V, 8), "position": (L, 8), "W_qkv": (8, 24), "W_up": (8, 32), "W_out": (8, V)}
    assert {name: params[name].shape for name in shapes} == shapes
    assert all((a == 1).all() == name.startswith("gain") for name, a in params.items())
    assert all((a == 0).all() == name.startswith("b") for name, a in params.items())
    small = transformer_params(V, L, np.random.default_rng(15), width=8, last_gain=0.01)
    for name, a in params.items():
        np.testing.assert_allclose(small[name], 0.01 * a if name == "W_out" else a, rtol=1e-14)
    logits, _ = transformer(small, np.arange(5))
    np.testing.assert_allclose(softmax(logits), 1 / V, rtol=0, atol=0.02)


def test_it_learns_what_stood_first():
    """The last token is the first again: 4 equally likely ones, so who does not look back loses log 4 = 1.39."""
    rng = np.random.default_rng(16)
    params = transformer_params(V, 5, rng, width=16)
    adam, losses = Adam(1e-2), []
    for _ in range(150):
        tokens = rng.integers(4, size=(64, 5))
        logits, back = transformer(params, tokens, 2)
        answer = tokens[:, 0]
        logp = log_softmax(logits[:, -1])
        losses.append(-pick(logp, answer).mean())
        dy = np.zeros_like(logits)
        dy[:, -1] = (np.exp(logp) - np.eye(V)[answer]) / len(answer)
        adam.step(params, back(dy)[1])
    assert losses[0] > 1.2
    assert np.mean(losses[-10:]) < 0.05


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"n_tokens": 0}, "n_tokens is 0; it must be a whole number >= 1"),
        ({"length": 2.0}, "length is 2.0"),
        ({"width": float("nan")}, "width is nan"),
        ({"hidden": -1}, "hidden is -1"),
        ({"dtype": int}, "dtype is int64; it must be float32 or float64"),
    ],
)
def test_first_parameters_refuse(keywords, message):
    with pytest.raises(ValueError, match=message):
        transformer_params(**{"n_tokens": V, "length": L, "rng": np.random.default_rng(0), **keywords})


def test_more_tokens_than_positions_are_refused():
    params = transformer_params(V, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="tokens has length 2; there are 1 positions"):
        transformer(params, [0, 1])


def test_heads_must_divide_the_width():
    params = transformer_params(V, L, np.random.default_rng(0), width=4)
    with pytest.raises(ValueError, match="reshape"):
        transformer(params, [0, 1], heads=3)
