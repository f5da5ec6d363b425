"""Solutions of chapter 16, and other right answers that the graders must let pass."""

from itertools import product
from math import comb

import numpy as np

from chapters.harness import alternative


def advantages(reward, group, ddof, eps):
    """Exercise 16.1."""
    A = np.zeros(len(reward))
    for g in np.unique(group):
        mine = group == g
        r = reward[mine]
        if r.max() > r.min():
            A[mine] = (r - r.mean()) / (r.std(ddof=ddof) + eps)
    return A


def silent(p, G):
    """Exercise 16.2."""
    never = p**G + (1 - p) ** G
    return [never, 1 / (1 - never)]


def pass_at_k(right, n, k):
    """Exercise 16.3.   [eq:pass-at-k]"""
    return float(np.mean([1 - comb(n - c, k) / comb(n, k) for c in right.tolist()]))


def difficulty(p, G):
    """Exercise 16.4.   [eq:difficulty]"""
    c = np.zeros(4)
    for k in range(1, G):  # right ones; 0 and G push nothing
        likely = comb(G, k) * p**k * (1 - p) ** (G - k)
        spread = k * (G - k) / G**2  # the variance of the group, with ddof 0
        scale = [spread**0.5, (spread * G / (G - 1)) ** 0.5, 1.0, (G - 1) / G]
        c += likely * spread / np.array(scale)
    return c / (p * (1 - p))


def expected_gradient(logits, reward, G):
    """Exercise 16.5."""
    pi = _softmax(logits)
    total = np.zeros((3, len(pi)))
    for arms in product(range(len(pi)), repeat=G):
        chosen = list(arms)
        score = np.eye(len(pi))[chosen] - pi  # (G, A)
        total += pi[chosen].prod() * (_three_advantages(reward[chosen]) @ score) / G
    return total


def _softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def _three_advantages(r):
    """(G,) -> (3, G)"""
    x, G = r - r.mean(), len(r)
    same = r.max() == r.min()
    return np.stack([x, x * G / (G - 1), np.zeros(G) if same else x / r.std()])


def four_means(x, counts, G, longest):
    """Exercise 16.6."""
    x = np.where(counts, x, 0.0)
    total, n = x.sum(axis=1), counts.sum(axis=1)
    group_total, group_n = total.reshape(-1, G).sum(axis=1), n.reshape(-1, G).sum(axis=1)
    return np.array(
        [(total / n).mean(), total.sum() / n.sum(), (group_total / group_n).mean(), total.mean() / longest]
    )


def stop_push(stop, A):
    """Exercise 16.7."""
    J, s = len(stop), 1 / (1 + np.exp(-stop))
    push = np.zeros((2, J))
    for end in range(J + 1):  # fillers; J: it never ended by itself
        reached = np.arange(J) < end
        likely = np.prod(1 - s[:end]) * (s[end] if end < J else 1.0)
        score = np.where(reached, -s, 0.0)
        if end < J:
            score[end] = 1 - s[end]
        length = min(end + 2, J + 1)
        push += likely * A * np.outer([1 / length, 1 / (J + 1)], score)
    return push


def loss_and_gradient(logp, logp_old, logp_ref, advantage, clip, beta):
    """Exercise 16.8."""
    ratio = np.exp(logp - logp_old)
    clipped = np.clip(ratio, 1 - clip[0], 1 + clip[1])
    gain = np.minimum(ratio * advantage, clipped * advantage)
    pushes = np.where(ratio * advantage <= clipped * advantage, ratio * advantage, 0.0)
    back = np.exp(logp_ref - logp)
    k3 = back - 1 - (logp_ref - logp)
    d = -pushes + beta * (1 - back)
    return [float((-gain + beta * k3).mean()), d / len(logp)]


def whole_ratio(logp, logp_old, counts, advantage, clip):
    """Exercise 16.9."""
    n = counts.sum(axis=1)
    ratio = np.exp(np.where(counts, logp - logp_old, 0.0).sum(axis=1) / n)  # (B,)
    plain, clipped = ratio * advantage, np.clip(ratio, 1 - clip[0], 1 + clip[1]) * advantage
    d = np.where(plain <= clipped, -plain, 0.0) / n / len(n)
    return [float(-np.minimum(plain, clipped).mean()), counts * d[:, None]]


def settles(ref, reward, beta, G):
    """Exercise 16.10."""
    return _k3_optimum(ref, reward, beta * G / (G - 1))


def _k3_optimum(ref, reward, beta):
    """beta ref / (lam - reward), by bisection.   [eq:k3-optimum]"""
    low, high = reward.max(), reward.max() + beta
    for _ in range(200):
        lam = (low + high) / 2
        if lam in (low, high):
            break
        low, high = (lam, high) if (beta * ref / (lam - reward)).sum() > 1 else (low, lam)
    pi = beta * ref / (high - reward)
    return pi / pi.sum()


# ---------------------------------------------------------------- other right answers


@alternative("advantages")
def by_sums(reward, group, ddof, eps):
    same = (group[:, None] == group[None, :]).astype(float)
    n = same.sum(axis=1)
    x = reward - same @ reward / n
    x[np.abs(x) < 1e-12] = 0.0
    std = np.sqrt(same @ (x * x) / np.maximum(n - ddof, 1))
    return np.where(std > 1e-12, x / np.where(std > 1e-12, std + eps, 1.0), 0.0)


