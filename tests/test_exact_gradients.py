"""Exact gradients against finite differences, pseudo-inverses and brute force; the bound against many policies."""

import itertools

import numpy as np
import pytest

from rlcore.exact.gradients import (
    advantage,
    fisher,
    improvement_bound,
    natural_policy_gradient,
    performance,
    performance_difference,
    policy_gradient,
    surrogate,
)
from rlcore.exact.values import action_value, occupancy, policy_value
from rlcore.numerics import finite_difference, softmax
from rlcore.problems.chains import LEFT, RIGHT, Blindfold, recycling_robot, short_corridor, two_state
from rlcore.problems.clock import at_any_time, with_clock
from rlcore.problems.garnet import garnet
from rlcore.problems.gridworlds import frozen_lake
from rlcore.problems.mdp import MDP

SEEDS = range(2)


def with_ends(seed, gamma):
    """A random MDP, two of whose states are terminal; rewards of both signs, that depend on the next state."""
    rng = np.random.default_rng(seed)
    S, A = 6, 3
    P, R = rng.dirichlet(np.full(S, 0.5), size=(S, A)), rng.normal(size=(S, A, S))
    terminal = np.arange(S) >= S - 2
    P[terminal], R[terminal] = np.eye(S)[terminal][:, None], 0.0
    start = np.append(rng.dirichlet(np.ones(S - 2)), [0.0, 0.0])
    return MDP(P, R, gamma, start=start, terminal=terminal)


def preferences(mdp, seed):
    return np.random.default_rng(100 + seed).normal(size=(mdp.n_states, mdp.n_actions))


PROBLEMS = {
    "two_state": two_state,
    "recycling_robot": recycling_robot,
    "short_corridor": short_corridor,
    "with ends, 0": lambda: with_ends(0, 0.0),
    "with ends, 0.9": lambda: with_ends(1, 0.9),
    "with ends, 1": lambda: with_ends(2, 1.0),
    "frozen lake, sparse": frozen_lake,
    "garnet": lambda: garnet(12, 3, 4, rng=np.random.default_rng(0)),
}


@pytest.fixture(params=PROBLEMS)
def mdp(request):
    return PROBLEMS[request.param]()


# ---------------------------------------------------------------- the gradient


@pytest.mark.parametrize("seed", SEEDS)
def test_policy_gradient_is_the_slope_of_performance(mdp, seed):
    theta = preferences(mdp, seed)
    slope = finite_difference(lambda: performance(mdp, softmax(theta)), theta, eps=1e-5)
    assert np.abs(slope).max() > 1e-3
    np.testing.assert_allclose(policy_gradient(mdp, theta), slope, rtol=1e-6, atol=1e-6 * np.abs(slope).max())


def test_policy_gradient_rows_sum_to_zero_and_ends_have_none(mdp):
    gradient = policy_gradient(mdp, preferences(mdp, 0))
    np.testing.assert_allclose(gradient.sum(axis=1), 0.0, atol=1e-12 * np.abs(gradient).max())
    assert (gradient[mdp.terminal] == 0).all()


def test_policy_gradient_does_not_see_a_constant(mdp):
    theta = preferences(mdp, 0)
    moved = theta + 700 * np.arange(mdp.n_states)[:, None]
    np.testing.assert_allclose(policy_gradient(mdp, moved), policy_gradient(mdp, theta), rtol=1e-9, atol=1e-9)


def test_preferences_may_be_whole_numbers():
    """Unsigned ones too, which have no negative differences."""
    theta = np.array([[0, 5], [3, 0]], np.uint8)
    np.testing.assert_array_equal(
        policy_gradient(two_state(), theta), policy_gradient(two_state(), theta * 1.0)
    )


def test_performance_takes_both_kinds_of_policy(mdp):
    pi = np.arange(mdp.n_states) % mdp.n_actions
    if mdp.gamma < 1:
        table = np.eye(mdp.n_actions)[pi]
        assert performance(mdp, pi) == performance(mdp, table)
        np.testing.assert_array_equal(advantage(mdp, pi), advantage(mdp, table))
        assert surrogate(mdp, pi, pi) == pytest.approx(performance(mdp, pi), abs=1e-12)
        assert improvement_bound(mdp, pi, table) == pytest.approx(performance(mdp, pi), abs=1e-12)
    rewards = (softmax(preferences(mdp, 1)) * mdp.expected_reward).sum(axis=1)
    total = occupancy(mdp, softmax(preferences(mdp, 1))) @ rewards
    assert performance(mdp, softmax(preferences(mdp, 1))) == pytest.approx(total, rel=1e-10)


