"""Wrong answers of chapter 6. Each is a mistake that people make, with what they need to hear."""

import itertools
import math

import numpy as np

from chapters.ch06_td import solutions
from chapters.harness import mutant

# ---------------------------------------------------------------- 6.1 td_error


@mutant(
    "td_error", "the value of the next state counts after the end of an episode, too. Nothing comes after it."
)
def looks_beyond_the_end(state, reward, next_state, terminated, V, gamma):
    return reward + gamma * V[next_state] - V[state]


@mutant(
    "td_error", "the sign is wrong: a surprise is positive when more comes than expected, target minus V(s)."
)
def expected_minus_seen(state, reward, next_state, terminated, V, gamma):
    return -solutions.td_error(state, reward, next_state, terminated, V, gamma)


@mutant(
    "td_error", "the bootstrap term is missing. Without gamma V(s') the target is the reward of one step."
)
def forgets_the_future(state, reward, next_state, terminated, V, gamma):
    return reward - V[state]


@mutant("td_error", "gamma is missing: the value of the next state lies a step ahead, so it is discounted.")
def forgets_gamma(state, reward, next_state, terminated, V, gamma):
    return solutions.td_error(state, reward, next_state, terminated, V, 1.0)


@mutant(
    "td_error", "where the episode terminated, the error must still subtract V(s): its target is r alone."
)
def no_error_at_the_end(state, reward, next_state, terminated, V, gamma):
    return np.where(terminated, reward, reward + gamma * V[next_state] - V[state])


# ---------------------------------------------------------------- 6.2 td0


@mutant(
    "td0",
    "a truncated step is treated as an end. The time limit ended the watching, not the future: bootstrap.",
)
def truncation_is_termination(state, reward, next_state, terminated, truncated, V, alpha, gamma):
    return solutions.td0(state, reward, next_state, terminated | truncated, truncated, V, alpha, gamma)


@mutant("td0", "a terminated step bootstraps. After an end nothing comes, whatever the table holds there.")
def bootstraps_from_the_end(state, reward, next_state, terminated, truncated, V, alpha, gamma):
    return solutions.td0(state, reward, next_state, terminated & False, truncated, V, alpha, gamma)


@mutant(
    "td0", "all steps read the V from before the tape. A step must see what the steps before it have learned."
)
def reads_old_values(state, reward, next_state, terminated, truncated, V, alpha, gamma):
    new = V.copy()
    np.add.at(new, state, alpha * solutions.td_error(state, reward, next_state, terminated, V, gamma))
    return new


@mutant(
    "td0", "the learning rate is forgotten: V(s) jumps to its target instead of moving a part of the way."
)
def forgets_the_rate(state, reward, next_state, terminated, truncated, V, alpha, gamma):
    return solutions.td0(state, reward, next_state, terminated, truncated, V, 1.0, gamma)


@mutant(
    "td0",
    "nothing is learned: the table that comes back is the one that went in. Write into the copy you return.",
)
def learns_nothing(state, reward, next_state, terminated, truncated, V, alpha, gamma):
    return V.copy()


@mutant("td0", "a truncated step is left out. It is a step like any other: it paid, and it led somewhere.")
def drops_truncated_steps(state, reward, next_state, terminated, truncated, V, alpha, gamma):
    keep = ~truncated
    tape = [x[keep] for x in (state, reward, next_state, terminated, truncated)]
    return solutions.td0(*tape, V, alpha, gamma)


# ---------------------------------------------------------------- 6.3 sarsa


@mutant(
    "sarsa", "this takes the best next action, which is Q-learning. SARSA takes the action that was chosen."
)
def takes_the_best_action(state, action, reward, next_state, next_action, terminated, Q, alpha, gamma):
    return solutions.q_learning(state, action, reward, next_state, terminated, Q, alpha, gamma)


@mutant(
    "sarsa", "the target holds Q(s', a) with the action just taken. It needs Q(s', a'), the one chosen in s'."
)
def repeats_the_action(state, action, reward, next_state, next_action, terminated, Q, alpha, gamma):
    return solutions.sarsa(state, action, reward, next_state, action, terminated, Q, alpha, gamma)


@mutant(
    "sarsa",
    "a terminated step bootstraps. After an end there is no next action, whatever the tape holds there.",
)
def acts_after_the_end(state, action, reward, next_state, next_action, terminated, Q, alpha, gamma):
    never = np.zeros(len(state), bool)
    return solutions.sarsa(state, action, reward, next_state, next_action, never, Q, alpha, gamma)


