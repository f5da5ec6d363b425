"""Losses: values by hand and the shapes they refuse. Gradients: test_gradients."""

import ast
import inspect
import math

import numpy as np
import pytest

from rlcore.learning import losses
from rlcore.learning.kl import kl
from rlcore.learning.losses import (
    PPOClip,
    PPOPenalty,
    average,
    clip_fraction,
    clipped_squared_error,
    clipped_surrogate,
    entropy,
    huber,
    policy_gradient_loss,
    ppo_clip,
    ppo_penalty,
    reinforce_loss,
    squared_error,
    standardised,
)
from rlcore.learning.policies import log_prob


def test_squared_error_by_hand():
    value, gradient = squared_error(np.array([1.0, 2.0, -4.0]), np.array([0.0, 4.0, -4.0]))
    assert value == pytest.approx((1 + 4 + 0) / 6, abs=1e-15)
    np.testing.assert_allclose(gradient, [1 / 3, -2 / 3, 0], atol=1e-15)


def test_huber_by_hand():
    value, gradient = huber(np.array([0.5, 3.0, -5.0, 1.0]), np.zeros(4))
    assert value == pytest.approx((0.125 + 2.5 + 4.5 + 0.5) / 4, abs=1e-15)
    np.testing.assert_allclose(gradient, [0.125, 0.25, -0.25, 0.25], atol=1e-15)
    value, gradient = huber(np.array([3.0, -0.5]), np.zeros(2), delta=2.0)
    assert value == pytest.approx((2 * (3 - 1) + 0.125) / 2, abs=1e-15)
    np.testing.assert_allclose(gradient, [1.0, -0.25], atol=1e-15)


def test_huber_of_small_errors_is_the_squared_error():
    x = np.random.default_rng(0).uniform(-1, 1, 50)
    (a, da), (b, db) = huber(x, np.zeros(50)), squared_error(x, np.zeros(50))
    assert a == pytest.approx(b, abs=1e-15)
    np.testing.assert_allclose(da, db, atol=1e-17)


def test_huber_fits_the_median_of_large_errors_and_squared_error_the_mean():
    """One fall worth 0 among nine states worth 100: where the gradient vanishes."""
    target = np.append(np.full(9, 100.0), 0.0)
    assert squared_error(np.full(10, 90.0), target)[1].sum() == pytest.approx(0, abs=1e-14)
    at = 100 - 1 / 9  # nine errors of -1/9 balance one that counts as 1
    assert huber(np.full(10, at), target)[1].sum() == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("loss", [squared_error, huber])
@pytest.mark.parametrize("shapes", [((4,), (4, 1)), ((4, 1), (4,)), ((3,), (1,)), ((2, 3), (3,))])
def test_what_would_be_broadcast_is_refused(loss, shapes):
    prediction, target = (np.zeros(shape) for shape in shapes)
    with pytest.raises(ValueError, match=r"target has shape .*; it must be .*, the shape of prediction"):
        loss(prediction, target)


# ---------------------------------------------------------------- the value that may not move far


def test_clipped_squared_error_by_hand():
    """From 0 to 1 with clip .5, targets 2, .25, -1: clipped errors -1.5, .25, 1.5, the others -1, .75, 2."""
    value, old, target = np.ones(3), np.zeros(3), np.array([2.0, 0.25, -1.0])
    loss, gradient = clipped_squared_error(value, old, target, 0.5)
    assert loss == pytest.approx((1.5**2 + 0.75**2 + 2**2) / 6)
    np.testing.assert_allclose(gradient, [0, 0.25, 2 / 3], atol=1e-15)
    loss, gradient = clipped_squared_error(value, old, target, 0.5, larger=False)
    assert loss == pytest.approx((1.5**2 + 0.25**2 + 1.5**2) / 6)
    np.testing.assert_array_equal(gradient, 0)  # even where the value should go back


def test_clipped_squared_error_at_its_edges():
    """A value at the edge itself still moves; where both errors are as large, the plain one's slope is taken."""
    _, at_the_edge = clipped_squared_error(*np.array([[0.5], [0.0], [2.0]]), 0.5, larger=False)
    assert at_the_edge == -1.5
    _, as_large = clipped_squared_error(*np.array([[2.0], [0.0], [1.25]]), 0.5)  # errors .75 and -.75
    assert as_large == 0.75


