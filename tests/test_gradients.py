"""Every layer and every loss against central differences: float64, 1e-6 of the largest entry.

A case is a function of arrays and the arrays. What it returns is (y, back) or, of a loss, (value, gradient
with respect to the first argument). A network's arrays are its parameters, by name, and x.
Losses with a kink are taken on both sides of it; what they do on it is their documented branch.
"""

import inspect
from functools import partial

import numpy as np
import pytest

from rlcore.algorithms.dqn import DQNConfig, double_value, max_value, td_gradient
from rlcore.learning import kl, losses, policies, preferences, value_losses
from rlcore.learning.heads import Categorical, Gaussian, with_log_std
from rlcore.learning.policies import Value
from rlcore.learning.replay import Batch
from rlcore.nn import layers
from rlcore.numerics import finite_difference

RNG = np.random.default_rng(20)


def normal(*shape):
    return RNG.standard_normal(shape)


def off_the_kinks(*shape, kinks=(0.0,)):
    """Numbers at least 0.01 away from where the derivative jumps."""
    x = 2 * normal(*shape)
    for kink in kinks:
        x = np.where(np.abs(x - kink) < 0.01, kink + 0.05, x)
    return x


LAYERS = {
    "linear": (layers.linear, (normal(3, 4), normal(4), normal(5, 3))),
    "linear, one input": (layers.linear, (normal(3, 4), normal(4), normal(3))),
    "linear, time and walkers": (layers.linear, (normal(3, 4), normal(4), normal(2, 5, 3))),
    "tanh": (layers.tanh, (normal(5, 4),)),
    "relu": (layers.relu, (off_the_kinks(5, 4),)),
    "embedding": (partial(layers.embedding, index=[[0, 3, 3], [2, 0, 3]]), (normal(5, 4),)),  # 1 and 4 unused
    "layer_norm": (layers.layer_norm, (normal(4), normal(4), normal(5, 4))),
    "layer_norm, time and walkers": (layers.layer_norm, (normal(4), normal(4), normal(2, 5, 4))),
    "layer_norm, one input": (layers.layer_norm, (normal(4), normal(4), normal(4))),
}
ACTION = np.array([0, 2, 1, 1, 3])
HEADS = {
    "log_prob": (partial(policies.log_prob, action=ACTION), (normal(5, 4),)),
    "log_prob, (T, N)": (partial(policies.log_prob, action=ACTION[:4].reshape(2, 2)), (normal(2, 2, 4),)),
    "gaussian_log_prob": (
        partial(policies.gaussian_log_prob, action=normal(5, 3)),
        (normal(5, 3), normal(5, 3)),
    ),
    "gaussian_log_prob, one spread": (
        partial(policies.gaussian_log_prob, action=normal(2, 5, 3)),
        (normal(2, 5, 3), normal(3)),
    ),
    "categorical_entropy": (policies.categorical_entropy, (normal(5, 4),)),
    "Categorical.log_prob": (partial(Categorical().log_prob, action=ACTION), (normal(5, 4),)),
    "Categorical.entropy": (Categorical().entropy, (normal(5, 4),)),
    "Categorical.kl": (partial(Categorical().kl, normal(5, 4)), (normal(5, 4),)),
    "Gaussian.log_prob": (partial(Gaussian().log_prob, action=normal(5, 3)), (normal(5, 6),)),
    "Gaussian.entropy": (Gaussian().entropy, (normal(5, 6),)),
    "Gaussian.kl": (partial(Gaussian().kl, normal(5, 6)), (normal(5, 6),)),
}
NETWORKS = {
    "mlp": (layers.mlp, (3, 7, 6, 2)),
    "mlp, relu": (partial(layers.mlp, activation=layers.relu), (3, 7, 6, 2)),
    "mlp, no hidden layer": (layers.mlp, (3, 2)),
    "scaled": (layers.scaled(layers.mlp, [0.1, 2.0, 30.0]), (3, 7, 2)),
}
# r: 1.65, 1.35, 1.05, .9, .6 and .4 of clip .2, for an advantage of either sign; half of them are beyond the kink
LOG_RATIO, ADVANTAGE = np.log([1.65, 1.35, 1.05, 0.9, 0.6, 0.4] * 2), np.repeat([1.5, -0.7], 6)
LOGP_OLD = normal(12)
LOGP = LOGP_OLD + LOG_RATIO
# value - value_old from -.9 to .9 with clip .25, targets on either side
MOVE = np.array([-0.9, -0.4, -0.1, 0.2, 0.3, 0.9] * 2)
VALUE_OLD = normal(12)
TARGET = VALUE_OLD + np.repeat([0.6, -0.6], 6)
WEIGHT = np.array([0.0, 0.5, 0.1, 0.2, 0.0, 1.0] * 2)
ROWS, ROWS_OLD = normal(12, 4), normal(12, 4)
ROW_ACTION = np.arange(12) % 4
NEAR_OLD = policies.log_prob(ROWS, ROW_ACTION)[0] - LOG_RATIO
LOSSES = {
    "squared_error": (losses.squared_error, (normal(6), normal(6))),
    "squared_error, (T, N)": (losses.squared_error, (normal(3, 4), normal(3, 4))),
    "squared_error, weight": (losses.squared_error, (normal(12), normal(12), WEIGHT)),
    "huber": (losses.huber, (off_the_kinks(40, kinks=(-1.0, 1.0)), np.zeros(40))),
    "huber, delta": (partial(losses.huber, delta=0.5), (off_the_kinks(40, kinks=(-0.5, 0.5)), np.zeros(40))),
    "clipped_squared_error": (losses.clipped_squared_error, (VALUE_OLD + MOVE, VALUE_OLD, TARGET, 0.25)),
    "clipped_squared_error, not the larger": (
        partial(losses.clipped_squared_error, larger=False),
        (VALUE_OLD + MOVE, VALUE_OLD, TARGET, 0.25),
    ),
    "clipped_squared_error, weight": (
        partial(losses.clipped_squared_error, weight=WEIGHT),
        (VALUE_OLD + MOVE, VALUE_OLD, TARGET, 0.25),
    ),
    "reinforce_loss": (losses.reinforce_loss, (normal(12), ADVANTAGE)),
    "reinforce_loss, weight": (losses.reinforce_loss, (normal(12), ADVANTAGE, WEIGHT)),
    "policy_gradient_loss": (losses.policy_gradient_loss, (normal(12, 4), ROW_ACTION, ADVANTAGE)),
    "entropy": (losses.entropy, (normal(12, 4),)),
    "entropy, (T, N)": (losses.entropy, (normal(3, 4, 5),)),
    "entropy, weight": (losses.entropy, (normal(12, 4), WEIGHT)),
    "average": (losses.average, (normal(12),)),
    "average, weight": (losses.average, (normal(12), WEIGHT)),
    "clipped_surrogate": (losses.clipped_surrogate, (LOGP.copy(), LOGP_OLD, ADVANTAGE, 0.2)),
    "clipped_surrogate, two sides": (
        losses.clipped_surrogate,
        (LOGP.copy(), LOGP_OLD, ADVANTAGE, (0.5, 0.45)),
    ),
    "clipped_surrogate, no clip": (losses.clipped_surrogate, (LOGP.copy(), LOGP_OLD, ADVANTAGE, np.inf)),
    "clipped_surrogate, weight": (losses.clipped_surrogate, (LOGP.copy(), LOGP_OLD, ADVANTAGE, 0.2, WEIGHT)),
    "ppo_clip": (losses.ppo_clip, (ROWS.copy(), ROW_ACTION, NEAR_OLD, ADVANTAGE, 0.2)),
    "ppo_penalty": (losses.ppo_penalty, (ROWS.copy(), ROW_ACTION, ROWS_OLD, ADVANTAGE, 0.7)),
}
PAIR, REF_PAIR = tuple(normal(2, 12)), tuple(normal(2, 12))
LENGTHS = tuple(RNG.integers(1, 5, (2, 12)).astype(float))
PREFERENCES = {
    "bradley_terry": (preferences.bradley_terry, PAIR),
    "bradley_terry, margin": (partial(preferences.bradley_terry, margin=normal(12)), PAIR),
    "bradley_terry, smoothed": (partial(preferences.bradley_terry, label_smoothing=0.2), PAIR),
    "bradley_terry, unbiased": (partial(preferences.bradley_terry, label_smoothing=-0.2 / 0.6), PAIR),
    "bradley_terry, noise": (partial(preferences.bradley_terry, noise=0.2), PAIR),
    "bradley_terry, weight": (partial(preferences.bradley_terry, weight=WEIGHT), PAIR),
    "bradley_terry, (B, N, N)": (preferences.bradley_terry, tuple(normal(2, 2, 3, 3))),
    "dpo": (partial(preferences.dpo, beta=0.7), PAIR + REF_PAIR),
    "dpo, smoothed": (partial(preferences.dpo, beta=0.7, label_smoothing=0.1), PAIR + REF_PAIR),
    "dpo, weight": (partial(preferences.dpo, beta=0.7, weight=WEIGHT), PAIR + REF_PAIR),
    "ipo": (partial(preferences.ipo, beta=0.7), PAIR + REF_PAIR),
    "ipo, weight": (partial(preferences.ipo, beta=0.7, weight=WEIGHT), PAIR + REF_PAIR),
    "hinge": (partial(preferences.hinge, beta=0.7), PAIR + REF_PAIR),
    "hinge, weight": (partial(preferences.hinge, beta=0.7, weight=WEIGHT), PAIR + REF_PAIR),
    "simpo": (partial(preferences.simpo, beta=0.7, margin=0.3), PAIR + LENGTHS),
    "simpo, weight": (partial(preferences.simpo, beta=0.7, margin=0.3, weight=WEIGHT), PAIR + LENGTHS),
    "centring": (preferences.centring, PAIR),
    "centring, weight": (partial(preferences.centring, weight=WEIGHT), PAIR),
    "kto": (partial(preferences.kto, kl=0.4, beta=0.7), PAIR + REF_PAIR),
    "kto, negative estimate": (partial(preferences.kto, kl=-0.4, beta=0.7), PAIR + REF_PAIR),
    "kto, weight": (partial(preferences.kto, kl=0.4, beta=0.7, weight=WEIGHT), PAIR + REF_PAIR),
}
DIVERGENCES = {
    "kl": (kl.kl, kl.d_kl, (normal(5, 4), normal(5, 4)), 0),
    "kl, of its second": (kl.kl, kl.d_kl_ref, (normal(5, 4), normal(5, 4)), 1),
    "gaussian_kl, of its third": (
        kl.gaussian_kl,
        lambda *x: kl.d_gaussian_kl_ref(*x)[0],
        tuple(normal(4, 5, 3)),
        2,
    ),
    "gaussian_kl, of its fourth": (
        kl.gaussian_kl,
        lambda *x: kl.d_gaussian_kl_ref(*x)[1],
        tuple(normal(4, 5, 3)),
        3,
    ),
    "k1": (kl.k1, kl.d_k1, (normal(9), normal(9)), 0),
    "k2": (kl.k2, kl.d_k2, (normal(9), normal(9)), 0),
    "k3": (kl.k3, kl.d_k3, (normal(9), normal(9)), 0),
}


