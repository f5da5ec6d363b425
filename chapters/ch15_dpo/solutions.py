"""Solutions of chapter 15, and other right answers that the graders must let pass."""

import numpy as np

from chapters.harness import alternative


def implicit_rewards(token_logp, token_ref, counts, beta):
    """Exercise 15.1."""
    return beta * np.where(counts, token_logp - token_ref, 0.0).sum(axis=1)


def win_probability(logp, ref, beta):
    """Exercise 15.2.   [eq:dpo-raters]"""
    r = beta * (logp - ref)
    return _sigmoid(r[:, None] - r[None, :])


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def offset_dpo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta):
    """Exercise 15.3."""
    h = (logp_chosen - ref_chosen) - (logp_rejected - ref_rejected)
    z = beta * h - offset
    d = -beta * _sigmoid(-z) / len(z)
    return [float(np.log1p(np.exp(-z)).mean()), d, -d]


def reward_from_policy(log_pi, log_ref, beta, known, paid):
    """Exercise 15.4."""
    r = beta * (log_pi - log_ref)
    rows = np.arange(len(r))
    return r - r[rows, known][:, None] + paid[:, None]


def best_margins(p, beta, smoothing):
    """Exercise 15.5.   [eq:best-margins]"""
    q = (1 - smoothing) * p + smoothing * (1 - p)
    return np.array([_logit(p) / beta, _logit(q) / beta, (p - 0.5) / beta])


def _logit(p):
    return np.log(p / (1 - p))


def one_step(phi, w, chosen, rejected, beta, lr):
    """Exercise 15.6."""
    new = w + lr * beta * 0.5 * (phi[chosen] - phi[rejected])
    change = _log_softmax(phi @ new) - _log_softmax(phi @ w)
    return [new, float(change[chosen]), float(change[rejected])]


def _log_softmax(z):
    z = z - z.max()
    return z - np.log(np.exp(z).sum())


def loss_and_floor(log_pi, log_ref, reward, beta):
    """Exercise 15.7."""
    weight = np.exp(log_ref[:, None] + log_ref[None, :])
    p, said = _prefers(reward), win_probability(log_pi, log_ref, beta)
    return [_cross_entropy(weight, p, said), _cross_entropy(weight, p, p)]


def _prefers(reward):
    return _sigmoid(reward[:, None] - reward[None, :])


def _cross_entropy(weight, p, said):
    return float(-(weight * (p * np.log(said) + (1 - p) * np.log(1 - said))).sum())


def rank_and_imitate(logp, length, reward, margin):
    """Exercise 15.8."""
    p, best = logp / length, int(np.argmax(reward))
    excess = p[:, None] - p[None, :] + margin
    wrong = (reward[:, None] < reward[None, :]) & (excess > 0)
    gradient = (wrong.sum(axis=1) - wrong.sum(axis=0)) / length
    gradient[best] -= 1
    return [float((excess * wrong).sum() - logp[best]), gradient]


def two_uphill_directions(phi, w, log_ref, reward, beta):
    """Exercise 15.9."""
    log_pi = _log_softmax(phi @ w)
    pi = np.exp(log_pi)
    gain = reward - beta * (log_pi - log_ref)
    of_J = ((pi * (gain - pi @ gain))[:, None] * phi).sum(axis=0)
    weight = np.exp(log_ref[:, None] + log_ref[None, :])
    pull = beta * weight * (_prefers(reward) - win_probability(log_pi, log_ref, beta))  # on h of (i, j)
    return [of_J, (pull.sum(axis=1) - pull.sum(axis=0)) @ phi]


# ---------------------------------------------------------------- other right answers


@alternative("implicit_rewards")
def ratio_of_probabilities(token_logp, token_ref, counts, beta):
    """The product of the tokens' probabilities, then its logarithm."""
    pi = np.where(counts, np.exp(np.where(counts, token_logp, 0.0)), 1.0).prod(axis=1)
    ref = np.where(counts, np.exp(np.where(counts, token_ref, 0.0)), 1.0).prod(axis=1)
    return beta * np.log(pi / ref)


@alternative("win_probability")
def odds(logp, ref, beta):
    """exp(r_i) / (exp(r_i) + exp(r_j)), in a loop."""
    strength = np.exp(beta * (logp - ref))
    return np.array([[a / (a + b) for b in strength] for a in strength])


@alternative("offset_dpo")
def pair_by_pair(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset, beta):
    loss, slope = 0.0, []
    for c, r, rc, rr, o in zip(logp_chosen, logp_rejected, ref_chosen, ref_rejected, offset):
        p = 1 / (1 + np.exp(-(beta * (c - r - rc + rr) - o)))
        loss -= np.log(p) / len(offset)
        slope.append(beta * (p - 1) / len(offset))
    return [float(loss), np.array(slope), -np.array(slope)]


