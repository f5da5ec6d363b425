"""Solutions of chapter 14, and other right answers that the graders must let pass."""

from itertools import product
from math import comb

import numpy as np

from chapters.harness import alternative


def prefers(first, second, nu):
    """Exercise 14.1."""
    h = (first - second) / 2
    far = np.abs(h)  # taken off, so that nothing overflows
    odds = np.column_stack([np.exp(h - far), np.exp(-h - far), nu * np.exp(-far)])
    return odds / odds.sum(axis=1, keepdims=True)


def token_rewards(logp, logp_ref, score, word_score, weight, counts, beta):
    """Exercise 14.2."""
    reward = np.where(counts, weight * word_score - beta * (logp - logp_ref), 0.0)
    reward[np.arange(len(score)), counts.sum(axis=1) - 1] += score
    return reward


def next_beta(beta, kl, n, target, horizon):
    """Exercise 14.3."""
    e = np.clip(kl / target - 1, -0.2, 0.2)
    return beta * np.cumprod(1 + e * n / horizon)


def reward_gradient(w, chosen, rejected, noise):
    """Exercise 14.4."""
    d = chosen - rejected
    p = _sigmoid(d @ w)
    seen = (1 - noise) * p + noise * (1 - p)
    return -((1 - 2 * noise) * p * (1 - p) / seen) @ d / len(d)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def ranking_loss(reward, placed):
    """Exercise 14.5."""
    B, G = reward.shape
    loss, slope = 0.0, np.zeros((B, G))
    for b in range(B):
        for g in range(placed[b]):
            left = np.exp(reward[b, g:])
            loss -= np.log(left[0] / left.sum())
            slope[b, g:] += left / left.sum()
            slope[b, g] -= 1
    return [float(loss / B), slope / B]


def click_preferences(top, bottom, clicked, look):
    """Exercise 14.6."""
    p = _sigmoid(top - bottom)
    P = np.where(clicked == 0, (1 - look) + look * p, look * (1 - p))
    dP = look * p * (1 - p) * np.where(clicked == 0, 1, -1)
    tells = (clicked >= 0) / (clicked >= 0).sum()
    d = -tells * dP / P
    return [float(-(tells * np.log(P)).sum()), d, -d]


def price_gradient(logits, log_ref, beta, B):
    """Exercise 14.7."""
    log_pi = _log_softmax(logits)
    pi, k = np.exp(log_pi), log_pi - log_ref
    own = -beta * pi * (k - pi @ k)
    zero = np.zeros(len(pi))
    return np.array([own, own / B, zero, zero])


def _log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def shifted_optimum(log_ref, reward, length, beta, c, d):
    """Exercise 14.8."""
    ref = np.exp(log_ref)
    changed = [
        reward + c[:, None],
        reward + d * length,
        _whitened(reward, ref / len(ref)),
        _by_prompt(reward, ref),
    ]
    best = _log_softmax(log_ref + reward / beta)
    log_pi = _log_softmax(log_ref + np.array(changed) / beta)  # (4, X, N)
    return beta * (np.exp(log_pi) * (log_pi - best)).sum(axis=-1)


def _whitened(r, weight):
    """Less its mean, divided by its standard deviation; the weights sum to 1."""
    off = r - (weight * r).sum()
    return off / np.sqrt((weight * off**2).sum())


def _by_prompt(reward, ref):
    return np.array([_whitened(r, q) for r, q in zip(reward, ref)])


def win_rate(pi, ref, reward, draw):
    """Exercise 14.9."""
    lead = reward[:, None] - reward[None, :]
    alike = np.abs(lead) <= draw
    wins = np.where(alike, 0.5, _sigmoid(lead))
    return [float(pi @ wins @ ref), float(pi @ alike @ ref)]


def best_of(ref, score, n, k):
    """Exercise 14.10."""
    below = (score[None] < score[:, None]) @ ref
    level = (score[None] == score[:, None]) @ ref
    pi = ref / level * (_at_most(below + level, n, k) - _at_most(below, n, k))
    return [pi, _kl(pi, ref)]


def _at_most(F, n, k):
    """How probable it is that one of the best k of n is worth s or less, F being that of a single draw."""
    return sum((k - i) / k * comb(n, i) * (1 - F) ** i * F ** (n - i) for i in range(k))


