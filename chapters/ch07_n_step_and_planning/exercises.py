"""Exercises of chapter 7. Replace each `raise`, then run:  make grade CH=ch07

Every array is a NumPy array. Letters: N numbers.
"""


def mean_square(x):
    """Exercise 7.1.  The mean of the squares, equation (7.1, eq:n-step-and-planning-mean-square).

        mean_square(x) = (x_1^2 + ... + x_N^2) / N

    x (N,) -> float

    Hint: square first, then take the mean.
    """
    raise NotImplementedError("Exercise 7.1")
