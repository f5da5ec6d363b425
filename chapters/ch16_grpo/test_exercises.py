"""The grading tests of chapter 16."""

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("16.1", "advantages", 1, "compare a response with its own group"),
    Exercise("16.2", "silent", 1, "say how often a group has nothing to say"),
    Exercise("16.3", "pass_at_k", 1, "say what k tries are worth, without a bias"),
    Exercise("16.4", "difficulty", 2, "weigh prompts as each advantage weighs them"),
    Exercise("16.5", "expected_gradient", 2, "find a bias by going through all groups"),
    Exercise("16.6", "four_means", 2, "divide by four different lengths"),
    Exercise("16.7", "stop_push", 2, "find out who makes answers longer"),
    Exercise("16.8", "loss_and_gradient", 2, "put clip, advantage and divergence together"),
    Exercise("16.9", "whole_ratio", 2, "clip a response as a whole"),
    Exercise("16.10", "settles", 3, "say where the loss comes to rest"),
]


@graded("16.1", points=1)
def test_two_groups(student, rng):
    """Rewards 1, 0 and 3, 3, 0: means 1/2 and 2; a third group is all 2."""
    reward, group = np.array([1.0, 3, 2, 0, 3, 2, 0]), np.array([0, 1, 2, 0, 1, 2, 1])
    s, t = 1 / 2, float(np.sqrt(2))
    expected = np.array([0.5 / s, 1 / t, 0, -0.5 / s, 1 / t, 0, -2 / t])
    student.check("advantages", reward, group, 0, 0.0, expected=expected)


@graded("16.1", points=1, instances=2)
def test_advantages(student, rng):
    """In the last group all are equal; the mean of three times 0.1 is not quite 0.1."""
    group = rng.permutation([0, 0, 0, 1, 1, 1, 1, 2, 2, 2])
    reward = np.where(group == 2, 0.1, group + rng.permutation(np.arange(10)) / 5)
    for ddof in (0, 1):
        student.check("advantages", reward, group, ddof, 0.0)
        student.check("advantages", reward, group, ddof, 0.1)


@graded("16.2", points=1)
def test_coins(student, rng):
    """A fair coin, four times: 2 of 16; half of the pairs."""
    student.check("silent", np.array([0.5]), 4, expected=[np.array([1 / 8]), np.array([8 / 7])])
    student.check(
        "silent", np.array([0.5, 0.1]), 2, expected=[np.array([0.5, 0.82]), 1 / np.array([0.5, 0.18])]
    )


@graded("16.2", points=1, instances=2)
def test_silent(student, rng):
    p = np.array([0.05, 0.3, 0.55, 0.9]) + rng.uniform(-0.02, 0.02, 4)
    student.check("silent", p, int(rng.integers(3, 9)))


@graded("16.3", points=1)
def test_two_tries_of_three(student, rng):
    """Of three tries one was right: two of the three pairs hold it. All right: 1. None: 0."""
    student.check("pass_at_k", np.array([1]), 3, 2, expected=2 / 3)
    student.check("pass_at_k", np.array([1, 3, 0]), 3, 2, expected=5 / 9)


@graded("16.3", points=1, instances=2)
def test_pass_at_k(student, rng):
    """Hard prompts and easy ones; one with fewer wrong tries than k."""
    right = rng.permutation([0, 1, 2, 5, 11])
    student.check("pass_at_k", right, 12, int(rng.integers(3, 6)))


@graded("16.4", points=1)
def test_pairs(student, rng):
    """G = 2: with probability 2 p (1 - p) one is right; then A is 1/2 over 1/2, over sqrt(1/2), 1/2, 1."""
    expected = np.array([1.0, float(np.sqrt(0.5)), 0.5, 1.0])
    for p in (0.1, 0.5):
        student.check("difficulty", p, 2, expected=expected)


@graded("16.4", points=2, instances=2)
def test_difficulty(student, rng):
    for p in (rng.uniform(0.02, 0.1), rng.uniform(0.4, 0.6), rng.uniform(0.8, 0.9)):
        student.check("difficulty", float(p), int(rng.integers(4, 9)))


@graded("16.5", points=1)
def test_two_arms(student, rng):
    """Arms worth 1 and 0, a coin: the true gradient is (1/4, -1/4). Groups of two: half of it, all of it, all of it."""
    true = np.array([0.25, -0.25])
    expected = np.array([true / 2, true, true])
    student.check("expected_gradient", np.zeros(2), np.array([1.0, 0.0]), 2, expected=expected)


@graded("16.5", points=2, instances=2)
def test_three_arms(student, rng):
    """The best arm is the rarest: there the division by the spread turns the gradient most."""
    arms = rng.permutation(3)
    logits = np.array([0.0, 0.8, -0.7])[arms] + rng.uniform(-0.1, 0.1, 3)
    reward = np.array([0.0, 1.0, 4.0])[arms] + rng.uniform(-0.1, 0.1, 3)
    for G in (3, 4):
        student.check("expected_gradient", logits, reward, G)


@graded("16.6", points=1)
def test_lengths_four_and_two(student, rng):
    """One group: four tokens of -1 and two of 1. Means cancel; sums do not."""
    x = np.array([[-1.0, -1, -1, -1], [1, 1, 5, 7]])
    counts = np.arange(4) < np.array([[4], [2]])
    expected = np.array([0, -1 / 3, -1 / 3, -1 / 12])
    student.check("four_means", x, counts, 2, 12, expected=expected)