def close(gradient, expected):
    assert gradient.shape == expected.shape
    assert np.abs(expected).max() > 1e-3  # else there is nothing to compare
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("name", [*LAYERS, *HEADS])
def test_layer_and_head(name):
    layer, arrays = (LAYERS | HEADS)[name]
    y, back = layer(*arrays)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    gradients = back(dy)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    assert len(gradients) == len(arrays)
    for gradient, array in zip(gradients, arrays):
        close(gradient, finite_difference(lambda: (dy * layer(*arrays)[0]).sum(), array))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("axes", [(5,), (2, 3), ()], ids=str)
def test_network(name, axes):
    rng = np.random.default_rng(2)
    network, sizes = NETWORKS[name]
    params = layers.mlp_params(sizes, rng, gain=2.0)
    params = {key: array + 0.1 * rng.standard_normal(array.shape) for key, array in params.items()}
    x = rng.standard_normal((*axes, sizes[0]))
    y, back = network(params, x)
    assert y.shape == (*axes, sizes[-1])
    dy = rng.standard_normal(y.shape)
    dx, grads = back(dy)
    assert list(grads) == list(params)
    for gradient, array in [(dx, x), *((grads[key], params[key]) for key in params)]:
        close(gradient, finite_difference(lambda: (dy * network(params, x)[0]).sum(), array))


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name):
    loss, arrays = LOSSES[name]
    value, gradient = loss(*arrays)
    assert isinstance(value, float)
    close(gradient, finite_difference(lambda: loss(*arrays)[0], arrays[0]))


