"""Wrong answers of chapter 5. Each is a mistake that people make, with what they need to hear."""

import copy

import numpy as np

from chapters.ch05_monte_carlo.solutions import CARDS, draw
from chapters.harness import mutant
from rlcore.learning.returns import discounted_return

# ---------------------------------------------------------------- 5.1 hand_after


@mutant("hand_after", "a new ace counts 1 here even where 11 would fit: a 6 and an ace are a soft 17.")
def ace_is_one(total, usable, card):
    if usable and total + card > 21:
        return [total + card - 10, False]
    return [total + card, usable]


@mutant("hand_after", "a new ace counts 11 here even where that is bust; above 10 it counts 1.")
def ace_is_eleven(total, usable, card):
    total += 11 if card == 1 else card
    if usable and total > 21:
        return [total - 10, False]
    return [total, usable or card == 1]


@mutant(
    "hand_after", "a usable ace gives way: when the sum would exceed 21, it counts 1 and the hand lives on."
)
def bust_with_a_usable_ace(total, usable, card):
    if card == 1 and total + 11 <= 21:
        return [total + 11, True]
    return [total + card, usable]


@mutant(
    "hand_after", "an ace that has given way is usable no longer; it would be counted down again and again."
)
def ace_stays_usable(total, usable, card):
    if card == 1 and total + 11 <= 21:
        return [total + 11, True]
    return [total + card - 10 * (usable and total + card > 21), usable]


@mutant("hand_after", "a usable ace is forgotten with the next card; it stays usable while the sum fits.")
def forgets_the_ace(total, usable, card):
    if card == 1 and total + 11 <= 21:
        return [total + 11, True]
    return [total + card - 10 * (usable and total + card > 21), False]


# ---------------------------------------------------------------- 5.2 visit_average


@mutant(
    "visit_average",
    "this is the return of the last visit; the first one counts. Walking backwards, the last assignment stands.",
)
def last_visit(states, reward, gamma, state):
    G = discounted_return(reward, np.zeros(len(reward), bool), gamma=gamma)[states == state]
    return [G[-1], G.mean()]


@mutant("visit_average", "the return from step t begins with reward[t]; yours begins one step later.")
def without_its_own_reward(states, reward, gamma, state):
    G = discounted_return(reward, np.zeros(len(reward), bool), gamma=gamma)
    G = np.append(G[1:], 0.0)[states == state]
    return [G[0], G.mean()]


@mutant("visit_average", "the rewards are added up without the discount: gamma is not 1 here.")
def undiscounted(states, reward, gamma, state):
    G = discounted_return(reward, np.zeros(len(reward), bool), gamma=1.0)[states == state]
    return [G[0], G.mean()]


@mutant(
    "visit_average", "every-visit averages over the visits of the state, not over all steps of the episode."
)
def divides_by_the_length(states, reward, gamma, state):
    G = discounted_return(reward, np.zeros(len(reward), bool), gamma=gamma)[states == state]
    return [G[0], G.sum() / len(reward)]


@mutant(
    "visit_average",
    "the discount counts from the visit on, not from the beginning of the episode: the exponents start at 0 at each visit.",
)
def discounts_from_the_start(states, reward, gamma, state):
    G = discounted_return(reward, np.zeros(len(reward), bool), gamma=gamma)
    G = (gamma ** np.arange(len(reward)) * G)[states == state]
    return [G[0], G.mean()]


# ---------------------------------------------------------------- 5.3 dealer_bust


def bust_chance(shown, stick, cards=CARDS, soft=10, done=None):
    """The recursion of the solution with its parts exchanged: the cards, what an ace adds, when he stops."""
    done = done or (lambda total, usable: total >= stick)
    known = {}

    def bust(hard, ace):
        if (hard, ace) not in known:
            usable = bool(ace and hard + soft <= 21 and soft)
            total = hard + soft * usable
            if done(total, usable) or total > 21:
                known[hard, ace] = float(total > 21)
            else:
                known[hard, ace] = sum(p * bust(hard + card, ace or card == 1) for card, p in cards)
        return known[hard, ace]

    return bust(shown, shown == 1)


