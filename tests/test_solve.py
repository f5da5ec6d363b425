"""`solve` proves what it returns: against exact answers, on models and streams that were made to mislead it."""

from itertools import islice, repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from rlcore.algorithms import dp, fast_dp
from rlcore.algorithms.certificate import Discounted, Undiscounted
from rlcore.exact.values import optimal_value, policy_value
from rlcore.problems.garnet import garnet
from rlcore.problems.gridworlds import GridWorld, cliff, frozen_lake
from rlcore.problems.mdp import MDP, SparseMDP

STREAMS = [
    None,
    dp.value_iteration,
    dp.gauss_seidel,
    dp.policy_iteration,
    dp.modified_policy_iteration,
    dp.prioritized_sweeping,
]


def by_linear_program(mdp):
    """V* is the smallest V with V >= T V, 0 at terminals and, with gamma = 1, wherever one may rest."""
    S, A = mdp.n_states, mdp.n_actions
    P = mdp.dense().P if isinstance(mdp, SparseMDP) else mdp.P
    constraint = np.repeat(np.eye(S), A, axis=0) - mdp.gamma * P.reshape(S * A, S)
    low = [(None, None)] * S
    if mdp.gamma == 1:
        low = [(0, None) if (mdp.expected_reward[s] == 0).any() else (None, None) for s in range(S)]
    answer = linprog(np.ones(S), -constraint, -mdp.expected_reward.ravel(), bounds=low, method="highs")
    assert answer.status == 0
    return answer.x


def exactly(mdp, sweeps=400):
    """V* by policy iteration in the test's own words, with linear solves; gamma < 1."""
    S = mdp.n_states
    P, r = (mdp.dense().P if isinstance(mdp, SparseMDP) else mdp.P), mdp.expected_reward
    V, pi = np.full(S, -np.inf), np.zeros(S, int)
    for _ in range(sweeps):
        new = np.linalg.solve(np.eye(S) - mdp.gamma * P[np.arange(S), pi], r[np.arange(S), pi])
        if not (new > V + 1e-13 * np.abs(new)).any():
            return np.maximum(new, V)
        V = np.maximum(new, V)
        pi = (r + mdp.gamma * P @ new).argmax(axis=1)
    raise AssertionError("the reference did not settle")