def test_advantage_has_mean_zero_and_a_best_action_above_it(mdp):
    pi = softmax(preferences(mdp, 2))
    A = advantage(mdp, pi)
    np.testing.assert_allclose(A, action_value(mdp, pi) - policy_value(mdp, pi)[:, None], atol=1e-9)
    np.testing.assert_allclose((pi * A).sum(axis=1), 0.0, atol=1e-10)
    assert np.abs(A).max() > 0.01


def test_sparse_and_dense_models_agree():
    lake, theta = frozen_lake(), preferences(frozen_lake(), 0)
    for f in (policy_gradient, fisher, natural_policy_gradient):
        np.testing.assert_allclose(f(lake, theta), f(lake.dense(), theta), rtol=0, atol=1e-12)


def test_a_shared_row_of_preferences_has_the_sum_of_the_gradients():
    """The chain rule, for a policy that cannot tell states apart."""
    corridor, row = Blindfold(short_corridor()), np.array([0.3, -0.2])
    slope = finite_difference(lambda: performance(corridor.mdp, softmax(corridor.everywhere(row))), row)
    gradient = policy_gradient(corridor.mdp, corridor.everywhere(row)).sum(axis=0)
    np.testing.assert_allclose(gradient, slope, rtol=1e-6)


# ---------------------------------------------------------------- Fisher information, natural gradient


def flat(blocks):
    """(S, A, A) -> the whole matrix (S * A, S * A)."""
    S, A, _ = blocks.shape
    F = np.zeros((S, A, S, A))
    F[np.arange(S), :, np.arange(S)] = blocks
    return F.reshape(S * A, S * A)


def test_fisher_is_the_mean_square_of_the_score(mdp):
    """By its definition, one state and action after the other."""
    theta = preferences(mdp, 0)
    pi = softmax(theta)
    share = occupancy(mdp, pi) / occupancy(mdp, pi).sum()
    mean = np.zeros((theta.size, theta.size))
    for s, a in itertools.product(range(mdp.n_states), range(mdp.n_actions)):
        score = np.zeros(theta.shape)
        score[s] = np.eye(mdp.n_actions)[a] - pi[s]
        mean += share[s] * pi[s, a] * np.outer(score, score)
    assert mean.max() > 0.01
    np.testing.assert_allclose(flat(fisher(mdp, theta)), mean, rtol=0, atol=1e-12)


def test_fisher_is_the_curvature_of_kl(mdp):
    """sum_s share(s) KL(pi_theta || pi_theta+x) = x^T F x / 2 + O(x^3)"""
    theta = preferences(mdp, 0)
    pi, F = softmax(theta), flat(fisher(mdp, theta))
    share = occupancy(mdp, pi) / occupancy(mdp, pi).sum()
    x = 1e-4 * preferences(mdp, 1)

    def kl(x):
        return share @ (pi * np.log(pi / softmax(theta + x))).sum(axis=1)

    even = (kl(x) + kl(-x)) / 2  # the third order drops out
    assert even == pytest.approx(x.ravel() @ F @ x.ravel() / 2, rel=1e-4)


def test_natural_gradient_solves_its_equation(mdp):
    theta = preferences(mdp, 0)
    F, g = flat(fisher(mdp, theta)), policy_gradient(mdp, theta)
    x = natural_policy_gradient(mdp, theta)
    np.testing.assert_allclose(F @ x.ravel(), g.ravel(), rtol=0, atol=1e-10 * np.abs(g).max())


def test_natural_gradient_is_that_of_the_pseudo_inverse(mdp):
    """Up to a constant a state, and in states where a walk can come."""
    theta = preferences(mdp, 0)
    x = natural_policy_gradient(mdp, theta)
    g = policy_gradient(mdp, theta).ravel()
    shortest = (np.linalg.pinv(flat(fisher(mdp, theta)), rcond=1e-11, hermitian=True) @ g).reshape(x.shape)
    seen = occupancy(mdp, softmax(theta)) > 0
    assert seen.sum() >= 2
    centred = x - x.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(shortest[seen], centred[seen], rtol=0, atol=1e-6 * np.abs(x).max())


@pytest.mark.parametrize("gamma", [0.0, 0.9, 0.99])
def test_natural_gradient_is_the_advantage_times_the_horizon(gamma):
    mdp = two_state(gamma)
    theta = preferences(mdp, 0)
    expected = advantage(mdp, softmax(theta)) / (1 - gamma)
    np.testing.assert_allclose(natural_policy_gradient(mdp, theta), expected, rtol=1e-9)


