"""DQN: one gradient against its definition, Q* on a small model, CartPole in seconds."""

import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from rlcore.algorithms.dqn import (
    DQNConfig,
    assess,
    double_value,
    dqn,
    explorer,
    max_value,
    schedule,
    td_gradient,
)
from rlcore.exact.values import optimal_value
from rlcore.learning.losses import huber, squared_error
from rlcore.learning.policies import Value
from rlcore.learning.replay import Batch
from rlcore.learning.rollout import evaluate, make_runner
from rlcore.nn.layers import blend, copy, mlp, mlp_params, relu, scaled
from rlcore.problems.cartpole import CartPole
from rlcore.problems.env import Box
from rlcore.problems.gym import GymnasiumEnv, mdp_from_gymnasium
from rlcore.problems.mdp import MDP

SCALE = (1.2, 1.0, 0.1, 1.0)  # m, m/s, rad, rad/s


def network(sizes, seed, **kw):
    return Value(mlp_params(sizes, np.random.default_rng(seed), **kw), mlp)


def same(state):
    return state


# ---------------------------------------------------------------- one gradient


def tables(Q, frozen):
    """Two linear networks that are these tables on one-hot features."""
    return tuple(Value({"W0": np.array(t, float), "b0": np.zeros(len(t[0]))}, mlp) for t in (Q, frozen))


BATCH = Batch(  # states one-hot: 0, 1, 1, 2;  the last step terminates, the one before was only truncated
    np.eye(3)[[0, 1, 1, 2]],
    np.array([1, 0, 1, 0]),
    np.array([1.0, -2.0, 0.5, 4.0]),
    np.eye(3)[[1, 2, 0, 0]],
    np.array([False, False, False, True]),
)
Q, FROZEN = [[1.0, 3.0], [2.0, 0.0], [5.0, 4.0]], [[2.0, 7.0], [-1.0, 6.0], [8.0, 1.0]]


@pytest.mark.parametrize(
    ("next_value", "expected"),
    [(max_value, [6.0, 8.0, 7.0]), (double_value, [-1.0, 8.0, 7.0])],  # in state 1 the networks disagree
)
def test_targets_by_hand(next_value, expected):
    """target = r + 0.5 next value, and 4 where the problem ended."""
    q, frozen = tables(Q, FROZEN)
    np.testing.assert_array_equal(next_value(q, frozen, BATCH.next_state)[:3], expected)
    cfg = DQNConfig(gamma=0.5, next_value=next_value)
    value, grads = td_gradient(q, frozen, BATCH, same, cfg)
    target = np.append(np.array([1.0, -2.0, 0.5]) + 0.5 * np.array(expected), 4.0)
    error = np.array([3.0, 2.0, 0.0, 5.0]) - target
    assert value == pytest.approx((error**2).mean() / 2, abs=1e-14)
    d_Q = np.zeros((3, 2))
    for s, a, e in zip((0, 1, 1, 2), (1, 0, 1, 0), error):
        d_Q[s, a] += e / 4
    np.testing.assert_allclose(grads["W0"], d_Q, rtol=0, atol=1e-14)


@pytest.mark.parametrize("loss", [squared_error, huber])
@pytest.mark.parametrize("double", [False, True])
def test_one_gradient_of_a_network_is_its_definition(double, loss):
    """Step by step, in loops: forward, target, backward through both layers; 1e-10."""
    rng = np.random.default_rng(0)
    q, frozen = network([3, 5, 2], 1, gain=2.0), network([3, 5, 2], 2, gain=2.0)
    s, s_next = rng.standard_normal((2, 8, 3))
    batch = Batch(s, rng.integers(2, size=8), 2 * rng.standard_normal(8), s_next, rng.random(8) < 0.3)
    cfg = DQNConfig(gamma=0.9, next_value=double_value if double else max_value, loss=loss)
    value, grads = td_gradient(q, frozen, batch, same, cfg)

    def values(p, x):
        hidden = [np.tanh(sum(x[i] * p["W0"][i, j] for i in range(3)) + p["b0"][j]) for j in range(5)]
        return hidden, [sum(hidden[j] * p["W1"][j, a] for j in range(5)) + p["b1"][a] for a in range(2)]

    total, expected = 0.0, {name: np.zeros_like(array) for name, array in q.params.items()}
    for b in range(8):
        (_, online), (_, judge) = values(q.params, s_next[b]), values(frozen.params, s_next[b])
        chosen = judge[0 if online[0] > online[1] else 1] if double else max(judge)
        target = batch.reward[b] + (0.0 if batch.terminated[b] else 0.9 * chosen)
        hidden, Q = values(q.params, s[b])
        a = batch.action[b]
        e = Q[a] - target
        small = loss is squared_error or abs(e) <= 1
        total += (e * e / 2 if small else abs(e) - 0.5) / 8
        d = (e if small else np.sign(e)) / 8
        expected["b1"][a] += d
        for j in range(5):
            expected["W1"][j, a] += d * hidden[j]
            d_hidden = d * q.params["W1"][j, a] * (1 - hidden[j] ** 2)
            expected["b0"][j] += d_hidden
            for i in range(3):
                expected["W0"][i, j] += d_hidden * s[b][i]
    assert batch.terminated.any()
    assert value == pytest.approx(total, abs=1e-10)
    for name, g in expected.items():
        np.testing.assert_allclose(grads[name], g, rtol=0, atol=1e-10)


