"""Wrong answers of chapter 3. Each is a mistake that people make, with what they need to hear."""

import itertools

import numpy as np

from chapters.ch03_dynamic_programming import solutions
from chapters.ch03_dynamic_programming.exercises import lookahead
from chapters.harness import mutant

# ---------------------------------------------------------------- 3.1 evaluation_sweep


@mutant(
    "evaluation_sweep",
    "later states see the values this very sweep has renewed. With two arrays, all read the old V.",
)
def reads_what_it_has_just_written(P, R, gamma, pi, V):
    V = V.copy()
    for s in range(len(V)):
        V[s] = pi[s] @ (P[s] * (R[s] + gamma * V)).sum(axis=1)
    return V


@mutant(
    "evaluation_sweep", "this takes the best action. Evaluation averages over the actions with pi(a | s)."
)
def takes_the_best_action(P, R, gamma, pi, V):
    return lookahead(P, R, gamma, V).max(axis=1)


@mutant(
    "evaluation_sweep", "the actions are averaged as if all were equally likely; weight them by pi(a | s)."
)
def ignores_the_policy(P, R, gamma, pi, V):
    return lookahead(P, R, gamma, V).mean(axis=1)


@mutant(
    "evaluation_sweep",
    "gamma multiplies the reward too. The reward of this step counts in full: R + gamma V, not gamma (R + V).",
)
def discounts_the_reward(P, R, gamma, pi, V):
    return solutions.evaluation_sweep(P, gamma * R, gamma, pi, V)


@mutant(
    "evaluation_sweep",
    "rewards are added up over s' as if every next state came for sure. Weight R[s, a, s'] by P(s' | s, a).",
)
def adds_up_all_rewards(P, R, gamma, pi, V):
    return (pi * (R.sum(axis=2) + gamma * P @ V)).sum(axis=1)


@mutant(
    "evaluation_sweep",
    "rewards are averaged as if all next states were equally likely. Weight R[s, a, s'] by P(s' | s, a).",
)
def averages_all_rewards(P, R, gamma, pi, V):
    return (pi * (R.mean(axis=2) + gamma * P @ V)).sum(axis=1)


@mutant(
    "evaluation_sweep",
    "this is the reward of one step. The value of what comes after is missing: + gamma V(s').",
)
def leaves_out_the_future(P, R, gamma, pi, V):
    return solutions.evaluation_sweep(P, R, 0.0, pi, V)


@mutant(
    "evaluation_sweep",
    "V is taken of the state you leave. What follows is worth V(s'): the last axis of P and R.",
)
def value_of_the_state_left(P, R, gamma, pi, V):
    return solutions.evaluation_sweep(P, R + gamma * V[:, None, None], 0.0, pi, V)


# ---------------------------------------------------------------- 3.2 residual_for


@mutant(
    "residual_for",
    "a small change is not a small error: with gamma near 1 the steps are short and the way is long.",
)
def takes_the_change_for_the_error(error, gamma):
    return error


@mutant("residual_for", "upside down: the closer gamma is to 1, the smaller theta must be.")
def upside_down(error, gamma):
    return error * gamma / (1 - gamma)


@mutant(
    "residual_for",
    "this bounds the error of V_k. What is returned is V_{k+1}, one contraction further: divide by gamma.",
)
def bounds_the_iterate_before(error, gamma):
    return error * (1 - gamma)


@mutant(
    "residual_for",
    "the 2 belongs to another guarantee, how good the greedy policy is. For the values alone theta may be twice this.",
)
def halves_it(error, gamma):
    return error * (1 - gamma) / (2 * gamma)


# ---------------------------------------------------------------- 3.3 poisson_with_tail


@mutant(
    "poisson_with_tail",
    "the table is cut off and the tail is lost: the entries do not sum to 1. The last one is P(N >= n).",
)
def loses_the_tail(mean, n):
    p = np.exp(-mean) * np.cumprod(np.append(1.0, mean / np.arange(1, n + 1)))
    return p


@mutant(
    "poisson_with_tail", "dividing by the sum spreads the tail over all entries. It belongs to the last one."
)
def spreads_the_tail(mean, n):
    p = loses_the_tail(mean, n)
    return p / p.sum()


@mutant("poisson_with_tail", "the last entry is P(N > n). Exactly n customers are in it too: P(N >= n).")
def leaves_out_exactly_n(mean, n):
    p = loses_the_tail(mean, n)
    p[n] = 1 - p.sum()
    return p