@mutant(
    "sarsa",
    "the learning rate is forgotten: Q(s, a) becomes its target. One noisy sample overwrites all others.",
)
def overwrites(state, action, reward, next_state, next_action, terminated, Q, alpha, gamma):
    return solutions.sarsa(state, action, reward, next_state, next_action, terminated, Q, 1.0, gamma)


@mutant(
    "sarsa",
    "the bootstrap term is missing. Without gamma Q(s', a') every action is judged by its next reward.",
)
def is_short_sighted(state, action, reward, next_state, next_action, terminated, Q, alpha, gamma):
    return solutions.sarsa(state, action, reward, next_state, next_action, terminated, Q, alpha, 0.0)


# ---------------------------------------------------------------- 6.4 q_learning


def _learn(state, action, reward, next_state, terminated, Q, update):
    Q = Q.copy()
    for s, a, r, s_next, end in zip(state, action, reward, next_state, terminated):
        Q[s, a] = update(Q, s, a, r, s_next, 0.0 if end else 1.0)
    return Q


@mutant(
    "q_learning",
    "the sign is wrong twice: (1 - alpha) Q - alpha (r + gamma max Q) moves away from the target. Add the two parts.",
)
def minus_instead_of_plus(state, action, reward, next_state, terminated, Q, alpha, gamma):
    def update(Q, s, a, r, s_next, on):
        return (1 - alpha) * Q[s, a] - alpha * (r + gamma * on * Q[s_next].max())

    return _learn(state, action, reward, next_state, terminated, Q, update)


@mutant(
    "q_learning",
    "this takes the least value of the next state, min for max. You choose the best action there.",
)
def takes_the_minimum(state, action, reward, next_state, terminated, Q, alpha, gamma):
    def update(Q, s, a, r, s_next, on):
        return Q[s, a] + alpha * (r + gamma * on * Q[s_next].min() - Q[s, a])

    return _learn(state, action, reward, next_state, terminated, Q, update)


@mutant("q_learning", "the maximum is taken in s, where you were. It belongs to s', where you have come.")
def maximum_of_the_old_state(state, action, reward, next_state, terminated, Q, alpha, gamma):
    def update(Q, s, a, r, s_next, on):
        return Q[s, a] + alpha * (r + gamma * on * Q[s].max() - Q[s, a])

    return _learn(state, action, reward, next_state, terminated, Q, update)


@mutant("q_learning", "argmax gives the number of the best action. The target needs its value, Q[s'].max().")
def number_instead_of_value(state, action, reward, next_state, terminated, Q, alpha, gamma):
    def update(Q, s, a, r, s_next, on):
        return Q[s, a] + alpha * (r + gamma * on * Q[s_next].argmax() - Q[s, a])

    return _learn(state, action, reward, next_state, terminated, Q, update)


@mutant(
    "q_learning",
    "the terminal state is given the last reward for a value, which is then paid twice. It is worth 0.",
)
def pays_the_end_twice(state, action, reward, next_state, terminated, Q, alpha, gamma):
    def update(Q, s, a, r, s_next, on):
        after = Q[s_next].max() if on else r
        return Q[s, a] + alpha * (r + gamma * after - Q[s, a])

    return _learn(state, action, reward, next_state, terminated, Q, update)


@mutant(
    "q_learning",
    "a terminated step bootstraps from the table. What it holds for a terminal state must not matter.",
)
def hopes_beyond_the_end(state, action, reward, next_state, terminated, Q, alpha, gamma):
    return solutions.q_learning(state, action, reward, next_state, terminated & False, Q, alpha, gamma)


@mutant(
    "q_learning", "the learning rate is forgotten: Q(s, a) becomes its target, and forgets all that it knew."
)
def forgets_what_it_knew(state, action, reward, next_state, terminated, Q, alpha, gamma):
    return solutions.q_learning(state, action, reward, next_state, terminated, Q, 1.0, gamma)


@mutant(
    "q_learning", "values below 0 count as 0: the maximum starts from 0. Start from the first action's value."
)
def maximum_with_zero(state, action, reward, next_state, terminated, Q, alpha, gamma):
    def update(Q, s, a, r, s_next, on):
        return Q[s, a] + alpha * (r + gamma * on * max(0.0, Q[s_next].max()) - Q[s, a])

    return _learn(state, action, reward, next_state, terminated, Q, update)


