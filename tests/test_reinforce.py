"""REINFORCE: its gradient is right on average, over every trajectory there is; probes, a grid, CartPole."""

import time
from dataclasses import replace

import numpy as np
import pytest

from rlcore.algorithms.reinforce import (
    ReinforceConfig,
    alike,
    by_discount,
    constant,
    policy_gradient,
    reinforce,
)
from rlcore.exact import gradients
from rlcore.exact.moments import trajectories
from rlcore.exact.values import optimal_value, policy_value
from rlcore.learning.estimators import full_return, reward_to_go
from rlcore.learning.heads import Categorical, Gaussian, with_log_std
from rlcore.learning.losses import squared_error
from rlcore.learning.on_policy import NO_CRITIC, Walks, actor, mean_score, whole_episodes
from rlcore.learning.policies import Policy, Value
from rlcore.learning.rollout import make_runner
from rlcore.nn.layers import mlp, mlp_params, orthogonal
from rlcore.nn.optim import Adam
from rlcore.numerics import finite_difference, softmax
from rlcore.problems.cartpole import CartPole
from rlcore.problems.gridworlds import small_grid
from rlcore.problems.gym import GymnasiumEnv
from rlcore.problems.mdp import MDP
from rlcore.problems.probes import PROBES, Aim

FORMS = [(full_return, alike), (reward_to_go, by_discount), (reward_to_go, alike)]
BASELINES = ("none", "constant", "learned")


def networks(n, A, seed=0, hidden=(), **kw):
    rng = np.random.default_rng(seed)
    policy = Policy(mlp_params([n, *hidden, A], rng, last_gain=0.01, **kw), mlp, Categorical())
    return policy, Value(mlp_params([n, *hidden, 1], rng, last_gain=0.01, **kw), mlp)


def table(policy, env):
    return softmax(policy(np.eye(env.n_states))[0])


def baseline_of(kind, learned):
    return {"none": None, "constant": Value({"b": np.zeros(1)}, constant), "learned": learned}[kind]


# ---------------------------------------------------------------- the gradient


def layers():
    """Two starts, three states behind them, then the end: every episode has three steps or fewer."""
    rng = np.random.default_rng(0)
    P, R = np.zeros((6, 2, 6)), np.zeros((6, 2, 6))
    P[:2, :, 2:4], P[2:4, :, 4:] = rng.dirichlet(np.ones(2), (2, 2)), rng.dirichlet(np.ones(2), (2, 2))
    P[4:, :, 5] = 1.0
    R[:5] = rng.standard_normal((5, 2, 6))
    return MDP(P, R, 0.8, np.array([0.3, 0.7, 0, 0, 0, 0]), np.arange(6) == 5)


def every_walk(mdp, pi):
    """Each trajectory there is, as an update of one episode. -> [(probability, walks)]"""
    walks = trajectories(mdp, pi, 3)
    assert not (walks.truncated & walks.live).any()
    names = ("state", "action", "reward", "next_state", "terminated", "truncated", "logp", "live")
    return [
        (p, Walks(**{name: getattr(walks, name)[:, [n]] for name in names}))
        for n, p in enumerate(walks.probability)
    ]


def expected_gradient(mdp, weight, share, baseline):
    """-> mean over all trajectories (S, A), the sum of its variances"""
    theta = np.random.default_rng(1).standard_normal((6, 2))
    policy = Policy({"W0": theta, "b0": np.zeros(2)}, mlp, Categorical())
    cfg = ReinforceConfig(gamma=0.8, weight=weight, share=share)
    walks = every_walk(mdp, softmax(theta))
    g = [-policy_gradient(policy, baseline, walk, mdp.observe, cfg)[0]["W0"] for _, walk in walks]
    p = np.array([p for p, _ in walks])
    assert p.sum() == pytest.approx(1.0)
    mean = np.tensordot(p, g, 1)
    return theta, mean, float(np.tensordot(p, (np.array(g) - mean) ** 2, 1).sum())


def some_baselines(mdp, theta):
    V = policy_value(mdp, softmax(theta))
    table = Value({"W0": V[:, None], "b0": np.zeros(1)}, mlp)
    return {"none": NO_CRITIC, "constant": Value({"b": np.array([0.7])}, constant), "learned": table}