def test_the_larger_error_is_never_below_the_plain_one_and_the_other_may_be():
    rng = np.random.default_rng(0)
    value, old, target = rng.normal(size=(3, 200, 4))
    plain, larger, clipped = (
        np.array([f(*rows)[0] for rows in zip(value, old, target)])
        for f in (
            lambda v, o, t: squared_error(v, t),
            lambda v, o, t: clipped_squared_error(v, o, t, 0.2),
            lambda v, o, t: clipped_squared_error(v, o, t, 0.2, larger=False),
        )
    )
    assert (larger >= plain).all()
    assert 0.2 < (clipped < plain).mean() < 0.8


def test_a_wide_value_clip_is_none():
    rng = np.random.default_rng(1)
    value, old, target = rng.normal(size=(3, 20))
    for larger in (True, False):
        loss, gradient = clipped_squared_error(value, old, target, 100.0, larger=larger)
        assert loss == pytest.approx(squared_error(value, target)[0], abs=1e-14)
        np.testing.assert_allclose(gradient, squared_error(value, target)[1], atol=1e-15)


# ---------------------------------------------------------------- advantages


@pytest.mark.parametrize("ddof", [0, 1])
def test_standardised(ddof):
    A = np.random.default_rng(2).normal(3, 5, (4, 6))
    z = standardised(A, ddof=ddof)
    assert z.shape == A.shape
    assert z.mean() == pytest.approx(0, abs=1e-15)
    assert z.std(ddof=ddof) == pytest.approx(1, abs=1e-8)
    np.testing.assert_allclose(standardised(2 * A + 7, ddof=ddof), z, atol=1e-8)
    assert standardised(np.array([1.0, 3.0]), ddof=0, eps=1.0)[1] == 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("x", [0.1, -7.3, 1e3, 0.0])
def test_equal_advantages_push_nowhere(dtype, x):
    """In float32 the mean of 37 times .1 misses .1 by a rounding error, and the spread is the same error."""
    z = standardised(np.full(37, x, dtype))
    assert z.dtype == dtype
    assert np.abs(z).max() < 1e-4


def test_a_single_advantage_has_no_spread():
    assert standardised(np.array([2.5])) == [2.5]
    assert standardised(np.array([2.5]), ddof=0) == [0.0]
    np.testing.assert_array_equal(standardised([1, 3], ddof=0).round(6), [-1, 1])


# ---------------------------------------------------------------- policy gradient and entropy


def test_policy_gradient_loss_by_hand():
    """pi = (1/2, 1/2) and (1/4, 3/4), the first action taken with advantage 2, the second with -4."""
    logits = np.log([[0.5, 0.5], [0.25, 0.75]])
    value, gradient = policy_gradient_loss(logits, np.array([0, 1]), np.array([2.0, -4.0]))
    assert value == pytest.approx(-(2 * np.log(0.5) - 4 * np.log(0.75)) / 2)
    np.testing.assert_allclose(gradient, [[-0.5, 0.5], [-0.5, 0.5]], atol=1e-15)


def test_reinforce_loss_is_policy_gradient_loss_before_the_logits():
    rng = np.random.default_rng(3)
    logits, action, A = rng.normal(size=(6, 3)), rng.integers(0, 3, 6), rng.normal(size=6)
    logp, back = log_prob(logits, action)
    value, d_logp = reinforce_loss(logp, A)
    np.testing.assert_array_equal(back(d_logp), policy_gradient_loss(logits, action, A)[1])
    assert value == policy_gradient_loss(logits, action, A)[0]


def test_entropy_by_hand_and_its_sign():
    """+H: uphill is towards uniform, so a minimiser that adds it makes the policy decide faster."""
    value, gradient = entropy(np.array([[0.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]]))
    p = np.exp([2, 0, 0, 0]) / (np.exp(2) + 3)
    assert value == pytest.approx((np.log(4) - p @ np.log(p)) / 2)
    np.testing.assert_allclose(gradient[0], 0, atol=1e-15)
    assert gradient[1, 0] < -0.05
    assert (gradient[1, 1:] > 0.01).all()


def test_entropy_of_actions_that_do_not_exist():
    value, gradient = entropy(np.array([[0.0, -np.inf, 1.0], [-np.inf, -np.inf, 1.0]]))
    want = entropy(np.array([[0.0, 1.0]]))
    assert value == pytest.approx(want[0] / 2)
    np.testing.assert_allclose(gradient, [[want[1][0, 0] / 2, 0, want[1][0, 1] / 2], [0, 0, 0]], atol=1e-15)


# ---------------------------------------------------------------- the clipped surrogate


