"""Wrong answers of chapter 4. Each is a mistake that people make, with what they need to hear."""

import math

import numpy as np

from chapters.ch04_bandits import solutions
from chapters.harness import mutant
from rlcore.numerics import softmax

# ---------------------------------------------------------------- 4.1 incremental_mean


@mutant(
    "incremental_mean", "the new reward counts as one of n. With it there are n + 1 rewards: divide by n + 1."
)
def divides_by_the_old_number(Q, n, reward):
    return Q + (reward - Q) / max(n, 1)


@mutant(
    "incremental_mean",
    "old mean and new reward are averaged half and half. The old mean stands for n rewards.",
)
def takes_the_middle(Q, n, reward):
    return (Q + reward) / 2


@mutant(
    "incremental_mean", "a share of the reward is added, and nothing of Q is taken away: step by reward - Q."
)
def adds_without_forgetting(Q, n, reward):
    return Q + reward / (n + 1)


@mutant("incremental_mean", "the step goes the wrong way: from Q towards the reward is reward - Q.")
def steps_away_from_the_reward(Q, n, reward):
    return Q + (Q - reward) / (n + 1)


# ---------------------------------------------------------------- 4.2 recency_weights


@mutant(
    "recency_weights",
    "the first reward has the largest weight. The latest one has: alpha, then alpha (1 - alpha).",
)
def favours_the_oldest(alpha, n):
    w = solutions.recency_weights(alpha, n)
    return np.append(w[0], w[:0:-1])


@mutant(
    "recency_weights",
    "Q1 gets a weight like a reward's, with a factor alpha. Its weight is (1 - alpha)^n alone.",
)
def takes_the_guess_for_a_reward(alpha, n):
    w = solutions.recency_weights(alpha, n)
    return np.append(alpha * w[0], w[1:])


@mutant(
    "recency_weights",
    "the first guess is forgotten. A constant step size never forgets it quite: (1 - alpha)^n.",
)
def forgets_the_guess(alpha, n):
    w = solutions.recency_weights(alpha, n)
    return np.append(0.0, w[1:])


@mutant(
    "recency_weights",
    "the exponents are one too large: the latest reward has weight alpha, not alpha (1 - alpha).",
)
def shrinks_the_latest(alpha, n):
    w = solutions.recency_weights(alpha, n)
    return np.append(w[0], (1 - alpha) * w[1:])


@mutant(
    "recency_weights", "all rewards weigh the same. That is the sample average, whose step size is 1 / n."
)
def weighs_all_the_same(alpha, n):
    return np.append(0.0, np.full(n, 1 / n)) if n else np.ones(1)


# ---------------------------------------------------------------- 4.3 expected_reward


@mutant(
    "expected_reward", "argmax gives the first of the best arms everything. Equal arms share the greedy part."
)
def takes_the_first_best(Q, mean, epsilon):
    p = np.full(len(Q), epsilon / len(Q))
    p[Q.argmax()] += 1 - epsilon
    return float(p @ mean)


@mutant(
    "expected_reward", "exploring leaves out the best arms. To explore is to pull any arm, the best ones too."
)
def explores_only_the_others(Q, mean, epsilon):
    best = Q == Q.max()
    p = np.where(best, (1 - epsilon) / best.sum(), epsilon / max(1, (~best).sum()))
    return float(p @ mean)


@mutant(
    "expected_reward",
    "each of the best arms gets 1 - epsilon in full, so the chances sum to more than one. Divide.",
)
def does_not_split(Q, mean, epsilon):
    best = Q == Q.max()
    return float(((1 - epsilon) * best + epsilon / len(Q)) @ mean)


@mutant(
    "expected_reward", "this is what the player believes it gets. The chances come from Q, the pay from mean."
)
def believes_its_estimates(Q, mean, epsilon):
    return solutions.expected_reward(Q, Q, epsilon)


@mutant("expected_reward", "epsilon is the chance to explore; this plays greedily with chance epsilon.")
def swaps_the_two(Q, mean, epsilon):
    return solutions.expected_reward(Q, mean, 1 - epsilon)


# ---------------------------------------------------------------- 4.4 regret_so_far


@mutant("regret_so_far", "this is the loss of each pull. Regret adds them up.")
def loss_of_each_pull(mean, arm):
    return mean.max() - mean[arm]


@mutant(
    "regret_so_far", "wrong pulls are counted. A pull costs what its arm falls short of the best one, not 1."
)
def counts_wrong_pulls(mean, arm):
    return np.cumsum(arm != mean.argmax()).astype(float)


