"""PPO: one gradient against its definition, the optimum on models, CartPole in a blink."""

import itertools
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from rlcore.algorithms.ppo import (
    PPOConfig,
    as_they_are,
    constant,
    linear,
    plain_error,
    policy_gradient,
    ppo,
    report,
    shrunk,
    value_gradient,
)
from rlcore.exact.gradients import performance
from rlcore.exact.values import optimal_value, policy_value
from rlcore.learning.heads import Categorical, Gaussian, with_log_std
from rlcore.learning.losses import PPOClip, PPOPenalty, clipped_squared_error
from rlcore.learning.on_policy import Steps, actor, mean_score
from rlcore.learning.policies import Policy, Value
from rlcore.learning.rollout import make_runner
from rlcore.nn.layers import mlp, mlp_params, orthogonal
from rlcore.numerics import finite_difference, softmax
from rlcore.problems.cartpole import CartPole
from rlcore.problems.env import Box
from rlcore.problems.gridworlds import small_grid, walk
from rlcore.problems.gym import GymnasiumEnv
from rlcore.problems.probes import PROBES, Aim, two_choices


def networks(n, A, seed=0, hidden=(), **kw):
    rng = np.random.default_rng(seed)
    policy = Policy(mlp_params([n, *hidden, A], rng, last_gain=0.01, **kw), mlp, Categorical())
    return policy, Value(mlp_params([n, *hidden, 1], rng, last_gain=0.01, **kw), mlp)


def table(policy, env):
    return softmax(policy(np.eye(env.n_states))[0])


# ---------------------------------------------------------------- one gradient


def some_steps(policy, rng, B=40):
    """Steps of an older policy: ratios on both sides of both edges, advantages of both signs."""
    x = rng.standard_normal((B, 3))
    y_old = policy(x)[0] + rng.standard_normal((B, 4))
    action, p_old = rng.integers(4, size=B), softmax(y_old)
    logp = np.log(p_old[np.arange(B), action])
    value, advantage, target = rng.standard_normal((3, B))
    return Steps(x, action, y_old, logp, value, advantage, target)


SURROGATES = [PPOClip(0.2), PPOClip((0.3, 0.1)), PPOPenalty(0.7), PPOPenalty(2.0, target=0.01)]


def naive_loss(policy, steps, surrogate, cfg):
    """mean over steps, in a loop, of -surrogate + penalty - bonus."""
    A = steps.advantage
    if cfg.normalise is not as_they_are:
        A = (A - A.mean()) / (A.std(ddof=1) + 1e-8)
    total = 0.0
    for b in range(len(steps)):
        hidden = np.tanh(steps.x[b] @ policy.params["W0"] + policy.params["b0"])
        e = np.exp(hidden @ policy.params["W1"] + policy.params["b1"])
        p, e_old = e / e.sum(), np.exp(steps.y[b])
        old = e_old / e_old.sum()
        r = p[steps.action[b]] / old[steps.action[b]]
        if isinstance(surrogate, PPOClip):
            low, high = surrogate.clip if isinstance(surrogate.clip, tuple) else (surrogate.clip,) * 2
            total -= min(r * A[b], min(max(r, 1 - low), 1 + high) * A[b])
        else:
            total -= r * A[b] - surrogate.beta * sum(q * np.log(q / w) for q, w in zip(old, p))
        total += cfg.entropy * sum(w * np.log(w) for w in p)
    return total / len(steps)


@pytest.mark.parametrize("surrogate", [*SURROGATES, PPOPenalty(0.0)], ids=str)
@pytest.mark.parametrize("entropy", [0.0, 0.3])
@pytest.mark.parametrize("normalise", [as_they_are, PPOConfig().normalise])
def test_one_policy_gradient_is_that_of_its_definition(surrogate, entropy, normalise):
    """Against central differences of a loop over the steps; 1e-8, their own error."""
    rng = np.random.default_rng(0)
    policy = Policy(mlp_params([3, 5, 4], rng, gain=2.0, last_gain=2.0), mlp, Categorical())
    steps, cfg = some_steps(policy, rng), PPOConfig(entropy=entropy, normalise=normalise)
    grads, divergence = policy_gradient(policy, steps, surrogate, cfg)
    for name, array in policy.params.items():
        expected = finite_difference(lambda: naive_loss(policy, steps, surrogate, cfg), array)
        np.testing.assert_allclose(grads[name], expected, rtol=0, atol=1e-8)
        assert np.abs(expected).max() > 1e-2
    old, new = softmax(steps.y), softmax(policy(steps.x)[0])
    assert divergence == pytest.approx((old * np.log(old / new)).sum(axis=1).mean(), abs=1e-12)
    assert report(policy, steps, surrogate)["kl"] == pytest.approx(divergence, abs=1e-12)