def derivative(ratio, advantage, clip=0.2):
    """d objective / d ratio of one sample; the loss has the other sign, and d ratio / d logp is the ratio."""
    return -clipped_surrogate(np.log([ratio]), np.zeros(1), np.array([advantage]), clip)[1][0] / ratio


def test_where_the_gradient_stops():
    """Above the band for A > 0, below it for A < 0. With `max` for `min` at A < 0 it would be -1, -1, 0."""
    assert [derivative(r, -1.0) for r in (0.5, 1.0, 1.5)] == pytest.approx([0, -1, -1])
    assert [derivative(r, 1.0) for r in (0.5, 1.0, 1.5)] == pytest.approx([1, 1, 0])


def test_the_shape_of_the_objective():
    def objective(ratio, advantage):
        return -clipped_surrogate(np.log([ratio]), np.zeros(1), np.array([advantage]), 0.2)[0]

    ratio = [0.5, 0.8, 1.0, 1.2, 1.5]
    assert [objective(r, 1.0) for r in ratio] == pytest.approx([0.5, 0.8, 1.0, 1.2, 1.2])
    assert [objective(r, -1.0) for r in ratio] == pytest.approx([-0.8, -0.8, -1.0, -1.2, -1.5])


def test_two_sides():
    """Clip-higher: r = 1.25 is outside .2 and inside (.2, .28); the lower side is the first."""
    assert derivative(1.25, 1.0) == 0
    assert derivative(1.25, 1.0, (0.2, 0.28)) == pytest.approx(1)
    assert derivative(0.75, -1.0, (0.2, 0.28)) == 0
    assert derivative(0.75, -1.0, (0.28, 0.2)) == pytest.approx(-1)
    assert derivative(0.75, -1.0, [0.28, 0.2]) == pytest.approx(-1)


def test_the_first_step_is_that_of_reinforce():
    """At r = 1 every surrogate has the gradient of the policy-gradient loss: the clip is not yet in reach."""
    rng = np.random.default_rng(4)
    logits, action, A = rng.normal(size=(6, 3)), rng.integers(0, 3, 6), rng.normal(size=6)
    logp, _ = log_prob(logits, action)
    want = policy_gradient_loss(logits, action, A)[1]
    for clip in (0.2, (0.1, 0.3), np.inf):
        value, gradient = ppo_clip(logits, action, logp, A, clip)
        assert value == pytest.approx(-A.mean())
        np.testing.assert_allclose(gradient, want, atol=1e-15)
    np.testing.assert_allclose(ppo_penalty(logits, action, logits, A, 3.0)[1], want, atol=1e-15)


def test_an_infinite_clip_is_none():
    rng = np.random.default_rng(5)
    logp, old, A = rng.normal(size=(3, 50))
    value, gradient = clipped_surrogate(logp, old, A, np.inf)
    gain = np.exp(logp - old) * A
    assert value == pytest.approx(-gain.mean())
    np.testing.assert_allclose(gradient, -gain / 50, atol=1e-15)


def test_the_clipped_objective_is_a_lower_bound():
    rng = np.random.default_rng(6)
    logp, old, A = rng.normal(size=(3, 500))
    for row in zip(logp[:, None], old[:, None], A[:, None]):
        assert clipped_surrogate(*row, 0.2)[0] >= clipped_surrogate(*row, np.inf)[0]


def test_ppo_penalty_is_ratio_and_exact_divergence():
    rng = np.random.default_rng(7)
    (logits, old), action, A = rng.normal(size=(2, 6, 3)), rng.integers(0, 3, 6), rng.normal(size=6)
    ratio = np.exp(log_prob(logits, action)[0] - log_prob(old, action)[0])
    value, gradient = ppo_penalty(logits, action, old, A, 0.7)
    assert value == pytest.approx(-(ratio * A).mean() + 0.7 * kl(old, logits).mean(), abs=1e-14)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-15)


def test_clip_fraction_counts_both_sides():
    """Ratios .5, .9, 1.1, 1.5, 4."""
    logp = np.log([0.5, 0.9, 1.1, 1.5, 4.0])
    assert clip_fraction(logp, np.zeros(5), 0.2) == 0.6
    assert clip_fraction(logp, np.zeros(5), (0.6, 0.2)) == 0.4
    assert clip_fraction(logp, np.zeros(5), (0.2, 0.6)) == 0.4
    assert clip_fraction(logp, np.zeros(5), 1.0) == 0.2  # no ratio is below 0
    assert clip_fraction(logp, np.zeros(5), np.inf) == 0
    edges = np.array([math.log1p(-0.5), math.log1p(0.5)])
    assert clip_fraction(edges, np.zeros(2), 0.5) == 0


