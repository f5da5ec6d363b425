"""Eligibility traces: forward view equals backward view, limits, and the plain loops."""

from dataclasses import replace

import numpy as np
import pytest

from rlcore.algorithms import n_step, td, traces
from rlcore.exact.values import policy_value
from rlcore.learning.returns import discounted_return, lambda_return, n_step_return, td_error
from rlcore.learning.tapes import record
from rlcore.plain import traces as plain
from rlcore.problems.chains import cycle, random_walk
from rlcore.problems.gridworlds import cliff
from rlcore.problems.mdp import MDP

PREDICTION = ("offline_lambda_return", "online_lambda_return", "td_lambda", "true_online_td_lambda")
CONTROL = ("sarsa_lambda", "watkins_q_lambda")


def stream(seed=0):
    return np.random.default_rng(seed)


def loops(seed=0, S=5, A=2, horizon=None):
    """A random MDP with an end; states come back to themselves, so one state may be visited twice in a row."""
    rng = stream(seed)
    P, R = rng.dirichlet(np.ones(S), (S, A)), rng.normal(size=(S, A, S))
    P[-1], R[-1] = np.eye(S)[-1], 0.0
    end = np.arange(S) == S - 1
    return MDP(P, R, 0.9, np.where(end, 0.0, 1 / (S - 1)), end, horizon)


def walks(mdp, pi, seed=0, runs=4, episodes=6):
    return record(mdp, pi, episodes=episodes, runs=runs, rng=stream(seed))


# ---------------------------------------------------------------- the lambda-return


@pytest.mark.parametrize("lam", [0.0, 0.3, 0.9, 1.0])
def test_lambda_return_is_its_mean_of_n_step_returns(lam):
    """(1 - lam) sum_n lam^(n-1) G_{t:t+n}, the last one of the episode with all the weight that is left."""
    rng = stream(1)
    terminated = rng.random((30, 3)) < 0.08
    done = terminated | (rng.random((30, 3)) < 0.08)
    reward, after = rng.normal(size=(2, 30, 3))
    G = lambda_return(reward, after, terminated, done, gamma=0.9, lam=lam)
    by_n = [n_step_return(reward, after, terminated, done, gamma=0.9, n=n) for n in range(1, 31)]
    for i in range(3):
        for t in range(30):
            left = next((k for k in range(t, 30) if done[k, i]), 29) - t + 1  # steps to the end
            weights = [(1 - lam) * lam ** (n - 1) for n in range(1, left)] + [lam ** (left - 1)]
            mean = sum(w * by_n[n][t, i] for n, w in enumerate(weights))
            assert G[t, i] == pytest.approx(mean, abs=1e-10)


def test_lambda_returns_between_td_and_monte_carlo():
    rng = stream(2)
    terminated = rng.random((20, 2)) < 0.1
    reward, after = rng.normal(size=(2, 20, 2))
    args = reward, after, terminated, terminated
    td_target = reward + 0.9 * ~terminated * after
    assert np.abs(lambda_return(*args, gamma=0.9, lam=0.0) - td_target).max() < 1e-12
    whole = discounted_return(reward, terminated, gamma=0.9, bootstrap=~terminated * after)
    assert np.abs(lambda_return(*args, gamma=0.9, lam=1.0) - whole).max() < 1e-12
    one_each = lambda_return(*args, gamma=0.9, lam=np.array([0.0, 1.0]))
    assert np.abs(one_each - np.where([True, False], td_target, whole)).max() < 1e-12


@pytest.mark.parametrize("horizon", [None, 6])
@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
def test_offline_views_are_equal(lam, horizon):
    """With V standing still over an episode: sum of (G_t - V(s_t)) at s = sum of delta_t z_t(s), for every s."""
    mdp = loops(horizon=horizon)
    V = stream(3).normal(size=5) * [1, 1, 1, 1, 0]
    tape = walks(mdp, np.full((5, 2), 0.5))
    for k in range(6):
        part = tape.episode(k)
        before, after = V[part.state], V[part.next_state]
        G = lambda_return(part.reward, after, part.terminated, part.done, gamma=0.9, lam=lam)
        delta = td_error(part.reward, before, after, part.terminated, gamma=0.9)
        for i, T in enumerate(part.steps[0]):
            forward, backward, z = np.zeros((3, 5))
            for t in range(T):
                s = part.state[t, i]
                forward[s] += G[t, i] - V[s]
                z = 0.9 * lam * z + np.eye(5)[s]
                backward += delta[t, i] * z
            assert forward == pytest.approx(backward, abs=1e-10)


