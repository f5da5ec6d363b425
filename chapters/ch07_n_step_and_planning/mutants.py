"""Wrong answers of chapter 7. Each is a mistake that people make, with what they need to hear."""

import numpy as np

from chapters.ch07_n_step_and_planning import solutions
from chapters.harness import mutant

# ---------------------------------------------------------------- 7.1 n_step_target


@mutant(
    "n_step_target",
    "the episode has terminated, and you count the value of the state it ended in. Behind an end nothing comes.",
)
def looks_behind_the_end(states, rewards, terminated, V, gamma, t, n):
    return solutions.n_step_target(states, rewards, False, V, gamma, t, n)


@mutant(
    "n_step_target",
    "the time limit cut the episode and you count nothing behind the cut. The last state still has its value.",
)
def takes_a_cut_for_an_end(states, rewards, terminated, V, gamma, t, n):
    return solutions.n_step_target(states, rewards, True, V, gamma, t, n)


@mutant("n_step_target", "the value is not discounted: it lies n steps ahead, so gamma^n V(s_{t+n}).")
def forgets_to_discount_the_value(states, rewards, terminated, V, gamma, t, n):
    h = min(t + n, len(rewards))
    value = 0.0 if h == len(rewards) and terminated else V[states[h]]
    return solutions.n_step_target(states, rewards, terminated, 0 * V, gamma, t, n) + value


@mutant(
    "n_step_target",
    "the window was cut short by the end of the episode, and you discount by gamma^n: count the steps there are.",
)
def discounts_by_n_in_a_short_window(states, rewards, terminated, V, gamma, t, n):
    h = min(t + n, len(rewards))
    value = 0.0 if h == len(rewards) and terminated else V[states[h]]
    return solutions.n_step_target(states, rewards, terminated, 0 * V, gamma, t, n) + gamma**n * value


@mutant(
    "n_step_target",
    "n + 1 rewards: the reward r_{t+n} is paid for leaving s_{t+n}, and V(s_{t+n}) contains it already.",
)
def one_reward_too_many(states, rewards, terminated, V, gamma, t, n):
    more = gamma**n * rewards[t + n] if t + n < len(rewards) else 0.0
    return solutions.n_step_target(states, rewards, terminated, V, gamma, t, n) + more


@mutant(
    "n_step_target",
    "these are n rewards and nothing more. What comes after them is worth gamma^n V(s_{t+n}).",
)
def trusts_no_value(states, rewards, terminated, V, gamma, t, n):
    return solutions.n_step_target(states, rewards, terminated, 0 * V, gamma, t, n)


@mutant("n_step_target", "the first reward is discounted: r_t counts in full, r_{t+1} with gamma, and so on.")
def discounts_the_first_reward(states, rewards, terminated, V, gamma, t, n):
    return gamma * solutions.n_step_target(states, rewards, terminated, V / gamma, gamma, t, n)


# ---------------------------------------------------------------- 7.2 lambda_weights


@mutant(
    "lambda_weights",
    "the weights do not sum to 1: every window that would pass the end is the whole return, so the last weight is lam^(left - 1).",
)
def loses_the_tail_of_the_weights(lam, left):
    return (1 - lam) * lam ** np.arange(left)


@mutant(
    "lambda_weights",
    "you divide by the sum, which gives a part of the tail to every window. It all belongs to the whole return.",
)
def spreads_the_tail_of_the_weights(lam, left):
    weights = lam ** np.arange(left)
    return weights / weights.sum()


@mutant("lambda_weights", "the exponents begin at 1: one step has the weight (1 - lam) lam^0.")
def begins_with_lam(lam, left):
    weights = (1 - lam) * lam ** np.arange(1, left + 1)
    weights[-1] = 1 - weights[:-1].sum()
    return weights


@mutant(
    "lambda_weights",
    "upside down: the first window gets the least. lam is what is left for the longer windows, so weights fall.",
)
def longest_first(lam, left):
    return solutions.lambda_weights(lam, left)[::-1]


# ---------------------------------------------------------------- 7.3 curious_rewards