@st.composite
def models(draw, gammas=(0.0, 0.3, 0.9, 0.99, 0.999)):
    """Random models: a few successors, near ties, large and small rewards, some with terminals, some periodic."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    S, A, K = draw(st.integers(1, 12)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    scale = draw(st.sampled_from([1e-6, 1.0, 1e6]))
    kind = draw(st.sampled_from(["random", "near ties", "ring", "sticky"]))
    prob = rng.dirichlet(np.ones(K), (S, A))
    succ = rng.integers(0, S, (S, A, K))
    reward = rng.normal(size=(S, A))
    if kind == "near ties":
        succ, prob = np.repeat(succ[:, :1], A, 1), np.repeat(prob[:, :1], A, 1)
        reward = reward[:, :1] + 1e-13 * rng.normal(size=(S, A))
    if kind == "ring":
        succ = (np.arange(S)[:, None, None] + np.ones((S, A, K), int)) % S
    if kind == "sticky":
        prob[:, :, 0] += 50
        prob /= prob.sum(axis=2, keepdims=True)
        succ[:, :, 0] = np.arange(S)[:, None]
    terminal = np.zeros(S, bool)
    if draw(st.booleans()):
        terminal[0] = True
        succ[0], reward[0] = 0, 0
    gamma = draw(st.sampled_from(gammas))
    mdp = SparseMDP(succ, prob, scale * reward, gamma, np.full(S, 1 / S), terminal)
    return mdp.dense() if draw(st.booleans()) else mdp


# ---------------------------------------------------------------- gamma < 1


@given(models(), st.sampled_from(STREAMS), st.sampled_from([1e-2, 1e-5, 1e-7]))
@settings(max_examples=150, deadline=None)
def test_the_bound_is_true(mdp, method, relative):
    if mdp.gamma == 0.999 and method in (dp.prioritized_sweeping, dp.gauss_seidel, dp.value_iteration):
        relative = 1e-2  # plain loops need thousands of sweeps
    scale = np.abs(mdp.expected_reward).max() / (1 - mdp.gamma)
    tol = relative * scale + 1e-300
    solution = dp.solve(mdp, method and method(mdp), tol=tol)
    error = np.abs(solution.V - exactly(mdp)).max()
    assert error <= solution.bound + 1e-13 * scale / (1 - mdp.gamma)  # the reference rounds too
    assert solution.bound <= tol
    assert solution.V[mdp.terminal].tolist() == [0.0] * mdp.terminal.sum()


@given(models(), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_every_stochastic_policy_too(mdp, seed):
    pi = np.random.default_rng(seed).dirichlet(np.ones(mdp.n_actions), mdp.n_states)
    P, r = mdp.dense().P if isinstance(mdp, SparseMDP) else mdp.P, mdp.expected_reward
    P_pi, r_pi = np.einsum("sa,san->sn", pi, P), (pi * r).sum(axis=1)
    exact = np.linalg.solve(np.eye(len(r)) - mdp.gamma * P_pi, r_pi)
    scale = np.abs(r).max() / (1 - mdp.gamma)
    solution = dp.solve(mdp, pi=pi, tol=1e-7 * scale + 1e-300)
    assert np.abs(solution.V - exact).max() <= solution.bound + 1e-13 * scale / (1 - mdp.gamma)
    assert solution.pi is pi


def test_against_linear_programs():
    for seed in range(8):
        rng = np.random.default_rng(seed)
        P = rng.dirichlet(np.full(10, 0.2), (10, 3))
        mdp = MDP(P, rng.normal(size=(10, 3)), 0.95, np.full(10, 0.1), np.zeros(10, bool))
        assert np.abs(dp.solve(mdp).V - by_linear_program(mdp)).max() < 1e-6


@given(models(gammas=(0.3, 0.9, 0.99)), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_any_table_is_judged_truly(mdp, seed):
    """The verdict on arbitrary values, near V* and far away, is an upper bound of their error."""
    rng = np.random.default_rng(seed)
    exact = exactly(mdp)
    size = 10.0 ** rng.integers(-9, 3) * (1 + np.abs(exact).max())
    verdict = Discounted(mdp)(exact + size * rng.normal(size=mdp.n_states))
    slack = 1e-12 * (np.abs(exact).max() + np.abs(mdp.expected_reward).max()) / (1 - mdp.gamma)
    assert np.abs(verdict.V - exact).max() <= verdict.bound + slack


def test_rows_that_sum_to_one_only_nearly():
    """The door lets rows be off by 1e-8; with gamma .9999 that moves V* by 1e-4 of its size, and the bound knows."""
    rng = np.random.default_rng(0)
    P = rng.dirichlet(np.ones(4), (4, 2)) * (1 + 9e-9)
    mdp = MDP(P, rng.random((4, 2)), 0.9999, np.full(4, 0.25), np.zeros(4, bool))
    solution = dp.solve(mdp, tol=1e-4)
    assert np.abs(solution.V - exactly(mdp)).max() <= solution.bound
    verdict = Discounted(mdp)(np.zeros(4))  # far away: here the rows' error is most of the truth
    assert np.abs(verdict.V - exactly(mdp)).max() <= verdict.bound


def test_a_lying_stream_gets_no_certificate():
    mdp = frozen_lake()
    for lie in (np.zeros(16), np.ones(16), np.full(16, 1e9)):
        with pytest.raises(RuntimeError, match=r"max_iter=50 .*residual"):
            dp.solve(mdp, repeat(lie), max_iter=50)


def test_a_stream_that_is_nearly_right_is_mended():
    """One backup and the middle of the span: a table off by a constant is exact again.

    (The bound is wider: rows of P are taken to sum to 1 within 1e-8 only.)
    """
    mdp = MDP(
        np.full((3, 2, 3), 1 / 3), np.arange(6.0).reshape(3, 2), 0.9, np.full(3, 1 / 3), np.zeros(3, bool)
    )
    exact = exactly(mdp)
    solution = dp.solve(mdp, [exact + 1000.0], tol=1e-3)
    assert np.abs(solution.V - exact).max() < 1e-8


def test_bad_iterates_are_named():
    mdp = frozen_lake()
    with pytest.raises(ValueError, match=r"iterate 1 has shape \(16, 1\)"):
        dp.solve(mdp, [np.zeros(16), np.zeros((16, 1))])
    with pytest.raises(ValueError, match=r"iterate 0 has V\[3\] = nan"):
        dp.solve(mdp, [np.where(np.arange(16) == 3, np.nan, 0.0)])
    with pytest.raises(ValueError, match="empty"):
        dp.solve(mdp, [])
    with pytest.raises(ValueError, match=r"ended after 1 tables .*residual"):
        dp.solve(mdp, [np.zeros(16)])


@pytest.mark.parametrize("tol", [0.0, -1.0, np.nan, np.inf])
def test_a_tolerance_is_positive(tol):
    with pytest.raises(ValueError, match="tol is"):
        dp.solve(frozen_lake(), tol=tol)


@pytest.mark.parametrize("method", STREAMS)
@pytest.mark.parametrize("gamma", [0.9, 1.0])
def test_a_tolerance_below_rounding_is_refused_and_the_one_named_will_do(method, gamma):
    for mdp in (cliff(gamma), cliff(gamma).dense()):
        with pytest.raises(ValueError, match="rounding does not allow") as error:
            dp.solve(mdp, method and method(mdp), tol=1e-18)
        offered = float(str(error.value).split("tol=")[1].split()[0])
        assert dp.solve(mdp, method and method(mdp), tol=offered).bound <= offered < 1e-8


def test_gamma_zero_is_one_step():
    mdp = GridWorld(["..G"], gamma=0.0, enter={"G": 5.0})
    assert dp.solve(mdp).V.tolist() == [-1.0, 5.0, 0.0]


def test_gamma_so_near_one_that_rows_prove_nothing():
    rng = np.random.default_rng(0)
    P = rng.dirichlet(np.ones(3), (3, 1)) * (1 + 5e-9)
    mdp = MDP(P, rng.random((3, 1)), 1 - 1e-9, np.full(3, 1 / 3), np.zeros(3, bool))
    with pytest.raises(ValueError, match="so near to 1"):
        dp.solve(mdp)


# ---------------------------------------------------------------- gamma = 1


@st.composite
def episodic(draw):
    """Models with gamma = 1: rewards of few values, so that ties, loops without reward and rest are common."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    S, A = draw(st.integers(2, 7)), draw(st.integers(1, 3))
    values = draw(st.sampled_from([[-1.0], [0.0, -1.0], [0.0, -1.0, -2.0]]))
    succ = rng.integers(0, S, (S, A, 2))
    prob = np.where(rng.random((S, A, 1)) < 0.5, [1.0, 0.0], [0.75, 0.25])
    reward = rng.choice(values, (S, A))
    terminal = np.arange(S) == 0
    succ[0], reward[0] = 0, 0
    succ[:, 0, 0] = np.maximum(np.arange(S) - 1, 0)  # an end is always possible
    for s in range(1, S):  # what enters the end may pay
        for a in range(A):
            if (succ[s, a] == 0).any() and rng.random() < 0.5:
                succ[s, a], reward[s, a] = 0, rng.integers(0, 6)
    return SparseMDP(succ, prob, reward, 1.0, np.full(S, 1 / S), terminal)


