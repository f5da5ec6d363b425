"""Solutions of chapter 13, and other right answers that the graders must let pass."""

from itertools import product

import numpy as np

from chapters.harness import alternative


def episode(response, score, K):
    """Exercise 13.1."""
    token = response[response <= K]
    prefix = [0]
    for a in token[:-1]:
        prefix.append(K * prefix[-1] + int(a) + 1)
    last = np.arange(len(token)) == len(token) - 1
    return [np.array(prefix), token, np.where(last, score, 0.0), last]


def response_logp(logits, response, K):
    """Exercise 13.2."""
    chosen = response <= K
    logp = _log_softmax(logits)
    token = np.where(chosen, response, 0)
    of_token = np.take_along_axis(logp, token[..., None], axis=2)[..., 0]
    return np.where(chosen, of_token, 0.0).sum(axis=1)


def _log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def two_losses(logp, counts):
    """Exercise 13.3."""
    total = -np.where(counts, logp, 0.0).sum()
    of_a_token = float(total / counts.sum())
    return [float(total / len(logp)), of_a_token, float(np.exp(of_a_token))]


def speak(theta, u, temperature):
    """Exercise 13.4."""
    K = len(theta) - 1
    response, logp, before = np.full(len(u), K + 2), np.zeros(len(u)), K
    for t in range(len(u)):
        log_pi = _log_softmax(theta[before] / temperature)
        token = int(np.argmax(np.cumsum(np.exp(log_pi)) > u[t]))
        response[t], logp[t] = token, log_pi[token]
        if token == K:
            break
        before = token
    return [response, logp]


def fit_bigram(response, weight, K):
    """Exercise 13.5."""
    count = _counts(response, weight, K)
    total = count.sum(axis=1, keepdims=True)
    return np.where(total > 0, count / np.where(total > 0, total, 1.0), 1 / (K + 1))


def _counts(response, weight, K):
    """How often each token stood behind each letter.   -> (K + 1, V)"""
    count = np.zeros((K + 1, K + 1))
    for row, w in zip(response, weight):
        before = K
        for token in row[row <= K]:
            count[before, token] += w
            before = token
    return count


def sft_gradient(theta, response, K):
    """Exercise 13.6."""
    B = len(response)
    count = _counts(response, np.full(B, 1 / B), K)
    return count.sum(axis=1, keepdims=True) * np.exp(_log_softmax(theta)) - count


def kl_estimates(logp, logp_ref):
    """Exercise 13.7."""
    return [float(np.mean(k)) for k in _estimators(logp - logp_ref)]


def _estimators(log_ratio):
    """k1, k2, k3 of log pi - log ref."""
    return log_ratio, log_ratio**2 / 2, np.exp(-log_ratio) - 1 + log_ratio


def estimator_moments(pi, ref):
    """Exercise 13.8."""
    k = np.array(_estimators(np.log(pi) - np.log(ref)))  # (3, A)
    mean = k @ pi
    return np.stack([mean, (k - mean[:, None]) ** 2 @ pi], axis=1)


def gradients_in_the_loss(logits, logits_ref):
    """Exercise 13.9."""
    log_pi, log_ref = _log_softmax(logits), _log_softmax(logits_ref)
    pi, log_ratio = np.exp(log_pi), log_pi - log_ref
    d = np.array([np.ones(len(pi)), log_ratio, 1 - np.exp(-log_ratio)])  # (3, A): dk / dlogp
    return pi * (d - (d @ pi)[:, None])


def response_kl(theta, theta_ref, L):
    """Exercise 13.10."""
    K = len(theta) - 1
    log_pi, log_ref = _log_softmax(theta), _log_softmax(theta_ref)
    pi = np.exp(log_pi)
    step = (pi * (log_pi - log_ref)).sum(axis=1)  # (K + 1,) of the next token
    here, total = np.eye(K + 1)[K], 0.0
    for _ in range(L):
        total += here @ step
        here = here @ pi
        here[K] = 0.0  # who said EOS is gone
    return float(total)


