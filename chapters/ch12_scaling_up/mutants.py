"""Wrong answers of chapter 12. Each is a mistake that people make, with what they need to hear."""

import math

import numpy as np

from chapters.ch12_scaling_up import solutions
from chapters.harness import mutant

# ---------------------------------------------------------------- 12.1 joined_gradient


@mutant(
    "joined_gradient",
    "the gradients are summed, so every shard more makes the step longer, as a larger learning rate would. Average.",
)
def sums_instead_of_averaging(gradients, counts, max_norm):
    g = gradients.sum(axis=0)
    return g * min(1.0, max_norm / np.linalg.norm(g))


@mutant(
    "joined_gradient",
    "all shards count alike. One with twice the steps has twice the weight in the mean over all steps.",
)
def forgets_the_counts(gradients, counts, max_norm):
    return solutions.joined_gradient(gradients, np.ones(len(counts)), max_norm)


@mutant(
    "joined_gradient",
    "each shard's gradient is shortened before the mean is taken. Loud shards lose their say: first average, then clip.",
)
def clips_every_shard(gradients, counts, max_norm):
    length = np.linalg.norm(gradients, axis=1, keepdims=True)
    return counts @ (gradients * np.minimum(1.0, max_norm / length)) / counts.sum()


@mutant(
    "joined_gradient",
    "every coordinate is cut by itself, which bends the gradient. Shorten it as a whole, in the same direction.",
)
def clips_coordinates(gradients, counts, max_norm):
    return np.clip(counts @ gradients / counts.sum(), -max_norm, max_norm)


@mutant("joined_gradient", "the mean is not shortened. A gradient longer than max_norm has to be.")
def never_clips(gradients, counts, max_norm):
    return counts @ gradients / counts.sum()


@mutant(
    "joined_gradient",
    "every gradient gets the length max_norm, short ones too. Only what is longer has to be shortened.",
)
def always_the_same_length(gradients, counts, max_norm):
    g = counts @ gradients / counts.sum()
    return g * max_norm / np.linalg.norm(g)


# ---------------------------------------------------------------- 12.2 speed_up


@mutant("speed_up", "K workers are K times faster here. The serial part and the messages wait for nobody.")
def linear_speed_up(shards, compute, serial, latency, size, bandwidth):
    return float(shards)


@mutant(
    "speed_up",
    "messages cost nothing here: this is Amdahl's law alone. With every shard there are two messages more.",
)
def talks_for_free(shards, compute, serial, latency, size, bandwidth):
    return (serial + compute) / (serial + compute / shards)


@mutant(
    "speed_up",
    "the serial part is divided among the shards as well. It is what cannot be: the optimiser's step, say.",
)
def divides_everything(shards, compute, serial, latency, size, bandwidth):
    messages = 2 * shards if shards > 1 else 0
    return (serial + compute) / ((serial + compute) / shards + messages * (latency + size / bandwidth))


@mutant(
    "speed_up",
    "messages go one way only. Parameters go out and gradients come back: two for each shard.",
)
def sends_one_way(shards, compute, serial, latency, size, bandwidth):
    messages = shards if shards > 1 else 0
    return (serial + compute) / (serial + compute / shards + messages * (latency + size / bandwidth))


@mutant(
    "speed_up",
    "a message costs its latency, but its bytes are free. They take size / bandwidth seconds more.",
)
def forgets_the_bytes(shards, compute, serial, latency, size, bandwidth):
    return solutions.speed_up(shards, compute, serial, latency, 0.0, bandwidth)


@mutant(
    "speed_up",
    "two messages in all, however many shards. The centre talks to each of them, and messages wait for each other.",
)
def talks_to_one_shard(shards, compute, serial, latency, size, bandwidth):
    messages = 2 if shards > 1 else 0
    return (serial + compute) / (serial + compute / shards + messages * (latency + size / bandwidth))


@mutant("speed_up", "one shard alone pays for messages. It has nobody to talk to, and its speed-up is 1.")
def talks_to_itself(shards, compute, serial, latency, size, bandwidth):
    messages = 2 * shards * (latency + size / bandwidth)
    return (serial + compute) / (serial + compute / shards + messages)


# ---------------------------------------------------------------- 12.3 act_in_a_box


@mutant(
    "act_in_a_box",
    "logp is that of the clipped action, which the policy did not draw. The density belongs to what was drawn.",
)
def log_prob_of_the_clipped_action(mean, log_std, noise, low, high):
    done, _, H = solutions.act_in_a_box(mean, log_std, noise, low, high)
    return [done, solutions.act_in_a_box(mean, log_std, (done - mean) / np.exp(log_std), low, high)[1], H]