@pytest.mark.parametrize("name", PREFERENCES)
def test_preference(name):
    """Both sides of the pair."""
    loss, arrays = PREFERENCES[name]
    value, gradients = loss(*arrays)
    assert isinstance(value, float)
    for gradient, array in zip(gradients, arrays[:2], strict=True):
        close(gradient, finite_difference(lambda: loss(*arrays)[0], array))


def test_rrhf():
    """Groups with equal rewards inside; no two scores are near each other, where the kink is."""
    score, reward = normal(4, 5), RNG.integers(0, 3, (4, 5))
    assert np.abs(np.diff(np.sort(score))).min() > 1e-3
    _, gradient = preferences.rrhf(score, reward)
    close(gradient, finite_difference(lambda: preferences.rrhf(score, reward)[0], score))


def test_plackett_luce():
    reward = normal(4, 5)
    _, gradient = preferences.plackett_luce(reward)
    close(gradient, finite_difference(lambda: preferences.plackett_luce(reward)[0], reward))


@pytest.mark.parametrize("name", DIVERGENCES)
def test_divergence(name):
    """Entry by entry: each divergence answers for its own row."""
    f, gradient, arrays, k = DIVERGENCES[name]
    close(gradient(*arrays), finite_difference(lambda: f(*arrays).sum(), arrays[k]))


