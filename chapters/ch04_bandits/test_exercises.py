"""The grading tests of chapter 4."""

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("4.1", "incremental_mean", 1, "average without keeping what was averaged"),
    Exercise("4.2", "recency_weights", 1, "see what a constant step size remembers"),
    Exercise("4.3", "expected_reward", 1, "know the chances behind epsilon-greedy, ties included"),
    Exercise("4.4", "regret_so_far", 1, "measure what not knowing costs"),
    Exercise("4.5", "ucb_bounds", 2, "be optimistic in the face of uncertainty"),
    Exercise("4.6", "unbiased_estimates", 2, "follow moving means without the bias of a first guess"),
    Exercise("4.7", "gradient_step", 2, "take a step along a sampled gradient"),
    Exercise("4.8", "normal_posterior", 2, "update what is known of a mean"),
    Exercise("4.9", "best_baseline", 3, "choose what to subtract from a reward"),
    Exercise("4.10", "thompson_chances", 3, "compute what a randomised player will do"),
    Exercise("4.11", "play_tape", 3, "write a player that can be checked pull by pull"),
]


@graded("4.1", points=1)
def test_mean_by_hand(student, rng):
    student.check("incremental_mean", 2.0, 3, 6.0, expected=3.0)
    student.check("incremental_mean", 5.0, 0, -1.0, expected=-1.0)


@graded("4.1", points=1, instances=2)
def test_mean_of_many(student, rng):
    reward = rng.normal(loc=3, size=int(rng.integers(4, 9)))
    Q, n = float(reward[:-1].mean()), len(reward) - 1
    student.check(
        "incremental_mean", Q, n, float(reward[-1]) + 4, expected=Q + (reward[-1] + 4 - Q) / (n + 1)
    )


@graded("4.2", points=1)
def test_weights_by_hand(student, rng):
    student.check("recency_weights", 0.5, 3, expected=np.array([0.125, 0.125, 0.25, 0.5]))
    student.check("recency_weights", 0.5, 0, expected=np.array([1.0]))


@graded("4.2", points=1, instances=2)
def test_weights(student, rng):
    alpha, n = float(rng.uniform(0.1, 0.4)), int(rng.integers(3, 8))
    w = np.ravel(student.check("recency_weights", alpha, n))
    student.claim(abs(w.sum() - 1) < 1e-6, f"the weights sum to {w.sum():.6f}; they must sum to 1")


def estimates(rng, ties):
    """Q (k,) whose `ties` largest entries are equal, mean (k,), both far from flat; the first best arm pays least."""
    k = int(rng.integers(5, 8))
    Q = np.append(np.full(ties, 3.0), rng.uniform(-2, 2, k - ties))
    mean = np.append(-2.0 + 3.0 * np.arange(ties), rng.uniform(-1, 1, k - ties))
    order = np.append(0, 1 + rng.permutation(k - 1))  # argmax finds the arm that pays least
    return Q[order], mean[order]


@graded("4.3", points=1)
def test_no_ties(student, rng):
    Q, mean = estimates(rng, 1)
    for epsilon in (0.0, 0.3, 1.0):
        student.check("expected_reward", Q, mean, epsilon)


@graded("4.3", points=2, instances=2)
def test_ties(student, rng):
    Q, mean = estimates(rng, 2)
    student.check("expected_reward", Q, mean, 0.2)
    student.check("expected_reward", *estimates(rng, 3), 0.1)
    student.check("expected_reward", np.zeros(5), np.arange(5.0), 0.1, expected=2.0)


@graded("4.4", points=1)
def test_regret_by_hand(student, rng):
    mean, arm = np.array([1.0, 3.0, 0.5]), np.array([0, 2, 1, 0])
    student.check("regret_so_far", mean, arm, expected=np.array([2.0, 4.5, 4.5, 6.5]))


@graded("4.4", points=1, instances=2)
def test_regret(student, rng):
    k = int(rng.integers(3, 6))
    mean = rng.permutation(np.arange(k) + rng.uniform(0.2, 0.8, k))
    worst = rng.permutation(np.argsort(mean)[:-1])
    arm = np.concatenate([worst, [mean.argmax()], rng.integers(0, k, 12)])  # the best one comes late
    student.check("regret_so_far", mean, arm)
    student.check("regret_so_far", mean, worst)  # or never


@graded("4.5", points=1, instances=2)
def test_bounds_of_tried_arms(student, rng):
    Q, N = rng.normal(size=5), rng.integers(1, 20, 5)
    student.check("ucb_bounds", Q, N, int(N.sum()) + 1, float(rng.uniform(0.5, 2)))


@graded("4.5", points=2, instances=2)
def test_bounds_of_untried_arms(student, rng):
    Q, N = rng.normal(size=5), rng.integers(1, 20, 5)
    N[rng.choice(5, 2, replace=False)] = 0
    student.check("ucb_bounds", Q, N, int(N.sum()) + 1, 2.0)
    student.check("ucb_bounds", Q, np.zeros(5, int), 1, 2.0, expected=np.full(5, np.inf))


