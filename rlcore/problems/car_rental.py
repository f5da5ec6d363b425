"""Jack's car rental: Sutton & Barto, Example 4.2, and its variant of Exercise 4.7.

Two locations hold up to 20 cars each. Overnight up to five cars are moved from one to the other, at 2
a car. By day each location rents a car to every customer while it has one, for 10, and gets cars back
that may be rented from the next day on. Requests and returns are Poisson; a car beyond the 20th goes away.

    state     21 * first + second: the cars at the two locations in the evening;  V.reshape(21, 21)
    action    a + 5, where a = -5 .. 5 cars are moved from the first location to the second

No more cars are moved than there are, and only those are paid for: where a is too much, its action is
the twin of the largest move possible. `cars_moved` lists what each action does.

The tails are exact: "20 or more" is one number, not a sum cut off. So every row of P has sum 1.
Left out: the luck of the day in the reward; `step` pays the mean credit, as R is (S, A).
"""

from __future__ import annotations

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.mdp import MDP

CARS = 20  # room at each location
MOVES = 5  # cars that can be moved in one night, either way
REQUESTS = 3.0, 4.0  # mean number a day, first and second location
RETURNS = 3.0, 2.0
CREDIT, MOVE_COST, PARKING_COST = 10.0, 2.0, 4.0


def car_rental(gamma: float = 0.9) -> MDP:
    """The problem of Example 4.2: moving a car costs 2, either way.   S = 441, A = 11"""
    return _assemble(MOVE_COST * np.abs(cars_moved()), gamma)


def car_rental_with_parking(gamma: float = 0.9) -> MDP:
    """The problem of Exercise 4.7: one car a night goes to the second location free of charge, and a
    location that holds more than 10 cars overnight pays 4 for its second parking lot.
    """
    moved = cars_moved()
    paid_moves = np.where(moved > 0, moved - 1, -moved)
    lots = sum((cars > 10).astype(float) for cars in _morning(moved))
    return _assemble(MOVE_COST * paid_moves + PARKING_COST * lots, gamma)


def cars_moved() -> Array:
    """The cars that each action really moves from the first location to the second.   -> (S, A) int"""
    first, second = np.divmod(np.arange((CARS + 1) ** 2), CARS + 1)
    wish = np.arange(-MOVES, MOVES + 1)
    return np.clip(wish, -second[:, None], first[:, None])


def day(requests: float, returns: float) -> tuple[Array, Array]:
    """One day at one location: P[n, n'] of the cars from morning to evening, and the mean number rented.

        rented = min(requests, n);   n' = min(n - rented + returns, CARS)

    Mean requests and returns -> (CARS + 1, CARS + 1), (CARS + 1,)
    """
    asked, back = _poisson(requests), _poisson(returns)  # the last entry: CARS or more
    P, rented = np.zeros((CARS + 1, CARS + 1)), np.zeros(CARS + 1)
    for n in range(CARS + 1):
        rent = np.append(asked[:n], asked[n:].sum())  # (n + 1,)  who comes after the last car goes without
        rented[n] = rent @ np.arange(n + 1)
        P[n] = sum(rent[k] * _returned(back, n - k) for k in range(n + 1))
    return P, rented


def _poisson(mean: float) -> Array:
    """P(X = 0), ..., P(X = CARS - 1), P(X >= CARS).   -> (CARS + 1,)"""
    p = np.exp(-mean) * np.cumprod([1.0, *(mean / np.arange(1, CARS))])
    return np.append(p, max(1 - p.sum(), 0.0))


def _returned(back: Array, cars: int) -> Array:
    """The distribution of min(cars + returns, CARS).   (CARS + 1,) -> (CARS + 1,)"""
    shifted = np.zeros(CARS + 1)
    shifted[cars:] = back[: CARS + 1 - cars]
    shifted[CARS] += back[CARS + 1 - cars :].sum()
    return shifted


def _morning(moved: Array) -> tuple[Array, Array]:
    """The cars at each location after the move; those beyond CARS go away.   (S, A) -> (S, A), (S, A)"""
    first, second = np.divmod(np.arange(len(moved)), CARS + 1)
    return np.minimum(first[:, None] - moved, CARS), np.minimum(second[:, None] + moved, CARS)


def _assemble(cost: Array, gamma: float) -> MDP:
    """The MDP in which each night costs `cost` (S, A); it starts with half the cars at either location."""
    (P1, rented1), (P2, rented2) = day(REQUESTS[0], RETURNS[0]), day(REQUESTS[1], RETURNS[1])
    first, second = _morning(cars_moved())
    S, half = len(cost), CARS // 2
    start = np.zeros(S)
    start[(CARS + 1) * half + half] = 1.0
    return MDP(
        P=np.kron(P1, P2)[(CARS + 1) * first + second],  # (S, A, S): the locations are independent
        R=CREDIT * (rented1[first] + rented2[second]) - cost,
        gamma=gamma,
        start=start,
        terminal=np.zeros(S, dtype=bool),
    )
