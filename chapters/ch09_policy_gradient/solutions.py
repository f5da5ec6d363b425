"""Solutions of chapter 9, and other right answers that the graders must let pass."""

import numpy as np

from chapters.harness import alternative
from rlcore.learning.losses import policy_gradient_loss
from rlcore.numerics import softmax


def step_weights(reward, gamma):
    """Exercise 9.1."""
    discounted = gamma ** np.arange(len(reward)) * reward
    return discounted[::-1].cumsum()[::-1]


def linear_score(theta, x, action):
    """Exercise 9.2."""
    return np.outer(x, np.eye(theta.shape[1])[action] - softmax(x @ theta))


def batch_loss(logits, action, advantage):
    """Exercise 9.3."""
    return list(policy_gradient_loss(logits, action, advantage))


def reinforce_updates(theta, episodes, alpha, gamma):
    """Exercise 9.4."""
    for state, action, reward in episodes:
        theta = theta + alpha * _estimate(theta, state, action, step_weights(reward, gamma))
    return theta


def _estimate(theta, state, action, weight):
    """The sum over the steps of weight times score.   -> (S, A)"""
    g = np.zeros(theta.shape)
    np.add.at(g, state, weight[:, None] * (np.eye(theta.shape[1])[action] - softmax(theta[state])))
    return g


def reinforce_with_baseline(theta, V, episodes, alpha, alpha_V, gamma):
    """Exercise 9.5."""
    V = V.copy()
    for state, action, reward in episodes:
        discount = gamma ** np.arange(len(reward))
        G = step_weights(reward, gamma) / discount
        theta = theta + alpha * _estimate(theta, state, action, discount * (G - V[state]))
        for s, G_t in zip(state, G):
            V[s] += alpha_V * (G_t - V[s])
    return [theta, V]


def baseline_bias(theta, b):
    """Exercise 9.6.   [eq:baseline]: 0 where b does not depend on the action."""
    pi = softmax(theta)
    return -pi * (b - pi @ b)


def exact_gradient(P, R, gamma, start, theta):
    """Exercise 9.7."""
    pi = softmax(theta)
    P_pi, r_pi = np.einsum("sa,san->sn", pi, P), (pi * R).sum(axis=1)
    leak = np.eye(len(P)) - gamma * P_pi
    V, d = np.linalg.solve(leak, r_pi), np.linalg.solve(leak.T, start)
    Q = R + gamma * P @ V
    return d[:, None] * pi * (Q - V[:, None])


def leave_one_out(score, G):
    """Exercise 9.8."""
    N = len(G)
    others = (G.sum() - G) / (N - 1)
    return (G - others) @ score / N


def natural_direction(X, theta, visits, advantage):
    """Exercise 9.9."""
    S, A = advantage.shape
    pi = softmax(X @ theta)
    g = (X[:, None, :, None] * (np.eye(A) - pi[:, None, :])[:, :, None, :]).reshape(S, A, -1)  # (S, A, D A)
    grad = np.einsum("s,sa,sa,sai->i", visits, pi, advantage, g)
    F = np.einsum("s,sa,sai,saj->ij", visits / visits.sum(), pi, g, g)
    return (np.linalg.pinv(F, rcond=1e-10, hermitian=True) @ grad).reshape(theta.shape)


def estimate_moments(P, R, gamma, start, theta, horizon):
    """Exercise 9.10."""
    pi = softmax(theta)
    mean, square = np.zeros(theta.shape), np.zeros(theta.shape)

    def go_on(s, p, t, scores, x):
        nonlocal mean, square
        if p == 0:
            return
        if t == horizon:
            mean, square = mean + p * x, square + p * x * x
            return
        for a in range(theta.shape[1]):
            z = scores.copy()
            z[s] += np.eye(theta.shape[1])[a] - pi[s]
            for s_next in range(len(P)):
                go_on(s_next, p * pi[s, a] * P[s, a, s_next], t + 1, z, x + gamma**t * R[s, a] * z)

    for s in range(len(P)):
        go_on(s, start[s], 0, np.zeros(theta.shape), np.zeros(theta.shape))
    return [mean, float((square - mean**2).sum())]


# ---------------------------------------------------------------- other right answers


@alternative("step_weights")
def step_by_step_from_the_end(reward, gamma):
    G, weights = 0.0, []
    for t in reversed(range(len(reward))):
        G = reward[t] + gamma * G
        weights.append(gamma**t * G)
    return weights[::-1]