@graded("4.6", points=1, instances=2)
def test_first_estimates(student, rng):
    reward = rng.normal(size=3) + np.array([0.0, 3.0, -3.0])
    student.check("unbiased_estimates", 5.0, reward, 0.4)


@graded("4.6", points=2, instances=2)
def test_the_first_guess_is_forgotten(student, rng):
    reward, alpha = rng.normal(size=30) + np.linspace(0, 3, 30), float(rng.uniform(0.1, 0.3))
    one = np.ravel(student.check("unbiased_estimates", 10.0, reward, alpha))
    other = np.ravel(student.check("unbiased_estimates", -10.0, reward, alpha))
    off = np.abs(one - other).max()
    student.claim(
        off < 1e-5, f"a first guess of 10 or of -10 changes the estimates by {off:.3g}; it must not"
    )


@graded("4.7", points=1)
def test_step_from_equal_preferences(student, rng):
    student.check(
        "gradient_step", np.zeros(4), 2, 3.0, 1.0, 0.5, expected=np.array([-0.25, -0.25, 0.75, -0.25])
    )


@graded("4.7", points=2, instances=3)
def test_step(student, rng):
    H, arm = 2 * rng.normal(size=4), int(rng.integers(4))
    reward, baseline = float(rng.uniform(3, 5)), float(rng.uniform(1, 2))
    student.check("gradient_step", H, arm, reward, baseline, 0.4)
    student.check("gradient_step", H, arm, baseline, reward, 0.4)  # worse than expected


@graded("4.8", points=1)
def test_nothing_seen(student, rng):
    student.check("normal_posterior", np.zeros(0), 1.0, 0.5, 2.0, expected=[0.5, 2.0])


@graded("4.8", points=2, instances=3)
def test_posterior(student, rng):
    reward = rng.normal(loc=2.0, size=int(rng.integers(2, 7)))
    sd, prior_sd = float(rng.uniform(1.2, 2)), float(rng.uniform(0.4, 0.8))
    student.check("normal_posterior", reward, sd, -1.0, prior_sd)


@graded("4.9", points=1)
def test_two_arms(student, rng):
    """With two arms |1[a] - pi|^2 = 2 (1 - pi(a))^2, so the best baseline puts the weights crosswise."""
    H = np.array([0.0, np.log(3)])  # pi = 1/4, 3/4
    student.check("best_baseline", H, np.array([0.0, 8.0]), expected=2.0)


@graded("4.9", points=3, instances=3)
def test_baseline(student, rng):
    H = rng.permutation([2.0, 0.5, -0.5, -1.0]) + 0.1 * rng.normal(size=4)
    mean = np.argsort(np.argsort(H)) * 2.0 + rng.uniform(1, 2, 4)  # likely arms pay more
    student.check("best_baseline", H, mean)


@graded("4.10", points=1)
def test_two_coins(student, rng):
    """Nothing seen, and one reward: Beta(2, 1) beats a uniform number two times in three."""
    student.check("thompson_chances", np.zeros(2, int), np.zeros(2, int), expected=np.full(2, 0.5), tol=1e-4)
    student.check(
        "thompson_chances", np.array([1, 0]), np.zeros(2, int), expected=np.array([2, 1]) / 3, tol=1e-4
    )


@graded("4.10", points=3, instances=3)
def test_coins(student, rng):
    ones, zeros = rng.permutation([2, 4, 7]), rng.permutation([3, 4, 5])
    p = np.ravel(student.check("thompson_chances", ones, zeros, tol=1e-4))
    student.claim(abs(p.sum() - 1) < 1e-3, f"the chances sum to {p.sum():.4f}; some arm is pulled for sure")


def tape(rng, T, k=4):
    """Rewards -1, 0, 1 and 2, so that estimates tie now and then; and the two uniform numbers of a step."""
    reward = rng.integers(-1, 3, (T, k)).astype(float)
    explore = np.where(np.arange(T) % 3 == 1, rng.uniform(0, 0.25, T), rng.uniform(0.35, 1, T))
    return reward, explore, rng.random(T)


@graded("4.11", points=1, instances=2)
def test_first_pulls(student, rng):
    reward, explore, which = tape(rng, 4)
    which[0] = 0.9  # all four are equal: the last one
    for T in (1, 2, 4):
        student.check("play_tape", reward[:T], 0.3, 0.25, explore[:T], which[:T])


@graded("4.11", points=3, instances=2)
def test_a_long_tape(student, rng):
    reward, explore, which = tape(rng, 60)
    which[0] = 0.9
    student.check("play_tape", reward, 0.3, 0.25, explore, which)
    student.check("play_tape", reward, 0.0, 0.25, explore, which)
