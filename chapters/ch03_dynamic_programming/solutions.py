"""Solutions of chapter 3, and other right answers that the graders must let pass."""

import math

import numpy as np

from chapters.ch03_dynamic_programming.exercises import lookahead
from chapters.harness import alternative

TIE = 1e-9  # values closer than this count as equal


def evaluation_sweep(P, R, gamma, pi, V):
    """Exercise 3.1.  [eq:policy-evaluation]"""
    return (pi * lookahead(P, R, gamma, V)).sum(axis=1)


def residual_for(error, gamma):
    """Exercise 3.2.  [eq:stopping-rule]"""
    return error * (1 - gamma) / gamma


def poisson_with_tail(mean, n):
    """Exercise 3.3.  [eq:poisson-tail]"""
    p = np.exp(-mean) * np.cumprod(np.append(1.0, mean / np.arange(1, n + 1)))
    p[n] = 1 - p[:n].sum()
    return p


def count_sweeps(P, R, gamma, pi, theta, in_place):
    """Exercise 3.4."""
    V, sweeps, change = np.zeros(len(P)), 0, math.inf
    while change >= theta:
        old = V.copy()
        if in_place:
            for s in range(len(V)):
                V[s] = pi[s] @ (P[s] * (R[s] + gamma * V)).sum(axis=1)
        else:
            V = evaluation_sweep(P, R, gamma, pi, V)
        change = np.abs(V - old).max()
        sweeps += 1
    return sweeps


def improve(Q, pi):
    """Exercise 3.5.  [eq:policy-improvement]"""
    of_pi = np.take_along_axis(Q, pi[:, None], axis=1)[:, 0]
    return np.where(of_pi >= Q.max(axis=1) - TIE, pi, Q.argmax(axis=1))


def value_iteration(P, R, gamma, V):
    """Exercise 3.6.  [eq:value-iteration]"""
    while True:
        yield V
        V = lookahead(P, R, gamma, V).max(axis=1)


def span_bounds(V, V_next, gamma):
    """Exercise 3.7.  [eq:span-bound]"""
    d = V_next - V
    return [V_next + gamma / (1 - gamma) * d.min(), V_next + gamma / (1 - gamma) * d.max()]


def optimal_stakes(V, p_heads, capital):
    """Exercise 3.8."""
    stake = np.arange(1, min(capital, len(V) - 1 - capital) + 1)
    Q = p_heads * V[capital + stake] + (1 - p_heads) * V[capital - stake]
    return stake[Q.max() - TIE <= Q]


def backward_induction(P, R, gamma, horizon):
    """Exercise 3.9.  [eq:backward-induction]"""
    V = np.zeros((horizon + 1, len(P)))
    for t in reversed(range(horizon)):
        V[t] = lookahead(P, R, gamma, V[t + 1]).max(axis=1)
    return V


def surely_ends(P, terminal, pi):
    """Exercise 3.10."""
    step = P[np.arange(len(P)), pi] > 0  # step[s, s']: pi may go from s to s'
    lost = ~_can_reach(step, terminal)
    return ~_can_reach(step, lost)


def _can_reach(step, target):
    """The states from which a walk may come to a target state."""
    reach = target
    for _ in range(len(step)):
        reach = reach | (step & reach).any(axis=1)
    return reach


def policy_iteration(P, R, gamma, pi):
    """Exercise 3.11."""
    S = np.arange(len(P))
    stable = False
    while not stable:
        P_pi, R_pi = P[S, pi], R[S, pi]
        V = np.linalg.solve(np.eye(len(P)) - gamma * P_pi, (P_pi * R_pi).sum(axis=1))
        yield V
        better = improve(lookahead(P, R, gamma, V), pi)
        stable = (better == pi).all()
        pi = better


def prioritized_sweeping(P, R, gamma, V, updates):
    """Exercise 3.12."""
    V, states = V.copy(), []
    for _ in range(updates):
        error = lookahead(P, R, gamma, V).max(axis=1) - V
        s = int(np.abs(error).argmax())
        V[s] += error[s]
        states.append(s)
    return [states, V]


