"""Solutions of chapter 12, and other right answers that the graders must let pass."""

import math

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from chapters.harness import alternative


def joined_gradient(gradients, counts, max_norm):
    """Exercise 12.1.  [eq:joined-gradient]"""
    g = counts @ gradients / counts.sum()
    return g * min(1.0, max_norm / np.linalg.norm(g))


def speed_up(shards, compute, serial, latency, size, bandwidth):
    """Exercise 12.2.  [eq:speed-up]"""
    messages = 2 * shards if shards > 1 else 0
    together = serial + compute / shards + messages * (latency + size / bandwidth)
    return (serial + compute) / together


def act_in_a_box(mean, log_std, noise, low, high):
    """Exercise 12.3."""
    drawn = mean + np.exp(log_std) * noise
    logp = (-(noise**2) / 2 - log_std - math.log(math.tau) / 2).sum()
    entropy = (log_std + math.log(math.tau * math.e) / 2).sum()
    return [np.clip(drawn, low, high), logp, entropy]


def slow_copies(slow, weights, part):
    """Exercise 12.4.  [eq:slow-copy]"""
    trace = []
    for w in weights:
        slow = (1 - part) * slow + part * w
        trace.append(slow)
    return np.array(trace)


def variance_of_the_average(variance, seeds):
    """Exercise 12.5.  [eq:shard-variance]"""
    share = np.unique(seeds, return_counts=True)[1] / len(seeds)
    return variance * (share**2).sum()


def squashed_log_prob(mean, log_std, u, low, high):
    """Exercise 12.6.  [eq:squashed-log-prob]"""
    z = (u - mean) / np.exp(log_std)
    logp = (-(z**2) / 2 - log_std - math.log(math.tau) / 2).sum()
    slope = (high - low) / 2 * (1 - np.tanh(u) ** 2)
    return logp - np.log(slope).sum()


def ddpg_targets(reward, action, x_next, terminated, truncated, W, w, gamma):
    """Exercise 12.7.  A truncated step bootstraps like any other."""
    a = np.tanh(x_next @ W)
    return reward + gamma * ~terminated * (w[0] + w[1] * a + w[2] * a**2)


def actor_gradient(x, action, W, c, goal, reach):
    """Exercise 12.8.  The stored action does not matter: the slope is taken at mu(x)."""
    u = np.tanh(x @ W)
    slope_of_Q = -c * (reach * u - x @ goal)
    slope_of_mu = reach * (1 - u**2)
    return (slope_of_Q * slope_of_mu) @ x / len(x)


def averaged_rounds(w, A, b, lr, momentum, local, rounds):
    """Exercise 12.9."""
    u = np.zeros(len(w))
    for _ in range(rounds):
        ends = []
        for A_k, b_k in zip(A, b):
            w_k, u_k = w, u
            for _ in range(local):
                u_k = momentum * u_k + A_k @ w_k - b_k
                w_k = w_k - lr * u_k
            ends.append((w_k, u_k))
        w, u = np.mean(ends, axis=0)
    return w


def largest_stale_rate(A, delay):
    """Exercise 12.10."""
    return 2 * math.sin(math.pi / (2 * (2 * delay + 1))) / np.linalg.eigvalsh(A).max()


def where_averages_end(X, y, lr, local):
    """Exercise 12.11."""
    eye, left, right = np.eye(X.shape[2]), 0.0, 0.0
    for X_k, y_k in zip(X, y):
        A, b = X_k.T @ X_k / len(y_k), X_k.T @ y_k / len(y_k)
        gone = eye - np.linalg.matrix_power(eye - lr * A, local)
        left, right = left + gone, right + gone @ np.linalg.solve(A, b)
    return np.linalg.solve(left, right)


def two_gradients(q, m, s):
    """Exercise 12.12."""
    z, weight = hermegauss(12)
    p, Q = weight / weight.sum(), np.polynomial.Polynomial(q)
    a = m + s * z
    estimates = (Q(a) - p @ Q(a)) * z / s, Q.deriv()(a)
    means = [p @ g for g in estimates]
    return [means[1], *(p @ (g - mean) ** 2 for g, mean in zip(estimates, means))]


# ---------------------------------------------------------------- other right answers


@alternative("joined_gradient")
def step_by_step(gradients, counts, max_norm):
    total = sum(int(n) * np.array(g, float) for g, n in zip(gradients, counts)) / sum(counts.tolist())
    length = math.sqrt(sum(x * x for x in total))
    return (total if length <= max_norm else max_norm / length * total).tolist()