def best_of_all_policies(mdp):
    """V* of total reward, by trying every deterministic policy that surely ends where nothing is paid."""
    S, A = mdp.n_states, mdp.n_actions
    P, r = mdp.dense().P, mdp.expected_reward
    best = np.full(S, -np.inf)
    for code in range(A**S):
        pi = (code // A ** np.arange(S)) % A
        P_pi, r_pi = P[np.arange(S), pi], r[np.arange(S), pi]
        reach = np.linalg.matrix_power(np.eye(S) + P_pi, S) > 0
        closed = np.array([all(reach[t, s] for t in np.flatnonzero(reach[s])) for s in range(S)])
        ruined = reach[:, closed & (r_pi != 0)].any(axis=1)  # may end where it is paid for ever
        V = np.zeros(S)
        live = ~closed
        V[live] = np.linalg.solve(np.eye(live.sum()) - P_pi[np.ix_(live, live)], r_pi[live])
        best = np.maximum(best, np.where(ruined, -np.inf, V))
    return best


@given(episodic(), st.sampled_from([None, dp.policy_iteration]))
@settings(max_examples=60, deadline=None)
def test_total_reward_against_all_policies(mdp, method):
    for m in (mdp, mdp.dense()):
        solution = dp.solve(m, method and method(m))
        assert np.abs(solution.V - best_of_all_policies(mdp)).max() <= solution.bound + 1e-12
        again = dp.exact_value(m, solution.pi)
        assert np.abs(again - solution.V).max() < 1e-7


def test_total_reward_against_linear_programs():
    for mdp in (frozen_lake("8x8", 1.0), cliff(), GridWorld(["S...", "..#.", "..HG"], gamma=1.0, slip=0.4)):
        assert np.abs(dp.solve(mdp).V - by_linear_program(mdp)).max() < 1e-7


def chain_model(succ, reward, terminal=(2,)):
    succ, reward = np.array(succ), np.array(reward, float)
    end = np.isin(np.arange(len(succ)), terminal)
    return SparseMDP(
        succ[..., None], np.ones((*succ.shape, 1)), reward, 1.0, np.full(len(succ), 1 / len(succ)), end
    )


def test_value_iteration_from_above_stays_on_a_loop_without_reward_and_gets_no_certificate():
    mdp = frozen_lake(gamma=1.0)
    V = np.where(mdp.terminal, 0.0, 1.0)
    V = next(islice(dp.value_iteration(mdp, V), 1000, None))
    assert np.abs(mdp.lookahead(V).max(axis=1) - V).max() < 1e-12  # residual 0,
    assert V[0] == 1.0  # and yet wrong
    with pytest.raises(RuntimeError):
        dp.solve(mdp, dp.value_iteration(mdp, np.where(mdp.terminal, 0.0, 1.0)), max_iter=1000)
    assert abs(dp.solve(mdp).V[0] - 14 / 17) < 1e-8


@pytest.mark.parametrize("gain", [1.0, 1e-3])
def test_a_loop_that_pays_is_unbounded(gain):
    # 0 <-> 1, once round pays `gain`
    mdp = chain_model([[1, 2], [0, 2], [2, 2]], [[1 + gain, 0], [-1, 0], [0, 0]])
    for method in (None, dp.policy_iteration, dp.value_iteration):
        with pytest.raises(ValueError, match=r"state [01] .*unbounded"):
            dp.solve(mdp, method and method(mdp))


def test_a_loop_whose_rewards_cancel_does_not_converge():
    mdp = chain_model([[1, 2], [0, 2], [2, 2]], [[1, 0], [-1, 0], [0, 0]])
    for method in (None, dp.policy_iteration, dp.value_iteration):
        with pytest.raises(ValueError, match=r"state [01] .*does not converge"):
            dp.solve(mdp, method and method(mdp))


def test_no_way_to_an_end_is_refused():
    mdp = chain_model([[0, 0], [0, 2], [2, 2]], [[-1, -1], [-1, -1], [0, 0]])
    for method in (None, dp.policy_iteration, dp.value_iteration):
        with pytest.raises(ValueError, match=r"state 0 .*no policy"):
            dp.solve(mdp, method and method(mdp))


def test_a_policy_that_never_rests_is_refused_and_one_that_rests_is_worth_0():
    mdp = chain_model([[1, 2], [0, 2], [2, 2]], [[0, -1], [0, -3], [0, 0]])
    assert dp.solve(mdp, pi=np.array([0, 0, 0])).V.tolist() == [0, 0, 0]
    assert dp.solve(mdp, pi=np.array([1, 1, 0])).V.tolist() == [-1, -3, 0]
    paid = chain_model([[1, 2], [0, 2], [2, 2]], [[-1, -1], [0, -3], [0, 0]])
    with pytest.raises(ValueError, match=r"state [01] "):
        dp.solve(paid, pi=np.array([0, 0, 0]))


def test_a_nearly_endless_walk_keeps_its_bound():
    """A tiny residual with many expected steps: 1e-6 a step to the end, -1 a step."""
    p = 1e-6
    P = np.array([[[1 - p, p]], [[0.0, 1.0]]])
    mdp = MDP(P, np.array([[-1.0], [0.0]]), 1.0, np.array([1.0, 0.0]), np.array([False, True]))
    exact = -1 / (1 - P[0, 0, 0])
    verdict = Undiscounted(mdp, 1e-3)(np.array([exact + 1.0, 0.0]))  # residual 1e-6, error 1
    assert verdict.residual < 2e-6
    assert verdict.bound >= 1.0
    assert abs(dp.solve(mdp, tol=0.1).V[0] - exact) <= 0.1


# ---------------------------------------------------------------- the fast methods


def random_sparse(S, seed, gamma=0.99):
    rng = np.random.default_rng(seed)
    succ, prob = rng.integers(0, S, (S, 3, 4)), rng.dirichlet(np.ones(4), (S, 3))
    return SparseMDP(succ, prob, rng.random((S, 3)), gamma, np.full(S, 1 / S), np.zeros(S, bool))


def large_models():
    yield "grid", GridWorld(["." * 40] * 39 + ["." * 39 + "G"], gamma=0.99, slip=0.2)
    yield "positive", GridWorld(["." * 40] * 39 + ["." * 39 + "G"], gamma=0.99, slip=0.2, step_reward=1.0)
    walls = [".....#...." * 3 if i % 2 else "...#......" * 3 for i in range(29)]
    yield "walls", GridWorld([*walls, "." * 29 + "G"], gamma=0.999, slip=0.6, enter={"G": 50.0})
    yield (
        "unreachable",
        GridWorld(["." * 20 + "#" + "." * 9] * 10 + ["G" + "." * 19 + "#" + "." * 9], gamma=0.95),
    )
    yield "random", random_sparse(2000, 0)
    ring = np.stack([np.arange(1, 501) % 500, np.arange(-1, 499) % 500], axis=1)[:, :, None]
    reward = np.random.default_rng(1).normal(size=(500, 2))
    yield (
        "ring",
        SparseMDP(ring, np.ones(ring.shape), reward, 0.999, np.full(500, 1 / 500), np.zeros(500, bool)),
    )
    halves = random_sparse(500, 2)
    succ = np.concatenate([halves.succ, halves.succ + 500])
    twice = np.concatenate([halves.reward[..., 0], 3 + halves.reward[..., 0]])
    prob = np.concatenate([halves.prob, halves.prob])
    yield "two classes", SparseMDP(succ, prob, twice, 0.99, np.full(1000, 1e-3), np.zeros(1000, bool))


@pytest.mark.parametrize(("name", "mdp"), list(large_models()))
def test_the_fastest_method_agrees_with_policy_iteration(name, mdp):
    fast, plain = dp.solve(mdp, tol=1e-6), dp.solve(mdp, dp.policy_iteration(mdp), tol=1e-6)
    assert np.abs(fast.V - plain.V).max() <= fast.bound + plain.bound
    assert np.abs(dp.exact_value(mdp, fast.pi) - plain.V).max() < 1e-6 / (1 - mdp.gamma)


def test_dense_agrees_with_sparse():
    mdp = random_sparse(300, 3)
    fast, dense = dp.solve(mdp), dp.solve(mdp.dense())
    assert np.abs(fast.V - dense.V).max() <= fast.bound + dense.bound
    assert len(dense.residuals) < 20


def test_wave_without_scipys_private_kernel(monkeypatch):
    mdp = GridWorld(["." * 15] * 14 + ["." * 14 + "G"], gamma=0.99, slip=0.2)
    expected = dp.solve(mdp, tol=1e-6)
    monkeypatch.setattr(fast_dp, "_multiply", lambda: fast_dp.public_multiply)
    assert np.abs(dp.solve(mdp, tol=1e-6).V - expected.V).max() < 1e-10


def test_wave_survives_a_useless_relaxation(monkeypatch):
    """Whatever over-relaxation does, the bound is true and the plain sweeps come to the end."""
    mdp = GridWorld(["." * 30] * 29 + ["." * 29 + "G"], gamma=0.99, slip=0.2)
    expected = dp.solve(mdp, dp.policy_iteration(mdp)).V
    monkeypatch.setattr(fast_dp, "RELAX", 1.9)
    assert np.abs(dp.solve(mdp, tol=1e-6).V - expected).max() < 1.1e-6


def test_a_block_of_states_at_a_time(monkeypatch):
    from rlcore.algorithms import certificate

    mdp = random_sparse(200, 5)
    whole = Discounted(mdp)(np.arange(200.0))
    monkeypatch.setattr(certificate, "BLOCK", 64)
    parts = Discounted(mdp)(np.arange(200.0))
    assert np.allclose(whole.V, parts.V, rtol=0, atol=1e-12)
    assert (whole.pi == parts.pi).all()


def test_solution_is_frozen_and_keeps_every_residual():
    solution = dp.solve(frozen_lake(), dp.value_iteration(frozen_lake()))
    assert solution.residuals[0] == pytest.approx(1 / 3)
    assert (np.diff(solution.residuals) <= 1e-15).all()
    with pytest.raises(AttributeError):
        solution.bound = 0.0


@pytest.mark.parametrize("gamma", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("coarse", [1e-8, 0.5])
def test_the_policy_returned_loses_at_most_twice_the_bound(gamma, coarse):
    rng, tol = np.random.default_rng(7), coarse / (1 - gamma)
    losses = []
    for _ in range(30):
        mdp = garnet(8, 3, 2, gamma=gamma, rng=rng)
        solution = dp.solve(mdp, dp.value_iteration(mdp), tol=tol)
        losses.append((optimal_value(mdp) - policy_value(mdp, solution.pi)).max())
        assert losses[-1] <= 2 * solution.bound + 1e-12
    assert coarse < 0.1 or max(losses) > 1e-3, "an instance on which the policy is not optimal"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"tol": "small"}, "tol is 'small'; it must be a positive number"),
        ({"max_iter": 0}, "max_iter is 0; it must be a whole number >= 1"),
        ({"max_iter": 2.5}, "max_iter is 2.5; it must be a whole number >= 1"),
    ],
)
def test_arguments_of_the_driver(arguments, said):
    with pytest.raises(ValueError, match=said):
        dp.solve(cliff(0.9), **arguments)