@mutant(
    "dealer_bust",
    "four ranks count 10, so a 10 comes with probability 4/13; here all ten values are equally likely.",
)
def ten_equal_cards(shown, stick):
    return bust_chance(shown, stick, cards=[(card, 1 / 10) for card in range(1, 11)])


@mutant("dealer_bust", "his aces count 1 here; while it fits, an ace counts 11 and lets him stick earlier.")
def dealer_ace_is_one(shown, stick):
    return bust_chance(shown, stick, soft=0)


@mutant("dealer_bust", "he sticks with `stick` itself; here he takes another card at that sum.")
def hits_at_the_limit(shown, stick):
    return bust_chance(shown, stick, done=lambda total, usable: total > stick)


@mutant(
    "dealer_bust", "he sticks with a soft sum too; here he hits when his `stick` holds an ace that counts 11."
)
def hits_soft_hands(shown, stick):
    return bust_chance(shown, stick, done=lambda total, usable: total >= stick + usable)


@mutant(
    "dealer_bust",
    "an ace that counts 11 has to give way when the sum exceeds 21; here the dealer is bust at once.",
)
def dealer_ace_never_gives_way(shown, stick):
    def bust(total):
        if total >= stick:
            return float(total > 21)
        return sum(p * bust(total + (11 if card == 1 and total + 11 <= 21 else card)) for card, p in CARDS)

    return bust(11 if shown == 1 else shown)


# ---------------------------------------------------------------- 5.4 walk_many


def returns_of(P, R, start, terminal, rngs):
    """A return for each generator: one generator again and again is right."""
    G = []
    for rng in rngs:
        s, total = draw(start, rng), 0.0
        while not terminal[s]:
            before, s = s, draw(P[s], rng)
            total += R[before, s]
        G.append(total)
    return np.array(G)


@mutant(
    "walk_many",
    "the generator is seeded anew at every episode, so all episodes are one and the same. The mean has no error bar, and looks better than it is.",
)
def seeds_every_episode_anew(P, R, start, terminal, episodes, rng):
    return returns_of(P, R, start, terminal, [copy.deepcopy(rng) for _ in range(episodes)])


@mutant(
    "walk_many",
    "each episode makes a generator of its own from its number; draw everything from the one that you were given, or the caller's seed means nothing.",
)
def seeds_by_the_number_of_the_episode(P, R, start, terminal, episodes, rng):
    return returns_of(P, R, start, terminal, [np.random.default_rng(k) for k in range(episodes)])


@mutant("walk_many", "every episode begins in state 0; the first state is drawn from `start`.")
def begins_in_state_0(P, R, start, terminal, episodes, rng):
    return returns_of(P, R, np.eye(len(P))[0], terminal, [rng] * episodes)


@mutant(
    "walk_many",
    "only the first episode has a beginning: the next one goes on in the terminal state and earns nothing.",
)
def never_resets(P, R, start, terminal, episodes, rng):
    return np.append(returns_of(P, R, start, terminal, [rng]), np.zeros(episodes - 1))


@mutant(
    "walk_many",
    "the reward for entering the terminal state is part of the return; yours leaves before it is paid.",
)
def misses_the_last_reward(P, R, start, terminal, episodes, rng):
    return returns_of(P, np.where(terminal, 0.0, R), start, terminal, [rng] * episodes)


# ---------------------------------------------------------------- 5.5 action_ratios


@mutant(
    "action_ratios",
    "the action at t itself is weighed too. That is the ratio for V(s_t); for Q(s_t, a_t) the action is given.",
)
def weighs_the_action_itself(pi, b, state, action):
    return (pi / b)[state, action][::-1].cumprod()[::-1]