@pytest.mark.parametrize(
    "surrogate", [losses.PPOClip(0.2), losses.PPOClip((0.5, 0.45)), losses.PPOPenalty(0.7)], ids=str
)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["mean", "weight"])
def test_surrogate(surrogate, weight):
    logp, divergence = LOGP.copy(), np.abs(normal(12))
    arrays = logp, LOGP_OLD, divergence, ADVANTAGE
    _, d_logp, d_kl = surrogate.loss(*arrays, weight)
    close(d_logp, finite_difference(lambda: surrogate.loss(*arrays, weight)[0], logp))
    if isinstance(surrogate, losses.PPOPenalty):
        close(d_kl, finite_difference(lambda: surrogate.loss(*arrays, weight)[0], divergence))
    else:
        np.testing.assert_array_equal(d_kl, np.zeros(12))


@pytest.mark.parametrize("axes", [(5,), (2, 3), ()], ids=str)
def test_policy_with_a_spread_of_its_own(axes):
    rng = np.random.default_rng(4)
    network = with_log_std(layers.mlp)
    params = {**layers.mlp_params([3, 7, 2], rng, gain=2.0), "log_std": rng.standard_normal(2)}
    x = rng.standard_normal((*axes, 3))
    y, back = network(params, x)
    assert y.shape == (*axes, 4)
    dy = rng.standard_normal(y.shape)
    dx, grads = back(dy)
    assert list(grads) == list(params)
    for gradient, array in [(dx, x), *((grads[key], params[key]) for key in params)]:
        close(gradient, finite_difference(lambda: (dy * network(params, x)[0]).sum(), array))


@pytest.mark.parametrize("next_value", [max_value, double_value])
@pytest.mark.parametrize("loss", [losses.squared_error, losses.huber])
def test_dqn(next_value, loss):
    """The target is a constant: with q as its own frozen copy, differences would see it move, so it is another."""
    rng = np.random.default_rng(3)
    q, frozen = (Value(layers.mlp_params([3, 8, 2], rng, gain=2.0), layers.mlp) for _ in range(2))
    batch = Batch(
        rng.standard_normal((6, 3)),
        np.array([0, 1, 1, 0, 1, 0]),
        3 * rng.standard_normal(6),
        rng.standard_normal((6, 3)),
        np.array([0, 0, 1, 0, 0, 1], bool),
    )
    cfg = DQNConfig(next_value=next_value, loss=loss)
    _, grads = td_gradient(q, frozen, batch, lambda s: s, cfg)
    for name, gradient in grads.items():
        close(
            gradient,
            finite_difference(
                lambda: td_gradient(q, frozen, batch, lambda s: s, cfg)[0], q.params[name], eps=1e-7
            ),
        )