@alternative("speed_up")
def by_seconds(shards, compute, serial, latency, size, bandwidth):
    seconds = serial + compute / shards
    if shards > 1:
        for _ in range(2 * shards):
            seconds += latency + size / bandwidth
    return np.float64((compute + serial) / seconds)


@alternative("act_in_a_box")
def coordinate_by_coordinate(mean, log_std, noise, low, high):
    done, logp, H = [], 0.0, 0.0
    for m, ls, z, lo, hi in zip(mean, log_std, noise, low, high):
        s = math.exp(ls)
        a = m + s * z
        done.append(min(max(a, lo), hi))
        logp += math.log(math.exp(-(((a - m) / s) ** 2) / 2) / math.sqrt(math.tau * s * s))
        H += 0.5 * math.log(math.tau * math.e * s * s)
    return [done, logp, H]


@alternative("slow_copies")
def moving_by_differences(slow, weights, part):
    slow, trace = slow.astype(float), np.empty(weights.shape)
    for t, w in enumerate(weights):
        slow += part * (w - slow)
        trace[t] = slow
    return trace


@alternative("variance_of_the_average")
def by_the_covariance_matrix(variance, seeds):
    same = seeds[:, None] == seeds[None, :]
    return float((variance * same).mean())


@alternative("squashed_log_prob")
def without_cancellation(mean, log_std, u, low, high):
    logp = 0.0
    for m, ls, x, lo, hi in zip(mean, log_std, u, low, high):
        logp += -(((x - m) / math.exp(ls)) ** 2) / 2 - ls - 0.5 * math.log(2 * math.pi)
        logp -= math.log((hi - lo) / 2) + 2 * (math.log(2) - x - math.log1p(math.exp(-2 * x)))
    return logp


@alternative("ddpg_targets")
def one_by_one(reward, action, x_next, terminated, truncated, W, w, gamma):
    targets = []
    for r, x, end in zip(reward, x_next, terminated):
        a = math.tanh(x @ W)
        targets.append([r if end else r + gamma * (w[0] + a * (w[1] + a * w[2]))])
    return np.array(targets, np.float32)


@alternative("actor_gradient")
def by_complex_steps(x, action, W, c, goal, reach):
    g = np.empty(len(W))
    for i in range(len(W)):
        moved = W.astype(complex)
        moved[i] += 1e-30j
        g[i] = (-c / 2 * (reach * np.tanh(x @ moved) - x @ goal) ** 2).mean().imag / 1e-30
    return g


@alternative("averaged_rounds")
def all_shards_at_once(w, A, b, lr, momentum, local, rounds):
    W, U = np.tile(w, (len(A), 1)).astype(float), np.zeros(b.shape)
    for t in range(local * rounds):
        U = momentum * U + np.einsum("kij,kj->ki", A, W) - b
        W = W - lr * U
        if (t + 1) % local == 0:
            W[:], U[:] = W.mean(axis=0), U.mean(axis=0)
    return W[0]


@alternative("largest_stale_rate")
def by_bisection(A, delay):
    steepest = np.linalg.eigvalsh(A)[-1]
    low, high = 0.0, 2.5
    for _ in range(60):
        rate = (low + high) / 2
        system = np.eye(delay + 1, k=-1)  # (w_t, w_{t-1}, ...) of one coordinate
        system[0, 0] += 1.0
        system[0, -1] -= rate
        inside = np.abs(np.linalg.eigvals(system)).max() < 1
        low, high = (rate, high) if inside else (low, rate)
    return low / steepest


@alternative("where_averages_end")
def by_many_rounds(X, y, lr, local):
    w = np.zeros(X.shape[2])
    for _ in range(600):
        walkers = np.tile(w, (len(X), 1))
        for _ in range(local):
            error = np.einsum("kbn,kn->kb", X, walkers) - y
            walkers = walkers - lr * np.einsum("kb,kbn->kn", error, X) / X.shape[1]
        w = walkers.mean(axis=0)
    return w


@alternative("two_gradients")
def by_moments(q, m, s):
    z = np.polynomial.Polynomial([0.0, 1.0])
    Q = np.polynomial.Polynomial(q)(m + s * z)  # as a polynomial in z

    def mean(f):
        return sum(x * math.prod(range(k - 1, 0, -2)) for k, x in enumerate(f.coef) if k % 2 == 0)

    ratio, slope = (Q - mean(Q)) * z / s, Q.deriv() / s
    return [mean(slope), mean((ratio - mean(ratio)) ** 2), mean((slope - mean(slope)) ** 2)]