@mutant(
    "action_ratios",
    "the ratio is upside down: pi is the policy you ask about and stands above, b has walked and stands below.",
)
def upside_down(pi, b, state, action):
    with np.errstate(divide="ignore"):
        return np.append((b / pi)[state, action][1:], 1.0)[::-1].cumprod()[::-1]


@mutant(
    "action_ratios",
    "every step gets the ratio of the whole episode. What was done before t does not change what comes after: leave it out.",
)
def of_the_whole_episode(pi, b, state, action):
    return np.full(len(state), (pi / b)[state, action].prod())


@mutant(
    "action_ratios",
    "only the next action is weighed; all later ones had their chance to be different too, so multiply them all.",
)
def only_the_next_action(pi, b, state, action):
    return np.append((pi / b)[state, action][1:], 1.0)


@mutant(
    "action_ratios",
    "these are the products of the steps before t. The return comes after t: weigh what comes after.",
)
def of_the_past(pi, b, state, action):
    return np.append(1.0, (pi / b)[state, action][:-1].cumprod())


# ---------------------------------------------------------------- 5.6 go_on_averaging


@mutant(
    "go_on_averaging",
    "the step is W / C with the C that holds the new weight already; yours is the old one, so the first episode divides by 0.",
)
def steps_by_the_old_sum(V, C, W, G):
    estimates = []
    for w, g in zip(W, G):
        if w > 0:
            V += w / C * (g - V) if C > 0 else g - V
            C += w
        estimates.append(V)
    return estimates


@mutant(
    "go_on_averaging",
    "this averages W G over the number of episodes: ordinary importance sampling. A weighted average divides by the sum of the weights.",
)
def ordinary(V, C, W, G):
    return (V * C + (W * G).cumsum()) / (C + np.arange(1, len(W) + 1))


@mutant("go_on_averaging", "what came before is forgotten: start from the V and the C that you were given.")
def forgets_the_past(V, C, W, G):
    weight = W.cumsum()
    return np.where(weight > 0, (W * G).cumsum() / np.where(weight > 0, weight, 1.0), V)


@mutant("go_on_averaging", "all episodes count the same: the ratios W are not used as weights.")
def ignores_the_weights(V, C, W, G):
    return (V * C + G.cumsum()) / (C + np.arange(1, len(W) + 1))


@mutant("go_on_averaging", "an episode of weight 0 while C is 0 gives 0 / 0: leave V as it is.")
def divides_zero_by_zero(V, C, W, G):
    weight, total = C + W.cumsum(), V * C + (W * G).cumsum()
    return np.divide(total, weight, out=np.full(len(W), np.nan), where=weight > 0)


# ---------------------------------------------------------------- 5.7 cut_returns


def returns_with(reward, cut, after, gamma):
    """Backwards, with `after[t]` in the place of the future wherever `cut[t]`."""
    return discounted_return(reward, cut, gamma=gamma, bootstrap=after)


@mutant(
    "cut_returns",
    "a cut is taken for an end: 0 comes after it. The walk would have gone on, and that is worth next_value[t].",
)
def cut_is_an_end(reward, terminated, truncated, value, next_value, gamma):
    last = np.arange(len(reward)) == len(reward) - 1
    return returns_with(
        reward, terminated | truncated, np.where(last & ~terminated & ~truncated, next_value, 0.0), gamma
    )


@mutant(
    "cut_returns",
    "an end is taken for a cut: after a terminal state nothing comes, whatever a table says of its value.",
)
def end_is_a_cut(reward, terminated, truncated, value, next_value, gamma):
    return returns_with(reward, terminated | truncated, next_value, gamma)


@mutant("cut_returns", "the return runs on across the cut: rewards of the next episode leak into this one.")
def leaks_across_the_cut(reward, terminated, truncated, value, next_value, gamma):
    return returns_with(reward, terminated, np.where(terminated, 0.0, next_value), gamma)


@mutant(
    "cut_returns",
    "value[t + 1] is the value of the state after the reset, the first of another episode. What step t led to is worth next_value[t].",
)
def value_of_the_reset_state(reward, terminated, truncated, value, next_value, gamma):
    after = np.append(value[1:], next_value[-1])
    return returns_with(reward, terminated | truncated, np.where(terminated, 0.0, after), gamma)