def test_one_step_of_a_table_by_hand():
    """One-hot states, logits = table: theta moves by -lr times the mean of -r A (onehot - pi) where not clipped.

    Every case of sign and side: r = 1.5 and 0.5, A = 1 and -1, eps = 0.2. Those that went far enough are
    (1.5, 1) and (0.5, -1); 1e-10.
    """
    theta = np.array([[0.3, -0.2, 0.1], [1.0, 0.0, -1.0]])
    policy = Policy({"W0": theta.copy(), "b0": np.zeros(3)}, mlp, Categorical())
    pi = softmax(theta)
    s, a = np.array([0, 1, 0, 1]), np.array([2, 0, 1, 1])
    ratio, A = np.array([1.5, 0.5, 1.5, 0.5]), np.array([1.0, -1.0, -1.0, 1.0])
    expected = np.zeros((2, 3))
    for b in (2, 3):
        expected[s[b]] -= ratio[b] * A[b] * (np.eye(3)[a[b]] - pi[s[b]]) / 4
    logp_old = np.log(pi[s, a] / ratio)
    steps = Steps(np.eye(2)[s], a, theta[s], logp_old, np.zeros(4), A, np.zeros(4))
    grads, divergence = policy_gradient(policy, steps, PPOClip(0.2), PPOConfig(normalise=as_they_are))
    np.testing.assert_allclose(grads["W0"], expected, rtol=0, atol=1e-10)
    assert divergence == pytest.approx(0, abs=1e-15)  # steps.y is what the policy says now
    row = report(policy, steps, PPOClip(0.2))
    assert (row["clip_fraction"], row["zero_gradient"]) == (1.0, 0.5)
    assert [report(policy, steps[part], PPOClip(0.2))["zero_gradient"] for part in ([0, 1], [2, 3])] == [1, 0]
    assert np.isnan(row["explained_variance"])
    entropies = -(pi * np.log(pi)).sum(axis=1)
    assert row["entropy"] == pytest.approx(entropies[s].mean(), abs=1e-14)


VALUE_LOSSES = [
    (plain_error, lambda v, old, target: (v - target) ** 2 / 2),
    (
        partial(clipped_squared_error, clip=0.2),
        lambda v, old, target: max((v - target) ** 2, (old + np.clip(v - old, -0.2, 0.2) - target) ** 2) / 2,
    ),
    (
        partial(clipped_squared_error, clip=0.2, larger=False),
        lambda v, old, target: (old + np.clip(v - old, -0.2, 0.2) - target) ** 2 / 2,
    ),
]


@pytest.mark.parametrize(("value_loss", "definition"), VALUE_LOSSES)
def test_one_value_gradient_is_that_of_its_definition(value_loss, definition):
    rng = np.random.default_rng(1)
    policy, value = networks(3, 4, hidden=(5,), gain=2.0)
    value.params["W1"] += rng.standard_normal((5, 1))
    steps = some_steps(policy, rng)
    steps = replace(steps, value=value(steps.x)[0][:, 0] + 0.3 * rng.standard_normal(40))
    grads = value_gradient(value, steps, PPOConfig(value_loss=value_loss))

    def loss():
        v = value(steps.x)[0][:, 0]
        return sum(map(definition, v, steps.value, steps.target)) / 40

    for name, array in value.params.items():
        expected = finite_difference(loss, array)
        np.testing.assert_allclose(grads[name], expected, rtol=0, atol=1e-8)
        assert np.abs(expected).max() > 1e-3