def _kl(pi, ref):
    return float(pi @ np.log(pi / ref))


def overoptimised(ref, proxy, gold, betas):
    """Exercise 14.11."""
    rows = []
    for beta in betas:
        pi = np.exp(_log_softmax(np.log(ref) + proxy / beta))
        off = proxy - pi @ proxy
        slope = beta * (pi * off) @ gold / ((pi * off) @ off)
        rows.append([pi @ proxy, pi @ gold, _kl(pi, ref), slope])
    return np.array(rows)


def segment_loss(w, first, second, steps, mu):
    """Exercise 14.12."""
    count = np.arange(first.shape[1]) < steps[..., None]  # (B, 2, K)
    d = _film(first, count[:, 0]) - _film(second, count[:, 1])
    h = d @ w
    loss = (mu * np.logaddexp(0, -h) + (1 - mu) * np.logaddexp(0, h)).mean()
    return [float(loss), (_sigmoid(h) - mu) @ d / len(d)]


def _film(features, count):
    """The features of all steps that count, added up.   (B, K, F), (B, K) -> (B, F)"""
    return np.where(count[..., None], features, 0.0).sum(axis=1)


# ---------------------------------------------------------------- other right answers


@alternative("prefers")
def by_strengths(first, second, nu):
    """Strengths of which the larger one is 1."""
    most = np.maximum(first, second)
    p, q = np.exp(first - most), np.exp(second - most)
    return [[a / s, b / s, nu * np.sqrt(a * b) / s] for a, b, s in zip(p, q, p + q + nu * np.sqrt(p * q))]


@alternative("token_rewards")
def row_by_row(logp, logp_ref, score, word_score, weight, counts, beta):
    rows = []
    for b, s in enumerate(score):
        n, L = int(counts[b].sum()), counts.shape[1]
        price = [beta * (logp_ref[b, t] - logp[b, t]) + weight * word_score[b, t] for t in range(n)]
        price[-1] += s
        rows.append(price + [0.0] * (L - n))
    return rows


@alternative("next_beta")
def update_by_update(beta, kl, n, target, horizon):
    after = []
    for far, many in zip(kl, n):
        error = min(max(far / target, 0.8), 1.2) - 1
        beta += beta * error * many / horizon
        after.append(beta)
    return after


@alternative("reward_gradient")
def by_trust(w, chosen, rejected, noise):
    """The label's probability of being right, after the fact."""
    d = chosen - rejected
    p = 1 / (1 + np.exp(-(d @ w)))
    trust = (1 - noise) * p / ((1 - noise) * p + noise * (1 - p))
    return ((p - trust)[:, None] * d).mean(axis=0)


@alternative("ranking_loss")
def with_masks(reward, placed):
    """All places at once: row g of (B, G, G) holds who is left at choice g."""
    B, G = reward.shape
    left = np.where(np.arange(G) >= np.arange(G)[:, None], reward[:, None, :], -np.inf)
    log_p = _log_softmax(left)
    said = np.arange(G) < placed[:, None]  # (B, G)
    loss = -np.where(said, np.diagonal(log_p, axis1=1, axis2=2), 0.0).sum() / B
    return [float(loss), ((np.exp(log_p) * said[..., None]).sum(axis=1) - said) / B]


@alternative("click_preferences")
def who_has_read(top, bottom, clicked, look):
    """Who clicked the bottom one has read both; who clicked the top one has so with a probability."""
    n, loss = (clicked >= 0).sum(), 0.0
    d_top = np.zeros(len(top))
    for b, where in enumerate(clicked):
        p = 1 / (1 + np.exp(bottom[b] - top[b]))
        if where == 1:
            loss -= np.log(look * (1 - p)) / n
            d_top[b] = p / n
        elif where == 0:
            seen = look * p + 1 - look
            loss -= np.log(seen) / n
            d_top[b] = -(look * p / seen) * (1 - p) / n
    return [float(loss), d_top, -d_top]


