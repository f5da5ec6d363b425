"""Wrong answers of chapter 2. Each is a mistake that people make, with what they need to hear."""

from itertools import product

import numpy as np

from chapters.ch02_bellman import solutions
from chapters.harness import mutant


def reward_of(P, R):
    """The expected reward of each action.   -> (S, A)"""
    return (P * R).sum(axis=2)


@mutant("cycle_value", "one round has K steps, so the next begins after gamma^K; you have gamma^(K-1).")
def exponent_one_too_small(reward, gamma):
    K = len(reward)
    return float(gamma ** np.arange(K) @ reward / (1 - gamma ** (K - 1))) if K > 1 else np.inf


@mutant("cycle_value", "one round has K steps, so the next begins after gamma^K; you have gamma^(K+1).")
def exponent_one_too_large(reward, gamma):
    K = len(reward)
    return float(gamma ** np.arange(K) @ reward / (1 - gamma ** (K + 1)))


@mutant("cycle_value", "this is one round. The walker goes on for ever: the next round is worth gamma^K V.")
def one_round(reward, gamma):
    return float(gamma ** np.arange(len(reward)) @ reward)


@mutant(
    "cycle_value",
    "1 / (1 - gamma) is right for one step at a time. A round of K steps gives 1 / (1 - gamma^K).",
)
def a_round_taken_for_a_step(reward, gamma):
    return float(gamma ** np.arange(len(reward)) @ reward / (1 - gamma))


@mutant("lookahead", "this is the immediate reward only. What comes after it is worth gamma V(s').")
def without_the_future(P, R, gamma, V):
    return reward_of(P, R)


@mutant("lookahead", "the next state counts in full; it is one step away, so V(s') is multiplied by gamma.")
def undiscounted(P, R, gamma, V):
    return solutions.lookahead(P, R, 1.0, V)


@mutant("lookahead", "gamma multiplies the reward too. The reward of this very step is not discounted.")
def reward_discounted(P, R, gamma, V):
    return gamma * solutions.lookahead(P, R, 1.0, V)


@mutant("lookahead", "you look at the likeliest next state only. Weight every s' by P(s' | s, a).")
def likeliest_next_state(P, R, gamma, V):
    s_next = P.argmax(axis=2)
    return np.take_along_axis(R, s_next[..., None], axis=2)[..., 0] + gamma * V[s_next]


@mutant(
    "lookahead", "the reward is summed over s' without its probability. The whole bracket is weighted by P."
)
def rewards_without_probabilities(P, R, gamma, V):
    return R.sum(axis=2) + gamma * P @ V


@mutant("lookahead", "V is that of the state you leave. The action leads to s': take V(s').")
def value_of_the_state_left(P, R, gamma, V):
    return reward_of(P, R) + gamma * V[:, None]


@mutant("expectation_backup", "a value is not the mean of the next reward: gamma V(s') is missing.")
def mean_reward_only(P, R, gamma, V, pi):
    return (pi * reward_of(P, R)).sum(axis=1)


@mutant(
    "expectation_backup", "you take the best action. This backup follows pi: weight the actions by pi(a | s)."
)
def best_action(P, R, gamma, V, pi):
    return solutions.lookahead(P, R, gamma, V).max(axis=1)


@mutant(
    "expectation_backup", "the actions are averaged as if all were equally likely; weight them by pi(a | s)."
)
def ignores_the_policy(P, R, gamma, V, pi):
    return solutions.lookahead(P, R, gamma, V).mean(axis=1)


@mutant(
    "expectation_backup", "you follow the most probable action only. A stochastic policy mixes all of them."
)
def likeliest_action(P, R, gamma, V, pi):
    return solutions.expectation_backup(P, R, gamma, V, np.eye(pi.shape[1])[pi.argmax(axis=1)])


@mutant(
    "expectation_backup",
    "the reward is averaged over pi, the future is not: V must be that of s', drawn by pi and P.",
)
def value_stays_where_it_is(P, R, gamma, V, pi):
    return (pi * reward_of(P, R)).sum(axis=1) + gamma * V


