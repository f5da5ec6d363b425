"""Wrong answers of chapter 1. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.ch01_mdp import solutions
from chapters.ch01_mdp.exercises import draw
from chapters.harness import mutant


@mutant(
    "discounted_return",
    "the first reward is not discounted: the exponents are 0, 1, 2, ..., not 1, 2, 3, ...",
)
def exponents_from_one(reward, gamma):
    return float(gamma ** np.arange(1, len(reward) + 1) @ reward)


@mutant(
    "discounted_return",
    "every later reward is multiplied by gamma once. The exponents must grow: gamma, gamma^2, ...",
)
def constant_discount(reward, gamma):
    return float(reward[0] + gamma * np.sum(reward[1:]))


@mutant("discounted_return", "the rewards are not discounted at all; gamma is not used.")
def undiscounted(reward, gamma):
    return float(np.sum(reward))


@mutant(
    "discounted_return",
    "the last reward counts in full and the first least: the powers of gamma run backwards.",
)
def discount_runs_backwards(reward, gamma):
    return float(gamma ** np.arange(len(reward))[::-1] @ reward)


@mutant(
    "returns_to_go",
    "G_t is discounted from time 0. Its own first reward must count in full: gamma^(k - t), not gamma^k.",
)
def discounted_from_the_start(reward, gamma):
    discounted = gamma ** np.arange(len(reward)) * reward
    return np.cumsum(discounted[::-1])[::-1]


@mutant("returns_to_go", "the exponent is t - k where it must be k - t, so the return explodes as gamma < 1.")
def exponent_of_the_wrong_sign(reward, gamma):
    return solutions.returns_to_go(reward, 1 / gamma) if gamma > 0 else np.full(len(reward), np.inf)


@mutant(
    "returns_to_go", "these are the rewards collected up to t. A return looks forward, from t to the end."
)
def looks_back(reward, gamma):
    return solutions.returns_to_go(reward[::-1], gamma)[::-1]


@mutant("returns_to_go", "G_t leaves its own reward out: it begins with reward[t], which is r_{t+1}.")
def leaves_out_its_own_reward(reward, gamma):
    return np.append(solutions.returns_to_go(reward, gamma)[1:], 0.0)


@mutant("softmax_policy", "there is a '1 +' in the denominator, so the probabilities do not sum to 1.")
def one_plus_in_the_denominator(preference):
    e = np.exp(preference - preference.max(axis=1, keepdims=True))
    return e / (1 + e.sum(axis=1, keepdims=True))


@mutant("softmax_policy", "exp overflows for large preferences: take the largest of each row out first.")
def overflows(preference):
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(preference)
        return e / e.sum(axis=1, keepdims=True)


@mutant(
    "softmax_policy",
    "the sum runs over the states. Each state's row is a distribution over actions: sum over axis 1.",
)
def normalised_over_states(preference):
    e = np.exp(preference - preference.max(axis=0))
    return e / e.sum(axis=0)


@mutant(
    "softmax_policy",
    "preferences are divided by their sum, without exp; a negative one gives a negative 'probability'.",
)
def no_exponential(preference):
    return preference / preference.sum(axis=1, keepdims=True)


@mutant(
    "softmax_policy", "the whole table sums to 1. Each row is a distribution of its own: sum over axis 1."
)
def normalised_over_the_table(preference):
    e = np.exp(preference - preference.max())
    return e / e.sum()


@mutant(
    "corridor", "you turned the row P[s, 0] around to get P[s, 1]. That mirrors the corridor, not the move."
)
def mirrors_the_row(n, slip):
    P = solutions.corridor(n, slip)
    P[:, 1] = P[:, 0, ::-1]
    return P


@mutant(
    "corridor",
    "index -1 is the last cell in NumPy: your corridor is a ring. A move off the end stays in place.",
)
def wraps_around(n, slip):
    P = np.zeros((n, 2, n))
    for s in range(n):
        P[s, 0, s - 1] += 1 - slip
        P[s, 0, (s + 1) % n] += slip
        P[s, 1, (s + 1) % n] += 1 - slip
        P[s, 1, s - 1] += slip
    return P


@mutant(
    "corridor",
    "the probability of moves off the end is lost, so rows at the ends do not sum to 1. Those moves stay in place.",
)
def loses_probability_at_the_ends(n, slip):
    P = np.zeros((n, 2, n))
    for s in range(n):
        for a, step in ((0, -1), (1, 1)):
            for move, p in ((step, 1 - slip), (-step, slip)):
                if 0 <= s + move < n:
                    P[s, a, s + move] += p
    return P


@mutant("corridor", "where both moves end in the same cell the second overwrites the first: add with +=.")
def overwrites(n, slip):
    P = np.zeros((n, 2, n))
    for s in range(n):
        left, right = max(s - 1, 0), min(s + 1, n - 1)
        P[s, 0, left], P[s, 1, right] = 1 - slip, 1 - slip
        P[s, 0, right], P[s, 1, left] = slip, slip
    return P


@mutant("corridor", "a slip goes the other way here; yours leaves one in place.")
def slip_stays(n, slip):
    P = np.zeros((n, 2, n))
    for s in range(n):
        P[s, 0, max(s - 1, 0)] += 1 - slip
        P[s, 1, min(s + 1, n - 1)] += 1 - slip
        P[s, :, s] += slip
    return P


@mutant(
    "follow", "you follow the most probable action only. A stochastic policy mixes all of them by pi(a | s)."
)
def follows_the_likeliest_action(P, R, pi):
    return solutions.follow(P, R, np.eye(pi.shape[1])[pi.argmax(axis=1)])


@mutant("follow", "the actions are averaged as if all were equally likely; weight them by pi(a | s).")
def ignores_the_policy(P, R, pi):
    return solutions.follow(P, R, np.full(pi.shape, 1 / pi.shape[1]))


@mutant("follow", "r_pi leaves out P: R(s, a, s') must be averaged over s' with P(s' | s, a), not summed.")
def rewards_summed_over_successors(P, R, pi):
    return [np.einsum("sa,san->sn", pi, P), np.einsum("sa,san->s", pi, R)]


@mutant("follow", "P_pi is transposed: row s must hold the distribution of the next state.")
def transposed(P, R, pi):
    P_pi, r_pi = solutions.follow(P, R, pi)
    return [P_pi.T, r_pi]


@mutant(
    "state_distribution",
    "this is P_pi @ d. Rows of P_pi are 'from', so a distribution stands on the left: d @ P_pi.",
)
def matrix_on_the_wrong_side(P_pi, start, t):
    return np.linalg.matrix_power(P_pi, t) @ start


@mutant("state_distribution", "one step too many: d_0 is `start` itself.")
def one_step_too_many(P_pi, start, t):
    return solutions.state_distribution(P_pi, start, t + 1)


@mutant(
    "state_distribution", "you went to the likeliest next state each time. A distribution keeps all of them."
)
def follows_the_likeliest_state(P_pi, start, t):
    s = int(np.argmax(start))
    for _ in range(t):
        s = int(np.argmax(P_pi[s]))
    return np.eye(len(start))[s]


@mutant(
    "steps_that_matter",
    "this asks for one reward to be small. All rewards after n count: divide by 1 - gamma.",
)
def one_reward_only(gamma, r_max, error):
    return max(int(np.ceil(np.log(error / r_max) / np.log(gamma))), 0)


@mutant("steps_that_matter", "rounded down: n steps are then one too few. Take the ceiling.")
def rounded_down(gamma, r_max, error):
    return max(int(np.floor(np.log(error * (1 - gamma) / r_max) / np.log(gamma))), 0)


@mutant("steps_that_matter", "n is negative where no reward matters; the smallest number of steps is 0.")
def negative_count(gamma, r_max, error):
    return int(np.ceil(np.log(error * (1 - gamma) / r_max) / np.log(gamma)))


@mutant(
    "steps_that_matter",
    "int(x) + 1 is not the ceiling: a whole number gets one too many, and int cuts a negative number towards 0.",
)
def cut_off_plus_one(gamma, r_max, error):
    return int(np.log(error * (1 - gamma) / r_max) / np.log(gamma)) + 1


@mutant(
    "roll_out",
    "running out of time is not reaching a terminal state: that walk is truncated, not terminated.",
)
def time_limit_taken_for_the_end(P, R, terminal, state, pi, horizon, rng):
    states, rewards, _, _ = solutions.roll_out(P, R, terminal, state, pi, horizon, rng)
    return [states, rewards, True, False]


@mutant(
    "roll_out",
    "the last step both reached a terminal state and used up the time: terminated wins, truncated is False.",
)
def both_at_once(P, R, terminal, state, pi, horizon, rng):
    states, rewards, terminated, _ = solutions.roll_out(P, R, terminal, state, pi, horizon, rng)
    return [states, rewards, terminated, len(rewards) == horizon]


@mutant("roll_out", "the last state is missing: there is one more state than there are rewards.")
def last_state_missing(P, R, terminal, state, pi, horizon, rng):
    states, rewards, terminated, truncated = solutions.roll_out(P, R, terminal, state, pi, horizon, rng)
    return [states[:-1], rewards, terminated, truncated]


@mutant(
    "roll_out", "your walker always takes the likeliest action. A policy is a distribution: draw from it."
)
def takes_the_likeliest_action(P, R, terminal, state, pi, horizon, rng):
    return solutions.roll_out(P, R, terminal, state, np.eye(pi.shape[1])[pi.argmax(axis=1)], horizon, rng)


@mutant(
    "roll_out",
    "the reward belongs to the transition taken: R[s, a, s'] with the state you left, not the one you reached.",
)
def reward_of_the_state_reached(P, R, terminal, state, pi, horizon, rng):
    states, rewards = [state], []
    while len(rewards) < horizon and not terminal[state]:
        a = draw(pi[state], rng)
        state = draw(P[state, a], rng)
        states.append(state)
        rewards.append(float(R[state, a, state]))
    return [states, rewards, bool(terminal[state]), not terminal[state]]


@mutant(
    "monte_carlo",
    "the standard error shrinks with the number of walks: divide the standard deviation by sqrt(episodes).",
)
def standard_deviation_for_standard_error(P, R, terminal, state, pi, gamma, horizon, episodes, rng):
    mean, error = solutions.monte_carlo(P, R, terminal, state, pi, gamma, horizon, episodes, rng)
    return [mean, error * np.sqrt(episodes)]


@mutant(
    "monte_carlo",
    "the standard deviation divides by episodes; the mean is estimated too, so divide by episodes - 1.",
)
def biased_standard_deviation(P, R, terminal, state, pi, gamma, horizon, episodes, rng):
    mean, error = solutions.monte_carlo(P, R, terminal, state, pi, gamma, horizon, episodes, rng)
    return [mean, error * np.sqrt((episodes - 1) / episodes)]


@mutant(
    "monte_carlo",
    "every walk is the same: the generator is made anew for each episode. Pass one rng through all of them.",
)
def reseeded_for_every_episode(P, R, terminal, state, pi, gamma, horizon, episodes, rng):
    rewards = solutions.roll_out(P, R, terminal, state, pi, horizon, rng)[1]
    return [solutions.discounted_return(rewards, gamma), 0.0]


@mutant("monte_carlo", "the returns are not discounted: apply gamma inside each walk.")
def undiscounted_walks(P, R, terminal, state, pi, gamma, horizon, episodes, rng):
    return solutions.monte_carlo(P, R, terminal, state, pi, 1.0, horizon, episodes, rng)
