"""The grading tests of chapter 15."""

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("15.1", "implicit_rewards", 1, "read a reward off a policy's tokens"),
    Exercise("15.2", "win_probability", 1, "say what raters will answer if a policy is optimal"),
    Exercise("15.3", "offset_dpo", 2, "write the loss and its gradient, where raters said how much better"),
    Exercise("15.4", "reward_from_policy", 2, "recover a reward from its optimum, constants included"),
    Exercise("15.5", "best_margins", 2, "find the margin at which each loss comes to rest"),
    Exercise("15.6", "one_step", 2, "follow a pair through a step, and see a chosen response lose"),
    Exercise("15.7", "loss_and_floor", 2, "compute the loss among all raters, and the least it can be"),
    Exercise("15.8", "rank_and_imitate", 3, "put a group into its order, and imitate the best of it"),
    Exercise("15.9", "two_uphill_directions", 3, "compare the directions of two methods with one optimum"),
]
LOG = np.log


def distribution(rng, *shape, spread=1.0):
    z = rng.normal(size=shape) * spread
    return z - LOG(np.exp(z).sum(axis=-1, keepdims=True))


@graded("15.1", points=1)
def test_two_responses_by_hand(student, rng):
    """log pi - log ref is log 2 + log 3 for the first one, log 1/2 for the second; behind it stands a pad."""
    logp, ref = LOG([[0.4, 0.6], [0.1, 0.9]]), LOG([[0.2, 0.2], [0.2, 0.1]])
    counts = np.array([[True, True], [True, False]])
    student.check("implicit_rewards", logp, ref, counts, 0.5, expected=0.5 * LOG([6.0, 0.5]))


@graded("15.1", points=1, instances=2)
def test_implicit_rewards(student, rng):
    counts = np.arange(4) < np.array([[1], [2], [3], [4], [4]])
    ref = LOG(rng.uniform(0.2, 0.5, (5, 4)))
    logp = ref + rng.uniform(0.2, 0.6, (5, 4))
    student.check("implicit_rewards", logp, ref, counts, 0.3)


@graded("15.2", points=1)
def test_two_to_one(student, rng):
    """Twice as likely as before, and half as likely, with beta 1/2: odds of 4 to the power 1/2, two to one."""
    logp, ref = LOG([0.4, 0.1, 0.5]), LOG([0.2, 0.2, 0.6])
    answer = student.check("win_probability", logp, ref, 0.5)
    student.claim(
        abs(np.asarray(answer)[0, 1] - 2 / 3) < 1e-6, "the first one beats the second two times out of three"
    )


@graded("15.2", points=1, instances=2)
def test_win_probability(student, rng):
    student.check("win_probability", distribution(rng, 4, spread=2), distribution(rng, 4), 0.3)


@graded("15.3", points=1)
def test_three_pairs(student, rng):
    """h = 0.7, -0.7 and 2 with beta = 0.1, no offset: losses 0.658760, 0.728760 and 0.598139."""
    chosen, rejected = np.array([-2.0, -5, -1]), np.array([-3.0, -4, -6])
    ref_chosen, ref_rejected = np.array([-2.5, -4.5, -2]), np.array([-2.8, -4.2, -5])
    d = np.array([-0.016084, -0.017250, -0.015006])
    args = chosen, rejected, ref_chosen, ref_rejected, np.zeros(3), 0.1
    student.check("offset_dpo", *args, expected=[0.661886, d, -d], tol=1e-6)


@graded("15.3", points=2, instances=2)
def test_offset_dpo(student, rng):
    """Log-ratios on both sides of 0, some of them large; every offset is different."""
    ref_chosen, ref_rejected = -2 - rng.uniform(size=6), -3 - rng.uniform(size=6)
    chosen = ref_chosen + np.array([1.0, -1, 0.5, -2, 0.05, 3]) + rng.uniform(-0.04, 0.04, 6)
    rejected = ref_rejected + np.array([-1.0, 1, 0.8, -3, -0.05, 2]) + rng.uniform(-0.04, 0.04, 6)
    offset = rng.permutation([0.2, 0.5, 0.9, 1.3, 2.0, 3.0])
    student.check("offset_dpo", chosen, rejected, ref_chosen, ref_rejected, offset, 0.5)


@graded("15.4", points=1)
def test_one_prompt(student, rng):
    """ref (1/2, 1/2), pi (4/5, 1/5): the difference is beta log 4."""
    log4 = float(LOG(4))
    args = LOG([[0.8, 0.2]]), LOG([[0.5, 0.5]]), 0.5, np.array([1]), np.array([3.0])
    student.check("reward_from_policy", *args, expected=np.array([[3 + 0.5 * log4, 3.0]]))


