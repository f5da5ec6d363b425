"""Wrong answers of chapter 16. Each is a mistake that people make, with what they need to hear."""

from math import comb

import numpy as np

from chapters.ch16_grpo import solutions
from chapters.harness import mutant

# ---------------------------------------------------------------- 16.1 advantages


@mutant(
    "advantages",
    "the mean and the spread of the whole batch are taken. A hard prompt's responses are then all below the mean: compare with the same prompt.",
)
def whole_batch(reward, group, ddof, eps):
    return solutions.advantages(reward, np.zeros_like(group), ddof, eps)


@mutant(
    "advantages",
    "a group of equal rewards is divided by its spread, and 0 / 0 is nan. It has nothing to say: exactly 0.",
)
def nan_where_all_are_equal(reward, group, ddof, eps):
    A = solutions.advantages(reward, group, ddof, eps)
    for g in np.unique(group):
        if np.ptp(reward[group == g]) == 0 and eps == 0:
            A[group == g] = np.nan
    return A


@mutant(
    "advantages",
    "a spread is divided by wherever it is not exactly 0. Rounding may leave one near 1e-17 where all rewards are equal, and rounding divided by rounding is an advantage.",
)
def rounding_by_rounding(reward, group, ddof, eps):
    A = np.zeros(len(reward))
    for g in np.unique(group):
        r = reward[group == g]
        s = r.std(ddof=ddof) + eps
        A[group == g] = (r - r.mean()) / s if s else 0.0
    return A


@mutant("advantages", "ddof is swapped: ddof 0 divides the squares by n, ddof 1 by n - 1.")
def other_ddof(reward, group, ddof, eps):
    return solutions.advantages(reward, group, 1 - ddof, eps)


@mutant(
    "advantages", "eps stands under the root. It is added to the standard deviation, not to the variance."
)
def eps_under_the_root(reward, group, ddof, eps):
    A = solutions.advantages(reward, group, ddof, 0.0)
    for g in np.unique(group):
        s = reward[group == g].std(ddof=ddof)
        A[group == g] *= s / np.sqrt(s * s + eps) if s else 0.0
    return A


@mutant("advantages", "only the mean is taken off. Here it is also divided by the group's spread.")
def mean_alone(reward, group, ddof, eps):
    A = np.empty(len(reward))
    for g in np.unique(group):
        A[group == g] = reward[group == g] - reward[group == g].mean()
    return A


# ---------------------------------------------------------------- 16.2 silent


@mutant(
    "silent", "groups in which all are right are forgotten. They push as little as those that are all wrong."
)
def all_wrong_alone(p, G):
    never = (1 - p) ** G
    return [never, 1 / (1 - never)]


@mutant("silent", "groups in which all are wrong are forgotten. Those are the silent ones of a hard prompt.")
def all_right_alone(p, G):
    never = p**G
    return [never, 1 / (1 - never)]


@mutant(
    "silent",
    "the second number is 1 / P(silent): how long until one is silent. Asked is how long until one speaks.",
)
def until_silent(p, G):
    never, _ = solutions.silent(p, G)
    return [never, 1 / never]


@mutant("silent", "the group that speaks at last is not counted. It is drawn as well.")
def silent_ones_alone(p, G):
    never, draws = solutions.silent(p, G)
    return [never, draws - 1]


# ---------------------------------------------------------------- 16.3 pass_at_k


@mutant(
    "pass_at_k",
    "this is 1 - (1 - c/n)^k: the k tries are drawn with repetition. That is too low on average, most of all where few tries are right.",
)
def with_repetition(right, n, k):
    return float((1 - (1 - right / n) ** k).mean())


@mutant("pass_at_k", "this is the mean share of right tries, pass@1. Of k tries one right one is enough.")
def one_try(right, n, k):
    return float((right / n).mean())


@mutant("pass_at_k", "this asks that all k tries are right. One is enough.")
def all_of_them(right, n, k):
    return float(np.mean([comb(c, k) / comb(n, k) for c in right.tolist()]))


@mutant(
    "pass_at_k",
    "prompts are put into one pot. An easy prompt's right tries do not help with a hard one: estimate a prompt at a time, then average.",
)
def one_pot(right, n, k):
    i = np.arange(k)
    return float(1 - np.prod(np.clip(n - right.mean() - i, 0, None) / (n - i)))


@mutant("pass_at_k", "this is P(none of the k is right). Asked is that one is.")
def none_of_them(right, n, k):
    return 1 - solutions.pass_at_k(right, n, k)


