"""The grading tests of chapter 12."""

import math

import numpy as np

from chapters.harness import Exercise, graded

EXERCISES = [
    Exercise("12.1", "joined_gradient", 1, "make one gradient of the gradients of several shards"),
    Exercise("12.2", "speed_up", 1, "say how much faster several shards are, messages counted"),
    Exercise("12.3", "act_in_a_box", 1, "tell the action that was drawn from the one that was executed"),
    Exercise("12.4", "slow_copies", 1, "let a copy follow its network slowly"),
    Exercise("12.5", "variance_of_the_average", 2, "compute what a second shard with the same seed is worth"),
    Exercise("12.6", "squashed_log_prob", 2, "find the density of a squashed action"),
    Exercise("12.7", "ddpg_targets", 2, "tell a cut from an end in the target of a critic"),
    Exercise("12.8", "actor_gradient", 2, "push an actor along the slope of its critic"),
    Exercise("12.9", "averaged_rounds", 2, "average parameters, and what belongs to them"),
    Exercise("12.10", "largest_stale_rate", 3, "compute how fast one may learn from old gradients"),
    Exercise("12.11", "where_averages_end", 3, "find the point at which averaged parameters stop"),
    Exercise("12.12", "two_gradients", 3, "compare two estimates of one gradient exactly"),
]


def number(rng, low, high):
    return round(float(rng.uniform(low, high)), 2)


@graded("12.1", points=1)
def test_two_shards_by_hand(student, rng):
    """One step says 8, three steps say 0 and 4: (2, 3) has the length sqrt(13)."""
    gradients, counts = np.array([[8.0, 0.0], [0.0, 4.0]]), np.array([1, 3])
    student.check("joined_gradient", gradients, counts, 100.0, expected=np.array([2.0, 3.0]))
    student.check("joined_gradient", gradients, counts, math.sqrt(13) / 2, expected=np.array([1.0, 1.5]))


@graded("12.1", points=1, instances=2)
def test_shards_of_different_sizes(student, rng):
    counts = rng.permutation([3, 10, 25, 40])
    gradients = rng.normal(size=(4, 5)) * rng.permutation([1.0, 2.0, 6.0, 12.0])[:, None] + 1
    for max_norm in (1.5, 1000.0):
        student.check("joined_gradient", gradients, counts, max_norm)


@graded("12.2", points=1)
def test_seconds_by_hand(student, rng):
    """9 + 1 seconds alone; 3 shards: 9/3 + 1 + 6 messages of 1/6 + 500/1000 second: 8 seconds."""
    student.check("speed_up", 3, 9.0, 1.0, 1 / 6, 500.0, 1000.0, expected=1.25)
    student.check("speed_up", 1, 9.0, 1.0, 1 / 6, 500.0, 1000.0, expected=1.0)


@graded("12.2", points=1, instances=2)
def test_more_and_more_shards(student, rng):
    """Faster at first, and in the end slower than alone."""
    compute, serial = number(rng, 1, 2), number(rng, 0.05, 0.1)
    latency, size = number(rng, 0.01, 0.03), float(rng.integers(10_000, 40_000))
    for shards in (1, 3, 5, 64):
        student.check("speed_up", shards, compute, serial, latency, size, 1e6)


@graded("12.3", points=1)
def test_one_coordinate_by_hand(student, rng):
    """a = 1 + 2 * 1.5 = 4, cut to 2;  log pi = -1.125 - log 2 - log(tau)/2."""
    args = (np.array([x]) for x in (1.0, math.log(2), 1.5, -2.0, 2.0))
    logp = -1.125 - math.log(2) - math.log(math.tau) / 2
    expected = [np.array([2.0]), logp, math.log(2) + math.log(math.tau * math.e) / 2]
    student.check("act_in_a_box", *args, expected=expected)


@graded("12.3", points=1, instances=2)
def test_narrow_and_wide_policies(student, rng):
    """Of three coordinates two leave the box, one with its mean; the entropy is that of a narrow policy, below 0."""
    side, mean = rng.choice([-1, 1], 3), np.round(rng.uniform(-0.5, 0.5, 3), 2)
    mean[1], noise = 1.3 * side[1], np.array([0.4, -2.0, 3.0]) * side
    log_std = np.round(np.array([-2.4, -3.0, -0.2]) + rng.uniform(-0.1, 0.1, 3), 2)
    student.check("act_in_a_box", mean, log_std, noise, np.full(3, -1.0), np.full(3, 1.0))


