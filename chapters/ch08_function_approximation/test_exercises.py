"""The grading tests of chapter 8."""

import numpy as np

from chapters.harness import Exercise, graded
from rlcore.problems.counterexamples import baird

EXERCISES = [
    Exercise("8.1", "value_error", 1, "weigh an error by how often a state is visited"),
    Exercise("8.2", "td_weights", 1, "take semi-gradient steps"),
    Exercise("8.3", "ring_add", 1, "overwrite the oldest step of a memory"),
    Exercise("8.4", "tile_indices", 2, "find the active tiles of a point"),
    Exercise("8.5", "fourier_step", 2, "give each wave a step size of its own"),
    Exercise("8.6", "lstd_weights", 2, "solve for the weights at which TD stands still"),
    Exercise("8.7", "differential_td", 2, "learn values of a task without an end"),
    Exercise("8.8", "dqn_targets", 2, "bootstrap from the true successor at a time limit"),
    Exercise("8.9", "double_dqn_targets", 2, "let one network choose and the other one judge"),
    Exercise("8.10", "growth", 3, "tell whether linear TD runs away"),
    Exercise("8.11", "fitted_q", 3, "hold the target still while a function is fitted"),
    Exercise("8.12", "network_gradient", 3, "differentiate a Q-network by hand"),
]


def tape(rng, T=12, D=3):
    """X (T, D), reward (T,), X_next (T, D), terminated (T,): ends inside the tape and at its last step."""
    X, X_next = rng.normal(size=(2, T, D))
    terminated = np.isin(np.arange(T), [3, 4, T - 1])
    return X, rng.normal(size=T) + 1, X_next, terminated


@graded("8.1", points=1)
def test_error_of_two_states(student, rng):
    """Wrong by 1 in a state visited three times, by 2 in a state visited once."""
    X, visits = np.eye(2), np.array([3, 1])
    student.check("value_error", X, np.array([1.0, 1.0]), np.array([2.0, 3.0]), visits, expected=1.75)


@graded("8.1", points=1, instances=2)
def test_error(student, rng):
    X, w, V = rng.normal(size=(6, 2)), rng.normal(size=2), 3 * rng.normal(size=6)
    student.check("value_error", X, w, V, rng.permutation([1, 2, 4, 8, 30, 90]))


@graded("8.2", points=1)
def test_one_step(student, rng):
    """v(s) = 2, v(s') = 3: delta = 1 + 0.5 * 3 - 2 = 0.5, and 1 - 2 = -1 where the step terminates."""
    X, X_next, w = np.array([[1.0, 1.0]]), np.array([[0.0, 2.0]]), np.array([0.5, 1.5])
    for end, expected in ((False, [0.55, 1.55]), (True, [0.4, 1.4])):
        args = X, np.array([1.0]), X_next, np.array([end]), w, 0.1, 0.5
        student.check("td_weights", *args, expected=np.array(expected))


@graded("8.2", points=1, instances=2)
def test_tape(student, rng):
    student.check("td_weights", *tape(rng), rng.normal(size=3), 0.1, 0.9)


@graded("8.2", points=1)
def test_tape_of_a_table(student, rng):
    """One-hot features: a table after all."""
    s = rng.integers(4, size=21)
    X, reward = np.eye(4)[s], rng.normal(size=20) + 1
    student.check("td_weights", X[:-1], reward, X[1:], np.arange(20) % 7 == 6, np.ones(4), 0.5, 0.9)


@graded("8.3", points=1)
def test_first_rounds(student, rng):
    memory, added = np.zeros(4), 0
    for steps, ring in [
        ([1, 2, 3], [1, 2, 3, 0]),
        ([4, 5], [5, 2, 3, 4]),
        ([], [5, 2, 3, 4]),
        ([6], [5, 6, 3, 4]),
    ]:
        added += len(steps)
        steps, ring = np.array(steps, float), np.array(ring, float)
        student.check("ring_add", memory, added - len(steps), steps, expected=[ring, added])
        memory = ring


@graded("8.3", points=1, instances=2)
def test_ring(student, rng):
    memory, added = rng.normal(size=7), int(rng.integers(70, 76))
    for n in (1, 5, 7, 9, 25):
        student.check("ring_add", memory, added, rng.normal(size=n))
    student.check("ring_add", np.append(memory[:2], np.zeros(5)), 2, rng.normal(size=4))


@graded("8.4", points=1)
def test_two_tilings(student, rng):
    """(0.3, 0.9) in tiles of 1/4: cells (1.2, 3.6), and half a tile further (1.7, 4.1)."""
    box = np.zeros(2), np.ones(2)
    student.check(
        "tile_indices", np.array([0.3, 0.9]), *box, 4, 2, np.array([1, 3]), expected=np.array([8, 34])
    )


