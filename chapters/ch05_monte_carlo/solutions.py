"""Solutions of chapter 5, and other right answers that the graders must let pass."""

from functools import cache

import numpy as np

from chapters.harness import alternative
from rlcore.learning.returns import discounted_return


def hand_after(total, usable, card):
    """Exercise 5.1."""
    if card == 1 and total + 11 <= 21:
        return [total + 11, True]
    if usable and total + card > 21:
        return [total + card - 10, False]
    return [total + card, usable]


def visit_average(states, reward, gamma, state):
    """Exercise 5.2."""
    G = discounted_return(reward, np.zeros(len(reward), bool), gamma=gamma)[states == state]
    return [G[0], G.mean()]


CARDS = [(card, 1 / 13) for card in range(1, 10)] + [(10, 4 / 13)]


def dealer_bust(shown, stick):
    """Exercise 5.3."""

    @cache
    def bust(hard, ace):
        total = hard + 10 if ace and hard <= 11 else hard
        if total >= stick:
            return float(total > 21)
        return sum(p * bust(hard + card, ace or card == 1) for card, p in CARDS)

    return bust(shown, shown == 1)


def walk_many(P, R, start, terminal, episodes, rng):
    """Exercise 5.4."""
    G = np.zeros(episodes)
    for k in range(episodes):
        s = draw(start, rng)
        while not terminal[s]:
            s_next = draw(P[s], rng)
            G[k] += R[s, s_next]
            s = s_next
    return G


def draw(p, rng):
    """A number with these probabilities, by one uniform number."""
    return int((p.cumsum() <= rng.random()).sum())


def action_ratios(pi, b, state, action):
    """Exercise 5.5."""
    after = np.append((pi / b)[state, action][1:], 1.0)
    return after[::-1].cumprod()[::-1]


def go_on_averaging(V, C, W, G):
    """Exercise 5.6.  [eq:incremental-weighted]"""
    estimates = []
    for w, g in zip(W, G):
        if w > 0:
            C += w
            V += w / C * (g - V)
        estimates.append(V)
    return estimates


def cut_returns(reward, terminated, truncated, value, next_value, gamma):
    """Exercise 5.7.  [eq:cut-return]"""
    G, after = np.zeros(len(reward)), next_value[-1]
    for t in reversed(range(len(reward))):
        if terminated[t]:
            after = 0.0
        elif truncated[t]:
            after = next_value[t]
        G[t] = after = reward[t] + gamma * after
    return G


def loop_second_moment(stay, left):
    """Exercise 5.8.  sum_k (left stay)^k left (1 - stay) left^(-2 (k + 1)), a geometric series"""
    return (1 - stay) / (left - stay) if stay < left else float("inf")


def off_policy_sweep(Q, C, b, state, action, reward, gamma):
    """Exercise 5.9."""
    Q, C = Q.copy(), C.copy()
    G, W = 0.0, 1.0
    for s, a, r in zip(state[::-1], action[::-1], reward[::-1]):
        G = r + gamma * G
        C[s, a] += W
        Q[s, a] += W / C[s, a] * (G - Q[s, a])
        if a != Q[s].argmax():
            break
        W /= b[s, a]
    return [Q, C]


def limited_values(P, R, start, terminal, horizon):
    """Exercise 5.10."""
    chance, paid = start, np.zeros(len(start))
    for _ in range(horizon):
        chance, paid = chance @ P, paid @ P + chance @ (P * R)
    live = ~terminal
    V = np.zeros(len(start))
    V[live] = np.linalg.solve(np.eye(live.sum()) - P[np.ix_(live, live)], (P * R).sum(axis=1)[live])
    cut = paid.sum()
    return [cut, paid[terminal].sum() / chance[terminal].sum(), cut + chance @ V]


# ---------------------------------------------------------------- other right answers


@alternative("hand_after")
def by_the_hard_sum(total, usable, card):
    hard = total - 10 * usable + card
    soft = (usable or card == 1) and hard + 10 <= 21
    return np.array([hard + 10 * soft, soft])


@alternative("visit_average")
def by_the_definition(states, reward, gamma, state):
    found = []
    for t in range(len(states)):
        if states[t] == state:
            found.append(sum(gamma ** (k - t) * reward[k] for k in range(t, len(reward))))
    return np.array([found[0], sum(found) / len(found)], dtype=np.float32)


@alternative("dealer_bust")
def by_passing_on_the_chances(shown, stick):
    chance, bust = {(shown, shown == 1): 1.0}, 0.0
    while chance:
        later = {}
        for (hard, ace), p in chance.items():
            total = hard + 10 if ace and hard + 10 <= 21 else hard
            if total < stick:
                for card in [*range(1, 11), 10, 10, 10]:
                    hand = hard + card, ace or card == 1
                    later[hand] = later.get(hand, 0.0) + p / 13
            elif total > 21:
                bust += p
        chance = later
    return np.float64(bust)


@alternative("walk_many")
def with_a_table_of_sums(P, R, start, terminal, episodes, rng):
    table, first = P.cumsum(axis=1), start.cumsum()
    returns = []
    for _ in range(episodes):
        s, total = np.searchsorted(first, rng.random(), side="right"), 0.0
        while not terminal[s]:
            before, s = s, np.searchsorted(table[s], rng.random(), side="right")
            total += R[before, s]
        returns.append(total)
    return returns


@alternative("action_ratios")
def by_two_loops(pi, b, state, action):
    W = [1.0] * len(state)
    for t in range(len(state)):
        for k in range(t + 1, len(state)):
            W[t] *= pi[state[k], action[k]] / b[state[k], action[k]]
    return W


@alternative("go_on_averaging")
def by_two_sums(V, C, W, G):
    weight = C + np.cumsum(W)
    total = V * C + np.cumsum(W * G)
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), V)[:, None]


@alternative("cut_returns")
def by_changing_the_rewards(reward, terminated, truncated, value, next_value, gamma):
    """What comes after a cut is paid with its last step."""
    last = terminated | truncated
    last[-1] = True
    paid = reward + gamma * np.where(last & ~terminated, next_value, 0.0)
    return discounted_return(paid, last, gamma=gamma).astype(np.float32)


@alternative("loop_second_moment")
def by_adding_up(stay, left):
    if stay >= left:
        return np.inf
    k = np.arange(20_000)
    return (1 - stay) / left * ((stay / left) ** k).sum()


@alternative("off_policy_sweep")
def with_all_returns_first(Q, C, b, state, action, reward, gamma):
    G = discounted_return(reward, np.zeros(len(reward), bool), gamma=gamma)
    Q, C, W, t = np.array(Q), np.array(C), 1.0, len(reward) - 1
    while t >= 0:
        s, a = state[t], action[t]
        Q[s, a] = (C[s, a] * Q[s, a] + W * G[t]) / (C[s, a] + W)
        C[s, a] += W
        W, t = W / b[s, a], (t - 1 if a == np.argmax(Q[s]) else -1)
    return Q, C


@alternative("limited_values")
def with_a_clock_in_the_state(P, R, start, terminal, horizon):
    """Backwards: the mean return, and the chance to end, in the steps that are left."""
    S = len(P)
    r = (P * R).sum(axis=1)
    mean, ends, of_those = np.zeros(S), terminal.astype(float), np.zeros(S)
    for _ in range(horizon):
        of_those = P @ of_those + (P * R) @ ends
        mean, ends = r + P @ mean, P @ ends
    V = np.linalg.lstsq(np.eye(S) - P * ~terminal[:, None], r, rcond=None)[0]
    return np.array([start @ mean, start @ of_those / (start @ ends), start @ V])
