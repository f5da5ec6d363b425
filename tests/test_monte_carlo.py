"""Monte-Carlo methods: against the plain loops, against their definitions, against enumeration."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from rlcore.algorithms import monte_carlo as fast
from rlcore.exact.values import optimal_value, policy_value
from rlcore.learning import episodes as recorded
from rlcore.learning.episodes import Recorder, first_visits
from rlcore.learning.policies import epsilon_greedy_probabilities
from rlcore.learning.returns import ordinary_average, weighted_average
from rlcore.plain import monte_carlo as plain
from rlcore.problems.blackjack import Blackjack, blackjack_mdp, stick_from
from rlcore.problems.chains import MaximizationBias, loop, two_state
from rlcore.problems.garnet import garnet
from rlcore.problems.gridworlds import frozen_lake, small_grid
from rlcore.problems.gym import GymnasiumEnv
from rlcore.problems.mdp import MDP

SIGMA = 4.0  # |z| beyond which a statistical test fails: by chance 6.3e-5 a comparison


def rng(seed=0):
    return np.random.default_rng(seed)


def wandering():
    """Six states that are visited again and again, three actions, cut after 12 steps."""
    return replace(garnet(6, 3, 2, rng=rng(5)), gamma=0.8, horizon=12)


WORLDS = {
    "garnet with a time limit": wandering,
    "Blackjack": Blackjack,
    "small grid": lambda: replace(small_grid().dense(), horizon=40),
}


@pytest.fixture(params=WORLDS)
def env(request):
    return WORLDS[request.param]()


def soft(env, seed):
    """A policy that may do anything.   (S, A)"""
    return rng(seed).dirichlet(2 * np.ones(env.actions.n), env.n_states)


# ---------------------------------------------------------------- lock-step is the plain loop


@pytest.mark.parametrize("first_visit", [True, False])
@pytest.mark.parametrize("alpha", [None, 0.1])
def test_prediction_is_the_plain_loop(env, first_visit, alpha):
    options = {"episodes": 60, "gamma": 0.9, "first_visit": first_visit, "alpha": alpha}
    many = fast.mc_prediction(env, soft(env, 1), rng=rng(), **options)
    one = plain.mc_prediction(env, soft(env, 1), rng=rng(), **options)
    np.testing.assert_allclose(many.V[0], one, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(many.trace[-1], many.V)
    assert np.abs(one).max() > 0.1


@pytest.mark.parametrize("first_visit", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_off_policy_prediction_is_the_plain_loop(env, first_visit, weighted):
    options = {"episodes": 60, "gamma": 0.9, "first_visit": first_visit, "weighted": weighted}
    greedy = np.eye(env.actions.n)[rng(2).integers(0, env.actions.n, env.n_states)]
    for pi in (soft(env, 1), 0.5 * greedy + 0.5 * soft(env, 1), greedy):
        many = fast.off_policy_prediction(env, pi, soft(env, 3), rng=rng(), **options)
        one = plain.off_policy_prediction(env, pi, soft(env, 3), rng=rng(), **options)
        np.testing.assert_allclose(many.V[0], one, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("first_visit", [True, False])
def test_exploring_starts_are_the_plain_loop(env, first_visit):
    options = {"episodes": 60, "gamma": 0.9, "first_visit": first_visit}
    many, one = (f(env, rng=rng(), **options) for f in (fast.mc_exploring_starts, plain.mc_exploring_starts))
    np.testing.assert_allclose(many.Q[0], one, rtol=0, atol=1e-12)


@pytest.mark.parametrize("first_visit", [True, False])
@pytest.mark.parametrize("alpha", [None, 0.1])
def test_control_is_the_plain_loop(env, first_visit, alpha):
    options = {"episodes": 60, "gamma": 0.9, "epsilon": 0.3, "first_visit": first_visit, "alpha": alpha}
    many, one = (f(env, rng=rng(), **options) for f in (fast.mc_control, plain.mc_control))
    np.testing.assert_allclose(many.Q[0], one, rtol=0, atol=1e-12)


def test_off_policy_control_is_the_plain_loop(env):
    options = {"episodes": 60, "gamma": 0.9}
    many = fast.off_policy_control(env, soft(env, 3), rng=rng(), **options).Q[0]
    one = plain.off_policy_control(env, soft(env, 3), rng=rng(), **options)
    np.testing.assert_allclose(many, one, rtol=1e-12, atol=1e-12)


# ---------------------------------------------------------------- every lane learns what its episodes say


@pytest.fixture
def heard(monkeypatch):
    """The episodes that a learner is given, as lists of (state, action, reward), a list a lane."""
    kept = {}
    ended = Recorder.ended

    def listen(self, lanes):
        episode = ended(self, lanes)
        if episode:
            for n, i in enumerate(episode.lane):
                t = range(episode.length[n])
                steps = [(episode.state[k, n], episode.action[k, n], episode.reward[k, n]) for k in t]
                kept.setdefault(int(i), []).append(steps)
        return episode

    monkeypatch.setattr(recorded.Recorder, "ended", listen)
    return kept


def returns_of(steps, gamma):
    """Every return of an episode by its definition, O(T^2)."""
    return [sum(gamma ** (k - t) * steps[k][2] for k in range(t, len(steps))) for t in range(len(steps))]


def test_recorder_keeps_what_happened(heard):
    """Lanes that end at different times, and an episode longer than the room at first."""
    mdp = replace(garnet(6, 3, 2, rng=rng(5)).dense(), horizon=37)
    out = fast.mc_control(mdp, episodes=5, epsilon=1.0, gamma=1.0, rng=rng(), runs=4)
    for i in range(4):
        assert [len(steps) for steps in heard[i]] == out.lengths[i].tolist()
        totals = [sum(r for _, _, r in steps) for steps in heard[i]]
        np.testing.assert_allclose(totals, out.returns[i], rtol=1e-12)
        for steps in heard[i]:
            for (s, a, r), (s_next, _, _) in pairwise(steps):
                assert mdp.P[s, a, s_next] > 0
                assert r == mdp.R[s, a, s_next]


def test_exploring_starts_begin_anywhere_with_any_action(heard):
    """3,000 first pairs of Blackjack's 400: chi-square with 399 degrees, 4.0 standard deviations of it."""
    env, runs = Blackjack(), 3000
    fast.mc_exploring_starts(env, episodes=1, gamma=1.0, rng=rng(), runs=runs)
    counts = np.zeros((200, 2))
    for [steps] in heard.values():
        counts[steps[0][0], steps[0][1]] += 1
    assert counts.sum() == runs
    statistic = ((counts - runs / 400) ** 2 / (runs / 400)).sum()
    assert abs(statistic - 399) < SIGMA * np.sqrt(2 * 399)
    one = recorded.AnyState(env).reset(rng())
    assert np.shape(one) == ()
    assert 0 <= one < 200


