"""The grading tests of chapter 11."""

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("11.1", "taken_ratio", 1, "compute the importance ratio of the actions that were taken"),
    Exercise(
        "11.2", "objective_slope", 1, "tell where the clip ends the push, for both signs of the advantage"
    ),
    Exercise("11.3", "total_loss", 1, "give every term of the loss its sign"),
    Exercise("11.4", "prices", 2, "steer a divergence by its price"),
    Exercise("11.5", "masked_standardised", 2, "standardise advantages among steps that do not count"),
    Exercise("11.6", "advantages_and_targets", 2, "keep the critic's target apart from the policy's scaling"),
    Exercise("11.7", "steps_before_stop", 2, "measure a divergence from old actions, and stop in time"),
    Exercise("11.8", "dual_clip", 2, "bound what one bad step can do"),
    Exercise("11.9", "clipped_huber", 2, "clip a critic without cutting off its way back"),
    Exercise("11.10", "reverse_penalty", 3, "differentiate a divergence in the other direction"),
    Exercise("11.11", "trust_region_step", 3, "take the longest step that stays within its radius"),
]


@graded("11.1", points=1)
def test_ratio_by_hand(student, rng):
    """Old 1/2 and 1/2, new 3/4 and 1/4 in the first state; old 1/5 and 4/5, new 2/5 and 3/5 in the second."""
    logits = np.log([[3.0, 1.0], [2.0, 3.0]])
    logits_old = np.log([[1.0, 1.0], [1.0, 4.0]])
    student.check("taken_ratio", logits, logits_old, np.array([1, 0]), expected=np.array([0.5, 2.0]))


@graded("11.1", points=1, instances=2)
def test_ratio(student, rng):
    logits_old = rng.normal(size=(9, 3)) * [1.0, 2.0, 1.0]
    logits = logits_old + rng.normal(size=(9, 3))
    student.check("taken_ratio", logits, logits_old, rng.permutation(np.arange(9) % 3))


@graded("11.2", points=1)
def test_both_signs(student, rng):
    """A = -1: below the lower edge the push has ended, above the upper one it goes on. A = 1: the reverse."""
    ratio = np.array([0.5, 1.0, 1.5])
    student.check("objective_slope", ratio, np.full(3, -1.0), 0.2, 0.2, expected=np.array([0.0, -1.0, -1.0]))
    student.check("objective_slope", ratio, np.full(3, 1.0), 0.2, 0.2, expected=np.array([1.0, 1.0, 0.0]))


@graded("11.2", points=1, instances=2)
def test_slope(student, rng):
    """Every place of the ratio with every sign; edges at 0.9 and 1.4."""
    ratio = np.tile([0.3, 0.8, 0.95, 1.05, 1.15, 1.3, 1.6, 3.0], 2) + rng.uniform(-0.02, 0.02, 16)
    advantage = np.repeat([1.0, -1.0], 8) * rng.uniform(0.5, 2, 16)
    student.check("objective_slope", ratio, advantage, 0.1, 0.4)


@graded("11.3", points=1)
def test_loss_by_hand(student, rng):
    """Mean gain 2, half the mean square 1, entropy log 2: -2 + 0.5 * 1 - 0.1 log 2."""
    pi = np.full((2, 2), 0.5)
    args = np.array([1.0, 3.0]), np.array([1.0, 0.0]), np.array([0.0, 3**0.5]), pi, 0.5, 0.1
    student.check("total_loss", *args, expected=-1.5 - 0.1 * float(np.log(2)))


@graded("11.3", points=1, instances=2)
def test_loss(student, rng):
    pi = rng.dirichlet(np.ones(3), 6) * 0.7 + 0.1
    gain, value, target = rng.normal(size=6) + 1, rng.normal(size=6), 2 * rng.normal(size=6)
    student.check("total_loss", gain, value, target, pi, 0.5, 0.2)


@graded("11.4", points=1)
def test_three_prices(student, rng):
    """Far too much, just right, a tenth too little; the error of the first one is cut to 0.2."""
    args = 2.0, np.array([5.0, 1.0, 0.9]), 1.0, 50, 100
    student.check("prices", *args, expected=np.array([2.0, 2.2, 2.2, 2.09]))


