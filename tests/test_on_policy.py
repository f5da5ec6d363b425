"""Fresh experience: whole episodes, flat batches, advantages and targets against loops over the steps."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest

from rlcore.exact.values import optimal_value
from rlcore.learning.heads import Categorical
from rlcore.learning.on_policy import (
    NO_CRITIC,
    Walks,
    actor,
    check_fit,
    check_settings,
    explained_variance,
    fixed_steps,
    judged,
    mean_score,
    minibatches,
    monte_carlo,
    recent_return,
    td,
    whole_episodes,
)
from rlcore.learning.policies import Policy, Value
from rlcore.learning.returns import gae
from rlcore.learning.rollout import make_runner
from rlcore.nn.layers import mlp, mlp_params
from rlcore.problems.cartpole import CartPole
from rlcore.problems.gridworlds import small_grid
from rlcore.problems.probes import cut_short

PUSH_RIGHT = lambda state, rng: (np.ones(len(state), int), np.zeros(len(state)))


# ---------------------------------------------------------------- walking


def test_whole_episodes():
    """Every walker walks one, from a fresh start; rows after its end belong to the next one and do not count."""
    env = CartPole()
    runner = make_runner(env, 5, np.random.default_rng(0))
    runner.collect(PUSH_RIGHT, 3)
    walks = whole_episodes(runner, PUSH_RIGHT)
    assert (np.abs(walks.state[0]) <= 0.05).all()
    lengths = walks.live.sum(axis=0)
    assert walks.live.shape == (lengths.max(), 5)
    assert lengths.min() < lengths.max()  # or nothing is left out here
    for n, T in enumerate(lengths):
        assert walks.live[:T, n].all()
        assert walks.done[:T, n].tolist() == [False] * (T - 1) + [True]
        np.testing.assert_array_equal(walks.next_state[: T - 1, n], walks.state[1:T, n])
    assert runner.scores == lengths.tolist()  # a reward of 1 a step; not those of second episodes


def test_episodes_that_the_clock_cuts():
    env = cut_short()
    walks = whole_episodes(make_runner(env, 4, np.random.default_rng(0)), lambda s, rng: (0 * s, 0.0 * s))
    assert walks.live.all()
    np.testing.assert_array_equal(walks.truncated, np.array([[False], [False], [True]]).repeat(4, axis=1))
    assert not walks.terminated.any()


def test_fixed_steps_go_on_where_they_were():
    runner = make_runner(CartPole(), 3, np.random.default_rng(0))
    first, second = fixed_steps(runner, PUSH_RIGHT, 4), fixed_steps(runner, PUSH_RIGHT, 4)
    assert first.live.all()
    assert first.live.shape == (4, 3)
    np.testing.assert_array_equal(second.state[0], first.next_state[-1])


def test_recent_return_forgets_what_it_has_said():
    runner = make_runner(cut_short(), 2, np.random.default_rng(0))
    assert np.isnan(recent_return(runner))
    runner.collect(lambda s, rng: (0 * s, 0.0 * s), 3)
    assert recent_return(runner) == 2.0
    assert np.isnan(recent_return(runner))


def test_mean_score_is_that_of_the_policy():
    """Two cells from the corner, and a policy that goes there; the judge has walked before."""
    env = replace(small_grid().dense(), start=np.eye(16)[13])
    judge = make_runner(env, 5, np.random.default_rng(0))
    judge.collect(lambda s, rng: (0 * s, 0.0 * s), 1)  # one cell up: three moves from a corner
    best = optimal_value(env)
    greedy = env.lookahead(best).argmax(axis=1)
    table = Policy({"W0": 100 * np.eye(4)[greedy], "b0": np.zeros(4)}, mlp, Categorical())
    assert mean_score(judge, actor(table, env.observe)) == best[13] == -2.0


# ---------------------------------------------------------------- judging


TAPE = {  # two walkers, six steps: an end, a cut, and a walk that goes on
    "reward": np.array([[1.0, 0.5], [0.0, -1.0], [-1.0, 2.0], [2.0, 0.0], [0.5, 1.0], [1.0, -2.0]]),
    "terminated": np.array([[0, 0], [1, 0], [0, 0], [0, 0], [0, 1], [0, 0]], bool),
    "truncated": np.array([[0, 0], [0, 0], [0, 1], [0, 0], [0, 0], [0, 0]], bool),
}


@dataclass(frozen=True)
class Dial:
    """A state is a number, and seen as it is."""

    def observe(self, state):
        return np.asarray(state)[..., None]


def tape():
    rng = np.random.default_rng(0)
    state, next_state = rng.standard_normal((2, 6, 2))
    done = TAPE["terminated"] | TAPE["truncated"]
    next_state[:-1][~done[:-1]] = state[1:][~done[:-1]]
    live = np.ones((6, 2), bool)
    live[4:, 0] = False
    action, logp = rng.integers(3, size=(6, 2)), rng.standard_normal((6, 2))
    walks = Walks(
        state, action, TAPE["reward"], next_state, TAPE["terminated"], TAPE["truncated"], logp, live
    )
    policy = Policy(mlp_params([1, 4, 3], rng), mlp, Categorical())
    return walks, policy, Value(mlp_params([1, 4, 1], rng), mlp)


def naive_advantage(walks, V, lam, gamma):
    """sum over k of (gamma lam)^k delta_{t+k}, up to the end of the episode or of the tape: O(T^2)."""
    T, N = walks.reward.shape
    A = np.zeros((T, N))
    for n in range(N):
        for t in range(T):
            for k in range(t, T):
                after = 0.0 if walks.terminated[k, n] else V(walks.next_state[k, n])
                delta = walks.reward[k, n] + gamma * after - V(walks.state[k, n])
                A[t, n] += (gamma * lam) ** (k - t) * delta
                if walks.terminated[k, n] or walks.truncated[k, n]:
                    break
    return A


ESTIMATES = [(td, 0.0), (monte_carlo, 1.0), (partial(gae, lam=0.7), 0.7)]


@pytest.mark.parametrize(("target", "lam_target"), [*ESTIMATES, (None, None)])
@pytest.mark.parametrize(("estimate", "lam"), ESTIMATES)
def test_judged_is_its_definition(estimate, lam, target, lam_target):
    """TD is lam = 0 and Monte Carlo lam = 1 of the same sum; steps that do not count are gone. 1e-10."""
    walks, policy, value = tape()
    V = lambda s: float(value(np.array([s]))[0][0])
    steps = judged(walks, policy, value, Dial().observe, estimate, 0.9, target)
    assert len(steps) == 10
    assert steps.x.shape == (10, 1)
    np.testing.assert_array_equal(steps.x[:, 0], walks.state[walks.live])
    np.testing.assert_array_equal(steps.action, walks.action[walks.live])
    np.testing.assert_array_equal(steps.logp, walks.logp[walks.live])
    np.testing.assert_allclose(steps.y, policy(steps.x)[0], rtol=0, atol=1e-14)
    v = np.array([V(s) for s in walks.state[walks.live]])
    np.testing.assert_allclose(steps.value, v, rtol=0, atol=1e-12)
    want = naive_advantage(walks, V, lam, 0.9)[walks.live]
    np.testing.assert_allclose(steps.advantage, want, rtol=0, atol=1e-10)
    better = naive_advantage(walks, V, lam if lam_target is None else lam_target, 0.9)[walks.live]
    np.testing.assert_allclose(steps.target, better + v, rtol=0, atol=1e-10)


def test_steps_have_the_number_type_of_the_network():
    """Rewards and states are float64; one such column would turn a float32 gradient into float64."""
    walks, _, _ = tape()
    rng = np.random.default_rng(1)
    policy = Policy(mlp_params([1, 4, 3], rng, dtype=np.float32), mlp, Categorical())
    for value in (Value(mlp_params([1, 4, 1], rng, dtype=np.float32), mlp), NO_CRITIC):
        steps = judged(walks, policy, value, Dial().observe, td, 0.9)
        columns = vars(steps) | {"logp": np.float32(0)}  # that one is as the walk drew it
        assert {name: a.dtype for name, a in columns.items() if name != "action"} == dict.fromkeys(
            ("x", "y", "logp", "value", "advantage", "target"), np.float32
        )


def test_without_a_critic_the_advantage_is_the_return():
    walks, policy, _ = tape()
    steps = judged(walks, policy, NO_CRITIC, Dial().observe, partial(gae, lam=1.0), 0.9)
    want = naive_advantage(walks, lambda s: 0.0, 1.0, 0.9)[walks.live]
    np.testing.assert_allclose(steps.advantage, want, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(steps.target, steps.advantage)
    assert NO_CRITIC(np.ones((3, 2)))[1](np.ones((3, 1)))[1] == {}


def test_minibatches_hold_every_step_once():
    walks, policy, value = tape()
    steps = judged(walks, policy, value, Dial().observe, td, 0.9)
    parts = list(minibatches(steps, 3, np.random.default_rng(0)))
    assert [len(part) for part in parts] == [3, 3, 4]
    rows = {(x, a, A) for x, a, A in zip(steps.x[:, 0], steps.action, steps.advantage)}
    drawn = [(x, a, A) for part in parts for x, a, A in zip(part.x[:, 0], part.action, part.advantage)]
    assert set(drawn) == rows
    assert drawn != list(zip(steps.x[:, 0], steps.action, steps.advantage))
    assert len(drawn) == 10
    assert [len(part) for part in minibatches(steps, 64, np.random.default_rng(0))] == [10]


def test_explained_variance():
    target = np.array([1.0, 2.0, 6.0])
    assert explained_variance(target, target) == 1.0
    assert explained_variance(target + 5, target) == pytest.approx(1.0)  # an offset is no variance
    assert explained_variance(np.full(3, 2.0), target) == 0.0
    assert explained_variance(-target, target) == pytest.approx(-3.0)
    assert np.isnan(explained_variance(target, np.ones(3)))
    with pytest.raises(ValueError, match=r"target has shape \(3,\); it must be \(3, 1\), the shape of value"):
        explained_variance(np.ones((3, 1)), target)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_targets_that_differ_by_rounding_have_nothing_to_explain(dtype, scale):
    """Every episode pays .1 at its end, so every target is .1: advantage plus value, but for the last digits."""
    rng = np.random.default_rng(0)
    value = (scale * rng.standard_normal((200, 4))).astype(dtype)
    reward, end = np.zeros((200, 4), dtype), np.zeros((200, 4), bool)
    reward[-1], end[-1] = scale / 10, True
    target = (
        gae(reward, value, np.roll(value, -1, axis=0), end, end, gamma=1.0, lam=1.0).astype(dtype) + value
    )
    assert np.var(target) > 0
    assert np.isnan(explained_variance(value, target))
    near = (1 + 1e-4 * rng.standard_normal(800)).astype(dtype) * dtype(
        scale
    )  # little, but more than rounding
    assert explained_variance(near, near) == 1.0
    assert explained_variance(np.full(800, near[0]), near) == pytest.approx(0.0, abs=1e-3)


# ---------------------------------------------------------------- doors


@dataclass(frozen=True)
class Settings:
    n: "int" = 3
    gamma: float = 0.9
    lr: float = 0.1
    limit: float = 1.0
    bonus: float = 0.0
    lam: float = 0.5
    rule: object = abs
    stop_at: float = np.inf

    def __post_init__(self):
        check_settings(self, positive=("lr", "limit"), least_0=("bonus",), part=("lam",))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("n", 0), ("n", 2.0), ("n", True), ("gamma", -1), ("gamma", "1"), ("lr", np.inf), ("lr", np.nan)),
        *(
            ("limit", 0.0),
            ("limit", None),
            ("bonus", -1e-9),
            ("bonus", np.inf),
            ("lam", 1.01),
            ("lam", np.nan),
        ),
        *(("rule", 3), ("stop_at", np.nan), ("stop_at", "never")),
    ],
)
def test_settings_out_of_range_are_refused(field, value):
    with pytest.raises(ValueError, match=f"^{field} is "):
        Settings(**{field: value})


def test_settings_at_the_edge_are_taken():
    Settings(n=1, gamma=1, lr=1e-9, limit=np.inf, bonus=0, lam=1.0, stop_at=-np.inf)


def test_actions_that_do_not_exist_are_refused():
    class Gap(CartPole):
        allowed = np.array([[True, False]])

    policy = Policy(mlp_params([4, 2], np.random.default_rng(0)), mlp, Categorical())
    with pytest.raises(ValueError, match="some actions do not exist"):
        check_fit(Gap(), policy, np.zeros((2, 4)))
    check_fit(CartPole(), policy, np.zeros((2, 4)))
