"""Blackjack against a dealer with fixed rules: Sutton & Barto, Example 5.1.

The deck never ends: 1 (the ace) to 9 come with probability 1/13 each, 10 with 4/13. An ace counts 11 while
that does not exceed 21; then it is *usable*. The player sticks or hits; above 21 he has lost. When he sticks
the dealer takes cards until he has 17 or more. Whoever is nearer to 21 wins: reward 1, 0 or -1 at the end.
Below 12 a player cannot go bust, so he is dealt cards until he has 12 or more.

    state     20 (sum - 12) + 10 usable + (dealer's card - 1), 0 .. 199;  V[:200].reshape(10, 2, 10)
              200, 201, 202 are the ends: won, drawn, lost
    action    0 sticks, 1 hits, as Gymnasium counts

The game stands here twice. `Blackjack` deals cards, one after the other, and knows no probabilities.
`blackjack_mdp` is the model: the dealer's whole turn is one draw from `dealer_outcome`. A test compares them.

Left out: the bonus for a natural, doubling, splitting, and a deck that ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator

from rlcore.numerics import Array
from rlcore.problems.doors import check_count
from rlcore.problems.env import Discrete
from rlcore.problems.mdp import MDP

STICK, HIT = range(2)
HANDS = 200  # states in which the player decides
WON, DRAWN, LOST = HANDS, HANDS + 1, HANDS + 2
RANKS = 13  # equally likely; the last four count 10
CARDS = [(card, 1 / RANKS) for card in range(1, 10)] + [(10, 4 / RANKS)]
LEAST, ENOUGH, LIMIT = 12, 17, 21  # the first decision, where the dealer sticks, the most one may have


def state_of(total: int, usable: bool, dealer: int) -> int:
    """The number of a hand: the player's sum 12 .. 21, whether he has a usable ace, the dealer's card 1 .. 10."""
    check_count("total", total, LEAST, LIMIT)
    check_count("dealer", dealer, 1, 10)
    return 20 * (total - LEAST) + 10 * bool(usable) + dealer - 1


def hands() -> tuple[Array, Array, Array]:
    """What the numbers 0 .. 199 mean.   -> sum (200,) int, usable (200,) bool, dealer's card (200,) int"""
    s = np.arange(HANDS)
    return s // 20 + LEAST, s // 10 % 2 == 1, s % 10 + 1


def stick_from(total: int) -> Array:
    """The policy that sticks with `total` or more, and hits below.   -> (203,) int"""
    check_count("total", total, LEAST, LIMIT + 1)
    return np.append(np.where(hands()[0] >= total, STICK, HIT), [STICK] * 3)


# ---------------------------------------------------------------- the model


def count(hard: int, ace: bool) -> tuple[int, bool]:
    """The sum of a hand and whether an ace counts 11: `hard` counts every ace as 1."""
    usable = ace and hard + 10 <= LIMIT
    return hard + 10 * usable, usable


@cache
def _dealer(hard: int, ace: bool) -> tuple[float, ...]:
    total, _ = count(hard, ace)
    if total >= ENOUGH:
        return tuple(np.eye(6)[min(total, LIMIT + 1) - ENOUGH].tolist())
    after = np.array([_dealer(hard + card, ace or card == 1) for card, _ in CARDS])  # (10, 6)
    return tuple((np.array([p for _, p in CARDS]) @ after).tolist())


def dealer_outcome() -> Array:
    """The probabilities that the dealer ends with 17, 18, 19, 20, 21 or bust, a row a card shown.   -> (10, 6)"""
    return np.array([_dealer(card, card == 1) for card, _ in CARDS])


def first_hands() -> Array:
    """The probabilities of the first decision: cards are dealt until the player has 12 or more.   -> (203,)"""
    start = np.zeros(HANDS + 3)
    unfinished = [(0, False, 1.0)]
    while unfinished:
        hard, ace, p = unfinished.pop()
        for card, chance in CARDS:
            total, usable = count(hard + card, ace or card == 1)
            if total < LEAST:
                unfinished.append((hard + card, ace or card == 1, p * chance))
            else:
                for shown, seen in CARDS:
                    start[state_of(total, usable, shown)] += p * chance * seen
    return start