# ---------------------------------------------------------------- 6.5 expected_sarsa_target


def _target(pi, q_next, reward, terminated, gamma):
    return reward + gamma * (not terminated) * float(pi @ q_next)


@mutant(
    "expected_sarsa_target",
    "the best action gets 1 - epsilon only. To explore is to take any action, the best one included: epsilon / A more.",
)
def explores_among_the_others(q_next, reward, terminated, epsilon, gamma):
    best = q_next == q_next.max()
    pi = np.where(best, (1 - epsilon) / best.sum(), epsilon / max((~best).sum(), 1))
    return _target(pi, q_next, reward, terminated, gamma)


@mutant(
    "expected_sarsa_target",
    "each of several best actions gets the whole 1 - epsilon, so the probabilities sum to more than 1. Share it.",
)
def gives_every_best_action_all(q_next, reward, terminated, epsilon, gamma):
    pi = (1 - epsilon) * (q_next == q_next.max()) + epsilon / len(q_next)
    return _target(pi, q_next, reward, terminated, gamma)


@mutant(
    "expected_sarsa_target",
    "this is the target of Q-learning: the best value. Average over the policy, which also explores.",
)
def assumes_the_best(q_next, reward, terminated, epsilon, gamma):
    return reward + gamma * (not terminated) * float(q_next.max())


@mutant(
    "expected_sarsa_target",
    "all actions count alike here. The policy prefers the best ones, with probability 1 - epsilon.",
)
def averages_all_alike(q_next, reward, terminated, epsilon, gamma):
    return reward + gamma * (not terminated) * float(q_next.mean())


@mutant("expected_sarsa_target", "a terminated step bootstraps. Its target is the reward, and no more.")
def expects_after_the_end(q_next, reward, terminated, epsilon, gamma):
    return solutions.expected_sarsa_target(q_next, reward, False, epsilon, gamma)


@mutant(
    "expected_sarsa_target",
    "epsilon and 1 - epsilon have changed places: the policy explores with probability epsilon.",
)
def explores_most_of_the_time(q_next, reward, terminated, epsilon, gamma):
    return solutions.expected_sarsa_target(q_next, reward, terminated, 1 - epsilon, gamma)


# ---------------------------------------------------------------- 6.6 double_q_learning


def _double(tape, Q1, Q2, alpha, target, update_both=False, swap=False):
    Q = [Q1.copy(), Q2.copy()]
    for s, a, r, s_next, end, c in zip(*tape):
        k = 2 - c if swap else c - 1
        own, other = Q[k], Q[1 - k]
        goal = r + (not end) * target(own[s_next], other[s_next])
        own[s, a] += alpha * (goal - own[s, a])
        if update_both:
            other[s, a] += alpha * (goal - other[s, a])
    return Q


@mutant(
    "double_q_learning",
    "the table that chooses also judges, so these are two Q-learners. The other table must say what the choice is worth.",
)
def judges_itself(state, action, reward, next_state, terminated, coin, Q1, Q2, alpha, gamma):
    tape = (state, action, reward, next_state, terminated, coin)
    return _double(tape, Q1, Q2, alpha, lambda own, other: gamma * own.max())


@mutant(
    "double_q_learning",
    "the other table chooses and judges. Its maximum is as biased as yours: choose by the table that learns.",
)
def lets_the_other_do_both(state, action, reward, next_state, terminated, coin, Q1, Q2, alpha, gamma):
    tape = (state, action, reward, next_state, terminated, coin)
    return _double(tape, Q1, Q2, alpha, lambda own, other: gamma * other.max())


@mutant(
    "double_q_learning",
    "the roles are exchanged: the table that learns is to choose, and the other one to judge.",
)
def exchanges_the_roles(state, action, reward, next_state, terminated, coin, Q1, Q2, alpha, gamma):
    tape = (state, action, reward, next_state, terminated, coin)
    return _double(tape, Q1, Q2, alpha, lambda own, other: gamma * own[other.argmax()])


@mutant("double_q_learning", "the coin is read the wrong way round: 1 says that the first table learns.")
def reads_the_coin_wrong(state, action, reward, next_state, terminated, coin, Q1, Q2, alpha, gamma):
    tape = (state, action, reward, next_state, terminated, coin)
    return _double(tape, Q1, Q2, alpha, lambda own, other: gamma * other[own.argmax()], swap=True)