def test_watch_keeps_what_is_asked_for():
    options = {"episodes": 12, "gamma": 0.9, "runs": 3}
    everything = fast.mc_prediction(wandering(), soft(wandering(), 1), rng=rng(), **options).trace
    some = fast.mc_prediction(wandering(), soft(wandering(), 1), rng=rng(), watch=[4, 1], **options).trace
    assert everything.shape == (12, 3, 6)
    np.testing.assert_array_equal(some, everything[:, :, [4, 1]])
    one = fast.mc_prediction(wandering(), soft(wandering(), 1), rng=rng(), watch=4, **options).trace
    np.testing.assert_array_equal(one, everything[:, :, [4]])


@pytest.mark.parametrize("first_visit", [True, False])
def test_sample_averages_are_means_of_returns(env, heard, first_visit):
    out = fast.mc_prediction(
        env, soft(env, 1), episodes=15, gamma=0.9, rng=rng(), runs=5, first_visit=first_visit
    )
    for i in range(5):
        returns = {}
        for steps in heard[i]:
            states = [s for s, _, _ in steps]
            for t, G in enumerate(returns_of(steps, 0.9)):
                if states[t] not in states[:t] or not first_visit:
                    returns.setdefault(states[t], []).append(G)
        want = [np.mean(returns.get(s, [0.0])) for s in range(env.n_states)]
        np.testing.assert_allclose(out.V[i], want, rtol=0, atol=1e-10)