@graded("12.4", points=1)
def test_a_copy_by_hand(student, rng):
    """A quarter of the way from 0 to 4, then to 9: 1, then 3."""
    weights, expected = np.array([[4.0], [9.0]]), np.array([[1.0], [3.0]])
    student.check("slow_copies", np.zeros(1), weights, 0.25, expected=expected)


@graded("12.4", points=1, instances=2)
def test_copies(student, rng):
    weights = rng.normal(size=(6, 3)).cumsum(axis=0) + 5
    student.check("slow_copies", rng.normal(size=3), weights, number(rng, 0.05, 0.3))


@graded("12.5", points=1)
def test_seeds_by_hand(student, rng):
    """Two shards of one seed count as one; three of four with one seed: (9 + 1) / 16."""
    student.check("variance_of_the_average", 8.0, np.array([7, 7]), expected=8.0)
    student.check("variance_of_the_average", 8.0, np.array([7, 1]), expected=4.0)
    student.check("variance_of_the_average", 8.0, np.array([5, 5, 2, 5]), expected=5.0)


@graded("12.5", points=1, instances=2)
def test_many_seeds(student, rng):
    seeds = rng.permutation([0] * int(rng.integers(4, 7)) + [3, 3] + [8, 9, 12])
    student.check("variance_of_the_average", number(rng, 2, 5), seeds)


@graded("12.6", points=1)
def test_squashed_by_hand(student, rng):
    """u = 0 of a standard Gaussian, in a box of half width 2: the density is a half of the Gaussian's."""
    args = (np.array([x]) for x in (0.0, 0.0, 0.0, -2.0, 2.0))
    student.check("squashed_log_prob", *args, expected=-math.log(math.tau) / 2 - math.log(2))


@graded("12.6", points=1, instances=2)
def test_squashed(student, rng):
    mean, u = rng.uniform(-0.5, 0.5, 3), np.array([-1.8, 0.4, 1.3]) + rng.uniform(-0.1, 0.1, 3)
    log_std, low = rng.uniform(-0.5, 0.3, 3), rng.uniform(-4, -2, 3)
    student.check("squashed_log_prob", mean, log_std, rng.permutation(u), low, low + rng.uniform(3, 6, 3))


@graded("12.6", points=1)
def test_a_density_has_the_area_1(student, rng):
    """Summed over the box, on a fine grid of u."""
    u, one = np.linspace(-4, 4, 801), np.ones(1)
    a = 3 * np.tanh(u)
    logp = [student.call("squashed_log_prob", 0.2 * one, -0.5 * one, x * one, -3 * one, 3 * one) for x in u]
    p = np.exp(np.array(logp, float).ravel())
    area = float(((p[1:] + p[:-1]) / 2 * np.diff(a)).sum())
    student.claim(abs(area - 1) < 1e-3, f"the area under the density of a is {area:.4f}; it must be 1")


def memory(rng, B=9, n=3):
    """Every kind of end; a critic whose best action lies elsewhere than mu'."""
    terminated, truncated = np.isin(np.arange(B), [1, 4, 7]), np.isin(np.arange(B), [2, 4, 8])
    x_next, W = rng.normal(size=(B, n)), np.array([0.9, -1.1, 0.6]) + rng.uniform(-0.1, 0.1, n)
    w = np.array([5.0, 1.5, -2.0]) + rng.uniform(-0.2, 0.2, 3)
    action = np.round(rng.choice([-1, 1], B) * rng.uniform(0.5, 0.9, B), 2)
    return rng.normal(size=B), action, x_next, terminated, truncated, W, w


@graded("12.7", points=1)
def test_one_step_of_each_kind(student, rng):
    """mu' = 0 everywhere, so Q' = 6: it goes on; it ends; it is cut; both at once."""
    terminated, truncated = np.array([False, True, False, True]), np.array([False, False, True, True])
    args = np.ones(4), np.full(4, 0.5), np.ones((4, 2)), terminated, truncated, np.zeros(2)
    expected = np.array([4.0, 1.0, 4.0, 1.0])
    student.check("ddpg_targets", *args, np.array([6.0, 2.0, -1.0]), 0.5, expected=expected)


@graded("12.7", points=1, instances=2)
def test_ddpg_targets(student, rng):
    student.check("ddpg_targets", *memory(rng), number(rng, 0.8, 0.95))


@graded("12.8", points=1)
def test_actor_by_hand(student, rng):
    """mu = 0, the goal at 1, c = 2: the slope of Q is 2, that of mu 3 x."""
    args = np.array([[1.0], [1.0]]), np.array([0.3, -0.9]), np.zeros(1), 2.0, np.ones(1), 3.0
    student.check("actor_gradient", *args, expected=np.array([6.0]))


