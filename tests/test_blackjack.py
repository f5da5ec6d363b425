"""Blackjack: the cards against the model, the model against published numbers, both against Gymnasium's game."""

import gymnasium
import numpy as np
import pytest
from scipy.stats import chi2

from rlcore.exact.values import action_value, optimal_value, policy_value
from rlcore.problems.blackjack import (
    DRAWN,
    HANDS,
    HIT,
    LOST,
    STICK,
    WON,
    Blackjack,
    blackjack_mdp,
    dealer_outcome,
    first_hands,
    hands,
    state_of,
    stick_from,
)

BY_CHANCE = 6.3e-5  # how often a right program fails one of the statistical tests below


def surprise(counts, p):
    """Pearson's chi-square of counts (..., K) against probabilities (..., K).   -> its survival probability

    What cannot happen must not have happened.
    """
    assert counts[p == 0].sum() == 0
    expected = p * counts.sum(axis=-1, keepdims=True)
    possible = p > 0
    statistic = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
    return chi2.sf(statistic, possible.sum() - np.prod(p.shape[:-1], dtype=int))


def test_numbers_of_the_hands():
    total, usable, dealer = hands()
    assert [state_of(*hand) for hand in zip(total, usable, dealer)] == list(range(HANDS))
    assert state_of(13, True, 2) == 31
    assert (stick_from(20)[:HANDS] == (total < 20)).all()
    assert stick_from(22)[:HANDS].all()
    assert (stick_from(22)[HANDS:] == STICK).all()


def test_dealer_by_the_card_shown():
    """The published chances of a bust; and a dealer who shows 10, one rank at a time."""
    bust = [
        0.115286,
        0.353608,
        0.373875,
        0.394468,
        0.416404,
        0.423150,
        0.262312,
        0.244741,
        0.228425,
        0.212109,
    ]
    outcome = dealer_outcome()
    np.testing.assert_allclose(outcome[:, -1], bust, atol=5e-7)
    np.testing.assert_allclose(outcome.sum(axis=1), 1.0, atol=1e-12)
    assert outcome[9, 4] > 1 / 13  # an ace behind a 10 is 21 at once


def test_begins_where_it_is_told():
    one = Blackjack(start=31).reset(np.random.default_rng(0))
    assert isinstance(one, np.integer)  # a scalar, as from a deal
    assert one == 31
    assert Blackjack(start=31).reset(np.random.default_rng(0), 3).tolist() == [31, 31, 31]


def test_first_hands():
    """The first card has rank 1/13; two aces make 12 with a usable ace."""
    start = first_hands()
    assert start.sum() == pytest.approx(1.0, abs=1e-12)
    table = start[:HANDS].reshape(10, 2, 10)
    np.testing.assert_allclose(table.sum(axis=(0, 1)), [1 / 13] * 9 + [4 / 13], atol=1e-12)
    assert table[0, 1].sum() == pytest.approx(1 / 169, abs=1e-12)
    low = np.zeros(12)  # the chance to pass a sum of 0 .. 11 without an ace
    low[0] = 1.0
    for hard in range(12):
        for card in range(2, 12 - hard):
            low[hard + card] += low[hard] * (4 if card == 10 else 1) / 13
    usable = low[:11].sum() / 13  # the ace comes, first or on at most 10, and counts 11 from then on
    assert table[:, 1].sum() == pytest.approx(usable, abs=1e-12)


def test_cards_are_dealt_as_the_model_says():
    """200,000 first hands: 200 frequencies, chi-square."""
    dealt = Blackjack().reset(np.random.default_rng(0), 200_000)
    assert surprise(np.bincount(dealt, minlength=HANDS + 3), first_hands()) > BY_CHANCE


@pytest.mark.parametrize("action", [STICK, HIT])
def test_cards_are_played_as_the_model_says(action):
    """2,000 steps from each of the 200 hands, all frequencies in one chi-square."""
    state = np.repeat(np.arange(HANDS), 2000)
    s_next, reward, terminated = Blackjack().step(
        state, np.full(state.shape, action), np.random.default_rng(1)
    )
    counts = np.zeros((HANDS, HANDS + 3))
    np.add.at(counts, (state, s_next), 1)
    model = blackjack_mdp()
    assert surprise(counts, model.P[:HANDS, action]) > BY_CHANCE
    np.testing.assert_array_equal(reward, model.R[state, action, s_next])
    np.testing.assert_array_equal(terminated, s_next >= HANDS)


class Deck:
    """Stands for a random generator: the cards on it come one after the other."""

    def __init__(self, cards):
        self.cards = list(cards)

    def choice(self, deck):  # Gymnasium's game asks for a card
        return self.cards.pop(0)

    def random(self, shape):  # ours for uniform numbers
        return (np.array(self.cards[: shape[-1]]) - 0.5) / 13