def blackjack_mdp() -> MDP:
    """The exact model, gamma = 1.   S = 203, A = 2"""
    S = HANDS + 3
    P, R = np.zeros((S, 2, S)), np.zeros((S, 2, S))
    outcome, sums = dealer_outcome(), np.arange(ENOUGH, LIMIT + 1)
    for s, (total, usable, dealer) in enumerate(zip(*hands())):
        ends, bust = outcome[dealer - 1, :5], outcome[dealer - 1, 5]
        P[s, STICK, WON] = ends[sums < total].sum() + bust
        P[s, STICK, DRAWN] = ends[sums == total].sum()
        P[s, STICK, LOST] = ends[sums > total].sum()
        for card, p in CARDS:
            new, soft = count(int(total) - 10 * usable + card, usable)  # a new ace never counts 11 from 12 on
            P[s, HIT, LOST if new > LIMIT else state_of(new, soft, dealer)] += p
    R[:HANDS, :, WON], R[:HANDS, :, LOST] = 1.0, -1.0
    terminal = np.arange(S) >= HANDS
    P[terminal, :, terminal] = 1.0
    return MDP(P, R, 1.0, first_hands(), terminal)


# ---------------------------------------------------------------- the cards


@dataclass(frozen=True)
class Blackjack:
    """The game card by card, an Env. Every hand is dealt, or every episode begins in the state `start`.

    Random stream: a reset draws 7 uniform numbers a lane (the dealer's card and the player's six, the most
    that 12 can take), or none if `start` is given; a step draws 11, the most that the dealer can take.
    Cards that nobody takes are drawn all the same. Raises ValueError unless start is None or 0 .. 199.
    """

    start: int | None = None
    actions: ClassVar[Discrete] = Discrete(2)
    n_states: ClassVar[int] = HANDS + 3
    n_features: ClassVar[int] = HANDS + 3
    horizon: ClassVar[None] = None
    terminal: ClassVar[Array] = np.arange(HANDS + 3) >= HANDS

    def __post_init__(self) -> None:
        if self.start is not None:
            check_count("start", self.start, 0, HANDS - 1)

    def reset(self, rng: Generator, size: int | None = None) -> Any:
        """Deal.   -> () or (size,) int"""
        shape = () if size is None else (size,)
        if self.start is not None:
            return np.full(shape, self.start)[()]
        cards = _deal((*shape, 7), rng)
        nothing = np.zeros(shape, int)
        total, usable = _take(nothing, nothing > 0, cards[1:], LEAST)
        return (20 * (total - LEAST) + 10 * usable + cards[0] - 1)[()]

    def step(self, state: Any, action: Any, rng: Generator) -> tuple[Any, Any, Any]:
        """Take a card, or let the dealer play.   (...), (...) -> (...), (...), (...)"""
        state, stick = np.asarray(state), np.asarray(action) == STICK
        cards = _deal((*state.shape, 11), rng)
        over = state >= HANDS
        total, usable, shown = state // 20 + LEAST, state // 10 % 2 == 1, state % 10 + 1
        dealer, _ = _take(shown, shown == 1, cards, np.where(stick, ENOUGH, 0))
        new, soft = _count(total - 10 * usable + cards[0], usable)
        won = stick & ((dealer > LIMIT) | (dealer < total))
        lost = np.where(stick, (dealer <= LIMIT) & (dealer > total), new > LIMIT)
        hand = 20 * (new - LEAST) + 10 * soft + shown - 1
        s_next = np.select([over, won, lost, stick], [state, WON, LOST, DRAWN], hand)
        reward = np.where(over, 0.0, won * 1.0 - lost)
        return s_next[()], reward[()], (s_next >= HANDS)[()]

    def observe(self, state: Any) -> Array:
        """One-hot.   (...) int -> (..., 203) float"""
        return np.asarray(np.eye(self.n_states)[np.asarray(state)])


def _deal(shape: tuple[int, ...], rng: Generator) -> Array:
    """Cards 1 .. 10, one uniform number each; the last axis, along which they are taken, comes first.

    -> (cards, ...) int
    """
    rank = (rng.random(shape) * RANKS).astype(int) + 1
    return np.asarray(np.minimum(np.moveaxis(rank, -1, 0), 10))


def _count(hard: Array, ace: Array) -> tuple[Array, Array]:
    """`count` of many hands.   (...), (...) -> (...) int, (...) bool"""
    usable = ace & (hard + 10 <= LIMIT)
    return hard + 10 * usable, usable


def _take(hard: Array, ace: Array, cards: Array, until: Any) -> tuple[Array, Array]:
    """Take cards until the sum is `until` or more.   (...), (...), (cards, ...) -> sum (...), usable (...)"""
    for card in cards:
        going = _count(hard, ace)[0] < until
        if not going.any():
            break
        hard = hard + going * card
        ace = ace | (going & (card == 1))
    return _count(hard, ace)