@pytest.mark.parametrize("surrogate", [losses.PPOClip(0.2), losses.PPOPenalty(0.7)], ids=str)
@pytest.mark.parametrize("head", [Categorical(), Gaussian()], ids=str)
def test_from_the_surrogate_to_the_parameters(head, surrogate):
    """The whole chain of an update, the same lines for either head: surrogate minus a bonus for entropy."""
    rng = np.random.default_rng(5)
    params = layers.mlp_params([3, 6, 4], rng, gain=2.0)
    forward = layers.mlp
    if isinstance(head, Gaussian):
        params, forward = {**params, "log_std": rng.normal(size=4)}, with_log_std(layers.mlp)
    policy = policies.Policy(params, forward, head)
    x, advantage = rng.standard_normal((20, 3)), rng.standard_normal(20)
    action, logp_old = policy.act(x, rng)
    y_old = policy(x)[0]
    for w in params.values():
        w += 0.3 * rng.standard_normal(w.shape)

    def loss():
        y, back = policy(x)
        logp, back_logp = head.log_prob(y, action)
        divergence, back_kl = head.kl(y_old, y)
        entropies, back_entropy = head.entropy(y)
        value, d_logp, d_kl = surrogate.loss(logp, logp_old, divergence, advantage)
        bonus, d_entropy = losses.average(entropies)
        dy = back_logp(d_logp) + back_kl(d_kl) - 0.1 * back_entropy(d_entropy)
        return value - 0.1 * bonus, back(dy)[1]

    grads = loss()[1]
    for name, w in params.items():
        close(grads[name], finite_difference(lambda: loss()[0], w))


# ---------------------------------------------------------------- on the kink: the documented branch


@pytest.mark.parametrize(("log_r", "advantage"), [(0.25, 2.0), (-0.25, -2.0)])
def test_on_the_edge_of_the_clip_the_gradient_flows(log_r, advantage):
    """clip is chosen so that 1 + clip, or 1 - clip, is the ratio to the last bit."""
    r = float(np.exp(log_r))
    clip = abs(r - 1)
    assert r in (1 + clip, 1 - clip)

    def derivative(x):
        return losses.clipped_surrogate(np.array([x]), np.zeros(1), np.array([advantage]), clip)[1][0]

    outward = np.sign(log_r)
    assert derivative(log_r) == -r * advantage
    assert derivative(log_r - outward * 1e-6) == pytest.approx(-r * advantage, rel=1e-5)
    assert derivative(log_r + outward * 1e-6) == 0


@pytest.mark.parametrize("larger", [True, False])
def test_on_the_edge_of_the_value_clip_the_value_is_within(larger):
    def derivative(value):
        return losses.clipped_squared_error(np.array([value]), np.zeros(1), np.ones(1), 0.25, larger=larger)[
            1
        ][0]

    assert derivative(0.25) == -0.75
    assert derivative(0.26) == 0  # clipped there, and its error is the larger one
    assert derivative(-0.25) == -1.25
    assert derivative(-0.26) == (-1.26 if larger else 0)


def test_where_both_squares_are_equal_the_value_itself_is_taken():
    """value .5 clipped to .25, the target in the middle: errors .125 and -.125."""
    f = partial(losses.clipped_squared_error, clip=0.25)
    assert f(np.array([0.5]), np.zeros(1), np.array([0.375]))[1][0] == 0.125


def test_at_zero_advantage_nothing_moves():
    logp = np.array([-0.5, 0.0, 0.5])
    value, gradient = losses.clipped_surrogate(logp, np.zeros(3), np.zeros(3), 0.2)
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros(3))


def test_no_layer_and_no_loss_is_missing_from_the_list():
    def public(module):
        return {
            name: f
            for name, f in inspect.getmembers(module, inspect.isfunction)
            if f.__module__ == module.__name__ and not name.startswith("_")
        }

    def listed(cases):
        return {name.split(",")[0] for name in cases}

    def pairs_of(module):
        return {
            name
            for name, f in public(module).items()
            if "tuple" in str(inspect.signature(f).return_annotation)
        }

    assert pairs_of(layers) | {"scaled"} == listed(LAYERS) | listed(NETWORKS)
    assert pairs_of(losses) | pairs_of(value_losses) - {"over_batch"} == listed(LOSSES)
    pair_losses = {
        name
        for name, f in public(preferences).items()
        if "PairLoss" in str(inspect.signature(f).return_annotation)
    }
    assert pair_losses == listed(PREFERENCES)
    assert pairs_of(policies) | {
        f"{h.__name__}.{f}" for h in (Categorical, Gaussian) for f in ("log_prob", "entropy", "kl")
    } == listed(HEADS)
    assert {name for name in public(kl) if not name.startswith("d_")} == listed(DIVERGENCES)