@mutant(
    "advantage", "r - V compares one step with a whole future. Q(s, a) holds the future too: r + gamma V(s')."
)
def reward_minus_value(P, R, gamma, V):
    return reward_of(P, R) - V[:, None]


@mutant(
    "advantage", "you subtract the best action's Q. The advantage is over V(s), the policy's own average."
)
def distance_from_the_best(P, R, gamma, V):
    Q = solutions.lookahead(P, R, gamma, V)
    return Q - Q.max(axis=1, keepdims=True)


@mutant(
    "advantage",
    "you subtract the plain mean of Q over the actions. V(s) weights them by the policy, and is given.",
)
def above_the_plain_mean(P, R, gamma, V):
    Q = solutions.lookahead(P, R, gamma, V)
    return Q - Q.mean(axis=1, keepdims=True)


@mutant("advantage", "the sign is wrong: an action that is better than the policy has a positive advantage.")
def sign_flipped(P, R, gamma, V):
    return -solutions.advantage(P, R, gamma, V)


@mutant(
    "optimality_backup",
    "the max stands outside the sum over s', so one action must serve all next states. The agent sees s' first "
    "and chooses then: max inside.",
)
def max_outside_the_expectation(P, R, gamma, Q):
    return reward_of(P, R) + gamma * np.einsum("san,nb->sab", P, Q).max(axis=2)


@mutant(
    "optimality_backup",
    "you pick the best next state. The environment draws s'; the agent picks only the action.",
)
def best_next_state(P, R, gamma, Q):
    return np.where(P > 0, R + gamma * Q.max(axis=1), -np.inf).max(axis=2)


@mutant("optimality_backup", "you look at the likeliest next state only. Weight every s' by P(s' | s, a).")
def max_at_the_likeliest_next_state(P, R, gamma, Q):
    return reward_of(P, R) + gamma * Q.max(axis=1)[P.argmax(axis=2)]


@mutant("optimality_backup", "the max is over Q(s, .), the state you leave. It must be over Q(s', .).")
def max_at_the_state_left(P, R, gamma, Q):
    return reward_of(P, R) + gamma * Q.max(axis=1, keepdims=True)


@mutant(
    "optimality_backup",
    "the next action is averaged. That is the backup of the uniform policy; here take the max.",
)
def mean_of_the_next_actions(P, R, gamma, Q):
    return solutions.lookahead(P, R, gamma, Q.mean(axis=1))


@mutant(
    "optimal_actions",
    "argmax gives the first best action of each state and hides the others that are as good.",
)
def first_best_only(Q, tol):
    return np.eye(Q.shape[1], dtype=bool)[Q.argmax(axis=1)]


@mutant("optimal_actions", "== compares the last digit. 0.1 + 0.2 is not 0.3 here: leave room for `tol`.")
def equal_to_the_last_digit(Q, tol):
    return Q.max(axis=1, keepdims=True) == Q


@mutant(
    "optimal_actions",
    "np.isclose adds a relative tolerance of its own, rtol=1e-5. Set rtol=0, or compare the difference with `tol`.",
)
def isclose_with_its_own_tolerance(Q, tol):
    return np.isclose(Q, Q.max(axis=1, keepdims=True), atol=tol)


@mutant(
    "optimal_actions",
    "you compare with the best of the whole table. Each state has its own best: max over axis 1.",
)
def best_of_the_table(Q, tol):
    return Q.max() - Q <= tol


@mutant(
    "optimal_actions",
    "`tol` is not a share of the best value: with a negative one nothing passes. Subtract it.",
)
def relative_tolerance(Q, tol):
    return Q.max(axis=1, keepdims=True) * (1 - tol) <= Q


@mutant(
    "optimal_actions", "the best *state* of each action is marked: the max must run over actions, axis 1."
)
def best_state_of_each_action(Q, tol):
    return Q.max(axis=0) - Q <= tol