def test_the_bonus_keeps_a_policy_undecided():
    """Bug: c_H H added to what is minimised. Without advantages the gradient must raise the entropy."""
    policy, _ = networks(2, 3)
    policy.params["W0"][...] = [[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]]
    x, no = np.eye(2), np.zeros(2)
    steps = Steps(x, np.array([0, 1]), policy(x)[0], no, no, no, no)
    before = report(policy, steps, PPOClip())["entropy"]
    grads, _ = policy_gradient(policy, steps, PPOClip(), PPOConfig(entropy=0.1, normalise=as_they_are))
    for name, g in grads.items():
        policy.params[name] -= 10 * g
    assert report(policy, steps, PPOClip())["entropy"] > before + 0.05


def test_shrunk():
    assert shrunk(PPOClip(0.2), 0.5) == PPOClip(0.1)
    assert shrunk(PPOClip((0.2, 0.4)), 0.5) == PPOClip((0.1, 0.2))
    assert shrunk(PPOPenalty(3.0), 0.5) == PPOPenalty(3.0)


# ---------------------------------------------------------------- models with known answers

SMALL = PPOConfig(
    steps=5_000,
    walkers=10,
    T=20,
    minibatch=50,
    lr=0.1,
    clip_schedule=constant,
    eval_every=25,
    eval_episodes=20,
)
KINDS = [PPOClip(0.2), PPOPenalty(1.0), PPOPenalty(1.0, target=0.01)]


@pytest.mark.parametrize("name", PROBES)
def test_probes(name):
    """The critic finds V to 0.1, or 0.2 where a coin decides; the policy the best there is to 0.02.

    Bootstrapping from the reset state, or 0 at the cut, would be 3 and more off in the last one.
    """
    env = PROBES[name]()
    policy, value = networks(env.n_states, env.n_actions)
    ppo(env, policy, value, replace(SMALL, gamma=env.gamma), np.random.default_rng(0))
    pi, live = table(policy, env), ~env.terminal
    assert performance(env, pi) == pytest.approx(env.start @ optimal_value(env), abs=0.02)
    error = value(np.eye(env.n_states))[0][:, 0] - policy_value(env, pi)
    assert np.abs(error[live]).max() < (0.2 if name == "constant_reward" else 0.1)


@pytest.mark.parametrize("surrogate", KINDS, ids=str)
@pytest.mark.parametrize("critic", [True, False])
def test_every_kind_decides_what_is_seen(surrogate, critic):
    env = two_choices()
    policy, value = networks(3, 2)
    cfg = replace(SMALL, gamma=env.gamma, surrogate=surrogate, steps=3_000)
    history = ppo(env, policy, value if critic else None, cfg, np.random.default_rng(0))
    assert performance(env, table(policy, env)) > 0.98
    assert np.isnan(history[-1]["beta"]) == isinstance(surrogate, PPOClip)


GRID = PPOConfig(steps=20_000, minibatch=128, epochs=4, lr=0.05, eval_every=1000, eval_episodes=1)


@pytest.mark.parametrize("critic", [True, False])
@pytest.mark.parametrize("surrogate", KINDS, ids=str)
def test_a_grid_is_solved(surrogate, critic):
    """Its most probable actions are an optimal policy, to rounding; with all its doubts it is within 0.05."""
    env = small_grid()
    policy, value = networks(env.n_states, 4)
    cfg = replace(GRID, gamma=env.gamma, surrogate=surrogate)
    ppo(env, policy, value if critic else None, cfg, np.random.default_rng(0))
    np.testing.assert_allclose(
        policy_value(env, policy.mode(np.eye(env.n_states))), optimal_value(env), rtol=0, atol=1e-12
    )
    assert performance(env, table(policy, env)) == pytest.approx(env.start @ optimal_value(env), abs=0.05)