@mutant(
    "act_in_a_box",
    "the environment gets an action outside its box. Clip what is executed, and only that.",
)
def executes_what_was_drawn(mean, log_std, noise, low, high):
    _, logp, H = solutions.act_in_a_box(mean, log_std, noise, low, high)
    return [mean + np.exp(log_std) * noise, logp, H]


@mutant(
    "act_in_a_box",
    "entropies below 0 became 0. A density may be above 1, so the entropy of a narrow Gaussian is negative.",
)
def entropy_is_never_negative(mean, log_std, noise, low, high):
    done, logp, _ = solutions.act_in_a_box(mean, log_std, noise, low, high)
    return [done, logp, np.maximum(log_std + math.log(math.tau * math.e) / 2, 0.0).sum()]


@mutant("act_in_a_box", "log_std is used as the standard deviation. Take its exponential first.")
def forgets_the_exponential(mean, log_std, noise, low, high):
    _, logp, H = solutions.act_in_a_box(mean, log_std, noise, low, high)
    return [np.clip(mean + log_std * noise, low, high), logp, H]


@mutant(
    "act_in_a_box",
    "logp and entropy are means over the coordinates. Independent densities multiply, so their logarithms add.",
)
def averages_the_coordinates(mean, log_std, noise, low, high):
    done, logp, H = solutions.act_in_a_box(mean, log_std, noise, low, high)
    return [done, logp / len(mean), H / len(mean)]


@mutant(
    "act_in_a_box",
    "logp lacks - log_std, what makes the area under the density 1. Without it a wide policy pays no price.",
)
def forgets_the_width(mean, log_std, noise, low, high):
    done, logp, H = solutions.act_in_a_box(mean, log_std, noise, low, high)
    return [done, logp + log_std.sum(), H]


@mutant(
    "act_in_a_box",
    "the mean is put into the box before the noise is added. Clip what was drawn, after that; the policy keeps its mean.",
)
def clips_the_mean(mean, log_std, noise, low, high):
    _, logp, entropy = solutions.act_in_a_box(mean, log_std, noise, low, high)
    return [np.clip(np.clip(mean, low, high) + np.exp(log_std) * noise, low, high), logp, entropy]


# ---------------------------------------------------------------- 12.4 slow_copies


@mutant(
    "slow_copies",
    "the shares are exchanged: the copy runs after its network almost at once. It keeps 1 - part of itself.",
)
def moves_most_of_the_way(slow, weights, part):
    return solutions.slow_copies(slow, weights, 1 - part)


@mutant(
    "slow_copies",
    "this is a hard copy: it equals the network after every update, so the targets move as fast as what chases them.",
)
def copies_at_once(slow, weights, part):
    return weights.copy()


@mutant(
    "slow_copies",
    "every move starts from the first copy. It must start from where the move before has led.",
)
def always_from_the_start(slow, weights, part):
    return (1 - part) * slow + part * weights


@mutant(
    "slow_copies",
    "the copy stands still until the last update, then jumps. Move it a little after every update.",
)
def jumps_at_the_end(slow, weights, part):
    trace = np.repeat(slow[None], len(weights), axis=0)
    trace[-1] = weights[-1]
    return trace


@mutant("slow_copies", "the copy adds part of the network and keeps all of itself: it grows without bound.")
def keeps_all_of_itself(slow, weights, part):
    return slow + np.cumsum(part * weights, axis=0)


# ---------------------------------------------------------------- 12.5 variance_of_the_average


@mutant(
    "variance_of_the_average",
    "the variance is divided by K whatever the seeds are. Shards with the same seed send the same gradient twice.",
)
def takes_all_for_independent(variance, seeds):
    return variance / len(seeds)


@mutant(
    "variance_of_the_average",
    "the variance is divided by the number of different seeds. That is right only if all seeds occur equally often.",
)
def counts_different_seeds(variance, seeds):
    return variance / len(set(seeds.tolist()))


@mutant("variance_of_the_average", "nothing is gained here. The mean of independent shards scatters less.")
def gains_nothing(variance, seeds):
    return float(variance)


@mutant(
    "variance_of_the_average",
    "this is the variance of the sum of the gradients. The mean divides it by K squared.",
)
def variance_of_the_sum(variance, seeds):
    return solutions.variance_of_the_average(variance, seeds) * len(seeds) ** 2


@mutant(
    "variance_of_the_average",
    "the standard deviations are combined, not the variances: the shares enter squared, once.",
)
def takes_the_root(variance, seeds):
    return float(np.sqrt(solutions.variance_of_the_average(variance, seeds)))