@mutant(
    "policy_value",
    "at gamma = 1 the matrix is singular: the row of a terminal state reads V = V. Strike the terminal states "
    "out and set their value to 0.",
)
def singular(P, R, gamma, terminal, pi):
    P_pi, r_pi = np.einsum("sa,san->sn", pi, P), np.einsum("sa,san,san->s", pi, P, R)
    return np.linalg.solve(np.eye(len(P)) - gamma * P_pi, r_pi)


@mutant(
    "policy_value",
    "a least-squares answer exists for a singular matrix too, but it is one of many and gives the terminal state "
    "a value. Set that to 0 and solve for the others.",
)
def least_squares(P, R, gamma, terminal, pi):
    P_pi, r_pi = np.einsum("sa,san->sn", pi, P), np.einsum("sa,san,san->s", pi, P, R)
    return np.linalg.lstsq(np.eye(len(P)) - gamma * P_pi, r_pi, rcond=None)[0]


@mutant(
    "policy_value",
    "this is r_pi, the mean of the next reward. A value holds all rewards to come: solve for V.",
)
def next_reward_only(P, R, gamma, terminal, pi):
    return (pi * reward_of(P, R)).sum(axis=1)


@mutant(
    "policy_value", "P_pi is transposed: V(s) looks forward, along row s, not back at where one came from."
)
def looks_back(P, R, gamma, terminal, pi):
    P_pi, r_pi = np.einsum("sa,san->sn", pi, P), np.einsum("sa,san,san->s", pi, P, R)
    V, alive = np.zeros(len(P)), ~terminal
    V[alive] = np.linalg.solve(np.eye(alive.sum()) - gamma * P_pi[alive][:, alive].T, r_pi[alive])
    return V


@mutant("policy_value", "gamma is not used: the matrix is I - gamma P_pi.")
def gamma_forgotten(P, R, gamma, terminal, pi):
    return solutions.policy_value(P, R, 1.0, terminal, pi)


@mutant("policy_value", "the actions are averaged as if all were equally likely; weight them by pi(a | s).")
def value_of_the_uniform_policy(P, R, gamma, terminal, pi):
    return solutions.policy_value(P, R, gamma, terminal, np.full(pi.shape, 1 / pi.shape[1]))


@mutant(
    "expected_steps", "one too many: arriving in a terminal state ends the count, and from there it is 0."
)
def counts_the_end(P, terminal, pi):
    return solutions.expected_steps(P, terminal, pi) + 1


@mutant(
    "expected_steps", "this is the fewest steps that the end can take. Asked is the mean number under pi."
)
def fewest_steps(P, terminal, pi):
    reach = np.einsum("sa,san->sn", pi, P) > 0
    steps = np.where(terminal, 0.0, np.inf)
    for _ in range(len(P)):
        steps = np.where(terminal, 0.0, 1 + np.where(reach, steps, np.inf).min(axis=1))
    return steps


@mutant(
    "expected_steps",
    "1 / (chance to end in this step) would be right if that chance were the same everywhere.",
)
def one_over_the_chance_to_end(P, terminal, pi):
    end = np.einsum("sa,san->sn", pi, P)[:, terminal].sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.where(terminal, 0.0, 1 / end)


@mutant("expected_steps", "the actions are averaged as if all were equally likely; weight them by pi(a | s).")
def steps_of_the_uniform_policy(P, terminal, pi):
    return solutions.expected_steps(P, terminal, np.full(pi.shape, 1 / pi.shape[1]))


@mutant(
    "error_bound",
    "the residual is the error of one backup. Errors add up over the steps to come: divide by 1 - gamma.",
)
def residual_alone(P, R, gamma, V):
    return solutions.error_bound(P, R, gamma, V) * (1 - gamma)


@mutant(
    "error_bound",
    "gamma / (1 - gamma) bounds the error of T V, one backup later. That of V itself can be larger.",
)
def bound_of_the_next_table(P, R, gamma, V):
    return solutions.error_bound(P, R, gamma, V) * gamma


@mutant(
    "error_bound", "the absolute value is missing: V may be too large, and then the residual is negative."
)
def without_the_absolute_value(P, R, gamma, V):
    return float((solutions.lookahead(P, R, gamma, V).max(axis=1) - V).max() / (1 - gamma))


