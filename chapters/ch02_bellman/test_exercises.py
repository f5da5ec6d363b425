"""The grading tests of chapter 2."""

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("2.1", "cycle_value", 1, "solve a Bellman equation by hand"),
    Exercise("2.2", "lookahead", 1, "compute Q from V"),
    Exercise("2.3", "expectation_backup", 1, "back a value up under a policy"),
    Exercise("2.4", "advantage", 1, "compare an action with the policy"),
    Exercise("2.5", "optimality_backup", 2, "put max and expectation in the right order"),
    Exercise("2.6", "optimal_actions", 2, "find all best actions among rounded numbers"),
    Exercise("2.7", "policy_value", 2, "solve for the value of a policy, at gamma = 1 too"),
    Exercise("2.8", "expected_steps", 2, "write a Bellman equation of your own"),
    Exercise("2.9", "error_bound", 2, "certify a value without knowing the answer"),
    Exercise("2.10", "best_of_all_policies", 3, "see that one policy is best everywhere"),
    Exercise("2.11", "contraction_ratios", 3, "measure the contraction"),
]


def random_mdp(rng, S=4, A=2):
    """P (S, A, S), R (S, A, S), gamma, V (S,), pi (S, A)."""
    P = rng.dirichlet(np.ones(S), (S, A))
    R = rng.integers(-5, 6, (S, A, S)).astype(float)
    return P, R, float(rng.uniform(0.6, 0.95)), rng.uniform(-9, 9, S), rng.dirichlet(np.ones(A), S)


def episodic_mdp(rng, S=5, A=2):
    """P, R, terminal (S,), pi (S, A): the last state is terminal. pi is in eighths, so its rows sum to 1 exactly."""
    P, R, _, _, _ = random_mdp(rng, S, A)
    P[-1], R[-1] = np.eye(S)[-1], 0.0
    p = rng.integers(1, 8, S) / 8
    return P, R, np.arange(S) == S - 1, np.stack([p, 1 - p], axis=1)


@graded("2.1", points=1)
def test_cycles_by_hand(student, rng):
    student.check("cycle_value", np.array([1.0]), 0.5, expected=2.0)
    student.check("cycle_value", np.array([3.0, 0.0]), 0.5, expected=4.0)
    student.check("cycle_value", np.array([10.0, 0.0, 0.0, 0.0, 0.0]), 0.9, expected=10 / (1 - 0.9**5))


@graded("2.1", points=1, instances=2)
def test_cycle(student, rng):
    reward = rng.integers(1, 9, int(rng.integers(3, 7))).astype(float)
    student.check("cycle_value", reward, float(rng.uniform(0.6, 0.9)))


@graded("2.2", points=1)
def test_lookahead_by_hand(student, rng):
    P = np.array([[[0.75, 0.25]], [[0.0, 1.0]]])
    R = np.array([[[4.0, 8.0]], [[0.0, -1.0]]])
    student.check("lookahead", P, R, 0.5, np.array([8.0, 16.0]), expected=np.array([[10.0], [7.0]]))


@graded("2.2", points=1, instances=2)
def test_lookahead(student, rng):
    P, R, gamma, V, _ = random_mdp(rng)
    student.check("lookahead", P, R, gamma, V)


@graded("2.3", points=1, instances=3)
def test_expectation_backup(student, rng):
    student.check("expectation_backup", *random_mdp(rng, A=3))


@graded("2.4", points=1)
def test_advantage_of_the_policy_is_zero(student, rng):
    P, R, gamma, _, pi = random_mdp(rng, A=3)
    P_pi, r_pi = np.einsum("sa,san->sn", pi, P), np.einsum("sa,san,san->s", pi, P, R)
    V = np.linalg.solve(np.eye(len(P)) - gamma * P_pi, r_pi)
    A = np.asarray(student.call("advantage", P, R, gamma, V), float)
    student.claim(A.shape == pi.shape, f"its shape is {A.shape}, not {pi.shape}")
    mean = (pi * A).sum(axis=1)
    student.claim(
        np.allclose(mean, 0, atol=1e-4),
        f"V is the value of a policy, so that policy's own mean advantage must be 0 in every state; it is {mean}",
    )
    student.check("advantage", P, R, gamma, V)


@graded("2.4", points=1, instances=2)
def test_advantage(student, rng):
    P, R, gamma, V, _ = random_mdp(rng)
    student.check("advantage", P, R, gamma, V)