# ---------------------------------------------------------------- 12.6 squashed_log_prob


@mutant(
    "squashed_log_prob",
    "this is the density of u, not of a. tanh squeezes: subtract the logarithm of its slope, the Jacobian.",
)
def no_jacobian(mean, log_std, u, low, high):
    return solutions.act_in_a_box(mean, log_std, (u - mean) / np.exp(log_std), low, high)[1]


@mutant(
    "squashed_log_prob",
    "the slope has the wrong sign in the logarithm. Where the slope is small, many u share few a: density rises.",
)
def adds_the_jacobian(mean, log_std, u, low, high):
    bare = no_jacobian(mean, log_std, u, low, high)
    return 2 * bare - solutions.squashed_log_prob(mean, log_std, u, low, high)


@mutant(
    "squashed_log_prob",
    "the slope of a = centre + reach tanh(u) is reach (1 - tanh(u)^2). The factor reach is missing.",
)
def forgets_the_reach(mean, log_std, u, low, high):
    return solutions.squashed_log_prob(mean, log_std, u, low, high) + np.log((high - low) / 2).sum()


@mutant(
    "squashed_log_prob",
    "the slope is 1 - tanh(u)^2, not 1 - u^2: the formula wants the action, and you put in what comes before it.",
)
def slope_of_the_wrong_thing(mean, log_std, u, low, high):
    bare = no_jacobian(mean, log_std, u, low, high)
    with np.errstate(divide="ignore"):
        return bare - np.log((high - low) / 2 * np.abs(1 - u**2)).sum()


@mutant(
    "squashed_log_prob",
    "the Gaussian density is taken at the squashed action. The policy drew u; a is what tanh made of it.",
)
def density_at_the_action(mean, log_std, u, low, high):
    a = (low + high) / 2 + (high - low) / 2 * np.tanh(u)
    jacobian = solutions.squashed_log_prob(mean, log_std, u, low, high) - no_jacobian(
        mean, log_std, u, low, high
    )
    return no_jacobian(mean, log_std, a, low, high) + jacobian


# ---------------------------------------------------------------- 12.7 ddpg_targets


@mutant(
    "ddpg_targets",
    "a truncated step is treated as an end. The time limit ended the watching, not the future: bootstrap.",
)
def truncation_is_termination(reward, action, x_next, terminated, truncated, W, w, gamma):
    return solutions.ddpg_targets(reward, action, x_next, terminated | truncated, truncated, W, w, gamma)


@mutant("ddpg_targets", "a terminated step bootstraps. After an end there is nothing left to be paid for.")
def bootstraps_from_the_end(reward, action, x_next, terminated, truncated, W, w, gamma):
    return solutions.ddpg_targets(reward, action, x_next, terminated & False, truncated, W, w, gamma)


@mutant(
    "ddpg_targets",
    "the next action is the one that was stored. It was taken before x_next; what counts is what mu' does there.",
)
def repeats_the_action(reward, action, x_next, terminated, truncated, W, w, gamma):
    return reward + gamma * ~terminated * (w[0] + w[1] * action + w[2] * action**2)


@mutant(
    "ddpg_targets",
    "the actor's answer is not squashed: tanh keeps actions in the box, where the critic knows something.",
)
def forgets_the_tanh(reward, action, x_next, terminated, truncated, W, w, gamma):
    a = x_next @ W
    return reward + gamma * ~terminated * (w[0] + w[1] * a + w[2] * a**2)


@mutant(
    "ddpg_targets",
    "this is the largest value over all actions. DDPG does not search: it asks the actor for one.",
)
def searches_for_the_best(reward, action, x_next, terminated, truncated, W, w, gamma):
    a = np.linspace(-1, 1, 2001)
    return reward + gamma * ~terminated * (w[0] + w[1] * a + w[2] * a**2).max()


@mutant("ddpg_targets", "gamma is missing: the critic's answer lies a step ahead, so it is discounted.")
def forgets_gamma(reward, action, x_next, terminated, truncated, W, w, gamma):
    return solutions.ddpg_targets(reward, action, x_next, terminated, truncated, W, w, 1.0)


# ---------------------------------------------------------------- 12.8 actor_gradient


@mutant(
    "actor_gradient",
    "the slope of Q is taken at the stored action. The chain rule wants it where mu stands now, a = mu(x).",
)
def slope_at_the_stored_action(x, action, W, c, goal, reach):
    slope_of_mu = reach * (1 - np.tanh(x @ W) ** 2)
    return (-c * (action - x @ goal) * slope_of_mu) @ x / len(x)


