"""Solutions of chapter 10, and other right answers that the graders must let pass."""

import numpy as np

from chapters.harness import alternative
from rlcore.learning.returns import gae as gae_of_successors
from rlcore.numerics import softmax


def advantages(P, R, gamma, pi):
    """Exercise 10.1."""
    Q = R + gamma * P @ _value(P, R, gamma, pi)
    return Q - (pi * Q).sum(axis=1, keepdims=True)


def _value(P, R, gamma, pi):
    chain, r = (pi[:, :, None] * P).sum(axis=1), (pi * R).sum(axis=1)
    return np.linalg.solve(np.eye(len(P)) - gamma * chain, r)


def judge_returns(G, v):
    """Exercise 10.2."""
    advantage = G - v[:, 0]
    return [advantage, float(np.mean(advantage**2)) / 2, -advantage[:, None] / len(G)]


def collect(succ, terminal, start, horizon, action):
    """Exercise 10.3."""
    rows, s, clock = [], start, 0
    for a in action:
        s_next, clock = succ[s, a], clock + 1
        terminated = terminal[s_next]
        truncated = clock == horizon and not terminated
        rows.append((s, s_next, terminated, truncated))
        s = s_next
        if terminated or truncated:
            s, clock = start, 0
    return [np.array(column) for column in zip(*rows)]


def mixture(delta, gamma, lam):
    """Exercise 10.4.  [eq:gae-mixture]"""
    A = np.empty(len(delta))
    for t in range(len(delta)):
        of_n = np.cumsum(gamma ** np.arange(len(delta) - t) * delta[t:])
        A[t] = _weights(len(of_n), lam) @ of_n
    return A


def _weights(K, lam):
    """(1 - lam) lam^(n-1) for n < K, and what is left for n = K."""
    weight = lam ** np.arange(float(K))
    weight[:-1] *= 1 - lam
    return weight