@mutant(
    "cut_returns",
    "value[t] is the value of the state in which step t was taken; the walk was cut in the one it led to, next_value[t].",
)
def value_of_the_state_before(reward, terminated, truncated, value, next_value, gamma):
    return returns_with(reward, terminated | truncated, np.where(terminated, 0.0, value), gamma)


@mutant(
    "cut_returns",
    "what comes after the cut lies one step ahead, so it is discounted by gamma like any other future.",
)
def forgets_to_discount_the_rest(reward, terminated, truncated, value, next_value, gamma):
    return returns_with(reward, terminated | truncated, np.where(terminated, 0.0, next_value / gamma), gamma)


@mutant(
    "cut_returns",
    "the stream ends in the middle of an episode, and yours drops what comes then: the end of your data is a cut too.",
)
def drops_the_rest_of_the_stream(reward, terminated, truncated, value, next_value, gamma):
    return returns_with(
        reward, terminated | truncated, np.where(truncated & ~terminated, next_value, 0.0), gamma
    )


# ---------------------------------------------------------------- 5.8 loop_second_moment


@mutant(
    "loop_second_moment",
    "the formula of a geometric series holds only where its ratio is below 1. A negative second moment is a sign that the sum diverges.",
)
def sums_what_diverges(stay, left):
    return (1 - stay) / (left - stay)


@mutant(
    "loop_second_moment",
    "this is the variance: E[(W G)^2] minus the square of the mean, which is 1. The second moment is asked for.",
)
def gives_the_variance(stay, left):
    return (1 - stay) / (left - stay) - 1 if stay < left else float("inf")


@mutant(
    "loop_second_moment", "this is E[W G], which is 1 whatever the walker does: the ratio is not squared."
)
def gives_the_mean(stay, left):
    return 1.0


@mutant("loop_second_moment", "the last left, the one that ends, has its ratio 1 / left too.")
def misses_the_last_ratio(stay, left):
    return left * (1 - stay) / (1 - stay / left) if stay < left else float("inf")


@mutant(
    "loop_second_moment",
    "the mean is taken under the target policy, which always goes left. The walker must find those walks: multiply by its chance to do so.",
)
def under_the_target(stay, left):
    return (1 - stay) / (left**2 - stay) if stay < left**2 else float("inf")


# ---------------------------------------------------------------- 5.9 off_policy_sweep


def sweep(
    Q,
    C,
    b,
    state,
    action,
    reward,
    gamma,
    *,
    order=-1,
    early=False,
    go_on=False,
    first_weigh=False,
    old=False,
    ratio=True,
):
    """The solution with its parts exchanged."""
    before, Q, C = Q, Q.copy(), C.copy()
    G = discounted_return(reward, np.zeros(len(reward), bool), gamma=gamma)
    W = 1.0
    for t in np.arange(len(reward))[::order]:
        s, a = state[t], action[t]
        if early and a != Q[s].argmax():
            break
        W /= b[s, a] if first_weigh else 1.0
        C[s, a] += W
        Q[s, a] += W / C[s, a] * (G[t] - Q[s, a])
        if a != (before if old else Q)[s].argmax() and not go_on:
            break
        W /= 1.0 if first_weigh or not ratio else b[s, a]
    return [Q, C]


@mutant(
    "off_policy_sweep",
    "this walks forwards, so W holds the ratios of the steps before t. Go from the last step to the first.",
)
def forwards(Q, C, b, state, action, reward, gamma):
    return sweep(Q, C, b, state, action, reward, gamma, order=1)


@mutant(
    "off_policy_sweep",
    "the step at which the walker leaves the greedy policy is learned from as well: its action is given. Stop after it.",
)
def stops_one_step_early(Q, C, b, state, action, reward, gamma):
    return sweep(Q, C, b, state, action, reward, gamma, early=True)


