"""Wrong answers of chapter 11. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.ch11_ppo import solutions
from chapters.harness import mutant

# ---------------------------------------------------------------- 11.1 taken_ratio


@mutant(
    "taken_ratio",
    "every step is judged by the logits of the first state. The ratio of step t belongs to its own state: row t of both.",
)
def one_frozen_state(logits, logits_old, action):
    T = len(action)
    return solutions.taken_ratio(np.tile(logits[0], (T, 1)), np.tile(logits_old[0], (T, 1)), action)


@mutant(
    "taken_ratio",
    "this compares two actions of one policy. The ratio compares two policies on one action, the one that was taken.",
)
def between_two_actions(logits, logits_old, action):
    pi = np.exp(logits - logits.max(axis=1, keepdims=True))
    pi /= pi.sum(axis=1, keepdims=True)
    rows = np.arange(len(action))
    return pi[rows, action] / pi[rows, (action + 1) % pi.shape[1]]


@mutant(
    "taken_ratio",
    "this is old over new. The new policy stands above: r > 1 where the action became likelier.",
)
def upside_down(logits, logits_old, action):
    return solutions.taken_ratio(logits_old, logits, action)


@mutant(
    "taken_ratio", "logits are not log-probabilities: subtract the log of their sum of exponentials first."
)
def forgets_the_softmax(logits, logits_old, action):
    rows = np.arange(len(action))
    return np.exp(logits[rows, action] - logits_old[rows, action])


@mutant(
    "taken_ratio",
    "this is the ratio of the likeliest actions. Advantages belong to the actions that were taken.",
)
def of_the_likeliest_action(logits, logits_old, action):
    return solutions.taken_ratio(logits, logits_old, logits.argmax(axis=1))


# ---------------------------------------------------------------- 11.2 objective_slope


@mutant(
    "objective_slope",
    "for A < 0 this takes the larger one: the push ends where r is too high, and goes on where it is low enough. It is `min` for both signs.",
)
def inverted_trust_region(ratio, advantage, low, high):
    return np.where(ratio <= 1 + high, advantage, 0.0)


@mutant(
    "objective_slope",
    "this is the clip without the `min`: a step that went the wrong way gets no push back. Only r A below clip(r) A keeps its slope.",
)
def clips_on_both_sides(ratio, advantage, low, high):
    return np.where((ratio >= 1 - low) & (ratio <= 1 + high), advantage, 0.0)


@mutant(
    "objective_slope", "nothing is clipped. Beyond the edge, in the direction of A, the objective is flat."
)
def clips_nothing(ratio, advantage, low, high):
    return np.array(advantage)


@mutant("objective_slope", "the edges are exchanged: r may fall to 1 - low and rise to 1 + high.")
def exchanges_the_edges(ratio, advantage, low, high):
    return solutions.objective_slope(ratio, advantage, high, low)


@mutant(
    "objective_slope",
    "this is the slope of the loss. The objective is maximised: its slope has the sign of A.",
)
def slope_of_the_loss(ratio, advantage, low, high):
    return -solutions.objective_slope(ratio, advantage, low, high)


# ---------------------------------------------------------------- 11.3 total_loss


@mutant(
    "total_loss",
    "this is the objective of the paper, gain - c1 error + c2 entropy, which is *maximised*. A loss is minus that.",
)
def an_objective_called_a_loss(gain, value, target, pi, c_value, c_entropy):
    return -solutions.total_loss(gain, value, target, pi, c_value, c_entropy)


@mutant(
    "total_loss",
    "the entropy is added: a step downhill would reduce it, and the policy make up its mind faster than without it. Subtract it.",
)
def adds_the_entropy(gain, value, target, pi, c_value, c_entropy):
    return solutions.total_loss(gain, value, target, pi, c_value, -c_entropy)


@mutant(
    "total_loss",
    "the error of the critic is subtracted: a step downhill would make it larger. It is a loss already: add it.",
)
def rewards_the_error(gain, value, target, pi, c_value, c_entropy):
    return solutions.total_loss(gain, value, target, pi, -c_value, c_entropy)


@mutant("total_loss", "the gain has the sign of something to be maximised. In a loss it stands with a minus.")
def minimises_the_gain(gain, value, target, pi, c_value, c_entropy):
    return solutions.total_loss(-gain, value, target, pi, c_value, c_entropy)


@mutant("total_loss", "the half before the square is missing: twice the weight for the critic.")
def forgets_the_half(gain, value, target, pi, c_value, c_entropy):
    return solutions.total_loss(gain, value, target, pi, 2 * c_value, c_entropy)


@mutant(
    "total_loss",
    "the entropy is averaged over B times A numbers. Sum over the actions, average over the steps.",
)
def averages_over_actions(gain, value, target, pi, c_value, c_entropy):
    return solutions.total_loss(gain, value, target, pi, c_value, c_entropy / pi.shape[1])


# ---------------------------------------------------------------- 11.4 prices


def _path(beta, kl, factor):
    """beta, and the prices after factor(kl) each."""
    return np.cumprod(np.concatenate([[beta], [factor(x) for x in kl]]))


@mutant(
    "prices",
    "this doubles and halves, as PPO's own rule does. Here the price moves in proportion to the error.",
)
def doubles_and_halves(beta, kl, target, steps, horizon):
    return _path(beta, kl, lambda x: 2.0 if x > 1.5 * target else 0.5 if x < target / 1.5 else 1.0)


@mutant("prices", "the sign is wrong: too large a divergence makes this price *fall*.")
def cheaper_when_too_far(beta, kl, target, steps, horizon):
    return _path(beta, kl, lambda x: 1 - np.clip(x / target - 1, -0.2, 0.2) * steps / horizon)


@mutant("prices", "the error is not cut to between -0.2 and 0.2: one wild update throws the price away.")
def lets_the_error_be_large(beta, kl, target, steps, horizon):
    return _path(beta, kl, lambda x: 1 + (x / target - 1) * steps / horizon)


@mutant("prices", "steps / horizon is missing: this turns as fast for a small update as for a large one.")
def forgets_the_size_of_an_update(beta, kl, target, steps, horizon):
    return _path(beta, kl, lambda x: 1 + np.clip(x / target - 1, -0.2, 0.2))


@mutant(
    "prices",
    "this adds the error to the price. A price is multiplied, so that it stays positive at every size.",
)
def adds_the_error(beta, kl, target, steps, horizon):
    error = np.clip(kl / target - 1, -0.2, 0.2)
    return beta + np.concatenate([[0.0], np.cumsum(error * steps / horizon)])


@mutant("prices", "the error is kl - target. It is relative: kl / target - 1.")
def takes_the_difference(beta, kl, target, steps, horizon):
    return _path(beta, kl, lambda x: 1 + np.clip(x - target, -0.2, 0.2) * steps / horizon)


# ---------------------------------------------------------------- 11.5 masked_standardised


def _z(advantage, counts, mean, std):
    return np.where(counts, (advantage - mean) / (std + 1e-8), 0.0)


@mutant("masked_standardised", "std divides by n here. With n - 1 it is that of the sample: ddof=1.")
def divides_by_n(advantage, counts):
    A = advantage[counts]
    return _z(advantage, counts, A.mean(), A.std())


@mutant("masked_standardised", "padding enters the mean and the std. Take both over the steps that count.")
def counts_the_padding(advantage, counts):
    return _z(advantage, counts, advantage.mean(), advantage.std(ddof=1))


@mutant(
    "masked_standardised",
    "padding was set to 0, and the zeros counted. They pull the mean to 0 and shrink the std.",
)
def counts_zeros(advantage, counts):
    return counts_the_padding(np.where(counts, advantage, 0.0), counts)


@mutant("masked_standardised", "the padding got a z of its own. What does not count must push nowhere: 0.")
def leaves_the_padding(advantage, counts):
    A = advantage[counts]
    return _z(advantage, np.ones_like(counts), A.mean(), A.std(ddof=1))


@mutant(
    "masked_standardised",
    "the mean was not subtracted: actions are good or bad compared with the others of the batch.",
)
def only_scales(advantage, counts):
    return _z(advantage, counts, 0.0, advantage[counts].std(ddof=1))


@mutant("masked_standardised", "this divides by the variance: its root is missing.")
def divides_by_the_variance(advantage, counts):
    A = advantage[counts]
    return _z(advantage, counts, A.mean(), A.var(ddof=1))


# ---------------------------------------------------------------- 11.6 advantages_and_targets


@mutant(
    "advantages_and_targets",
    "the target is the *scaled* advantage plus V: the wrong scale. The scaling is for the policy; the critic's target is A + V with A as it was.",
)
def target_of_scaled_advantages(reward, value, next_value, terminated, truncated, gamma, lam):
    A, _ = solutions.advantages_and_targets(reward, value, next_value, terminated, truncated, gamma, lam)
    return [A, A + value]


@mutant(
    "advantages_and_targets",
    "a time limit is taken for an end: where the walk was cut, V of the true successor still counts.",
)
def nothing_behind_a_cut(reward, value, next_value, terminated, truncated, gamma, lam):
    end = terminated | truncated
    return solutions.advantages_and_targets(reward, value, next_value, end, truncated, gamma, lam)


@mutant(
    "advantages_and_targets",
    "the sum runs on over ends: the next episode's advantages flow into this one. Stop it where an episode ends, cut or terminated.",
)
def leaks_over_ends(reward, value, next_value, terminated, truncated, gamma, lam):
    after = np.where(terminated, 0.0, next_value)
    story = reward + gamma * after, value, np.zeros_like(value), np.zeros_like(terminated)
    return solutions.advantages_and_targets(*story, np.zeros_like(terminated), gamma, lam)


@mutant(
    "advantages_and_targets",
    "the sum stops at terminated steps only: over a cut, the next episode's advantages flow in.",
)
def leaks_over_cuts(reward, value, next_value, terminated, truncated, gamma, lam):
    story = reward, value, next_value, terminated, np.zeros_like(truncated)
    return solutions.advantages_and_targets(*story, gamma, lam)


@mutant(
    "advantages_and_targets",
    "nothing comes after a terminated step: there V of the successor does not count.",
)
def bootstraps_at_the_end(reward, value, next_value, terminated, truncated, gamma, lam):
    done, never = terminated | truncated, np.zeros_like(terminated)
    return solutions.advantages_and_targets(reward, value, next_value, never, done, gamma, lam)


@mutant(
    "advantages_and_targets",
    "at the last step of the tape the walk goes on: V of its successor counts, only the sum stops.",
)
def nothing_behind_the_tape(reward, value, next_value, terminated, truncated, gamma, lam):
    last = terminated.copy()
    last[-1] = True
    return solutions.advantages_and_targets(reward, value, next_value, last, truncated, gamma, lam)


@mutant(
    "advantages_and_targets",
    "this subtracts the mean, which turns signs round. Divide by the root mean square alone.",
)
def standardises(reward, value, next_value, terminated, truncated, gamma, lam):
    _, target = solutions.advantages_and_targets(reward, value, next_value, terminated, truncated, gamma, lam)
    A = target - value
    return [(A - A.mean()) / A.std(), target]


# ---------------------------------------------------------------- 11.7 steps_before_stop


def _stop(kl, limit):
    over = np.flatnonzero(kl > limit)
    n = int(over[0]) if len(over) else len(kl)
    return [n, float(kl[min(n, len(kl) - 1)])]


def _k3(log_r):
    return np.mean(np.exp(log_r) - 1 - log_r, axis=-1)


@mutant(
    "steps_before_stop",
    "this is the mean of -log r. It is right on average, but a sample of it may be negative however far the policy went: add r - 1.",
)
def estimate_that_may_be_negative(logp, logp_old, target):
    return _stop(np.mean(logp_old - logp, axis=1), 1.5 * target)


@mutant(
    "steps_before_stop",
    "the ratio is upside down. The old policy drew the actions, so it is r = new / old that has the mean 1.",
)
def ratio_upside_down(logp, logp_old, target):
    return _stop(_k3(logp_old - logp), 1.5 * target)


@mutant("steps_before_stop", "it stops at the target itself. A little more is allowed: 1.5 times.")
def stops_at_the_target(logp, logp_old, target):
    return _stop(_k3(logp - logp_old), target)


@mutant("steps_before_stop", "the step that was too far is counted. It is not taken.")
def counts_the_last_step(logp, logp_old, target):
    n, kl = solutions.steps_before_stop(logp, logp_old, target)
    return [min(n + 1, len(logp)), kl]


@mutant(
    "steps_before_stop", "it goes on with later steps. When one estimate is too large, the update is over."
)
def skips_and_goes_on(logp, logp_old, target):
    kl = _k3(logp - logp_old)
    return [int(np.sum(kl <= 1.5 * target)), float(kl[-1])]


@mutant(
    "steps_before_stop",
    "each step is compared with the one before. The divergence counts from the policy that walked: logp_old stands still.",
)
def compares_with_the_step_before(logp, logp_old, target):
    return _stop(_k3(np.diff(logp, axis=0, prepend=logp_old[None])), 1.5 * target)


# ---------------------------------------------------------------- 11.8 dual_clip


def _two_edges(logp, logp_old, advantage, low, high):
    """[loss, gradient] of r A that is flat below low and above high.   low, high: numbers or (B,)"""
    ratio = np.exp(logp - logp_old)
    flat = (ratio < low) | (ratio > high)
    loss = -np.mean(np.clip(ratio, low, high) * advantage)
    return [float(loss), np.where(flat, 0.0, -ratio * advantage / len(logp))]


@mutant(
    "dual_clip",
    "there is no floor: for A < 0 a huge ratio still counts in full. Take the larger one of it and c A.",
)
def single_clip(logp, logp_old, advantage, clip, c):
    return solutions.dual_clip(logp, logp_old, advantage, clip, np.inf)


@mutant(
    "dual_clip",
    "for A < 0 this takes the larger one of r A and clip(r) A: the trust region is inverted. The inner one is `min` for both signs.",
)
def inverted_inside(logp, logp_old, advantage, clip, c):
    return _two_edges(logp, logp_old, advantage, 0.0, 1 + clip)


@mutant(
    "dual_clip",
    "the floor is put under good actions too: a ratio that fell gets no push back. It is for A < 0 only.",
)
def floor_for_both_signs(logp, logp_old, advantage, clip, c):
    low, high = np.where(advantage > 0, 1 / c, 1 - clip), np.where(advantage > 0, 1 + clip, c)
    return _two_edges(logp, logp_old, advantage, low, high)


@mutant("dual_clip", "the push is -A / B. With respect to logp the ratio has the slope r: -r A / B.")
def slope_of_the_ratio(logp, logp_old, advantage, clip, c):
    loss, d = solutions.dual_clip(logp, logp_old, advantage, clip, c)
    return [loss, d / np.exp(logp - logp_old)]


@mutant("dual_clip", "these are sums over the batch. The loss is a mean: divide by B.")
def sums_over_the_batch(logp, logp_old, advantage, clip, c):
    loss, d = solutions.dual_clip(logp, logp_old, advantage, clip, c)
    return [loss * len(logp), d * len(logp)]


@mutant(
    "dual_clip", "this is the objective, to be maximised. The loss is minus that, and so is its gradient."
)
def objective_for_a_loss(logp, logp_old, advantage, clip, c):
    loss, d = solutions.dual_clip(logp, logp_old, advantage, clip, c)
    return [-loss, -d]


@mutant(
    "dual_clip", "where the floor was chosen, nothing moves any more: the gradient is 0 there, not -r A / B."
)
def pushes_on_the_floor(logp, logp_old, advantage, clip, c):
    loss, _ = solutions.dual_clip(logp, logp_old, advantage, clip, c)
    return [loss, solutions.dual_clip(logp, logp_old, advantage, clip, np.inf)[1]]


# ---------------------------------------------------------------- 11.9 clipped_huber


def _candidates(value, value_old, target, clip, delta):
    """Losses and slopes of the value itself, and of the clipped one.   (B,) four times"""
    move = value - value_old
    plain = solutions._huber(value - target, delta)
    loss, slope = solutions._huber(value_old + np.clip(move, -clip, clip) - target, delta)
    return *plain, loss, np.where(np.abs(move) <= clip, slope, 0.0)


def _chosen(pick, loss, slope, loss_clip, slope_clip):
    first = pick(loss, loss_clip)
    return [
        float(np.mean(np.where(first, loss, loss_clip))),
        np.where(first, slope, slope_clip) / len(loss),
    ]


@mutant(
    "clipped_huber",
    "this takes the smaller loss: a critic that moved too far is let off. Take the larger one.",
)
def takes_the_smaller(value, value_old, target, clip, delta):
    return _chosen(np.less_equal, *_candidates(value, value_old, target, clip, delta))


@mutant(
    "clipped_huber",
    "this is the clipped loss alone: a value that moved the wrong way has no gradient, so its way back is cut off. Take the larger one of both.",
)
def clipped_alone(value, value_old, target, clip, delta):
    return _chosen(lambda a, b: np.zeros(len(a), bool), *_candidates(value, value_old, target, clip, delta))


@mutant("clipped_huber", "nothing is clipped: this is the Huber loss alone.")
def plain_huber(value, value_old, target, clip, delta):
    return _chosen(lambda a, b: np.ones(len(a), bool), *_candidates(value, value_old, target, clip, delta))


@mutant(
    "clipped_huber",
    "the error is squared however large it is. Beyond delta the loss grows in a straight line.",
)
def squares_outliers(value, value_old, target, clip, delta):
    return solutions.clipped_huber(value, value_old, target, clip, np.inf)


@mutant("clipped_huber", "the value is held near its target. The clip holds it near its *old* value.")
def clips_around_the_target(value, value_old, target, clip, delta):
    return solutions.clipped_huber(value, target, target, clip, delta)


@mutant(
    "clipped_huber", "the clipped value passes a gradient beyond the clip. There it is a constant: slope 0."
)
def passes_the_clip(value, value_old, target, clip, delta):
    loss, slope, loss_clip, _ = _candidates(value, value_old, target, clip, delta)
    near = value_old + np.clip(value - value_old, -clip, clip)
    return _chosen(np.greater_equal, loss, slope, loss_clip, solutions._huber(near - target, delta)[1])


@mutant(
    "clipped_huber",
    "this is the larger one of two means. Which loss is larger is asked of each step; the mean comes after.",
)
def larger_of_two_means(value, value_old, target, clip, delta):
    return _chosen(
        lambda a, b: np.full(len(a), a.mean() >= b.mean()),
        *_candidates(value, value_old, target, clip, delta),
    )


@mutant(
    "clipped_huber",
    "an outlier's slope is its sign here. The straight line beyond delta has the slope delta times the sign.",
)
def slope_1_for_outliers(value, value_old, target, clip, delta):
    loss, slope, loss_clip, slope_clip = _candidates(value, value_old, target, clip, delta)
    slope, slope_clip = (np.where(np.abs(s) < delta, s, np.sign(s)) for s in (slope, slope_clip))
    return _chosen(np.greater_equal, loss, slope, loss_clip, slope_clip)


# ---------------------------------------------------------------- 11.10 reverse_penalty


def _parts(logits, logits_old, action):
    """pi, pi_old, log ratio (B, A), the ratio of the action taken (B,), onehot(a) - pi (B, A)."""
    pi, old = solutions._softmax(logits), solutions._softmax(logits_old)
    rows = np.arange(len(action))
    return pi, old, np.log(pi / old), pi[rows, action] / old[rows, action], np.eye(pi.shape[1])[action] - pi


@mutant(
    "reverse_penalty",
    "this is KL(old || new), which the paper's penalty has. Here the new policy stands in front, and weighs its own logarithms.",
)
def the_papers_direction(logits, logits_old, action, advantage, beta):
    pi, old, log_ratio, r, score = _parts(logits, logits_old, action)
    loss = np.mean(-r * advantage - beta * np.sum(old * log_ratio, axis=1))
    return [float(loss), (-(r * advantage)[:, None] * score + beta * (pi - old)) / len(action)]


@mutant(
    "reverse_penalty",
    "the divergence is taken from the action of the step alone. Sum over all actions, weighed by the new policy.",
)
def divergence_of_one_action(logits, logits_old, action, advantage, beta):
    _, _, log_ratio, r, score = _parts(logits, logits_old, action)
    loss = np.mean(-r * advantage + beta * log_ratio[np.arange(len(action)), action])
    return [float(loss), (beta - r * advantage)[:, None] * score / len(action)]


@mutant("reverse_penalty", "the penalty has the wrong sign: this pays for going far.")
def pays_for_divergence(logits, logits_old, action, advantage, beta):
    return solutions.reverse_penalty(logits, logits_old, action, advantage, -beta)


@mutant("reverse_penalty", "the gain has the wrong sign: a step downhill would make good actions rarer.")
def minimises_the_ratio(logits, logits_old, action, advantage, beta):
    return solutions.reverse_penalty(logits, logits_old, action, -advantage, beta)


@mutant(
    "reverse_penalty",
    "the push on logp is -A. The loss has the ratio in it, so it is -r A; they agree only where r = 1.",
)
def forgets_the_ratio_in_the_gradient(logits, logits_old, action, advantage, beta):
    loss, d = solutions.reverse_penalty(logits, logits_old, action, advantage, beta)
    _, _, _, r, score = _parts(logits, logits_old, action)
    return [loss, d + ((r - 1) * advantage)[:, None] * score / len(action)]


@mutant(
    "reverse_penalty",
    "the gradient of the divergence is pi log(pi / old), whose row does not sum to 0. Subtract pi KL: a constant added to all logits changes nothing.",
)
def does_not_centre_the_divergence(logits, logits_old, action, advantage, beta):
    loss, d = solutions.reverse_penalty(logits, logits_old, action, advantage, beta)
    pi, _, log_ratio, _, _ = _parts(logits, logits_old, action)
    kl = np.sum(pi * log_ratio, axis=1, keepdims=True)
    return [loss, d + beta * pi * kl / len(action)]


@mutant("reverse_penalty", "the gradient is a sum over the batch. The loss is a mean: divide by B.")
def gradient_of_the_sum(logits, logits_old, action, advantage, beta):
    loss, d = solutions.reverse_penalty(logits, logits_old, action, advantage, beta)
    return [loss, d * len(action)]


# ---------------------------------------------------------------- 11.11 trust_region_step


def _search(theta, d, x, delta, tries):
    """theta + x, theta + x / 2, ...: the first one within the radius, or theta."""
    pi = solutions._softmax(theta)
    for k in range(tries):
        new = solutions._softmax(theta + x / 2**k)
        kl = d @ np.sum(pi * np.log(pi / new), axis=1)
        if kl <= delta:
            return new
    return pi


def _natural(theta, d, Q, delta):
    """The scaled natural gradient, its policy."""
    pi = solutions._softmax(theta)
    x = Q - np.sum(pi * Q, axis=1, keepdims=True)
    return x * np.sqrt(2 * delta / np.sum(d[:, None] * pi * x**2)), pi


@mutant(
    "trust_region_step",
    "this goes along the plain gradient d pi A, which hardly moves rare states and rare actions. The natural one divides that out: A itself.",
)
def plain_gradient(theta, d, Q, delta, tries):
    x, pi = _natural(theta, d, Q, delta)
    g = d[:, None] * pi * x
    curvature = d @ (np.sum(pi * g**2, axis=1) - np.sum(pi * g, axis=1) ** 2)
    return _search(theta, d, g * np.sqrt(2 * delta / curvature), delta, tries)


@mutant(
    "trust_region_step",
    "the step is not checked. Its length comes from a quadratic model; where the true divergence is larger than delta, halve it.",
)
def trusts_the_model(theta, d, Q, delta, tries):
    x, _ = _natural(theta, d, Q, delta)
    return _search(theta, d, x, np.inf, 1)


@mutant("trust_region_step", "the 2 is missing: KL is x^T F x / 2, so the length is sqrt(2 delta / x^T F x).")
def forgets_the_2(theta, d, Q, delta, tries):
    x, _ = _natural(theta, d, Q, delta)
    return _search(theta, d, x / np.sqrt(2), delta, tries)


@mutant("trust_region_step", "the root is missing: the divergence grows with the square of the length.")
def forgets_the_root(theta, d, Q, delta, tries):
    x, pi = _natural(theta, d, Q, delta)
    x = x * np.sqrt(2 * delta / np.sum(d[:, None] * pi * (Q - np.sum(pi * Q, axis=1, keepdims=True)) ** 2))
    return _search(theta, d, x, delta, tries)


@mutant(
    "trust_region_step",
    "the divergence is summed over the states as if each were as frequent. Weigh it by d, here and in the length.",
)
def every_state_counts_alike(theta, d, Q, delta, tries):
    return solutions.trust_region_step(theta, np.full(len(d), 1 / len(d)), Q, delta, tries)


@mutant(
    "trust_region_step",
    "when no try is near enough, the last one is taken. Then the policy must stay as it is.",
)
def takes_the_last_try(theta, d, Q, delta, tries):
    x, pi = _natural(theta, d, Q, delta)
    found = solutions.trust_region_step(theta, d, Q, delta, tries)
    return solutions._softmax(theta + x / 2 ** (tries - 1)) if np.array_equal(found, pi) else found