@mutant(
    "curious_rewards", "kappa tau grows without measure: the bonus is kappa times the square root of tau."
)
def forgets_the_root(reward, last, now, kappa):
    return reward + kappa * (now - last)


@mutant("curious_rewards", "kappa stands outside the root: kappa sqrt(tau), not sqrt(kappa tau).")
def kappa_under_the_root(reward, last, now, kappa):
    return reward + np.sqrt(kappa * (now - last))


@mutant(
    "curious_rewards",
    "this rewards what was tried last. tau is how long ago that was: now - last.",
)
def takes_the_date_for_the_age(reward, last, now, kappa):
    return reward + kappa * np.sqrt(last)


@mutant(
    "curious_rewards",
    "1 / sqrt belongs to counts of visits. Here time passes: what was not tried for long promises more, not less.",
)
def the_longer_the_less(reward, last, now, kappa):
    return reward + kappa / np.sqrt(np.maximum(now - last, 1))


@mutant(
    "curious_rewards",
    "the bonus is multiplied with the reward, so a pair that paid 0 never becomes interesting. Add it.",
)
def multiplies_the_bonus(reward, last, now, kappa):
    return reward * (1 + kappa * np.sqrt(now - last))


# ---------------------------------------------------------------- 7.4 uct_scores


@mutant(
    "uct_scores",
    "the sum of the returns favours what was tried often. Divide by the visits: the mean counts.",
)
def takes_the_sum_for_the_mean(total, visits, c):
    return solutions.uct_scores(total * visits, visits, c)


@mutant(
    "uct_scores",
    "the logarithm is of the action's own visits. ln N is of the node: doubt about an action grows while others are tried.",
)
def logarithm_of_its_own_visits(total, visits, c):
    tried = np.maximum(visits, 1)
    return np.where(visits > 0, total / tried + c * np.sqrt(np.log(tried) / tried), np.inf)


@mutant("uct_scores", "the root is missing: doubt shrinks like one over the root of the visits.")
def leaves_out_the_root(total, visits, c):
    tried = np.maximum(visits, 1)
    return np.where(visits > 0, total / tried + c * np.log(max(visits.sum(), 1)) / tried, np.inf)


@mutant(
    "uct_scores",
    "c stands outside the root: it is in units of return, and the root only says how doubt shrinks.",
)
def c_under_the_root(total, visits, c):
    return solutions.uct_scores(total, visits, np.sqrt(c))


@mutant(
    "uct_scores",
    "an action that was never tried gets 0 here and may wait for ever. Nothing is known of it: infinity.",
)
def nothing_for_the_unknown(total, visits, c):
    return np.where(visits > 0, solutions.uct_scores(total, visits, c), 0.0)


# ---------------------------------------------------------------- 7.5 n_step_updates


@mutant(
    "n_step_updates",
    "all targets are made with the table of the beginning. A target uses V as the updates before have left it.",
)
def targets_of_the_old_table(states, rewards, terminated, V, alpha, gamma, n):
    new = V.copy()
    for t in range(len(rewards)):
        G = solutions.n_step_target(states, rewards, terminated, V, gamma, t, n)
        new[states[t]] += alpha * (G - new[states[t]])
    return new


@mutant(
    "n_step_updates",
    "the last n - 1 states learn nothing. When the episode is over, go on until each has had its turn.",
)
def forgets_the_last_states(states, rewards, terminated, V, alpha, gamma, n):
    V = V.copy()
    for t in range(len(rewards) - n + 1):
        G = solutions.n_step_target(states, rewards, terminated, V, gamma, t, n)
        V[states[t]] += alpha * (G - V[states[t]])
    return V


@mutant(
    "n_step_updates",
    "the state at the end of the window learns. It is the state at its beginning, n steps ago, that the rewards followed.",
)
def teaches_the_last_state_of_the_window(states, rewards, terminated, V, alpha, gamma, n):
    V, T = V.copy(), len(rewards)
    for t in range(T):
        s = states[min(t + n, T) - 1]
        V[s] += alpha * (solutions.n_step_target(states, rewards, terminated, V, gamma, t, n) - V[s])
    return V