@pytest.mark.parametrize("horizon", [None, 6])
@pytest.mark.parametrize("lam", [0.0, 0.4, 0.9, 1.0])
def test_online_views_are_equal(lam, horizon):
    """True online TD(lambda) is the online lambda-return, after every episode of every run."""
    settings = {"episodes": 8, "alpha": [0.1, 0.5, 1.0], "gamma": 0.9, "lam": lam, "runs": 3}
    pi = np.full((5, 2), 0.5)
    forward = traces.online_lambda_return(loops(horizon=horizon), pi, **settings, rng=stream(4))
    backward = traces.true_online_td_lambda(loops(horizon=horizon), pi, **settings, rng=stream(4))
    assert np.abs(forward.trace - backward.trace).max() < 1e-10
    near = traces.td_lambda(loops(horizon=horizon), pi, **settings, rng=stream(4))
    assert lam == 0 or np.abs(near.trace - backward.trace).max() > 1e-3, "TD(lambda) only comes near"


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("name", ["online_lambda_return", "td_lambda", "true_online_td_lambda"])
def test_lambda_0_is_td0(name):
    settings = {"episodes": 10, "alpha": 0.3, "gamma": 0.9, "runs": 3}
    pi = np.full((5, 2), 0.5)
    zero = getattr(traces, name)(loops(), pi, **settings, lam=0.0, rng=stream(5))
    assert np.abs(zero.trace - td.td0(loops(), pi, **settings, rng=stream(5)).trace).max() < 1e-12


@pytest.mark.parametrize("name", ["offline_lambda_return", "online_lambda_return", "true_online_td_lambda"])
def test_lambda_1_is_monte_carlo_with_constant_alpha(name):
    settings = {"episodes": 10, "alpha": 0.3, "gamma": 0.9, "runs": 3}
    pi = np.full((5, 2), 0.5)
    one = getattr(traces, name)(loops(), pi, **settings, lam=1.0, rng=stream(5))
    whole = n_step.n_step_td(loops(), pi, **settings, n=10**6, rng=stream(5))
    assert np.abs(one.trace - whole.trace).max() < 1e-10


@pytest.mark.parametrize(("name", "twin"), [("sarsa_lambda", td.sarsa), ("watkins_q_lambda", td.q_learning)])
def test_lambda_0_is_the_learner_of_chapter_6(name, twin):
    world = replace(cliff().dense(), horizon=40)
    if twin is td.q_learning:  # which chooses after the update: take a world that never stays in a state
        P = np.roll(np.eye(6), 1, axis=1)[:, None] * 0.5 + np.roll(np.eye(6), 3, axis=1)[:, None] * 0.5
        R = stream(6).normal(size=(6, 3, 6))
        world = MDP(np.repeat(P, 3, axis=1), R, 0.9, np.full(6, 1 / 6), np.zeros(6, bool), horizon=12)
    settings = {"episodes": 20, "alpha": 0.3, "epsilon": 0.3, "gamma": 0.9, "runs": 3}
    zero = getattr(traces, name)(world, **settings, lam=0.0, rng=stream(6))
    other = twin(world, **settings, rng=stream(6))
    assert np.abs(zero.Q - other.Q).max() < 1e-10
    assert (zero.returns == other.returns).all()


@pytest.mark.parametrize("name", PREDICTION)
def test_a_time_limit_is_not_an_end(name):
    """A ring that nobody leaves, cut every 5 steps: the values are those of the walk that is never cut."""
    ring = replace(cycle(3, gamma=0.8), horizon=5)
    truth = policy_value(cycle(3, gamma=0.8), np.zeros(3, int))
    settings = {"episodes": 200, "alpha": 0.3, "gamma": 0.8, "lam": 0.6}
    V = getattr(traces, name)(ring, np.zeros(3, int), **settings, rng=stream()).V[0]
    assert np.abs(V - truth).max() < 1e-6


@pytest.mark.parametrize("name", CONTROL)
def test_a_time_limit_is_not_an_end_for_control(name):
    ring = replace(cycle(3, gamma=0.8), horizon=5)
    truth = policy_value(cycle(3, gamma=0.8), np.zeros(3, int))
    settings = {"episodes": 200, "alpha": 0.3, "epsilon": 0.1, "gamma": 0.8, "lam": 0.6}
    Q = getattr(traces, name)(ring, **settings, rng=stream()).Q[0]
    assert np.abs(Q[:, 0] - truth).max() < 1e-6