@mutant(
    "off_policy_sweep",
    "earlier steps are learned from although the greedy policy would not have gone on like this: its probability is 0, so W is 0 from there on.",
)
def never_stops(Q, C, b, state, action, reward, gamma):
    return sweep(Q, C, b, state, action, reward, gamma, go_on=True)


@mutant(
    "off_policy_sweep",
    "W is divided by b(a | s) before Q(s, a) is renewed. For an action value the action is given; only the later ones are weighed.",
)
def weighs_too_early(Q, C, b, state, action, reward, gamma):
    return sweep(Q, C, b, state, action, reward, gamma, first_weigh=True)


@mutant(
    "off_policy_sweep",
    "whether a is greedy is read from the Q of before the episode; the target policy is greedy for the Q just renewed.",
)
def greedy_for_the_old_table(Q, C, b, state, action, reward, gamma):
    return sweep(Q, C, b, state, action, reward, gamma, old=True)


@mutant(
    "off_policy_sweep",
    "W stays 1: divide it by b(a | s) at each greedy step, since the walker took that step only so often.",
)
def forgets_the_ratio(Q, C, b, state, action, reward, gamma):
    return sweep(Q, C, b, state, action, reward, gamma, ratio=False)


# ---------------------------------------------------------------- 5.10 limited_values


def tables(P, R, start, horizon):
    """P(s_t = s) and E[reward so far, counted where s_t = s] after `horizon` steps."""
    chance, paid = start, np.zeros(len(start))
    for _ in range(horizon):
        chance, paid = chance @ P, paid @ P + chance @ (P * R)
    return chance, paid


def value(P, R, terminal):
    """V of the walk without a limit."""
    return np.linalg.solve(np.eye(len(P)) - P * ~terminal[:, None], (P * R).sum(axis=1) * ~terminal)


@mutant(
    "limited_values",
    "dropped is a mean over the episodes that are left: divide by the chance to end in time.",
)
def forgets_to_divide(P, R, start, terminal, horizon):
    chance, paid = tables(P, R, start, horizon)
    return [paid.sum(), paid[terminal].sum(), paid.sum() + chance @ value(P, R, terminal)]


@mutant(
    "limited_values",
    "dropped still holds the rewards of episodes that were cut; throw those away before you divide.",
)
def drops_the_number_not_the_rewards(P, R, start, terminal, horizon):
    chance, paid = tables(P, R, start, horizon)
    return [paid.sum(), paid.sum() / chance[terminal].sum(), paid.sum() + chance @ value(P, R, terminal)]


@mutant(
    "limited_values",
    "the walk goes on from the state in which it was cut. Yours puts the value of the start there, as a program does that looks at the state after the reset.",
)
def bootstraps_from_the_reset_state(P, R, start, terminal, horizon):
    chance, paid = tables(P, R, start, horizon)
    again = chance[~terminal].sum() * (start @ value(P, R, terminal))
    return [paid.sum(), paid[terminal].sum() / chance[terminal].sum(), paid.sum() + again]


@mutant("limited_values", "one step too few: a walk of `horizon` steps is paid `horizon` times.")
def one_step_too_few(P, R, start, terminal, horizon):
    chance, paid = tables(P, R, start, horizon - 1)
    ended = chance[terminal].sum()
    dropped = paid[terminal].sum() / ended if ended > 0 else 0.0
    return [paid.sum(), dropped, paid.sum() + chance @ value(P, R, terminal)]


@mutant(
    "limited_values",
    "the rest is added as if every walk had been cut: weigh V(s) with the chance that the walk is in s at the cut, which is small where most have ended.",
)
def bootstraps_for_everybody(P, R, start, terminal, horizon):
    chance, paid = tables(P, R, start, horizon)
    on = chance * ~terminal
    rest = on @ value(P, R, terminal) / on.sum()
    return [paid.sum(), paid[terminal].sum() / chance[terminal].sum(), paid.sum() + rest]