def test_double_value_counts_ties_equally():
    q, frozen = tables([[2.0, 2.0, 1.0]], [[3.0, 9.0, 50.0]])
    np.testing.assert_array_equal(double_value(q, frozen, np.eye(1)), [6.0])


def test_blend():
    frozen, params = {"w": np.array([1.0, 2.0])}, {"w": np.array([3.1, -2.7])}
    w = frozen["w"]
    blend(frozen, params, 0.25)
    np.testing.assert_allclose(w, [1.525, 0.825], atol=1e-15)
    blend(frozen, params, 1.0)
    np.testing.assert_array_equal(w, params["w"])
    assert w is not params["w"]


def test_exploration_falls_in_a_straight_line():
    cfg = DQNConfig(epsilon=(0.9, 0.1), explore=100)
    assert [schedule(cfg, step) for step in (0, 50, 100, 1000)] == pytest.approx([0.9, 0.5, 0.1, 0.1])


# ---------------------------------------------------------------- Q* on a model


def ring(horizon=7):
    """Seven states in a ring, action 0 goes one on and action 1 three; from state 6 both end the episode, in 7.

    Every state is a start. Most episodes are cut by the time limit.
    """
    S, s = 8, np.arange(6)
    P, R = np.zeros((S, 2, S)), np.zeros((S, 2))
    P[s, 0, (s + 1) % 6] = P[s, 1, (s + 3) % 7] = 1.0
    R[s, 0], R[s, 1] = s % 3 - 1, 0.5
    P[6:, :, 7], R[6] = 1.0, (4.0, 3.0)
    return MDP(P, R, 0.8, np.append(np.ones(7), 0) / 7, np.arange(S) == 7, horizon)


SMALL = DQNConfig(
    gamma=0.8,
    steps=4000,
    lr=0.02,
    batch=64,
    capacity=2000,
    warmup=500,
    walkers=10,
    collect=5,
    updates=40,
    freeze=40,
    epsilon=(1.0, 1.0),
    eval_every=4000,
    eval_episodes=5,
)


@pytest.mark.parametrize("next_value", [max_value, double_value])
def test_a_linear_q_on_one_hot_features_finds_the_optimal_values(next_value):
    """To rounding, as nothing in the model is random. Values cut off at the time limit would be wrong by 1.2."""
    mdp = ring()
    q = Value(mlp_params([8, 2], np.random.default_rng(0)), mlp)
    dqn(mdp, q, replace(SMALL, next_value=next_value), np.random.default_rng(1))
    best = mdp.lookahead(optimal_value(mdp))
    np.testing.assert_allclose(q(np.eye(8))[0][:7], best[:7], rtol=0, atol=1e-8)


def test_a_live_environment_with_numbered_states():
    """Gymnasium's lake without slipping, one-hot: the way to the goal, and every Q(s, a) of the model to 0.05.

    Eight seeds came within 0.02. A table in disguise, but for the bias, which all states share.
    """
    model = mdp_from_gymnasium("FrozenLake-v1", gamma=0.9, is_slippery=False)
    env, q = GymnasiumEnv("FrozenLake-v1", {"is_slippery": False}), network([16, 4], 0)
    cfg = replace(
        SMALL, gamma=0.9, steps=6000, lr=0.005, capacity=6000, updates=80, freeze=80, eval_every=6000
    )
    history = dqn(env, q, replace(cfg, epsilon=(1.0, 0.5), explore=6000), np.random.default_rng(0))
    assert history[-1]["score"] == 1
    assert history[-1]["value"] == pytest.approx(0.9**5)
    error = q(np.eye(16))[0] - model.lookahead(optimal_value(model))
    assert np.abs(error[~model.terminal]).max() < 0.05