@mutant(
    "poisson_with_tail",
    "the last entry is 1 minus P(N = n), so the entries sum to more than 1. Take 1 minus the sum of all others.",
)
def one_minus_the_last_entry(mean, n):
    p = loses_the_tail(mean, n)
    p[n] = 1 - p[n]
    return p


@mutant("poisson_with_tail", "k! is missing: entries must fall once k is larger than the mean.")
def forgets_the_factorial(mean, n):
    p = np.exp(-mean) * mean ** np.arange(n + 1.0)
    p[n] = 1 - p[:n].sum()
    return p


# ---------------------------------------------------------------- 3.4 count_sweeps


@mutant(
    "count_sweeps",
    "`old = V` is a second name for the same array, so in place the change is always 0. Copy it.",
)
def compares_an_array_with_itself(P, R, gamma, pi, theta, in_place):
    return 1 if in_place else solutions.count_sweeps(P, R, gamma, pi, theta, False)


@mutant("count_sweeps", "in_place makes no difference: your sweep always reads the old array.")
def never_in_place(P, R, gamma, pi, theta, in_place):
    return solutions.count_sweeps(P, R, gamma, pi, theta, False)


@mutant(
    "count_sweeps",
    "your sweep always works in place. With two arrays, a sweep must read the values of the sweep before.",
)
def always_in_place(P, R, gamma, pi, theta, in_place):
    return solutions.count_sweeps(P, R, gamma, pi, theta, True)


@mutant(
    "count_sweeps",
    "one too few: the sweep that finds out that nothing changes any more was made too, so it counts.",
)
def leaves_out_the_last_sweep(P, R, gamma, pi, theta, in_place):
    return solutions.count_sweeps(P, R, gamma, pi, theta, in_place) - 1


@mutant(
    "count_sweeps",
    "the changes have signs. A falling value changes by a negative number: take the absolute value.",
)
def forgets_the_sign(P, R, gamma, pi, theta, in_place):
    return sweeps_until(np.max, P, R, gamma, pi, theta, in_place)


@mutant(
    "count_sweeps",
    "the changes of all states are added up. No single value may change by theta: take the largest |change|.",
)
def adds_the_changes_up(P, R, gamma, pi, theta, in_place):
    return sweeps_until(lambda d: np.abs(d).sum(), P, R, gamma, pi, theta, in_place)


@mutant(
    "count_sweeps",
    "the changes are averaged over the states. One value may still move by much more: take the largest |change|.",
)
def averages_the_changes(P, R, gamma, pi, theta, in_place):
    return sweeps_until(lambda d: np.abs(d).mean(), P, R, gamma, pi, theta, in_place)


def sweeps_until(measure, P, R, gamma, pi, theta, in_place):
    """The number of sweeps until measure(change (S,)) is below theta."""
    sweep = reads_what_it_has_just_written if in_place else solutions.evaluation_sweep
    V, sweeps, change = np.zeros(len(P)), 0, theta
    while change >= theta and sweeps < 10_000:
        V, old, sweeps = sweep(P, R, gamma, pi, V), V, sweeps + 1
        change = measure(V - old)
    return sweeps


# ---------------------------------------------------------------- 3.5 improve


@mutant(
    "improve",
    "the first maximum replaces an action that was just as good. Keep pi[s] where it is a best action.",
)
def takes_the_first_maximum(Q, pi):
    return Q.argmax(axis=1)


@mutant(
    "improve",
    "your tolerance is too generous: an action that is worse by more than 1e-9 is not a best action.",
)
def keeps_what_is_nearly_as_good(Q, pi):
    of_pi = np.take_along_axis(Q, pi[:, None], axis=1)[:, 0]
    return np.where(of_pi > Q.max(axis=1) - 0.5, pi, Q.argmax(axis=1))


@mutant("improve", "Q[s, pi[s]] == max fails by a rounding error of 1e-13. Compare with a tolerance.")
def compares_floats_exactly(Q, pi):
    of_pi = np.take_along_axis(Q, pi[:, None], axis=1)[:, 0]
    return np.where(of_pi == Q.max(axis=1), pi, Q.argmax(axis=1))


@mutant("improve", "this stops at the first action that is better than the old one. Take a best one.")
def takes_the_first_better_action(Q, pi):
    of_pi = np.take_along_axis(Q, pi[:, None], axis=1)
    better = of_pi + solutions.TIE < Q
    return np.where(better.any(axis=1), better.argmax(axis=1), pi)