@alternative("reward_from_policy")
def with_the_constant(log_pi, log_ref, beta, known, paid):
    """r = beta log(pi / ref) + V, V from the response that is known."""
    r = np.zeros(log_pi.shape)
    for x, y in enumerate(known):
        V = paid[x] - beta * (log_pi[x, y] - log_ref[x, y])
        r[x] = beta * (log_pi[x] - log_ref[x]) + V
    return r


@alternative("best_margins")
def by_the_label_that_is_seen(p, beta, smoothing):
    """Smoothing s of labels with probability p is no smoothing of labels with a probability nearer to 1/2."""
    nearer = 0.5 + (1 - 2 * smoothing) * (p - 0.5)
    dpo, conservative = (2 * np.arctanh(2 * q - 1) / beta for q in (p, nearer))
    return np.array([dpo, conservative, p / (2 * beta) - (1 - p) / (2 * beta)])


@alternative("best_margins")
def down_a_valley(p, beta, smoothing):
    """Each mean loss as a function of h, and where it falls no more."""

    def dpo(h, s):
        right, flipped = np.logaddexp(0, -beta * h), np.logaddexp(0, beta * h)
        return (1 - s) * right + s * flipped

    losses = [lambda h: dpo(h, 0.0), lambda h: dpo(h, smoothing), lambda h: (h - 1 / (2 * beta)) ** 2]
    return [_lowest(lambda h, loss=loss: p * loss(h) + (1 - p) * loss(-h)) for loss in losses]


def _lowest(f, low=-100.0, high=100.0):
    """Where the slope, by differences, changes its sign."""
    while high - low > 1e-9:
        h = (low + high) / 2
        low, high = (h, high) if f(h + 1e-3) < f(h - 1e-3) else (low, h)
    return low


@alternative("one_step")
def with_every_term(phi, w, chosen, rejected, beta, lr):
    """Both gradients of log pi in full; the mean of phi cancels."""
    pi = np.exp(phi @ w) / np.exp(phi @ w).sum()
    score = phi - pi @ phi
    gradient = -beta * 0.5 * (score[chosen] - score[rejected])
    new = w - lr * gradient
    after = np.exp(phi @ new) / np.exp(phi @ new).sum()
    return [new, float(np.log(after[chosen] / pi[chosen])), float(np.log(after[rejected] / pi[rejected]))]


@alternative("loss_and_floor")
def by_the_chosen_one(log_pi, log_ref, reward, beta):
    """Twice ref_i ref_j P(i > j) for i chosen and j rejected, unordered pairs counted from both sides."""
    loss = floor = 0.0
    for i in range(len(reward)):
        for j in range(len(reward)):
            w = np.exp(log_ref[i] + log_ref[j])
            p = 1 / (1 + np.exp(reward[j] - reward[i]))
            h = log_pi[i] - log_ref[i] - log_pi[j] + log_ref[j]
            loss += 2 * w * p * np.log1p(np.exp(-beta * h))
            floor -= 2 * w * p * np.log(p)
    return [float(loss), float(floor)]


@alternative("rank_and_imitate")
def in_order(logp, length, reward, margin):
    """From the worst to the best."""
    p, order = logp / length, np.argsort(reward)
    loss, slope = -logp[order[-1]], np.zeros(len(p))
    slope[order[-1]] = -1.0
    for k, i in enumerate(order):
        for j in order[k + 1 :]:
            if p[i] - p[j] + margin > 0:
                loss += p[i] - p[j] + margin
                slope[i] += 1 / length[i]
                slope[j] -= 1 / length[j]
    return [float(loss), slope]


@alternative("two_uphill_directions")
def by_scores(phi, w, log_ref, reward, beta):
    """J by the score of every response; the loss pair by pair."""
    log_pi = _log_softmax(phi @ w)
    score = phi - np.exp(log_pi) @ phi
    of_J, of_loss = np.zeros(len(w)), np.zeros(len(w))
    for i in range(len(reward)):
        of_J += np.exp(log_pi[i]) * (reward[i] - beta * (log_pi[i] - log_ref[i])) * score[i]
        for j in range(len(reward)):
            h = log_pi[i] - log_ref[i] - log_pi[j] + log_ref[j]
            often = 2 * np.exp(log_ref[i] + log_ref[j]) / (1 + np.exp(reward[j] - reward[i]))
            of_loss += often * beta / (1 + np.exp(beta * h)) * (score[i] - score[j])
    return [of_J, of_loss]