@alternative("price_gradient")
def batch_by_batch(logits, log_ref, beta, B):
    """Every batch of B responses that there is."""
    pi = np.exp(logits) / np.exp(logits).sum()
    k = np.log(pi) - log_ref
    score = np.eye(len(pi)) - pi
    rows = np.zeros((4, len(pi)))
    for batch in product(range(len(pi)), repeat=B):
        y = list(batch)
        often, S, mine = np.prod(pi[y]), score[y], k[y]
        rows[0] -= often * beta * (mine[:, None] * S).mean(axis=0)
        rows[1] -= often * beta * mine.mean() * S.mean(axis=0)
        rows[2] -= often * beta * (pi @ k) * S.mean(axis=0)
        rows[3] -= often * beta * S.mean(axis=0)
    return rows


@alternative("shifted_optimum")
def by_values(log_ref, reward, length, beta, c, d):
    """V - J, prompt by prompt; a whitened reward has the optimum of the reward itself with beta times std."""
    X, ref = len(reward), np.exp(log_ref)
    mean = (ref * reward).sum() / X
    std = np.sqrt((ref * (reward - mean) ** 2).sum() / X)
    loss = np.zeros((4, X))
    for x in range(X):
        r, q = reward[x], ref[x]
        own = np.sqrt(q @ (r - q @ r) ** 2)
        V = beta * np.log(q @ np.exp(r / beta))
        for i, tilt in enumerate([r / beta, (r + d * length) / beta, r / (std * beta), r / (own * beta)]):
            pi = q * np.exp(tilt)
            pi /= pi.sum()
            loss[i, x] = V - (pi @ r - beta * pi @ np.log(pi / q))
    return loss


@alternative("win_rate")
def match_by_match(pi, ref, reward, draw):
    """Every pair of responses, one of each side."""
    won = drawn = 0.0
    for p, r in zip(pi, reward):
        for q, s in zip(ref, reward):
            if abs(r - s) <= draw:
                drawn += p * q
            else:
                won += p * q * np.exp(r) / (np.exp(r) + np.exp(s))
    return [float(won + drawn / 2), float(drawn)]


@alternative("best_of")
def group_by_group(ref, score, n, k):
    """Every group of n draws that there is; equals share the places that they take."""
    pi = np.zeros(len(ref))
    for group in product(range(len(ref)), repeat=n):
        points = score[list(group)]
        for y, s in zip(group, points):
            better, equal = (points > s).sum(), (points == s).sum()
            pi[y] += np.prod(ref[list(group)]) * np.clip(k - better, 0, equal) / equal / k
    return [pi, float((pi * (np.log(pi) - np.log(ref))).sum())]


@alternative("overoptimised")
def with_the_partition_sum(ref, proxy, gold, betas):
    """KL from E proxy and log Z; both slopes as covariances."""
    rows = []
    for beta in betas:
        log_Z = np.log(np.sum(ref * np.exp(proxy / beta)))
        pi = np.exp(np.log(ref) + proxy / beta - log_Z)
        covariance = np.sum(pi * proxy * gold) - np.sum(pi * proxy) * np.sum(pi * gold)
        variance = np.sum(pi * proxy**2) - np.sum(pi * proxy) ** 2
        kl = np.sum(pi * proxy) / beta - log_Z
        rows.append([np.sum(pi * proxy), np.sum(pi * gold), kl, covariance / (variance / beta)])
    return rows


@alternative("overoptimised")
def by_a_small_step(ref, proxy, gold, betas):
    """The last column from two policies nearby."""

    def policy(beta):
        z = ref * np.exp((proxy - proxy.max()) / beta)
        return z / z.sum()

    rows = []
    for beta in betas:
        pi, dearer, cheaper = (policy(beta * (1 + step)) for step in (0, 1e-5, -1e-5))
        gain = (cheaper - dearer) @ gold / (_kl(cheaper, ref) - _kl(dearer, ref))
        rows.append([pi @ proxy, pi @ gold, _kl(pi, ref), gain])
    return rows


@alternative("segment_loss")
def film_by_film(w, first, second, steps, mu):
    """A draw as half a choice of each."""
    loss, slope, B = 0.0, np.zeros(len(w)), len(mu)
    for one, other, (m, n), share in zip(first, second, steps, mu):
        d = one[:m].sum(axis=0) - other[:n].sum(axis=0)
        for sign, weight in ((1, share), (-1, 1 - share)):
            loss += weight * np.log1p(np.exp(-sign * (d @ w))) / B
            slope -= weight * sign * d / (1 + np.exp(sign * (d @ w))) / B
    return [float(loss), slope]
