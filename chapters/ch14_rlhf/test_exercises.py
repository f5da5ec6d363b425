"""The grading tests of chapter 14."""

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("14.1", "prefers", 1, "turn two rewards into a probability"),
    Exercise("14.2", "token_rewards", 1, "put the price where it has a gradient"),
    Exercise("14.3", "ranking_loss", 2, "learn from rankings"),
    Exercise("14.4", "reward_gradient", 2, "fit a reward to raters who err"),
    Exercise("14.5", "best_of", 3, "say what the best of n is, and how far it goes"),
    Exercise("14.6", "overoptimised", 3, "optimise a learned reward too far"),
]


@graded("14.1", points=1)
def test_by_hand(student, rng):
    """(2, 1), both of them 10 higher, and (2.1, -1)."""
    args = np.array([2.0, 12.0, 2.1]), np.array([1.0, 11.0, -1.0])
    expected = 1 / (1 + np.exp([-1.0, -1.0, -3.1]))
    student.check("prefers", *args, expected=expected)


@graded("14.2", points=2, instances=2)
def test_token_rewards(student, rng):
    counts = np.arange(4) < np.array([1, 2, 4])[:, None]
    logp = -rng.uniform(0.2, 0.8, (3, 4))
    logp_ref = logp - rng.uniform(0.5, 1.0, (3, 4))
    student.check("token_rewards", logp, logp_ref, rng.uniform(1, 2, 3), counts, 0.2)


@graded("14.3", points=2, instances=2)
def test_ranking(student, rng):
    reward = np.array([1.5, 0.8, -0.2, -1.0]) + rng.uniform(-0.2, 0.2, (3, 4))
    student.check("ranking_loss", reward)


@graded("14.4", points=2, instances=2)
def test_gradient(student, rng):
    chosen = np.array([[2.0, 0.0], [1.0, 1.0], [2.0, 1.0]]) + rng.uniform(-0.1, 0.1, (3, 2))
    student.check("reward_gradient", np.array([0.5, -0.4]), chosen, np.zeros((3, 2)), 0.2)


@graded("14.5", points=3, instances=2)
def test_best_of(student, rng):
    ref = np.array([0.4, 0.3, 0.2, 0.1]) + rng.uniform(0, 0.02, 4)
    student.check("best_of", ref / ref.sum(), np.array([0.0, 1.0, 1.0, 0.5]), 4)


@graded("14.6", points=3, instances=2)
def test_overoptimised(student, rng):
    """The favourite of the proxy is bad in truth."""
    ref = np.array([0.4, 0.3, 0.2, 0.1]) + rng.uniform(0, 0.02, 4)
    gold = np.array([0.0, 1.0, 1.5, 0.1])
    student.check(
        "overoptimised", ref / ref.sum(), np.array([0.0, 1.0, 1.2, 2.0]), gold, np.array([2.0, 0.5, 0.2])
    )
