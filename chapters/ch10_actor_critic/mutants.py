"""Wrong answers of chapter 10. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.ch10_actor_critic import solutions
from chapters.harness import mutant
from rlcore.numerics import softmax

# ---------------------------------------------------------------- 10.1 advantages


@mutant(
    "advantages",
    "this compares the reward of one step with the mean reward of one step. The future is missing in both: A = Q - V.",
)
def without_the_future(P, R, gamma, pi):
    return R - (pi * R).sum(axis=1, keepdims=True)


@mutant(
    "advantages",
    "V is the mean reward of one step here, sum_a pi r. A value is the mean of Q: it solves V = sum_a pi (r + gamma P V).",
)
def values_of_one_step(P, R, gamma, pi):
    V = (pi * R).sum(axis=1)
    return R + gamma * P @ V - V[:, None]


@mutant(
    "advantages",
    "this compares with the best action, so that nothing is ever positive. A compares with the policy: subtract V.",
)
def against_the_best(P, R, gamma, pi):
    A = solutions.advantages(P, R, gamma, pi)
    return A - A.max(axis=1, keepdims=True)


@mutant(
    "advantages",
    "the plain mean over actions is subtracted. The policy does not take them all equally often: weight by pi.",
)
def against_the_plain_mean(P, R, gamma, pi):
    A = solutions.advantages(P, R, gamma, pi)
    return A - A.mean(axis=1, keepdims=True)


@mutant("advantages", "the sign is wrong: a good action has a positive advantage, Q - V.")
def upside_down(P, R, gamma, pi):
    return -solutions.advantages(P, R, gamma, pi)


@mutant("advantages", "this is Q. The advantage is what is left of it when V is subtracted.")
def action_values(P, R, gamma, pi):
    return R + gamma * P @ solutions._value(P, R, gamma, pi)


# ---------------------------------------------------------------- 10.2 judge_returns


def _all_pairs(G, v):
    """G (B,) minus v (B, 1), as NumPy broadcasts it.   -> (B, B)"""
    return G - v


@mutant(
    "judge_returns",
    "(B,) minus (B, 1) is broadcast to (B, B): every return is compared with every value. What is left is G - mean V, and the critic learns one constant. Take v[:, 0].",
)
def broadcasts(G, v):
    pairs = _all_pairs(G, v)
    return [pairs.mean(axis=0), float(np.mean(pairs**2)) / 2, -pairs.mean(axis=1, keepdims=True) / len(G)]


@mutant(
    "judge_returns",
    "the advantage is right, but the loss compares every return with every value: (B, 1) against (B,) is (B, B).",
)
def broadcasts_in_the_loss(G, v):
    _, loss, d_v = broadcasts(G, v)
    return [G - v[:, 0], loss, d_v]


@mutant("judge_returns", "the gradient moves v away from G: the derivative of (v - G)^2 / 2 is v - G.")
def climbs_the_error(G, v):
    advantage, loss, d_v = solutions.judge_returns(G, v)
    return [advantage, loss, -d_v]


@mutant("judge_returns", "the gradient is that of a sum. The loss is a mean over the batch: divide by B.")
def sums_the_gradient(G, v):
    advantage, loss, d_v = solutions.judge_returns(G, v)
    return [advantage, loss, d_v * len(G)]


@mutant("judge_returns", "the half is missing: loss and gradient are twice as large.")
def forgets_the_half(G, v):
    advantage, loss, d_v = solutions.judge_returns(G, v)
    return [advantage, 2 * loss, 2 * d_v]


@mutant("judge_returns", "this is V - G. Better than expected is positive: G - V.")
def subtracts_the_return(G, v):
    advantage, loss, d_v = solutions.judge_returns(G, v)
    return [-advantage, loss, d_v]


# ---------------------------------------------------------------- 10.3 collect


def _walk(succ, terminal, start, horizon, action, cut=True, restart=True, late=0):
    """The walk without a limit, with a clock that is never put back, or with a late limit."""
    rows, s, clock = [], start, 0
    for a in action:
        s_next, clock = succ[s, a], clock + 1
        terminated = bool(terminal[s_next])
        truncated = cut and clock % (horizon + late) == 0 and not terminated
        rows.append((s, s_next, terminated, truncated))
        done = terminated or truncated
        s, clock = (start if done else s_next), (0 if done and restart else clock)
    return [np.array(column) for column in zip(*rows)]


@mutant(
    "collect",
    "the walk ends only where it terminated: `while not done` with done = terminated. There is no time limit; done is terminated or truncated.",
)
def without_a_time_limit(succ, terminal, start, horizon, action):
    return _walk(succ, terminal, start, horizon, action, cut=False)


@mutant(
    "collect",
    "next_state is the state after the reset. A learner bootstraps from it at a cut: it must be where the action led.",
)
def writes_down_the_reset(succ, terminal, start, horizon, action):
    state, next_state, terminated, truncated = _walk(succ, terminal, start, horizon, action)
    return [state, np.where(terminated | truncated, start, next_state), terminated, truncated]


@mutant(
    "collect",
    "a cut is reported as an end. Whoever reads `terminated` believes that nothing comes after: the time limit sets `truncated` alone.",
)
def takes_the_limit_for_an_end(succ, terminal, start, horizon, action):
    state, next_state, terminated, truncated = _walk(succ, terminal, start, horizon, action)
    return [state, next_state, terminated | truncated, truncated]


@mutant(
    "collect",
    "the clock goes on after a terminated step. Every episode has its own time limit: put it back to 0 at each reset.",
)
def never_puts_the_clock_back(succ, terminal, start, horizon, action):
    return _walk(succ, terminal, start, horizon, action, restart=False)


@mutant("collect", "an episode has one step more than `horizon` here: count the step before you compare.")
def cuts_too_late(succ, terminal, start, horizon, action):
    return _walk(succ, terminal, start, horizon, action, late=1)


@mutant(
    "collect",
    "a step that terminates on the last stroke of the clock is not truncated: the problem ended by itself.",
)
def both_at_once(succ, terminal, start, horizon, action):
    rows, s, clock = [], start, 0
    for a in action:
        s_next, clock = succ[s, a], clock + 1
        terminated, truncated = bool(terminal[s_next]), clock == horizon
        rows.append((s, s_next, terminated, truncated))
        s, clock = (start, 0) if terminated or truncated else (s_next, clock)
    return [np.array(column) for column in zip(*rows)]


# ---------------------------------------------------------------- 10.4 mixture


def _mixed(delta, gamma, weights):
    """weights(K) of the n-step advantages, n = 1 .. K."""
    K = len(delta)
    return np.array(
        [weights(K - t) @ np.cumsum(gamma ** np.arange(float(K - t)) * delta[t:]) for t in range(K)]
    )


@mutant(
    "mixture",
    "the last weight is (1 - lam) lam^(K-1) here, and the weights do not sum to 1. The whole episode stands for all longer windows too: lam^(K-1).",
)
def short_of_weight(delta, gamma, lam):
    return _mixed(delta, gamma, lambda K: (1 - lam) * lam ** np.arange(float(K)))


@mutant("mixture", "the factor (1 - lam) is missing: the weights sum to more than 1.")
def without_the_factor(delta, gamma, lam):
    return _mixed(delta, gamma, lambda K: lam ** np.arange(float(K)))


@mutant(
    "mixture",
    "the n-step advantage has the weight lam^n here. One step has lam^0: with lam = 0 it is all that counts.",
)
def one_power_too_many(delta, gamma, lam):
    def weights(K):
        weight = (1 - lam) * lam ** np.arange(1.0, K + 1)
        weight[-1] = lam**K
        return weight

    return _mixed(delta, gamma, weights)


@mutant(
    "mixture",
    "the TD errors are summed without discount: the one k steps ahead counts gamma^k in an n-step advantage.",
)
def without_discount(delta, gamma, lam):
    return solutions.mixture(delta, 1.0, lam)


@mutant("mixture", "all windows count alike. Shorter ones, which are less noisy, count more: lam^(n-1).")
def plain_mean(delta, gamma, lam):
    return _mixed(delta, gamma, lambda K: np.full(K, 1 / K))


# ---------------------------------------------------------------- 10.5 gae


def _successors(value, final_value, last_value, truncated):
    return np.where(truncated, final_value, np.vstack([value[1:], last_value]))


def _accumulated(delta, carry):
    """A_t = delta_t + carry_t A_{t+1}, from the last row to the first."""
    A = delta.copy()
    for t in reversed(range(len(A) - 1)):
        A[t] += carry[t] * A[t + 1]
    return A


@mutant(
    "gae",
    "the accumulator is not reset at an episode's end: steps are praised for what the next episode brings. Multiply by 1 - done.",
)
def leaks_into_the_episode_before(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    after = np.where(terminated, 0.0, _successors(value, final_value, last_value, truncated))
    return _accumulated(reward + gamma * after - value, np.full(value.shape, gamma * lam))


@mutant(
    "gae",
    "the accumulator is reset where the episode terminated, and runs through where it was cut. After a cut comes another episode, too.",
)
def leaks_through_cuts(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    after = np.where(terminated, 0.0, _successors(value, final_value, last_value, truncated))
    return _accumulated(reward + gamma * after - value, gamma * lam * ~terminated)


@mutant(
    "gae",
    "the end of an episode is not noticed at all: V(s') of a terminated step is that of the next episode's first state, and the sum goes on.",
)
def ignores_ends(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    delta = reward + gamma * np.vstack([value[1:], last_value]) - value
    return _accumulated(delta, np.full(value.shape, gamma * lam))


@mutant(
    "gae",
    "the rollout's last row bootstraps 0. The walkers only stop for a moment there: V(s') is last_value unless they terminated.",
)
def nothing_behind_the_rollout(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    return solutions.gae(reward, value, final_value, 0 * last_value, terminated, truncated, gamma, lam)


@mutant(
    "gae",
    "a truncated step bootstraps from the state after the reset, value[t + 1]. The state that was cut off is worth final_value.",
)
def bootstraps_from_the_reset(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    shown = np.vstack([value[1:], last_value])
    return solutions.gae(reward, value, shown, last_value, terminated, truncated, gamma, lam)


@mutant(
    "gae",
    "a cut is taken for an end: nothing is bootstrapped where the step was truncated. The state there keeps its value.",
)
def takes_cuts_for_ends(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    return solutions.gae(reward, value, 0 * final_value, last_value, terminated, truncated, gamma, lam)


@mutant(
    "gae",
    "a cut in the rollout's last row bootstraps from last_value: that walker has been reset already. Take final_value there, too.",
)
def resets_behind_the_last_row(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    final_value = np.vstack([final_value[:-1], last_value])
    return solutions.gae(reward, value, final_value, last_value, terminated, truncated, gamma, lam)


@mutant("gae", "gamma is missing in the accumulator: a TD error k steps ahead counts (gamma lam)^k.")
def accumulates_without_gamma(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    after = np.where(terminated, 0.0, _successors(value, final_value, last_value, truncated))
    return _accumulated(reward + gamma * after - value, lam * ~(terminated | truncated))


@mutant("gae", "this is A + V, the target of the critic. The advantage is without V.")
def targets(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    A = solutions.gae(reward, value, final_value, last_value, terminated, truncated, gamma, lam)
    return A + value


# ---------------------------------------------------------------- 10.6 one_step_actor_critic


def _learned(theta, V, tape, alpha, beta, gamma, step):
    """theta, V after step(theta, V, s, a, delta, s') of every row; step changes both in place."""
    theta, V = theta.copy(), V.copy()
    for s, a, r, s_next, end in zip(*tape):
        delta = r + gamma * (1 - end) * V[s_next] - V[s]
        step(theta, V, s, a, delta, s_next)
    return [theta, V]


def _score(theta, s, a):
    return np.eye(theta.shape[1])[a] - softmax(theta[s])


@mutant(
    "one_step_actor_critic",
    "the gradient is that of the next action: `action = next_action` stands above it. delta judges the action that was taken in s.",
)
def credits_the_next_action(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    later = np.append(action[1:], action[-1:])
    return solutions.one_step_actor_critic(
        theta, V, state, later, reward, next_state, terminated, alpha, beta, gamma
    )


@mutant(
    "one_step_actor_critic",
    "the critic moves first, and the actor gets what is left of delta. Compute delta once, before anything moves.",
)
def judges_with_the_new_value(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    theta, V = theta.copy(), V.copy()
    for s, a, r, s_next, end in zip(state, action, reward, next_state, terminated):
        V[s] += beta * (r + gamma * (1 - end) * V[s_next] - V[s])
        delta = r + gamma * (1 - end) * V[s_next] - V[s]
        theta[s] += alpha * delta * _score(theta, s, a)
    return [theta, V]


@mutant(
    "one_step_actor_critic",
    "the target is taken through the gradient: V(s') moves too, by -gamma. It is a constant; only V(s) is corrected.",
)
def moves_the_target(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    theta, V = theta.copy(), V.copy()
    for s, a, r, s_next, end in zip(state, action, reward, next_state, terminated):
        delta = r + gamma * (1 - end) * V[s_next] - V[s]
        theta[s] += alpha * delta * _score(theta, s, a)
        V[s] += beta * delta
        V[s_next] -= beta * gamma * (1 - end) * delta
    return [theta, V]


@mutant(
    "one_step_actor_critic",
    "only the preference of the action taken moves. The gradient of log pi has a part for every action: onehot(a) - pi.",
)
def forgets_the_other_actions(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    def step(theta, V, s, a, delta, s_next):
        theta[s, a] += alpha * delta
        V[s] += beta * delta

    tape = state, action, reward, next_state, terminated
    return _learned(theta, V, tape, alpha, beta, gamma, step)


@mutant(
    "one_step_actor_critic",
    "V(s') counts where the step terminated. Nothing comes after: there delta = r - V(s).",
)
def goes_on_after_the_end(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    return solutions.one_step_actor_critic(
        theta, V, state, action, reward, next_state, np.zeros_like(terminated), alpha, beta, gamma
    )


@mutant("one_step_actor_critic", "alpha and beta are swapped: alpha is the actor's step, beta the critic's.")
def swaps_the_step_sizes(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    return solutions.one_step_actor_critic(
        theta, V, state, action, reward, next_state, terminated, beta, alpha, gamma
    )


@mutant(
    "one_step_actor_critic",
    "the actor is paid with V(s), which says how good the state is, not the action. It learns from delta.",
)
def paid_by_the_value(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    def step(theta, V, s, a, delta, s_next):
        theta[s] += alpha * V[s] * _score(theta, s, a)
        V[s] += beta * delta

    tape = state, action, reward, next_state, terminated
    return _learned(theta, V, tape, alpha, beta, gamma, step)


@mutant(
    "one_step_actor_critic",
    "the actor's step fades with gamma^t. That is right for the discounted return, but the equation leaves it out, as most programs do.",
)
def fades_with_time(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    weight = 1.0
    theta, V = theta.copy(), V.copy()
    for s, a, r, s_next, end in zip(state, action, reward, next_state, terminated):
        delta = r + gamma * (1 - end) * V[s_next] - V[s]
        theta[s] += alpha * weight * delta * _score(theta, s, a)
        V[s] += beta * delta
        weight = 1.0 if end else gamma * weight
    return [theta, V]


# ---------------------------------------------------------------- 10.7 bias_and_variance


@mutant(
    "bias_and_variance",
    "all outcomes count alike. They do not come equally often: weight them by their probability.",
)
def counts_all_alike(estimates, probability, truth, n):
    return solutions.bias_and_variance(estimates, np.full(len(estimates), 1 / len(estimates)), truth, n)


@mutant(
    "bias_and_variance",
    "this scatters around the truth, and so contains the bias a second time. Variance is the scatter around the estimates' own mean.",
)
def scatters_around_the_truth(estimates, probability, truth, n):
    bias2, variance, _ = solutions.bias_and_variance(estimates, probability, truth, n)
    return [bias2, bias2 + variance, bias2 + (bias2 + variance) / n]


@mutant(
    "bias_and_variance",
    "the bias is divided by n too. More samples of a biased estimate agree better, on the wrong answer: only the variance falls.",
)
def averages_the_bias_away(estimates, probability, truth, n):
    bias2, variance, _ = solutions.bias_and_variance(estimates, probability, truth, n)
    return [bias2, variance, (bias2 + variance) / n]


@mutant(
    "bias_and_variance", "the error is that of one estimate; of the mean of n, the variance is 1 / n of it."
)
def error_of_one(estimates, probability, truth, n):
    return solutions.bias_and_variance(estimates, probability, truth, 1)


@mutant("bias_and_variance", "biases of both signs cancel: square each component, then sum.")
def sums_before_squaring(estimates, probability, truth, n):
    _, variance, _ = solutions.bias_and_variance(estimates, probability, truth, n)
    bias2 = (probability @ estimates - truth).sum() ** 2
    return [bias2, variance, bias2 + variance / n]


@mutant(
    "bias_and_variance",
    "the variance falls with n^2 here, as if all estimates moved together. That of a mean of n falls with n.",
)
def divides_twice(estimates, probability, truth, n):
    bias2, variance, _ = solutions.bias_and_variance(estimates, probability, truth, n)
    return [bias2, variance, bias2 + variance / n**2]


# ---------------------------------------------------------------- 10.8 fooled_critic


def _visits(P, start, horizon):
    """P(s_t = s).   -> (horizon, S)"""
    return np.array([start @ np.linalg.matrix_power(P, t) for t in range(horizon)])


def _stands_still(P, r, weight, gamma):
    """V(s) = r(s) + gamma weight(s) sum P V."""
    return np.linalg.solve(np.eye(len(r)) - gamma * weight[:, None] * P, r)


@mutant(
    "fooled_critic",
    "this is the right critic, which goes on behind a cut. Asked is what the other one believes, whose target at a cut is r alone.",
)
def is_not_fooled(P, r, start, horizon, gamma):
    return _stands_still(P, r, np.ones(len(r)), gamma)


@mutant(
    "fooled_critic",
    "this critic bootstraps from the state after the reset. That is another mistake; asked is r alone at a cut.",
)
def believes_in_the_reset(P, r, start, horizon, gamma):
    at = _visits(P, start, horizon)
    go_on = at[:-1].sum(axis=0) / at.sum(axis=0)
    chain = go_on[:, None] * P + (1 - go_on)[:, None] * start
    return _stands_still(chain, r, np.ones(len(r)), gamma)


@mutant(
    "fooled_critic",
    "every state is cut as often as any other. Only those that are reached at the last step are: m(s) / n(s) differs from state to state.",
)
def cuts_all_states_alike(P, r, start, horizon, gamma):
    return _stands_still(P, r, np.full(len(r), 1 - 1 / horizon), gamma)


@mutant(
    "fooled_critic",
    "this is the value of `horizon` steps from each state. The critic does not see the clock: a state late in an episode has fewer steps left.",
)
def value_of_a_fresh_clock(P, r, start, horizon, gamma):
    V = 0 * r
    for _ in range(horizon):
        V = r + gamma * P @ V
    return V


@mutant(
    "fooled_critic",
    "these are the mean truncated returns, which Monte Carlo finds. TD bootstraps, so its errors pass through V.",
)
def mean_truncated_return(P, r, start, horizon, gamma):
    at, V, total = _visits(P, start, horizon), 0 * r, 0 * r
    for t in reversed(range(horizon)):
        V = r + gamma * P @ V
        total = total + at[t] * V
    return total / at.sum(axis=0)


@mutant(
    "fooled_critic", "an episode has one step too many here: `horizon` steps start at t = 0 .. horizon - 1."
)
def one_step_too_many(P, r, start, horizon, gamma):
    return solutions.fooled_critic(P, r, start, horizon + 1, gamma)


# ---------------------------------------------------------------- 10.9 batch_gradients


def _parts(theta, w, x, x_next, action, reward, terminated, gamma):
    """x' (0 where terminated), delta, p, H."""
    after = gamma * ~terminated[:, None] * x_next
    delta = reward + after @ w - x @ w
    p = softmax(x @ theta)
    return after, delta, p, -(p * np.log(p)).sum(axis=1, keepdims=True)


@mutant(
    "batch_gradients",
    "the critic's target is taken through the gradient: it is multiplied by x - gamma x'. The target is a constant: multiply by x.",
)
def differentiates_the_target(theta, w, x, x_next, action, reward, terminated, gamma, bonus):
    after, delta, _, _ = _parts(theta, w, x, x_next, action, reward, terminated, gamma)
    d_theta, _ = solutions.batch_gradients(theta, w, x, x_next, action, reward, terminated, gamma, bonus)
    return [d_theta, -(x - after).T @ delta / len(x)]


@mutant(
    "batch_gradients",
    "the actor's loss reaches the critic: delta was not held constant, so the critic is bent until the advantages suit the actor.",
)
def bends_the_critic(theta, w, x, x_next, action, reward, terminated, gamma, bonus):
    after, _, p, _ = _parts(theta, w, x, x_next, action, reward, terminated, gamma)
    d_theta, d_w = solutions.batch_gradients(theta, w, x, x_next, action, reward, terminated, gamma, bonus)
    logp = np.log(p[np.arange(len(x)), action])
    return [d_theta, d_w - (after - x).T @ logp / len(x)]


@mutant(
    "batch_gradients",
    "the actor's gradient has the wrong sign: it makes good actions rarer. The loss is -mean(delta log pi), so the onehot comes with a minus.",
)
def punishes_what_is_good(theta, w, x, x_next, action, reward, terminated, gamma, bonus):
    d_theta, d_w = solutions.batch_gradients(theta, w, x, x_next, action, reward, terminated, gamma, -bonus)
    return [-d_theta, d_w]


@mutant(
    "batch_gradients",
    "the deltas of all steps are averaged before they meet the actions: V as (B, 1) was subtracted from targets (B,). Each step has its own delta.",
)
def broadcasts_the_values(theta, w, x, x_next, action, reward, terminated, gamma, bonus):
    after, _, p, H = _parts(theta, w, x, x_next, action, reward, terminated, gamma)
    pairs = (reward + after @ w) - (x @ w)[:, None]  # (B, B)
    delta = pairs.mean(axis=0)
    d_logits = -delta[:, None] * (np.eye(p.shape[1])[action] - p) + bonus * p * (np.log(p) + H)
    return [x.T @ d_logits / len(x), -x.T @ pairs.mean(axis=1) / len(x)]


@mutant("batch_gradients", "the bonus is missing: the actor's loss contains the entropy, with a minus.")
def without_the_bonus(theta, w, x, x_next, action, reward, terminated, gamma, bonus):
    return solutions.batch_gradients(theta, w, x, x_next, action, reward, terminated, gamma, 0.0)


@mutant("batch_gradients", "both gradients are sums over the batch. The losses are means: divide by B.")
def sums_over_the_batch(theta, w, x, x_next, action, reward, terminated, gamma, bonus):
    grads = solutions.batch_gradients(theta, w, x, x_next, action, reward, terminated, gamma, bonus)
    return [len(x) * g for g in grads]


@mutant("batch_gradients", "V(s') counts where the step terminated: the target there is r alone.")
def bootstraps_at_the_end(theta, w, x, x_next, action, reward, terminated, gamma, bonus):
    go_on = np.zeros_like(terminated)
    return solutions.batch_gradients(theta, w, x, x_next, action, reward, go_on, gamma, bonus)


# ---------------------------------------------------------------- 10.10 gain_by_state


@mutant(
    "gain_by_state",
    "the states are weighed by the visits of the old policy. That is the surrogate, right to first order only: the lemma counts where the new policy goes.",
)
def where_the_old_policy_went(P, R, start, gamma, pi, pi_old):
    d = solutions._visits(P, start, gamma, pi_old)
    return d * (pi * solutions.advantages(P, R, gamma, pi_old)).sum(axis=1)


@mutant(
    "gain_by_state",
    "these are the new policy's advantages, whose mean under the new policy is 0 in every state. The lemma takes those of the old one.",
)
def advantages_of_the_new(P, R, start, gamma, pi, pi_old):
    return solutions._visits(P, start, gamma, pi) * (pi * solutions.advantages(P, R, gamma, pi)).sum(axis=1)


@mutant(
    "gain_by_state",
    "the visits are normalised to sum to 1, and the gain is (1 - gamma) times too small. d counts visits, discounted: it sums to 1 / (1 - gamma).",
)
def shares_of_visits(P, R, start, gamma, pi, pi_old):
    return (1 - gamma) * solutions.gain_by_state(P, R, start, gamma, pi, pi_old)


@mutant(
    "gain_by_state",
    "this is the difference of values in the first states. Its sum is right, but it says where one starts, not where one does better.",
)
def difference_of_values(P, R, start, gamma, pi, pi_old):
    return start * (solutions._value(P, R, gamma, pi) - solutions._value(P, R, gamma, pi_old))


@mutant(
    "gain_by_state",
    "the actions are weighed by their value, not by how much better it is than the old policy's: subtract V_old.",
)
def values_for_advantages(P, R, start, gamma, pi, pi_old):
    Q = R + gamma * P @ solutions._value(P, R, gamma, pi_old)
    return solutions._visits(P, start, gamma, pi) * (pi * Q).sum(axis=1)
