"""The counterexamples: their tables, their published divergence, and what each parent of it is needed for."""

import numpy as np
import pytest

from rlcore.exact.values import policy_value
from rlcore.problems.counterexamples import (
    DASHED,
    SOLID,
    Counterexample,
    baird,
    best_fit_growth,
    two_states,
    w_to_2w,
)
from rlcore.problems.mdp import MDP

SWEEPS = {  # sweep: weights of the upper states, of the lower state, of the shared feature
    1: (1.0253714285714286, 9.999828571428571, 1.0757714285714286),
    10: (1.2567349726552988, 9.998187733785107, 1.766580385536114),
    100: (3.894885705914764, 9.971198567465292, 9.627054252674881),
    500: (26.620083862975545, 9.48475145520038, 76.8297544993274),
    1000: (114.43371614264616, 6.850030342228856, 335.0012091123965),
}


def expected_update(problem: Counterexample, mu, alpha):
    """The matrix M of the expected semi-gradient step w <- M w, states updated with the shares mu; no rewards."""
    X = problem.features
    P = np.einsum("sa,san->sn", problem.target, problem.mdp.P)
    return np.eye(X.shape[1]) + alpha * X.T @ (mu[:, None] * (problem.mdp.gamma * P @ X - X))


def radius(M):
    return np.abs(np.linalg.eigvals(M)).max()


# ---------------------------------------------------------------- Baird's star