# ---------------------------------------------------------------- the surrogate objects


def instance():
    rng = np.random.default_rng(8)
    return (*rng.normal(size=(2, 12)), np.abs(rng.normal(size=12)), rng.normal(size=12))


def test_the_clip_pays_nothing_for_divergence():
    logp, old, divergence, A = instance()
    value, d_logp, d_kl = PPOClip(0.3).loss(logp, old, divergence, A)
    want = clipped_surrogate(logp, old, A, 0.3)
    assert value == want[0]
    np.testing.assert_array_equal(d_logp, want[1])
    np.testing.assert_array_equal(d_kl, np.zeros(12))
    surrogate = PPOClip(0.3)
    assert surrogate.adapted(100.0) is surrogate


def test_the_penalty_clips_nothing_and_pays_beta():
    logp, old, divergence, A = instance()
    value, d_logp, d_kl = PPOPenalty(0.3).loss(logp, old, divergence, A)
    want = clipped_surrogate(logp, old, A, np.inf)
    assert value == pytest.approx(want[0] + 0.3 * divergence.mean(), abs=1e-15)
    np.testing.assert_array_equal(d_logp, want[1])
    np.testing.assert_allclose(d_kl, np.full(12, 0.3 / 12), atol=1e-17)


def test_the_price_follows_the_divergence():
    """Doubled above 1.5 times the target, halved below target / 1.5, the edges excluded; otherwise kept."""
    surrogate = PPOPenalty(beta=0.8, target=0.03)
    price = [surrogate.adapted(x).beta for x in (0.0, 0.0199, 0.03 / 1.5, 0.03, 1.5 * 0.03, 0.0451, 9.0)]
    assert price == [0.4, 0.4, 0.8, 0.8, 0.8, 1.6, 1.6]
    assert surrogate.beta == 0.8  # frozen: a new one each time
    assert surrogate.adapted(9.0).adapted(9.0) == PPOPenalty(3.2, 0.03)
    fixed = PPOPenalty(0.8)
    assert fixed.adapted(9.0) is fixed


@pytest.mark.parametrize(
    "clip", [0, -0.1, float("nan"), "0.2", None, True, (0.2,), (0.2, 0), (0.1, 0.2, 0.3)]
)
def test_bad_clips_are_refused(clip):
    with pytest.raises(ValueError, match=r"clip is .*; it must be a number > 0, or two: \(low, high\)"):
        PPOClip(clip)


def test_bad_prices_are_refused():
    for beta in (-1, float("nan"), float("inf"), "1", None, True):
        with pytest.raises(ValueError, match=r"beta is .*; it must be a finite number >= 0"):
            PPOPenalty(beta)
    for target in (0, -1, float("nan"), float("inf"), "1", True):
        with pytest.raises(ValueError, match=r"target is .*; it must be a finite number > 0, or None"):
            PPOPenalty(1.0, target)


# ---------------------------------------------------------------- weights, pads, number types


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y, A, w: squared_error(x, y, w),
        lambda x, y, A, w: clipped_squared_error(x, y, A, 0.2, weight=w),
        lambda x, y, A, w: reinforce_loss(x, A, w),
        lambda x, y, A, w: clipped_surrogate(x, y, A, 0.2, w),
        lambda x, y, A, w: average(x, w),
        lambda x, y, A, w: PPOPenalty(0.3).loss(x, y, np.exp(x), A, w)[:2],
        lambda x, y, A, w: PPOClip(0.3).loss(x, y, np.exp(x), A, w)[:2],
    ],
)
def test_weights_sum_and_pads_count_for_nothing(f):
    """The weights 1 / B are the mean; what stands at a pad, of weight 0, may even be nan."""
    x, y, _, A = instance()
    value, gradient = f(x, y, A, np.full(12, 1 / 12))
    assert value == pytest.approx(f(x, y, A, None)[0], abs=1e-14)
    np.testing.assert_allclose(gradient, f(x, y, A, None)[1], atol=1e-15)
    pads = np.append(x, [9.0, np.nan]), np.append(y, [0.0, 1.0]), np.append(A, [3.0, 3.0])
    padded, d = f(*pads, np.append(np.full(12, 1 / 12), [0.0, 0.0]))
    assert padded == pytest.approx(value, abs=1e-14)
    np.testing.assert_allclose(d, [*gradient, 0, 0], atol=1e-15)