# ---------------------------------------------------------------- traces, step by step


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (traces.accumulating, [1.0, 1.45, 0.6525]),
        (traces.replacing, [1.0, 1.0, 0.45]),
        (traces.dutch, [1.0, 0.45 + 1 - 0.5 * 0.45, 0.45 * (1.45 - 0.225)]),
    ],
)
def test_marks(mark, expected):
    """State 0 is visited twice, then left; gamma lam = 0.45, alpha = 0.5."""
    z, seen = np.zeros((1, 2)), []
    for s in (0, 0, 1):
        z *= 0.45
        mark(z, (np.array([0]), np.array([s])), np.array([0.5]))
        seen.append(z[0, 0])
    assert seen == pytest.approx(expected, abs=1e-12)


def test_replacing_traces_differ_where_a_state_comes_back():
    settings = {"episodes": 5, "alpha": 0.3, "gamma": 0.9, "lam": 0.9}
    pi = np.full((5, 2), 0.5)
    kinds = (traces.accumulating, traces.replacing, traces.dutch)
    V = [traces.td_lambda(loops(), pi, **settings, mark=mark, rng=stream(7)).V for mark in kinds]
    assert min(np.abs(V[0] - V[1]).max(), np.abs(V[0] - V[2]).max(), np.abs(V[1] - V[2]).max()) > 1e-3


def test_an_episode_teaches_nothing_to_the_one_before():
    """After a rewarded episode comes one in other states: what it finds must not reach the first one's states."""
    P = np.zeros((4, 1, 4))
    P[[0, 1], 0, 3] = P[2, 0, 2] = P[3, 0, 3] = 1.0
    R = np.zeros((4, 1, 4))
    R[0, 0, 3], R[1, 0, 3] = 1.0, 5.0
    mdp = MDP(P, R, 0.9, np.array([0.5, 0.5, 0, 0]), np.array([False, False, False, True]))
    V = traces.td_lambda(mdp, np.zeros(4, int), episodes=50, alpha=0.5, gamma=0.9, lam=0.9, rng=stream(8)).V[
        0
    ]
    assert V[:2] == pytest.approx([1.0, 5.0], abs=1e-3)


def test_watkins_cuts_what_sarsa_keeps():
    """With epsilon = 0 every action is a best one: nothing is cut, and both learn from whole episodes."""
    world = replace(cliff().dense(), horizon=40)
    settings = {"episodes": 10, "alpha": 0.2, "gamma": 0.9, "lam": 0.8, "runs": 2}
    greedy = [getattr(traces, f)(world, **settings, epsilon=0.0, rng=stream(9)).Q for f in CONTROL]
    assert np.abs(greedy[0] - greedy[1]).max() < 1e-10
    explored = [getattr(traces, f)(world, **settings, epsilon=0.3, rng=stream(9)).Q for f in CONTROL]
    assert np.abs(explored[0] - explored[1]).max() > 0.1


# ---------------------------------------------------------------- lock-step and plain loop


@pytest.mark.parametrize("name", PREDICTION)
@pytest.mark.parametrize("horizon", [None, 7])
@pytest.mark.parametrize("lam", [0.0, 0.8, 1.0])
def test_prediction_equals_the_plain_loop(name, horizon, lam):
    mdp, pi = loops(horizon=horizon), stream(10).dirichlet(np.ones(2), 5)
    settings = {"episodes": 8, "alpha": 0.2, "gamma": 0.9, "lam": lam}
    fast = getattr(traces, name)(mdp, pi, **settings, rng=stream(1))
    slow = getattr(plain, name)(mdp, pi, **settings, rng=stream(1))
    assert np.abs(fast.V[0] - slow).max() < 1e-12
    assert np.abs(slow).max() > 0.01
    assert (fast.trace[-1] == fast.V).all()


@pytest.mark.parametrize("name", CONTROL)
@pytest.mark.parametrize("lam", [0.0, 0.8, 1.0])
def test_control_equals_the_plain_loop(name, lam):
    world = replace(cliff().dense(), horizon=40)
    settings = {"episodes": 12, "alpha": 0.1, "epsilon": 0.3, "gamma": 0.9, "lam": lam}
    fast = getattr(traces, name)(world, **settings, rng=stream(2))
    slow = getattr(plain, name)(world, **settings, rng=stream(2))
    assert np.abs(fast.Q[0] - slow).max() < 1e-12
    assert np.abs(slow).max() > 1