@mutant(
    "n_step_updates",
    "you go through the episode backwards. n-step TD learns while it walks: the first state first.",
)
def from_the_end(states, rewards, terminated, V, alpha, gamma, n):
    V = V.copy()
    for t in reversed(range(len(rewards))):
        G = solutions.n_step_target(states, rewards, terminated, V, gamma, t, n)
        V[states[t]] += alpha * (G - V[states[t]])
    return V


@mutant("n_step_updates", "only the first visit of a state teaches it. Here every visit does.")
def first_visits_only(states, rewards, terminated, V, alpha, gamma, n):
    V = V.copy()
    for t in range(len(rewards)):
        if states[t] not in states[:t]:
            G = solutions.n_step_target(states, rewards, terminated, V, gamma, t, n)
            V[states[t]] += alpha * (G - V[states[t]])
    return V


@mutant(
    "n_step_updates",
    "a cut is not an end: where the time limit stopped the walk, the last windows still count V of the last state.",
)
def takes_every_end_for_a_termination(states, rewards, terminated, V, alpha, gamma, n):
    return solutions.n_step_updates(states, rewards, True, V, alpha, gamma, n)


# ---------------------------------------------------------------- 7.6 ratio_of_window


def product(pi, b, states, actions, k):
    """The product of pi / b over the steps k, those of them that exist."""
    k = np.array([j for j in k if j < len(actions)], int)
    return float((pi[states[k], actions[k]] / b[states[k], actions[k]]).prod())


@mutant(
    "ratio_of_window",
    "for Q the first action is given, not drawn: Q(s, a) asks what follows once a is taken. Begin with step t + 1.",
)
def weights_the_given_action(pi, b, states, actions, t, n, of_action):
    return product(pi, b, states, actions, range(t, t + n + 1 if of_action else t + n))


@mutant(
    "ratio_of_window",
    "for Q the last action is missing: the target ends with Q(s_{t+n}, a_{t+n}), so a_{t+n} has its say.",
)
def forgets_the_last_action(pi, b, states, actions, t, n, of_action):
    return product(pi, b, states, actions, range(t + 1 if of_action else t, t + n))


@mutant(
    "ratio_of_window",
    "for V there is one action too many: the target ends with V(s_{t+n}), where no action has been drawn yet.",
)
def one_action_too_many_for_values(pi, b, states, actions, t, n, of_action):
    return product(pi, b, states, actions, range(t + 1 if of_action else t, t + n + 1))


@mutant("ratio_of_window", "upside down: what pi likes better than b does must count for more. pi / b.")
def upside_down_ratio(pi, b, states, actions, t, n, of_action):
    return solutions.ratio_of_window(b, pi, states, actions, t, n, of_action)


@mutant(
    "ratio_of_window",
    "this is the same window for V and Q. For Q it lies one step later: the action at t is given, the one at t + n is not.",
)
def the_same_window_for_both(pi, b, states, actions, t, n, of_action):
    return solutions.ratio_of_window(pi, b, states, actions, t, n, False)


@mutant(
    "ratio_of_window",
    "the ratios are averaged. The chance of a sequence is a product, so its ratio is a product.",
)
def averages_the_ratios(pi, b, states, actions, t, n, of_action):
    k = np.arange(t + of_action, min(t + of_action + n, len(actions)))
    return float((pi[states[k], actions[k]] / b[states[k], actions[k]]).mean()) if len(k) else 1.0


# ---------------------------------------------------------------- 7.7 tree_backup_target


def backed_up(states, actions, rewards, terminated, Q, pi, gamma, t, n, future, leaf):
    """A tree backup with another way to combine the branches: future(s, a, G) and leaf(s)."""
    T = len(rewards)
    h = min(t + n, T)
    G = 0.0 if h == T and terminated else leaf(states[h])
    for k in reversed(range(t, h)):
        G = rewards[k] + gamma * G
        if k > t:
            G = future(states[k], actions[k], G)
    return float(G)