@graded("15.4", points=2, instances=2)
def test_reward_from_policy(student, rng):
    """An optimum made from a reward; the reward must come back."""
    log_ref = distribution(rng, 3, 4)
    reward = rng.normal(size=(3, 4)) + np.array([[0.0], [2.0], [-3.0]])
    tilted = log_ref + reward / 0.25
    log_pi = tilted - LOG(np.exp(tilted).sum(axis=1, keepdims=True))
    known = rng.integers(4, size=3)
    student.check(
        "reward_from_policy", log_pi, log_ref, 0.25, known, reward[np.arange(3), known], expected=reward
    )


@graded("15.5", points=1)
def test_four_of_five(student, rng):
    """p = 4/5, beta = 1/2, smoothing 1/8: odds of 4 and, smoothed, 0.725 to 0.275; IPO 0.3 / 0.5."""
    expected = np.array([2 * LOG(4), 2 * LOG(0.725 / 0.275), 0.6])
    student.check("best_margins", 0.8, 0.5, 0.125, expected=expected, tol=1e-6)


@graded("15.5", points=2, instances=2)
def test_best_margins(student, rng):
    for p in (rng.uniform(0.6, 0.7), rng.uniform(0.2, 0.35), rng.uniform(0.9, 0.95)):
        student.check("best_margins", float(p), 0.2, 0.1, tol=1e-6)


@graded("15.6", points=1)
def test_a_third_one_gains(student, rng):
    """Three responses, equally likely. What the chosen one has more of, the third has most of: both may fall."""
    phi, w = np.array([[1.0], [0.0], [6.0]]), np.zeros(1)
    answer = student.check("one_step", phi, w, 0, 1, 0.25, 8.0)
    student.claim(
        answer[1] < 0 and answer[2] < answer[1], "the chosen one loses, the rejected one loses more"
    )


@graded("15.6", points=2, instances=2)
def test_one_step(student, rng):
    phi = np.vstack([[1.0, 0.0, 0.5], [0.0, 1.0, -0.5], 3 * rng.normal(size=(3, 3))])
    phi[2] += 2 * (phi[0] - phi[1])
    student.check("one_step", phi, 0.2 * rng.normal(size=3), 0, 1, 0.4, 2.0)


@graded("15.7", points=1)
def test_policy_that_knows_nothing(student, rng):
    """pi = ref: every answer is a coin, log 2. Two responses, as likely as each other, worth log 3 and 0.

    Half the pairs are one response twice: entropy log 2; the others have odds of 3.
    """
    half = LOG([0.5, 0.5])
    entropy = float(-(0.75 * LOG(0.75) + 0.25 * LOG(0.25)))
    expected = [float(LOG(2)), (float(LOG(2)) + entropy) / 2]
    student.check("loss_and_floor", half, half, LOG([3.0, 1.0]), 0.5, expected=expected)


@graded("15.7", points=2, instances=2)
def test_loss_and_floor(student, rng):
    log_ref = distribution(rng, 5)
    reward = rng.permutation([0.0, 0.7, 1.5, 2.2, 3.0])
    student.check("loss_and_floor", distribution(rng, 5, spread=2), log_ref, reward, 0.4)


@graded("15.8", points=1)
def test_three_of_a_group(student, rng):
    """p = -1, -2, -1.5 and rewards 0, 1, 2: the first stands above both, by 1 and by 0.5; the last is imitated."""
    args = np.array([-2.0, -2.0, -4.5]), np.array([2, 1, 3]), np.array([0.0, 1.0, 2.0]), 0.0
    expected = [1.5 + 4.5, np.array([2 / 2, -1.0, -1 / 3 - 1])]
    student.check("rank_and_imitate", *args, expected=expected)


@graded("15.8", points=2, instances=3)
def test_rank_and_imitate(student, rng):
    """Some pairs in the wrong order, some right by less than the margin, some by more."""
    length = rng.permutation([1, 2, 3, 4, 6])
    p = -np.array([0.5, 0.9, 1.1, 2.0, 2.6]) + rng.uniform(-0.05, 0.05, 5)
    reward = np.array([1.0, 3.5, 0.2, 5.5, 3.0]) + rng.uniform(-0.1, 0.1, 5)
    student.check("rank_and_imitate", p * length, length, reward, 0.4)


@graded("15.9", points=1)
def test_both_vanish_at_the_optimum(student, rng):
    """A row of its own for each response: at pi* nothing pulls, in either direction."""
    log_ref, reward = distribution(rng, 4), rng.normal(size=4)
    best = log_ref + reward / 0.5
    zero = np.zeros(4)
    student.check("two_uphill_directions", np.eye(4), best, log_ref, reward, 0.5, expected=[zero, zero])


@graded("15.9", points=3, instances=2)
def test_two_directions(student, rng):
    phi = rng.normal(size=(5, 2)) * 1.5 + np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1], [1, 1]])
    log_ref = distribution(rng, 5)
    reward = rng.permutation([0.0, 0.7, 1.5, 2.2, 3.0])
    student.check("two_uphill_directions", phi, rng.normal(size=2), log_ref, reward, 0.5)
