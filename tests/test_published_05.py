"""Published numbers of chapter 5, beside ours.

The values of blackjack are exact recomputations; the learning curves are Monte-Carlo averages of others with
their standard errors. A statistical test fails where |z| > 4: by chance in 6.3e-5 of the comparisons it makes.
Source of the problems: Sutton & Barto, Examples 5.1, 5.3, 5.4, 5.5 and 6.2; Gymnasium's Frozen Lake.
"""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from rlcore.algorithms.dp import policy_evaluation, solve
from rlcore.algorithms.monte_carlo import mc_average, mc_prediction, weighed_returns
from rlcore.exact.values import policy_value
from rlcore.learning.returns import ordinary_average, weighted_average
from rlcore.problems.blackjack import HANDS, Blackjack, blackjack_mdp, state_of, stick_from
from rlcore.problems.chains import loop, random_walk
from rlcore.problems.gridworlds import frozen_lake

SIGMA = 4.0

# Stick on 20 and 21: the player's sum 12 .. 21, for each first without, then with a usable ace;
# the dealer's card ace, 2, ..., 10 on two lines.
STICK_ON_20 = """
    -0.6401658490 -0.5448674137 -0.5431126091 -0.5412718122 -0.5396828171
    -0.5339087735 -0.5219737046 -0.5189670465 -0.5221831145 -0.5705135360
    -0.4043608131 -0.2466117992 -0.2437070433 -0.2406599429 -0.2380296541
    -0.2284717879 -0.2087154787 -0.2037385099 -0.2090621183 -0.2890642329
    -0.6658682883 -0.5773768842 -0.5757474228 -0.5740381113 -0.5725626159
    -0.5672010039 -0.5561184399 -0.5533265432 -0.5563128920 -0.6011911406
    -0.4285475840 -0.2772041918 -0.2744173876 -0.2714940190 -0.2689705368
    -0.2598007813 -0.2408467050 -0.2360718330 -0.2411792688 -0.3179327844
    -0.6897348392 -0.6075642496 -0.6060511783 -0.6044639605 -0.6030938576
    -0.5981152179 -0.5878242657 -0.5852317901 -0.5880048283 -0.6296774877
    -0.4523180775 -0.3072700600 -0.3045991774 -0.3017974111 -0.2993788972
    -0.2905905727 -0.2724249220 -0.2678486685 -0.2727436522 -0.3463044804
    -0.7118966364 -0.6355953746 -0.6341903798 -0.6327165347 -0.6314442963
    -0.6268212738 -0.6172653895 -0.6148580908 -0.6174330549 -0.6561290957
    -0.4756083596 -0.3367285378 -0.3341712351 -0.3314886144 -0.3291729483
    -0.3207583490 -0.3033651962 -0.2989835489 -0.3036703724 -0.3741030118
    -0.7324754480 -0.6616242764 -0.6603196384 -0.6589510680 -0.6577697037
    -0.6534768971 -0.6446035760 -0.6423682272 -0.6447592652 -0.6806913031
    -0.4983657542 -0.3655129981 -0.3630666764 -0.3605004753 -0.3582853039
    -0.3502358789 -0.3335975490 -0.3294060551 -0.3338894812 -0.4012655056
    -0.7515843446 -0.6857939710 -0.6845825214 -0.6833117060 -0.6822147249
    -0.6782285473 -0.6699890349 -0.6679133538 -0.6701336034 -0.7034990672
    -0.5205475599 -0.3935694307 -0.3912312832 -0.3887785571 -0.3866613385
    -0.3789678516 -0.3630652535 -0.3590591036 -0.3633442767 -0.4277409952
    -0.7693283200 -0.7082372588 -0.7071123413 -0.7059322984 -0.7049136731
    -0.7012122225 -0.6935612467 -0.6916338285 -0.6936954889 -0.7246777053
    -0.5421198946 -0.4208549801 -0.4186220344 -0.4162796656 -0.4142577084
    -0.4069103800 -0.3917232984 -0.3878973999 -0.3919897673 -0.4534890398
    -0.7858048686 -0.7290774546 -0.7280328883 -0.7269371342 -0.7259912679
    -0.7225542066 -0.7154497290 -0.7136599836 -0.7155743825 -0.7443435835
    -0.5630566532 -0.4473366274 -0.4452057841 -0.4429705210 -0.4410410187
    -0.4340296499 -0.4195370039 -0.4158860463 -0.4197912885 -0.4784784811
    0.1460948391  0.6399865752  0.6502720943  0.6610499619  0.6703596906
    0.7039585702  0.7732272265  0.7918151596  0.7583568708  0.4349577537
    0.1460948391  0.6399865752  0.6502720943  0.6610499619  0.6703596906
    0.7039585702  0.7732272265  0.7918151596  0.7583568708  0.4349577537
    0.6384418694  0.8820065155  0.8853003573  0.8887672930  0.8917538266
    0.9028367438  0.9259262960  0.9306050532  0.9391761561  0.8885756615
    0.6384418694  0.8820065155  0.8853003573  0.8887672930  0.8917538266
    0.9028367438  0.9259262960  0.9306050532  0.9391761561  0.8885756615
"""


def published():
    return np.array(STICK_ON_20.split(), float)  # (200,), in the order of our states


def test_blackjack_stick_on_20():
    """All 200 values of Example 5.1."""
    V = policy_value(blackjack_mdp(), stick_from(20))[:HANDS]
    np.testing.assert_allclose(V, published(), rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("hand", "value"),
    [
        ((21, True, 1), 0.638442),
        ((21, False, 10), 0.888576),
        ((20, False, 10), 0.434958),
        ((20, False, 1), 0.146095),
        ((19, False, 10), -0.744344),
        ((12, False, 10), -0.570514),
    ],
)
def test_six_hands_by_name(hand, value):
    assert abs(policy_value(blackjack_mdp(), stick_from(20))[state_of(*hand)] - value) < 5e-7


