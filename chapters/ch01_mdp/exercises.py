"""Exercises of chapter 1. Replace each `raise`, then run:  make grade CH=ch01

Every array is a NumPy array. Letters: S states, A actions, T steps.
"""

import numpy as np


def discounted_return(reward, gamma):
    """Exercise 1.1.  The return from time 0, equation (1.4, eq:return).

        G_0 = r_1 + gamma r_2 + gamma^2 r_3 + ...

    reward (T,), gamma float -> float

    Hint: the powers of gamma are `gamma ** np.arange(T)`.
    """
    raise NotImplementedError("Exercise 1.1")


def returns_to_go(reward, gamma):
    """Exercise 1.2.  The return from every time step, equation (1.6, eq:return-recursion).

        G_t = r_{t+1} + gamma G_{t+1},   and 0 after the end

    reward (T,), with reward[t] = r_{t+1}; gamma float -> G (T,)

    Hint: walk backwards. One pass is enough.
    """
    raise NotImplementedError("Exercise 1.2")


def softmax_policy(preference):
    """Exercise 1.3.  From preferences to probabilities, equation (1.1, eq:softmax-policy).

        pi(a | s) = exp(h(s, a)) / sum_b exp(h(s, b))

    preference (S, A), any real numbers -> pi (S, A)

    Hint: exp(1000) is inf. Subtracting the same number from a whole row changes nothing: which number helps?
    """
    raise NotImplementedError("Exercise 1.3")


def corridor(n, slip):
    """Exercise 1.4.  Build the transition probabilities of a corridor.

    Cells 0 to n - 1 stand in a row. Action 0 goes left, action 1 goes right. With probability `slip` the
    move goes the other way. A move off either end leaves one in place. No cell is terminal.

    n int >= 1, slip float -> P (n, 2, n) with P[s, a, s'] = P(s' | s, a)

    Hint: two moves may end in the same cell; then their probabilities add.
    """
    raise NotImplementedError("Exercise 1.4")


def follow(P, R, pi):
    """Exercise 1.5.  The Markov chain that a policy makes of an MDP, equation (1.2, eq:induced-chain).

        P_pi(s' | s) = sum_a pi(a | s) P(s' | s, a)
        r_pi(s)      = sum_a pi(a | s) sum_s' P(s' | s, a) R(s, a, s')

    P (S, A, S), R (S, A, S), pi (S, A) -> [P_pi (S, S), r_pi (S,)], as a list or a tuple

    Hint: `np.einsum("sa,san->sn", pi, P)` is the first line.
    """
    raise NotImplementedError("Exercise 1.5")


def state_distribution(P_pi, start, t):
    """Exercise 1.6.  Where one is after t steps, equation (1.3, eq:state-distribution).

        d_0 = start,   d_{t+1}(s') = sum_s d_t(s) P_pi(s' | s)

    P_pi (S, S), start (S,), t int >= 0 -> d_t (S,)
    """
    raise NotImplementedError("Exercise 1.6")


def steps_that_matter(gamma, r_max, error):
    """Exercise 1.7.  How many rewards must be counted?

    Rewards lie between -r_max and r_max. Give the smallest n such that the rewards after the first n
    change the return by at most `error`, whatever they are:

        gamma^n r_max / (1 - gamma) <= error

    gamma float in (0, 1), r_max float > 0, error float > 0 -> int >= 0

    Hint: take logarithms, and mind the sign of log(gamma). If the first term is small enough, n is 0.
    Logarithms are rounded, so try the neighbours of what they give.
    """
    raise NotImplementedError("Exercise 1.7")


def roll_out(P, R, terminal, state, pi, horizon, rng):
    """Exercise 1.8.  Walk through an MDP once, and say how the walk ended.

    From `state`, draw an action from pi[state], then the next state from P[state, action]. Stop after a
    step that reaches a terminal state (terminated) or after `horizon` steps (truncated). A step that does
    both is terminated, not truncated.

    P (S, A, S), R (S, A, S), terminal (S,) bool, state int, pi (S, A), horizon int >= 1
      -> [states, rewards, terminated, truncated]: the states visited, first and last among them
         (one more than the rewards), the rewards, and two bools

    Draw with `draw(p, rng)`, given below: action first, then next state, so that your walk can be compared.
    """
    raise NotImplementedError("Exercise 1.8")


def monte_carlo(P, R, terminal, state, pi, gamma, horizon, episodes, rng):
    """Exercise 1.9.  A small experiment: estimate a value from walks, and say how sure you are.

    Walk `episodes` times from `state` as in Exercise 1.8. Give the mean of the discounted returns and its
    standard error: the standard deviation of the returns (dividing by episodes - 1) over sqrt(episodes).

    Arguments as in Exercise 1.8 -> [mean, standard error]
    """
    raise NotImplementedError("Exercise 1.9")


def draw(p, rng):
    """Given: draw an index from the distribution p.   (K,) -> int"""
    return int((np.cumsum(p) <= rng.random() * np.sum(p)).sum())