@mutant(
    "actor_gradient",
    "the slope of tanh, 1 - tanh(y)^2, is missing. Near the edge of the box an actor hardly moves.",
)
def forgets_the_tanhs_slope(x, action, W, c, goal, reach):
    return (-c * (reach * np.tanh(x @ W) - x @ goal) * reach) @ x / len(x)


@mutant(
    "actor_gradient",
    "this is the gradient of a loss, downhill. Asked is where the mean of Q grows; a loss is its negative.",
)
def climbs_down(x, action, W, c, goal, reach):
    return -solutions.actor_gradient(x, action, W, c, goal, reach)


@mutant(
    "actor_gradient",
    "Q itself stands where its slope belongs. Weighing by values is the likelihood ratio's way; this one needs dQ/da.",
)
def weighs_by_the_value(x, action, W, c, goal, reach):
    u = np.tanh(x @ W)
    Q = -c / 2 * (reach * u - x @ goal) ** 2
    return (Q * reach * (1 - u**2)) @ x / len(x)


@mutant(
    "actor_gradient",
    "reach is missing from the slope of mu = reach tanh(y): an actor with a wide box moves further.",
)
def forgets_the_reach_of_mu(x, action, W, c, goal, reach):
    return solutions.actor_gradient(x, action, W, c, goal, reach) / reach


@mutant("actor_gradient", "the batch is summed. The mean has the same size whatever the batch.")
def sums_the_batch(x, action, W, c, goal, reach):
    return solutions.actor_gradient(x, action, W, c, goal, reach) * len(x)


# ---------------------------------------------------------------- 12.9 averaged_rounds


def _rounds(w, A, b, lr, momentum, local, rounds, meet):
    """W, U (K, n);  meet(W, U) -> what the shards start the next round from."""
    W, U = np.tile(w, (len(A), 1)).astype(float), np.zeros(b.shape)
    for _ in range(rounds):
        for _ in range(local):
            U = momentum * U + np.einsum("kij,kj->ki", A, W) - b
            W = W - lr * U
        W, U = meet(W, U)
    return W.mean(axis=0)


def _mean(x):
    return np.repeat(x.mean(axis=0)[None], len(x), axis=0)


@mutant(
    "averaged_rounds",
    "the velocity is forgotten: every round starts from rest. It is part of what the shards have learned; average it too.",
)
def forgets_the_velocity(w, A, b, lr, momentum, local, rounds):
    return _rounds(w, A, b, lr, momentum, local, rounds, lambda W, U: (_mean(W), np.zeros_like(U)))


@mutant(
    "averaged_rounds",
    "every shard keeps its own velocity, which pulls it back to its own data after the meeting. Average it too.",
)
def keeps_own_velocities(w, A, b, lr, momentum, local, rounds):
    return _rounds(w, A, b, lr, momentum, local, rounds, lambda W, U: (_mean(W), U))


@mutant(
    "averaged_rounds",
    "the shards never meet: the mean is taken once, at the end. They must start each round from the common w.",
)
def meets_at_the_end(w, A, b, lr, momentum, local, rounds):
    return _rounds(w, A, b, lr, momentum, local, rounds, lambda W, U: (W, U))


@mutant(
    "averaged_rounds",
    "this averages gradients, at every step. Here shards go their own way for `local` steps, then average parameters.",
)
def averages_gradients(w, A, b, lr, momentum, local, rounds):
    return _rounds(w, _mean(A), _mean(b), lr, momentum, local, rounds, lambda W, U: (W, U))


@mutant(
    "averaged_rounds",
    "the shards take turns: each starts from where the one before ended. All start from the same w.",
)
def takes_turns(w, A, b, lr, momentum, local, rounds):
    u = np.zeros(len(w))
    for _ in range(rounds):
        for A_k, b_k in zip(A, b):
            for _ in range(local):
                u = momentum * u + A_k @ w - b_k
                w = w - lr * u
    return w


# ---------------------------------------------------------------- 12.10 largest_stale_rate


@mutant(
    "largest_stale_rate",
    "this is the limit for fresh gradients, 2 over the largest eigenvalue. Old ones run away long before it.",
)
def limit_of_fresh_gradients(A, delay):
    return 2 / np.linalg.eigvalsh(A).max()


@mutant(
    "largest_stale_rate",
    "the delay is off by one: without delay the limit must be 2 over the largest eigenvalue.",
)
def one_update_too_old(A, delay):
    return solutions.largest_stale_rate(A, delay + 1)