@graded("8.4", points=2, instances=3)
def test_tiles(student, rng):
    low, high = np.array([-1.2, -0.07]), np.array([0.5, 0.07])
    for tiles, tilings in ((8, 8), (4, 16)):
        for displacement in ([1, 3], [1, 1], [5, 2]):
            s = rng.uniform(low, high)
            student.check("tile_indices", s, low, high, tiles, tilings, np.array(displacement))
    student.check("tile_indices", high, low, high, 4, 8, np.array([1, 3]))
    student.check("tile_indices", low, low, high, 4, 8, np.array([1, 3]))


@graded("8.5", points=1)
def test_three_waves(student, rng):
    """x = (1, cos 60 degrees, cos 120 degrees) = (1, 1/2, -1/2), so the error is 2 - 1 = 1."""
    args = np.array([1.0, 0.0, 0.0]), np.array([1 / 3]), 2.0, np.array([[0], [1], [2]]), 0.1
    student.check("fourier_step", *args, expected=np.array([1.1, 0.05, -0.025]))


@graded("8.5", points=2, instances=3)
def test_waves(student, rng):
    c = np.array([(i, j) for i in range(4) for j in range(3)])
    student.check("fourier_step", rng.normal(size=12), rng.uniform(size=2), float(rng.uniform(5, 9)), c, 0.1)


@graded("8.6", points=1)
def test_two_steps_by_hand(student, rng):
    """One feature, which is 1, then 2, then the end: A = ridge + 1 (1 - 2 gamma) + 2 * 2, b = 1 * 0 + 2 * 3."""
    X, X_next, end = np.array([[1.0], [2.0]]), np.array([[2.0], [5.0]]), np.array([False, True])
    args = X, np.array([0.0, 3.0]), X_next, end, 0.5, 1.0
    student.check("lstd_weights", *args, expected=np.array([6 / 5]))


@graded("8.6", points=2, instances=3)
def test_least_squares(student, rng):
    student.check("lstd_weights", *tape(rng, 40), 0.9, 5.0, tol=1e-8)


@graded("8.7", points=1)
def test_a_few_steps(student, rng):
    """Two states by turns, rewards 3 and 1: delta 3, then 1 - 0.3 + 0.6 = 1.3."""
    X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    args = X, np.array([3.0, 1.0]), np.zeros(2), 0.0, 0.2, 0.1
    student.check("differential_td", *args, expected=[np.array([0.6, 0.26]), 0.43])


@graded("8.7", points=1, instances=2)
def test_walk_without_end(student, rng):
    X, reward = rng.normal(size=(16, 3)), rng.normal(size=15) + 2
    student.check("differential_td", X, reward, rng.normal(size=3), float(rng.uniform(0.5, 1)), 0.1, 0.2)


@graded("8.7", points=1)
def test_two_states_in_the_long_run(student, rng):
    """A ring of two states that pays 3 and 1: the rate is 2, and the states are 1 apart."""
    X, reward = np.eye(2)[np.arange(401) % 2], np.array([3.0, 1.0])[np.arange(400) % 2]
    w, rate = student.call("differential_td", X, reward, np.zeros(2), 0.0, 0.2, 0.1)
    apart = float(np.ravel(w)[0] - np.ravel(w)[1])
    student.claim(abs(rate - 2) < 1e-3, f"a ring that pays 3 and 1 by turns has the rate 2, not {rate:.4f}")
    student.claim(abs(apart - 1) < 1e-3, f"its states differ by 1 in value, not by {apart:.4f}")


def walkers(rng, B=10, A=3):
    """reward, terminated, truncated, q_shown, q_final: every kind of end, garbage where there is none."""
    terminated, truncated = np.isin(np.arange(B), [1, 4, 7]), np.isin(np.arange(B), [2, 4, 8])
    small, large = rng.normal([[[5.0]], [[20.0]]], 1.0, (2, B, A))
    first = np.arange(B)[:, None] < B // 2  # so that the largest of both is sometimes the wrong one
    q_shown, q_final = np.where(first, small, large), np.where(first, large, small)
    q_final[~(terminated | truncated)] = 1000.0
    return rng.normal(size=B) + 1, terminated, truncated, q_shown, q_final


@graded("8.8", points=1)
def test_one_walker_of_each_kind(student, rng):
    """It goes on; it terminates; it is cut; both at once."""
    terminated, truncated = np.array([False, True, False, True]), np.array([False, False, True, True])
    q_shown, q_final = np.array([[1.0, 4.0]] * 4), np.array([[0.0, 99.0], [6.0, 8.0], [8.0, 6.0], [7.0, 8.0]])
    args = np.ones(4), terminated, truncated, q_shown, q_final, 0.5
    student.check("dqn_targets", *args, expected=np.array([3.0, 1.0, 5.0, 1.0]))


@graded("8.8", points=2, instances=2)
def test_targets(student, rng):
    student.check("dqn_targets", *walkers(rng), 0.9)


