"""One contract over every learner of tables: a new one joins by a line in PREDICTION or CONTROL.

Each takes a dense MDP, a sparse one, any pure-function environment with finitely many states, and a live
Gymnasium environment with one run; each gives the same bits for the same seed, keeps terminal states at 0,
refuses what it cannot mean, and learns.
"""

import re
from functools import partial

import gymnasium
import numpy as np
import pytest

from rlcore.algorithms import monte_carlo, n_step, planning, td, traces
from rlcore.exact.values import optimal_value, policy_value
from rlcore.problems.cartpole import CartPole
from rlcore.problems.chains import MaximizationBias, cycle, random_walk
from rlcore.problems.gridworlds import GridWorld, frozen_lake
from rlcore.problems.gym import GymnasiumEnv


def off_policy(learner, **extra):
    """The learners that follow one policy and learn about another one, here about itself."""
    return lambda env, pi, **kw: learner(env, pi, pi, **extra, **kw)


PREDICTION = {
    "td0": td.td0,
    "mc_prediction": partial(monte_carlo.mc_prediction, first_visit=True),
    "mc_prediction, every visit": partial(monte_carlo.mc_prediction, first_visit=False),
    "n_step_td": partial(n_step.n_step_td, n=3),
    "off_policy_n_step_td": off_policy(n_step.off_policy_n_step_td, n=3),
    "offline_lambda_return": partial(traces.offline_lambda_return, lam=0.8),
    "online_lambda_return": partial(traces.online_lambda_return, lam=0.8),
    "td_lambda": partial(traces.td_lambda, lam=0.8),
    "true_online_td_lambda": partial(traces.true_online_td_lambda, lam=0.8),
}
CONTROL = {
    "sarsa": td.sarsa,
    "expected_sarsa": td.expected_sarsa,
    "q_learning": td.q_learning,
    "double_q_learning": td.double_q_learning,
    "mc_control": monte_carlo.mc_control,
    "n_step_sarsa": partial(n_step.n_step_sarsa, n=3),
    "n_step_expected_sarsa": partial(n_step.n_step_expected_sarsa, n=3),
    "off_policy_n_step_sarsa": partial(n_step.off_policy_n_step_sarsa, n=3),
    "tree_backup": partial(n_step.tree_backup, n=3),
    "sarsa_lambda": partial(traces.sarsa_lambda, lam=0.8),
    "watkins_q_lambda": partial(traces.watkins_q_lambda, lam=0.8),
    "dyna_q": partial(planning.dyna_q, planning=5),
    "dyna_q_plus": partial(planning.dyna_q_plus, planning=5, kappa=1e-4),
    "prioritized_sweeping": partial(planning.prioritized_sweeping, planning=5),
}
RATES = {"alpha": 0.2, "gamma": 0.9}


class Plain:
    """A model with nothing but the verbs of an environment: no P, no gamma."""

    def __init__(self, model):
        self.model = model
        for name in ("n_states", "actions", "n_features", "horizon", "terminal"):
            setattr(self, name, getattr(model, name))

    def reset(self, rng, size=None):
        return self.model.reset(rng, size)

    def step(self, state, action, rng):
        return self.model.step(state, action, rng)

    def observe(self, state):
        return self.model.observe(state)


def lake(slip=0.0, step_reward=0.0):
    """A lake with a time limit, as its live twin has."""
    return GridWorld(
        frozen_lake().map, gamma=0.99, step_reward=step_reward, enter={"G": 1.0}, slip=slip, horizon=100
    )


def uniform(env):
    return np.full((env.n_states, env.actions.n), 1 / env.actions.n)


def predict(name, env, **kw):
    """V (runs, S) of the uniform policy."""
    settings = {"episodes": 5, "rng": np.random.default_rng(0), **RATES, **kw}
    return PREDICTION[name](env, settings.pop("pi", None) if "pi" in settings else uniform(env), **settings).V