@mutant(
    "tree_backup_target",
    "the action taken counts in full, as in SARSA. It counts with its probability under pi, beside the others.",
)
def follows_the_sample(states, actions, rewards, terminated, Q, pi, gamma, t, n):
    return backed_up(
        states,
        actions,
        rewards,
        terminated,
        Q,
        pi,
        gamma,
        t,
        n,
        lambda s, a, G: G,
        lambda s: pi[s] @ Q[s],
    )


@mutant(
    "tree_backup_target",
    "the action taken counts twice, with its Q and with what came of it. Leave its Q out of the mean.",
)
def counts_the_action_twice(states, actions, rewards, terminated, Q, pi, gamma, t, n):
    return backed_up(
        states,
        actions,
        rewards,
        terminated,
        Q,
        pi,
        gamma,
        t,
        n,
        lambda s, a, G: pi[s] @ Q[s] + pi[s, a] * G,
        lambda s: pi[s] @ Q[s],
    )


@mutant(
    "tree_backup_target",
    "what came of the action is not weighted: replace pi(a) Q(a) by pi(a) G, not by G.",
)
def forgets_the_weight_of_the_branch(states, actions, rewards, terminated, Q, pi, gamma, t, n):
    return backed_up(
        states,
        actions,
        rewards,
        terminated,
        Q,
        pi,
        gamma,
        t,
        n,
        lambda s, a, G: pi[s] @ Q[s] - pi[s, a] * Q[s, a] + G,
        lambda s: pi[s] @ Q[s],
    )


@mutant(
    "tree_backup_target",
    "the end of the window takes the best action. pi says how much each counts; the maximum is for a greedy pi.",
)
def the_best_leaf(states, actions, rewards, terminated, Q, pi, gamma, t, n):
    return backed_up(
        states,
        actions,
        rewards,
        terminated,
        Q,
        pi,
        gamma,
        t,
        n,
        lambda s, a, G: pi[s] @ Q[s] + pi[s, a] * (G - Q[s, a]),
        lambda s: Q[s].max(),
    )


@mutant(
    "tree_backup_target",
    "the episode has terminated: the state behind the last step has no actions that count.",
)
def a_tree_behind_the_end(states, actions, rewards, terminated, Q, pi, gamma, t, n):
    return solutions.tree_backup_target(states, actions, rewards, False, Q, pi, gamma, t, n)


@mutant(
    "tree_backup_target",
    "the first action is weighted with pi too. The target is for Q(s_t, a_t), where a_t is given.",
)
def weighs_the_given_action(states, actions, rewards, terminated, Q, pi, gamma, t, n):
    G = solutions.tree_backup_target(states, actions, rewards, terminated, Q, pi, gamma, t, n)
    s, a = states[t], actions[t]
    return float(pi[s] @ Q[s] + pi[s, a] * (G - Q[s, a]))


# ---------------------------------------------------------------- 7.8 td_lambda_on_tape


def traced(tape, V, alpha, gamma, *, decay, clear, future, mark=None, late=False):
    """TD(lambda) with its parts to be replaced: the decay, when z is cleared, where V(s') counts, the mark."""
    V, z = V.copy(), np.zeros(len(V))
    for s, r, s_next, ended, cut in zip(*tape):
        delta = r + gamma * V[s_next] * future(ended, cut) - V[s]
        if not late:
            z *= decay
        z[s] = 1.0 if mark == "replace" else z[s] + 1
        if late:
            z *= decay
        V += alpha * delta * z
        if clear(ended, cut):
            z[:] = 0
    return V


def goes_on(ended, cut):
    return not ended


def is_over(ended, cut):
    return ended or cut