@graded("11.4", points=1, instances=2)
def test_price_path(student, rng):
    kl = 0.02 * rng.permutation(np.concatenate([rng.uniform(0.85, 1.15, 4), [0.1, 0.3, 3.0, 9.0, 20.0, 7.0]]))
    student.check("prices", float(rng.uniform(0.5, 2)), kl, 0.02, 512, 2048)


@graded("11.5", points=1)
def test_two_that_count(student, rng):
    """1 and 3: mean 2, std sqrt(2) with n - 1; what stands between and behind them is garbage."""
    args = np.array([1.0, 100.0, 3.0, -40.0]), np.array([True, False, True, False])
    expected = np.array([-(0.5**0.5), 0.0, 0.5**0.5, 0.0])
    student.check("masked_standardised", *args, expected=expected, tol=1e-7)


@graded("11.5", points=1, instances=2)
def test_masked(student, rng):
    counts = rng.permutation([True] * 5 + [False] * 3)
    advantage = np.where(counts, rng.normal(size=8) * 3 + 2, rng.uniform(20, 40, 8))
    student.check("masked_standardised", advantage, counts, tol=1e-7)


def tape(rng, T=12):
    """A tape with an end of each kind inside, one of both kinds, and a walk that goes on behind its last step."""
    terminated, truncated = np.isin(np.arange(T), [2, 8]), np.isin(np.arange(T), [5, 8])
    value, next_value = rng.normal(size=T) + 2, rng.normal(size=T) + 3
    return rng.normal(size=T) + 1, value, next_value, terminated, truncated


@graded("11.6", points=1)
def test_cut_and_end_by_hand(student, rng):
    """Three steps: one that is cut, one that terminates, one that goes on. lam = 0.5, gamma = 1.

    delta = 1 + 4 - 2 = 3, then 1 - 2 = -1, then 1 + 4 - 2 = 3; nothing flows back over an end. Mean square 19/3.
    """
    args = np.ones(3), np.full(3, 2.0), np.full(3, 4.0), np.array([False, True, False])
    A, expected = np.array([3.0, -1.0, 3.0]), np.array([5.0, 1.0, 5.0])
    scaled = A / (19 / 3) ** 0.5
    truncated = np.array([True, False, False])
    student.check("advantages_and_targets", *args, truncated, 1.0, 0.5, expected=[scaled, expected])


@graded("11.6", points=2, instances=2)
def test_tape(student, rng):
    student.check("advantages_and_targets", *tape(rng), 0.9, 0.8)


def path(rng, K=6, B=40):
    """logp (K, B) that moves away from logp_old, and the estimates of KL(old || new)."""
    logp_old = np.log(rng.uniform(0.2, 0.6, B))
    direction = rng.normal(size=B) + 0.6  # r is mostly above 1: the mean of -log r is negative
    logp = logp_old + 0.12 * np.arange(K)[:, None] * direction
    log_r = logp - logp_old
    return logp, logp_old, np.mean(np.exp(log_r) - 1 - log_r, axis=1)


@graded("11.7", points=1)
def test_one_action(student, rng):
    """r = 1, 2, 4: r - 1 - log r = 0, 0.307, 1.614."""
    logp, old = np.log([[0.1], [0.2], [0.4]]), np.log([0.1])
    student.check("steps_before_stop", logp, old, 0.5, expected=[2, 3 - float(np.log(4))])
    student.check("steps_before_stop", logp, old, 0.1, expected=[1, 1 - float(np.log(2))])
    student.check("steps_before_stop", logp, old, 2.0, expected=[3, 3 - float(np.log(4))])


@graded("11.7", points=2, instances=2)
def test_stop(student, rng):
    """A limit between two estimates, a target between two of them, and a limit that is never reached."""
    logp, logp_old, kl = path(rng)
    for target in ((kl[3] + kl[4]) / 3, (kl[2] + kl[3]) / 2, 10 * kl[-1]):
        student.check("steps_before_stop", logp, logp_old, float(target))


@graded("11.8", points=1)
def test_huge_ratio(student, rng):
    """r = 5 with A = -1: not -5, but the floor -3. With A = 1 the clip at 1.2, and 0.5 stays what it is."""
    args = np.log([5.0, 5.0, 0.5, 2.0]), np.zeros(4), np.array([-1.0, 1.0, 1.0, -1.0]), 0.2, 3.0
    expected = [-(-3.0 + 1.2 + 0.5 - 2.0) / 4, np.array([0.0, 0.0, -0.125, 0.5])]
    student.check("dual_clip", *args, expected=expected)


