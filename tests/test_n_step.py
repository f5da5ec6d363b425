"""n-step methods against their definitions, their limits, and the plain loops."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from rlcore.algorithms import n_step, td
from rlcore.exact.values import action_value, optimal_value, policy_value
from rlcore.learning.policies import epsilon_greedy_probabilities
from rlcore.learning.returns import (
    lambda_return,
    n_step_return,
    td_error,
    tree_backup_return,
    window_end,
    window_ratio,
)
from rlcore.learning.tapes import record
from rlcore.learning.window import Window
from rlcore.plain import n_step as plain
from rlcore.problems.chains import cycle, random_walk
from rlcore.problems.gridworlds import cliff, small_grid
from rlcore.problems.mdp import MDP

CONTROL = ("n_step_sarsa", "n_step_expected_sarsa", "off_policy_n_step_sarsa", "tree_backup")


def stream(seed=0):
    return np.random.default_rng(seed)


def tape_of_numbers(T=40, N=3, seed=0):
    """reward, next_value, terminated, done (T, N): episodes of any length, cut or terminated, the last one open."""
    rng = stream(seed)
    terminated = rng.random((T, N)) < 0.1
    done = terminated | (rng.random((T, N)) < 0.1)
    done[-1, 0] = False
    return rng.normal(size=(T, N)), rng.normal(size=(T, N)), terminated, done


def stepping_stones(seed=0, S=6, A=3, horizon=None):
    """A random MDP that never stays in a state, so that a choice in s' does not hang on the update of s."""
    rng = stream(seed)
    P = rng.dirichlet(np.ones(S), (S, A)) * (1 - np.eye(S))[:, None]
    P /= P.sum(axis=-1, keepdims=True)
    P[-1] = np.eye(S)[-1]
    R = rng.normal(size=(S, A, S))
    R[-1] = 0.0
    terminal = np.arange(S) == S - 1
    start = np.where(terminal, 0.0, 1 / (S - 1))
    return MDP(P, R, 0.9, start, terminal, horizon)


# ---------------------------------------------------------------- formulas, on tapes, against sums