@mutant("regret_so_far", "the best arm pulled so far is not the best arm. Compare with the best of all.")
def compares_with_the_best_seen(mean, arm):
    return np.cumsum(np.maximum.accumulate(mean[arm]) - mean[arm])


@mutant("regret_so_far", "the best of the arms that were pulled may not be the best of all: take mean.max().")
def compares_with_the_best_pulled(mean, arm):
    return np.cumsum(mean[arm].max() - mean[arm])


@mutant("regret_so_far", "this compares with an average arm. Regret compares with the best one.")
def compares_with_the_average(mean, arm):
    return np.cumsum(mean.mean() - mean[arm])


@mutant("regret_so_far", "this is the regret before the pull. Entry t counts pull t as well.")
def one_pull_late(mean, arm):
    return np.append(0.0, solutions.regret_so_far(mean, arm)[:-1])


# ---------------------------------------------------------------- 4.5 ucb_bounds


@mutant(
    "ucb_bounds", "N + 1 in the denominator makes an arm never pulled one of many. It comes first: infinity."
)
def adds_one_to_the_counts(Q, N, t, c):
    return Q + c * np.sqrt(math.log(t) / (N + 1))


@mutant(
    "ucb_bounds",
    "a tiny number in the denominator leaves untried arms to be ranked by Q. All of them come first.",
)
def adds_a_tiny_number(Q, N, t, c):
    return Q + c * np.sqrt(math.log(t) / (N + 1e-5))


@mutant("ucb_bounds", "the square root is missing: an uncertainty shrinks like one over the root of N.")
def forgets_the_root(Q, N, t, c):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(N > 0, Q + c * math.log(t) / N, np.inf)


@mutant("ucb_bounds", "this takes the logarithm to base 10. ln is the natural one.")
def logarithm_of_ten(Q, N, t, c):
    return np.where(N > 0, Q + c * np.sqrt(math.log10(t) / np.maximum(N, 1)), np.inf)


@mutant("ucb_bounds", "the bonus is taken away. Uncertain arms are to be tried: add it.")
def lower_bound(Q, N, t, c):
    return np.where(N > 0, Q - c * np.sqrt(math.log(t) / np.maximum(N, 1)), np.inf)


@mutant(
    "ucb_bounds",
    "t stands without its logarithm, so that every arm's bonus grows like a root of time: no end to exploring.",
)
def forgets_the_logarithm(Q, N, t, c):
    return np.where(N > 0, Q + c * np.sqrt(t / np.maximum(N, 1)), np.inf)


# ---------------------------------------------------------------- 4.6 unbiased_estimates


@mutant(
    "unbiased_estimates", "the step size is alpha from the start, so some of Q1 is left. Divide alpha by o."
)
def plain_constant_step(Q1, reward, alpha):
    return [Q1 := Q1 + alpha * (r - Q1) for r in reward]


@mutant(
    "unbiased_estimates", "this is the sample average. For large n the step size is to be alpha, not 1 / n."
)
def sample_average(Q1, reward, alpha):
    return np.cumsum(reward) / np.arange(1, len(reward) + 1)


@mutant(
    "unbiased_estimates",
    "the step is the larger of 1 / n and alpha. That forgets Q1 too, but alpha / o_n is larger than both.",
)
def takes_the_larger_step(Q1, reward, alpha):
    return [Q1 := Q1 + max(1 / n, alpha) * (r - Q1) for n, r in enumerate(reward, 1)]


@mutant(
    "unbiased_estimates",
    "o is renewed after its use: the second step has size 1 again and forgets the first reward.",
)
def renews_the_trace_too_late(Q1, reward, alpha):
    o, estimates = alpha, []
    for r in reward:
        Q1 = Q1 + alpha / o * (r - Q1)
        estimates.append(Q1)
        if len(estimates) > 1:
            o += alpha * (1 - o)
    return estimates


@mutant(
    "unbiased_estimates",
    "dividing by 1 - (1 - alpha)^n is right for an estimate that began at 0. This one began at Q1.",
)
def divides_what_holds_the_guess(Q1, reward, alpha):
    n = np.arange(1, len(reward) + 1)
    return np.array(plain_constant_step(Q1, reward, alpha)) / (1 - (1 - alpha) ** n)


# ---------------------------------------------------------------- 4.7 gradient_step


@mutant("gradient_step", "only the pulled arm moves. The softmax ties them together: the others move by -pi.")
def moves_one_arm(H, arm, reward, baseline, alpha):
    new = H.copy()
    new[arm] += alpha * (reward - baseline) * (1 - softmax(H)[arm])
    return new


