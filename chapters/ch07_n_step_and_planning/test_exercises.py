"""The grading tests of chapter 7."""

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("7.1", "mean_square", 1, "compute a mean of squares"),
]


@graded("7.1", points=1)
def test_mean_square_by_hand(student, rng):
    student.check("mean_square", np.array([1.0, 2.0]), expected=2.5)


@graded("7.1", points=1, instances=2)
def test_mean_square(student, rng):
    student.check("mean_square", rng.normal(size=8) + 1)
