"""Solutions of chapter 6, and other right answers that the graders must let pass."""

import math

import numpy as np

from chapters.harness import alternative


def td_error(state, reward, next_state, terminated, V, gamma):
    """Exercise 6.1.  [eq:td-error]"""
    return reward + gamma * ~terminated * V[next_state] - V[state]


def td0(state, reward, next_state, terminated, truncated, V, alpha, gamma):
    """Exercise 6.2.  A truncated step bootstraps like any other."""
    V = V.copy()
    for s, r, s_next, end in zip(state, reward, next_state, terminated):
        target = r + gamma * (not end) * V[s_next]
        V[s] += alpha * (target - V[s])
    return V


def sarsa(state, action, reward, next_state, next_action, terminated, Q, alpha, gamma):
    """Exercise 6.3."""
    Q = Q.copy()
    for s, a, r, s_next, a_next, end in zip(state, action, reward, next_state, next_action, terminated):
        target = r + gamma * (not end) * Q[s_next, a_next]
        Q[s, a] += alpha * (target - Q[s, a])
    return Q


def q_learning(state, action, reward, next_state, terminated, Q, alpha, gamma):
    """Exercise 6.4."""
    Q = Q.copy()
    for s, a, r, s_next, end in zip(state, action, reward, next_state, terminated):
        target = r + gamma * (not end) * Q[s_next].max()
        Q[s, a] += alpha * (target - Q[s, a])
    return Q


def expected_sarsa_target(q_next, reward, terminated, epsilon, gamma):
    """Exercise 6.5."""
    best = q_next == q_next.max()
    pi = (1 - epsilon) * best / best.sum() + epsilon / len(q_next)
    return reward + gamma * (not terminated) * (pi @ q_next)


def double_q_learning(state, action, reward, next_state, terminated, coin, Q1, Q2, alpha, gamma):
    """Exercise 6.6."""
    Q = [Q1.copy(), Q2.copy()]
    for s, a, r, s_next, end, c in zip(state, action, reward, next_state, terminated, coin):
        learner, judge = Q[c - 1], Q[2 - c]
        target = r + gamma * (not end) * judge[s_next, learner[s_next].argmax()]
        learner[s, a] += alpha * (target - learner[s, a])
    return Q


def mean_target(p, reward, q_next, gamma):
    """Exercise 6.7."""
    return p @ (reward + gamma * q_next.max(axis=1))


def batch_td(state, reward, next_state, terminated, V, gamma):
    """Exercise 6.8."""
    system, right = np.eye(len(V)), V.astype(float)
    for s in set(state.tolist()):
        seen = state == s
        system[s], right[s] = np.eye(len(V))[s], reward[seen].mean()
        for s_next in next_state[seen & ~terminated]:
            system[s, s_next] -= gamma / seen.sum()
    return np.linalg.solve(system, right)


def bias_of_the_best(arms, flips, p):
    """Exercise 6.9.  [eq:max-bias]"""
    at_most = np.cumsum([math.comb(flips, k) * p**k * (1 - p) ** (flips - k) for k in range(flips)])
    return (1 - at_most**arms).sum() / flips - p


def learn_by_walking(next_state, reward, terminal, start, gamma, steps, rng):
    """Exercise 6.10."""
    Q, s = np.zeros(reward.shape), start
    for a in rng.integers(reward.shape[1], size=steps):
        s_next = next_state[s, a]
        Q[s, a] = reward[s, a] + gamma * (not terminal[s_next]) * Q[s_next].max()
        s = start if terminal[s_next] else s_next
    return Q


# ---------------------------------------------------------------- other right answers


@alternative("td_error")
def step_by_step(state, reward, next_state, terminated, V, gamma):
    return [
        r - V[s] if end else r + gamma * V[n] - V[s]
        for s, r, n, end in zip(state, reward, next_state, terminated)
    ]


@alternative("td0")
def in_single_precision(state, reward, next_state, terminated, truncated, V, alpha, gamma):
    V = V.astype(np.float64)
    for t in range(len(state)):
        after = 0.0 if terminated[t] else V[next_state[t]]
        V[state[t]] = (1 - alpha) * V[state[t]] + alpha * (reward[t] + gamma * after)
    return V.astype(np.float32)


@alternative("sarsa")
def as_an_average(state, action, reward, next_state, next_action, terminated, Q, alpha, gamma):
    Q = Q.tolist()
    for s, a, r, n, b, end in zip(state, action, reward, next_state, next_action, terminated):
        Q[s][a] = (1 - alpha) * Q[s][a] + alpha * (r if end else r + gamma * Q[n][b])
    return Q


@alternative("q_learning")
def with_lists(state, action, reward, next_state, terminated, Q, alpha, gamma):
    Q = Q.tolist()
    for s, a, r, n, end in zip(state, action, reward, next_state, terminated):
        Q[s][a] -= alpha * (Q[s][a] - r - (0 if end else gamma * max(Q[n])))
    return np.array(Q)


@alternative("expected_sarsa_target")
def by_maximum_and_mean(q_next, reward, terminated, epsilon, gamma):
    if terminated:
        return np.float64(reward)
    return reward + gamma * ((1 - epsilon) * max(q_next) + epsilon * sum(q_next) / len(q_next))


@alternative("double_q_learning")
def as_one_array(state, action, reward, next_state, terminated, coin, Q1, Q2, alpha, gamma):
    Q = np.stack([Q1, Q2])
    for t, k in enumerate(coin - 1):
        best = np.argmax(Q[k, next_state[t]])
        after = 0.0 if terminated[t] else Q[1 - k, next_state[t], best]
        error = reward[t] + gamma * after - Q[k, state[t], action[t]]
        Q[k, state[t], action[t]] += alpha * error
    return [Q[0], Q[1]]


@alternative("mean_target")
def branch_by_branch(p, reward, q_next, gamma):
    return sum(w * (r + gamma * max(q)) for w, r, q in zip(p, reward, q_next))


@alternative("batch_td")
def by_many_passes(state, reward, next_state, terminated, V, gamma):
    V = V.astype(float)
    visits = np.maximum(np.bincount(state, minlength=len(V)), 1)
    for _ in range(2000):
        error = reward + gamma * np.where(terminated, 0.0, V[next_state]) - V[state]
        V = V + np.bincount(state, error, len(V)) / visits
    return V


@alternative("bias_of_the_best")
def by_the_probabilities_of_the_maximum(arms, flips, p):
    one = [math.comb(flips, k) * p**k * (1 - p) ** (flips - k) for k in range(flips + 1)]
    below, mean = 0.0, 0.0
    for k in range(flips + 1):
        mean += k / flips * ((below + one[k]) ** arms - below**arms)
        below += one[k]
    return mean - p


@alternative("learn_by_walking")
def always_another_action_first(next_state, reward, terminal, start, gamma, steps, rng):
    Q, s = np.zeros(reward.shape), start
    value = np.zeros(len(terminal))
    for _ in range(steps):
        a = int(rng.random() * reward.shape[1])
        n = int(next_state[s, a])
        Q[s, a] = reward[s, a] + gamma * value[n]
        value[s] = Q[s].max()
        s = start if terminal[n] else n
    return Q