@alternative("linear_score")
def entry_by_entry(theta, x, action):
    e = np.exp(x @ theta - max(x @ theta))
    return [[x_d * ((a == action) - e[a] / sum(e)) for a in range(len(e))] for x_d in x]


@alternative("batch_loss")
def with_log_probabilities(logits, action, advantage):
    log_pi = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    B = len(action)
    grad = np.exp(log_pi) * advantage[:, None] / B
    grad[np.arange(B), action] -= advantage / B
    return -np.mean(advantage * log_pi[np.arange(B), action]), grad


@alternative("reinforce_updates")
def with_loops(theta, episodes, alpha, gamma):
    theta = np.array(theta)
    for state, action, reward in episodes:
        pi, step = softmax(theta), np.zeros(theta.shape)
        for t in range(len(state)):
            G = sum(gamma ** (k - t) * reward[k] for k in range(t, len(reward)))
            for b in range(theta.shape[1]):
                step[state[t], b] += gamma**t * G * ((b == action[t]) - pi[state[t], b])
        theta += alpha * step
    return theta.tolist()


@alternative("reinforce_with_baseline")
def backwards_and_forwards(theta, V, episodes, alpha, alpha_V, gamma):
    theta, V = np.array(theta), np.array(V)
    for state, action, reward in episodes:
        G, returns, step = 0.0, [], np.zeros_like(theta)
        for t in reversed(range(len(state))):
            G = reward[t] + gamma * G
            returns.insert(0, G)
            push = gamma**t * (G - V[state[t]])
            step[state[t], action[t]] += push
            step[state[t]] -= push * softmax(theta[state[t]])
        theta = theta + alpha * step
        for t, G in enumerate(returns):
            V[state[t]] = (1 - alpha_V) * V[state[t]] + alpha_V * G
    return theta, V


@alternative("baseline_bias")
def action_by_action(theta, b):
    pi = np.exp(theta) / np.exp(theta).sum()
    bias = np.zeros(len(theta))
    for a in range(len(theta)):
        bias -= pi[a] * b[a] * (np.eye(len(theta))[a] - pi)
    return bias


@alternative("exact_gradient")
def by_sums_over_time(P, R, gamma, start, theta):
    pi = np.exp(theta) / np.exp(theta).sum(axis=1, keepdims=True)
    P_pi, V, d, share = np.einsum("sa,san->sn", pi, P), np.zeros(len(P)), np.zeros(len(P)), np.array(start)
    for _ in range(400):
        V = (pi * (R + gamma * P @ V)).sum(axis=1)
        d, share = d + share, gamma * share @ P_pi
    return (d * (pi * (R + gamma * P @ V - V[:, None])).T).T


@alternative("leave_one_out")
def episode_by_episode(score, G):
    return sum((G[n] - np.mean(np.delete(G, n))) * score[n] for n in range(len(G))) / len(G)


@alternative("leave_one_out")
def centred_and_stretched(score, G):
    return (G - G.mean()) @ score / (len(G) - 1)


@alternative("natural_direction")
def by_least_squares(X, theta, visits, advantage):
    """The best linear guess of the advantage from the score, weighed by share and pi, times the sum of visits."""
    S, A = advantage.shape
    pi = softmax(X @ theta)
    g = np.array([np.outer(X[s], np.eye(A)[a] - pi[s]).ravel() for s in range(S) for a in range(A)])
    root = np.sqrt((visits[:, None] / visits.sum() * pi).ravel())
    x = np.linalg.lstsq(root[:, None] * g, root * advantage.ravel(), rcond=1e-8)[0]
    return visits.sum() * x.reshape(theta.shape)


@alternative("estimate_moments")
def all_sequences(P, R, gamma, start, theta, horizon):
    from itertools import product

    pi, S, A = softmax(theta), *theta.shape
    total, xs, ps = np.zeros((S, A)), [], []
    for steps in product(product(range(S), range(A)), repeat=horizon):
        p, x, r = start[steps[0][0]], np.zeros((S, A)), [R[s, a] for s, a in steps]
        for t, (s, a) in enumerate(steps):
            p = p * pi[s, a] * (P[s, a, steps[t + 1][0]] if t + 1 < horizon else 1.0)
            G = sum(gamma**k * r[k] for k in range(t, horizon))
            x[s] += G * (np.eye(A)[a] - pi[s])
        total += p * x
        xs, ps = [*xs, x], [*ps, p]
    return total, sum(p * ((x - total) ** 2).sum() for p, x in zip(ps, xs))