def control(name, env, **kw):
    """Q (runs, S, A)."""
    return CONTROL[name](
        env, **{"episodes": 5, "epsilon": 0.2, "rng": np.random.default_rng(0), **RATES, **kw}
    ).Q


@pytest.mark.parametrize("name", PREDICTION)
def test_prediction_takes_every_kind_of_environment(name):
    """On one stream: the sparse model, the dense one and the bare environment give one table."""
    sparse = lake()
    V = predict(name, sparse, runs=3)
    assert V.shape == (3, sparse.n_states)
    np.testing.assert_array_equal(V[:, sparse.terminal], 0.0)
    np.testing.assert_allclose(predict(name, Plain(sparse), runs=3), V, rtol=0, atol=1e-14)
    assert predict(name, sparse.dense(), runs=3).shape == V.shape


@pytest.mark.parametrize("name", CONTROL)
def test_control_takes_every_kind_of_environment(name):
    sparse = lake()
    Q = control(name, sparse, runs=3)
    assert Q.shape == (3, sparse.n_states, sparse.n_actions)
    np.testing.assert_array_equal(Q[:, sparse.terminal], 0.0)
    np.testing.assert_allclose(control(name, Plain(sparse), runs=3), Q, rtol=0, atol=1e-14)
    assert control(name, sparse.dense(), runs=3).shape == Q.shape


@pytest.mark.parametrize("name", [*PREDICTION, *CONTROL])
def test_a_live_environment(name):
    """By name and as an object: the same table, on which every step has left its cost."""
    learn = partial(predict, pi=np.full((48, 4), 0.25)) if name in PREDICTION else control
    kwargs = {"max_episode_steps": 60}
    table = learn(name, GymnasiumEnv("CliffWalking-v1", kwargs))
    np.testing.assert_array_equal(table, learn(name, gymnasium.make("CliffWalking-v1", **kwargs)))
    assert table.shape == ((1, 48) if name in PREDICTION else (1, 48, 4))
    assert table[0, 36].min() < -1  # the start has been left more than once
    assert np.isfinite(table).all()
    with pytest.raises(ValueError, match="runs is 2; a live"):
        learn(name, GymnasiumEnv("CliffWalking-v1", kwargs), runs=2)


@pytest.mark.parametrize("name", [*PREDICTION, *CONTROL])
def test_the_same_seed_gives_the_same_bits(name):
    learn = predict if name in PREDICTION else control
    env = random_walk(5) if name in PREDICTION else lake(slip=0.5, step_reward=-0.1)
    first, again, other = (
        learn(name, env, runs=4, rng=np.random.default_rng(seed), episodes=4) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first[0] != first[1]).any()  # the runs are independent


@pytest.mark.parametrize("name", [*PREDICTION, *CONTROL])
def test_without_a_learning_rate_nothing_is_learned(name):
    if name in PREDICTION:
        V0 = np.linspace(0.1, 0.7, 7)
        V = predict(name, random_walk(5), alpha=0.0, V0=V0)
        np.testing.assert_array_equal(V[0, 1:-1], V0[1:-1])
    else:
        env = lake()
        Q = control(name, env, alpha=0.0, Q0=0.3)
        np.testing.assert_array_equal(Q[0, ~env.terminal], 0.3)


@pytest.mark.parametrize("name", PREDICTION)
def test_prediction_learns(name):
    """The mean table of 40 runs over episodes 50 to 100 is within 0.08 of the truth; the first table is 0.33 off.

    The worst learner on the worst of ten other seeds erred by 0.044.
    """
    walk, rng = random_walk(5), np.random.default_rng(3)
    p = PREDICTION[name](walk, np.ones((7, 1)), episodes=100, alpha=0.05, gamma=1.0, rng=rng, runs=40, V0=0.5)
    truth = policy_value(walk, np.ones((7, 1)))
    np.testing.assert_allclose(p.trace[50:].mean(axis=(0, 1))[1:-1], truth[1:-1], atol=0.08)


