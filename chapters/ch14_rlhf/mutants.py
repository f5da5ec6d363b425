"""Wrong answers of chapter 14. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.ch14_rlhf import solutions
from chapters.harness import mutant


@mutant(
    "prefers",
    "raw rewards are divided: r1 / (r1 + r2) changes with a constant added to both, and leaves [0, 1]. The logistic function takes the difference.",
)
def raw_rewards(first, second):
    return first / (first + second)


@mutant("prefers", "the sign: this is the probability that the second one is chosen.")
def the_other_one(first, second):
    return solutions.prefers(second, first)


@mutant(
    "token_rewards",
    "the sign of the price is turned: it pays for leaving the reference. The score rises faster, and only J tells.",
)
def paid_to_leave(logp, logp_ref, score, counts, beta):
    return solutions.token_rewards(logp, logp_ref, score, counts, -beta)


@mutant(
    "token_rewards",
    "one constant for all responses is the price here. A constant is a baseline: it has no expected gradient, and nothing holds the policy.",
)
def one_constant(logp, logp_ref, score, counts, beta):
    kl = np.where(counts, logp - logp_ref, 0.0).sum(axis=1).mean()
    return solutions.token_rewards(logp, logp, score - beta * kl, counts, beta)


@mutant(
    "token_rewards",
    "the score is paid in the last column. In a short response a pad stands there, and the score is lost.",
)
def score_on_the_pad(logp, logp_ref, score, counts, beta):
    reward = solutions.token_rewards(logp, logp_ref, 0 * score, counts, beta)
    reward[:, -1] += score
    return np.where(counts, reward, 0.0)


@mutant(
    "ranking_loss",
    "every response competes against all, also against those that were placed before it. Who was placed is out.",
)
def nobody_leaves(reward):
    G = reward.shape[1]
    return float(np.mean(G * np.log(np.exp(reward).sum(axis=1)) - reward.sum(axis=1)))


@mutant("ranking_loss", "the order is read from the worst to the best. The first one in the row is the best.")
def worst_first(reward):
    return solutions.ranking_loss(reward[:, ::-1])


@mutant("reward_gradient", "the sign: this leads uphill. A gradient of the loss points where the loss grows.")
def uphill(w, chosen, rejected, noise):
    return -solutions.reward_gradient(w, chosen, rejected, noise)


@mutant(
    "reward_gradient",
    "the noise is left out. Labels that are flipped now and then shrink such a reward towards 0.",
)
def believes_every_label(w, chosen, rejected, noise):
    return solutions.reward_gradient(w, chosen, rejected, 0.0)


@mutant(
    "best_of",
    "log n - (n - 1) / n is given as the divergence. It is a bound; where scores tie, the divergence is smaller.",
)
def bound_as_divergence(ref, score, n):
    return [solutions.best_of(ref, score, n)[0], float(np.log(n) - (n - 1) / n)]


@mutant("best_of", "the last of equals wins every tie. A fair coin leaves equals in the proportions of ref.")
def ties_go_to_the_last(ref, score, n):
    return solutions.best_of(ref, score + 1e-6 * np.arange(len(score)), n)


@mutant("overoptimised", "the gold reward is maximised. The learner sees the proxy alone.")
def sees_gold(ref, proxy, gold, betas):
    right = solutions.overoptimised(ref, gold, proxy, betas)
    return right[:, [1, 0, 2]]


@mutant(
    "overoptimised",
    "the reference is missing: a softmax of the reward is near the uniform policy, not near ref.",
)
def without_reference(ref, proxy, gold, betas):
    rows = []
    for beta in betas:
        pi = np.exp((proxy - proxy.max()) / beta)
        pi = pi / pi.sum()
        rows.append([pi @ proxy, pi @ gold, pi @ np.log(pi / ref)])
    return np.array(rows)


@mutant("overoptimised", "beta multiplies the reward. It is the price of a nat: the reward is divided by it.")
def times_beta(ref, proxy, gold, betas):
    return solutions.overoptimised(ref, proxy, gold, 1 / betas)