@pytest.mark.parametrize("surrogate", KINDS, ids=str)
def test_the_walk_is_solved(surrogate):
    """From (0, 0) to (5, 5): ten moves, as few as can be."""
    env = walk()
    policy, value = networks(env.n_states, 4)
    ppo(env, policy, value, replace(GRID, gamma=env.gamma, surrogate=surrogate), np.random.default_rng(0))
    best = env.start @ optimal_value(env)
    assert performance(env, policy.mode(np.eye(env.n_states))) == pytest.approx(best, abs=1e-12)
    assert performance(env, table(policy, env)) == pytest.approx(best, abs=0.05)


def penalised(surrogate, seed=0):
    """-> the divergence of each update on the walk, without the first ten: constant rate, kept undecided"""
    env = walk()
    policy, value = networks(env.n_states, 4)
    cfg = replace(
        GRID,
        gamma=0.9,
        walkers=32,
        minibatch=256,
        epochs=4,
        lr=0.02,
        lr_schedule=constant,
        entropy=0.5,
        steps=40_000,
    )
    history = ppo(env, policy, value, replace(cfg, surrogate=surrogate), np.random.default_rng(seed))
    return np.array([row["kl"] for row in history[10:]]), history


@pytest.mark.parametrize("target", [0.001, 0.003])
def test_an_adaptive_price_keeps_the_divergence_in_its_band(target):
    """The median of 30 updates is within a factor 1.5 of the target; without a price it is 0.0096.

    The price itself doubles above the band, halves below, and stays inside.
    """
    kl, history = penalised(PPOPenalty(1.0, target=target))
    assert target / 1.5 < np.median(kl) < 1.5 * target
    for row, after in itertools.pairwise(history):
        factor = 2 if row["kl"] > 1.5 * target else 0.5 if row["kl"] < target / 1.5 else 1
        assert after["beta"] == factor * row["beta"]


def test_a_fixed_price_has_no_target():
    cheap, dear = (np.median(penalised(PPOPenalty(beta))[0]) for beta in (0.01, 100.0))
    assert dear < 0.001
    assert cheap > 0.005


def test_real_valued_actions():
    """Say the number you see: the mean is right to 0.1, the spread small; a policy that sees nothing pays 1/3."""
    rng = np.random.default_rng(0)
    params = {**mlp_params([1, 32, 1], rng, last_gain=0.01), "log_std": np.zeros(1)}
    policy = Policy(params, with_log_std(mlp), Gaussian())
    value = Value(mlp_params([1, 32, 1], rng), mlp)
    cfg = PPOConfig(steps=20_000, lr=0.01, walkers=32, T=16, minibatch=128, eval_every=1000)
    history = ppo(Aim(), policy, value, cfg, rng)
    x = np.linspace(-1, 1, 11)[:, None]
    assert np.abs(policy.mode(x) - x).max() < 0.1
    assert policy.params["log_std"] < -2
    assert history[-1]["score"] > -0.03


# ---------------------------------------------------------------- the loop


def quick(seed=3, critic=True, env=None, **settings):
    env = small_grid() if env is None else env
    policy, value = networks(env.n_states, 4, hidden=(6,), dtype=np.float32)
    cfg = PPOConfig(
        steps=900, walkers=6, T=10, gamma=0.9, minibatch=15, epochs=4, eval_every=5, eval_episodes=4
    )
    history = ppo(
        env, policy, value if critic else None, replace(cfg, **settings), np.random.default_rng(seed)
    )
    return history, policy, value


def test_history_and_parameters():
    before, _ = networks(16, 4, hidden=(6,), dtype=np.float32)
    history, policy, value = quick()
    assert [row["step"] for row in history] == list(range(60, 901, 60))
    assert [row["updates"] for row in history] == list(range(16, 241, 16))  # 4 epochs of 4 minibatches
    assert [np.isfinite(row["score"]) for row in history] == 3 * [False, False, False, False, True]
    assert all(4 * row["score"] % 1 == 0 for row in history[4::5])  # means of four whole numbers
    assert all(0 <= row["entropy"] <= np.log(4) + 1e-6 and row["kl"] >= 0 for row in history)
    assert all(row["zero_gradient"] <= row["clip_fraction"] <= 1 for row in history)
    assert history[-1].keys() == {
        *("step", "updates", "return", "score", "kl", "clip_fraction", "zero_gradient", "entropy"),
        *("explained_variance", "beta"),
    }
    for name, array in policy.params.items():
        assert array.dtype == np.float32
        assert (array != before.params[name]).any()
    assert all(array.dtype == np.float32 for array in value.params.values())


