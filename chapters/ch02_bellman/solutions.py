"""Solutions of chapter 2, and other right answers that the graders must let pass."""

from itertools import product

import numpy as np

from chapters.harness import alternative


def cycle_value(reward, gamma):
    """Exercise 2.1.  [eq:cycle-value]"""
    K = len(reward)
    return float(gamma ** np.arange(K) @ reward / (1 - gamma**K))


def lookahead(P, R, gamma, V):
    """Exercise 2.2.  [eq:lookahead]"""
    return (P * (R + gamma * V)).sum(axis=2)


def expectation_backup(P, R, gamma, V, pi):
    """Exercise 2.3.  [eq:bellman-expectation]"""
    return (pi * lookahead(P, R, gamma, V)).sum(axis=1)


def advantage(P, R, gamma, V):
    """Exercise 2.4.  [eq:advantage]"""
    return lookahead(P, R, gamma, V) - V[:, None]


def optimality_backup(P, R, gamma, Q):
    """Exercise 2.5.  [eq:bellman-optimality-q]"""
    return lookahead(P, R, gamma, Q.max(axis=1))


def optimal_actions(Q, tol):
    """Exercise 2.6.  [eq:greedy]"""
    return Q.max(axis=1, keepdims=True) - Q <= tol


def policy_value(P, R, gamma, terminal, pi):
    """Exercise 2.7.  [eq:bellman-matrix]"""
    alive = ~terminal
    P_pi = np.einsum("sa,san->sn", pi, P)[alive][:, alive]
    r_pi = np.einsum("sa,san,san->s", pi, P, R)[alive]
    V = np.zeros(len(P))
    V[alive] = np.linalg.solve(np.eye(alive.sum()) - gamma * P_pi, r_pi)
    return V


def expected_steps(P, terminal, pi):
    """Exercise 2.8."""
    return policy_value(P, np.ones(P.shape), 1.0, terminal, pi)


def best_lookahead(P, R, gamma, V):
    """The optimality backup of V, the right side of [eq:bellman-optimality].   -> (S,)"""
    return lookahead(P, R, gamma, V).max(axis=1)


def error_bound(P, R, gamma, V):
    """Exercise 2.9.  [eq:residual-bound]"""
    residual = best_lookahead(P, R, gamma, V) - V
    return float(np.abs(residual).max() / (1 - gamma))


def best_of_all_policies(P, R, gamma):
    """Exercise 2.10."""
    S, A, _ = P.shape
    never = np.zeros(S, bool)
    policies = [np.eye(A)[list(actions)] for actions in product(range(A), repeat=S)]
    values = np.array([policy_value(P, R, gamma, never, pi) for pi in policies])
    best = values.max(axis=0)
    return [best, int((values > best - 1e-9).all(axis=1).sum())]


def contraction_ratios(P, R, gamma, U, V, n):
    """Exercise 2.11.  [eq:contraction]"""
    distance = [np.abs(U - V).max()]
    for _ in range(n):
        U, V = best_lookahead(P, R, gamma, U), best_lookahead(P, R, gamma, V)
        distance.append(np.abs(U - V).max())
    return np.array(distance[1:]) / distance[:-1]


# ---------------------------------------------------------------- other right answers


@alternative("cycle_value")
def round_and_round(reward, gamma):
    V = 0.0
    for _ in range(400):
        for r in reversed(list(reward)):
            V = r + gamma * V
    return V


@alternative("lookahead")
def state_by_state(P, R, gamma, V):
    Q = [[0.0] * P.shape[1] for _ in V]
    for s, a, s_next in np.ndindex(P.shape):
        Q[s][a] += P[s, a, s_next] * (R[s, a, s_next] + gamma * V[s_next])
    return Q


@alternative("lookahead")
def reward_first_in_float32(P, R, gamma, V):
    return ((P * R).sum(axis=-1) + gamma * P @ V).astype(np.float32)


@alternative("expectation_backup")
def through_the_chain(P, R, gamma, V, pi):
    P_pi, r_pi = np.einsum("sa,san->sn", pi, P), np.einsum("sa,san,san->s", pi, P, R)
    return (r_pi + gamma * P_pi @ V)[:, None]


@alternative("advantage")
def an_expected_td_error(P, R, gamma, V):
    delta = R + gamma * V - V[:, None, None]
    return np.einsum("san,san->sa", P, delta)


@alternative("optimality_backup")
def drawn_then_chosen(P, R, gamma, Q):
    return np.array([[p @ (r + gamma * np.max(Q, axis=1)) for p, r in zip(*rows)] for rows in zip(P, R)])


@alternative("optimal_actions")
def row_by_row(Q, tol):
    return [[max(row) - q <= tol for q in row.tolist()] for row in Q]


@alternative("policy_value")
def with_the_terminal_rows_emptied(P, R, gamma, terminal, pi):
    going_on = np.where(terminal[:, None], 0.0, np.einsum("sa,san->sn", pi, P))
    r_pi = np.where(terminal, 0.0, np.einsum("sa,san,san->s", pi, P, R))
    return (np.linalg.inv(np.eye(len(P)) - gamma * going_on) @ r_pi)[:, None]


@alternative("expected_steps")
def by_adding_up_survival(P, terminal, pi):
    P_pi = np.einsum("sa,san->sn", pi, P) * ~terminal
    alive, steps = (~terminal).astype(float), np.zeros(len(P))
    while alive.max() > 1e-14:
        steps, alive = steps + alive, np.where(terminal, 0.0, P_pi @ alive)
    return steps


@alternative("error_bound")
def as_the_larger_of_two(P, R, gamma, V):
    residual = np.einsum("san,san->sa", P, R + gamma * V).max(axis=1) - V
    return max(residual.max(), -residual.min()) / (1 - gamma)


@alternative("best_of_all_policies")
def by_backups_and_counting_ties(P, R, gamma):
    V = np.zeros(len(P))
    for _ in range(2000):
        V = best_lookahead(P, R, gamma, V)
    return V, np.prod(optimal_actions(lookahead(P, R, gamma, V), 1e-9).sum(axis=1))


@alternative("contraction_ratios")
def as_a_column(P, R, gamma, U, V, n):
    tables, ratios = np.stack([U, V], axis=1), []  # (S, 2)
    for _ in range(n):
        before = np.ptp(tables, axis=1).max()
        r = (P * R).sum(axis=2)
        tables = (r[:, :, None] + gamma * P @ tables).max(axis=1)
        ratios.append([np.ptp(tables, axis=1).max() / before])
    return ratios
