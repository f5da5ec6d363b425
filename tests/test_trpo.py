"""Trust regions: conjugate gradient, Fisher-vector products, the exact natural gradient, the line search, CartPole."""

import time
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from rlcore.algorithms.trpo import (
    TRPOConfig,
    at,
    conjugate_gradient,
    fisher_product,
    kl_gradient,
    line_search,
    natural_step,
    surrogate_gradient,
    trpo,
)
from rlcore.exact.gradients import advantage, fisher, natural_policy_gradient, policy_gradient
from rlcore.exact.values import occupancy
from rlcore.learning.heads import Categorical, Gaussian, with_log_std
from rlcore.learning.on_policy import Steps, actor
from rlcore.learning.policies import Policy, Value
from rlcore.learning.rollout import evaluate, make_runner
from rlcore.nn.layers import copy, flat, mlp, mlp_params, orthogonal
from rlcore.numerics import finite_difference, softmax
from rlcore.problems.cartpole import CartPole
from rlcore.problems.gym import GymnasiumEnv
from rlcore.problems.mdp import MDP
from rlcore.problems.probes import two_choices

# ---------------------------------------------------------------- conjugate gradient


def matrix(P, seed, least=0.5):
    """Symmetric, with eigenvalues from `least` to 3."""
    rng = np.random.default_rng(seed)
    Q = orthogonal(P, P, rng)
    return Q @ np.diag(np.linspace(least, 3.0, P)) @ Q.T, rng.standard_normal(P)


@pytest.mark.parametrize("P", [1, 2, 7, 30])
def test_conjugate_gradient_is_a_direct_solve(P):
    """P products solve P equations, to 1e-9; the right side is not written to."""
    A, b = matrix(P, P)
    kept = b.copy()
    np.testing.assert_allclose(
        conjugate_gradient(lambda v: A @ v, b, P), np.linalg.solve(A, b), rtol=0, atol=1e-9
    )
    np.testing.assert_array_equal(b, kept)


def test_few_iterations_go_most_of_the_way():
    """After k of them the error, measured by A, is at most 2 ((sqrt(c) - 1) / (sqrt(c) + 1))^k of the first, c = 6."""
    A, b = matrix(30, 0)
    x = np.linalg.solve(A, b)
    rate = (np.sqrt(6) - 1) / (np.sqrt(6) + 1)
    errors = []
    for k in range(8):
        e = conjugate_gradient(lambda v: A @ v, b, k) - x
        errors.append(np.sqrt(e @ A @ e))
    assert all(after < before for before, after in pairwise(errors))
    assert all(e <= 2 * rate**k * errors[0] for k, e in enumerate(errors))