# ---------------------------------------------------------------- other right answers


@alternative("evaluation_sweep")
def by_the_induced_chain(P, R, gamma, pi, V):
    P_pi = np.einsum("sa,san->sn", pi, P)
    r_pi = np.einsum("sa,san,san->s", pi, P, R)
    return (r_pi + gamma * P_pi @ V)[:, None].astype(np.float32)


@alternative("residual_for")
def by_the_geometric_series(error, gamma):
    return np.float64(error / gamma - error)


@alternative("poisson_with_tail")
def by_factorials(mean, n):
    p = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(n)]
    return [*p, 1 - math.fsum(p)]


@alternative("count_sweeps")
def by_the_largest_change_of_a_state(P, R, gamma, pi, theta, in_place):
    V = [0.0] * len(P)
    for sweep in range(1, 100_000):
        read = V if in_place else list(V)
        change = 0.0
        for s in range(len(V)):
            v = sum(
                pi[s, a] * P[s, a, n] * (R[s, a, n] + gamma * read[n])
                for a, n in zip(*np.nonzero(P[s] * pi[s][:, None]))
            )
            change, V[s] = max(change, abs(v - V[s])), v
        if change < theta:
            return sweep
    raise RuntimeError("no end")


@alternative("improve")
def to_the_last_best_action(Q, pi):
    new = []
    for s, a in enumerate(pi):
        best = [b for b, q in enumerate(Q[s]) if q >= max(Q[s]) - TIE]
        new.append(int(a) if a in best else best[-1])
    return new


@alternative("value_iteration")
def by_map_and_lists(P, R, gamma, V):
    r = np.einsum("san,san->sa", P, R)
    while True:
        yield V
        V = [max(r[s] + gamma * P[s] @ V) for s in range(len(P))]


@alternative("span_bounds")
def as_one_array(V, V_next, gamma):
    d = V_next - V
    return np.stack([V_next + d.min() * gamma / (1 - gamma), V_next + d.max() * gamma / (1 - gamma)])


@alternative("optimal_stakes")
def with_isclose(V, p_heads, capital):
    best, stakes = -math.inf, []
    for a in range(1, min(capital, len(V) - 1 - capital) + 1):
        q = p_heads * V[capital + a] + (1 - p_heads) * V[capital - a]
        if math.isclose(q, best, rel_tol=0, abs_tol=TIE):
            stakes.append(a)
        elif q > best:
            best, stakes = q, [a]
    return stakes


@alternative("backward_induction")
def as_a_list_of_rows(P, R, gamma, horizon):
    rows = [np.zeros(len(P))]
    for _ in range(horizon):
        rows.insert(0, lookahead(P, R, gamma, rows[0]).max(axis=1))
    return rows


@alternative("surely_ends")
def by_linear_algebra(P, terminal, pi):
    walk = np.where(terminal[:, None], np.eye(len(P)), P[np.arange(len(P)), pi])
    far = np.linalg.matrix_power(walk, 2**20)
    return far[:, terminal].sum(axis=1) > 1 - 1e-6


@alternative("policy_iteration")
def until_the_value_stays(P, R, gamma, pi):
    S, previous = np.arange(len(P)), None
    while True:
        V = np.linalg.inv(np.eye(len(P)) - gamma * P[S, pi]) @ (P * R).sum(axis=2)[S, pi]
        if previous is not None and np.abs(V - previous).max() < TIE:
            return
        yield V
        pi, previous = lookahead(P, R, gamma, V).argmax(axis=1), V


@alternative("prioritized_sweeping")
def one_row_at_a_time(P, R, gamma, V, updates):
    V, states = V.astype(float), np.zeros(updates, int)
    r = np.einsum("san,san->sa", P, R)
    for i in range(updates):
        target = [np.max(r[s] + gamma * P[s] @ V) for s in range(len(V))]
        states[i] = max(range(len(V)), key=lambda s: abs(target[s] - V[s]))
        V[states[i]] = target[states[i]]
    return states, V
