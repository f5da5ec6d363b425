"""Gradients that come late: when, by how much, and how large a step they still allow."""

import numpy as np
import pytest

from rlcore.algorithms.actor_critic import ActorCriticConfig, actor_critic
from rlcore.algorithms.asynchronous import arrivals, asynchronous_a2c, delayed_descent, rounds
from rlcore.algorithms.distributed import SynchronousConfig, a2c_step
from rlcore.exact.descent import largest_rate
from rlcore.learning.heads import Categorical
from rlcore.learning.policies import Policy, Value
from rlcore.learning.shards import dealt
from rlcore.nn.layers import mlp, mlp_params
from rlcore.nn.optim import Adam
from rlcore.problems.cartpole import CartPole
from rlcore.problems.gym import GymnasiumEnv

# ---------------------------------------------------------------- time


def test_rounds_and_arrivals_by_hand():
    """Shard 0 needs 1 second, shard 1 needs 3.5: it is overtaken three times for its first gradient."""
    duration = [[1.0, 1.0, 1.0, 1.0], [3.5, 3.5, 3.5, 3.5]]
    np.testing.assert_allclose(rounds(duration), [3.5, 7, 10.5, 14])
    time, shard, delay = arrivals(duration)
    np.testing.assert_allclose(time, [1, 2, 3, 3.5, 4, 7, 10.5, 14])
    assert shard.tolist() == [0, 0, 0, 1, 0, 1, 1, 1]
    assert delay.tolist() == [0, 0, 0, 3, 1, 1, 0, 0]


@pytest.mark.parametrize("K", [1, 2, 5])
def test_shards_of_equal_speed_are_late_by_the_others(K):
    time, shard, delay = arrivals(np.ones((K, 6)))
    assert shard.tolist() == list(range(K)) * 6
    assert delay[K:].tolist() == [K - 1] * 5 * K
    assert delay[:K].tolist() == list(range(K))
    np.testing.assert_array_equal(time, np.repeat(np.arange(1.0, 7.0), K))
    np.testing.assert_array_equal(rounds(np.ones((K, 6))), np.arange(1.0, 7.0))


def test_delays_against_a_loop():
    duration = np.random.default_rng(0).exponential(size=(4, 50))
    _, shard, delay = arrivals(duration)
    read = [0] * 4
    for version, (k, late) in enumerate(zip(shard, delay)):
        assert late == version - read[k]
        read[k] = version + 1
    assert delay.max() > 6


def test_a_round_of_exponential_times_is_a_harmonic_number():
    """|z| <= 4, four times: a false alarm in 4,000. Shards that do not wait do K gradients a second."""
    n = 20_000
    for K in (1, 2, 4, 8):
        duration = np.random.default_rng(K).exponential(size=(K, n))
        k = np.arange(1, K + 1)
        error = np.sqrt((1 / k**2).sum() / n)
        assert abs(rounds(duration)[-1] / n - (1 / k).sum()) < 4 * error
        delay = arrivals(duration)[2]
        assert abs(delay.mean() - (K - 1)) < 0.1


# ---------------------------------------------------------------- descent


def test_delayed_descent_by_hand():
    """g(w) = w, lr = 1/2, delay 1: 1, 1/2, 0, -1/4, -1/4, -1/8."""
    path = delayed_descent(lambda w: w, [1.0], lr=0.5, delay=1, steps=5)
    np.testing.assert_array_equal(path[:, 0], [1, 0.5, 0, -0.25, -0.25, -0.125])
    plain = delayed_descent(lambda w: w, [1.0, 2.0], lr=0.5, delay=0, steps=3)
    np.testing.assert_array_equal(plain, np.outer(0.5 ** np.arange(4), [1.0, 2.0]))


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_descent_runs_away_beyond_it(delay):
    steps, curvature = 3_000, 4.0
    edge = largest_rate(delay) / curvature
    inside, outside = (
        np.abs(
            delayed_descent(lambda w: curvature * w, [1.0], lr=factor * edge, delay=delay, steps=steps)[-1, 0]
        )
        for factor in (0.98, 1.02)
    )
    assert inside < 1e-3
    assert outside > 1e3


# ---------------------------------------------------------------- actor-critic


def networks(seed=0, hidden=8):
    rng = np.random.default_rng(seed)
    policy = Policy(mlp_params([4, hidden, 2], rng, last_gain=0.01), mlp, Categorical())
    return policy, Value(mlp_params([4, hidden, 1], rng), mlp)


QUICK = {"steps": 640, "walkers": 4, "T": 8, "eval_every": 5, "eval_episodes": 2}