def gae(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    """Exercise 10.5."""
    next_value = np.vstack([value[1:], last_value])
    next_value = np.where(truncated, final_value, next_value)
    done = terminated | truncated
    return gae_of_successors(reward, value, next_value, terminated, done, gamma=gamma, lam=lam)


def one_step_actor_critic(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    """Exercise 10.6.  [eq:one-step-actor-critic]"""
    theta, V = theta.copy(), V.copy()
    for s, a, r, s_next, end in zip(state, action, reward, next_state, terminated):
        delta = r + gamma * (1 - end) * V[s_next] - V[s]
        theta[s] += alpha * delta * (np.eye(theta.shape[1])[a] - softmax(theta[s]))
        V[s] += beta * delta
    return [theta, V]


def bias_and_variance(estimates, probability, truth, n):
    """Exercise 10.7.  [eq:bias-variance]"""
    mean = probability @ estimates
    bias2 = ((mean - truth) ** 2).sum()
    variance = probability @ ((estimates - mean) ** 2).sum(axis=1)
    return [bias2, variance, bias2 + variance / n]


def fooled_critic(P, r, start, horizon, gamma):
    """Exercise 10.8.  [eq:fooled-critic]"""
    at = [start]
    for _ in range(horizon - 1):
        at.append(at[-1] @ P)
    n, m = np.sum(at, axis=0), np.sum(at[:-1], axis=0)
    return np.linalg.solve(np.diag(n) - gamma * np.reshape(m, (-1, 1)) * P, n * r)


def batch_gradients(theta, w, x, x_next, action, reward, terminated, gamma, bonus):
    """Exercise 10.9."""
    delta = reward + gamma * ~terminated * (x_next @ w) - x @ w
    p = softmax(x @ theta)  # (B, A)
    H = -(p * np.log(p)).sum(axis=1, keepdims=True)
    d_logits = -delta[:, None] * (np.eye(p.shape[1])[action] - p) + bonus * p * (np.log(p) + H)
    return [x.T @ d_logits / len(x), -x.T @ delta / len(x)]


def gain_by_state(P, R, start, gamma, pi, pi_old):
    """Exercise 10.10."""
    return _visits(P, start, gamma, pi) * (pi * advantages(P, R, gamma, pi_old)).sum(axis=1)


def _visits(P, start, gamma, pi):
    chain = (pi[:, :, None] * P).sum(axis=1)
    return np.linalg.solve(np.eye(len(P)) - gamma * chain.T, start)


# ---------------------------------------------------------------- other right answers


@alternative("advantages")
def by_sweeps(P, R, gamma, pi):
    V = np.zeros(len(P))
    for _ in range(3000):
        Q = R + gamma * np.einsum("san,n->sa", P, V)
        V = np.einsum("sa,sa->s", pi, Q)
    return [[Q[s, a] - V[s] for a in range(R.shape[1])] for s in range(len(P))]


@alternative("judge_returns")
def with_returns_in_a_column(G, v):
    error = v - G[:, None]
    return -error, np.square(error).mean() / 2, error / error.size


@alternative("collect")
def episode_by_episode(succ, terminal, start, horizon, action):
    state, next_state, terminated, truncated = [], [], [], []
    while len(state) < len(action):
        s = start
        for step in range(1, horizon + 1):
            if len(state) == len(action):
                break
            state.append(s)
            s = int(succ[s, action[len(state) - 1]])
            next_state.append(s)
            terminated.append(bool(terminal[s]))
            truncated.append(step == horizon and not terminal[s])
            if terminal[s]:
                break
    return [state, next_state, terminated, truncated]


@alternative("mixture")
def backwards(delta, gamma, lam):
    A, after = [], 0.0
    for d in reversed(delta):
        after = d + gamma * lam * after
        A.insert(0, after)
    return A


@alternative("gae")
def walker_by_walker(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    T, N = reward.shape
    A = np.zeros((T, N))
    for n in range(N):
        carry = 0.0
        for t in reversed(range(T)):
            if terminated[t, n]:
                after, carry = 0.0, 0.0
            elif truncated[t, n]:
                after, carry = final_value[t, n], 0.0
            else:
                after = value[t + 1, n] if t + 1 < T else last_value[n]
            carry = reward[t, n] + gamma * after - value[t, n] + gamma * lam * carry
            A[t, n] = carry
    return A


@alternative("one_step_actor_critic")
def with_fresh_tables(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    S, A = theta.shape
    for t in range(len(state)):
        here, there = np.eye(S)[state[t]], np.eye(S)[next_state[t]]
        delta = reward[t] + (0.0 if terminated[t] else gamma * (there @ V)) - here @ V
        e = np.exp(theta[state[t]])
        score = np.eye(A)[action[t]] - e / e.sum()
        theta = theta + alpha * delta * np.outer(here, score)
        V = V + beta * delta * here
    return theta, V


@alternative("bias_and_variance")
def by_second_moments(estimates, probability, truth, n):
    first = np.average(estimates, axis=0, weights=probability)
    second = np.average(estimates**2, axis=0, weights=probability)
    bias2, variance = np.sum((first - truth) ** 2), np.sum(second - first**2)
    return [bias2, variance, variance / n + bias2]


@alternative("fooled_critic")
def by_sweeps_of_the_equation(P, r, start, horizon, gamma):
    at = np.array([start @ np.linalg.matrix_power(P, t) for t in range(horizon)])
    goes_on = at[:-1].sum(axis=0) / at.sum(axis=0)
    V = np.zeros(len(r))
    for _ in range(3000):
        V = r + gamma * goes_on * (P @ V)
    return V[:, None]


@alternative("batch_gradients")
def step_by_step_of_the_batch(theta, w, x, x_next, action, reward, terminated, gamma, bonus):
    d_theta, d_w, B = np.zeros_like(theta), np.zeros_like(w), len(x)
    for b in range(B):
        target = reward[b] + (0.0 if terminated[b] else gamma * (x_next[b] @ w))
        error = x[b] @ w - target
        e = np.exp(x[b] @ theta)
        p = e / e.sum()
        H = -sum(q * np.log(q) for q in p)
        for a in range(len(p)):
            d_theta[:, a] += error * ((a == action[b]) - p[a]) * x[b] / B
            d_theta[:, a] += bonus * p[a] * (np.log(p[a]) + H) * x[b] / B
        d_w += error * x[b] / B
    return d_theta, d_w


@alternative("gain_by_state")
def summed_over_time(P, R, start, gamma, pi, pi_old):
    A, at, d = advantages(P, R, gamma, pi_old), start, np.zeros(len(start))
    for _ in range(3000):
        d, at = d + at, gamma * np.einsum("s,sa,san->n", at, pi, P)
    return [d[s] * (pi[s] @ A[s]) for s in range(len(d))]
