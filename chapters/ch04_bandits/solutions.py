"""Solutions of chapter 4, and other right answers that the graders must let pass."""

import math

import numpy as np
from scipy.special import betainc, betaln

from chapters.harness import alternative
from rlcore.numerics import softmax

TIE = 1e-9  # estimates closer than this count as equal


def incremental_mean(Q, n, reward):
    """Exercise 4.1.  [eq:incremental]"""
    return Q + (reward - Q) / (n + 1)


def recency_weights(alpha, n):
    """Exercise 4.2.  [eq:constant-step]"""
    age = n - np.arange(1, n + 1)  # how many rewards came later
    return np.append((1 - alpha) ** n, alpha * (1 - alpha) ** age)


def expected_reward(Q, mean, epsilon):
    """Exercise 4.3.  [eq:epsilon-greedy]"""
    best = Q == Q.max()
    return float(((1 - epsilon) * best / best.sum() + epsilon / len(Q)) @ mean)


def regret_so_far(mean, arm):
    """Exercise 4.4.  [eq:regret]"""
    return np.cumsum(mean.max() - mean[arm])


def ucb_bounds(Q, N, t, c):
    """Exercise 4.5.  [eq:ucb]"""
    return np.where(N > 0, Q + c * np.sqrt(math.log(t) / np.maximum(N, 1)), np.inf)


def unbiased_estimates(Q1, reward, alpha):
    """Exercise 4.6.  [eq:unbiased-step]"""
    Q, o, estimates = Q1, 0.0, []
    for r in reward:
        o += alpha * (1 - o)
        Q += alpha / o * (r - Q)
        estimates.append(Q)
    return np.array(estimates)


def gradient_step(H, arm, reward, baseline, alpha):
    """Exercise 4.7.  [eq:gradient-bandit]"""
    return H + alpha * (reward - baseline) * (np.eye(len(H))[arm] - softmax(H))


def normal_posterior(reward, sd, prior_mean, prior_sd):
    """Exercise 4.8.  [eq:normal-posterior]"""
    precision = 1 / prior_sd**2 + len(reward) / sd**2
    return [(prior_mean / prior_sd**2 + np.sum(reward) / sd**2) / precision, precision**-0.5]


def best_baseline(H, mean):
    """Exercise 4.9.  [eq:best-baseline]"""
    pi = softmax(H)
    weight = pi * ((np.eye(len(H)) - pi) ** 2).sum(axis=1)  # pi(a) |1[a] - pi|^2
    return float(weight @ mean / weight.sum())


def thompson_chances(ones, zeros):
    """Exercise 4.10.  [eq:thompson]"""
    x = ((np.arange(20_000) + 0.5) / 20_000)[:, None]  # midpoints
    p, q = 1 + ones, 1 + zeros
    density = np.exp((p - 1) * np.log(x) + (q - 1) * np.log1p(-x) - betaln(p, q))  # (20,000, k)
    below = betainc(p, q, x)
    others = [np.delete(below, a, axis=1).prod(axis=1) for a in range(len(ones))]
    return (density * np.transpose(others)).mean(axis=0)


def play_tape(reward, epsilon, alpha, explore, which):
    """Exercise 4.11."""
    Q, arms = np.zeros(reward.shape[1]), []
    for t in range(len(reward)):
        candidates = np.flatnonzero((Q.max() - TIE <= Q) | (explore[t] < epsilon))
        a = candidates[int(which[t] * len(candidates))]
        Q[a] += alpha * (reward[t, a] - Q[a])
        arms.append(int(a))
    return [arms, Q]


# ---------------------------------------------------------------- other right answers


@alternative("incremental_mean")
def by_the_sum(Q, n, reward):
    return np.float32((n * Q + reward) / (n + 1))


@alternative("recency_weights")
def by_unrolling(alpha, n):
    weights = [1.0]
    for _ in range(n):
        weights = [(1 - alpha) * w for w in weights] + [alpha]
    return weights


@alternative("expected_reward")
def by_two_averages(Q, mean, epsilon):
    greedy = np.mean([mean[a] for a in range(len(Q)) if Q[a] == max(Q)])
    return (1 - epsilon) * greedy + epsilon * np.mean(mean)


@alternative("regret_so_far")
def by_the_total_of_the_best(mean, arm):
    pulls = np.arange(1, len(arm) + 1)
    return (pulls * mean.max() - np.cumsum(mean[arm]))[:, None]


@alternative("ucb_bounds")
def arm_by_arm(Q, N, t, c):
    return [q + c * math.sqrt(math.log(t) / n) if n else math.inf for q, n in zip(Q, N)]


@alternative("unbiased_estimates")
def by_taking_out_the_first_guess(Q1, reward, alpha):
    estimates, Q = [], 0.0
    for n, r in enumerate(reward, 1):
        Q += alpha * (r - Q)
        estimates.append(Q / (1 - (1 - alpha) ** n))
    return estimates


@alternative("gradient_step")
def in_two_lines(H, arm, reward, baseline, alpha):
    pi = np.exp(H) / np.exp(H).sum()
    new = H - alpha * (reward - baseline) * pi
    new[arm] = H[arm] + alpha * (reward - baseline) * (1 - pi[arm])
    return new


@alternative("normal_posterior")
def one_reward_at_a_time(reward, sd, prior_mean, prior_sd):
    mean, variance = prior_mean, prior_sd**2
    for r in reward:
        gain = variance / (variance + sd**2)
        mean, variance = mean + gain * (r - mean), (1 - gain) * variance
    return mean, math.sqrt(variance)


@alternative("best_baseline")
def by_the_parabola(H, mean):
    pi = np.exp(H) / np.exp(H).sum()
    length = [(1 - p) ** 2 + (pi**2).sum() - p**2 for p in pi]

    def second_moment(b):
        return sum(p * n * (m - b) ** 2 for p, n, m in zip(pi, length, mean))

    low, middle, high = second_moment(-1.0), second_moment(0.0), second_moment(1.0)
    return (low - high) / (2 * (low + high - 2 * middle))


@alternative("thompson_chances")
def by_gauss_and_legendre(ones, zeros):
    x, w = np.polynomial.legendre.leggauss(120)
    x, w = (x + 1) / 2, w / 2
    chances = []
    for a in range(len(ones)):
        p, q = 1 + ones[a], 1 + zeros[a]
        y = np.exp((p - 1) * np.log(x) + (q - 1) * np.log(1 - x) - betaln(p, q))
        for b in range(len(ones)):
            if b != a:
                y = y * betainc(1 + ones[b], 1 + zeros[b], x)
        chances.append(w @ y)
    return np.array(chances)


@alternative("play_tape")
def with_lists(reward, epsilon, alpha, explore, which):
    k = len(reward[0])
    Q, arms = [0.0] * k, []
    for row, e, w in zip(reward, explore, which):
        pool = [a for a in range(k) if e < epsilon or Q[a] > max(Q) - 1e-9]
        arms.append(pool[int(w * len(pool))])
        Q[arms[-1]] = (1 - alpha) * Q[arms[-1]] + alpha * row[arms[-1]]
    return np.array(arms), Q