def test_without_a_critic_an_update_takes_whole_episodes():
    """One of each walker; the critic that was not given is left alone."""
    env = replace(PROBES["cut_short"](0.9), horizon=7)
    policy, _ = networks(2, 1)
    cfg = PPOConfig(steps=100, walkers=6, T=2, minibatch=10, eval_every=1000, eval_episodes=1)
    history = ppo(env, policy, None, cfg, np.random.default_rng(0))
    assert [row["step"] for row in history] == [42, 84, 126]
    assert [row["return"] for row in history] == [6.0] * 3
    assert [row["explained_variance"] for row in history] == [0.0] * 3


def test_without_a_critic_lam_has_no_part():
    """The advantage is the return; with a critic it depends on lam."""
    np.testing.assert_equal(quick(critic=False, lam=0.3)[0], quick(critic=False, lam=1.0)[0])
    assert quick(lam=0.3)[0][0]["kl"] != pytest.approx(quick(lam=1.0)[0][0]["kl"], rel=1e-3)


def test_gradients_of_policy_and_critic_are_cut_before_adam():
    """To a length far below Adam's eps of 1e-5, so nothing moves far; uncut, each of 240 steps would be the rate."""
    _, policy, value = quick(max_norm=1e-9)
    policy_before, value_before = networks(16, 4, hidden=(6,), dtype=np.float32)
    for after, before in ((policy, policy_before), (value, value_before)):
        moved = max(np.abs(after.params[name] - before.params[name]).max() for name in after.params)
        assert 0 < moved < 240 * 7e-3 * 2e-4


def test_a_large_divergence_ends_the_epochs():
    """After each epoch its mean divergence is looked at; the first of the steps is taken from the old policy."""
    strict, free = quick(lr=0.05, kl_stop=1e-12)[0], quick(lr=0.05)[0]
    assert [row["updates"] for row in strict] == list(range(4, 61, 4))  # one epoch of 4 minibatches
    assert free[-1]["updates"] == 240
    once = quick(lr=0.05, epochs=1)[0][0][
        "kl"
    ]  # 0 in the first minibatch, a quarter of it on average over four
    assert quick(lr=0.05, kl_stop=once / 2)[0][0]["updates"] > 4


def test_schedules():
    assert [constant(x) for x in (1.0, 0.5, 0.1)] == [1.0, 1.0, 1.0]
    assert [linear(x) for x in (1.0, 0.5, 0.1)] == [1.0, 0.5, 0.1]
    seen = []
    quick(lr_schedule=lambda left: seen.append(left) or 1.0)
    np.testing.assert_allclose(seen, 1 - np.arange(15) / 15)
    still, _, value = quick(lr_schedule=lambda left: 1e-30)
    assert max(row["kl"] for row in still) < 1e-9
    _, before = networks(16, 4, hidden=(6,), dtype=np.float32)
    np.testing.assert_allclose(value.params["W0"], before.params["W0"], atol=1e-20)
    tight, wide = quick(lr=0.1, clip_schedule=lambda left: 1e-9)[0], quick(lr=0.1)[0]
    assert tight[5]["kl"] < wide[5]["kl"]
    assert tight[5]["clip_fraction"] > 0.9  # by the clip that was in force


# ---------------------------------------------------------------- CartPole


def pole_networks(rng):
    init = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}
    policy = Policy(mlp_params([4, 64, 64, 2], rng, last_gain=0.01, **init), mlp, Categorical())
    return policy, Value(mlp_params([4, 64, 64, 1], rng, **init), mlp)


def train_on_cartpole(env, seed, critic=True, **settings):
    """-> history, CPU seconds with evaluations, the mean of 100 fresh stochastic episodes"""
    rng = np.random.default_rng(seed)
    policy, value = pole_networks(rng)
    began = time.process_time()
    history = ppo(env, policy, value if critic else None, PPOConfig(**settings), rng)
    seconds = time.process_time() - began
    fresh = make_runner(env, 100, np.random.default_rng(10_000 + seed))
    return history, seconds, mean_score(fresh, actor(policy, fresh.env.observe))