@mutant(
    "improve",
    "argmin takes the worst action: Q is a value, and more is better, also where all values are negative.",
)
def takes_the_worst(Q, pi):
    return Q.argmin(axis=1)


# ---------------------------------------------------------------- 3.6 value_iteration


@mutant(
    "value_iteration",
    "the maximum runs over next states. You choose the action, not where it leads: average over s', then maximise over a.",
)
def chooses_the_next_state(P, R, gamma, V):
    while True:
        yield V
        V = np.where(P > 0, R + gamma * V, -np.inf).max(axis=(1, 2))


@mutant(
    "value_iteration",
    "this is one sweep, returned as an array. Asked for is a stream: a function that yields one array after another.",
)
def returns_one_sweep(P, R, gamma, V):
    return lookahead(P, R, gamma, V).max(axis=1)


@mutant(
    "value_iteration",
    "the actions are averaged: that evaluates the policy that acts at random. Take the maximum over actions.",
)
def averages_the_actions(P, R, gamma, V):
    while True:
        yield V
        V = lookahead(P, R, gamma, V).mean(axis=1)


@mutant(
    "value_iteration",
    "the stream begins after one sweep. The first table asked for is V_0, the values you were given.",
)
def leaves_out_the_start(P, R, gamma, V):
    return itertools.islice(solutions.value_iteration(P, R, gamma, V), 1, None)


@mutant(
    "value_iteration",
    "the stream has an end. The caller decides when to stop, and cannot if you stop first: `while True`.",
)
def stops_by_itself(P, R, gamma, V):
    return list(itertools.islice(solutions.value_iteration(P, R, gamma, V), 1000))


@mutant(
    "value_iteration",
    "every table is the same array, overwritten, so a list of the stream holds the last one many times. Yield a new array.",
)
def yields_one_array(P, R, gamma, V):
    V = V.copy()
    while True:
        yield V
        V[:] = lookahead(P, R, gamma, V).max(axis=1)


@mutant(
    "value_iteration",
    "you work in place: states with a higher number see values of this sweep. V_{k+1} is made of V_k alone.",
)
def works_in_place(P, R, gamma, V):
    V = V.copy()
    while True:
        yield V.copy()
        for s in range(len(V)):
            V[s] = (P[s] * (R[s] + gamma * V)).sum(axis=1).max()


@mutant(
    "value_iteration",
    "gamma multiplies the reward too. The reward of this step counts in full: R + gamma V, not gamma (R + V).",
)
def discounts_this_reward(P, R, gamma, V):
    return solutions.value_iteration(P, gamma * R, gamma, V)


@mutant(
    "value_iteration",
    "the action is chosen for its reward alone, and the future added after. Maximise the sum of both.",
)
def maximises_the_reward_alone(P, R, gamma, V):
    a = (P * R).sum(axis=2).argmax(axis=1)
    while True:
        yield V
        V = lookahead(P, R, gamma, V)[np.arange(len(V)), a]


# ---------------------------------------------------------------- 3.7 span_bounds


@mutant(
    "span_bounds", "min(d) may be positive: then all values have to rise. Do not cut it off at 0; nor max(d)."
)
def bounds_that_contain_no_change(V, V_next, gamma):
    d = V_next - V
    c = gamma / (1 - gamma)
    return [V_next + c * min(d.min(), 0.0), V_next + c * max(d.max(), 0.0)]


@mutant("span_bounds", "these are bounds around V with the factor of V_next. Start from V_next.")
def bounds_around_the_old_values(V, V_next, gamma):
    d = V_next - V
    return [V + gamma / (1 - gamma) * d.min(), V + gamma / (1 - gamma) * d.max()]


@mutant(
    "span_bounds",
    "you use the largest |d| on both sides. True, but loose: a common shift of all values costs nothing here.",
)
def same_on_both_sides(V, V_next, gamma):
    e = gamma / (1 - gamma) * np.abs(V_next - V).max()
    return [V_next - e, V_next + e]


@mutant(
    "span_bounds",
    "each state uses its own change. A state that stands still now may move later: take the minimum and maximum over all.",
)
def every_state_for_itself(V, V_next, gamma):
    limit = V_next + gamma / (1 - gamma) * (V_next - V)
    return [limit, limit]