@pytest.mark.parametrize("kind", BASELINES)
@pytest.mark.parametrize(("weight", "share"), FORMS[:2])
def test_the_mean_over_all_trajectories_is_the_gradient_of_performance(weight, share, kind):
    """By enumeration, 1e-10: whole or from the step on, with any baseline."""
    mdp = layers()
    theta = np.random.default_rng(1).standard_normal((6, 2))
    _, mean, _ = expected_gradient(mdp, weight, share, some_baselines(mdp, theta)[kind])
    exact = gradients.policy_gradient(mdp, theta)
    assert np.abs(exact).max() > 0.05
    np.testing.assert_allclose(mean, exact, rtol=0, atol=1e-10)


def test_the_usual_form_is_another_gradient():
    """reward_to_go without gamma^t: later states count too much, and the mean is not that of the discounted return."""
    mdp = layers()
    theta, mean, _ = expected_gradient(mdp, reward_to_go, alike, NO_CRITIC)
    assert np.abs(mean - gradients.policy_gradient(mdp, theta)).max() > 0.01


def test_variance_falls_from_form_to_form():
    """Same mean, less noise: G_0, then G_t, then G_t - V(s_t)."""
    mdp = layers()
    theta = np.random.default_rng(1).standard_normal((6, 2))
    critic = some_baselines(mdp, theta)["learned"]
    forms = ((full_return, alike, NO_CRITIC), (reward_to_go, by_discount, NO_CRITIC))
    noise = [expected_gradient(mdp, *form)[2] for form in (*forms, (reward_to_go, by_discount, critic))]
    assert noise[0] > 1.05 * noise[1] > 1.05 * noise[2]


@pytest.mark.parametrize(("weight", "share"), FORMS)
def test_one_gradient_is_its_definition(weight, share):
    """Episodes of unlike lengths, a network: against central differences of a loop over the steps; 1e-8."""
    rng = np.random.default_rng(0)
    policy = Policy(mlp_params([16, 5, 4], rng, gain=2.0, last_gain=2.0), mlp, Categorical())
    baseline = Value({"b": np.array([-1.5])}, constant)
    env = small_grid()
    walks = [walk for _, walk in every_walk(layers(), np.full((6, 2), 0.5))[:2]]
    joined = Walks(
        **{name: np.concatenate([vars(w)[name] for w in walks], axis=1) for name in vars(walks[0])}
    )
    joined.terminated[1, 0], joined.live[2, 0] = True, False  # its third row is another episode's
    cfg = ReinforceConfig(gamma=0.8, weight=weight, share=share)
    grads, H = policy_gradient(policy, baseline, joined, env.observe, cfg)

    def loss():
        total = 0.0
        for n, T in enumerate((2, 3)):
            rewards = [joined.reward[t, n] for t in range(T)]
            for t in range(T):
                hidden = np.tanh(policy.params["W0"][joined.state[t, n]] + policy.params["b0"])
                e = np.exp(hidden @ policy.params["W1"] + policy.params["b1"])
                first = 0 if weight is full_return else t
                G = sum(0.8 ** (k - first) * rewards[k] for k in range(first, T))
                A = (0.8**t if share is by_discount else 1.0) * (G + 1.5)
                total -= A * np.log(e[joined.action[t, n]] / e.sum()) / 2
        return total

    for name, array in policy.params.items():
        expected = finite_difference(loss, array)
        assert np.abs(expected).max() > 1e-2
        np.testing.assert_allclose(grads[name], expected, rtol=0, atol=1e-8)
    assert 0 < H < np.log(4)


def test_a_constant_does_not_look():
    value = Value({"b": np.array([2.0], np.float32)}, constant)
    y, back = value(np.ones((3, 2, 5)))
    np.testing.assert_array_equal(y, np.full((3, 2, 1), 2.0))
    dx, grads = back(np.arange(6.0).reshape(3, 2, 1))
    assert dx.shape == (3, 2, 5)
    assert not dx.any()
    np.testing.assert_array_equal(grads["b"], [15.0])
    assert grads["b"].dtype == np.float32


# ---------------------------------------------------------------- models with known answers

SMALL = ReinforceConfig(steps=3_000, episodes=20, lr=0.1, baseline_lr=0.05, eval_every=1000, eval_episodes=2)


@pytest.mark.parametrize("kind", BASELINES)
@pytest.mark.parametrize(("weight", "share"), FORMS)
@pytest.mark.parametrize("name", ["one_choice", "two_choices"])
def test_probes_with_a_choice(name, weight, share, kind):
    """The policy is the best there is to 0.05, in each form and with each baseline."""
    env = PROBES[name]()
    policy, learned = networks(env.n_states, 2)
    cfg = replace(SMALL, weight=weight, share=share)
    reinforce(env, policy, baseline_of(kind, learned), cfg, np.random.default_rng(0))
    assert gradients.performance(env, table(policy, env)) > 0.95