# ---------------------------------------------------------------- 16.4 difficulty


@mutant(
    "difficulty",
    "the group's mean is taken for an unbiased baseline. It holds the response's own reward: the factor is (G - 1) / G.",
)
def mean_is_unbiased(p, G):
    c = solutions.difficulty(p, G)
    c[2] = 1.0
    return c


@mutant("difficulty", "ddof is said to change nothing. It is a factor, sqrt((G - 1) / G), on every group.")
def ddof_is_nothing(p, G):
    c = solutions.difficulty(p, G)
    c[1] = c[0]
    return c


@mutant(
    "difficulty",
    "this is the limit of infinitely many responses, 1 / sqrt(p (1 - p)). A group of G knows its spread only roughly, and may be silent.",
)
def infinite_group(p, G):
    c = solutions.difficulty(p, G)
    c[:2] = 1 / np.sqrt(p * (1 - p))
    return c


@mutant(
    "difficulty",
    "1 / (p (1 - p)) is missing: the scores of a right and of a wrong response differ by grad p / p + grad p / (1 - p).",
)
def without_the_scores(p, G):
    return solutions.difficulty(p, G) * p * (1 - p)


@mutant("difficulty", "silent groups are left out of the mean. They count, with a gradient of 0.")
def speaking_groups_alone(p, G):
    return solutions.difficulty(p, G) / (1 - p**G - (1 - p) ** G)


# ---------------------------------------------------------------- 16.5 expected_gradient


@mutant(
    "expected_gradient",
    "the group's mean is taken for an unbiased baseline. It holds the response's own reward, and the mean gradient is (G - 1) / G of the true one.",
)
def own_reward_forgotten(logits, reward, G):
    rows = solutions.expected_gradient(logits, reward, G)
    return rows[[1, 1, 2]]


@mutant(
    "expected_gradient",
    "division by the spread is taken for a change of scale. Each group has its own spread: the direction changes as well.",
)
def std_is_a_scale(logits, reward, G):
    rows = solutions.expected_gradient(logits, reward, G)
    rows[2] = rows[0] * np.linalg.norm(rows[2]) / np.linalg.norm(rows[0])
    return rows


@mutant("expected_gradient", "the group's pushes are added up. The estimate is their mean.")
def added_up(logits, reward, G):
    return G * solutions.expected_gradient(logits, reward, G)


@mutant(
    "expected_gradient",
    "all groups count alike. A group is as likely as the product of its arms' probabilities.",
)
def all_groups_alike(logits, reward, G):
    pi, total, n = solutions._softmax(logits), 0.0, 0
    for arms in np.ndindex(*[len(pi)] * G):
        chosen = list(arms)
        score = np.eye(len(pi))[chosen] - pi
        total, n = total + solutions._three_advantages(reward[chosen]) @ score / G, n + 1
    return total / n


@mutant("expected_gradient", "the factor of the mean of the others is upside down: it is G / (G - 1).")
def others_upside_down(logits, reward, G):
    rows = solutions.expected_gradient(logits, reward, G)
    rows[1] = rows[0] * (G - 1) / G
    return rows


# ---------------------------------------------------------------- 16.6 four_means


@mutant(
    "four_means",
    "pads are counted as tokens. Nobody chose them: neither their losses nor their number count.",
)
def pads_count(x, counts, G, longest):
    return solutions.four_means(np.where(counts, x, 0.0), np.ones_like(counts), G, longest)


@mutant(
    "four_means",
    "the constant is the longest response of the batch. That changes from batch to batch; the constant is given.",
)
def longest_of_the_batch(x, counts, G, longest):
    return solutions.four_means(x, counts, G, counts.sum(axis=1).max())


@mutant(
    "four_means",
    "means of means and the mean over all tokens are taken for the same. They differ when lengths do.",
)
def one_mean(x, counts, G, longest):
    m = solutions.four_means(x, counts, G, longest)
    return m[[0, 0, 2, 3]]


@mutant(
    "four_means", "groups have different numbers of tokens: their mean is not the mean over the whole batch."
)
def groups_forgotten(x, counts, G, longest):
    m = solutions.four_means(x, counts, G, longest)
    return m[[0, 1, 1, 3]]


# ---------------------------------------------------------------- 16.7 stop_push