@graded("16.6", points=1, instances=2)
def test_means(student, rng):
    n = np.array([1, 2, 1, 6, 5, 3])
    counts = np.arange(6) < n[:, None]
    x = rng.uniform(0.5, 1, (6, 6)) + np.array([3.0, 1, 2, 0, 0, 0.5])[:, None]
    student.check("four_means", x, counts, 3, 9)


@graded("16.7", points=1)
def test_two_places(student, rng):
    """Two coins: lengths 2, 3, 3. By its own length the first place gets 1/8 - 1/12; the constant pushes nothing."""
    expected = np.array([[1 / 24, 0], [0, 0]])
    student.check("stop_push", np.zeros(2), 1.0, expected=expected)


@graded("16.7", points=2, instances=2)
def test_stop_push(student, rng):
    for A in (1.5, -2.0):
        student.check("stop_push", rng.uniform(-1.5, 0.5, int(rng.integers(3, 7))), A)


@graded("16.8", points=1)
def test_four_responses(student, rng):
    """Fresh samples, at the reference: the loss is 0, and the gradient is -A / B."""
    logp, A = np.log([0.5, 0.25, 0.125, 0.125]), np.array([2.0, -1.0, -1.0, 0.0])
    args = logp, logp, logp, A, (0.2, 0.28), 0.3
    student.check("loss_and_gradient", *args, expected=[0.0, -A / 4])


@graded("16.8", points=1)
def test_equal_responses(student, rng):
    """All four said the same, which ref says half as often: k3 = 1/2 - 1 + log 2 each, slope 1 - 1/2."""
    logp = np.log(np.full(4, 0.5))
    expected = [float(np.log(2) - 0.5), np.full(4, 0.125)]
    args = logp, logp, logp - np.log(2), np.zeros(4), (0.2, 0.2), 1.0
    student.check("loss_and_gradient", *args, expected=expected)


@graded("16.8", points=2, instances=2)
def test_loss(student, rng):
    """Ratios inside the band, between the two bounds and outside, with advantages of either sign."""
    log_ratio = np.log([1.24, 1.5, 1.5, 0.75, 0.5, 0.5, 1.05, 0.76])
    advantage = np.array([1.0, 1, -1, -1, 1, -1, 1, -1]) * rng.uniform(0.8, 1.5, 8)
    logp = rng.uniform(-4, -1, 8)
    ref = logp + rng.permutation([0.6, -0.8, 0.4, -0.3, 0.9, -0.5, 0.2, 1.1])
    student.check("loss_and_gradient", logp, logp - log_ratio, ref, advantage, (0.2, 0.3), 0.4)


@graded("16.9", points=1)
def test_a_pair_of_tokens(student, rng):
    """Ratios 2 and 1/2: their geometric mean is 1, so nothing is clipped, though each token would be."""
    logp = np.log([[0.5, 0.25, 0.9]])
    old = np.log([[0.25, 0.5, 0.1]])
    counts = np.array([[True, True, False]])
    expected = [-3.0, np.array([[-1.5, -1.5, 0.0]])]
    student.check("whole_ratio", logp, old, counts, np.array([3.0]), (0.2, 0.3), expected=expected)


@graded("16.9", points=2, instances=2)
def test_whole_ratio(student, rng):
    """Means inside the band and on both sides of it, advantages of either sign, tokens that disagree."""
    mean = np.log([1.15, 1.4, 1.4, 0.85, 0.6, 0.6])
    advantage = np.array([1.0, 1, -1, -1, 1, -1]) * rng.uniform(0.8, 1.5, 6)
    n = np.array([2, 4, 3, 4, 2, 3])
    counts = np.arange(5) < n[:, None]
    tilt = np.where(np.arange(5) % 2, -0.5, 0.5) * counts
    tilt -= counts * tilt.sum(axis=1, keepdims=True) / n[:, None]
    old = rng.uniform(-3, -1, (6, 5))
    logp = np.where(counts, old + mean[:, None] + tilt, rng.uniform(-3, -1, (6, 5)))
    student.check("whole_ratio", logp, old, counts, advantage, (0.2, 0.3))


@graded("16.10", points=1)
def test_two_arms_at_rest(student, rng):
    """ref (1/2, 1/2), rewards 1 and 0, G = 2, beta = 3/8, so as if beta were 3/4: lam = 3/2, pi = (3/4, 1/4)."""
    args = np.array([0.5, 0.5]), np.array([1.0, 0.0]), 0.375, 2
    student.check("settles", *args, expected=np.array([0.75, 0.25]), tol=1e-6)


@graded("16.10", points=3, instances=2)
def test_at_rest(student, rng):
    ref = rng.permutation([0.1, 0.2, 0.3, 0.4]) + rng.uniform(-0.02, 0.02, 4)
    reward = rng.permutation([-1.0, 0.0, 0.7, 1.5])
    beta, G = float(rng.uniform(0.2, 0.6)), int(rng.integers(3, 6))
    student.check("settles", ref / ref.sum(), reward, beta, G, tol=1e-6)