def train(delay, seed=3, **settings):
    policy, value = networks()
    cfg = SynchronousConfig(**{**QUICK, "shards": 2, **settings})
    history = asynchronous_a2c(CartPole(), policy, value, cfg, np.random.default_rng(seed), delay=delay)
    return history, {**policy.params, **{"V " + name: array for name, array in value.params.items()}}


def test_one_shard_without_delay_is_actor_critic():
    history, params = train(0, shards=1)
    policy, value = networks()
    expected = actor_critic(
        CartPole(), policy, value, ActorCriticConfig(**QUICK), np.random.default_rng(3).spawn(2)[0]
    )
    for name, array in policy.params.items():
        np.testing.assert_array_equal(params[name], array)
    for row, twin in zip(history, expected, strict=True):
        np.testing.assert_equal({**row, "score": 0}, {**twin, "score": 0})


def test_the_first_delay_updates_see_the_first_parameters():
    """Their policies are the first one: entropy log 2 less what 0.01 in the last layer takes; then they move."""
    entropies = [row["entropy"] for row in train(5, lr=0.1, value_lr=0.1)[0]]
    assert min(entropies[:6]) > np.log(2) - 1e-4
    assert entropies[6] < np.log(2) - 1e-3
    assert train(0, lr=0.1, value_lr=0.1)[0][1]["entropy"] < np.log(2) - 1e-3


def test_shards_take_turns():
    history, params = train(1)
    assert [row["step"] for row in history] == list(range(16, 641, 16))
    other, others = train(1)
    np.testing.assert_equal(history, other)
    assert all((params[name] == others[name]).all() for name in params)
    assert any((params[name] != array).any() for name, array in train(2)[1].items())


def test_every_shard_walks():
    """Two shards without delay, by hand: they walk on streams of their own, one after the other."""
    history, params = train(0, max_norm=np.inf)
    policy, value = networks()
    cfg = ActorCriticConfig(**{**QUICK, "walkers": 2})
    shards, _ = dealt(CartPole(), (policy, value), cfg, 2, np.random.default_rng(3))
    adam, adam_critic = Adam(cfg.lr), Adam(cfg.value_lr)
    for i in range(len(history)):
        (grads, grads_critic), shards[i % 2], _ = a2c_step((policy, value), shards[i % 2], cfg)
        adam.step(policy.params, grads)
        adam_critic.step(value.params, grads_critic)
    for name, array in policy.params.items():
        np.testing.assert_array_equal(params[name], array)


@pytest.mark.slow
def test_very_late_gradients_cost_learning():
    """Mean score on the way through 50,000 steps, 5 seeds each, with large steps: 16 updates late is no loss to
    be seen (8 seeds: 161, against 170 fresh), 64 updates late is most of it (48).
    """
    area = {delay: [] for delay in (0, 64)}
    for delay, seed in ((d, s) for d in area for s in range(5)):
        policy, value = networks(seed, 64)
        cfg = SynchronousConfig(
            shards=1, steps=50_000, lr=0.01, value_lr=0.01, eval_every=39, eval_episodes=30
        )
        history = asynchronous_a2c(CartPole(), policy, value, cfg, np.random.default_rng(seed), delay=delay)
        area[delay].append(np.nanmean([row["score"] for row in history]))
    print(area)
    assert np.mean(area[0]) > 2 * np.mean(area[64])


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("duration", "message"),
    [
        ([1.0, 2.0], r"duration has shape \(2,\)"),
        (np.zeros((2, 0)), r"duration has shape \(2, 0\)"),
        ([[1.0, 2.0], [1.0, 0.0]], r"duration\[1, 1\] is 0.0"),
        ([[1.0, np.nan]], r"duration\[0, 1\] is nan"),
    ],
)
def test_durations_that_are_refused(duration, message):
    for f in (rounds, arrivals):
        with pytest.raises(ValueError, match=message):
            f(duration)


@pytest.mark.parametrize("delay", [-1, 0.5, True, None])
def test_delays_that_are_refused(delay):
    for call in (train, lambda d: delayed_descent(np.sin, [1.0], lr=1.0, delay=d, steps=1)):
        with pytest.raises(ValueError, match=r"^delay is "):
            call(delay)


def test_other_refusals():
    for name, wrong in (("lr", 0.0), ("lr", np.inf), ("lr", None), ("steps", 0)):
        with pytest.raises(ValueError, match=f"^{name} is "):
            delayed_descent(np.sin, [1.0], **{"lr": 1.0, "delay": 0, "steps": 1, name: wrong})
    with pytest.raises(ValueError, match=r"^env is "):
        asynchronous_a2c(
            GymnasiumEnv("CartPole-v1"), *networks(), SynchronousConfig(), np.random.default_rng(0), delay=0
        )