def test_entropy_takes_weights():
    logits = np.random.default_rng(9).normal(size=(4, 3))
    value, gradient = entropy(logits, np.array([0.5, 0.5, 0.0, 0.0]))
    want = entropy(logits[:2])
    assert value == pytest.approx(want[0])
    np.testing.assert_allclose(gradient, [*want[1], np.zeros(3), np.zeros(3)], atol=1e-15)


def test_float32_in_float32_out():
    x, y, divergence, A = (z.astype(np.float32) for z in instance())
    rng = np.random.default_rng(10)
    logits, old = rng.normal(size=(2, 12, 3)).astype(np.float32)
    action, w = rng.integers(0, 3, 12), np.full(12, 1 / 12)
    for f in (
        lambda t: squared_error(t(x), t(y)),
        lambda t: huber(t(x), t(y)),
        lambda t: clipped_squared_error(t(x), t(y), t(A), 0.2),
        lambda t: reinforce_loss(t(x), t(A)),
        lambda t: clipped_surrogate(t(x), t(y), t(A), 0.2),
        lambda t: clipped_surrogate(t(x), t(y), t(A), (0.2, 0.3), w),
        lambda t: policy_gradient_loss(t(logits), action, t(A)),
        lambda t: ppo_clip(t(logits), action, t(y), t(A), 0.2),
        lambda t: ppo_penalty(t(logits), action, t(old), t(A), 0.7),
        lambda t: entropy(t(logits)),
        lambda t: PPOPenalty(0.3).loss(t(x), t(y), t(divergence), t(A))[:2],
    ):
        value, gradient = f(lambda z: z)
        want_value, want = f(lambda z: z.astype(float))
        assert gradient.dtype == np.float32
        assert value == pytest.approx(want_value, rel=1e-5, abs=1e-6)
        np.testing.assert_allclose(gradient, want, rtol=1e-4, atol=1e-6)


# ---------------------------------------------------------------- shapes, and the one ratio


@pytest.mark.parametrize("shape", [(4, 1), (1,), (4, 4)])
def test_losses_refuse_what_would_be_broadcast(shape):
    """A critic's (N, 1) against returns (N,) would be a table of every return against every value."""
    x, wrong = np.zeros(4), np.zeros(shape)
    action, logits = np.zeros(4, int), np.zeros((4, 3))
    cases = {
        "target": lambda: clipped_squared_error(x, x, wrong, 0.2),
        "value_old": lambda: clipped_squared_error(x, wrong, x, 0.2),
        "logp_old": lambda: clipped_surrogate(x, wrong, x, 0.2),
        "advantage": lambda: clipped_surrogate(x, x, wrong, 0.2),
        "advantage ": lambda: reinforce_loss(x, wrong),
        "advantage  ": lambda: policy_gradient_loss(logits, action, wrong),
        "advantage   ": lambda: ppo_penalty(logits, action, logits, wrong, 1.0),
        "logp_old ": lambda: ppo_clip(logits, action, wrong, x, 0.2),
        "kl": lambda: PPOPenalty(1.0).loss(x, x, wrong, x),
        "kl ": lambda: PPOClip(0.2).loss(x, x, wrong, x),
        "logp_old  ": lambda: clip_fraction(x, wrong, 0.2),
        "weight": lambda: clipped_surrogate(x, x, x, 0.2, wrong),
        "weight ": lambda: squared_error(x, x, wrong),
    }
    for name, call in cases.items():
        with pytest.raises(ValueError, match=rf"{name.strip()} has shape .*; it must be \(4,\)"):
            call()
    for call in (
        lambda: policy_gradient_loss(logits, np.zeros(shape, int), x),
        lambda: ppo_clip(logits, np.zeros(shape, int), x, x, 0.2),
    ):
        with pytest.raises(ValueError, match=r"action has shape .*; it must be \(4,\), one for each row"):
            call()


def test_only_the_clipped_surrogate_holds_a_ratio():
    """The one place of losses.py that takes an exponential."""
    holders = [
        f.name
        for f in ast.walk(ast.parse(inspect.getsource(losses)))
        if isinstance(f, ast.FunctionDef)
        for call in ast.walk(f)
        if isinstance(call, ast.Attribute) and call.attr in ("exp", "expm1", "exp2", "power")
    ]
    assert holders == ["clipped_surrogate"]