@pytest.mark.parametrize("gamma", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("n", [1, 2, 5, 100])
def test_n_step_return_is_its_sum(n, gamma):
    reward, next_value, terminated, done = tape_of_numbers()
    G = n_step_return(reward, next_value, terminated, done, gamma=gamma, n=n)
    for i in range(3):
        for t in range(40):
            total, discount = 0.0, 1.0
            for k in range(t, min(t + n, 40)):
                total += discount * reward[k, i]
                discount *= gamma
                if done[k, i]:
                    break
            total += discount * next_value[k, i] * (not terminated[k, i])
            assert G[t, i] == pytest.approx(total, abs=1e-10)


def test_windows_of_one_column():
    done = np.array([False, False, True, False, False])
    assert window_end(done, 2).tolist() == [1, 2, 2, 4, 4]
    assert window_end(done, 1).tolist() == [0, 1, 2, 3, 4]
    rho = np.array([2.0, 3.0, 5.0, 7.0, 11.0])
    assert window_ratio(rho, done, n=2).tolist() == [6, 15, 5, 77, 11]
    assert window_ratio(rho, done, n=9).tolist() == [30, 15, 5, 77, 11]


def test_formulas_of_no_steps():
    none, never = np.zeros((0, 2)), np.zeros((0, 2), bool)
    assert n_step_return(none, none, never, never, gamma=0.9, n=3).shape == (0, 2)
    assert lambda_return(none, none, never, never, gamma=0.9, lam=0.5).shape == (0, 2)
    assert tree_backup_return(none, none, none, none, never, gamma=0.9).shape == (0, 2)
    assert window_ratio(none, never, n=3).shape == (0, 2)


def test_n_step_return_is_the_sum_of_td_errors():
    """G_{t:t+n} - V(s_t) = sum of gamma^k delta_{t+k} over the window, while V stands still."""
    rng = stream(1)
    V, states = rng.normal(size=31), np.arange(31)
    reward, terminated = rng.normal(size=30), np.zeros(30, bool)
    delta = td_error(reward, V[states[:-1]], V[states[1:]], terminated, gamma=0.8)
    G = n_step_return(reward, V[states[1:]], terminated, terminated, gamma=0.8, n=4)
    sums = [sum(0.8**k * delta[t + k] for k in range(min(4, 30 - t))) for t in range(30)]
    assert np.abs(G - V[:-1] - sums).max() < 1e-10


def test_tree_backup_return_is_its_tree():
    rng = stream(2)
    pi, Q = rng.dirichlet(np.ones(3), 6), rng.normal(size=(6, 3))
    reward, action = rng.normal(size=5), rng.integers(0, 3, 5)

    def target(k, ended):  # what stands behind the reward of step k is pi(. | k + 1) over the actions
        if k == 4:
            return reward[4] + (0 if ended else 0.9 * pi[5] @ Q[5])
        branch = Q[k + 1].copy()
        branch[action[k]] = target(k + 1, ended)
        return reward[k] + 0.9 * pi[k + 1] @ branch

    s = np.arange(1, 6)
    for ended in (False, True):
        terminated = np.array([False] * 4 + [ended])
        args = (pi * Q).sum(axis=1)[s], pi[s, action], Q[s, action], terminated
        G = tree_backup_return(reward, *args, gamma=0.9)
        assert [target(k, ended) for k in range(5)] == pytest.approx(G, abs=1e-10)


def test_tree_backup_of_a_sure_policy_is_the_n_step_return_until_the_walker_leaves_it():
    rng = stream(3)
    reward, value, ended = rng.normal(size=6), rng.normal(size=6), np.zeros(6, bool)
    sure = tree_backup_return(reward, value, np.ones(6), value, ended, gamma=0.9)
    assert sure == pytest.approx(n_step_return(reward, value, ended, ended, gamma=0.9, n=6), abs=1e-12)
    left = np.array([1.0, 1, 0, 1, 1, 1])  # the action after step 2 is one that pi never takes
    G = tree_backup_return(reward, value, left, value + 1, ended, gamma=0.9)
    assert G[2] == pytest.approx(reward[2] + 0.9 * value[2], abs=1e-12)


@pytest.mark.parametrize(
    ("formula", "args"),
    [
        (n_step_return, (np.zeros(3), np.zeros((3, 1)), np.zeros(3, bool), np.zeros(3, bool))),
        (td_error, (np.zeros(3), np.zeros(3), np.zeros(2), np.zeros(3, bool))),
    ],
)
def test_formulas_refuse_what_would_broadcast(formula, args):
    with pytest.raises(ValueError, match="next_value has shape"):
        formula(*args, gamma=1.0, **({"n": 2} if formula is n_step_return else {}))


# ---------------------------------------------------------------- expectations, by enumeration


@pytest.mark.parametrize("n", [1, 2, 3])
def test_weighted_n_step_returns_are_unbiased(n):
    """E_b[rho G_{t:t+n} | s] = (T_pi)^n V (s): every walk of n steps, with its probability."""
    mdp, rng = stepping_stones(S=4, A=2), stream(4)
    pi, b, V = rng.dirichlet(np.ones(2), 4), rng.dirichlet(np.ones(2), 4), rng.normal(size=4) * [1, 1, 1, 0]
    expected = V
    for _ in range(n):
        expected = (pi * mdp.lookahead(expected)).sum(axis=1)
    for s in range(3):
        walks = list(itertools.product(*[range(2), range(4)] * n))
        action, after = np.array(walks).T[::2], np.array(walks).T[1::2]  # each (n, walks)
        before = np.concatenate([np.full((1, len(walks)), s), after[:-1]])
        chance = (b[before, action] * mdp.P[before, action, after]).prod(axis=0)
        ended = mdp.terminal[after]
        G = n_step_return(mdp.R[before, action, after], V[after], ended, ended, gamma=0.9, n=n)[0]
        rho = window_ratio(pi[before, action] / b[before, action], ended, n=n)[0]
        assert (chance * rho * G).sum() == pytest.approx(expected[s], abs=1e-10)
        assert abs((chance * G).sum() - expected[s]) > 1e-3, "without the ratios it is another policy's"


def test_tree_backup_stands_still_at_the_action_values_of_pi():
    mdp, rng = stepping_stones(S=4, A=2), stream(5)
    pi, b = rng.dirichlet(np.ones(2), 4), rng.dirichlet(np.ones(2), 4)
    Q = action_value(mdp, pi)
    walks = np.array(list(itertools.product(range(4), range(2), range(4), range(2), range(4)))).T
    s1, a1, s2, a2, s3 = walks
    for s, a in itertools.product(range(3), range(2)):
        chance = mdp.P[s, a, s1] * b[s1, a1] * mdp.P[s1, a1, s2] * b[s2, a2] * mdp.P[s2, a2, s3]
        before, action, after = np.stack([0 * s1 + s, s1, s2]), np.stack([0 * a1 + a, a1, a2]), walks[::2]
        mean = (pi * Q).sum(axis=1)[after]
        then = np.stack([a1, a2, 0 * a2])
        G = tree_backup_return(
            mdp.R[before, action, after],
            mean,
            pi[after, then],
            Q[after, then],
            mdp.terminal[after],
            gamma=0.9,
        )
        assert (chance * G[0]).sum() == pytest.approx(Q[s, a], abs=1e-10)


def test_off_policy_sarsa_moves_towards_its_target_on_average():
    """Two choices in a row, 40,000 runs: the mean step of Q(0, 0) is alpha (T_pi^2 Q - Q).

    |z| <= 4 fails by chance once in 16,000 seeds.
    """
    A, runs = 2, 40_000
    P, R = np.zeros((6, A, 6)), np.zeros((6, A, 6))
    P[0, 0, [1, 2]] = P[0, 1, [2, 1]] = 0.3, 0.7
    P[[1, 2], 0, 3] = P[[1, 2], 1, 4] = 1.0
    P[[3, 4, 5], :, 5] = 1.0
    R[0, :, 1], R[1, 0, 3], R[2, 1, 4], R[3, :, 5] = 1.0, 2.0, -3.0, 1.0
    mdp = MDP(P, R, 0.9, np.eye(6)[0], np.arange(6) == 5)
    Q0 = stream(6).normal(size=(6, A))
    Q0[5] = 0.0
    pi = epsilon_greedy_probabilities(Q0, 0.1)
    V = (pi * Q0).sum(axis=1)
    two = mdp.lookahead((pi * mdp.lookahead(V)).sum(axis=1))[0, :]
    learned = n_step.off_policy_n_step_sarsa(
        mdp,
        episodes=1,
        alpha=0.1,
        epsilon=0.6,
        gamma=0.9,
        rng=stream(7),
        runs=runs,
        Q0=Q0,
        n=2,
        target_epsilon=0.1,
    )
    first = learned.Q[:, 0] != Q0[0]  # which first action a run took
    for a in range(A):
        step = (learned.Q[first[:, a], 0, a] - Q0[0, a]) / 0.1 + Q0[0, a]
        assert abs(step.mean() - two[a]) <= 4 * step.std() / np.sqrt(len(step))


# ---------------------------------------------------------------- lock-step and plain loop


@pytest.mark.parametrize("horizon", [None, 7])
@pytest.mark.parametrize("n", [1, 2, 4, 100])
def test_prediction_equals_the_plain_loop(n, horizon):
    walk = replace(random_walk(5, left=-1.0), horizon=horizon)
    settings = {"episodes": 15, "alpha": 0.3, "gamma": 0.9, "n": n}
    fast = n_step.n_step_td(walk, np.ones((7, 1)), **settings, rng=stream(1))
    slow = plain.n_step_td(walk, np.ones((7, 1)), **settings, rng=stream(1))
    assert np.abs(fast.V[0] - slow).max() < 1e-12
    assert np.abs(slow).max() > 0.1
    assert (fast.trace[-1] == fast.V).all()


@pytest.mark.parametrize("horizon", [None, 7])
@pytest.mark.parametrize("n", [1, 3, 100])
def test_off_policy_prediction_equals_the_plain_loop(n, horizon):
    mdp, rng = stepping_stones(horizon=horizon), stream(8)
    pi, b = rng.dirichlet(np.ones(3), 6), rng.dirichlet(np.ones(3), 6)
    settings = {"episodes": 15, "alpha": 0.01, "gamma": 0.9, "n": n}
    fast = n_step.off_policy_n_step_td(mdp, pi, b, **settings, rng=stream(1))
    slow = plain.off_policy_n_step_td(mdp, pi, b, **settings, rng=stream(1))
    assert fast.V[0] == pytest.approx(slow, rel=1e-12, abs=1e-12)
    assert np.abs(slow).max() > 1e-3


@pytest.mark.parametrize("name", CONTROL)
@pytest.mark.parametrize("n", [1, 2, 5, 100])
def test_control_equals_the_plain_loop(name, n):
    world = replace(cliff().dense(), horizon=40)
    settings = {"episodes": 12, "alpha": 0.3, "epsilon": 0.3, "gamma": 0.9, "n": n}
    fast = getattr(n_step, name)(world, **settings, rng=stream(2))
    slow = getattr(plain, name)(world, **settings, rng=stream(2))
    assert np.abs(fast.Q[0] - slow).max() < 1e-10
    assert np.abs(slow).max() > 1


@pytest.mark.parametrize("name", CONTROL)
def test_runs_do_not_touch_each_other(name):
    """Lanes that end at different times: a run whose rate is 0 stays as it was, and the others learn."""
    mdp = stepping_stones(horizon=30)
    settings = {"episodes": 10, "epsilon": 0.3, "gamma": 0.9, "n": 3, "runs": 4}
    Q = getattr(n_step, name)(mdp, **settings, alpha=np.array([0, 0.1, 0, 0.2]), rng=stream(3)).Q
    assert (Q[[0, 2]] == 0).all()
    assert (np.abs(Q[[1, 3]]).max(axis=(1, 2)) > 0.01).all()


# ---------------------------------------------------------------- limits


def test_one_step_is_td0():
    walk = random_walk(5)
    settings = {"episodes": 20, "alpha": 0.1, "gamma": 0.9, "runs": 3}
    one = n_step.n_step_td(walk, np.ones((7, 1)), **settings, n=1, rng=stream(4))
    td0 = td.td0(walk, np.ones((7, 1)), **settings, rng=stream(4))
    assert np.abs(one.trace - td0.trace).max() < 1e-12


@pytest.mark.parametrize(
    ("name", "twin", "extra"),
    [
        ("n_step_sarsa", td.sarsa, {}),
        ("n_step_expected_sarsa", td.expected_sarsa, {}),
        ("tree_backup", td.q_learning, {}),
        ("tree_backup", td.expected_sarsa, {"target_epsilon": 0.2}),
    ],
)
def test_one_step_is_the_learner_of_chapter_6(name, twin, extra):
    mdp = stepping_stones(horizon=30)
    settings = {"episodes": 20, "alpha": 0.2, "epsilon": 0.2, "gamma": 0.9, "runs": 3}
    one = getattr(n_step, name)(mdp, **settings, **extra, n=1, rng=stream(5))
    other = twin(mdp, **settings, rng=stream(5))
    assert np.abs(one.Q - other.Q).max() < 1e-10
    assert (one.returns == other.returns).all()


def test_first_values_of_ends_are_zero():
    """V0 says nothing of terminal states: they keep 0, as in every other learner."""
    V = n_step.n_step_td(
        random_walk(5), np.ones((7, 1)), episodes=1, alpha=0.1, gamma=1.0, rng=stream(), V0=3.0, n=2
    ).V[0]
    assert V[[0, 6]].tolist() == [0.0, 0.0]
    assert V[1:6].max() == 3.0


def test_on_policy_ratios_are_one():
    mdp = stepping_stones(horizon=30)
    settings = {"episodes": 20, "alpha": 0.1, "gamma": 0.9, "runs": 3, "n": 4}
    pi = stream(9).dirichlet(np.ones(3), 6)
    same = n_step.off_policy_n_step_td(mdp, pi, pi, **settings, rng=stream(6))
    assert np.abs(same.V - n_step.n_step_td(mdp, pi, **settings, rng=stream(6)).V).max() < 1e-12


def test_very_many_steps_are_monte_carlo():
    """n beyond every episode: V(s_t) += alpha (G_t - V(s_t)) in the order of time."""
    walk = random_walk(5, left=-1.0)
    tape = record(walk, np.zeros(7, int), episodes=10, runs=2, rng=stream(7))
    V = n_step.n_step_td_from(tape, alpha=0.2, gamma=0.9, n=10**6).V
    for i in range(2):
        table = np.zeros(7)
        for k in range(10):
            t = range(tape.start[k, i], tape.start[k, i] + tape.steps[k, i])
            for j in t:
                G = sum(0.9 ** (m - j) * tape.reward[m, i] for m in range(j, t.stop))
                table[tape.state[j, i]] += 0.2 * (G - table[tape.state[j, i]])
        assert np.abs(V[i] - table).max() < 1e-12


@pytest.mark.parametrize("n", [1, 3, 20])
def test_a_time_limit_is_not_an_end(n):
    """A ring that nobody leaves, cut every 5 steps: the values are those of the walk that is never cut."""
    ring = replace(cycle(3, gamma=0.8), horizon=5)
    truth = policy_value(cycle(3, gamma=0.8), np.zeros(3, int))
    V = n_step.n_step_td(ring, np.zeros(3, int), episodes=150, alpha=0.5, gamma=0.8, rng=stream(), n=n).V[0]
    assert np.abs(V - truth).max() < 1e-6
    for name in CONTROL:
        Q = getattr(n_step, name)(ring, episodes=150, alpha=0.5, epsilon=0.1, gamma=0.8, rng=stream(), n=n).Q[
            0
        ]
        assert np.abs(Q[:, 0] - truth).max() < 1e-6


@pytest.mark.parametrize("n", [1, 4])
def test_tree_backup_finds_the_optimal_values_of_a_sure_world(n):
    """No noise in the world, and all actions explored: Q becomes Q* to many digits."""
    world = small_grid().dense()
    best = world.lookahead(optimal_value(world))
    Q = n_step.tree_backup(
        world, episodes=200, alpha=0.5, epsilon=1.0, gamma=1.0, rng=stream(8), runs=3, n=n
    ).Q
    assert np.abs(Q - best).max() < 1e-6


# ---------------------------------------------------------------- tapes, windows, sweeps


def test_a_sweep_is_its_learners():
    """(M, 1) step sizes learn from the same walks, each as if it were alone."""
    walk, alphas = random_walk(5), np.array([[0.1], [0.5], [1.0]])
    settings = {"episodes": 5, "gamma": 0.9, "runs": 4, "n": 3}
    sweep = n_step.n_step_td(walk, np.zeros(7, int), **settings, alpha=alphas, rng=stream(9))
    assert sweep.V.shape == (3, 4, 7)
    assert sweep.trace.shape == (5, 3, 4, 7)
    for m, alpha in enumerate(alphas[:, 0]):
        alone = n_step.n_step_td(walk, np.zeros(7, int), **settings, alpha=alpha, rng=stream(9))
        assert np.abs(sweep.trace[:, m] - alone.trace).max() == 0


def test_a_tape_holds_what_the_lanes_saw():
    walk = replace(random_walk(5), horizon=12)
    tape = record(walk, np.zeros(7, int), episodes=6, runs=5, rng=stream(10))
    for i in range(5):
        for k in range(6):
            t = slice(tape.start[k, i], tape.start[k, i] + tape.steps[k, i])
            assert tape.state[t.start, i] == 3
            assert (tape.state[t, i][1:] == tape.next_state[t, i][:-1]).all()
            assert tape.done[t, i].tolist() == [False] * (tape.steps[k, i] - 1) + [True]
            assert tape.terminated[t.stop - 1, i] == (tape.next_state[t.stop - 1, i] in (0, 6))
            part = tape.episode(k)
            assert (part.state[: part.steps[0, i], i] == tape.state[t, i]).all()
            assert part.terminated[part.steps[0, i] :, i].all()
    assert tape.truncated.any()
    assert tape.steps.max() == 12


def test_windows_end_with_their_episode():
    window = Window(3, 2)
    lanes = SimpleNamespace(clock=np.array([0, 0]), done=np.array([False, False]))
    found = []
    for t, done in enumerate([[0, 0], [0, 1], [0, 0], [0, 0], [1, 0]]):
        lanes.clock, lanes.done = lanes.clock + 1, np.array(done, bool)
        window.push(np.arange(2), np.array([t, 10 + t]))
        found.append([(j.tolist(), m, window.last(j, m)[0].T.tolist()) for j, m in window.due(lanes)])
        lanes.clock = np.where(lanes.done, 0, lanes.clock)
    assert found == [
        [],
        [([1], 2, [[10, 11]]), ([1], 1, [[11]])],
        [([0], 3, [[0, 1, 2]])],
        [([0], 3, [[1, 2, 3]])],
        [([0, 1], 3, [[2, 3, 4], [12, 13, 14]]), ([0], 2, [[3, 4]]), ([0], 1, [[4]])],
    ]


class Nameless:
    """A world that does not say which of its states are terminal: a learner must believe `step`."""

    def __init__(self, mdp):
        self.mdp, self.horizon = mdp, 50
        self.actions, self.n_states = mdp.actions, mdp.n_states
        self.reset, self.step = mdp.reset, mdp.step


@pytest.mark.parametrize("name", CONTROL)
def test_an_end_is_worth_nothing_whatever_the_table_says(name):
    """Q of the terminal state is full of numbers, which nobody may read."""
    mdp, Q0 = stepping_stones(), np.zeros((6, 3))
    settings = {"episodes": 10, "alpha": 0.1, "epsilon": 0.4, "gamma": 0.9, "n": 3, "runs": 5}
    clean = getattr(n_step, name)(Nameless(mdp), **settings, Q0=Q0, rng=stream(3)).Q
    Q0[5] = 7.0, 7.0, 7.0  # a tie, as among zeros: the same actions are drawn
    full = getattr(n_step, name)(Nameless(mdp), **settings, Q0=Q0, rng=stream(3)).Q
    assert np.abs(full[:, :5] - clean[:, :5]).max() < 1e-12


def test_the_ratio_leaves_out_what_is_drawn_behind_an_end():
    """One state, then the end, where pi and b disagree most: the window has no action behind its first."""
    P = np.zeros((2, 2, 2))
    P[..., 1] = 1.0
    R = np.zeros((2, 2, 2))
    R[0] = 1.0
    mdp = MDP(P, R, 0.9, np.eye(2)[0], np.array([False, True]))
    Q0 = np.array([[0.0, 0.0], [0.0, 5.0]])
    Q = n_step.off_policy_n_step_sarsa(
        Nameless(mdp), episodes=1, alpha=0.5, epsilon=0.5, gamma=0.9, rng=stream(), runs=50, Q0=Q0, n=2
    ).Q
    assert (Q[:, 0].max(axis=1) == 0.5).all()


def test_actions_that_do_not_exist_are_never_taken():
    mdp = stepping_stones(horizon=20)
    allowed = np.ones((6, 3), bool)
    allowed[[0, 2], [0, 1]] = False
    object.__setattr__(mdp, "allowed", allowed)
    for name in CONTROL:
        Q = getattr(n_step, name)(
            mdp, episodes=30, alpha=0.1, epsilon=0.5, gamma=0.9, rng=stream(), runs=3, n=3
        ).Q
        assert (np.isneginf(Q) == ~allowed).all()
        assert (np.abs(Q[:, allowed]) < 100).all()


def test_a_live_environment_walks_in_the_same_loop():
    gymnasium = pytest.importorskip("gymnasium")
    for name in CONTROL:
        lake = gymnasium.make("FrozenLake-v1", is_slippery=False)
        lake.reset(seed=0)
        learned = getattr(n_step, name)(
            lake, episodes=5, alpha=0.1, epsilon=0.5, gamma=0.9, rng=stream(), n=4
        )
        assert learned.Q.shape == (1, 16, 4)
        assert (learned.lengths > 0).all()


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": 2.0}, "n is 2.0"),
        ({"n": True}, "n is True"),
        ({"alpha": np.nan}, "alpha is nan"),
        ({"alpha": 1.5}, "alpha is 1.5"),
        ({"alpha": [0.1, 0.2]}, "last axis has length 1 or 3"),
        ({"alpha": []}, "last axis has length 1 or 3"),
        ({"alpha": [[0.1], [-1.0]]}, r"alpha\[1, 0\] is -1"),
        ({"alpha": "fast"}, "alpha is 'fast'"),
        ({"gamma": 1.1}, "gamma is 1.1"),
        ({"gamma": np.nan}, "gamma is nan"),
        ({"episodes": 0}, "episodes is 0"),
        ({"runs": 0}, "runs is 0"),
        ({"rng": 0}, "rng is int"),
        ({"V0": np.zeros(3)}, "V0 has shape"),
        ({"V0": np.full(7, np.nan)}, r"V0\[0, 0\] is nan"),
        ({"pi": np.zeros(3, int)}, "pi is int64"),
        ({"env": cycle(3), "pi": np.zeros(3, int)}, "no time limit"),
    ],
)
def test_prediction_refuses(wrong, message):
    given = {"env": random_walk(5), "pi": np.zeros(7, int), "episodes": 2, "alpha": 0.1, "gamma": 1.0}
    given |= {"rng": stream(), "runs": 3, "n": 2} | wrong
    with pytest.raises(ValueError, match=message):
        n_step.n_step_td(given.pop("env"), given.pop("pi"), **given)