@mutant(
    "double_q_learning",
    "both tables learn from every step. Then they are not independent; one learns, as the coin says.",
)
def both_learn(state, action, reward, next_state, terminated, coin, Q1, Q2, alpha, gamma):
    tape = (state, action, reward, next_state, terminated, coin)
    return _double(tape, Q1, Q2, alpha, lambda own, other: gamma * other[own.argmax()], update_both=True)


@mutant(
    "double_q_learning",
    "the action is chosen by the sum of both tables. That is how to walk; the target's choice is the learner's own.",
)
def chooses_by_the_sum(state, action, reward, next_state, terminated, coin, Q1, Q2, alpha, gamma):
    tape = (state, action, reward, next_state, terminated, coin)
    return _double(tape, Q1, Q2, alpha, lambda own, other: gamma * other[(own + other).argmax()])


# ---------------------------------------------------------------- 6.7 mean_target


@mutant(
    "mean_target",
    "the maximum stands outside the expectation: one action for all K states. You choose after you see where you are.",
)
def chooses_before_it_sees(p, reward, q_next, gamma):
    return p @ reward + gamma * (p @ q_next).max()


@mutant(
    "mean_target",
    "this is the best of the K outcomes. You choose the action, the world chooses where it leads.",
)
def chooses_where_to_land(p, reward, q_next, gamma):
    return (reward + gamma * q_next.max(axis=1)).max()


@mutant(
    "mean_target",
    "the maximum over all states and actions stands there. Each next state has a maximum of its own.",
)
def one_maximum_for_all(p, reward, q_next, gamma):
    return p @ reward + gamma * q_next.max()


@mutant(
    "mean_target",
    "the maximum runs over the next states, for each action. The world chooses the state, you choose the action.",
)
def looks_along_the_other_axis(p, reward, q_next, gamma):
    return p @ reward + gamma * (p[:, None] * q_next).max(axis=0).sum()


@mutant("mean_target", "the K outcomes count alike; weight them by p.")
def forgets_the_probabilities(p, reward, q_next, gamma):
    return (reward + gamma * q_next.max(axis=1)).mean()


@mutant("mean_target", "the action values are averaged where Q-learning takes their maximum.")
def averages_the_actions(p, reward, q_next, gamma):
    return p @ (reward + gamma * q_next.mean(axis=1))


# ---------------------------------------------------------------- 6.8 batch_td


@mutant(
    "batch_td",
    "these are the mean returns: batch Monte Carlo. Batch TD uses what it knows of a state from all of its visits.",
)
def mean_returns(state, reward, next_state, terminated, V, gamma):
    returns, G = np.zeros(len(state)), 0.0
    for t in reversed(range(len(state))):
        G = reward[t] + gamma * (not terminated[t]) * G
        returns[t] = G
    visits = np.bincount(state, minlength=len(V))
    return np.where(visits > 0, np.bincount(state, returns, len(V)) / np.maximum(visits, 1), V)


@mutant(
    "batch_td",
    "one pass over the tape is not enough: the values move again on the next one. Go on until they stand still.",
)
def makes_one_pass(state, reward, next_state, terminated, V, gamma):
    V = V.astype(float)
    error = solutions.td_error(state, reward, next_state, terminated, V, gamma)
    return V + np.bincount(state, error, len(V)) / np.maximum(np.bincount(state, minlength=len(V)), 1)


@mutant(
    "batch_td",
    "terminated steps bootstrap here from what the table holds for the end. Nothing comes after it.",
)
def bootstraps_from_terminal_states(state, reward, next_state, terminated, V, gamma):
    return solutions.batch_td(state, reward, next_state, terminated & False, V, gamma)


@mutant(
    "batch_td", "states that the tape does not visit have lost their V. Without experience nothing changes."
)
def clears_what_was_not_seen(state, reward, next_state, terminated, V, gamma):
    answer = solutions.batch_td(state, reward, next_state, terminated, V, gamma)
    return np.where(np.isin(np.arange(len(V)), state), answer, 0.0)


@mutant("batch_td", "the bootstrap term is missing: these are the mean rewards of one step from each state.")
def mean_rewards(state, reward, next_state, terminated, V, gamma):
    return solutions.batch_td(state, reward, next_state, terminated | True, V, gamma)


