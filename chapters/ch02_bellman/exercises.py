"""Exercises of chapter 2. Replace each `raise`, then run:  make grade CH=ch02

Every array is a NumPy array. Letters: S states, A actions.
P[s, a, s'] is the probability of s' after action a in s; R[s, a, s'] is the reward of that transition.
"""

import numpy as np  # noqa: F401   you will want it


def cycle_value(reward, gamma):
    """Exercise 2.1.  The value of going round for ever, equation (2.1, eq:cycle-value).

    A walker goes round a cycle of K states. Leaving the first pays reward[0], leaving the second reward[1],
    and so on; after reward[K - 1] the walker is back at the first. The value of the first state is

        V = reward[0] + gamma reward[1] + ... + gamma^(K-1) reward[K-1] + gamma^K V

    reward (K,), gamma float in [0, 1) -> float

    Hint: V stands on both sides. Bring it to one.
    """
    raise NotImplementedError("Exercise 2.1")


def lookahead(P, R, gamma, V):
    """Exercise 2.2.  What each action is worth if the next state is worth V, equation (2.2, eq:lookahead).

        Q(s, a) = sum_s' P(s' | s, a) (R(s, a, s') + gamma V(s'))

    P (S, A, S), R (S, A, S), gamma float, V (S,) -> Q (S, A)

    Hint: what stands in the bracket is an array of shape (S, A, S).
    """
    raise NotImplementedError("Exercise 2.2")


def expectation_backup(P, R, gamma, V, pi):
    """Exercise 2.3.  One expectation backup of V, the right side of equation (2.3, eq:bellman-expectation).

        (T_pi V)(s) = sum_a pi(a | s) sum_s' P(s' | s, a) (R(s, a, s') + gamma V(s'))

    P (S, A, S), R (S, A, S), gamma float, V (S,), pi (S, A) -> (S,)

    V may be any table of numbers: it need not be the value of pi.
    """
    raise NotImplementedError("Exercise 2.3")


def advantage(P, R, gamma, V):
    """Exercise 2.4.  How much better an action is than following the policy, equation (2.5, eq:advantage).

        A(s, a) = Q(s, a) - V(s)

    V is the value of a policy, and Q(s, a) the value of taking action a once and following the policy then.

    P (S, A, S), R (S, A, S), gamma float, V (S,) -> (S, A)

    Hint: V needs a second axis before NumPy subtracts it from every action of its own state.
    """
    raise NotImplementedError("Exercise 2.4")


def optimality_backup(P, R, gamma, Q):
    """Exercise 2.5.  One optimality backup of Q, the right side of equation (2.7, eq:bellman-optimality-q).

        (T Q)(s, a) = sum_s' P(s' | s, a) (R(s, a, s') + gamma max_b Q(s', b))

    P (S, A, S), R (S, A, S), gamma float, Q (S, A) -> (S, A)

    Hint: first the environment draws s', then the agent chooses b. Which of the two stands outside?
    """
    raise NotImplementedError("Exercise 2.5")


def optimal_actions(Q, tol):
    """Exercise 2.6.  All best actions of every state, equation (2.8, eq:greedy).

    Action a counts as best in s if Q(s, a) is at most `tol` below the best of its state.

    Q (S, A), any numbers; tol float >= 0 -> (S, A) bool
    """
    raise NotImplementedError("Exercise 2.6")


def policy_value(P, R, gamma, terminal, pi):
    """Exercise 2.7.  The value of a policy without iterating, equation (2.4, eq:bellman-matrix).

        V = r_pi + gamma P_pi V

    is a linear system. Solve it. The value of a terminal state is 0. gamma may be 1; then pi reaches a
    terminal state from everywhere.

    P (S, A, S), R (S, A, S), gamma float in [0, 1], terminal (S,) bool, pi (S, A) -> V (S,)

    Hint: at gamma = 1 the row of a terminal state says V = V. Which states are really unknown?
    """
    raise NotImplementedError("Exercise 2.7")


def expected_steps(P, terminal, pi):
    """Exercise 2.8.  How long does an episode last, on average, from each state?

    The rewards are not given, because they do not matter. Write down how the expected number of steps from s
    depends on that of the next states, and solve. pi reaches a terminal state from everywhere; there, the
    number is 0.

    P (S, A, S), terminal (S,) bool, pi (S, A) -> (S,)

    Hint: which rewards and which gamma make the return the number of steps?
    """
    raise NotImplementedError("Exercise 2.8")


def error_bound(P, R, gamma, V):
    """Exercise 2.9.  How wrong can V be?  Equation (2.10, eq:residual-bound).

        max_s |V(s) - V*(s)| <= max_s |(T V)(s) - V(s)| / (1 - gamma)

    T is the optimality backup. Give the right side: it is known although V* is not.

    P (S, A, S), R (S, A, S), gamma float in [0, 1), V (S,) -> float
    """
    raise NotImplementedError("Exercise 2.9")


def best_of_all_policies(P, R, gamma):
    """Exercise 2.10.  A small experiment: is one policy best everywhere?

    Compute the value of each of the A^S deterministic policies. Give, for every state, the largest value that
    any policy has there; and the number of policies that have all these values at once, to within 1e-9.

    P (S, A, S), R (S, A, S), gamma float in [0, 1) -> [V (S,), count int], as a list or a tuple

    Hint: `itertools.product(range(A), repeat=S)` lists the policies.
    """
    raise NotImplementedError("Exercise 2.10")


def contraction_ratios(P, R, gamma, U, V, n):
    """Exercise 2.11.  A small experiment: measure the contraction of equation (2.9, eq:contraction).

    Back up U and V side by side, n times, with the optimality backup T. The distance of two tables is the
    largest difference of their entries, max_s |U(s) - V(s)|. Give the n ratios

        distance(T^k U, T^k V) / distance(T^(k-1) U, T^(k-1) V),   k = 1 ... n

    P (S, A, S), R (S, A, S), gamma float, U (S,), V (S,) with U != V, n int >= 1 -> (n,)
    """
    raise NotImplementedError("Exercise 2.11")