def test_a_natural_step_is_the_best_of_its_kl():
    """Of steps with the same KL, none of 2,000 others raises J by more."""
    mdp, theta = two_state(), np.array([[0.2, -0.1], [0.0, 0.5]])
    F, g = flat(fisher(mdp, theta)), policy_gradient(mdp, theta).ravel()
    best = natural_policy_gradient(mdp, theta).ravel()
    others = np.vstack([np.random.default_rng(0).normal(size=(2000, 4)), g])
    gain = others @ g / np.sqrt(np.einsum("ni,ij,nj->n", others, F, others))
    top = best @ g / np.sqrt(best @ F @ best)
    assert gain.max() <= top * (1 + 1e-12)
    assert gain.max() > 0.99 * top  # some come close
    assert gain[-1] < 0.995 * top  # the plain gradient does not


# ---------------------------------------------------------------- what another policy brings


def pairs(mdp, seed):
    return softmax(preferences(mdp, seed)), softmax(preferences(mdp, seed + 50))


@pytest.mark.parametrize("seed", SEEDS)
def test_performance_difference_lemma(mdp, seed):
    new, old = pairs(mdp, seed)
    gap = performance(mdp, new) - performance(mdp, old)
    assert abs(gap) > 1e-4
    scale = abs(performance(mdp, new)) + abs(performance(mdp, old))
    assert performance_difference(mdp, new, old) == pytest.approx(gap, abs=1e-11 * scale)


@pytest.mark.parametrize("seed", SEEDS)
def test_surrogate_has_the_value_and_the_gradient_of_performance(mdp, seed):
    theta = preferences(mdp, seed)
    old = softmax(theta)
    assert surrogate(mdp, old, old) == pytest.approx(performance(mdp, old), rel=1e-12)
    moving = theta.copy()
    slope = finite_difference(lambda: surrogate(mdp, softmax(moving), old), moving, eps=1e-5)
    gradient = policy_gradient(mdp, theta)
    np.testing.assert_allclose(slope, gradient, rtol=1e-6, atol=1e-6 * np.abs(gradient).max())


@pytest.mark.parametrize("name", ["two_state", "with ends, 0.9", "recycling_robot", "garnet"])
def test_surrogate_is_wrong_by_the_square_of_the_step(name):
    """A step ten times smaller is wrong by a hundredth: first order agrees, second order does not."""
    mdp = PROBLEMS[name]()
    theta, x = preferences(mdp, 0), preferences(mdp, 1)

    def wrong(step):
        new = softmax(theta + step * x)
        return performance(mdp, new) - surrogate(mdp, new, softmax(theta))

    assert abs(wrong(1e-2)) > 1e-8
    assert wrong(1e-2) / wrong(1e-3) == pytest.approx(100, rel=0.1)


def test_surrogate_of_a_bandit_is_exact():
    """gamma = 0: no step leads anywhere, so the visits stay as they are."""
    mdp = with_ends(0, 0.0)
    new, old = pairs(mdp, 0)
    assert surrogate(mdp, new, old) == pytest.approx(performance(mdp, new), abs=1e-12)
    assert improvement_bound(mdp, new, old) == pytest.approx(performance(mdp, new), abs=1e-12)


@pytest.mark.parametrize("gamma", [0.3, 0.9])
def test_no_policy_falls_below_the_improvement_bound(gamma):
    """300 random pairs, near and far. Often the surrogate alone promises too much: the penalty is needed."""
    broken = 0
    for seed in range(100):
        mdp = with_ends(seed, gamma)
        theta, x = preferences(mdp, seed), preferences(mdp, seed + 1)
        for step in (0.01, 0.1, 1.0):
            new, old = softmax(theta + step * x), softmax(theta)
            J = performance(mdp, new)
            assert improvement_bound(mdp, new, old) <= J + 1e-12
            broken += surrogate(mdp, new, old) > J + 1e-9
    assert broken > 50


def test_the_improvement_bound_does_not_look_behind_the_end():
    mdp = with_ends(0, 0.9)
    old = softmax(preferences(mdp, 0))
    new = np.where(mdp.terminal[:, None], [1.0, 0.0, 0.0], old)
    assert improvement_bound(mdp, new, old) == pytest.approx(performance(mdp, old), abs=1e-12)


