"""The grading tests of chapter 9."""

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("9.1", "step_weights", 1, "weigh each step by what came after it"),
    Exercise("9.2", "linear_score", 1, "differentiate the log-probability of what was done"),
    Exercise("9.3", "batch_loss", 1, "turn an objective into a loss, sign and all"),
    Exercise("9.4", "reinforce_updates", 2, "follow sampled gradients, each episode once"),
    Exercise("9.5", "reinforce_with_baseline", 2, "learn a baseline beside the policy"),
    Exercise("9.6", "baseline_bias", 2, "see when a baseline is not free"),
    Exercise("9.7", "exact_gradient", 2, "compute the gradient of performance from a model"),
    Exercise("9.8", "leave_one_out", 2, "take a baseline from the rest of the batch"),
    Exercise("9.9", "natural_direction", 3, "solve for the natural gradient of shared parameters"),
    Exercise("9.10", "estimate_moments", 3, "find mean and variance of an estimator without sampling"),
]


@graded("9.1", points=1)
def test_weights_by_hand(student, rng):
    """G = (1 + 2 + 1, 4 + 2, 4) with gamma = 1/2; times 1, 1/2, 1/4."""
    student.check("step_weights", np.array([1.0, 4.0, 4.0]), 0.5, expected=np.array([4.0, 3.0, 1.0]))


@graded("9.1", points=1, instances=2)
def test_weights(student, rng):
    student.check("step_weights", rng.normal(size=7) + 1, 0.8)


@graded("9.2", points=1)
def test_score_by_hand(student, rng):
    """Logits (0, log 3): pi = (1/4, 3/4), and x = (1, 2)."""
    theta = np.array([[0.0, np.log(3)], [0.0, 0.0]])
    expected = np.array([[0.75, -0.75], [1.5, -1.5]])
    student.check("linear_score", theta, np.array([1.0, 2.0]), 0, expected=expected)


@graded("9.2", points=1, instances=2)
def test_score(student, rng):
    theta, x = rng.normal(size=(4, 3)), rng.uniform(0.5, 2, size=4)
    for action in range(3):
        student.check("linear_score", theta, x, action)


@graded("9.3", points=1)
def test_loss_by_hand(student, rng):
    """Two equal logits, log pi = -log 2: the loss is log 2 (3 - 1) / 2."""
    expected = [float(np.log(2)), np.array([[-0.75, 0.75], [-0.25, 0.25]])]
    args = np.zeros((2, 2)), np.array([0, 1]), np.array([3.0, -1.0])
    student.check("batch_loss", *args, expected=expected)


@graded("9.3", points=1, instances=2)
def test_loss(student, rng):
    logits, action = rng.normal(size=(6, 3)), rng.permutation([0, 0, 1, 1, 2, 2])
    student.check("batch_loss", logits, action, 2 * rng.normal(size=6) + 1)


def tapes(rng, S=3, A=3):
    """Episodes of 4, 6 and 5 steps, rewards that are mostly positive."""
    return [
        [rng.integers(S, size=T), rng.integers(A, size=T), rng.uniform(0.5, 2.0, size=T)] for T in (4, 6, 5)
    ]


@graded("9.4", points=1)
def test_one_episode(student, rng):
    """One state, two equal actions, gamma = 1/2: weights (2 + 2, 2), scores (1/2, -1/2) and (-1/2, 1/2)."""
    episode = [np.array([0, 0]), np.array([0, 1]), np.array([2.0, 4.0])]
    args = np.zeros((1, 2)), [episode], 0.1, 0.5
    student.check("reinforce_updates", *args, expected=np.array([[0.1, -0.1]]))


@graded("9.4", points=2, instances=2)
def test_episodes(student, rng):
    student.check("reinforce_updates", rng.normal(size=(3, 3)), tapes(rng), 0.2, 0.8)


@graded("9.5", points=1)
def test_baseline_of_one_episode(student, rng):
    """As in 9.4: G = (4, 4), V = 1 of both steps, so the weights are 3 and 1.5; V goes to 1 + 3/2, then 2.5 + 0.75."""
    episode = [np.array([0, 0]), np.array([0, 1]), np.array([2.0, 4.0])]
    args = np.zeros((1, 2)), np.array([1.0]), [episode], 0.1, 0.5, 0.5
    student.check("reinforce_with_baseline", *args, expected=[np.array([[0.075, -0.075]]), np.array([3.25])])