@pytest.mark.parametrize("name", ["one_step", "two_steps", "constant_reward", "two_values"])
def test_probes_of_the_baseline(name):
    """It finds V to 0.05, or 0.2 where a coin decides."""
    env = PROBES[name]()
    policy, baseline = networks(env.n_states, 1)
    cfg = replace(SMALL, gamma=env.gamma, steps=30_000, episodes=200)
    reinforce(env, policy, baseline, cfg, np.random.default_rng(0))
    error = baseline(np.eye(env.n_states))[0][:, 0] - policy_value(env, np.ones((env.n_states, 1)))
    assert np.abs(error[~env.terminal]).max() < (0.2 if name == "constant_reward" else 0.05)


def test_a_constant_finds_the_mean_of_the_weights():
    """Two starts that pay 1 and -1, of 20 episodes each time: about 0."""
    env, b = PROBES["two_values"](), Value({"b": np.array([3.0])}, constant)
    reinforce(env, networks(3, 1)[0], b, SMALL, np.random.default_rng(0))
    assert abs(b.params["b"][0]) < 0.3


def test_a_time_limit_is_the_end_of_what_counts():
    """Three steps that pay 0, 1, 1: the returns are 1.71, 1.9 and 1, and their mean a state is what is learnt."""
    env = PROBES["cut_short"]()
    policy, baseline = networks(2, 1)
    reinforce(env, policy, baseline, replace(SMALL, gamma=0.9, steps=9_000), np.random.default_rng(0))
    np.testing.assert_allclose(baseline(np.eye(2))[0][:, 0], [1.71, 1.45], rtol=0, atol=0.02)


@pytest.mark.parametrize("kind", BASELINES)
def test_a_grid_is_solved(kind):
    """The most probable actions are an optimal policy, to rounding; with all its doubts it is within 0.1."""
    env = small_grid()
    policy, learned = networks(env.n_states, 4)
    cfg = replace(SMALL, gamma=1.0, steps=40_000, episodes=30)
    reinforce(env, policy, baseline_of(kind, learned), cfg, np.random.default_rng(0))
    best = optimal_value(env)
    np.testing.assert_allclose(policy_value(env, policy.mode(np.eye(16))), best, rtol=0, atol=1e-12)
    assert gradients.performance(env, table(policy, env)) == pytest.approx(env.start @ best, abs=0.1)


def test_real_valued_actions():
    """Say the number you see: the mean is right to 0.2; a policy that sees nothing pays 1/3."""
    rng = np.random.default_rng(0)
    params = {**mlp_params([1, 32, 1], rng, last_gain=0.01), "log_std": np.zeros(1)}
    policy = Policy(params, with_log_std(mlp), Gaussian())
    baseline = Value(mlp_params([1, 32, 1], rng), mlp)
    cfg = replace(SMALL, steps=60_000, episodes=200, lr=0.01, baseline_lr=0.01)
    history = reinforce(Aim(), policy, baseline, cfg, rng)
    x = np.linspace(-1, 1, 11)[:, None]
    assert np.abs(policy.mode(x) - x).max() < 0.2
    assert history[-1]["return"] > -0.1


# ---------------------------------------------------------------- the loop


def quick(seed=3, **settings):
    policy, baseline = networks(16, 4, hidden=(6,), dtype=np.float32)
    cfg = ReinforceConfig(steps=1500, episodes=6, gamma=0.9, eval_every=2, eval_episodes=4)
    history = reinforce(small_grid(), policy, baseline, replace(cfg, **settings), np.random.default_rng(seed))
    return history, policy, baseline


def test_history_and_parameters():
    before, _ = networks(16, 4, hidden=(6,), dtype=np.float32)
    history, policy, baseline = quick()
    assert [row["episodes"] for row in history] == list(range(6, 6 * len(history) + 1, 6))
    assert [row["step"] for row in history] == np.cumsum([-6 * row["return"] for row in history]).tolist()
    assert history[-2]["step"] < 1500 <= history[-1]["step"]
    assert [np.isfinite(row["score"]) for row in history[:4]] == [False, True, False, True]
    assert np.isfinite(history[-1]["score"])
    assert all(4 * row["score"] % 1 == 0 for row in history if np.isfinite(row["score"]))  # of four episodes
    assert history[-1].keys() == {"step", "episodes", "return", "score", "entropy", "explained_variance"}
    assert all(0 <= row["entropy"] <= np.log(4) + 1e-6 for row in history)
    for name, array in policy.params.items():
        assert array.dtype == np.float32
        assert (array != before.params[name]).any()
    assert all(array.dtype == np.float32 for array in baseline.params.values())