# ---------------------------------------------------------------- other right answers


@alternative("episode")
def token_by_token(response, score, K):
    rows, number = [], 0
    for t, a in enumerate(response.tolist()):
        full = t + 1 == len(response)
        rows.append((number, a, score if a == K or full else 0.0, a == K or full))
        if a == K:
            break
        number = K * number + a + 1
    return list(map(list, zip(*rows)))


@alternative("response_logp")
def with_a_running_product(logits, response, K):
    answer = []
    for z, row in zip(logits, response):
        p = 1.0
        for t, token in enumerate(row):
            if token <= K:
                p *= np.exp(z[t, token]) / np.exp(z[t]).sum()
        answer.append(np.log(p))
    return answer


@alternative("two_losses")
def from_the_list_of_tokens(logp, counts):
    surprise = -logp[counts]
    return (
        surprise.sum() / counts.shape[0],
        surprise.mean(),
        np.prod(np.exp(surprise)) ** (1 / len(surprise)),
    )


@alternative("speak")
def by_search_in_sorted(theta, u, temperature):
    K, L = len(theta) - 1, len(u)
    p = np.exp(theta / temperature)
    p /= p.sum(axis=1, keepdims=True)
    said = []
    for x in u:
        if K not in said:
            said.append(int(np.searchsorted(p[said[-1] if said else K].cumsum(), x, side="right")))
    befores = [K, *said[:-1]]
    logp = [float(np.log(p[b, a])) for b, a in zip(befores, said)]
    return [said + [K + 2] * (L - len(said)), logp + [0.0] * (L - len(said))]


@alternative("fit_bigram")
def with_one_add_at(response, weight, K):
    before = np.concatenate([np.full((len(response), 1), K), response[:, :-1]], axis=1)
    chosen = response <= K
    count = np.zeros((K + 1, K + 1))
    w = np.broadcast_to(np.asarray(weight)[:, None], response.shape)
    np.add.at(count, (before[chosen], response[chosen]), w[chosen])
    pi = np.full((K + 1, K + 1), 1 / (K + 1))
    seen = count.any(axis=1)
    pi[seen] = count[seen] / count[seen].sum(axis=1)[:, None]
    return pi


@alternative("sft_gradient")
def reading_by_reading(theta, response, K):
    gradient = np.zeros(theta.shape)
    for row in response.tolist():
        before = K
        for token in row[: row.index(K) + 1] if K in row else row:
            p = np.exp(theta[before]) / np.exp(theta[before]).sum()
            p[token] -= 1
            gradient[before] += p
            before = token
    return gradient / len(response)


@alternative("kl_estimates")
def with_the_ratio_itself(logp, logp_ref):
    r = np.exp(logp_ref) / np.exp(logp)
    return (-np.log(r).mean(), (np.log(r) ** 2).mean() / 2, (r - 1 - np.log(r)).mean())


@alternative("estimator_moments")
def with_second_moments(pi, ref):
    r = ref / pi
    rows = []
    for k in (-np.log(r), 0.5 * np.log(r) ** 2, r - 1 - np.log(r)):
        rows.append([sum(pi * k), sum(pi * k * k) - sum(pi * k) ** 2])
    return rows


@alternative("gradients_in_the_loss")
def by_divergences(logits, logits_ref):
    pi, ref = (np.exp(z) / np.exp(z).sum() for z in (logits, logits_ref))
    log_ratio = np.log(pi / ref)
    return [0 * pi, pi * (log_ratio - pi @ log_ratio), pi - ref]


@alternative("response_kl")
def over_every_response(theta, theta_ref, L):
    K = len(theta) - 1
    log_pi, log_ref = (z - np.log(np.exp(z).sum(axis=1, keepdims=True)) for z in (theta, theta_ref))
    total = 0.0
    for n in range(L + 1):
        for letters in product(range(K), repeat=n):
            said = [*letters, K][:L]
            rows = [K, *said[:-1]]
            logp = log_pi[rows, said].sum()
            total += np.exp(logp) * (logp - log_ref[rows, said].sum())
    return total
