"""Small problems on which temporal differences with a linear function run away.

    baird              seven states, a star: off-policy updates diverge though every value is 0
    w_to_2w            the smallest one: the successor's value is twice one's own, by construction
    two_states         the same two states with an end, on which even the best fit diverges

Rewards are 0, so w = 0 is a right answer, and every error a method makes is its own. What runs away has
three parents, and does not without any one of them: a function that generalises, a target that contains an
estimate, and updates distributed otherwise than the policy's own steps.

Letters: S states, A actions, D features.
Left out: non-linear functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rlcore.numerics import Array
from rlcore.problems.doors import check_count, check_probability
from rlcore.problems.mdp import MDP

DASHED, SOLID = range(2)  # actions of the star


@dataclass(frozen=True, eq=False)
class Counterexample:
    """A problem together with the features and the two policies that make trouble."""

    mdp: MDP
    features: Array  # (S, D)  row x(s); 0 at terminals
    target: Array  # (S, A)  the policy to be evaluated
    behaviour: Array  # (S, A)  the policy that acts
    w0: Array  # (D,)  the weights to start from


def baird(gamma: float = 0.99, *, upper: int = 6) -> Counterexample:
    """Baird's star: Sutton & Barto, Figure 11.1.   S = upper + 1, A = 2, D = upper + 2

    DASHED leads to one of the `upper` states, all equally likely, SOLID to the lower one, the last. The
    target is always SOLID. The behaviour makes all states equally likely, whatever came before. Features
    2 e_s + e_D of an upper state, e_s + 2 e_D of the lower: more of them than states, so every value
    function can be represented exactly, 0 among them. Baird (1995).
    """
    check_count("upper", upper, 1)
    S = upper + 1
    P = np.zeros((S, 2, S))
    P[:, DASHED, :upper] = 1 / upper
    P[:, SOLID, upper] = 1.0
    features = np.hstack([2 * np.eye(S), np.ones((S, 1))])
    features[upper, upper:] = 1.0, 2.0
    w0 = np.ones(S + 1)
    w0[upper] = 10.0
    start = np.full(S, 1 / S)
    mdp = MDP(P, np.zeros((S, 2)), gamma, start, np.zeros(S, bool))
    target, behaviour = np.tile([0.0, 1.0], (S, 1)), np.tile([upper / S, 1 / S], (S, 1))
    return Counterexample(mdp, features, target, behaviour, w0)


def two_states(gamma: float = 0.99, epsilon: float = 0.1) -> Counterexample:
    """Two states worth w and 2w: Sutton & Barto, Example 11.1.   S = 3, the last one terminal, A = 1, D = 1

    The first state leads to the second, which stays with probability 1 - epsilon and else ends. There is one
    action, so both policies are alike: what is off-policy is the choice of the states that are updated.
    Tsitsiklis & Van Roy (1996).
    """
    check_probability("epsilon", epsilon)
    P = np.array([[0.0, 1.0, 0.0], [0.0, 1 - epsilon, epsilon], [0.0, 0.0, 1.0]])
    terminal = np.array([False, False, True])
    mdp = MDP(P[:, None, :], np.zeros((3, 1)), gamma, np.array([1.0, 0.0, 0.0]), terminal)
    one = np.ones((3, 1))
    return Counterexample(mdp, np.array([[1.0], [2.0], [0.0]]), one, one, np.ones(1))


def w_to_2w(alpha: float, gamma: float) -> float:
    """What an update of the first state alone multiplies w by: 1 + alpha (2 gamma - 1), above 1 if gamma > 1/2.

    [eq:w-to-2w]  w + alpha (0 + gamma 2w - w) 1.   Sutton & Barto, section 11.2.
    """
    return 1 + alpha * (2 * gamma - 1)


def best_fit_growth(gamma: float, epsilon: float) -> float:
    """What the best fit to the targets multiplies w by: gamma (6 - 4 epsilon) / 5.

    The w that minimises (w - gamma 2w_k)^2 + (2w - (1 - epsilon) gamma 2w_k)^2: no step size to blame.
    """
    return gamma * (6 - 4 * epsilon) / 5