@mutant(
    "stop_push", "the sign is turned: this is the gradient of a loss, not the push on what is made large."
)
def downhill(stop, A):
    return -solutions.stop_push(stop, A)


@mutant(
    "stop_push",
    "the length is said to have no part in it, as the reward does not look at it. The division by it pushes.",
)
def no_push(stop, A):
    return np.zeros((2, len(stop)))


@mutant("stop_push", "only the token that ends the response is pushed. Each filler before it said: not yet.")
def ends_alone(stop, A):
    J, s = len(stop), 1 / (1 + np.exp(-stop))
    likely = np.concatenate([[1.0], np.cumprod(1 - s)[:-1]]) * s
    length = np.minimum(np.arange(J) + 2, J + 1)
    return np.stack([likely * A * (1 - s) / length, likely * A * (1 - s) / (J + 1)])


@mutant(
    "stop_push",
    "responses that never end by themselves are left out. They are said as well, and their tokens pushed.",
)
def ended_ones_alone(stop, A):
    J, s = len(stop), 1 / (1 + np.exp(-stop))
    never = np.prod(1 - s) * A * s / (J + 1)
    return solutions.stop_push(stop, A) + np.stack([never, never])


@mutant("stop_push", "the answer is a token of the response, and so is the end: both count in its length.")
def talk_alone(stop, A):
    J, s = len(stop), 1 / (1 + np.exp(-stop))
    rows = solutions.stop_push(stop, A)
    rows[0] = 0.0
    for end in range(J + 1):
        likely = np.prod(1 - s[:end]) * (s[end] if end < J else 1.0)
        score = np.where(np.arange(J) < end, -s, np.where(np.arange(J) == end, 1 - s, 0.0))
        rows[0] += likely * A * score / (end + 1)
    return rows


# ---------------------------------------------------------------- 16.8 loss_and_gradient


def _with_cost(args, cost, d_cost):
    """The same surrogate, with another cost."""
    logp, *rest, beta = args
    loss, d = solutions.loss_and_gradient(logp, *rest, 0.0)
    return [loss + beta * float(cost.mean()), d + beta * d_cost / len(logp)]


@mutant(
    "loss_and_gradient",
    "the sampled probabilities are made to sum to 1 over the group before the divergence is taken. Equal samples then have none, wherever the policy is: compare each response with its own reference.",
)
def renormalised(logp, logp_old, logp_ref, advantage, clip, beta):
    p, q = solutions._softmax(logp), solutions._softmax(logp_ref)
    kl = (p * np.log(p / q)).sum()
    cost, d = np.full(len(p), kl), len(p) * p * (np.log(p / q) - kl)
    return _with_cost((logp, logp_old, logp_ref, advantage, clip, beta), cost, d)


@mutant(
    "loss_and_gradient",
    "the divergence is paid, not charged. In a loss that is made small its sign is plus.",
)
def paid_for_distance(logp, logp_old, logp_ref, advantage, clip, beta):
    return solutions.loss_and_gradient(logp, logp_old, logp_ref, advantage, clip, -beta)


@mutant(
    "loss_and_gradient",
    "the distance from the *old* policy is charged. The clip sees to that one; the price is for leaving the reference.",
)
def near_the_old_policy(logp, logp_old, logp_ref, advantage, clip, beta):
    return solutions.loss_and_gradient(logp, logp_old, logp_old, advantage, clip, beta)


@mutant("loss_and_gradient", "k3 has pi / ref where ref / pi belongs: pi drew these responses.")
def upside_down(logp, logp_old, logp_ref, advantage, clip, beta):
    x = logp - logp_ref
    args = logp, logp_old, logp_ref, advantage, clip, beta
    return _with_cost(args, np.exp(x) - 1 - x, np.exp(x) - 1)


@mutant(
    "loss_and_gradient",
    "where the loss is 0, the gradient is set to 0. On fresh samples the advantages cancel and the loss is 0, but each of them pushes.",
)
def loss_is_progress(logp, logp_old, logp_ref, advantage, clip, beta):
    loss, d = solutions.loss_and_gradient(logp, logp_old, logp_ref, advantage, clip, beta)
    return [loss, d if abs(loss) > 1e-9 else np.zeros_like(d)]