def test_the_star_is_that_of_the_book():
    star = baird()
    assert (star.mdp.n_states, star.mdp.n_actions, star.mdp.gamma) == (7, 2, 0.99)
    np.testing.assert_array_equal(star.mdp.P[:, SOLID], np.tile(np.eye(7)[6], (7, 1)))
    np.testing.assert_allclose(star.mdp.P[:, DASHED, :6], 1 / 6)
    assert (star.mdp.R == 0).all()
    np.testing.assert_array_equal(star.features[0], [2, 0, 0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(star.features[5], [0, 0, 0, 0, 0, 2, 0, 1])
    np.testing.assert_array_equal(star.features[6], [0, 0, 0, 0, 0, 0, 1, 2])
    np.testing.assert_array_equal(star.w0, [1, 1, 1, 1, 1, 1, 10, 1])
    np.testing.assert_array_equal(star.target, np.tile([0, 1], (7, 1)))
    np.testing.assert_allclose(star.behaviour, np.tile([6 / 7, 1 / 7], (7, 1)))


def test_the_behaviour_makes_all_states_equally_likely():
    star = baird()
    P = np.einsum("sa,san->sn", star.behaviour, star.mdp.P)
    np.testing.assert_allclose(P, 1 / 7, rtol=0, atol=1e-15)


def test_the_features_could_be_exact():
    """Seven independent rows of eight features: every value function has weights, 0 has many."""
    star = baird()
    assert np.linalg.matrix_rank(star.features) == 7
    assert (policy_value(star.mdp, star.target) == 0).all()


@pytest.mark.parametrize("sweeps", SWEEPS)
def test_dynamic_programming_diverges_as_published(sweeps):
    """Expected updates with alpha = 0.01, all states alike (Sutton & Barto, Figure 11.2, right)."""
    star = baird()
    M = expected_update(star, np.full(7, 1 / 7), 0.01)
    w = np.linalg.matrix_power(M, sweeps) @ star.w0
    np.testing.assert_allclose(w, [*[SWEEPS[sweeps][0]] * 6, *SWEEPS[sweeps][1:]], rtol=1e-10)


def test_the_spectral_radius_is_the_published_one():
    assert radius(expected_update(baird(), np.full(7, 1 / 7), 0.01)) == pytest.approx(
        1.0023925046420, abs=1e-12
    )


def test_one_step_in_words_is_the_matrix():
    """The update written state by state, importance ratio pi / b included, in the mean over b and P."""
    star, step = baird(), np.zeros(8)
    for s, a, s_next in np.ndindex(7, 2, 7):
        chance = 1 / 7 * star.behaviour[s, a] * star.mdp.P[s, a, s_next]
        rho = star.target[s, a] / star.behaviour[s, a]
        delta = 0.99 * star.features[s_next] @ star.w0 - star.features[s] @ star.w0
        step += chance * rho * delta * star.features[s]
    M = expected_update(star, np.full(7, 1 / 7), 0.01)
    np.testing.assert_allclose(star.w0 + 0.01 * step, M @ star.w0, rtol=0, atol=1e-13)


def test_every_step_size_diverges_and_no_parent_can_be_missing():
    star, uniform = baird(), np.full(7, 1 / 7)
    for alpha in (1e-4, 1e-3, 0.1):
        assert radius(expected_update(star, uniform, alpha)) > 1 + 1e-6
    # on-policy: the target policy is always in the lower state
    assert radius(expected_update(star, np.eye(7)[6], 0.01)) <= 1 + 1e-12
    # no bootstrapping: gamma = 0 asks for the rewards alone
    assert radius(expected_update(baird(0.0), uniform, 0.01)) <= 1 + 1e-12
    # no generalisation: a weight a state
    table = Counterexample(star.mdp, np.eye(7), star.target, star.behaviour, np.ones(7))
    assert radius(expected_update(table, uniform, 0.01)) < 1


# ---------------------------------------------------------------- w and 2w


@pytest.mark.parametrize(("alpha", "gamma"), [(0.1, 0.99), (0.5, 0.6), (0.1, 0.5), (0.3, 0.2), (1.0, 1.0)])
def test_the_update_of_the_first_state_alone(alpha, gamma):
    problem = two_states(gamma, 0.1)
    M = expected_update(problem, np.array([1.0, 0.0, 0.0]), alpha)
    assert w_to_2w(alpha, gamma) == pytest.approx(M[0, 0], abs=1e-14)
    assert (w_to_2w(alpha, gamma) > 1) == (gamma > 0.5)


@pytest.mark.parametrize(
    ("gamma", "epsilon"), [(0.95, 0.1), (0.99, 0.0), (0.8, 0.5), (1.0, 0.25), (0.5, 1.0)]
)
def test_the_best_fit_by_least_squares(gamma, epsilon):
    problem = two_states(gamma, epsilon)
    X = problem.features
    target = gamma * problem.mdp.P[:, 0] @ X @ problem.w0  # what each state should be worth, w_k = 1
    best, *_ = np.linalg.lstsq(X, target, rcond=None)
    assert best_fit_growth(gamma, epsilon) == pytest.approx(best[0], abs=1e-14)
    assert (best_fit_growth(gamma, epsilon) > 1 + 1e-12) == (gamma > 5 / (6 - 4 * epsilon) + 1e-12)


def test_the_published_growth():
    assert best_fit_growth(0.95, 0.1) == pytest.approx(1.064, abs=1e-14)


def test_on_the_states_of_its_own_walk_it_converges():
    """The walk visits the second state 1 / epsilon times as often as the first: then w shrinks."""
    problem = two_states(0.99, 0.1)
    visits = np.array([1.0, 10.0, 0.0])
    assert 0 < expected_update(problem, visits / 11, 0.1)[0, 0] < 1
    assert (policy_value(problem.mdp, np.zeros(3, int)) == 0).all()


# ---------------------------------------------------------------- the doors


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: baird(1.5), "gamma is 1.5"),
        (lambda: baird(np.nan), "gamma is nan"),
        (lambda: baird(upper=0), "upper is 0; it must be a whole number >= 1"),
        (lambda: two_states(epsilon=-0.1), "epsilon is -0.1; it must be a probability"),
        (lambda: two_states(epsilon=np.nan), "epsilon is nan"),
        (lambda: two_states(gamma="a"), "gamma is 'a'"),
    ],
)
def test_they_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_parts_are_problems_like_any_other():
    assert isinstance(baird().mdp, MDP)
    assert two_states().mdp.terminal.tolist() == [False, False, True]