@graded("11.8", points=2, instances=2)
def test_dual_clip(student, rng):
    ratio = np.tile([0.3, 0.7, 0.9, 1.1, 1.5, 1.9, 2.5, 6.0], 2) + rng.uniform(-0.05, 0.05, 16)
    advantage = np.repeat([1.0, -1.0], 8) * rng.uniform(0.5, 2, 16)
    logp_old = np.log(rng.uniform(0.05, 0.15, 16))
    student.check("dual_clip", np.log(ratio) + logp_old, logp_old, advantage, 0.2, 2.0)


@graded("11.9", points=1)
def test_three_values(student, rng):
    """Old value 0, clip 0.5: one moved past its target, one too far on the way there, one within the clip.

    1: target 0.2, error 0.8 against 0.3: 0.32.  2: target 3, errors -1 and -2.5: with delta 2, 0.5 and 3.
    3: 0.4, target 1: both -0.6: 0.18.
    """
    args = np.array([1.0, 2.0, 0.4]), np.zeros(3), np.array([0.2, 3.0, 1.0]), 0.5, 2.0
    expected = [3.5 / 3, np.array([0.8, 0.0, -0.6]) / 3]
    student.check("clipped_huber", *args, expected=expected)


@graded("11.9", points=2, instances=2)
def test_clipped_huber(student, rng):
    """Moves within the clip and beyond it, to both sides; targets on both sides, near and far."""
    value_old = rng.normal(size=24)
    move = np.tile([0.1, 0.8, -0.1, -0.8], 6) + rng.uniform(-0.05, 0.05, 24)
    ahead = np.repeat([-4.0, -2.0, -0.5, 0.5, 2.0, 4.0], 4) + rng.uniform(-0.1, 0.1, 24)
    student.check("clipped_huber", value_old + move, value_old, value_old + ahead, 0.3, 0.7)


@graded("11.10", points=1)
def test_one_state(student, rng):
    """old (1/2, 1/2), new (3/4, 1/4), action 0, A = 2: r = 3/2, and the gradient of KL is +-3/16 log 3."""
    log3 = float(np.log(3))
    kl = 0.75 * float(np.log(1.5)) - 0.25 * float(np.log(2))
    slope = -3 / 4 + 3 / 16 * log3
    args = np.log([[3.0, 1.0]]), np.zeros((1, 2)), np.array([0]), np.array([2.0]), 1.0
    student.check("reverse_penalty", *args, expected=[-3 + kl, np.array([[slope, -slope]])])


@graded("11.10", points=3, instances=2)
def test_reverse_penalty(student, rng):
    logits_old = rng.normal(size=(7, 4))
    logits = logits_old + rng.normal(size=(7, 4))
    action, advantage = np.arange(7) % 4, rng.normal(size=7) + 1
    student.check("reverse_penalty", logits, logits_old, action, advantage, 0.7)


@graded("11.11", points=1)
def test_one_state_two_actions(student, rng):
    """pi = (1/2, 1/2), Q = (1, -1): x^T F x = 1, so x = (0.1, -0.1) for delta = 0.005; its KL is below delta."""
    p = 1 / (1 + float(np.exp(-0.2)))
    args = np.zeros((1, 2)), np.ones(1), np.array([[1.0, -1.0]]), 0.005, 1
    student.check("trust_region_step", *args, expected=np.array([[p, 1 - p]]))


@graded("11.11", points=3, instances=3)
def test_trust_region_step(student, rng):
    """States of very different shares; short steps, long ones that must be halved, and no try left for that.

    In the first state an action that is rarely tried is better: the true divergence grows faster than its model.
    """
    theta = np.vstack([[0.0, 4.0, 0.5], rng.normal(size=(2, 3))])
    Q = np.vstack([[3.0, 0.0, 0.2], rng.normal(size=(2, 3))]) + 5
    d = np.array([0.9, 0.07, 0.03])
    for delta, tries in ((0.02, 5), (0.1, 8), (0.5, 8), (0.5, 1), (3.0, 8)):
        student.check("trust_region_step", theta, d, Q, delta, tries)