@graded("2.5", points=1)
def test_two_doors(student, rng):
    """From state 0 one lands on either side, and the better action differs there."""
    P = np.zeros((3, 2, 3))
    P[0, :, 1:] = [[0.5, 0.5], [0.75, 0.25]]
    P[1, :, 1] = P[2, :, 2] = 1.0
    Q = np.array([[99.0, 99.0], [8.0, 0.0], [0.0, 16.0]])
    expected = np.array([[6.0, 5.0], [4.0, 4.0], [8.0, 8.0]])
    student.check("optimality_backup", P, np.zeros((3, 2, 3)), 0.5, Q, expected=expected)


@graded("2.5", points=2, instances=3)
def test_optimality_backup(student, rng):
    P, R, gamma, _, _ = random_mdp(rng, A=3)
    student.check("optimality_backup", P, R, gamma, rng.uniform(-9, 9, (4, 3)))


@graded("2.6", points=1)
def test_ties(student, rng):
    Q = np.array([[0.1 + 0.2, 0.3, 0.0], [1.0, 1.0 - 1e-12, 1.0], [-2.0, -3.0, -2.0]])
    expected = np.array([[True, True, False], [True, True, True], [True, False, True]])
    student.check("optimal_actions", Q, 1e-9, expected=expected)
    student.check(
        "optimal_actions", np.array([[2.0, 2.0, 1.0]]), 0.0, expected=np.array([[True, True, False]])
    )


@graded("2.6", points=1, instances=2)
def test_near_ties(student, rng):
    Q = rng.integers(-9, 0, (4, 3)).astype(float)
    Q[1] = [1e6, 1e6 - 0.25, 0.0]
    Q[2] = Q[2].max() + np.array([0.0, 0.0, 1e-11])
    student.check("optimal_actions", Q, 1e-6)


@graded("2.7", points=1, instances=2)
def test_value_of_a_policy(student, rng):
    P, R, terminal, pi = episodic_mdp(rng)
    student.check("policy_value", P, R, float(rng.uniform(0.6, 0.95)), terminal, pi)


@graded("2.7", points=1, instances=2)
def test_value_without_discount(student, rng):
    P, R, terminal, pi = episodic_mdp(rng)
    student.check("policy_value", P, R, 1.0, terminal, pi)


@graded("2.7", points=1)
def test_value_without_an_end(student, rng):
    P, R, gamma, _, pi = random_mdp(rng)
    student.check("policy_value", P, R, gamma, np.zeros(4, bool), pi)


@graded("2.8", points=1)
def test_steps_of_a_corridor(student, rng):
    """Three cells before the end; action 0 goes back, or stays in the first cell, and action 1 goes on."""
    P = np.zeros((4, 2, 4))
    for s in range(3):
        P[s, 0, max(s - 1, 0)] = P[s, 1, s + 1] = 1.0
    P[3, :, 3] = 1.0
    terminal = np.arange(4) == 3
    coin, onwards = np.full((4, 2), 0.5), np.tile([0.0, 1.0], (4, 1))
    student.check("expected_steps", P, terminal, coin, expected=np.array([12.0, 10.0, 6.0, 0.0]))
    student.check("expected_steps", P, terminal, onwards, expected=np.array([3.0, 2.0, 1.0, 0.0]))


@graded("2.8", points=2, instances=3)
def test_expected_steps(student, rng):
    P, _, terminal, pi = episodic_mdp(rng)
    student.check("expected_steps", P, terminal, pi)


@graded("2.9", points=1)
def test_bound_by_hand(student, rng):
    """One state that pays -1 for ever: V* = -10, and V = 0 is wrong by exactly that."""
    student.check("error_bound", np.ones((1, 1, 1)), -np.ones((1, 1, 1)), 0.9, np.zeros(1), expected=10.0)


@graded("2.9", points=2, instances=3)
def test_bound(student, rng):
    P, R, gamma, V, _ = random_mdp(rng)
    student.check("error_bound", P, R, gamma, V)


@graded("2.10", points=2, instances=2)
def test_best_of_all_policies(student, rng):
    P, R, gamma, _, _ = random_mdp(rng)
    P[0] = np.eye(4)[0]  # from state 0 one sees nothing of the others
    student.check("best_of_all_policies", P, R, gamma)


@graded("2.10", points=1, instances=2)
def test_several_best_policies(student, rng):
    P, R, gamma, _, _ = random_mdp(rng, S=3, A=3)
    twin = int(rng.integers(3))
    P[twin], R[twin] = P[twin, 0], R[twin, 0]  # in this state all actions do the same
    student.check("best_of_all_policies", P, R, gamma)


@graded("2.11", points=3, instances=3)
def test_ratios(student, rng):
    P, R, gamma, V, _ = random_mdp(rng)
    ratios = np.ravel(student.check("contraction_ratios", P, R, gamma, rng.uniform(-9, 9, 4), V, 5))
    student.claim((ratios <= gamma + 1e-5).all(), f"no ratio can be above gamma = {gamma}; they are {ratios}")