def test_arguments_of_the_streams():
    with pytest.raises(ValueError, match=r"sweeps is 2\.5; it must be a whole number >= 0"):
        next(dp.modified_policy_iteration(cliff(0.9), 2.5))
    with pytest.raises(ValueError, match=r"V\[47\] is 1\.0, but state 47 is terminal: it must be 0"):
        next(dp.value_iteration(cliff(0.9), np.ones(48)))


def test_natural_problems_without_a_discount():
    """A tolerance that rounding forbids is refused at once, and the one named will do."""
    for n in (40, 100):
        corridor = GridWorld(["." * n + "G"], gamma=1.0)
        pi = np.full((n + 1, 4), 0.25)
        with pytest.raises(ValueError, match=r"tol=.* would do") as refused:
            dp.solve(corridor, pi=pi, tol=1e-12)
        tol = float(str(refused.value).split("tol=")[1].split()[0])
        solution = dp.solve(corridor, pi=pi, tol=tol)
        s = np.arange(n + 1)
        exact = -2.0 * (n * (n + 1) - s * (s + 1))  # a step right or left one time in two, a wall at 0
        assert np.abs(solution.V - exact).max() <= solution.bound <= tol


@pytest.mark.parametrize("unit", [2.0**-30, 1.0, 2.0**30])
def test_rounding_is_not_a_reward(unit):
    """0.1 + 0.2 - 0.3 is not 0 in floating point, but a loop that pays it does not pay."""
    mdp = MDP(
        np.ones((1, 3, 1)), unit * np.array([[0.1, 0.2, -0.3]]), 1.0, np.ones(1), np.zeros(1, dtype=bool)
    )
    third = np.full((1, 3), 1 / 3)
    assert (third * mdp.expected_reward).sum() != 0
    assert dp.exact_value(mdp, third) == 0.0
    for model in (mdp, mdp.sparse()):
        assert dp.solve(model, pi=third, tol=1e-9 * unit).V == 0.0