def test_history_and_parameters():
    mdp, rng = ring(), np.random.default_rng(1)
    q = network([8, 6, 2], 0, dtype=np.float32)
    arrays, before = list(q.params.values()), copy(q.params)
    cfg = replace(SMALL, steps=1200, eval_every=300, epsilon=(1.0, 0.2), explore=600)
    history = dqn(mdp, q, cfg, rng)
    assert [row["step"] for row in history] == [0, 300, 600, 900, 1200]
    assert [row["updates"] for row in history] == [0, 0, 120, 360, 600]
    assert [row["epsilon"] for row in history] == pytest.approx([1.0, 0.6, 0.2, 0.2, 0.2])
    assert np.isnan([row["loss"] for row in history]).tolist() == [True, True, False, False, False]
    assert all(row.keys() == {"step", "updates", "epsilon", "loss", "score", "value", "q"} for row in history)
    for array, now, name in zip(arrays, q.params.values(), before):
        assert now is array
        assert now.dtype == np.float32
        assert (now != before[name]).any()


def test_the_same_seed_gives_the_same_run():
    def run(seed):
        q = network([8, 6, 2], 0)
        cfg = replace(SMALL, steps=1000, eval_every=500)
        return dqn(ring(), q, cfg, np.random.default_rng(seed)), q.params["W0"]

    (first, W), (again, W_again), (_, other) = run(3), run(3), run(4)
    np.testing.assert_equal(first, again)
    np.testing.assert_array_equal(W, W_again)
    assert (W != other).any()


def test_a_copy_that_never_follows_looks_one_step_ahead_of_the_first_network():
    """blend = 0: the targets stay r + gamma max of the first values, and a table learns them exactly."""
    env, q = ring(), network([8, 2], 0)
    first = q(np.eye(8))[0].max(axis=1) * ~env.terminal
    dqn(env, q, replace(SMALL, blend=0.0), np.random.default_rng(3))
    expected = env.expected_reward + 0.8 * env.P @ first
    np.testing.assert_allclose(q(np.eye(8))[0][:7], expected[:7], rtol=0, atol=1e-3)


def test_evaluations_do_not_disturb_learning():
    """They draw from a stream of their own: looking more often changes nothing."""

    def run(every):
        q = network([8, 6, 2], 0)
        dqn(
            ring(),
            q,
            replace(SMALL, steps=1000, eval_every=every),
            np.random.default_rng(2),
        )
        return q.params["W0"]

    np.testing.assert_array_equal(run(1000), run(100))