@graded("8.9", points=1)
def test_choose_and_judge(student, rng):
    """The learner prefers action 1, its frozen copy action 0."""
    q_next, q_frozen = np.array([[1.0, 2.0]] * 2), np.array([[8.0, 6.0]] * 2)
    args = np.array([1.0, 1.0]), np.array([False, True]), q_next, q_frozen, 0.5
    student.check("double_dqn_targets", *args, expected=np.array([4.0, 1.0]))


@graded("8.9", points=2, instances=2)
def test_double_targets(student, rng):
    """Eight steps, as many as actions; three end."""
    q_next, q_frozen = rng.normal([[[3.0]], [[5.0]]], 1.0, (2, 8, 8))
    student.check("double_dqn_targets", rng.normal(size=8), np.arange(8) % 3 == 1, q_next, q_frozen, 0.9)


@graded("8.10", points=1)
def test_w_and_2w(student, rng):
    """The first of two states alone is updated, and its value doubles on the way: 1 + alpha (2 gamma - 1)."""
    X, P, mu = np.array([[1.0], [2.0]]), np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([1.0, 0.0])
    student.check("growth", X, P, mu, 0.75, 0.2, expected=1.1)
    student.check("growth", X, P, mu, 0.25, 0.2, expected=0.9)
    student.check("growth", X, P, mu, 0.0, 3.0, expected=2.0)  # a step so long that the sign changes


@graded("8.10", points=1)
def test_star(student, rng):
    star = baird()
    P, uniform = np.array(star.mdp.P[:, 1]), np.full(7, 1 / 7)
    student.check("growth", star.features, P, uniform, 0.99, 0.01, expected=1.0023925046420261, tol=1e-7)


@graded("8.10", points=2, instances=3)
def test_growth(student, rng):
    """The walk's own shares and any other ones, short steps and long ones."""
    X, P = rng.normal(size=(6, 3)), rng.dirichlet(np.ones(6), 6)
    own = np.linalg.matrix_power(P, 1000)[0]
    for mu in (own, rng.permutation([0.5, 0.3, 0.1, 0.06, 0.03, 0.01])):
        for alpha in (0.1, 5.0):
            student.check("growth", X, P, mu, 0.9, alpha, tol=1e-7)


def memory(rng, T=60, D=3, A=3):
    """X, action, reward, X_next, terminated, A: features of one sign, ends, more of one action than of another."""
    X, X_next = rng.uniform(0.2, 1, (2, T, D))
    action = np.arange(T) % 4 % A
    return X, action, rng.normal(size=T) + action, X_next, np.arange(T) % 5 == 2, A


@graded("8.11", points=1)
def test_two_sweeps_by_hand(student, rng):
    """One feature, always 1; two actions that pay 1 and 3, the second one ends: Q = (1, 3), then (1 + 3/2, 3)."""
    X, action, reward = np.ones((4, 1)), np.array([0, 1, 0, 1]), np.array([1.0, 3.0, 1.0, 3.0])
    args = X, action, reward, X, action == 1, 2, 0.5
    for sweeps, W in ((0, [0, 0]), (1, [1, 3]), (2, [2.5, 3])):
        student.check("fitted_q", *args, sweeps, expected=np.array(W, float)[:, None])


@graded("8.11", points=2, instances=2)
def test_regressions(student, rng):
    args = memory(rng)
    for sweeps in (1, 2, 5):
        student.check("fitted_q", *args, 0.8, sweeps, tol=1e-8)


def network(rng, B=9, D=4, H=6, A=3):
    """W1, b1, W2, b2, x, action, target."""
    W1, W2 = rng.normal(size=(D, H)), rng.normal(size=(H, A))
    b1, b2, x = rng.normal(size=H), rng.normal(size=A), rng.normal(size=(B, D))
    return W1, b1, W2, b2, x, np.arange(B) % A, 3 * rng.normal(size=B)


@graded("8.12", points=1)
def test_network_by_hand(student, rng):
    """Two hidden units, one of them silent: h = (2, 0), Q = (3, 2), the error of action 0 is 3 - 1 = 2."""
    W1, b1 = np.array([[1.0, -1.0]]), np.array([0.0, 0.5])
    W2, b2 = np.array([[1.0, 0.5], [4.0, 5.0]]), np.array([1.0, 1.0])
    dW1, db1 = np.array([[4.0, 0.0]]), np.array([2.0, 0.0])
    dW2, db2 = np.array([[4.0, 0.0], [0.0, 0.0]]), np.array([2.0, 0.0])
    args = W1, b1, W2, b2, np.array([[2.0]]), np.array([0]), np.array([1.0])
    student.check("network_gradient", *args, expected=[2.0, dW1, db1, dW2, db2])


@graded("8.12", points=3, instances=2)
def test_network(student, rng):
    student.check("network_gradient", *network(rng))