def test_a_singular_matrix_and_a_right_side_of_0():
    """What A takes to 0 stays out of the answer; nothing is divided by 0."""
    A, z = matrix(6, 1, least=0.0)
    x = conjugate_gradient(lambda v: A @ v, A @ z, 20)
    np.testing.assert_allclose(x, np.linalg.pinv(A) @ A @ z, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(conjugate_gradient(lambda v: A @ v, np.zeros(6), 20), np.zeros(6))
    np.testing.assert_array_equal(conjugate_gradient(lambda v: 0 * v, np.ones(6), 20), np.zeros(6))


# ---------------------------------------------------------------- Fisher-vector products


def policies(seed=0):
    """A categorical and a Gaussian policy on 3 features."""
    rng = np.random.default_rng(seed)
    params = mlp_params([3, 5, 4], rng, gain=2.0)
    gaussian = {**mlp_params([3, 5, 2], rng, gain=2.0), "log_std": np.array([-0.3, 0.2])}
    return [Policy(params, mlp, Categorical()), Policy(gaussian, with_log_std(mlp), Gaussian())]


@pytest.mark.parametrize("policy", policies())
def test_a_product_with_the_fisher_matrix_is_its_definition(policy):
    """F = mean over states of J^T H J, with J by differences of the network and H of the head written out; 1e-6.

    Categorical: H = diag(p) - p p^T. Gaussian: 1 / std^2 of a mean, 2 of a log standard deviation.
    """
    x = np.random.default_rng(1).standard_normal((6, 3))
    theta, F = flat(policy.params), 0.0
    for i, y in enumerate(policy(x)[0]):
        J = [finite_difference(lambda i=i, k=k: at(policy, theta)(x)[0][i, k], theta) for k in range(4)]
        p = softmax(y)
        categorical = isinstance(policy.head, Categorical)
        H = np.diag(p) - np.outer(p, p) if categorical else np.diag([*np.exp(-2 * y[2:]), 2.0, 2.0])
        F = F + np.transpose(J) @ H @ np.array(J) / len(x)
    product = fisher_product(policy, x, 0.1)
    v = np.random.default_rng(2).standard_normal(len(theta))
    assert np.abs(F @ v).max() > 0.1
    np.testing.assert_allclose(product(v), F @ v + 0.1 * v, rtol=0, atol=1e-6)
    np.testing.assert_allclose(product(1e-6 * v), 1e-6 * (F @ v + 0.1 * v), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(product(0 * v), 0 * v)


def test_at_keeps_the_policy_and_flat_undoes_it():
    policy = policies()[0]
    before, theta = copy(policy.params), np.arange(44.0)
    other = at(policy, theta)
    np.testing.assert_array_equal(flat(other.params), theta)
    np.testing.assert_array_equal(other.params["W1"], 20 + np.arange(20.0).reshape(5, 4))
    np.testing.assert_equal(policy.params, before)


# ---------------------------------------------------------------- the exact natural gradient


def table(params, x):
    """Preferences W[s, a] on one-hot features: no bias."""

    def back(dy):
        return dy @ params["W"].T, {"W": x.T @ dy}

    return x @ params["W"], back


def chain():
    """Three states, one after the other, whatever the action; gamma = 1/2, so they count 4 : 2 : 1."""
    P = np.zeros((4, 3, 4))
    P[[0, 1, 2, 3], :, [1, 2, 3, 3]] = 1.0
    R = np.append(np.random.default_rng(0).normal(size=(3, 3)), np.zeros((1, 3)), axis=0)
    return MDP(P, R, 0.5, np.eye(4)[0], np.arange(4) == 3)


def exact_steps(mdp, theta):
    """A batch whose means are the exact expectations: state s in d(s) copies of each action, weighed by 3 pi A.

    An old policy that draws all three alike has the ratio r = pi / (1/3) and so E[r A] = sum_a pi A.
    """
    pi, A = softmax(theta), advantage(mdp, softmax(theta))
    s, a = (column.ravel() for column in np.meshgrid([0, 0, 0, 0, 1, 1, 2], [0, 1, 2], indexing="ij"))
    logp = np.log(pi[s, a])
    zeros = np.zeros(len(s))
    return Steps(np.eye(4)[s], a, theta[s], logp, zeros, 3 * pi[s, a] * A[s, a], zeros)


@pytest.fixture
def plain(monkeypatch):
    """Advantages as they are."""
    monkeypatch.setattr("rlcore.algorithms.trpo.standardised", lambda A: A)


@pytest.mark.usefixtures("plain")
def test_the_step_is_the_exact_natural_gradient():
    """Gradient 1e-12, Fisher product 1e-9, direction 1e-7; the length makes x^T F x / 2 = delta.

    F is singular, so x is the solution whose rows sum to 0; the exact one has another constant in each row.
    """
    mdp, theta = chain(), np.random.default_rng(3).normal(size=(4, 3))
    policy, steps = Policy({"W": theta}, table, Categorical()), exact_steps(mdp, theta)
    total = occupancy(mdp, softmax(theta)).sum()
    assert total == pytest.approx(1.75)
    g = -surrogate_gradient(policy, steps)[1]["W"]
    np.testing.assert_allclose(g, policy_gradient(mdp, theta) / total, rtol=0, atol=1e-12)

    v = np.random.default_rng(4).normal(size=(4, 3))
    Fv = np.einsum("sab,sb->sa", fisher(mdp, theta), v)
    product = fisher_product(policy, steps.x, 0.0)
    np.testing.assert_allclose(product(v.ravel()).reshape(4, 3), Fv, rtol=0, atol=1e-9)

    cfg = TRPOConfig(delta=0.01, iterations=12, damping=0.0)
    x = natural_step(policy, steps, cfg).reshape(4, 3)
    exact = natural_policy_gradient(mdp, theta)
    exact -= exact.mean(axis=1, keepdims=True)
    exact[mdp.terminal] = 0.0
    np.testing.assert_allclose(x / np.linalg.norm(x), exact / np.linalg.norm(exact), rtol=0, atol=1e-7)
    assert np.einsum("sa,sab,sb->", x, fisher(mdp, theta), x) / 2 == pytest.approx(0.01, rel=1e-7)
    cosine = (x * g).sum() / np.linalg.norm(x) / np.linalg.norm(g)
    assert 0 < cosine < 0.9  # the plain gradient points elsewhere


@pytest.mark.usefixtures("plain")
def test_a_small_step_has_the_divergence_it_was_made_for():
    """KL of the full step: delta (1 + O(sqrt(delta)))."""
    mdp, theta = chain(), np.random.default_rng(3).normal(size=(4, 3))
    policy, steps = Policy({"W": theta}, table, Categorical()), exact_steps(mdp, theta)
    for delta, rel in ((1e-2, 0.2), (1e-4, 0.02), (1e-6, 0.002)):
        x = natural_step(policy, steps, TRPOConfig(delta=delta, iterations=12, damping=0.0))
        moved = at(policy, flat(policy.params) + x)
        assert kl_gradient(moved, steps.x, steps.y)[0] == pytest.approx(delta, rel=rel)


# ---------------------------------------------------------------- the line search


def walked(policy, seed, B=40):
    """Steps that the policy drew, with advantages that mean nothing."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((B, 3))
    action, logp = policy.act(x, rng)
    A = rng.standard_normal(B)
    return Steps(x, action, policy(x)[0], logp, np.zeros(B), A, A)


@pytest.mark.parametrize("policy", policies())
@pytest.mark.parametrize("delta", [1e-3, 0.05, 1.0])
def test_after_the_line_search_the_divergence_is_small_and_the_surrogate_has_risen(policy, delta):
    """Twenty updates on ever new steps; what is reported is what is found by computing it again."""
    policy, cfg = replace(policy, params=copy(policy.params)), TRPOConfig(delta=delta)
    arrays = list(policy.params.values())
    lengths = set()
    for seed in range(20):
        steps = walked(policy, seed)
        before = surrogate_gradient(policy, steps)[0]
        row = line_search(policy, steps, natural_step(policy, steps, cfg), cfg)
        assert 0 < row["kl"] <= delta
        assert row["gain"] > 0
        assert row["kl"] == kl_gradient(policy, steps.x, steps.y)[0]
        assert row["gain"] == before - surrogate_gradient(policy, steps)[0]
        lengths.add(row["length"])
    assert all(after is was for after, was in zip(policy.params.values(), arrays))
    assert min(lengths) < 1 or delta < 0.01


def test_a_step_too_long_is_shortened_until_it_fits():
    """Ten times the step: the first power of shrink that keeps both promises is taken, no later one."""
    policy, cfg = policies()[0], TRPOConfig(delta=0.01, shrink=0.5)
    steps = walked(policy, 0)
    x = 10 * natural_step(policy, steps, cfg)
    kls = [kl_gradient(at(policy, flat(policy.params) + 0.5**k * x), steps.x, steps.y)[0] for k in range(10)]
    first = next(k for k, kl in enumerate(kls) if kl <= 0.01)
    assert first >= 3
    row = line_search(policy, steps, x, replace(cfg, tries=first))
    assert row["length"] == 0  # one try too few
    row = line_search(policy, steps, x, cfg)
    assert row["length"] == 0.5**first
    assert row["kl"] == kls[first]


def test_the_full_step_is_tried_first():
    policy, cfg = policies()[0], TRPOConfig(delta=0.01)
    steps = walked(policy, 0)
    assert line_search(policy, steps, 0.1 * natural_step(policy, steps, cfg), cfg)["length"] == 1


def test_a_step_downhill_is_not_taken():
    policy, cfg = policies()[0], TRPOConfig()
    steps, before = walked(policy, 0), copy(policy.params)
    row = line_search(policy, steps, -natural_step(policy, steps, cfg), cfg)
    assert row == {"kl": 0.0, "gain": 0.0, "length": 0.0}
    np.testing.assert_equal(policy.params, before)


def test_where_no_action_is_better_the_policy_stays():
    policy, cfg = policies()[0], TRPOConfig()
    steps, before = replace(walked(policy, 0), advantage=np.ones(40)), copy(policy.params)
    x = natural_step(policy, steps, cfg)
    np.testing.assert_array_equal(x, 0 * x)
    assert line_search(policy, steps, x, cfg)["length"] == 0
    np.testing.assert_equal(policy.params, before)


# ---------------------------------------------------------------- the run


def networks(n, n_actions, seed, dtype=np.float64, hidden=(8,)):
    rng = np.random.default_rng(seed)
    params = partial(mlp_params, rng=rng, init=orthogonal, dtype=dtype)
    policy = Policy(params([n, *hidden, n_actions], last_gain=0.01), mlp, Categorical())
    return policy, Value(params([n, *hidden, 1]), mlp)


SMALL = TRPOConfig(steps=2_000, walkers=10, T=20, eval_every=2, eval_episodes=20, minibatch=50)
KEYS = {
    *("step", "updates", "return", "score", "kl", "gain", "length", "entropy", "explained_variance"),
}


def test_history_and_parameters():
    env, (policy, value) = two_choices(), networks(3, 2, 0, np.float32)
    arrays = [*policy.params.values(), *value.params.values()]
    before = [array.copy() for array in arrays]
    history = trpo(env, policy, value, SMALL, np.random.default_rng(0))
    assert [row["step"] for row in history] == list(range(200, 2001, 200))
    assert [row["updates"] for row in history] == list(range(1, 11))
    assert np.isnan([row["score"] for row in history]).tolist() == [True, False] * 5
    assert all(row.keys() == KEYS and row["kl"] <= SMALL.delta and row["gain"] >= 0 for row in history)
    assert history[0]["entropy"] == pytest.approx(np.log(2), abs=1e-3)
    assert history[-1]["entropy"] < 0.5
    for after, was, kept in zip([*policy.params.values(), *value.params.values()], before, arrays):
        assert after is kept
        assert after.dtype == np.float32
        assert (after != was).any()


def test_two_choices_are_learnt():
    """The action of the same number pays 1: from 1/2 to 0.95 in 30 updates, and the critic knows it."""
    policy, value = networks(3, 2, 0)
    history = trpo(two_choices(), policy, value, replace(SMALL, steps=6_000), np.random.default_rng(0))
    pi = softmax(policy(np.eye(3)[:2])[0])
    assert history[0]["return"] < 0.65
    assert pi[0, 0] > 0.95
    assert pi[1, 1] > 0.95
    np.testing.assert_allclose(value(np.eye(3)[:2])[0][:, 0], 1.0, rtol=0, atol=0.1)


def test_the_same_seed_gives_the_same_run_and_looking_more_often_does_not_change_it():
    def run(seed, every):
        policy, value = networks(4, 2, 0)
        cfg = replace(SMALL, steps=800, eval_every=every)
        history = trpo(CartPole(), policy, value, cfg, np.random.default_rng(seed))
        return history, policy.params["W0"]

    (first, W), (again, W_again), (_, W_often), (_, other) = run(3, 4), run(3, 4), run(3, 1), run(4, 4)
    np.testing.assert_equal(first, again)
    np.testing.assert_array_equal(W, W_again)
    np.testing.assert_array_equal(W, W_often)
    assert (W != other).any()


@pytest.mark.parametrize(
    ("field", "value"),
    [("gamma", 0.5), ("lam", 0.0), ("iterations", 1), ("damping", 1.0), ("delta", 1e-4), ("lr", 0.03)],
)
def test_every_number_has_a_part(field, value):
    """A run with one of them changed, three updates long, ends with other parameters."""

    def run(cfg):
        policy, critic = networks(4, 2, 0)
        trpo(CartPole(), policy, critic, replace(cfg, steps=600), np.random.default_rng(0))
        return flat(critic.params if field == "lr" else policy.params)

    assert np.abs(run(SMALL) - run(replace(SMALL, **{field: value}))).max() > 1e-4


def test_the_critic_goes_through_its_steps_in_minibatches():
    """40 steps, three times, ten in a gradient; and a run ends with a score, whatever eval_every."""
    shapes = []

    def counted(params, x):
        shapes.append(x.shape[:-1])
        return mlp(params, x)

    policy, value = networks(4, 2, 0)
    cfg = replace(SMALL, steps=40, walkers=4, T=10, epochs=3, minibatch=10, eval_every=100)
    history = trpo(CartPole(), policy, Value(value.params, counted), cfg, np.random.default_rng(0))
    assert shapes[-12:] == [(10,)] * 12
    assert (10,) not in shapes[:-12]
    assert np.isfinite(history[-1]["score"])


def test_a_critic_that_says_0_explains_nothing():
    policy, value = networks(4, 2, 0)
    value.params["W1"][...] = 0
    history = trpo(CartPole(), policy, value, replace(SMALL, steps=200), np.random.default_rng(0))
    assert history[0]["explained_variance"] == 0


def test_real_valued_actions():
    """The same code with a Gaussian head, on Gymnasium's pendulum: a few updates keep their promises."""
    rng = np.random.default_rng(0)
    params = {**mlp_params([3, 8, 1], rng, last_gain=0.01), "log_std": np.zeros(1)}
    policy, value = Policy(params, with_log_std(mlp), Gaussian()), Value(mlp_params([3, 8, 1], rng), mlp)
    cfg = replace(SMALL, steps=600, walkers=4, eval_episodes=2)
    history = trpo(GymnasiumEnv("Pendulum-v1"), policy, value, cfg, rng)
    assert len(history) == 8
    assert all(0 < row["kl"] <= cfg.delta and row["gain"] > 0 for row in history)
    assert (params["log_std"] != 0).all()


# ---------------------------------------------------------------- CartPole


def train_on_cartpole(env, seed, **settings):
    """-> history, CPU seconds, 100 fresh episodes with actions drawn from the policy"""
    policy, value = networks(4, 2, seed, hidden=(64, 64))
    began = time.process_time()
    history = trpo(env, policy, value, TRPOConfig(**settings), np.random.default_rng(seed))
    seconds = time.process_time() - began
    fresh = make_runner(env, 100, np.random.default_rng(10_000 + seed))
    return history, seconds, evaluate(fresh, actor(policy, fresh.env.observe))[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_cartpole_is_solved(seed):
    """A mean of 475 over 100 evaluated episodes and of 450 over 100 fresh ones, in less than 60 seconds of CPU.

    Seeds 0 to 19 took 16,384 to 28,672 steps, 1.6 to 2.9 seconds; their fresh episodes lasted 461 steps or more.
    """
    history, seconds, scores = train_on_cartpole(CartPole(), seed, stop_at=475)
    print(f"seed {seed}: {seconds:.2f} s of CPU, {history[-1]['step']} steps, mean {scores.mean():.1f}")
    assert all(row["kl"] <= TRPOConfig().delta and row["gain"] >= 0 for row in history)
    assert history[-1]["score"] >= 475
    assert scores.mean() >= 450
    assert seconds < 60


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, 0) for name in ("steps", "walkers", "T", "iterations", "tries", "epochs", "minibatch")),
        *(("eval_every", 1.5), ("eval_episodes", None), ("steps", float("nan")), ("walkers", True)),
        *(("gamma", 1.1), ("gamma", float("nan")), ("lam", -0.1), ("lam", "all")),
        *(("delta", 0.0), ("delta", float("nan")), ("delta", float("inf")), ("damping", -1.0)),
        *(("damping", float("inf")), ("shrink", 0.0), ("shrink", 1.0), ("shrink", 2.0)),
        *(("lr", 0.0), ("lr", float("inf")), ("stop_at", float("nan")), ("stop_at", None)),
    ],
)
def test_the_configuration_refuses(field, value):
    with pytest.raises(ValueError, match=f"^{field} is "):
        TRPOConfig(**{field: value})


def test_a_missing_critic_is_refused():
    """Without one there is no advantage to speak of; `ppo` has a version for that."""
    policy, _ = networks(4, 2, 0)
    with pytest.raises(ValueError, match="value is None"):
        trpo(CartPole(), policy, None, SMALL, np.random.default_rng(0))