def test_the_improvement_bound_by_its_definition():
    """The old policy is the best one: no advantage is positive, and the largest by size belongs to another action."""
    mdp, old = two_state(), np.array([[0.0, 1.0], [0.0, 1.0]])
    new = np.array([[0.3, 0.7], [0.1, 0.9]])
    Q = action_value(mdp, old)
    old = np.eye(2)[Q.argmax(axis=1)]
    A = action_value(mdp, old) - policy_value(mdp, old)[:, None]
    assert A.max() < 1e-12
    TV = [sum(abs(new[s, a] - old[s, a]) for a in range(2)) / 2 for s in range(2)]
    penalty = 4 * 0.9 * -A.min() / 0.1**2 * max(TV) ** 2
    expected = surrogate(mdp, new, old) - penalty
    assert improvement_bound(mdp, new, old) == pytest.approx(expected, rel=1e-10)


def test_where_everything_has_ended_nothing_is_gained():
    mdp = MDP(np.ones((1, 2, 1)), np.zeros((1, 2)), 0.9, start=np.ones(1), terminal=np.ones(1, bool))
    for of in (policy_gradient, fisher, natural_policy_gradient):
        assert not of(mdp, [[1.0, 0.0]]).any()
    assert improvement_bound(mdp, [0], [1]) == 0.0


def test_the_improvement_bound_is_right_within_a_factor_of_two():
    """Where the surrogate errs by half of what the bound takes off.

    In both states action 0 stays and pays nothing; the old policy takes no other. Action 1 pays 1 in state 0,
    leads to state 1 for good, and costs 1 there. Of a new policy that takes it with a small probability, the
    surrogate sees the gain at every step, since the old one stays in state 0, and none of the costs.
    """
    P = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    R = np.array([[0.0, 1.0], [0.0, -1.0]])
    mdp = MDP(P, R, 0.9, start=np.array([1.0, 0.0]), terminal=np.zeros(2, bool))
    old, new = np.array([[1.0, 0.0]] * 2), np.array([[1 - 1e-5, 1e-5]] * 2)
    error = surrogate(mdp, new, old) - performance(mdp, new)
    penalty = surrogate(mdp, new, old) - improvement_bound(mdp, new, old)
    assert penalty == pytest.approx(4 * 0.9 * 1e-5**2 / 0.1**2, rel=1e-4)
    assert error / penalty == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_raising_the_bound_raises_performance_every_time(seed):
    """Mix in the greedy policy with the share that maximises the bound: slow, but it never goes down."""
    mdp = with_ends(seed, 0.5)
    pi = softmax(preferences(mdp, seed))
    J = [performance(mdp, pi)]
    shares = np.linspace(0.0, 1.0, 31)[:, None, None] ** 2
    for _ in range(12):
        greedy = np.eye(mdp.n_actions)[advantage(mdp, pi).argmax(axis=1)]
        options = (1 - shares) * pi + shares * greedy
        floor = [improvement_bound(mdp, new, pi) for new in options]
        assert floor[0] == pytest.approx(J[-1], abs=1e-12)
        pi = options[int(np.argmax(floor))]
        J.append(performance(mdp, pi))
        assert J[-1] >= max(floor) - 1e-12
    assert (np.diff(J) >= -1e-12).all()
    assert J[-1] > J[0] + 1e-3


# ---------------------------------------------------------------- time limits


@pytest.mark.parametrize("gamma", [0.9, 1.0])
def test_with_clock_is_the_problem_of_so_many_steps(gamma):
    """Values by the clock are those of backward induction."""
    model, horizon = with_ends(3, gamma), 5
    pi = softmax(preferences(model, 3))
    V = policy_value(with_clock(model, horizon), at_any_time(pi, horizon)).reshape(horizon + 1, -1)
    expected = np.zeros(model.n_states)
    for t in reversed(range(horizon)):
        expected = (pi * model.lookahead(expected)).sum(axis=1)
        np.testing.assert_allclose(V[t], expected, rtol=0, atol=1e-12)
    assert (V[horizon] == 0).all()


def test_with_clock_takes_a_sparse_model_and_keeps_the_rewards():
    model = with_ends(3, 0.9)
    dense, sparse = with_clock(model, 3), with_clock(model.sparse(), 3)
    np.testing.assert_allclose(dense.P, sparse.P, rtol=0, atol=1e-15)
    S = model.n_states
    np.testing.assert_array_equal(dense.R[S : S + 4, :, 2 * S : 3 * S], model.R[:4])
    assert dense.horizon is None
    assert dense.terminal.sum() == 3 * 2 + S