@mutant(
    "td_lambda_on_tape",
    "the trace is never cleared, so an episode teaches the states of the one before. Set z to 0 when it is over.",
)
def never_clears_the_trace(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    tape = states, rewards, next_states, terminated, truncated
    return traced(tape, V, alpha, gamma, decay=gamma * lam, clear=lambda e, c: False, future=goes_on)


@mutant(
    "td_lambda_on_tape",
    "the trace survives a cut. After a truncated step the next one belongs to another episode too: clear z.",
)
def clears_at_terminations_only(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    tape = states, rewards, next_states, terminated, truncated
    return traced(tape, V, alpha, gamma, decay=gamma * lam, clear=lambda e, c: e, future=goes_on)


@mutant(
    "td_lambda_on_tape",
    "a truncated step counts V(s') as 0. The episode was cut, the problem goes on: only a termination is worth 0.",
)
def nothing_behind_a_cut(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    tape = states, rewards, next_states, terminated, truncated
    return traced(tape, V, alpha, gamma, decay=gamma * lam, clear=is_over, future=lambda e, c: not (e or c))


@mutant("td_lambda_on_tape", "behind a termination nothing comes: V(s') counts as 0 there.")
def something_behind_an_end(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    tape = states, rewards, next_states, terminated, truncated
    return traced(tape, V, alpha, gamma, decay=gamma * lam, clear=is_over, future=lambda e, c: True)


@mutant(
    "td_lambda_on_tape",
    "the trace fades by lam alone. A reward k steps later is discounted by gamma^k, so it fades by gamma lam.",
)
def fades_by_lam_alone(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    tape = states, rewards, next_states, terminated, truncated
    return traced(tape, V, alpha, gamma, decay=lam, clear=is_over, future=goes_on)


@mutant(
    "td_lambda_on_tape",
    "the trace fades by gamma alone: that is lam = 1, Monte Carlo. It fades by gamma lam.",
)
def fades_by_gamma_alone(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    tape = states, rewards, next_states, terminated, truncated
    return traced(tape, V, alpha, gamma, decay=gamma, clear=is_over, future=goes_on)


@mutant(
    "td_lambda_on_tape",
    "the mark of the present state fades before it is used. First z <- gamma lam z, then z(s) <- z(s) + 1.",
)
def fades_after_the_mark(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    tape = states, rewards, next_states, terminated, truncated
    return traced(tape, V, alpha, gamma, decay=gamma * lam, clear=is_over, future=goes_on, late=True)


@mutant(
    "td_lambda_on_tape",
    "a second visit replaces the mark of the first. That is a replacing trace; asked for is z(s) + 1.",
)
def replaces_the_mark(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    tape = states, rewards, next_states, terminated, truncated
    return traced(tape, V, alpha, gamma, decay=gamma * lam, clear=is_over, future=goes_on, mark="replace")


@mutant(
    "td_lambda_on_tape",
    "only the present state learns. The error belongs to all states that led here: V + alpha delta z, the whole table.",
)
def teaches_the_present_state_alone(
    states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam
):
    tape = states, rewards, next_states, terminated, truncated
    return traced(tape, V, alpha, gamma, decay=0.0, clear=is_over, future=goes_on, mark="replace")


# ---------------------------------------------------------------- 7.9 watkins_on_tape


def traced_pairs(
    states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam, *, cut, sample=False, again=1
):
    """Watkins's Q(lambda) with another rule: cut(Q before, Q after, s', a', s, a) after the update."""
    Q, z, T = Q.copy(), np.zeros(Q.shape), len(rewards)
    for t in range(T):
        s, a, s_next, a_next = states[t], actions[t], states[t + 1], next_actions[t]
        before = Q.copy()
        future = Q[s_next, a_next] if sample else Q[s_next].max()
        delta = rewards[t] + gamma * (0.0 if terminated and t == T - 1 else future) - Q[s, a]
        z *= gamma * lam
        z[s, a] = 1 + again * z[s, a]
        Q += alpha * delta * z
        if cut(before, Q, s_next, a_next, s, a):
            z[:] = 0
    return Q


def explores(before, after, s_next, a_next, s, a):
    return before[s_next, a_next] < before[s_next].max()


@mutant(
    "watkins_on_tape",
    "the trace is never cut. What comes after an exploring action says nothing about the best one.",
)
def never_cuts(states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam):
    tape = states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam
    return traced_pairs(*tape, cut=lambda *_: False)


@mutant(
    "watkins_on_tape",
    "the target is the value of the next action, which is SARSA(lambda). Watkins looks at the best one.",
)
def looks_at_the_next_action(states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam):
    tape = states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam
    return traced_pairs(*tape, cut=explores, sample=True)


@mutant(
    "watkins_on_tape",
    "an equally good action cuts the trace. `a == argmax` knows one best action only; compare the values.",
)
def cuts_at_a_tie(states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam):
    tape = states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam
    return traced_pairs(*tape, cut=lambda before, _, s, a, *__: before[s].argmax() != a)


@mutant(
    "watkins_on_tape",
    "whether the next action explores is decided after the update. It was chosen before, with the table of then.",
)
def judges_with_the_new_table(states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam):
    tape = states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam
    return traced_pairs(*tape, cut=lambda _, after, s, a, *__: after[s, a] < after[s].max())


@mutant(
    "watkins_on_tape",
    "the cut comes before the update, so this step does not reach the pairs behind it. delta ends with the best "
    "action in s', whatever is taken there: update first, then cut.",
)
def cuts_too_early(states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam):
    Q, z, T = Q.copy(), np.zeros(Q.shape), len(rewards)
    for t in range(T):
        s, a, s_next = states[t], actions[t], states[t + 1]
        best = Q[s_next].max()
        delta = rewards[t] + gamma * (0.0 if terminated and t == T - 1 else best) - Q[s, a]
        z *= gamma * lam if Q[s_next, next_actions[t]] == best else 0.0
        z[s, a] += 1
        Q += alpha * delta * z
    return Q


@mutant(
    "watkins_on_tape",
    "the trace is cut one step too late: you ask whether the action just taken explored, not the next one.",
)
def asks_about_the_last_action(states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam):
    tape = states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam
    return traced_pairs(*tape, cut=lambda before, _, s_next, a_next, s, a: before[s, a] < before[s].max())


@mutant(
    "watkins_on_tape",
    "a second visit replaces the mark of the first. That is a replacing trace; asked for is z(s, a) + 1.",
)
def replaces_the_mark_of_the_pair(states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam):
    tape = states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam
    return traced_pairs(*tape, cut=explores, again=0)


@mutant("watkins_on_tape", "the episode terminated: nothing is to be expected of its last state.")
def expects_something_behind_the_end(
    states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam
):
    tape = states, actions, rewards, next_actions, False, Q, alpha, gamma, lam
    return solutions.watkins_on_tape(*tape)


# ---------------------------------------------------------------- 7.10 dyna_q


def remembering(tape, picks, Q, alpha, gamma, *, keep_first=False, real=True, every_step=False, early=False):
    """Dyna-Q with its parts switched off or moved."""
    Q, pairs, outcomes = Q.copy(), [], []

    def learn(s, a, r, s_next, ended):
        Q[s, a] += alpha * (r + gamma * (0.0 if ended else Q[s_next].max()) - Q[s, a])

    for (s, a, r, s_next, ended), chosen in zip(zip(*tape), picks):
        if early:
            for k in chosen if pairs else []:
                learn(*pairs[k % len(pairs)], *outcomes[k % len(pairs)])
        if (s, a) not in pairs or every_step:
            pairs.append((s, a))
            outcomes.append((r, s_next, ended))
        elif not keep_first:
            outcomes[pairs.index((s, a))] = r, s_next, ended
        if real:
            learn(s, a, r, s_next, ended)
        if not early:
            for k in chosen:
                learn(*pairs[k % len(pairs)], *outcomes[k % len(pairs)])
    return Q


@mutant(
    "dyna_q",
    "the memory keeps the first outcome of a pair. The world may have changed: the last one replaces it.",
)
def remembers_the_first_outcome(states, actions, rewards, next_states, terminated, picks, Q, alpha, gamma):
    tape = states, actions, rewards, next_states, terminated
    return remembering(tape, picks, Q, alpha, gamma, keep_first=True)


@mutant(
    "dyna_q",
    "nothing is learned from the step itself, only from memory. Dyna does both: learn, remember, then plan.",
)
def learns_from_memory_alone(states, actions, rewards, next_states, terminated, picks, Q, alpha, gamma):
    tape = states, actions, rewards, next_states, terminated
    return remembering(tape, picks, Q, alpha, gamma, real=False)


@mutant("dyna_q", "nothing is learned from memory: this is Q-learning. After each step plan with picks[t].")
def never_plans(states, actions, rewards, next_states, terminated, picks, Q, alpha, gamma):
    return solutions.dyna_q(states, actions, rewards, next_states, terminated, picks[:, :0], Q, alpha, gamma)


@mutant(
    "dyna_q",
    "every step is remembered, which is a replay memory. A model holds each pair once, with its last outcome.",
)
def remembers_every_step(states, actions, rewards, next_states, terminated, picks, Q, alpha, gamma):
    tape = states, actions, rewards, next_states, terminated
    return remembering(tape, picks, Q, alpha, gamma, every_step=True)


@mutant(
    "dyna_q",
    "planning comes before the step is learned and remembered. The newest memory may be drawn at once.",
)
def plans_before_it_remembers(states, actions, rewards, next_states, terminated, picks, Q, alpha, gamma):
    tape = states, actions, rewards, next_states, terminated
    return remembering(tape, picks, Q, alpha, gamma, early=True)


@mutant("dyna_q", "a step that terminated has no future, in the world or in memory.")
def dreams_beyond_the_end(states, actions, rewards, next_states, terminated, picks, Q, alpha, gamma):
    none = np.zeros(len(states), bool)
    return solutions.dyna_q(states, actions, rewards, next_states, none, picks, Q, alpha, gamma)


# ---------------------------------------------------------------- 7.11 sweep_backwards


def sweeping(
    reward,
    s_next,
    terminated,
    known,
    Q,
    gamma,
    theta,
    pair,
    updates,
    *,
    size=abs,
    before=None,
    first=None,
    keep=None,
):
    """Prioritized sweeping with another surprise, other predecessors, another queue, or keep(old, new) in it."""
    Q, waiting, taken = Q.copy(), {}, []

    def target(s, a):
        return reward[s, a] + gamma * (0.0 if terminated[s, a] else Q[s_next[s, a]].max())

    def judge(s, a):
        surprise = size(target(s, a) - Q[s, a])
        if surprise > theta:
            here = int(s), int(a)
            waiting[here] = keep(waiting[here], surprise) if keep and here in waiting else surprise

    judge(*pair)
    while len(taken) < updates and waiting:
        s, a = first(waiting) if first else max(sorted(waiting), key=waiting.get)
        del waiting[s, a]
        Q[s, a] = target(s, a)
        taken.append((s, a))
        for other in np.argwhere(known & (s_next == s)) if before is None else before(s, a):
            judge(*other)
    return [np.array([s for s, _ in taken], int), np.array([a for _, a in taken], int), Q]


@mutant(
    "sweep_backwards",
    "nobody hears of the change. When Q(s, .) has changed, the pairs that lead to s may be wrong now: queue them.",
)
def tells_no_predecessor(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    args = reward, s_next, terminated, known, Q, gamma, theta, pair, updates
    return sweeping(*args, before=lambda s, a: [])


@mutant(
    "sweep_backwards",
    "surprises have a sign here, so bad news is never passed on. Take the absolute value.",
)
def hears_good_news_only(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    args = reward, s_next, terminated, known, Q, gamma, theta, pair, updates
    return sweeping(*args, size=float)


@mutant(
    "sweep_backwards",
    "first come, first served: a plain queue. The largest surprise goes first, whenever it came.",
)
def first_come_first_served(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    args = reward, s_next, terminated, known, Q, gamma, theta, pair, updates
    return sweeping(*args, first=lambda waiting: next(iter(waiting)))


@mutant(
    "sweep_backwards",
    "a pair that waits keeps the larger of two surprises. The new one counts: its target has moved nearer to its Q.",
)
def keeps_the_larger_surprise(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    args = reward, s_next, terminated, known, Q, gamma, theta, pair, updates
    return sweeping(*args, keep=max)


@mutant(
    "sweep_backwards",
    "a pair that waits already keeps its first surprise. Judge it anew: what it leads to has changed since.",
)
def keeps_the_first_surprise(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    args = reward, s_next, terminated, known, Q, gamma, theta, pair, updates
    return sweeping(*args, keep=lambda old, new: old)


@mutant(
    "sweep_backwards", "theta is ignored: a pair that is right to within theta need not wait for an update."
)
def ignores_theta(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    return sweeping(reward, s_next, terminated, known, Q, gamma, 0.0, pair, updates)


@mutant(
    "sweep_backwards",
    "you go forward, to the pairs of the state that follows. News travels backwards: who leads to s must hear it.",
)
def goes_forward(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    args = reward, s_next, terminated, known, Q, gamma, theta, pair, updates
    return sweeping(*args, before=lambda s, a: [(s_next[s, a], b) for b in range(Q.shape[1])])


@mutant(
    "sweep_backwards",
    "pairs that were never tried are swept too. The model knows nothing of them: look at `known`.",
)
def trusts_what_it_never_saw(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    everything = np.ones(known.shape, bool)
    return solutions.sweep_backwards(reward, s_next, terminated, everything, Q, gamma, theta, pair, updates)


# ---------------------------------------------------------------- 7.12 errors_of_step_sizes


def tables(runs, truth, alpha, n, *, between_runs=False, between_episodes=True):
    """V after each episode of each run.   -> (runs, episodes, S)"""
    V, every = np.zeros(len(truth)), []
    for run in runs:
        V = V if between_runs else np.zeros(len(truth))
        every.append([])
        for states, rewards in run:
            V = V if between_episodes else np.zeros(len(truth))
            V = solutions.n_step_updates(states, rewards, True, V, alpha, 1.0, n)
            every[-1].append(V)
    return np.array(every)


def rms(V, truth):
    return np.sqrt(((V - truth)[..., 1:-1] ** 2).mean(axis=-1))


@mutant(
    "errors_of_step_sizes",
    "each run goes on with the table of the run before. Runs are independent: begin with V = 0.",
)
def carries_over_between_runs(runs, truth, alphas, n):
    return np.array([rms(tables(runs, truth, a, n, between_runs=True), truth).mean() for a in alphas])


@mutant("errors_of_step_sizes", "V is thrown away after each episode. Within a run it goes on learning.")
def begins_anew_in_every_episode(runs, truth, alphas, n):
    return np.array([rms(tables(runs, truth, a, n, between_episodes=False), truth).mean() for a in alphas])


@mutant(
    "errors_of_step_sizes",
    "the mean is taken under the root. Take the root for each episode of each run, then the mean of the roots.",
)
def root_of_the_mean(runs, truth, alphas, n):
    return np.array([np.sqrt((rms(tables(runs, truth, a, n), truth) ** 2).mean()) for a in alphas])


@mutant(
    "errors_of_step_sizes",
    "only the table at the end of a run is judged. The figure judges all episodes: it asks who learns fast.",
)
def judges_the_last_episode(runs, truth, alphas, n):
    return np.array([rms(tables(runs, truth, a, n)[:, -1], truth).mean() for a in alphas])


@mutant(
    "errors_of_step_sizes",
    "the two ends are averaged in. Their value is known to be 0, so they make every error look smaller.",
)
def averages_the_ends_in(runs, truth, alphas, n):
    def wide(V):
        return np.sqrt(((V - truth)[..., 1:-1] ** 2).sum(axis=-1) / len(truth))

    return np.array([wide(tables(runs, truth, a, n)).mean() for a in alphas])


@mutant(
    "errors_of_step_sizes",
    "the error before the first episode is in the mean. Look at V after each episode.",
)
def judges_before_it_learns(runs, truth, alphas, n):
    errors = [rms(tables(runs, truth, a, n), truth) for a in alphas]
    start = rms(np.zeros(len(truth)), truth)
    return np.array([np.c_[np.full(len(e), start), e[:, :-1]].mean() for e in errors])