@mutant(
    "loss_and_gradient",
    "a ratio outside the band never pushes here. A bad response that became likelier must be pushed back: min, not the clipped ratio alone.",
)
def clip_alone(logp, logp_old, logp_ref, advantage, clip, beta):
    ratio = np.exp(logp - logp_old)
    clipped = np.clip(ratio, 1 - clip[0], 1 + clip[1])
    _, cost = solutions.loss_and_gradient(logp, logp_old, logp_ref, 0 * advantage, clip, beta)
    zero = solutions.loss_and_gradient(logp, logp_old, logp_ref, 0 * advantage, clip, beta)[0]
    return [
        zero - float((clipped * advantage).mean()),
        cost - (ratio == clipped) * ratio * advantage / len(logp),
    ]


@mutant("loss_and_gradient", "low and high are swapped: the band is from 1 - low to 1 + high.")
def band_swapped(logp, logp_old, logp_ref, advantage, clip, beta):
    return solutions.loss_and_gradient(logp, logp_old, logp_ref, advantage, clip[::-1], beta)


# ---------------------------------------------------------------- 16.9 whole_ratio


@mutant(
    "whole_ratio",
    "the log-ratios are added up, not averaged. A product of many ratios leaves any band; the geometric mean is asked for.",
)
def of_the_sum(logp, logp_old, counts, advantage, clip):
    n = counts.sum(axis=1, keepdims=True)
    loss, d = solutions.whole_ratio(n * logp, n * logp_old, counts, advantage, clip)
    return [loss, n * d]


@mutant(
    "whole_ratio", "pads are averaged in: a mean over L places. It is one over the tokens that were said."
)
def over_pads(logp, logp_old, counts, advantage, clip):
    share = counts.sum(axis=1, keepdims=True) / counts.shape[1]
    loss, d = solutions.whole_ratio(share * logp, share * logp_old, counts, advantage, clip)
    return [loss, share * d]


@mutant(
    "whole_ratio",
    "this is the arithmetic mean of the tokens' ratios. The geometric one is exp of the mean of log-ratios.",
)
def arithmetic(logp, logp_old, counts, advantage, clip):
    n = counts.sum(axis=1)
    each = np.where(counts, np.exp(np.where(counts, logp - logp_old, 0.0)), 0.0)
    ratio = each.sum(axis=1) / n
    plain, clipped = ratio * advantage, np.clip(ratio, 1 - clip[0], 1 + clip[1]) * advantage
    push = np.where(plain <= clipped, -advantage, 0.0) / n / len(n)
    return [float(-np.minimum(plain, clipped).mean()), each * push[:, None]]


@mutant(
    "whole_ratio",
    "each token has its own ratio and its own clip here, as in GRPO. One ratio for the whole response is asked for.",
)
def of_each_token(logp, logp_old, counts, advantage, clip):
    ratio = np.exp(np.where(counts, logp - logp_old, 0.0))
    A, share = advantage[:, None], counts / counts.sum(axis=1, keepdims=True) / len(counts)
    plain, clipped = ratio * A, np.clip(ratio, 1 - clip[0], 1 + clip[1]) * A
    return [
        float(-(share * np.minimum(plain, clipped)).sum()),
        share * np.where(plain <= clipped, -plain, 0.0),
    ]


@mutant(
    "whole_ratio",
    "the gradient lacks 1 / length: a token's log-probability enters the mean with that weight.",
)
def mean_forgotten_behind(logp, logp_old, counts, advantage, clip):
    loss, d = solutions.whole_ratio(logp, logp_old, counts, advantage, clip)
    return [loss, d * counts.sum(axis=1, keepdims=True)]


# ---------------------------------------------------------------- 16.10 settles


@mutant(
    "settles",
    "this is ref exp(r / beta) / Z, the optimum near KL(pi || ref). k3 in the loss pushes along the other divergence, KL(ref || pi).",
)
def gibbs(ref, reward, beta, G):
    pi = ref * np.exp((reward - reward.max()) * (G - 1) / G / beta)
    return pi / pi.sum()


@mutant(
    "settles",
    "the group's mean is taken for an unbiased baseline. It leaves (G - 1) / G of the reward's gradient and all of the price's.",
)
def whole_reward(ref, reward, beta, G):
    return solutions._k3_optimum(ref, reward, beta)


@mutant("settles", "the factor is upside down: the reward's part gets weaker, as if beta were larger.")
def factor_upside_down(ref, reward, beta, G):
    return solutions._k3_optimum(ref, reward, beta * (G - 1) / G)


@mutant("settles", "only the best arm is left. That is where beta = 0 leads.")
def greedy(ref, reward, beta, G):
    return np.eye(len(ref))[reward.argmax()]