def test_the_hand_of_example_5_4():
    """13 with a usable ace against a 2: -0.2772042. The -0.27726 of the book is an average of 100 million games."""
    V = policy_value(blackjack_mdp(), stick_from(20))[state_of(13, True, 2)]
    assert abs(V - -0.2772042) < 5e-8
    assert abs(V - -0.27726) > 5e-5  # so a test against that number needs a wider tolerance than 1e-5


def return_variance():
    """Var[G] of stick-on-20 from each hand, exactly: E[G^2] is the chance that the game is not drawn.   (200,)"""
    mdp, pi = blackjack_mdp(), stick_from(20)
    square = policy_value(replace(mdp, R=mdp.R**2), pi)
    return (square - policy_value(mdp, pi) ** 2)[:HANDS]


def test_blackjack_by_walking():
    """500,000 games with the cards; the largest of the 200 |z| is above 5 in 1.1e-4 of right programs."""
    V, count = mc_average(
        Blackjack(), stick_from(20), episodes=500_000, gamma=1.0, rng=np.random.default_rng(0)
    )
    z = (V[:HANDS] - published()) / np.sqrt(return_variance() / count[:HANDS])
    assert count[:HANDS].min() > 150
    assert np.abs(z).max() < 5
    assert 0.8 < z.std() < 1.2  # and they are as large as they should be


def test_off_policy_estimate_of_one_hand():
    """Example 5.4: 100 runs of 10,000 games by a fair coin; two z against the exact value."""
    hand = state_of(13, True, 2)
    V = published()[hand]
    W, G = weighed_returns(
        Blackjack(start=hand),
        stick_from(20),
        np.full((203, 2), 0.5),
        episodes=10_000,
        gamma=1.0,
        rng=np.random.default_rng(0),
        runs=100,
    )
    for last in (ordinary_average(W, G)[:, -1], weighted_average(W, G)[:, -1]):
        assert abs(last.mean() - V) / (last.std(ddof=1) / 10) < SIGMA
    first_half = ((weighted_average(W, G) - V) ** 2).mean(axis=0)[20:100].mean()
    assert first_half < ((ordinary_average(W, G) - V) ** 2).mean(axis=0)[20:100].mean() / 1.1


def test_loop_of_example_5_5():
    """True value 1; the terms of the second moment grow by 1.8, so their sum does not converge."""
    mdp = loop()
    assert policy_value(mdp, np.zeros(2, int))[0] == pytest.approx(1.0, abs=1e-12)
    term = [0.5 * (1 - 0.9) * (0.5 * mdp.P[0, 0, 0]) ** k * 4.0 ** (k + 1) for k in range(20)]
    np.testing.assert_allclose(np.divide(term[1:], term[:-1]), 1.8, rtol=1e-12)


ALPHA = (0.01, 0.02, 0.03, 0.04)
RMS, RMS_SE = (0.09718, 0.08189, 0.09375, 0.10740), 4e-4


def random_walk_errors(runs, seed):
    """RMS error over the five states after 100 episodes, a row an alpha.   -> (4, runs)"""
    alpha = np.repeat(ALPHA, runs)
    out = mc_prediction(
        random_walk(5),
        np.zeros(7, int),
        episodes=100,
        alpha=alpha,
        gamma=1.0,
        rng=np.random.default_rng(seed),
        runs=len(alpha),
        first_visit=False,
        V0=0.5,
        watch=[3],
    )
    error = out.V[:, 1:6] - np.arange(1, 6) / 6
    return np.sqrt((error**2).mean(axis=1)).reshape(4, runs)


@pytest.mark.parametrize("runs", [250, pytest.param(5000, marks=pytest.mark.slow)])
def test_constant_alpha_on_the_random_walk(runs):
    """Example 6.2, four step sizes: four z with both standard errors, false failures 2.5e-4."""
    rms = random_walk_errors(runs, 0)
    se = np.hypot(rms.std(axis=1, ddof=1) / np.sqrt(runs), RMS_SE)
    assert np.abs((rms.mean(axis=1) - RMS) / se).max() < SIGMA


def test_frozen_lake_with_and_without_a_time_limit():
    """14/17 without a limit, 0.7401649 within 100 steps, 0.7441903 for a policy that sees the clock."""
    lake = frozen_lake(gamma=1.0)
    patient = solve(frozen_lake(gamma=0.99)).pi
    assert abs(policy_value(lake, patient)[0] - 14 / 17) < 1e-8
    limited = next(islice(policy_evaluation(lake, patient), 100, None))
    assert abs(limited[0] - 0.7401649) < 5e-8
    V = np.zeros(16)
    for _ in range(100):
        V = lake.lookahead(V).max(axis=1)
    assert abs(V[0] - 0.7441903) < 5e-8


def test_monte_carlo_learns_the_value_within_the_time_limit():
    """10,000 walks on the lake, cut after 100 steps: the mean return is 0.7401649, not 14/17; one z."""
    patient = solve(frozen_lake(gamma=0.99)).pi
    lake = replace(frozen_lake(gamma=1.0).dense(), horizon=100)
    n = 10_000
    V, count = mc_average(lake, patient, episodes=n, gamma=1.0, rng=np.random.default_rng(0), width=n)
    assert count[0] == n
    p = 0.7401649
    assert abs(V[0] - p) / np.sqrt(p * (1 - p) / n) < SIGMA