def test_what_a_policy_says_of_the_end_does_not_matter():
    mdp, b = stepping_stones(), np.full((6, 3), 1 / 3)
    settings = {"episodes": 3, "alpha": 0.1, "gamma": 0.9, "n": 2}
    odd = b.copy()
    odd[5] = 1.0, 0.0, 0.0
    V = n_step.off_policy_n_step_td(mdp, b, odd, **settings, rng=stream()).V
    assert np.abs(V - n_step.off_policy_n_step_td(mdp, b, b, **settings, rng=stream()).V).max() < 1e-12


def test_off_policy_prediction_refuses_a_walker_who_never_does_what_is_asked():
    mdp = stepping_stones()
    with pytest.raises(ValueError, match=r"b\[0, 1\] is 0 and pi\[0, 1\] is 1"):
        n_step.off_policy_n_step_td(
            mdp, np.ones(6, int), np.zeros(6, int), episodes=1, alpha=0.1, gamma=1.0, rng=stream(), n=2
        )


@pytest.mark.parametrize("name", CONTROL)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": None}, "n is None"),
        ({"alpha": np.nan}, "alpha is nan"),
        ({"alpha": [[0.1]]}, "one a run"),
        ({"epsilon": 2}, "epsilon is 2"),
        ({"gamma": -0.1}, "gamma is -0.1"),
        ({"Q0": np.zeros(2)}, "Q0 has shape"),
        ({"env": cycle(3)}, "no time limit"),
    ],
)
def test_control_refuses(name, wrong, message):
    given = {"env": random_walk(5), "episodes": 2, "alpha": 0.1, "epsilon": 0.1, "gamma": 1.0, "n": 2} | wrong
    with pytest.raises(ValueError, match=message):
        getattr(n_step, name)(given.pop("env"), **given, rng=stream(), runs=2)


@pytest.mark.parametrize("name", ["off_policy_n_step_sarsa", "tree_backup"])
def test_the_policy_to_be_learned_must_have_an_epsilon(name):
    with pytest.raises(ValueError, match="target_epsilon is"):
        getattr(n_step, name)(
            random_walk(5),
            episodes=2,
            alpha=0.1,
            epsilon=0.1,
            gamma=1.0,
            rng=stream(),
            n=2,
            target_epsilon=1.5,
        )
