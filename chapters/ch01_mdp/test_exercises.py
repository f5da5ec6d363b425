"""The grading tests of chapter 1."""

import numpy as np

from chapters.harness import Exercise, Rng, graded

EXERCISES = [
    Exercise("1.1", "discounted_return", 1, "compute a return"),
    Exercise("1.2", "returns_to_go", 1, "compute every return of an episode in one pass"),
    Exercise("1.3", "softmax_policy", 1, "turn preferences into a policy"),
    Exercise("1.4", "corridor", 2, "write down transition probabilities"),
    Exercise("1.5", "follow", 2, "see that a policy turns an MDP into a Markov chain"),
    Exercise("1.6", "state_distribution", 2, "push a distribution through a Markov chain"),
    Exercise("1.7", "steps_that_matter", 2, "relate the discount to a horizon"),
    Exercise("1.8", "roll_out", 3, "tell terminated from truncated"),
    Exercise("1.9", "monte_carlo", 3, "estimate a value, with its standard error"),
]


def random_mdp(rng, S=4, A=2):
    """P (S, A, S), R (S, A, S), pi (S, A), terminal (S,): the last state is terminal."""
    P = rng.dirichlet(np.ones(S), (S, A))
    R = rng.integers(-5, 6, (S, A, S)).astype(float)
    P[-1], R[-1] = np.eye(S)[-1], 0.0
    return P, R, rng.dirichlet(np.ones(A), S), np.arange(S) == S - 1


@graded("1.1", points=1)
def test_return_by_hand(student, rng):
    student.check("discounted_return", np.array([1.0, 2.0, 4.0]), 0.5, expected=3.0)
    student.check("discounted_return", np.array([-1.0, -1.0, 10.0]), 0.9, expected=6.2)
    student.check("discounted_return", np.array([3.0, 7.0]), 0.0, expected=3.0)


@graded("1.1", points=1, instances=2)
def test_return_of_random_rewards(student, rng):
    student.check("discounted_return", rng.normal(size=12), float(rng.uniform(0.5, 0.99)))


@graded("1.2", points=1)
def test_returns_by_hand(student, rng):
    student.check("returns_to_go", np.array([1.0, 2.0, 4.0]), 0.5, expected=np.array([3.0, 4.0, 4.0]))


@graded("1.2", points=1, instances=2)
def test_returns_of_random_rewards(student, rng):
    student.check("returns_to_go", rng.normal(size=9), float(rng.uniform(0.5, 0.9)))


@graded("1.3", points=1, instances=2)
def test_probabilities(student, rng):
    student.check("softmax_policy", rng.normal(size=(3, 4)))


@graded("1.3", points=1)
def test_large_preferences(student, rng):
    h = np.array([[1000.0, 1001.0], [-1000.0, -1000.0]])
    p = 1 / (1 + np.e)
    student.check("softmax_policy", h, expected=np.array([[p, 1 - p], [0.5, 0.5]]))


@graded("1.4", points=1)
def test_three_cells(student, rng):
    student.check("corridor", 3, 0.2)


@graded("1.4", points=1, instances=2)
def test_corridor(student, rng):
    n, slip = int(rng.integers(2, 7)), float(rng.uniform(0.1, 0.4))
    P = np.asarray(student.call("corridor", n, slip), float)
    student.claim(P.shape == (n, 2, n), f"its shape is {P.shape}, not ({n}, 2, {n})")
    total = P.sum(axis=2)
    student.claim(np.allclose(total, 1), f"each P[s, a] must sum to 1; the sums are\n{total}")
    student.check("corridor", n, slip)


@graded("1.4", points=1)
def test_one_cell(student, rng):
    student.check("corridor", 1, 0.3, expected=np.ones((1, 2, 1)))


@graded("1.5", points=2, instances=3)
def test_follow(student, rng):
    P, R, pi, _ = random_mdp(rng)
    student.check("follow", P, R, pi)


@graded("1.6", points=2, instances=3)
def test_distribution_after_a_few_steps(student, rng):
    P = rng.dirichlet(np.ones(4), 4)
    start = rng.dirichlet(np.ones(4))
    student.check("state_distribution", P, start, 0)
    student.check("state_distribution", P, start, 1)
    student.check("state_distribution", P, start, int(rng.integers(2, 6)))


@graded("1.7", points=1)
def test_steps_by_hand(student, rng):
    student.check("steps_that_matter", 0.9, 1.0, 0.1, expected=44)
    student.check("steps_that_matter", 0.99, 1.0, 0.1, expected=688)
    student.check("steps_that_matter", 0.5, 1.0, 5.0, expected=0)
    student.check("steps_that_matter", 0.9, 0.01, 10.0, expected=0)
    student.check("steps_that_matter", 0.5, 1.0, 0.5, expected=2)
    student.check("steps_that_matter", 0.5, 1.0, 2.0, expected=0)
    student.check("steps_that_matter", 0.9, 1.0, 3.0, expected=12)


@graded("1.7", points=1, instances=3)
def test_steps(student, rng):
    gamma, r_max, error = (
        float(rng.uniform(0.3, 0.95)),
        float(rng.uniform(1, 9)),
        float(rng.uniform(0.01, 0.5)),
    )
    n = student.check("steps_that_matter", gamma, r_max, error)
    student.claim(
        gamma**n * r_max / (1 - gamma) <= error, f"after {n} steps the rest can still be more than {error}"
    )


@graded("1.8", points=1, instances=4)
def test_walk(student, rng):
    P, R, pi, terminal = random_mdp(rng)
    student.check("roll_out", P, R, terminal, 0, pi, 60, Rng(int(rng.integers(1000))))


@graded("1.8", points=1, instances=2)
def test_time_limit(student, rng):
    P, R, pi, terminal = random_mdp(rng)
    P[:-1, :, -1] = 0.0  # the terminal state is out of reach
    P[:-1] /= P[:-1].sum(axis=2, keepdims=True)
    student.check("roll_out", P, R, terminal, 1, pi, 5, Rng(int(rng.integers(1000))))


@graded("1.8", points=1)
def test_end_on_the_last_step(student, rng):
    P = np.array([[[0.0, 1.0]], [[0.0, 1.0]]])
    R = np.array([[[0.0, 7.0]], [[0.0, 0.0]]])
    expected = ([0, 1], [7.0], True, False)
    student.check("roll_out", P, R, np.array([False, True]), 0, np.ones((2, 1)), 1, Rng(0), expected=expected)


@graded("1.9", points=3, instances=2)
def test_estimate(student, rng):
    P, R, pi, terminal = random_mdp(rng)
    student.check("monte_carlo", P, R, terminal, 0, pi, 0.8, 20, 25, Rng(int(rng.integers(1000))), tol=1e-8)