@mutant(
    "gradient_step", "the pulled arm moves by 1, not by 1 - pi. It too is pushed down by its own probability."
)
def forgets_its_own_probability(H, arm, reward, baseline, alpha):
    pi = softmax(H)
    pi[arm] = 0.0
    return H + alpha * (reward - baseline) * (np.eye(len(H))[arm] - pi)


@mutant("gradient_step", "the sign: this makes a well-paid arm less likely. Ascend.")
def descends(H, arm, reward, baseline, alpha):
    return solutions.gradient_step(H, arm, reward, baseline, -alpha)


@mutant(
    "gradient_step",
    "the baseline is missing: it is reward - baseline that says whether the pull was a good one.",
)
def ignores_the_baseline(H, arm, reward, baseline, alpha):
    return solutions.gradient_step(H, arm, reward, 0.0, alpha)


@mutant(
    "gradient_step",
    "this is the gradient of pi(arm), not of log pi(arm): it is too small by the factor pi(arm).",
)
def gradient_of_the_probability(H, arm, reward, baseline, alpha):
    return solutions.gradient_step(H, arm, reward, baseline, alpha * softmax(H)[arm])


@mutant("gradient_step", "preferences are used as if they were probabilities. Take their softmax first.")
def takes_preferences_for_probabilities(H, arm, reward, baseline, alpha):
    return H + alpha * (reward - baseline) * (np.eye(len(H))[arm] - H)


# ---------------------------------------------------------------- 4.8 normal_posterior


@mutant("normal_posterior", "the prior is left out: this is the mean of the rewards and its standard error.")
def forgets_the_prior(reward, sd, prior_mean, prior_sd):
    n = max(len(reward), 1)
    return [np.sum(reward) / n, sd / math.sqrt(n)]


@mutant(
    "normal_posterior",
    "the mean of the rewards counts as one reward. Every reward adds 1 / sd^2 of precision.",
)
def counts_one_reward(reward, sd, prior_mean, prior_sd):
    return solutions.normal_posterior(
        reward[:0] if not len(reward) else [np.mean(reward)], sd, prior_mean, prior_sd
    )


@mutant(
    "normal_posterior", "this adds one over standard deviation. Precision is one over variance: square it."
)
def adds_inverse_deviations(reward, sd, prior_mean, prior_sd):
    precision = 1 / prior_sd + len(reward) / sd
    return [(prior_mean / prior_sd + np.sum(reward) / sd) / precision, 1 / precision]


@mutant("normal_posterior", "this is the variance. Asked for is its root, the standard deviation.")
def gives_the_variance(reward, sd, prior_mean, prior_sd):
    mean, spread = solutions.normal_posterior(reward, sd, prior_mean, prior_sd)
    return [mean, spread**2]


@mutant(
    "normal_posterior",
    "this is the spread of the next reward. Asked for is that of the arm's mean: leave sd^2 out.",
)
def spread_of_the_next_reward(reward, sd, prior_mean, prior_sd):
    mean, spread = solutions.normal_posterior(reward, sd, prior_mean, prior_sd)
    return [mean, math.hypot(spread, sd)]


# ---------------------------------------------------------------- 4.9 best_baseline


@mutant(
    "best_baseline",
    "this is the expected reward. It is a good baseline, but not the best: weight by |1[a] - pi|^2 too.",
)
def expected_reward_as_baseline(H, mean):
    return float(softmax(H) @ mean)


@mutant("best_baseline", "this averages over the arms as if all were equally likely. They are drawn from pi.")
def plain_average(H, mean):
    return float(mean.mean())


@mutant("best_baseline", "no baseline at all. Zero is special only if rewards are around zero.")
def zero(H, mean):
    return 0.0


@mutant(
    "best_baseline",
    "the length of the score is not squared. In E|g|^2 both factors are: (mean - b)^2 |1[a] - pi|^2.",
)
def length_not_squared(H, mean):
    pi = softmax(H)
    weight = pi * np.sqrt(((np.eye(len(H)) - pi) ** 2).sum(axis=1))
    return float(weight @ mean / weight.sum())


@mutant("best_baseline", "the weights leave out pi(a): an arm that is never drawn cannot matter.")
def forgets_how_often(H, mean):
    weight = ((np.eye(len(H)) - softmax(H)) ** 2).sum(axis=1)
    return float(weight @ mean / weight.sum())