@pytest.mark.parametrize("name", CONTROL)
def test_control_learns(name):
    """On a small map without chance every learner's greedy policy reaches the goal by a shortest way, in most runs."""
    grid = GridWorld("S.. .#. ..G", gamma=0.9, horizon=200)
    Q = control(name, grid, episodes=200, runs=20, epsilon=0.1)
    state, gained, weight = grid.reset(np.random.default_rng(0), 20), np.zeros(20), 1.0
    for _ in range(30):
        action = Q[np.arange(20), state].argmax(axis=1)
        state, reward, _ = grid.step(state, action, np.random.default_rng(0))
        gained, weight = gained + weight * reward, weight * grid.gamma
    assert (np.abs(gained - optimal_value(grid)[0]) < 1e-9).mean() >= 0.8


@pytest.mark.parametrize("name", [*PREDICTION, *CONTROL])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"alpha": np.nan}, "alpha is nan; it must be from 0 to 1"),
        ({"alpha": 1.5}, "alpha is 1.5; it must be from 0 to 1"),
        ({"alpha": [0.1, 0.2, -0.3], "runs": 3}, "alpha[2] is -0.3; it must be from 0 to 1"),
        ({"alpha": [0.1, 0.2], "runs": 3}, "alpha is [0.1, 0.2]; it must be"),
        ({"alpha": "fast"}, "alpha is 'fast'; it must be"),
        ({"gamma": 1.01}, "gamma is 1.01; it must be a number from 0 to 1"),
        ({"gamma": np.nan}, "gamma is nan; it must be a number from 0 to 1"),
        ({"episodes": 0}, "episodes is 0; it must be a whole number >= 1"),
        ({"episodes": 2.5}, "episodes is 2.5; it must be a whole number >= 1"),
        ({"runs": 0}, "runs is 0; it must be a whole number >= 1"),
        ({"rng": 0}, "rng is int; it must be a Generator"),
    ],
    ids=lambda x: str(x)[:24],
)
def test_what_a_learner_refuses(name, wrong, message):
    learn = predict if name in PREDICTION else control
    with pytest.raises(ValueError, match=re.escape(message)):
        learn(name, random_walk(5), **wrong)


@pytest.mark.parametrize("name", CONTROL)
@pytest.mark.parametrize("epsilon", [-0.1, 1.1, np.nan, "much"])
def test_control_refuses_an_epsilon(name, epsilon):
    with pytest.raises(ValueError, match=r"epsilon is .*; it must be a probability"):
        control(name, lake(), epsilon=epsilon)


@pytest.mark.parametrize("name", PREDICTION)
def test_prediction_refuses_a_policy(name):
    with pytest.raises(ValueError, match=r"pi\[0\] sums to 2, not 1|pi\[0\] sums to 2"):
        predict(name, random_walk(5), pi=np.full((7, 1), 2.0))
    with pytest.raises(ValueError, match=r"V0\[2\]|V0\[0, 2\]"):
        predict(name, random_walk(5), V0=[0, 0, np.nan, 0, 0, 0, 0])


@pytest.mark.parametrize("name", [*PREDICTION, *CONTROL])
def test_episodes_that_need_not_end_are_refused(name):
    learn = predict if name in PREDICTION else control
    with pytest.raises(ValueError, match="env has no time limit, and from state 0 no terminal state"):
        learn(name, cycle(4))
    with pytest.raises(ValueError, match="env is CartPole; a table needs finitely many states and actions"):
        learn(name, CartPole(), pi=np.ones((1, 1))) if learn is predict else learn(name, CartPole())


@pytest.mark.parametrize("name", CONTROL)
def test_an_action_that_does_not_exist_is_never_taken(name):
    env = MaximizationBias()
    Q = control(name, env, episodes=50, runs=5, epsilon=0.5)
    assert (Q[:, ~env.allowed] == -np.inf).all()
    assert np.isfinite(Q[:, env.allowed]).all()