def test_a_row_holds_the_mean_loss_since_the_row_before():
    def losses(every):
        history = dqn(
            ring(),
            network([8, 6, 2], 0),
            replace(SMALL, steps=1000, eval_every=every),
            np.random.default_rng(2),
        )
        return np.array([row["loss"] for row in history[-500 // every :]])  # the last 500 steps

    assert losses(100).shape == (5,)
    np.testing.assert_allclose(losses(100).mean(), losses(500), rtol=1e-12)


def test_an_assessment_begins_at_the_start():
    """Always the same start, nothing random: a judge that has walked before gives the same numbers as a fresh one."""
    mdp, q = replace(ring(), start=np.eye(8)[1]), network([8, 6, 2], 0)
    fresh, used = (make_runner(mdp, 3, np.random.default_rng(seed)) for seed in (0, 1))
    expected = assess(fresh, q, 0.8)
    used.collect(explorer(q, mdp.observe, 0.0), 2)
    assert assess(used, q, 0.8) == expected
    assert expected["q"] == pytest.approx(q(np.eye(8))[0][1].max())


def test_the_run_stops_when_it_is_good_enough():
    q = network([8, 2], 0)
    assert len(dqn(ring(), q, replace(SMALL, stop_at=-100), np.random.default_rng(0))) == 1


def test_nothing_is_printed(capsys):
    dqn(ring(), network([8, 2], 0), replace(SMALL, steps=600), np.random.default_rng(0))
    assert capsys.readouterr() == ("", "")


# ---------------------------------------------------------------- CartPole


def train_on_cartpole(env, seed, **settings):
    """-> history, CPU seconds, 100 fresh greedy episodes"""
    rng = np.random.default_rng(seed)
    params = mlp_params([4, 64, 64, 2], rng, dtype=np.float32)
    q = Value(params, scaled(partial(mlp, activation=relu), SCALE))
    began = time.process_time()
    history = dqn(env, q, DQNConfig(next_value=double_value, **settings), rng)
    seconds = time.process_time() - began
    fresh = make_runner(env, 100, np.random.default_rng(10_000 + seed))
    return history, seconds, evaluate(fresh, explorer(q, fresh.env.observe, 0.0))[0]


def test_cartpole_is_learnt():
    """5,120 steps bring 120 or more; random pushes score 22. Seeds 100 to 179 all came to 171 or more."""
    history, _, _ = train_on_cartpole(CartPole(), 0, steps=5_120)
    assert history[-1]["step"] == 5_120
    assert history[-1]["updates"] == 640
    assert history[-1]["score"] >= 120


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_cartpole_is_solved(seed):
    """A mean of 475 over 100 fresh greedy episodes, in less than 60 seconds of CPU: it took up to 4."""
    history, seconds, scores = train_on_cartpole(CartPole(), seed, stop_at=495)
    print(f"seed {seed}: {seconds:.2f} s of CPU, {history[-1]['step']} steps, mean {scores.mean():.1f}")
    assert history[-1]["score"] >= 475
    assert scores.mean() >= 475
    assert seconds < 60


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_gymnasiums_cartpole_is_solved(seed):
    _, seconds, scores = train_on_cartpole(GymnasiumEnv("CartPole-v1"), seed, stop_at=495)
    assert scores.mean() >= 475
    assert seconds < 60


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, 0) for name in ("steps", "batch", "walkers", "collect", "updates", "freeze", "explore")),
        *(
            ("steps", 1.5),
            ("eval_every", 0),
            ("eval_episodes", -1),
            ("capacity", None),
            ("warmup", float("nan")),
        ),
        *(("gamma", 1.1), ("gamma", float("nan")), ("lr", 0.0), ("lr", float("inf")), ("lr", "fast")),
        *(("blend", 1.5), ("blend", -0.1), ("epsilon", 0.1), ("epsilon", (1.0, 0.1, 0.0))),
        *(("stop_at", float("nan")), ("stop_at", None)),
    ],
)
def test_the_configuration_refuses(field, value):
    with pytest.raises(ValueError, match=f"^{field} is "):
        DQNConfig(**{field: value})


def test_the_configuration_refuses_an_epsilon_and_a_memory_too_small():
    with pytest.raises(ValueError, match=r"epsilon\[1\] is 2"):
        DQNConfig(epsilon=(1.0, 2))
    with pytest.raises(ValueError, match="warmup is 1000, more than the memory holds: capacity 500"):
        DQNConfig(capacity=500)


class Steered(CartPole):
    """CartPole with a force instead of two pushes."""

    actions = Box(np.array([-1.0]), np.array([1.0]))


@pytest.mark.parametrize(
    ("env", "sizes", "message"),
    [
        (
            CartPole(),
            [4, 3],
            r"q gives shape \(64, 3\) for 64 states; it must be \(64, 2\), one number an action",
        ),
        (CartPole(), [5, 2], r"q does not take features of shape \(64, 4\)"),
        (Steered(), [4, 2], "env has real-valued actions"),
        (GymnasiumEnv("Pendulum-v1"), [3, 2], "env has real-valued actions"),
        (ring(horizon=None), [8, 3], r"q gives shape"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(env, sizes, message):
    with pytest.raises(ValueError, match=message):
        dqn(env, network(sizes, 0), DQNConfig(), np.random.default_rng(0))


def test_actions_that_do_not_exist_are_refused():
    class Gap(CartPole):
        allowed = np.array([[True, False]])

    with pytest.raises(ValueError, match="some actions do not exist"):
        dqn(Gap(), network([4, 2], 0), DQNConfig(), np.random.default_rng(0))