@pytest.mark.parametrize("horizon", [0, -1, 2.5, True, None])
def test_with_clock_refuses_no_time(horizon):
    with pytest.raises(ValueError, match=r"^horizon is .*; it must be a whole number >= 1$"):
        with_clock(two_state(), horizon)


# ---------------------------------------------------------------- the short corridor


def test_short_corridor_step_by_step():
    corridor = short_corridor()
    s, a = np.repeat(np.arange(4), 2), np.tile([LEFT, RIGHT], 4)
    s_next, reward, terminated = corridor.step(s, a, np.random.default_rng(0))
    assert s_next.tolist() == [0, 1, 2, 0, 1, 3, 3, 3]
    assert reward.tolist() == [-1, -1, -1, -1, -1, -1, 0, 0]
    assert terminated.tolist() == [False] * 5 + [True] * 3
    assert short_corridor(horizon=1000).horizon == 1000


def test_blindfold_shows_one_feature_and_hides_the_states():
    corridor = short_corridor(horizon=9)
    blind = Blindfold(corridor)
    assert blind.observe(np.arange(4)).tolist() == [[1.0]] * 4
    assert blind.observe(2).tolist() == [1.0]
    assert (blind.n_states, blind.n_features, blind.horizon, blind.actions.n) == (None, 1, 9, 2)
    rng, twin = np.random.default_rng(0), np.random.default_rng(0)
    np.testing.assert_array_equal(blind.reset(rng, 5), corridor.reset(twin, 5))
    for one, two in zip(blind.step(np.arange(4), 1, rng), corridor.step(np.arange(4), 1, twin)):
        np.testing.assert_array_equal(one, two)
    assert blind.everywhere([0.1, 0.9]).tolist() == [[0.1, 0.9]] * 4


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize("of", [policy_gradient, fisher, natural_policy_gradient])
@pytest.mark.parametrize(
    ("theta", "message"),
    [
        ([[0.0, np.nan], [0, 0]], r"^theta\[0, 1\] is nan; it must be a finite number$"),
        ([[0.0, 1.0], [-np.inf, 0]], r"^theta\[1, 0\] is -inf; it must be a finite number$"),
        ([], r"^theta is float64 \(0,\); it must be \(2, 2\), a preference a state and action$"),
        (np.zeros(2), r"^theta is float64 \(2,\); it must be \(2, 2\)"),
        (np.zeros((3, 2)), r"^theta is float64 \(3, 2\); it must be \(2, 2\)"),
        ([["a", "b"], ["c", "d"]], r"^theta is <U1 \(2, 2\); it must be \(2, 2\)"),
        (np.zeros((2, 2), complex), r"^theta is complex128"),
        ([[0.0, 1.0], [0.0]], r"^theta must be an array \(2, 2\), a preference a state and action$"),
    ],
)
def test_preferences_are_checked(of, theta, message):
    with pytest.raises(ValueError, match=message):
        of(two_state(), theta)


@pytest.mark.parametrize(
    "call",
    [
        lambda mdp, pi: performance(mdp, pi),
        lambda mdp, pi: advantage(mdp, pi),
        lambda mdp, pi: performance_difference(mdp, pi, [0, 0]),
        lambda mdp, pi: performance_difference(mdp, [0, 0], pi),
        lambda mdp, pi: surrogate(mdp, pi, [0, 0]),
        lambda mdp, pi: improvement_bound(mdp, pi, [0, 0]),
        lambda mdp, pi: improvement_bound(mdp, [0, 0], pi),
    ],
)
def test_policies_are_checked(call):
    with pytest.raises(ValueError, match=r"^pi\[1\] sums to 0.9, not 1$"):
        call(two_state(), [[0.5, 0.5], [0.4, 0.5]])


def test_gamma_one_needs_an_end():
    with pytest.raises(ValueError, match=r"^gamma is 1"):
        policy_gradient(two_state(gamma=1.0), np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"^gamma is 1; the bound divides by \(1 - gamma\)\^2"):
        improvement_bound(short_corridor(), np.full((4, 2), 0.5), np.full((4, 2), 0.5))


def test_blindfold_is_checked():
    with pytest.raises(ValueError, match=r"^mdp is Blindfold; it must be an MDP or a SparseMDP$"):
        Blindfold(Blindfold(two_state()))
    with pytest.raises(ValueError, match=r"^row has shape \(3,\); it must be \(2,\), an entry an action$"):
        Blindfold(two_state()).everywhere([0.1, 0.2, 0.7])