# ---------------------------------------------------------------- 4.10 thompson_chances


@mutant(
    "thompson_chances",
    "the arm of largest posterior mean is pulled always. Thompson sampling draws first, then compares.",
)
def greedy_for_the_posterior_mean(ones, zeros):
    mean = (1 + ones) / (2 + ones + zeros)
    return (mean == mean.max()) / (mean == mean.max()).sum()


@mutant(
    "thompson_chances",
    "chances in proportion to the posterior means: what counts is how likely an arm is to be the best.",
)
def in_proportion_to_the_mean(ones, zeros):
    mean = (1 + ones) / (2 + ones + zeros)
    return mean / mean.sum()


@mutant(
    "thompson_chances",
    "the uniform prior is Beta(1, 1), and it counts: the posterior is Beta(1 + ones, 1 + zeros).",
)
def forgets_the_uniform_prior(ones, zeros):
    return solutions.thompson_chances(ones - 1, zeros - 1)


@mutant(
    "thompson_chances",
    "chances of pairs are multiplied as if they were independent. They share the draw of arm a: integrate the product.",
)
def multiplies_duels(ones, zeros):
    k = len(ones)
    wins = np.ones(k)
    for a in range(k):
        for b in range(k):
            if a != b:
                wins[a] *= solutions.thompson_chances(ones[[a, b]], zeros[[a, b]])[0]
    return wins / wins.sum()


@mutant(
    "thompson_chances", "ones and zeros are swapped: Beta(p, q) has mean p / (p + q), so the ones come first."
)
def swaps_ones_and_zeros(ones, zeros):
    return solutions.thompson_chances(zeros, ones)


# ---------------------------------------------------------------- 4.11 play_tape


def played(reward, epsilon, alpha, explore, which, candidates, learn):
    """The loop, with a choice of candidates(Q, explores) and of learn(Q, N, a, row)."""
    Q, N, arms = np.zeros(reward.shape[1]), np.zeros(reward.shape[1]), []
    for t in range(len(reward)):
        pool = candidates(Q, explore[t] < epsilon)
        a = pool[int(which[t] * len(pool))]
        N[a] += 1
        learn(Q, N, a, reward[t])
        arms.append(int(a))
    return [arms, Q]


def best_or_all(Q, explores):
    return np.flatnonzero((Q >= Q.max() - 1e-9) | explores)


def towards(alpha):
    def learn(Q, N, a, row):
        Q[a] += alpha * (row[a] - Q[a])

    return learn


@mutant(
    "play_tape",
    "all estimates learn from rewards that the player never saw. Only the pulled arm's reward is known.",
)
def learns_from_every_arm(reward, epsilon, alpha, explore, which):
    def learn(Q, N, a, row):
        Q += alpha * (row - Q)

    return played(reward, epsilon, alpha, explore, which, best_or_all, learn)


@mutant("play_tape", "argmax takes the first of the best arms. All of them are candidates.")
def first_of_the_best(reward, epsilon, alpha, explore, which):
    def candidates(Q, explores):
        return np.arange(len(Q)) if explores else np.array([Q.argmax()])

    return played(reward, epsilon, alpha, explore, which, candidates, towards(alpha))


@mutant("play_tape", "it explores when explore[t] >= epsilon. A small epsilon is to mean little exploring.")
def explores_too_often(reward, epsilon, alpha, explore, which):
    return played(reward, epsilon, alpha, explore, which, lambda Q, e: best_or_all(Q, not e), towards(alpha))


@mutant("play_tape", "exploring leaves out the arms that are best. Then all arms are candidates, those too.")
def explores_among_the_others(reward, epsilon, alpha, explore, which):
    def candidates(Q, explores):
        best = Q >= Q.max() - 1e-9
        return np.flatnonzero(~best if explores and not best.all() else best)

    return played(reward, epsilon, alpha, explore, which, candidates, towards(alpha))


@mutant(
    "play_tape", "the step size is 1 / N. Asked for is the constant alpha, which follows means that move."
)
def averages_all_rewards(reward, epsilon, alpha, explore, which):
    def learn(Q, N, a, row):
        Q[a] += (row[a] - Q[a]) / N[a]

    return played(reward, epsilon, alpha, explore, which, best_or_all, learn)


@mutant("play_tape", "the learning rate is forgotten: the estimate is just the last reward.")
def forgets_the_learning_rate(reward, epsilon, alpha, explore, which):
    return played(reward, epsilon, alpha, explore, which, best_or_all, towards(1.0))