@pytest.mark.parametrize("seed", range(2))
def test_cartpole_is_solved(seed):
    """A mean of 475 over 100 fresh episodes with actions drawn from the policy."""
    history, _, score = train_on_cartpole(CartPole(), seed, stop_at=490)
    assert history[-1]["step"] < 40_000
    assert score >= 475


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 20))
def test_cartpole_is_solved_by_other_seeds(seed):
    history, seconds, score = train_on_cartpole(CartPole(), seed, stop_at=490)
    print(f"seed {seed}: {seconds:.2f} s of CPU, {history[-1]['step']} steps, mean {score:.1f}")
    assert score >= 475
    assert seconds < 10


def test_gymnasiums_cartpole_is_learnt():
    """The same loop on live environments: 6,144 steps bring 100 and more; random pushes score 22."""
    settings = {"steps": 6_144, "eval_every": 1000, "eval_episodes": 20}
    history, _, _ = train_on_cartpole(GymnasiumEnv("CartPole-v1"), 0, **settings)
    assert history[-1]["score"] > 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_gymnasiums_cartpole_is_solved(seed):
    _, _, score = train_on_cartpole(GymnasiumEnv("CartPole-v1"), seed, stop_at=490, eval_every=6)
    assert score >= 475


@pytest.mark.parametrize("env_id", ["Acrobot-v1", "Pendulum-v1"])
def test_other_live_environments(env_id):
    """The same loop for three pushes and for a torque: episodes end by the clock alone, and it goes on."""
    env, rng = GymnasiumEnv(env_id), np.random.default_rng(0)
    n, torque = (3, True) if env_id == "Pendulum-v1" else (6, False)
    params = mlp_params([n, 8, 1 if torque else 3], rng, last_gain=0.01)
    policy = (
        Policy({**params, "log_std": np.zeros(1)}, with_log_std(mlp), Gaussian())
        if torque
        else Policy(params, mlp, Categorical())
    )
    value, before = Value(mlp_params([n, 8, 1], rng), mlp), params["W0"].copy()
    cfg = PPOConfig(steps=1_100, walkers=2, T=275, eval_every=2, eval_episodes=1)
    history = ppo(env, policy, value, cfg, rng)
    assert [row["step"] for row in history] == [550, 1_100]
    assert -2_000 < history[-1]["score"] < 0
    assert 0 < history[-1]["kl"] < 0.5
    assert (policy.params["W0"] != before).any()


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("steps", 0), ("walkers", 1.5), ("T", True), ("epochs", -1), ("minibatch", 0), ("eval_every", "2")),
        *(("gamma", 1.1), ("gamma", float("nan")), ("lam", -0.1), ("lam", None)),
        *(("lr", 0.0), ("lr", float("inf")), ("lr", float("nan")), ("max_norm", 0), ("kl_stop", -1.0)),
        *(("entropy", -0.1), ("entropy", float("inf")), ("stop_at", float("nan")), ("stop_at", None)),
        *(("lr_schedule", 1.0), ("clip_schedule", None), ("normalise", True), ("value_loss", "huber")),
        *(("surrogate", 0.2), ("surrogate", None), ("surrogate", PPOClip)),
    ],
)
def test_the_configuration_refuses(field, value):
    with pytest.raises(ValueError, match=f"^{field} is "):
        PPOConfig(**{field: value})


class Steered(CartPole):
    """CartPole with a force instead of two pushes."""

    actions = Box(np.array([-1.0]), np.array([1.0]))


def test_a_gaussian_policy_for_two_pushes_is_refused():
    params = {**mlp_params([4, 1], np.random.default_rng(0)), "log_std": np.zeros(1)}
    policy = Policy(params, with_log_std(mlp), Gaussian())
    with pytest.raises(ValueError, match=r"policy.head is Gaussian\(\); env has numbered actions"):
        ppo(CartPole(), policy, None, PPOConfig(), np.random.default_rng(0))