@pytest.mark.parametrize("name", PREDICTION)
def test_lam_and_alpha_may_differ_from_run_to_run(name):
    settings = {"episodes": 4, "gamma": 0.9, "runs": 3}
    pi = np.full((5, 2), 0.5)
    alpha, lam = np.array([0.0, 0.2, 0.2]), np.array([0.5, 0.5, 0.9])
    V = getattr(traces, name)(loops(), pi, **settings, alpha=alpha, lam=lam, rng=stream(3)).V
    assert (V[0] == 0).all()
    same = getattr(traces, name)(loops(), pi, **settings, alpha=0.2, lam=0.9, rng=stream(3)).V
    assert np.abs(V[2] - same[2]).max() == 0


def test_a_sweep_over_lam_and_alpha_is_its_learners():
    settings = {"episodes": 4, "gamma": 0.9, "runs": 3}
    alpha, lam = np.array([0.1, 0.4])[:, None], np.array([0.0, 0.5, 1.0])[:, None, None]
    walk, pi = random_walk(5), np.zeros(7, int)
    sweep = traces.offline_lambda_return(walk, pi, **settings, alpha=alpha, lam=lam, rng=stream(4))
    assert sweep.V.shape == (3, 2, 3, 7)
    alone = traces.offline_lambda_return(walk, pi, **settings, alpha=0.4, lam=0.5, rng=stream(4))
    assert np.abs(sweep.trace[:, 1, 1] - alone.trace).max() < 1e-12


def test_settings_that_do_not_fit_each_other():
    rates = {"alpha": np.full((2, 1), 0.1), "lam": np.full((3, 1), 0.5)}
    with pytest.raises(ValueError, match=r"alpha.*\(2, 1\).*lam.*\(3, 1\).*must broadcast"):
        traces.offline_lambda_return(
            random_walk(5), np.zeros(7, int), episodes=1, gamma=1.0, rng=stream(), **rates
        )


def test_actions_that_do_not_exist_are_never_taken():
    mdp = loops(horizon=20)
    allowed = np.ones((5, 2), bool)
    allowed[[0, 2], [0, 1]] = False
    object.__setattr__(mdp, "allowed", allowed)
    for name in CONTROL:
        settings = {"episodes": 30, "alpha": 0.1, "epsilon": 0.5, "gamma": 0.9, "lam": 0.8, "runs": 3}
        Q = getattr(traces, name)(mdp, **settings, rng=stream()).Q
        assert (np.isneginf(Q) == ~allowed).all()


def test_a_live_environment_walks_in_the_same_loop():
    gymnasium = pytest.importorskip("gymnasium")
    lake = gymnasium.make("FrozenLake-v1", is_slippery=False)
    lake.reset(seed=0)
    settings = {"episodes": 5, "alpha": 0.1, "gamma": 0.9, "lam": 0.8, "rng": stream()}
    for name in CONTROL:
        assert getattr(traces, name)(lake, epsilon=0.5, **settings).Q.shape == (1, 16, 4)
    for name in PREDICTION:
        assert getattr(traces, name)(lake, np.full((16, 4), 0.25), **settings).V.shape == (1, 16)


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize("name", PREDICTION)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lam": np.nan}, "lam is nan"),
        ({"lam": 1.01}, "lam is 1.01"),
        ({"lam": [0.1, 0.2]}, "lam is"),
        ({"lam": None}, "lam is"),
        ({"alpha": -1}, "alpha is -1"),
        ({"gamma": "1"}, "gamma is '1'"),
        ({"episodes": 1.5}, "episodes is 1.5"),
        ({"V0": np.zeros((2, 2))}, "V0 has shape"),
        ({"env": cycle(3), "pi": np.zeros(3, int)}, "no time limit"),
    ],
)
def test_prediction_refuses(name, wrong, message):
    given = {"env": random_walk(5), "pi": np.zeros(7, int), "episodes": 2, "alpha": 0.1, "gamma": 1.0}
    given |= {"rng": stream(), "runs": 3, "lam": 0.5} | wrong
    with pytest.raises(ValueError, match=message):
        getattr(traces, name)(given.pop("env"), given.pop("pi"), **given)


@pytest.mark.parametrize("name", CONTROL)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lam": [np.nan, 0.1]}, r"lam\[0\] is nan"),
        ({"lam": -0.5}, "lam is -0.5"),
        ({"alpha": 2}, "alpha is 2"),
        ({"epsilon": np.nan}, "epsilon is nan"),
        ({"gamma": 2}, "gamma is 2"),
        ({"Q0": np.full((7, 1), np.nan)}, "is nan"),
    ],
)
def test_control_refuses(name, wrong, message):
    given = {"episodes": 2, "alpha": 0.1, "epsilon": 0.1, "gamma": 1.0, "lam": 0.5} | wrong
    with pytest.raises(ValueError, match=message):
        getattr(traces, name)(random_walk(5), **given, rng=stream(), runs=2)