@mutant("error_bound", "a mean residual says nothing about the worst state. Take the max over states.")
def mean_residual(P, R, gamma, V):
    return float(np.abs(solutions.lookahead(P, R, gamma, V).max(axis=1) - V).mean() / (1 - gamma))


def values_of_all(P, R, gamma):
    S, A, _ = P.shape
    policies = [np.eye(A)[list(a)] for a in product(range(A), repeat=S)]
    return np.array([solutions.policy_value(P, R, gamma, np.zeros(S, bool), pi) for pi in policies])


@mutant(
    "best_of_all_policies",
    "the same action in every state gives A policies. There are A^S: a choice a state.",
)
def same_action_everywhere(P, R, gamma):
    S, A, _ = P.shape
    policies = np.eye(A)[:, None].repeat(S, axis=1)
    values = np.array([solutions.policy_value(P, R, gamma, np.zeros(S, bool), pi) for pi in policies])
    best = values.max(axis=0)
    return [best, int((values > best - 1e-9).all(axis=1).sum())]


@mutant(
    "best_of_all_policies",
    "best from state 0 is not best everywhere: such a policy may do anything where it never comes.",
)
def best_from_state_0(P, R, gamma):
    values = values_of_all(P, R, gamma)
    return [values[values[:, 0].argmax()], int((values[:, 0] > values[:, 0].max() - 1e-9).sum())]


@mutant(
    "best_of_all_policies",
    "you count the policies that are best in some state. Count those that are best in all.",
)
def best_somewhere(P, R, gamma):
    values = values_of_all(P, R, gamma)
    best = values.max(axis=0)
    return [best, int((values > best - 1e-9).any(axis=1).sum())]


@mutant(
    "best_of_all_policies",
    "this policy takes the largest next reward. It may lead where nothing more is to be had.",
)
def takes_the_largest_next_reward(P, R, gamma):
    S, A, _ = P.shape
    pi = np.eye(A)[reward_of(P, R).argmax(axis=1)]
    return [solutions.policy_value(P, R, gamma, np.zeros(S, bool), pi), 1]


def backed_up(P, R, gamma, U, V, n, distance, backup):
    """distance of U and V after 0, 1, ..., n backups."""
    distances = [distance(U, V)]
    for _ in range(n):
        U, V = (backup(solutions.lookahead(P, R, gamma, table)) for table in (U, V))
        distances.append(distance(U, V))
    return np.array(distances)


def best(Q):
    return Q.max(axis=1)


def largest(U, V):
    return np.abs(U - V).max()


@mutant(
    "contraction_ratios",
    "this is the Euclidean distance. The contraction holds for the largest difference, max |U - V|.",
)
def euclidean(P, R, gamma, U, V, n):
    d = backed_up(P, R, gamma, U, V, n, lambda U, V: np.linalg.norm(U - V), best)
    return d[1:] / d[:-1]


@mutant(
    "contraction_ratios",
    "each distance is divided by the first. Divide it by the one before: one backup at a time.",
)
def since_the_beginning(P, R, gamma, U, V, n):
    d = backed_up(P, R, gamma, U, V, n, largest, best)
    return d[1:] / d[0]


@mutant(
    "contraction_ratios",
    "the actions are averaged, which is the backup of a policy. Here take the max over actions.",
)
def backup_of_the_uniform_policy(P, R, gamma, U, V, n):
    d = backed_up(P, R, gamma, U, V, n, largest, lambda Q: Q.mean(axis=1))
    return d[1:] / d[:-1]


@mutant(
    "contraction_ratios", "U is compared with its own backup. Compare the two tables: distance(T U, T V)."
)
def steps_of_one_table(P, R, gamma, U, V, n):
    tables = [U]
    for _ in range(n + 1):
        tables.append(best(solutions.lookahead(P, R, gamma, tables[-1])))
    d = np.abs(np.diff(tables, axis=0)).max(axis=1)
    return d[1:] / d[:-1]