@pytest.mark.parametrize("action", [STICK, HIT])
def test_game_by_game_as_gymnasium(action):
    """From 2,000 hands, the same cards in the same order: the same end or the same hand after it.

    Gymnasium's game without the bonus for a natural. It has dealt the dealer's second card before.
    """
    theirs, ours = gymnasium.make("Blackjack-v1", natural=False, sab=False).unwrapped, Blackjack()
    theirs.reset(seed=0)
    rng = np.random.default_rng(2)
    ended = np.zeros(3, int)
    for _ in range(2000):
        s = int(rng.integers(HANDS))
        total, usable, shown = (column[s] for column in hands())
        cards = np.minimum(rng.integers(1, 14, 11), 10)
        theirs.player = [1, int(total) - 11] if usable else [10, int(total) - 10]
        theirs.dealer = [int(shown), int(cards[0])] if action == STICK else [int(shown), 5]
        theirs._np_random = Deck(cards[1:] if action == STICK else cards)
        (sum_, card, soft), reward, terminated, _, _ = theirs.step(action)
        s_next, our_reward, our_end = ours.step(np.int64(s), np.int64(action), Deck(cards))
        assert (reward, terminated) == (our_reward, our_end)
        if terminated:
            ended[s_next - HANDS] += 1
        else:
            assert s_next == state_of(sum_, bool(soft), card)
    assert (ended > 100).all() if action == STICK else ended[LOST - HANDS] > 100


def test_rows_of_the_model():
    mdp = blackjack_mdp()
    assert mdp.P.shape == (203, 2, 203)
    assert not mdp.P[:HANDS, STICK, :HANDS].any()
    assert not mdp.P[:, HIT, [WON, DRAWN]][:HANDS].any()
    s = state_of(21, False, 5)
    assert mdp.P[s, HIT, LOST] == pytest.approx(1.0)
    assert mdp.P[state_of(15, True, 5), HIT, LOST] == 0.0  # the ace gives way
    assert mdp.P[state_of(12, False, 5), HIT, LOST] == pytest.approx(4 / 13)


def test_best_play():
    """The chart of Example 5.3: a line for each total, one letter a card of the dealer's from the ace on."""
    mdp = blackjack_mdp()
    V = optimal_value(mdp)
    Q = mdp.lookahead(V)[:HANDS]
    assert np.abs(Q[:, STICK] - Q[:, HIT]).min() > 0.002  # no ties, so there is one chart
    hit = (Q[:, HIT] > Q[:, STICK]).reshape(10, 2, 10)
    chart = ["".join("SH"[int(h)] for h in row) for row in hit[:, 0]]
    assert chart == ["HHHSSSHHHH", *["HSSSSSHHHH"] * 4, *["SSSSSSSSSS"] * 5]
    chart = ["".join("SH"[int(h)] for h in row) for row in hit[:, 1]]
    assert chart == [*["HHHHHHHHHH"] * 6, "HSSSSSSSHH", *["SSSSSSSSSS"] * 3]


def test_values_of_best_play():
    """Computed once by exact solves; they guard against later changes."""
    mdp = blackjack_mdp()
    V = optimal_value(mdp)
    assert mdp.start @ V == pytest.approx(-0.0465559771, abs=1e-9)
    assert mdp.start @ policy_value(mdp, stick_from(20)) == pytest.approx(-0.3535540177, abs=1e-9)
    best = max(range(12, 23), key=lambda total: mdp.start @ policy_value(mdp, stick_from(total)))
    assert best == 16  # the best rule that looks at the sum alone
    Q = action_value(mdp, stick_from(20))
    assert (Q.max(axis=1) <= V + 1e-12).all()


@pytest.mark.parametrize("start", [-1, 200, 1.5, True])
def test_refuses_a_start_that_is_no_hand(start):
    with pytest.raises(ValueError, match=r"start is .*; it must be a whole number from 0 to 199"):
        Blackjack(start=start)


@pytest.mark.parametrize(
    ("hand", "name"),
    [
        ((11, False, 5), "total"),
        ((22, True, 5), "total"),
        ((15, True, 0), "dealer"),
        ((15, True, float("nan")), "dealer"),
    ],
)
def test_refuses_a_hand_that_is_none(hand, name):
    with pytest.raises(ValueError, match=rf"{name} is .*; it must be a whole number from"):
        state_of(*hand)


def test_refuses_a_total_that_is_none():
    with pytest.raises(ValueError, match="total is 23; it must be a whole number from 12 to 22"):
        stick_from(23)