@graded("12.8", points=2, instances=2)
def test_actor(student, rng):
    x, W = rng.normal(size=(8, 3)) + 0.3, rng.normal(size=3)
    action, goal = 2.5 * np.tanh(x @ W) + rng.normal(size=8) + 1, rng.normal(size=3) + 0.5
    student.check("actor_gradient", x, action, W, number(rng, 0.5, 1.5), goal, 2.5)


def losses(rng, K=3, n=2):
    """A (K, n, n) symmetric, of eigenvalues from 1/2 to 3, and b (K, n)."""
    turn = np.linalg.qr(rng.normal(size=(K, n, n)))[0]
    A = turn @ (rng.uniform(0.5, 3, (K, n))[..., None] * turn.transpose(0, 2, 1))
    return A, rng.normal(size=(K, n)) * 3


@graded("12.9", points=1)
def test_two_rounds_by_hand(student, rng):
    """One shard, w^2 / 2, lr 1/2, momentum 1/2, two steps a round: from 1 to 1/2, to 0, to -1/4, to -1/4."""
    args = np.ones(1), np.ones((1, 1, 1)), np.zeros((1, 1)), 0.5, 0.5, 2
    student.check("averaged_rounds", *args, 1, expected=np.array([0.0]))
    student.check("averaged_rounds", *args, 2, expected=np.array([-0.25]))


@graded("12.9", points=2, instances=2)
def test_rounds(student, rng):
    A, b = losses(rng)
    student.check("averaged_rounds", rng.normal(size=2), A, b, 0.15, number(rng, 0.5, 0.7), 3, 3)


@graded("12.10", points=1)
def test_known_limits(student, rng):
    """Fresh: 2. One update old: 1. Two: the golden ratio."""
    for delay, rate in ((0, 2.0), (1, 1.0), (2, (math.sqrt(5) - 1) / 2)):
        student.check("largest_stale_rate", np.ones((1, 1)), delay, expected=rate)
        student.check("largest_stale_rate", np.diag([0.5, 4.0]), delay, expected=rate / 4)


@graded("12.10", points=2, instances=2)
def test_limits(student, rng):
    A = losses(rng, K=1, n=4)[0][0] + 0.1 * np.diag([1.0, 2.0, 3.0, 4.0])
    for delay in (0, 3, 7):
        student.check("largest_stale_rate", A, delay)


def regressions(rng, K=3, B=8, n=2):
    """Shards that disagree about w, and see the inputs on different scales."""
    X = rng.normal(size=(K, B, n)) * np.array([0.6, 1.0, 1.5])[:, None, None]
    own = rng.normal(size=(K, n)) + 3 * np.array([[1.0, 0.0], [-1.0, 1.0], [0.0, -1.0]])
    return X, np.einsum("kbn,kn->kb", X, own) + 0.3 * rng.normal(size=(K, B))


@graded("12.11", points=1)
def test_end_by_hand(student, rng):
    """Losses w^2 / 2 and 4 (w - 5)^2 / 2, lr 1/4, so after one step 3/4 and 0 of an error are left."""
    X, y = np.array([[[1.0]], [[2.0]]]), np.array([[0.0], [10.0]])
    student.check("where_averages_end", X, y, 0.25, 1, expected=np.array([4.0]))
    student.check("where_averages_end", X, y, 0.25, 2, expected=np.array([5 / (1 + 7 / 16)]))


@graded("12.11", points=2, instances=2)
def test_end(student, rng):
    X, y = regressions(rng)
    for local in (2, 5):
        student.check("where_averages_end", X, y, 0.08, local, tol=1e-7)


@graded("12.12", points=1)
def test_line_and_parabola(student, rng):
    """Q = 3 a: the slope never varies, z^2 does, by 2. Q = -a^2 / 2: 2 m^2 + 5/2 s^2, and s^2."""
    student.check("two_gradients", np.array([7.0, 3.0]), 0.4, 0.5, expected=[3.0, 18.0, 0.0])
    parabola = np.array([0.0, 0.0, -0.5])
    student.check("two_gradients", parabola, 2.0, 0.5, expected=[-2.0, 8 + 2.5 / 4, 0.25])


@graded("12.12", points=2, instances=2)
def test_polynomials(student, rng):
    q = np.round(rng.normal(size=5) + np.array([3.0, 0.0, 1.0, 0.0, 0.5]), 2)
    student.check("two_gradients", q, number(rng, 0.3, 0.8), number(rng, 0.4, 0.7), tol=1e-8)