@alternative("silent")
def one_by_one(p, G):
    never = np.array([float(np.prod([q] * G) + np.prod([1 - q] * G)) for q in p])
    return [never, np.array([1 + q / (1 - q) for q in never])]


@alternative("pass_at_k")
def by_a_product(right, n, k):
    i = np.arange(k)
    wrong = np.clip(n - right[:, None] - i, 0, None) / (n - i)
    return float((1 - wrong.prod(axis=1)).mean())


@alternative("difficulty")
def through_all_groups(p, G):
    c = np.zeros(4)
    for bits in product((0.0, 1.0), repeat=G):
        r = np.array(bits)
        if 0 < r.sum() < G:
            x = r - r.mean()
            A = np.stack([x / r.std(), x / r.std(ddof=1), x, x * G / (G - 1)])
            score = np.where(r > 0, 1 / p, -1 / (1 - p))
            c += np.prod(np.where(r > 0, p, 1 - p)) * (A * score).mean(axis=1)
    return c


@alternative("expected_gradient")
def with_arrays(logits, reward, G):
    pi, n = _softmax(logits), len(logits)
    chosen = np.stack(np.meshgrid(*[np.arange(n)] * G, indexing="ij"), axis=-1).reshape(-1, G)
    r = reward[chosen]
    x = r - r.mean(axis=1, keepdims=True)
    std = r.std(axis=1, keepdims=True)
    scaled = np.where(std > 1e-12, x / np.where(std > 1e-12, std, 1), 0)
    likely = pi[chosen].prod(axis=1)
    score = np.eye(n)[chosen] - pi
    return np.stack([np.einsum("n,ng,nga->a", likely, A, score) / G for A in (x, x * G / (G - 1), scaled)])


@alternative("four_means")
def with_weights(x, counts, G, longest):
    B, n = len(x), counts.sum(axis=1, keepdims=True)
    of_group = np.repeat(n.reshape(-1, G).sum(axis=1), G)[:, None]
    weight = [counts / (B * n), counts / n.sum(), counts * G / (B * of_group), counts / (B * longest)]
    return np.array([w[counts] @ x[counts] for w in weight])


@alternative("stop_push")
def by_differences(stop, A):
    """The slope of the mean of A weight log pi(y), the responses being drawn as before."""
    J = len(stop)
    lengths = np.minimum(np.arange(J + 1) + 2, J + 1)

    def log_pi(x):
        go_on = np.concatenate([[0.0], np.cumsum(-np.logaddexp(0, x))])
        return go_on + np.concatenate([-np.logaddexp(0, -x), [0.0]])

    weight = np.exp(log_pi(stop)) * A * np.stack([1 / lengths, np.full(J + 1, 1 / (J + 1))])
    h = 1e-5 * np.eye(J)
    return np.stack([weight @ (log_pi(stop + d) - log_pi(stop - d)) / 2e-5 for d in h], axis=1)


@alternative("loss_and_gradient")
def response_by_response(logp, logp_old, logp_ref, advantage, clip, beta):
    loss, d = 0.0, np.zeros(len(logp))
    for b, A in enumerate(advantage):
        ratio, back = np.exp(logp[b] - logp_old[b]), np.exp(logp_ref[b] - logp[b])
        over = ratio > 1 + clip[1] if A > 0 else ratio < 1 - clip[0]
        bound = 1 + clip[1] if A > 0 else 1 - clip[0]
        loss += -(bound if over else ratio) * A + beta * (back - 1 + logp[b] - logp_ref[b])
        d[b] = (0.0 if over else -ratio * A) + beta * (1 - back)
    return [float(loss / len(logp)), d / len(logp)]


@alternative("whole_ratio")
def row_by_row(logp, logp_old, counts, advantage, clip):
    total, d = 0.0, np.zeros(logp.shape)
    for b, A in enumerate(advantage):
        said = counts[b]
        ratio = np.exp((logp[b, said] - logp_old[b, said]).mean())
        over = ratio > 1 + clip[1] if A > 0 else ratio < 1 - clip[0]
        bound = 1 + clip[1] if A > 0 else 1 - clip[0]
        total -= (bound if over else ratio) * A
        if not over:
            d[b, said] = -ratio * A / said.sum()
    return [float(total / len(advantage)), d / len(advantage)]


@alternative("settles")
def until_it_is_short_enough(ref, reward, beta, G):
    beta = beta * G / (G - 1)
    low, high = reward.max(), reward.max() + beta
    while high - low > 1e-8:
        lam = (low + high) / 2
        if np.sum(beta * ref / (lam - reward)) > 1:
            low = lam
        else:
            high = lam
    return beta * ref / (high - reward)


@alternative("settles")
def by_newton(ref, reward, beta, G):
    share = (G - 1) / G
    r = share * reward
    lam = r.max() + beta * ref[r.argmax()]
    for _ in range(100):
        pi = beta * ref / (lam - r)
        lam += (pi.sum() - 1) / (pi / (lam - r)).sum()
    return beta * ref / (lam - r)