def test_one_update_by_its_settings():
    """The same episodes again: a clipped step of the policy, then three of the baseline, each at its own rate."""
    cfg = ReinforceConfig(
        steps=1,
        episodes=6,
        gamma=0.9,
        lr=0.02,
        baseline_lr=0.05,
        baseline_steps=3,
        max_norm=0.1,
        eval_episodes=2,
    )
    env, (policy, baseline), (mine, guess) = small_grid(), networks(16, 4), networks(16, 4)
    [row] = reinforce(env, policy, baseline, cfg, np.random.default_rng(3))
    walks = whole_episodes(make_runner(env, 6, np.random.default_rng(3)), actor(mine, env.observe))
    grads, H = policy_gradient(mine, guess, walks, env.observe, cfg)
    norm = np.sqrt(sum((g**2).sum() for g in grads.values()))
    assert norm > 0.2
    Adam(0.02).step(mine.params, {name: 0.1 / norm * g for name, g in grads.items()})
    x, G = env.observe(walks.state)[walks.live], reward_to_go(walks, gamma=0.9)[walks.live]
    explained = 1 - np.var(G - guess(x)[0][:, 0]) / np.var(G)
    adam = Adam(0.05)
    for _ in range(3):
        V, back = guess(x)
        adam.step(guess.params, back(squared_error(V[:, 0], G)[1][:, None])[1])
    for ours, theirs in ((mine, policy), (guess, baseline)):
        for name, array in ours.params.items():
            np.testing.assert_allclose(theirs.params[name], array, rtol=0, atol=1e-9)
    assert row["entropy"] == pytest.approx(H)
    assert row["explained_variance"] == pytest.approx(explained)


# ---------------------------------------------------------------- CartPole


def train_on_cartpole(env, seed, **settings):
    """-> history, CPU seconds with evaluations, the mean of 100 fresh stochastic episodes"""
    rng = np.random.default_rng(seed)
    init = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}
    policy = Policy(mlp_params([4, 64, 2], rng, last_gain=0.01, **init), mlp, Categorical())
    baseline = Value(mlp_params([4, 64, 1], rng, **init), mlp)
    began = time.process_time()
    history = reinforce(env, policy, baseline, ReinforceConfig(**settings), rng)
    seconds = time.process_time() - began
    fresh = make_runner(env, 100, np.random.default_rng(10_000 + seed))
    return history, seconds, mean_score(fresh, actor(policy, fresh.env.observe))


def test_cartpole_is_learnt():
    """40,000 steps bring 100 and more; random pushes score 22."""
    _, _, score = train_on_cartpole(CartPole(), 0, steps=40_000, eval_every=1000)
    assert score > 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_cartpole_is_solved(seed):
    """A mean of 475 over 100 fresh episodes with actions drawn from the policy."""
    history, seconds, score = train_on_cartpole(CartPole(), seed, steps=1_000_000, stop_at=490)
    print(f"seed {seed}: {seconds:.2f} s of CPU, {history[-1]['step']} steps, mean {score:.1f}")
    assert score >= 475
    assert seconds < 60


def test_it_walks_in_gymnasium():
    settings = {"steps": 2_000, "eval_every": 1000, "eval_episodes": 5}
    history, _, _ = train_on_cartpole(GymnasiumEnv("CartPole-v1"), 0, **settings)
    assert history[-1]["step"] >= 2_000
    assert 8 <= history[-1]["score"] <= 500


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("steps", 0), ("episodes", 1.5), ("baseline_steps", True), ("eval_every", "2")),
        *(
            ("gamma", 1.1),
            ("gamma", float("nan")),
            ("lr", 0.0),
            ("baseline_lr", float("inf")),
            ("max_norm", 0),
        ),
        *(("stop_at", None), ("weight", "full"), ("share", 0.9)),
    ],
)
def test_the_configuration_refuses(field, value):
    with pytest.raises(ValueError, match=f"^{field} is "):
        ReinforceConfig(**{field: value})


def test_the_configuration_refuses_to_discount_twice():
    with pytest.raises(
        ValueError, match=r"^share is by_discount; full_return is discounted to t = 0 already"
    ):
        ReinforceConfig(weight=full_return, share=by_discount)