@mutant(
    "largest_stale_rate",
    "the flattest direction is looked at. The steepest runs away first: it has the largest eigenvalue.",
)
def looks_at_the_flattest(A, delay):
    return solutions.largest_stale_rate(A, delay) * np.linalg.eigvalsh(A).max() / np.linalg.eigvalsh(A).min()


@mutant(
    "largest_stale_rate",
    "dividing the fresh limit by the delay + 1 is a rule of thumb. The polynomial of the error gives the limit exactly.",
)
def rule_of_thumb(A, delay):
    return 2 / (delay + 1) / np.linalg.eigvalsh(A).max()


@mutant(
    "largest_stale_rate",
    "this is where errors begin to oscillate, d^d / (d + 1)^(d + 1). They still shrink there, and for a while beyond.",
)
def stops_at_the_first_wave(A, delay):
    return delay**delay / (delay + 1) ** (delay + 1) / np.linalg.eigvalsh(A).max()


# ---------------------------------------------------------------- 12.11 where_averages_end


@mutant(
    "where_averages_end",
    "this is the lowest point of the joined data, where averaged gradients end. Averaged parameters end elsewhere.",
)
def the_joined_optimum(X, y, lr, local):
    return np.linalg.lstsq(X.reshape(-1, X.shape[2]), y.ravel(), rcond=None)[0]


@mutant(
    "where_averages_end",
    "this is the mean of the shards' own optima, reached after infinitely many local steps. There are only `local`.",
)
def the_mean_of_the_optima(X, y, lr, local):
    return np.mean([np.linalg.lstsq(X_k, y_k, rcond=None)[0] for X_k, y_k in zip(X, y)], axis=0)


@mutant(
    "where_averages_end",
    "one round too few: this is the mean of where the shards get from w = 0 once. Rounds go on until nothing changes.",
)
def one_round(X, y, lr, local):
    ends = []
    for X_k, y_k in zip(X, y):
        w = np.zeros(X.shape[2])
        for _ in range(local):
            w = w - lr * X_k.T @ (X_k @ w - y_k) / len(y_k)
        ends.append(w)
    return np.mean(ends, axis=0)


@mutant(
    "where_averages_end",
    "the loss of a shard is a mean over its rows, and here it is a sum: steps B times as long.",
)
def sums_the_rows(X, y, lr, local):
    return solutions.where_averages_end(X, y, lr * X.shape[1], local)


@mutant(
    "where_averages_end",
    "`local` counts the steps between two meetings. After one step less the shards have not drifted as far.",
)
def one_step_less(X, y, lr, local):
    return solutions.where_averages_end(X, y, lr, local - 1)


# ---------------------------------------------------------------- 12.12 two_gradients


@mutant(
    "two_gradients",
    "the likelihood ratio lacks its baseline E Q. It leaves the mean as it is, and the variance needs it.",
)
def forgets_the_baseline(q, m, s):
    def bare(z, Q, mean_Q):
        return Q(m + s * z) * z / s

    return _two(q, m, s, bare)


@mutant(
    "two_gradients",
    "the score is (a - m) / s^2, which is z / s. With z alone it has neither the right mean nor the right variance.",
)
def forgets_the_spread_in_the_score(q, m, s):
    def unscaled(z, Q, mean_Q):
        return (Q(m + s * z) - mean_Q) * z

    return _two(q, m, s, unscaled)


@mutant(
    "two_gradients",
    "these are second moments. A variance subtracts the square of the mean.",
)
def second_moments(q, m, s):
    mean, first, second = solutions.two_gradients(q, m, s)
    return [mean, first + mean**2, second + mean**2]


@mutant(
    "two_gradients",
    "the slope is taken at the mean action only, so it does not vary. Its mean over the noise is another number.",
)
def slope_at_the_mean(q, m, s):
    _, first, _ = solutions.two_gradients(q, m, s)
    return [np.polynomial.Polynomial(q).deriv()(m), first, 0.0]


@mutant(
    "two_gradients",
    "the baseline is the value of the mean action, Q(m). The value of the policy is E Q, the noise included.",
)
def baseline_without_noise(q, m, s):
    def off(z, Q, mean_Q):
        return (Q(m + s * z) - Q(m)) * z / s

    return _two(q, m, s, off)


def _two(q, m, s, estimate):
    z, weight = np.polynomial.hermite_e.hermegauss(12)
    p, Q = weight / weight.sum(), np.polynomial.Polynomial(q)
    g = estimate(z, Q, p @ Q(m + s * z))
    mean, _, second = solutions.two_gradients(q, m, s)
    return [mean, p @ (g - p @ g) ** 2, second]
