"""MDP and SparseMDP: two ways to say the same process, and everything they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rlcore.problems.chains import two_state
from rlcore.problems.env import Discrete
from rlcore.problems.mdp import MDP, SparseMDP

examples = settings(max_examples=60, deadline=None, derandomize=True)
eighths = st.integers(-80, 80).map(lambda n: n / 8)  # rewards and values without rounding


@st.composite
def mdps(draw):
    """P from small whole numbers (many zeros), rewards of either shape, terminals anywhere."""
    S, A = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    weight = draw(arrays(np.int64, (S, A, S), elements=st.integers(0, 4)))
    weight[..., 0] += weight.sum(axis=-1) == 0
    R = draw(arrays(float, draw(st.sampled_from([(S, A), (S, A, S)])), elements=eighths))
    terminal = draw(arrays(bool, S))
    weight[terminal] = np.eye(S, dtype=int)[terminal][:, None, :]
    R[terminal] = 0.0
    start = draw(arrays(np.int64, S, elements=st.integers(0, 3)))
    start[0] += start.sum() == 0
    gamma = draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
    return MDP(weight / weight.sum(axis=-1, keepdims=True), R, gamma, start / start.sum(), terminal)


@st.composite
def mdps_with_values(draw, n=2):
    mdp = draw(mdps())
    return mdp, *(draw(arrays(float, mdp.n_states, elements=eighths)) for _ in range(n))


class Tape:
    """Stands in for a Generator: hands out the uniform numbers it was given."""

    def __init__(self, u):
        self.u = np.asarray(u, dtype=float)

    def random(self, shape=None):
        assert np.shape(self.u) == (() if shape is None else tuple(np.atleast_1d(shape)))
        return self.u


# ---------------------------------------- two representations, one process


@examples
@given(mdps())
def test_dense_to_sparse_and_back(mdp):
    back = mdp.sparse().dense()
    np.testing.assert_array_equal(back.P, mdp.P)
    np.testing.assert_allclose(back.expected_reward, mdp.expected_reward, rtol=0, atol=1e-12)
    np.testing.assert_allclose(back.R[mdp.P > 0], mdp.R[mdp.P > 0], rtol=0, atol=1e-12)
    for name in ("gamma", "start", "terminal", "horizon"):
        np.testing.assert_array_equal(getattr(back, name), getattr(mdp, name))


@examples
@given(mdps_with_values(1))
def test_lookahead_is_the_double_sum(case):
    mdp, V = case
    Q = np.zeros((mdp.n_states, mdp.n_actions))
    for s, a, s_next in np.ndindex(*mdp.P.shape):
        Q[s, a] += mdp.P[s, a, s_next] * (mdp.R[s, a, s_next] + mdp.gamma * V[s_next])
    np.testing.assert_allclose(mdp.lookahead(V), Q, rtol=0, atol=1e-12)
    np.testing.assert_allclose(mdp.sparse().lookahead(V), Q, rtol=0, atol=1e-12)


@examples
@given(mdps(), st.integers(0, 2**32 - 1))
def test_same_seed_same_trajectory_where_the_successors_stand_in_order(mdp, seed):
    S, A = mdp.n_states, mdp.n_actions
    succ = np.broadcast_to(np.arange(S), (S, A, S))
    lists = SparseMDP(succ, mdp.P, mdp.R, mdp.gamma, mdp.start, mdp.terminal)
    streams = [np.random.default_rng(seed) for _ in range(2)]
    dense, sparse = (m.reset(rng, 4) for m, rng in zip((mdp, lists), streams))
    for t in range(5):
        action = np.full(4, t % A)
        one = mdp.step(dense, action, streams[0])
        two = lists.step(sparse, action, streams[1])
        for x, y in zip(one, two):
            np.testing.assert_array_equal(x, y)
        dense, sparse = one[0], two[0]


def test_step_inverts_the_distribution_function_exactly():
    """20 equally spaced uniform numbers against probabilities in twentieths: counts, not statistics."""
    twentieths = np.array([0, 7, 0, 1, 12])
    P = np.tile(twentieths / 20, (5, 1, 1))
    R = np.tile(10.0 * np.arange(5), (5, 1, 1))
    mdp = MDP(P, R, 0.9, np.eye(5)[0], np.zeros(5, dtype=bool))
    u = (np.arange(20) + 0.5) / 20
    for model in (mdp, mdp.sparse()):
        s_next, reward, terminated = model.step(np.zeros(20, int), np.zeros(20, int), Tape(u))
        np.testing.assert_array_equal(np.bincount(s_next, minlength=5), twentieths)
        np.testing.assert_array_equal(reward, 10.0 * s_next)
        assert terminated.dtype == bool
        assert not terminated.any()


def test_reset_inverts_the_distribution_function_exactly():
    mdp = MDP(np.eye(4)[:, None], np.zeros((4, 1)), 1.0, [0.0, 0.3, 0.0, 0.7], np.ones(4, dtype=bool))
    first = mdp.reset(Tape((np.arange(10) + 0.5) / 10), 10)
    np.testing.assert_array_equal(first, [1] * 3 + [3] * 7)
    assert mdp.reset(Tape(0.0)) == 1  # the ends of [0, 1) never fall on a state of probability 0
    assert mdp.reset(Tape(np.nextafter(1.0, 0.0))) == 3


def test_step_takes_scalars_and_batches_alike():
    mdp = two_state()
    for model in (mdp, mdp.sparse()):
        s, r, end = model.step(0, 0, Tape(0.3))
        assert (s, r, end) == (0, 1.0, False)
        assert np.ndim(s) == np.ndim(r) == np.ndim(end) == 0
        batch = model.step(np.array([[0, 1]]), np.array([[0, 1]]), Tape([[0.3, 0.95]]))
        assert [x.tolist() for x in batch] == [[[0, 1]], [[1.0, 2.0]], [[False, False]]]


def test_a_successor_named_twice_is_one_successor():
    lists = SparseMDP(
        succ=np.array([[[1, 0, 1]], [[1, 1, 0]]]),
        prob=np.array([[[0.25, 0.5, 0.25]], [[0.5, 0.5, 0.0]]]),
        reward=np.array([[[8.0, 1.0, 4.0]], [[0.0, 0.0, 99.0]]]),  # 99 is padding: probability 0
        gamma=0.5,
        start=np.array([1.0, 0.0]),
        terminal=np.array([False, True]),
    )
    dense = lists.dense()
    np.testing.assert_array_equal(dense.P, [[[0.5, 0.5]], [[0.0, 1.0]]])
    np.testing.assert_array_equal(dense.R, [[[1.0, 6.0]], [[0.0, 0.0]]])  # 6: the mean of the two ways
    np.testing.assert_array_equal(dense.expected_reward, [[3.5], [0.0]])
    V = np.array([2.0, 10.0])
    np.testing.assert_array_equal(lists.lookahead(V), dense.lookahead(V))


def test_sparse_is_as_narrow_as_it_can_be():
    mdp = MDP(np.eye(6)[:, None], np.zeros((6, 1)), 0.9, np.eye(6)[0], np.zeros(6, dtype=bool))
    assert mdp.sparse().prob.shape == (6, 1, 1)


# ---------------------------------------- the optimality operator


@examples
@given(mdps_with_values(2))
def test_contraction_monotonicity_and_shift(case):
    mdp, V, W = case
    for model in (mdp, mdp.sparse()):

        def T(V, model=model):
            return model.lookahead(V).max(axis=1)

        gap = np.abs(V - W).max()
        assert np.abs(T(V) - T(W)).max() <= mdp.gamma * gap + 1e-12
        assert (T(np.minimum(V, W)) <= T(V) + 1e-12).all()
        np.testing.assert_allclose(T(V + 3.0), T(V) + mdp.gamma * 3.0, rtol=0, atol=1e-12)


# ---------------------------------------- what both are


@examples
@given(mdps())
def test_they_are_environments(mdp):
    for model in (mdp, mdp.sparse()):
        S, A = model.n_states, model.n_actions
        assert model.actions == Discrete(A)
        assert model.n_features == S
        np.testing.assert_array_equal(model.observe(np.arange(S)), np.eye(S))
        np.testing.assert_array_equal(model.observe(S - 1), np.eye(S)[S - 1])


def test_arrays_are_read_only_views():
    P = np.full((2, 1, 2), 0.5)
    mdp = MDP(P, np.zeros((2, 1)), 0.9, np.array([1.0, 0.0]), np.zeros(2, dtype=bool))
    assert np.shares_memory(mdp.P, P)
    with pytest.raises(ValueError, match="read-only"):
        mdp.P[0, 0, 0] = 1.0
    with pytest.raises(AttributeError):
        mdp.gamma = 0.5
    P[0, 0] = 0.0, 1.0  # one's own array stays writable


def test_a_reward_a_state_and_action_is_not_copied_per_successor():
    mdp = two_state()
    assert mdp.R.shape == (2, 2, 2)
    assert mdp.R.strides[-1] == 0
    np.testing.assert_array_equal(mdp.R[..., 0], mdp.R[..., 1])


def test_lists_and_whole_numbers_will_do():
    mdp = MDP([[[0, 1]], [[0, 1]]], [[3], [0]], 1, [1, 0], [False, True])
    assert mdp.P.dtype == mdp.R.dtype == mdp.start.dtype == float
    np.testing.assert_array_equal(mdp.lookahead(np.zeros(2)), [[3.0], [0.0]])


# ---------------------------------------- doors

GOOD = {
    "P": np.array([[[0.5, 0.5], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]),
    "R": np.array([[1.0, 2.0], [0.0, 0.0]]),
    "gamma": 0.9,
    "start": np.array([1.0, 0.0]),
    "terminal": np.array([False, True]),
    "horizon": None,
}
GOOD_LISTS = {
    **{name: GOOD[name] for name in ("gamma", "start", "terminal", "horizon")},
    "succ": np.array([[[0, 1], [1, 1]], [[1, 1], [1, 0]]]),
    "prob": np.array([[[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [1.0, 0.0]]]),
    "reward": np.array([[1.0, 2.0], [0.0, 0.0]]),
}


def changed(array, index, value):
    array = np.array(array, dtype=float)
    array[index] = value
    return array


def test_the_good_ones_pass():
    np.testing.assert_array_equal(MDP(**GOOD).P, SparseMDP(**GOOD_LISTS).dense().P)


COMMON = [
    ("gamma", -0.1, r"^gamma is -0.1; it must be a number from 0 to 1$"),
    ("gamma", 1.0000001, r"^gamma is 1.0000001; it must be a number from 0 to 1$"),
    ("gamma", np.nan, r"^gamma is nan; it must be a number from 0 to 1$"),
    ("gamma", np.inf, r"^gamma is inf; it must be a number from 0 to 1$"),
    ("gamma", "0.9", r"^gamma is '0.9'; it must be a number from 0 to 1$"),
    ("gamma", None, r"^gamma is None; it must be a number from 0 to 1$"),
    ("gamma", True, r"^gamma is True; it must be a number from 0 to 1$"),
    ("gamma", np.complex128(0.5), r"^gamma is .*; it must be a number from 0 to 1$"),
    ("gamma", np.array([0.9]), r"^gamma is .*; it must be a number from 0 to 1$"),
    ("start", [1.0], r"^start has shape \(1,\); it must be \(2,\), a probability a state$"),
    ("start", [0.5, 0.4], r"^start sums to 0.9, not 1$"),
    ("start", [1.5, -0.5], r"^start\[1\] is -0.5, a negative probability$"),
    ("start", [np.nan, 1.0], r"^start\[0\] is nan, not a finite number$"),
    ("start", [], r"^start has shape \(0,\); it must be \(2,\), a probability a state$"),
    ("start", [[1.0, 0.0]], r"^start has 2 axes, not 1: its shape is \(1, 2\)$"),
    ("start", None, r"^start is object; it must be an array of real numbers$"),
    ("terminal", [0, 1], r"^terminal is int\d+ \(2,\); it must be bool \(2,\), a flag a state$"),
    ("terminal", [True], r"^terminal is bool \(1,\); it must be bool \(2,\), a flag a state$"),
    ("terminal", [[True], [True, False]], r"^terminal must be an array, all rows of equal length$"),
    ("horizon", 0, r"^horizon is 0; it must be None or a whole number of steps >= 1$"),
    ("horizon", 2.5, r"^horizon is 2.5; it must be None or a whole number of steps >= 1$"),
    ("horizon", True, r"^horizon is True; it must be None or a whole number of steps >= 1$"),
    ("horizon", np.nan, r"^horizon is nan; it must be None or a whole number of steps >= 1$"),
]


@pytest.mark.parametrize(("kind", "good"), [(MDP, GOOD), (SparseMDP, GOOD_LISTS)], ids=["dense", "sparse"])
@pytest.mark.parametrize(("name", "value", "message"), COMMON)
def test_both_refuse(kind, good, name, value, message):
    with pytest.raises(ValueError, match=message):
        kind(**{**good, name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("P", np.ones((2, 2)), r"^P has 2 axes, not 3: its shape is \(2, 2\)$"),
        ("P", np.ones((2, 2, 3)) / 3, r"^P has shape \(2, 2, 3\); it must be \(S, A, S\) with S, A >= 1$"),
        ("P", np.zeros((0, 2, 0)), r"^P has shape \(0, 2, 0\); it must be \(S, A, S\) with S, A >= 1$"),
        ("P", np.zeros((2, 0, 2)), r"^P has shape \(2, 0, 2\); it must be \(S, A, S\) with S, A >= 1$"),
        ("P", changed(GOOD["P"], (0, 1, 0), np.nan), r"^P\[0, 1, 0\] is nan, not a finite number$"),
        ("P", changed(GOOD["P"], (1, 0, 1), np.inf), r"^P\[1, 0, 1\] is inf, not a finite number$"),
        ("P", changed(GOOD["P"], (0, 0), (1.5, -0.5)), r"^P\[0, 0, 1\] is -0.5, a negative probability$"),
        ("P", changed(GOOD["P"], (0, 0), (0.5, 0.4)), r"^P\[0, 0\] sums to 0.9, not 1$"),
        ("P", changed(GOOD["P"], (0, 0), (0.5, 0.5 + 2e-8)), r"^P\[0, 0\] sums to 1.00000002, not 1$"),
        ("P", GOOD["P"].astype(complex), r"^P is complex128; it must be an array of real numbers$"),
        ("P", [["0.5"]], r"^P is <U3; it must be an array of real numbers$"),
        ("P", [[[1.0]], [[0.5, 0.5]]], r"^P must be an array, all rows of equal length$"),
        ("R", np.zeros(2), r"^R has shape \(2,\); it must be \(2, 2\) or \(2, 2, 2\)$"),
        ("R", np.zeros((2, 1)), r"^R has shape \(2, 1\); it must be \(2, 2\) or \(2, 2, 2\)$"),
        ("R", changed(GOOD["R"], (0, 1), np.nan), r"^R\[0, 1\] is nan, not a finite number$"),
        (
            "R",
            changed(np.zeros((2, 2, 2)), (0, 1, 1), -np.inf),
            r"^R\[0, 1, 1\] is -inf, not a finite number$",
        ),
        ("R", [[1.0], [1.0, 2.0]], r"^R must be an array, all rows of equal length$"),
        (
            "R",
            changed(GOOD["R"], (1, 0), 5.0),
            r"^terminal\[1\] is True, but R\[1, 0\] pays 5: it must pay 0$",
        ),
        (
            "P",
            changed(GOOD["P"], (1, 1), (0.25, 0.75)),
            r"^terminal\[1\] is True, but P\[1, 1\] stays in 1 with probability 0.75, not 1: a terminal state",
        ),
    ],
)
def test_mdp_refuses(name, value, message):
    with pytest.raises(ValueError, match=message):
        MDP(**{**GOOD, name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "succ",
            [[[0, 2], [1, 1]], [[1, 1], [1, 0]]],
            r"^succ\[0, 0, 1\] is 2, not a state; states are 0 to 1$",
        ),
        (
            "succ",
            [[[0, 1], [1, 1]], [[-1, 1], [1, 0]]],
            r"^succ\[1, 0, 0\] is -1, not a state; states are 0 to 1$",
        ),
        (
            "succ",
            GOOD_LISTS["prob"],
            r"^succ is float64 \(2, 2, 2\); it must be integer \(2, 2, 2\), like prob$",
        ),
        (
            "succ",
            np.zeros((2, 2, 1), np.int64),
            r"^succ is int64 \(2, 2, 1\); it must be integer \(2, 2, 2\), like",
        ),
        ("succ", [[[0], [1, 1]]], r"^succ must be an array, all rows of equal length$"),
        (
            "prob",
            np.zeros((2, 2, 0)),
            r"^prob has shape \(2, 2, 0\); it must be \(S, A, K\) with S, A, K >= 1$",
        ),
        ("prob", np.ones((2, 2)), r"^prob has 2 axes, not 3: its shape is \(2, 2\)$"),
        ("prob", changed(GOOD_LISTS["prob"], (0, 1), (0.5, 0.6)), r"^prob\[0, 1\] sums to 1.1, not 1$"),
        (
            "prob",
            changed(GOOD_LISTS["prob"], (0, 1), (2.0, -1.0)),
            r"^prob\[0, 1, 1\] is -1.0, a negative prob",
        ),
        (
            "prob",
            changed(GOOD_LISTS["prob"], (0, 1, 0), np.nan),
            r"^prob\[0, 1, 0\] is nan, not a finite number$",
        ),
        (
            "reward",
            np.zeros((2, 2, 3)),
            r"^reward has shape \(2, 2, 3\); it must be \(2, 2\) or \(2, 2, 2\)$",
        ),
        (
            "reward",
            changed(GOOD_LISTS["reward"], (0, 0), np.inf),
            r"^reward\[0, 0\] is inf, not a finite number$",
        ),
        (
            "reward",
            changed(GOOD_LISTS["reward"], (1, 1), -2.0),
            r"^terminal\[1\] is True, but reward\[1, 1\] pays -2: it must pay 0$",
        ),
        (
            "prob",
            changed(GOOD_LISTS["prob"], (1, 1), (0.75, 0.25)),
            r"^terminal\[1\] is True, but prob\[1, 1\] stays in 1 with probability 0.75, not 1: a terminal state",
        ),
    ],
)
def test_sparse_mdp_refuses(name, value, message):
    with pytest.raises(ValueError, match=message):
        SparseMDP(**{**GOOD_LISTS, name: value})


@pytest.mark.parametrize(("dtype", "message"), [(np.int8, "int8"), (np.uint8, "uint8")])
def test_successors_that_cannot_name_every_state_are_refused(dtype, message):
    S = 300
    with pytest.raises(ValueError, match=rf"^succ is {message}, too small to name 300 states; use int64$"):
        SparseMDP(
            np.zeros((S, 1, 1), dtype),
            np.ones((S, 1, 1)),
            np.zeros((S, 1)),
            0.9,
            np.eye(S)[0],
            np.zeros(S, dtype=bool),
        )


def test_a_dense_table_that_would_not_fit_is_refused():
    S = 20_000
    lists = SparseMDP(
        np.zeros((S, 1, 1), np.int64),
        np.ones((S, 1, 1)),
        np.zeros((S, 1)),
        0.9,
        np.full(S, 1 / S),
        np.zeros(S, dtype=bool),
    )
    with pytest.raises(ValueError, match=r"^a dense P of 20000 x 1 x 20000 entries would need 3 GB$"):
        lists.dense()


@pytest.mark.parametrize("error", [-0.9e-8, 0.9e-8])
def test_rounding_in_the_data_is_forgiven(error):
    """A row may be off by 1e-8, as in tables that were written with nine digits."""
    P = changed(GOOD["P"], (0, 0), (0.5, 0.5 + error))
    np.testing.assert_array_equal(MDP(**{**GOOD, "P": P}).P, P)
