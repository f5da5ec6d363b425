"""Solutions of chapter 1, and other right answers that the graders must let pass."""

import numpy as np

from chapters.ch01_mdp.exercises import draw
from chapters.harness import alternative
from rlcore.numerics import softmax


def discounted_return(reward, gamma):
    """Exercise 1.1.  [eq:return]"""
    return float(gamma ** np.arange(len(reward)) @ reward)


def returns_to_go(reward, gamma):
    """Exercise 1.2.  [eq:return-recursion]"""
    G = np.zeros(len(reward) + 1)  # G[T] = 0: nothing comes after the end
    for t in reversed(range(len(reward))):
        G[t] = reward[t] + gamma * G[t + 1]
    return G[:-1]


def softmax_policy(preference):
    """Exercise 1.3."""
    return softmax(preference)


def corridor(n, slip):
    """Exercise 1.4."""
    P = np.zeros((n, 2, n))
    for s in range(n):
        left, right = max(s - 1, 0), min(s + 1, n - 1)
        P[s, 0, left] += 1 - slip
        P[s, 0, right] += slip
        P[s, 1, right] += 1 - slip
        P[s, 1, left] += slip
    return P


def follow(P, R, pi):
    """Exercise 1.5.  [eq:induced-chain]"""
    P_pi = np.einsum("sa,san->sn", pi, P)
    r_pi = np.einsum("sa,san,san->s", pi, P, R)
    return [P_pi, r_pi]


def state_distribution(P_pi, start, t):
    """Exercise 1.6.  [eq:state-distribution]"""
    d = start
    for _ in range(t):
        d = d @ P_pi
    return d


def steps_that_matter(gamma, r_max, error):
    """Exercise 1.7.  [eq:tail]"""
    n = max(int(np.log(error * (1 - gamma) / r_max) / np.log(gamma)) - 1, 0)
    while gamma**n * r_max / (1 - gamma) > error:  # once or twice: the logarithms are rounded
        n += 1
    return n


def roll_out(P, R, terminal, state, pi, horizon, rng):
    """Exercise 1.8."""
    states, rewards = [state], []
    while len(rewards) < horizon and not terminal[states[-1]]:
        s = states[-1]
        a = draw(pi[s], rng)
        s_next = draw(P[s, a], rng)
        rewards.append(float(R[s, a, s_next]))
        states.append(s_next)
    terminated = bool(terminal[states[-1]])
    return [states, rewards, terminated, not terminated]


def monte_carlo(P, R, terminal, state, pi, gamma, horizon, episodes, rng):
    """Exercise 1.9.  [eq:standard-error]"""
    G = np.zeros(episodes)
    for i in range(episodes):
        _, rewards, _, _ = roll_out(P, R, terminal, state, pi, horizon, rng)
        G[i] = discounted_return(rewards, gamma)
    return [G.mean(), G.std(ddof=1) / np.sqrt(episodes)]


# ---------------------------------------------------------------- other right answers


@alternative("discounted_return")
def horner(reward, gamma):
    G = 0.0
    for r in reversed(list(reward)):
        G = r + gamma * G
    return G


@alternative("returns_to_go")
def as_a_column_in_float32(reward, gamma):
    return np.array(returns_to_go(reward, gamma), np.float32)[:, None]


@alternative("softmax_policy")
def row_by_row(preference):
    rows = [np.exp(h - max(h)) for h in preference]
    return [list(row / row.sum()) for row in rows]


@alternative("corridor")
def from_moves(n, slip):
    step = np.eye(n)
    left, right = step[np.maximum(np.arange(n) - 1, 0)], step[np.minimum(np.arange(n) + 1, n - 1)]
    return np.stack([(1 - slip) * left + slip * right, (1 - slip) * right + slip * left], axis=1)


@alternative("follow")
def a_tuple_by_matrix_products(P, R, pi):
    P_pi = np.stack([pi[s] @ P[s] for s in range(len(P))])
    return P_pi, np.array([pi[s] @ (P[s] * R[s]).sum(axis=1) for s in range(len(P))])


@alternative("state_distribution")
def by_matrix_power(P_pi, start, t):
    return start @ np.linalg.matrix_power(P_pi, t)


@alternative("steps_that_matter")
def by_counting(gamma, r_max, error):
    n = 0
    while gamma**n * r_max / (1 - gamma) > error:
        n += 1
    return n


@alternative("roll_out")
def as_a_for_loop(P, R, terminal, state, pi, horizon, rng):
    states, rewards = [state], []
    for _ in range(horizon):
        a = draw(pi[state], rng)
        s_next = draw(P[state, a], rng)
        states.append(s_next)
        rewards.append(R[state, a, s_next])
        state = s_next
        if terminal[state]:
            return states, np.array(rewards), True, False
    return states, np.array(rewards), False, True


@alternative("monte_carlo")
def with_a_running_sum(P, R, terminal, state, pi, gamma, horizon, episodes, rng):
    total = squares = 0.0
    for _ in range(episodes):
        G = discounted_return(roll_out(P, R, terminal, state, pi, horizon, rng)[1], gamma)
        total, squares = total + G, squares + G * G
    mean = total / episodes
    return mean, ((squares - episodes * mean**2) / (episodes - 1) / episodes) ** 0.5