# ---------------------------------------------------------------- 6.9 bias_of_the_best


@mutant(
    "bias_of_the_best",
    "an average is unbiased, and you say that the largest of them is, too. Choosing it makes it too high.",
)
def says_zero(arms, flips, p):
    return 0.0 * p


@mutant(
    "bias_of_the_best",
    "this is the expectation of the largest share. The bias is what is left when you subtract p.",
)
def forgets_to_subtract(arms, flips, p):
    return solutions.bias_of_the_best(arms, flips, p) + p


@mutant(
    "bias_of_the_best", "this is the number of heads. A share is the number of heads divided by the flips."
)
def counts_heads(arms, flips, p):
    return (solutions.bias_of_the_best(arms, flips, p) + p) * flips - p * flips


@mutant(
    "bias_of_the_best",
    "this is the largest share with equality left out: Pr(max <= k) is wanted, and Pr(max < k) taken.",
)
def loses_equality(arms, flips, p):
    below = np.cumsum([0.0] + [math.comb(flips, k) * p**k * (1 - p) ** (flips - k) for k in range(flips - 1)])
    return (1 - below**arms).sum() / flips - p


@mutant(
    "bias_of_the_best",
    "the probability that all coins are high stands there: 1 - Pr(low) to the power of arms. One high coin is enough.",
)
def takes_the_smallest(arms, flips, p):
    at_most = np.cumsum([math.comb(flips, k) * p**k * (1 - p) ** (flips - k) for k in range(flips)])
    return ((1 - at_most) ** arms).sum() / flips - p


# ---------------------------------------------------------------- 6.10 learn_by_walking


def _walk(next_state, reward, terminal, start, steps, rng, target, restart=True):
    Q, s = np.zeros(reward.shape), start
    for a in rng.integers(reward.shape[1], size=steps):
        s_next = next_state[s, a]
        Q[s, a] = target(Q, s, a, s_next)
        s = start if restart and terminal[s_next] else s_next
    return Q


@mutant(
    "learn_by_walking",
    "the target holds the action that the walk takes next. That is SARSA, and it learns what walking at random is worth.",
)
def learns_about_the_walk(next_state, reward, terminal, start, gamma, steps, rng):
    Q, s = np.zeros(reward.shape), start
    actions = rng.integers(reward.shape[1], size=steps + 1)
    for a, b in itertools.pairwise(actions):
        n = next_state[s, a]
        Q[s, a] = reward[s, a] + gamma * (not terminal[n]) * Q[n, b]
        s = start if terminal[n] else n
    return Q


@mutant(
    "learn_by_walking",
    "after the first end the walk stays there. Go back to `start`: one episode is not enough.",
)
def stays_at_the_end(next_state, reward, terminal, start, gamma, steps, rng):
    def target(Q, s, a, n):
        return 0.0 if terminal[s] else reward[s, a] + gamma * (not terminal[n]) * Q[n].max()

    return _walk(next_state, reward, terminal, start, steps, rng, target, restart=False)


@mutant(
    "learn_by_walking",
    "the terminal state is given its own reward for a value. It is worth 0, whatever stands in the table.",
)
def rewards_the_end(next_state, reward, terminal, start, gamma, steps, rng):
    def target(Q, s, a, n):
        return reward[s, a] + gamma * (reward[n].max() if terminal[n] else Q[n].max())

    return _walk(next_state, reward, terminal, start, steps, rng, target)


@mutant("learn_by_walking", "the bootstrap term is missing: Q holds the rewards, and no future.")
def learns_the_rewards(next_state, reward, terminal, start, gamma, steps, rng):
    return _walk(next_state, reward, terminal, start, steps, rng, lambda Q, s, a, n: reward[s, a])


@mutant("learn_by_walking", "the worst next action stands in the target: min for max.")
def expects_the_worst(next_state, reward, terminal, start, gamma, steps, rng):
    def target(Q, s, a, n):
        return reward[s, a] + gamma * (not terminal[n]) * Q[n].min()

    return _walk(next_state, reward, terminal, start, steps, rng, target)


@mutant(
    "learn_by_walking", "the learning rate is 0, or the table is never written: what comes back is all zeros."
)
def learns_at_rate_zero(next_state, reward, terminal, start, gamma, steps, rng):
    return np.zeros(reward.shape)