@mutant(
    "span_bounds",
    "one change only: the changes still to come are gamma d, gamma^2 d, ..., and sum to gamma / (1 - gamma) d.",
)
def adds_one_change_only(V, V_next, gamma):
    d = V_next - V
    return [V_next + gamma * d.min(), V_next + gamma * d.max()]


@mutant(
    "span_bounds",
    "1 / (1 - gamma) goes with V, as in chapter 2. V_next has had the first change already: gamma / (1 - gamma).",
)
def takes_the_factor_of_the_old_values(V, V_next, gamma):
    d = V_next - V
    return [V_next + d.min() / (1 - gamma), V_next + d.max() / (1 - gamma)]


# ---------------------------------------------------------------- 3.8 optimal_stakes


@mutant(
    "optimal_stakes",
    "your tolerance is too generous: a stake that loses a thousandth of the chance is not among the best.",
)
def a_generous_tolerance(V, p_heads, capital):
    stake = np.arange(1, min(capital, len(V) - 1 - capital) + 1)
    Q = p_heads * V[capital + stake] + (1 - p_heads) * V[capital - stake]
    return stake[Q.max() - 2e-3 <= Q]


@mutant(
    "optimal_stakes",
    "only the first of several equally good stakes. `argmax` never tells you that there is a tie.",
)
def first_best_stake_only(V, p_heads, capital):
    return solutions.optimal_stakes(V, p_heads, capital)[:1]


@mutant("optimal_stakes", "Q == max(Q) loses stakes to rounding errors of 1e-16. Compare with a tolerance.")
def loses_ties_to_rounding(V, p_heads, capital):
    a = np.arange(1, min(capital, len(V) - 1 - capital) + 1)
    Q = p_heads * V[capital + a] + (1 - p_heads) * V[capital - a]
    return a[np.equal(Q, Q.max())]


@mutant(
    "optimal_stakes",
    "stake 0 is among them. It changes nothing, so it looks as good as the best; who always stakes 0 never wins.",
)
def stakes_nothing(V, p_heads, capital):
    a = np.arange(min(capital, len(V) - 1 - capital) + 1)
    Q = p_heads * V[capital + a] + (1 - p_heads) * V[capital - a]
    return a[Q.max() - solutions.TIE <= Q]


@mutant("optimal_stakes", "the largest stake is missing: `range(1, n)` ends at n - 1.")
def never_stakes_everything(V, p_heads, capital):
    a = np.arange(1, max(min(capital, len(V) - 1 - capital), 2))
    Q = p_heads * V[capital + a] + (1 - p_heads) * V[capital - a]
    return a[Q.max() - solutions.TIE <= Q]


@mutant(
    "optimal_stakes",
    "a stake is more than what is missing to the goal. Stakes end at the smaller of capital and goal - capital.",
)
def stakes_more_than_is_missing(V, p_heads, capital):
    a = np.arange(1, capital + 1)
    Q = p_heads * V[np.minimum(capital + a, len(V) - 1)] + (1 - p_heads) * V[capital - a]
    return a[Q.max() - solutions.TIE <= Q]


@mutant("optimal_stakes", "heads and tails have changed places: p_heads goes with V[capital + a].")
def wins_on_tails(V, p_heads, capital):
    return solutions.optimal_stakes(V, 1 - p_heads, capital)


# ---------------------------------------------------------------- 3.9 backward_induction


def unlimited(P, R, gamma):
    """Values without a time limit, after 2000 sweeps.   -> (S,)"""
    stream = solutions.value_iteration(P, R, gamma, np.zeros(len(P)))
    return next(itertools.islice(stream, 1999, None))


@mutant(
    "backward_induction",
    "the rows are in the order of the steps left. Row t is for time t: row `horizon` is 0, row 0 has all the time.",
)
def counts_the_steps_left(P, R, gamma, horizon):
    return solutions.backward_induction(P, R, gamma, horizon)[::-1]


@mutant(
    "backward_induction",
    "you act as if there were no limit. With few steps left another action can be better: maximise at every t.",
)
def acts_as_if_there_were_no_limit(P, R, gamma, horizon):
    V = unlimited(P, R, gamma)
    of_pi = lookahead(P, R, gamma, V).argmax(axis=1)
    table = np.zeros((horizon + 1, len(P)))
    for t in reversed(range(horizon)):
        table[t] = lookahead(P, R, gamma, table[t + 1])[np.arange(len(P)), of_pi]
    return table