@pytest.mark.parametrize("first_visit", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_off_policy_is_its_definition(env, heard, first_visit, weighted):
    pi, b = soft(env, 1), soft(env, 3)
    options = {"episodes": 15, "gamma": 0.9, "runs": 5, "first_visit": first_visit, "weighted": weighted}
    out = fast.off_policy_prediction(env, pi, b, rng=rng(), **options)
    for i in range(5):
        pairs = {}
        for steps in heard[i]:
            states = [s for s, _, _ in steps]
            for t, G in enumerate(returns_of(steps, 0.9)):
                if states[t] not in states[:t] or not first_visit:
                    W = np.prod([pi[s, a] / b[s, a] for s, a, _ in steps[t:]])
                    pairs.setdefault(states[t], []).append((W, G))
        for s in range(env.n_states):
            W, G = np.array(pairs.get(s, [(1.0, 0.0)])).T
            want = (W * G).sum() / (W.sum() if weighted else len(G))
            assert out.V[i, s] == pytest.approx(want, rel=1e-10, abs=1e-10)


def test_constant_step_walks_backwards_through_an_episode(heard):
    """Two visits of one state in an episode: the later one first, as the plain box has it."""
    mdp = wandering()
    pi = soft(mdp, 1)
    out = fast.mc_prediction(
        mdp, pi, episodes=4, gamma=0.9, rng=rng(), runs=3, first_visit=False, alpha=[0.5, 0.1, 0.9]
    )
    for i, alpha in enumerate((0.5, 0.1, 0.9)):
        V = np.zeros(6)
        for steps in heard[i]:
            for (s, _, _), G in reversed(list(zip(steps, returns_of(steps, 0.9)))):
                V[s] += alpha * (G - V[s])
        np.testing.assert_allclose(out.V[i], V, rtol=0, atol=1e-10)


def test_a_cut_return_goes_on_with_the_value_reached():
    """One state that pays 1 a step, cut after 3, gamma 1/2: targets 7/4 without bootstrapping, 7/4 + V/8 with."""
    P, R = np.array([[[1.0, 0.0]], [[0.0, 1.0]]]), np.array([[1.0], [0.0]])
    walk = MDP(P, R, 0.5, np.array([1.0, 0.0]), np.array([False, True]), horizon=3)
    pi = np.zeros(2, int)
    cut = fast.mc_prediction(walk, pi, episodes=4, gamma=0.5, rng=rng())
    np.testing.assert_allclose(cut.trace[:, 0, 0], 1.75)
    on = fast.mc_prediction(walk, pi, episodes=60, gamma=0.5, rng=rng(), bootstrap=True)
    V, n = 0.0, 0
    for k in range(60):
        n, V = n + 1, V + (1.75 + 0.125 * V - V) / (n + 1)
        assert on.trace[k, 0, 0] == pytest.approx(V, abs=1e-12)
    assert abs(V - 2.0) < 0.02


# ---------------------------------------------------------------- many walks at once


def test_average_of_many_walks_is_the_mean_of_their_returns():
    """The pooled average is the mean of the same episodes, taken one by one."""
    mdp, pi = wandering(), soft(wandering(), 1)
    for first_visit in (True, False):
        V, count = fast.mc_average(
            mdp, pi, episodes=50, gamma=0.9, rng=rng(), first_visit=first_visit, width=20
        )
        total, number = np.zeros(6), np.zeros(6)
        for batch in recorded.walk_at_once(mdp, pi, episodes=50, rng=rng(), width=20):
            assert len(batch.lane) in (20, 10)
            for n in range(len(batch.lane)):
                steps = [(batch.state[t, n], 0, batch.reward[t, n]) for t in range(batch.length[n])]
                states = [s for s, _, _ in steps]
                for t, G in enumerate(returns_of(steps, 0.9)):
                    if states[t] not in states[:t] or not first_visit:
                        total[states[t]] += G
                        number[states[t]] += 1
        np.testing.assert_array_equal(count, number)
        np.testing.assert_allclose(V, total / np.maximum(number, 1), rtol=0, atol=1e-10)


def test_width_one_is_the_plain_loop():
    """Walked one after the other, the fast path has the stream of the plain loop."""
    env, pi = Blackjack(), np.eye(2)[stick_from(18)]
    V, _ = fast.mc_average(env, pi, episodes=80, gamma=1.0, rng=rng(), width=1)
    np.testing.assert_allclose(V, plain.mc_prediction(env, pi, episodes=80, gamma=1.0, rng=rng()), atol=1e-12)


def test_first_visits():
    key = np.array([[3, 1], [3, 0], [2, 1], [3, 1], [2, 5]])
    want = np.array([[1, 1], [0, 1], [1, 0], [0, 0], [0, 1]], bool)
    np.testing.assert_array_equal(first_visits(key), want)


# ---------------------------------------------------------------- exact: every trajectory of a small problem


def trajectories(mdp, b, horizon):
    """Every walk of `horizon` steps from state 0: probability under b, importance ratio's parts, return.

    -> arrays over walks: probability, states (n, T), actions (n, T), return (n,)
    """
    S, A = mdp.n_states, mdp.n_actions
    chance, states, actions, total = [], [], [], []
    for walk in product(product(range(A), range(S)), repeat=horizon):
        s, p, G = 0, 1.0, 0.0
        visited, chosen = [], []
        for t, (a, s_next) in enumerate(walk):
            p *= b[s, a] * mdp.P[s, a, s_next]
            G += mdp.gamma**t * mdp.R[s, a, s_next]
            visited.append(s)
            chosen.append(a)
            s = s_next
        chance.append(p)
        states.append(visited)
        actions.append(chosen)
        total.append(G)
    return np.array(chance), np.array(states), np.array(actions), np.array(total)


@pytest.fixture(scope="module")
def enumerated():
    """Three steps of the two-state problem: V of pi from state 0 by backward induction, and every walk of b."""
    mdp = replace(two_state(), horizon=3, start=np.array([1.0, 0.0]))
    pi, b = np.array([[0.8, 0.2], [0.3, 0.7]]), np.array([[0.4, 0.6], [0.5, 0.5]])
    V = np.zeros(2)
    for _ in range(3):
        V = (pi * mdp.lookahead(V)).sum(axis=1)
    p, s, a, G = trajectories(mdp, b, 3)
    W = np.prod(pi[s, a] / b[s, a], axis=1)
    return mdp, pi, b, V[0], p, W, G


def test_ordinary_importance_sampling_is_unbiased_by_enumeration(enumerated):
    _, _, _, V, p, W, G = enumerated
    assert p.sum() == pytest.approx(1.0, abs=1e-12)
    assert p @ W == pytest.approx(1.0, abs=1e-12)
    assert p @ (W * G) == pytest.approx(V, abs=1e-12)


def test_weighted_importance_sampling_is_biased_and_the_bias_shrinks(enumerated):
    """After one walk it is the mean of b, whatever pi is; after two, by enumerating pairs of walks, nearer."""
    _, _, _, V, p, W, G = enumerated
    one = p @ G
    mean = (W[:, None] * G[:, None] + W * G) / (W[:, None] + W)
    two = p @ mean @ p
    assert abs(one - V) > 1.5 * abs(two - V) > 0.5


def test_estimators_have_the_mean_and_variance_of_the_enumeration(enumerated):
    """100,000 runs of two walks: means of the averages after 1 and 2, and the variance of W G; five z."""
    mdp, pi, b, V, p, W, G = enumerated
    runs = 100_000
    w, g = fast.weighed_returns(mdp, pi, b, episodes=2, gamma=mdp.gamma, rng=rng(1), runs=runs)
    ordinary, weighted = ordinary_average(w, g), weighted_average(w, g)
    pairs = (W[:, None] * G[:, None] + W * G) / (W[:, None] + W)
    variance = p @ (W * G) ** 2 - V**2
    exact = {
        "ordinary, 1": (ordinary[:, 0], V, variance),
        "ordinary, 2": (ordinary[:, 1], V, variance / 2),
        "weighted, 1": (weighted[:, 0], p @ G, p @ G**2 - (p @ G) ** 2),
        "weighted, 2": (weighted[:, 1], p @ pairs @ p, p @ pairs**2 @ p - (p @ pairs @ p) ** 2),
        "second moment": (ordinary[:, 0] ** 2, p @ (W * G) ** 2, p @ (W * G) ** 4 - (p @ (W * G) ** 2) ** 2),
    }
    z = {name: (x.mean() - mean) / np.sqrt(var / runs) for name, (x, mean, var) in exact.items()}
    assert max(map(abs, z.values())) < SIGMA, z


def test_first_visits_are_unbiased_and_every_visits_are_not():
    """A state that pays 1 and stays with 3/4, V = 4. After one episode of T steps the estimates are T and
    (T + 1) / 2, with the means 4 and 5/2; Var T = 12. Two z.
    """
    P = np.array([[[0.75, 0.25]], [[0.0, 1.0]]])
    walk = MDP(P, np.array([[1.0], [0.0]]), 1.0, np.array([1.0, 0.0]), np.array([False, True]))
    n = 4000
    for first_visit, mean, variance in ((True, 4.0, 12.0), (False, 2.5, 3.0)):
        out = fast.mc_prediction(
            walk, np.zeros(2, int), episodes=1, gamma=1.0, rng=rng(3), runs=n, first_visit=first_visit
        )
        assert abs(out.V[:, 0].mean() - mean) / np.sqrt(variance / n) < SIGMA


def test_loop_of_infinite_variance():
    """Terms of E[(W G)^2] = sum_k P(k lefts, then the end by left) 2^(2 (k + 1)): each 1.8 times the last one."""
    mdp = loop()
    assert policy_value(mdp, np.zeros(2, int))[0] == pytest.approx(1.0, abs=1e-12)
    half, stay = 0.5, mdp.P[0, 0, 0]
    chance = [(half * stay) ** k * half * (1 - stay) for k in range(60)]
    ratio = [2.0 ** (k + 1) for k in range(60)]
    first = np.dot(chance, ratio)
    second = np.multiply(chance, np.square(ratio))
    assert first == pytest.approx(1 - 0.9**60, abs=1e-12)
    np.testing.assert_allclose(second[1:] / second[:-1], 1.8, rtol=1e-12)
    pi, b = np.array([[1.0, 0.0], [0.5, 0.5]]), np.full((2, 2), 0.5)
    w, g = fast.weighed_returns(mdp, pi, b, episodes=500, gamma=1.0, rng=rng(), runs=4)
    assert set(np.unique(np.log2(w[w > 0]))) <= set(range(1, 60))
    weighted = weighted_average(w, g)
    np.testing.assert_array_equal(
        weighted[w.cumsum(axis=1) > 0], 1.0
    )  # each return that weighs anything is 1
    assert ordinary_average(w, g)[:, -1].max() < 4


# ---------------------------------------------------------------- control finds what it can


def blackjack_regret(Q):
    """By how much a table's greedy policy falls short of best play, from the first deal on."""
    mdp = blackjack_mdp()
    return float(mdp.start @ (optimal_value(mdp) - policy_value(mdp, Q.argmax(axis=1))))


@pytest.mark.parametrize("learn", ["exploring starts", "off-policy"])
def test_control_comes_near_best_play(learn):
    """The mean table of 50 runs of 3,000 episodes loses less than 0.01 a game; random play loses 0.345.

    Of 16 other runs the losses were 0.0013 to 0.0057 with a standard deviation of 0.001: 0.01 is 6 of them away.
    """
    env = Blackjack()
    options = {"episodes": 3000, "gamma": 1.0, "rng": rng(), "runs": 50}
    if learn == "exploring starts":
        out = fast.mc_exploring_starts(env, **options)
    else:
        out = fast.off_policy_control(env, np.full((203, 2), 0.5), **options)
    assert 0 <= blackjack_regret(out.Q.mean(axis=0)) < 0.01
    assert out.returns.shape == out.lengths.shape == (50, 3000)


def test_soft_control_comes_near_the_best_soft_policy():
    """Epsilon 0.2 on a small model: the mean over 40 runs of the value of the learned epsilon-greedy policy."""
    mdp = replace(garnet(6, 3, 2, rng=rng(5)), gamma=0.8, horizon=25)
    V = np.zeros(6)
    for _ in range(500):  # policy iteration among epsilon-soft policies
        pi = epsilon_greedy_probabilities(mdp.lookahead(V), 0.2)
        V = policy_value(mdp, pi)
    out = fast.mc_control(mdp, episodes=400, epsilon=0.2, gamma=0.8, rng=rng(), runs=40)
    reached = [mdp.start @ policy_value(mdp, epsilon_greedy_probabilities(Q, 0.2)) for Q in out.Q]
    uniform = mdp.start @ policy_value(mdp, np.full((6, 3), 1 / 3))
    best = mdp.start @ V
    assert max(reached) <= best + 1e-9
    assert (best - np.mean(reached)) < 0.1 * (best - uniform)


def test_first_tables_stay_where_nothing_was_learned():
    env, options = Blackjack(), {"episodes": 5, "gamma": 1.0, "rng": rng(), "Q0": 7.0}
    half = np.full((203, 2), 0.5)
    for out in (fast.mc_exploring_starts(env, **options), fast.off_policy_control(env, half, **options)):
        assert 1 <= (out.Q[0, :200] != 7.0).sum() <= 50
        assert not out.Q[0, 200:].any()


def test_actions_that_do_not_exist_are_never_taken():
    """The maximization-bias problem: two actions on the left, ten on the right."""
    env = MaximizationBias()
    b = env.allowed / env.allowed.sum(axis=1, keepdims=True)
    options = {"episodes": 200, "gamma": 1.0, "rng": rng()}
    for out in (
        fast.mc_exploring_starts(env, **options),
        fast.mc_control(env, epsilon=0.5, **options),
        fast.off_policy_control(env, b, **options),
    ):
        np.testing.assert_array_equal(out.Q[0] == -np.inf, ~env.allowed)


def test_live_gymnasium_environment():
    """A lake that does not slip, under a policy that goes to the goal: six steps, and 1 with the last."""
    lake = GymnasiumEnv("FrozenLake-v1", {"is_slippery": False})
    right_way = np.array([1, 2, 1, 0, 1, 0, 1, 0, 2, 1, 1, 0, 0, 2, 2, 0])
    out = fast.mc_prediction(lake, right_way, episodes=3, gamma=0.5, rng=rng())
    path = [0, 4, 8, 9, 13, 14]
    np.testing.assert_allclose(out.V[0, path], 0.5 ** np.arange(5, -1, -1))
    out = fast.mc_prediction(lake, right_way, episodes=3, gamma=0.5, rng=rng(), V0=8.0, bootstrap=True)
    np.testing.assert_allclose(
        out.V[0, path], 0.5 ** np.arange(5, -1, -1)
    )  # an end is no cut, whatever V says
    short = GymnasiumEnv("FrozenLake-v1", {"is_slippery": False, "max_episode_steps": 2})
    out = fast.mc_prediction(short, right_way, episodes=1, gamma=0.5, rng=rng(), V0=8.0, bootstrap=True)
    np.testing.assert_allclose(out.V[0, path], [2.0, 4.0, 8.0, 8.0, 8.0, 8.0])
    out = fast.mc_control(lake, episodes=3, epsilon=1.0, gamma=0.5, rng=rng())
    assert out.returns.shape == (1, 3)
    V, count = fast.mc_average(lake, right_way, episodes=3, gamma=0.5, rng=rng())  # one walker, one by one
    np.testing.assert_allclose(V[path], 0.5 ** np.arange(5, -1, -1))
    assert count.sum() == 18
    with pytest.raises(ValueError, match="it cannot begin in a state of our choice"):
        fast.mc_exploring_starts(lake, episodes=3, gamma=0.5, rng=rng())


# ---------------------------------------------------------------- what the doors refuse


def call(name, env=None, **changed):
    env = Blackjack() if env is None else env
    S, A = env.n_states, env.actions.n
    pi = np.full((S, A), 1 / A)
    arguments = {"episodes": 2, "gamma": 1.0, "rng": rng()}
    if name == "mc_control":
        arguments["epsilon"] = 0.1
    one, two = (
        ("mc_prediction", "mc_average", "off_policy_control"),
        ("off_policy_prediction", "weighed_returns"),
    )
    policies = [pi] * ((name in one) + 2 * (name in two))
    if "b" in changed:
        policies[-1] = changed.pop("b")
    if "pi" in changed:
        policies[0] = changed.pop("pi")
    return getattr(fast, name)(env, *policies, **{**arguments, **changed})


LEARNERS = [
    "mc_prediction",
    "off_policy_prediction",
    "mc_exploring_starts",
    "mc_control",
    "off_policy_control",
]


@pytest.mark.parametrize("name", [*LEARNERS, "mc_average", "weighed_returns"])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"episodes": 0}, "episodes is 0; it must be a whole number >= 1"),
        ({"episodes": 2.0}, "episodes is 2.0; it must be a whole number >= 1"),
        ({"gamma": 1.5}, "gamma is 1.5; it must be a number from 0 to 1"),
        ({"gamma": float("nan")}, "gamma is nan"),
        ({"rng": 3}, "rng is int; it must be a Generator"),
    ],
)
def test_refuses_what_is_out_of_range(name, changed, said):
    with pytest.raises(ValueError, match=said):
        call(name, **changed)


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("mc_prediction", {"runs": 0}, "runs is 0"),
        ("mc_prediction", {"alpha": 1.5}, "alpha is 1.5; it must be from 0 to 1"),
        ("mc_prediction", {"alpha": [0.1, np.nan], "runs": 2}, r"alpha\[1\] is nan"),
        ("mc_prediction", {"V0": np.zeros(4)}, r"V0 has shape \(4,\)"),
        ("mc_prediction", {"watch": [3, 203]}, r"watch\[1\] is 203, not a state; states are 0 to 202"),
        ("mc_prediction", {"watch": [0.5]}, "it must be a list of states"),
        ("mc_prediction", {"watch": [True]}, "it must be a list of states"),
        ("mc_prediction", {"watch": [[1]]}, "it must be a list of states"),
        ("mc_prediction", {"watch": [-1]}, r"watch\[0\] is -1, not a state"),
        ("mc_prediction", {"pi": np.ones((203, 2))}, r"pi\[0\] sums to 2, not 1"),
        ("mc_average", {"width": 0}, "width is 0"),
        ("weighed_returns", {"runs": -1}, "runs is -1"),
        ("mc_control", {"epsilon": 2}, "epsilon is 2"),
        ("mc_control", {"Q0": np.zeros(3)}, r"Q0 has shape \(3,\)"),
        ("off_policy_prediction", {"b": np.zeros(203, int)}, r"b\[0, 1\] is 0, but action 1"),
        ("weighed_returns", {"b": np.ones(203, int)}, r"b\[0, 0\] is 0, but action 0"),
        ("off_policy_control", {"b": np.zeros(203, int)}, r"b\[0, 1\] is 0, but action 1"),
    ],
)
def test_refuses_what_does_not_fit(name, changed, said):
    with pytest.raises(ValueError, match=said):
        call(name, **changed)