@graded("9.5", points=2, instances=2)
def test_baseline(student, rng):
    theta, V = rng.normal(size=(3, 3)), rng.uniform(1, 2, size=3)
    student.check("reinforce_with_baseline", theta, V, tapes(rng), 0.2, 0.3, 0.8)


@graded("9.6", points=1)
def test_bias_by_hand(student, rng):
    """pi = (1/4, 3/4), b = (4, 0): the mean is 1; a constant costs nothing."""
    theta = np.array([0.0, np.log(3)])
    student.check("baseline_bias", theta, np.array([4.0, 0.0]), expected=np.array([-0.75, 0.75]))
    student.check("baseline_bias", theta, np.array([7.0, 7.0]), expected=np.zeros(2))


@graded("9.6", points=2, instances=2)
def test_bias(student, rng):
    student.check(
        "baseline_bias", rng.permutation([0.0, 0.6, 1.2, -0.8]), rng.permutation([1.0, 2.5, 4.0, 7.0])
    )


def model(rng, S=3, A=2):
    """P, R, start: nothing is 0, nothing is alike; the start is far from the long run."""
    P, R = rng.dirichlet(np.ones(S), (S, A)), rng.permutation(np.arange(1.0, S * A + 1)).reshape(S, A)
    return P, R, np.array([0.7, 0.2, 0.1])[:S]


@graded("9.7", points=1)
def test_gradient_of_one_state(student, rng):
    """A bandit that never ends, gamma = 1/2: d = 2, pi = 1/2, and the actions are worth half a point more or less."""
    P, R = np.ones((1, 2, 1)), np.array([[2.0, 1.0]])
    expected = np.array([[0.5, -0.5]])
    student.check("exact_gradient", P, R, 0.5, np.ones(1), np.zeros((1, 2)), expected=expected)


@graded("9.7", points=2, instances=3)
def test_gradient(student, rng):
    P, R, start = model(rng)
    student.check("exact_gradient", P, R, 0.8, start, rng.normal(size=(3, 2)), tol=1e-8)


@graded("9.8", points=1)
def test_two_episodes(student, rng):
    """Each is the other's baseline: (5 - 1) (1, 0) and (1 - 5) (0, 2), halved."""
    args = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([5.0, 1.0])
    student.check("leave_one_out", *args, expected=np.array([2.0, -4.0]))


@graded("9.8", points=2, instances=2)
def test_batch(student, rng):
    student.check("leave_one_out", rng.normal(size=(6, 4)), 3 * rng.normal(size=6) + 5)


@graded("9.9", points=1)
def test_table_is_divided_by_its_visits(student, rng):
    """One-hot features: x = sum(visits) (advantage - its plain mean in the row), whatever the visits."""
    A = np.array([[2.0, -2.0], [-1.0, 1.0]])
    args = np.eye(2), np.zeros((2, 2)), np.array([3.0, 1.0]), A
    student.check("natural_direction", *args, expected=4 * A, tol=1e-7)


@graded("9.9", points=3, instances=2)
def test_natural(student, rng):
    X, theta = rng.normal(size=(5, 2)), rng.normal(size=(2, 3))
    visits, A = rng.permutation([3.0, 2.0, 1.5, 0.8, 0.4]), rng.normal(size=(5, 3))
    p = np.exp(X @ theta)
    p /= p.sum(axis=1, keepdims=True)
    A -= (p * A).sum(axis=1, keepdims=True)
    student.check("natural_direction", X, theta, visits, A, tol=1e-6)


@graded("9.10", points=1)
def test_moments_of_one_step(student, rng):
    """pi = (1/2, 1/2), rewards 3 and 1: x = (3/2, -3/2) or (-1/2, 1/2), of mean 1/2 and variance 1 an entry."""
    P, R = np.ones((1, 2, 1)), np.array([[3.0, 1.0]])
    expected = [np.array([[0.5, -0.5]]), 2.0]
    student.check("estimate_moments", P, R, 0.5, np.ones(1), np.zeros((1, 2)), 1, expected=expected)


@graded("9.10", points=3, instances=2)
def test_moments(student, rng):
    P, R = rng.dirichlet(np.ones(2), (2, 2)), rng.permutation([1.0, 2.0, 3.0, 4.0]).reshape(2, 2)
    args = P, R, 0.8, np.array([0.8, 0.2]), rng.normal(size=(2, 2))
    for horizon in (2, 3):
        student.check("estimate_moments", *args, horizon, tol=1e-8)