@mutant(
    "backward_induction",
    "the walk does not go on when the time is up: V at the horizon is 0, not the value without a limit.",
)
def goes_on_after_the_end(P, R, gamma, horizon):
    V = unlimited(P, R, gamma)
    return np.tile(V, (horizon + 1, 1))


@mutant(
    "backward_induction",
    "one step is missing: from time 0 there are `horizon` steps, so the table has horizon + 1 rows.",
)
def one_row_too_few(P, R, gamma, horizon):
    return solutions.backward_induction(P, R, gamma, horizon)[1:]


@mutant(
    "backward_induction", "gamma is forgotten: what comes one step later counts gamma V_{t+1}, not V_{t+1}."
)
def forgets_the_discount(P, R, gamma, horizon):
    return solutions.backward_induction(P, R, 1.0, horizon)


# ---------------------------------------------------------------- 3.10 surely_ends


@mutant(
    "surely_ends",
    "a walk that ends with probability 0.97 does not surely end. Look at what is possible, not at how likely it is.",
)
def very_likely_ends(P, terminal, pi):
    step = P[np.arange(len(P)), pi]
    return np.linalg.matrix_power(step, 100_000)[:, terminal].sum(axis=1) > 0.95


@mutant(
    "surely_ends",
    "these are the states from which the end *can* be reached. A walk from there may still get lost on the way.",
)
def possible_is_not_certain(P, terminal, pi):
    return solutions._can_reach(P[np.arange(len(P)), pi] > 0, terminal)


@mutant("surely_ends", "every action counts here. The policy takes one: pi[s].")
def as_if_all_actions_were_taken(P, terminal, pi):
    step = P.max(axis=1) > 0
    return ~solutions._can_reach(step, ~solutions._can_reach(step, terminal))


@mutant("surely_ends", "one step back from the end is not enough; go on until no state is added.")
def looks_one_step_ahead(P, terminal, pi):
    step = P[np.arange(len(P)), pi] > 0
    return terminal | (step <= terminal).all(axis=1)


@mutant(
    "surely_ends",
    "a loop is no trap as long as it is left with some probability: after enough rounds it is left for sure.",
)
def takes_every_loop_for_a_trap(P, terminal, pi):
    step = P[np.arange(len(P)), pi] > 0
    sure = terminal.copy()
    for _ in range(len(P)):
        sure = sure | (step <= sure).all(axis=1)
    return sure


@mutant(
    "surely_ends",
    "a walk may take longer than you let it. A state left with probability 0.001 a step is left for sure in the end.",
)
def walks_two_hundred_steps(P, terminal, pi):
    walk = np.where(terminal[:, None], np.eye(len(P)), P[np.arange(len(P)), pi])
    return np.linalg.matrix_power(walk, 200)[:, terminal].sum(axis=1) > 0.99


# ---------------------------------------------------------------- 3.11 policy_iteration


def howard(P, R, gamma, pi, improve):
    """Policy iteration with another improvement, (Q, pi) -> new pi."""
    S = np.arange(len(P))
    while True:
        P_pi = P[S, pi]
        V = np.linalg.solve(np.eye(len(P)) - gamma * P_pi, (P_pi * R[S, pi]).sum(axis=1))
        yield V
        better = improve(lookahead(P, R, gamma, V), pi)
        if (better == pi).all():
            return
        pi = better


@mutant(
    "policy_iteration",
    "it ends when the *largest* value no longer rises. Other states may still have something to gain.",
)
def watches_the_largest_value(P, R, gamma, pi):
    best = -np.inf
    for V in solutions.policy_iteration(P, R, gamma, pi):
        yield V
        if V.max() <= best + 1e-9:
            return
        best = V.max()


@mutant(
    "policy_iteration",
    "argmax drops an action for one that is better by a rounding error, and the next solve rounds the other way: "
    "it need not end. Keep the old action unless another is better by more than 1e-9.",
)
def takes_argmax(P, R, gamma, pi):
    return howard(P, R, gamma, pi, lambda Q, pi: Q.argmax(axis=1))


@mutant(
    "policy_iteration",
    "it does not end where two actions are equally good: the policy keeps changing between them. Keep the old action in a tie.",
)
def breaks_ties_at_random(P, R, gamma, pi):
    rng = np.random.default_rng(0)

    def any_best(Q, pi):
        best = Q.max(axis=1, keepdims=True) - solutions.TIE <= Q
        return (best * rng.random(Q.shape)).argmax(axis=1)

    return howard(P, R, gamma, pi, any_best)