@pytest.mark.parametrize("name", ["mc_exploring_starts", "mc_control"])
def test_refuses_greedy_walks_that_need_not_end(name):
    """The lake: in its top row a greedy policy may run against the edge for ever."""
    changed = {"epsilon": 0.0} if name == "mc_control" else {}
    with pytest.raises(ValueError, match=r"a greedy walk can stay near state 0 for ever: give it a horizon"):
        call(name, frozen_lake(), **changed)
    call(name, replace(frozen_lake().dense(), horizon=10), **changed)
    call(name, blackjack_mdp(), **changed)  # a hand ends whatever one does


def test_coverage_is_asked_for_where_something_is_chosen():
    """However seldom pi takes an action, b must; but in a terminal state nobody acts."""
    env, b = Blackjack(), np.full((203, 2), 0.5)
    b[200:] = [1.0, 0.0]
    assert fast.weighed_returns(env, b[:, ::-1], b, episodes=2, gamma=1.0, rng=rng())[0].shape == (1, 2)
    pi = np.full((203, 2), [0.999, 0.001])
    with pytest.raises(ValueError, match=r"b\[0, 1\] is 0, but action 1"):
        fast.off_policy_prediction(env, pi, np.zeros(203, int), episodes=2, gamma=1.0, rng=rng())


def test_refuses_to_begin_where_everything_is_over():
    over = MDP(np.ones((1, 1, 1)), np.zeros((1, 1)), 1.0, np.ones(1), np.ones(1, bool))
    with pytest.raises(ValueError, match="every state of env is terminal"):
        fast.mc_exploring_starts(over, episodes=1, gamma=1.0, rng=rng())


@pytest.mark.parametrize("name", LEARNERS)
def test_refuses_walks_that_never_end(name):
    with pytest.raises(ValueError, match="no terminal state can be reached"):
        call(name, two_state())
