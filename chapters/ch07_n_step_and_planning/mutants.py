"""Wrong answers of chapter 7. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.harness import mutant


@mutant("mean_square", "this is the square of the mean. Square first: the two differ by the variance.")
def square_of_the_mean(x):
    return float(np.mean(x) ** 2)


@mutant("mean_square", "this is the sum of the squares: divide by their number.")
def sum_of_squares(x):
    return float(np.sum(x**2))