@mutant(
    "policy_iteration",
    "each policy gets one sweep of evaluation, so these are not yet its values. Solve the linear system.",
)
def evaluates_with_one_sweep(P, R, gamma, pi):
    V, S = np.zeros(len(P)), np.arange(len(P))
    while True:
        V = lookahead(P, R, gamma, V)[S, pi]
        yield V
        better = solutions.improve(lookahead(P, R, gamma, V), pi)
        if (better == pi).all():
            return
        pi = better


@mutant("policy_iteration", "it ends as soon as *one* state keeps its action. All of them must.")
def ends_when_one_state_is_content(P, R, gamma, pi):
    for V in solutions.policy_iteration(P, R, gamma, pi):
        yield V
        better = solutions.improve(lookahead(P, R, gamma, V), pi)
        if (better == pi).any():
            return
        pi = better


@mutant("policy_iteration", "the improvement looks at the next reward only. Take the best Q = r + gamma P V.")
def improves_on_the_reward_alone(P, R, gamma, pi):
    yield next(solutions.policy_iteration(P, R, gamma, pi))
    myopic = (P * R).sum(axis=2).argmax(axis=1)
    if (myopic != pi).any():
        yield next(solutions.policy_iteration(P, R, gamma, myopic))


@mutant(
    "policy_iteration",
    "the last value stands there twice: end as soon as the improvement changes nothing, before evaluating again.",
)
def evaluates_the_last_policy_twice(P, R, gamma, pi):
    V = None
    for V in solutions.policy_iteration(P, R, gamma, pi):
        yield V
    yield V


# ---------------------------------------------------------------- 3.12 prioritized_sweeping


@mutant(
    "prioritized_sweeping",
    "the priority is e, not |e|. A value that is far too high needs its backup as much as one too low.",
)
def waits_for_values_to_rise(P, R, gamma, V, updates):
    V, states = V.copy(), []
    for _ in range(updates):
        error = lookahead(P, R, gamma, V).max(axis=1) - V
        states.append(int(error.argmax()))
        V[states[-1]] += error[states[-1]]
    return [states, V]


@mutant(
    "prioritized_sweeping",
    "the priorities are computed once and grow stale. Every backup changes the errors of the states that lead there.",
)
def keeps_stale_priorities(P, R, gamma, V, updates):
    V = V.copy()
    error = lookahead(P, R, gamma, V).max(axis=1) - V
    states = list(itertools.islice(itertools.cycle(np.argsort(-np.abs(error)).tolist()), updates))
    for s in states:
        V[s] = lookahead(P, R, gamma, V)[s].max()
    return [states, V]


@mutant(
    "prioritized_sweeping",
    "the states are sorted once and each has one turn, so there are at most S backups. Look for the largest error anew each time.",
)
def sorts_once(P, R, gamma, V, updates):
    V = V.copy()
    error = lookahead(P, R, gamma, V).max(axis=1) - V
    states = np.argsort(-np.abs(error)).tolist()[:updates]
    for s in states:
        V[s] = lookahead(P, R, gamma, V)[s].max()
    return [states, V]


@mutant(
    "prioritized_sweeping",
    "this visits the states in the order of their numbers. That is a Gauss-Seidel sweep, without priorities.",
)
def in_the_order_of_the_numbers(P, R, gamma, V, updates):
    V, states = V.copy(), [i % len(V) for i in range(updates)]
    for s in states:
        V[s] = lookahead(P, R, gamma, V)[s].max()
    return [states, V]


@mutant(
    "prioritized_sweeping",
    "the state of the largest value goes first. What matters is how wrong a value is, not how large.",
)
def largest_value_first(P, R, gamma, V, updates):
    V, states = V.copy(), []
    for _ in range(updates):
        target = lookahead(P, R, gamma, V).max(axis=1)
        states.append(int(target.argmax()))
        V[states[-1]] = target[states[-1]]
    return [states, V]


@mutant(
    "prioritized_sweeping",
    "all states are backed up at once. One backup renews one state, the one with the largest error.",
)
def backs_up_every_state(P, R, gamma, V, updates):
    states = []
    for _ in range(updates):
        target = lookahead(P, R, gamma, V).max(axis=1)
        states.append(int(np.abs(target - V).argmax()))
        V = target
    return [states, V]
