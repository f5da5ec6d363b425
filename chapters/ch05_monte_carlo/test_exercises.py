"""The grading tests of chapter 5."""

import numpy as np

from chapters.harness import Exercise, Rng, graded
from rlcore.algorithms.dp import solve
from rlcore.problems.gridworlds import frozen_lake, small_grid

EXERCISES = [
    Exercise("5.1", "hand_after", 1, "play a card and count an ace right"),
    Exercise("5.2", "visit_average", 1, "read first-visit and every-visit returns off an episode"),
    Exercise("5.3", "dealer_bust", 2, "derive what a simulator only samples"),
    Exercise("5.4", "walk_many", 2, "give every episode luck of its own"),
    Exercise("5.5", "action_ratios", 2, "weigh what another policy would have done"),
    Exercise("5.6", "go_on_averaging", 2, "average with weights, one episode at a time"),
    Exercise("5.7", "cut_returns", 2, "tell a cut from an end, in the return"),
    Exercise("5.8", "loop_second_moment", 2, "see when an unbiased estimate is useless"),
    Exercise("5.9", "off_policy_sweep", 3, "learn about the greedy policy from another one's walk"),
    Exercise("5.10", "limited_values", 3, "say exactly what a time limit does to an average"),
]


@graded("5.1", points=1)
def test_cards(student, rng):
    for hand in (
        (6, False, 1),
        (11, False, 1),
        (10, False, 1),
        (18, True, 9),
        (16, True, 1),
        (15, False, 10),
    ):
        student.check("hand_after", *hand)


@graded("5.1", points=1)
def test_every_hand(student, rng):
    for total in range(2, 22):
        for usable in (False, True)[: 1 + (total >= 12)]:
            for card in rng.permutation(np.arange(1, 11)):
                student.check("hand_after", total, usable, int(card))


@graded("5.2", points=2, instances=3)
def test_visits(student, rng):
    states = np.concatenate([[2], rng.integers(0, 4, 4), [1, 3], rng.integers(0, 4, 3), [1, 2, 0]])
    reward = rng.integers(1, 10, len(states)) + rng.uniform(0, 1, len(states))
    for state in (1, 2):
        student.check("visit_average", states, reward, float(rng.uniform(0.5, 0.9)), state)


@graded("5.3", points=1)
def test_published_chances(student, rng):
    """A dealer who sticks on 17, from the ace to the ten."""
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
    for shown, chance in enumerate(bust, 1):
        student.check("dealer_bust", shown, 17, expected=chance, tol=1e-6)


@graded("5.3", points=1, instances=2)
def test_another_dealer(student, rng):
    stick = int(rng.choice([15, 16, 18]))
    for shown in (1, int(rng.integers(2, 10)), 10):
        student.check("dealer_bust", shown, stick)


def walk(rng, S=6):
    """P (S, S), R (S, S), start (S,), terminal (S,): a walk that may begin anywhere and ends in 5 to 10 steps."""
    P = rng.dirichlet(np.ones(S), S)
    P[:, -1] = 0.0
    P = 0.85 * P / P.sum(axis=1, keepdims=True)
    P[:, -1] = 0.15
    P[-1] = np.eye(S)[-1]
    R = rng.integers(1, 6, (S, S)) + rng.uniform(0, 1, (S, S))
    R[-1] = 0.0
    start = np.append(rng.dirichlet(3 * np.ones(S - 1)), 0.0)
    return P, R, start, np.arange(S) == S - 1


@graded("5.4", points=1, instances=2)
def test_walks(student, rng):
    P, R, start, terminal = walk(rng)
    student.check("walk_many", P, R, start, terminal, 30, Rng(int(rng.integers(1000, 2000))), tol=1e-8)


@graded("5.4", points=1)
def test_spread_of_walks(student, rng):
    """A coin ends the walk or pays 1: 2,000 returns have the mean 1 and the variance 2; each z below 5."""
    P, R = np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    args = P, R, np.array([1.0, 0.0]), np.array([False, True]), 2000, Rng(int(rng.integers(1000, 2000)))
    G = np.asarray(student.call("walk_many", *args), float).ravel()
    student.claim(len(G) == 2000, f"2,000 episodes were asked for, {len(G)} came back")
    mean, variance = G.mean(), G.var()
    student.claim(abs(mean - 1) < 5 * np.sqrt(2 / 2000), f"the mean should be near 1; it is {mean:.3f}")
    student.claim(abs(variance - 2) < 1, f"the variance should be near 2; it is {variance:.3f}")


@graded("5.5", points=2, instances=3)
def test_ratios(student, rng):
    pi, b = rng.dirichlet(3 * np.ones(3), 4), rng.dirichlet(3 * np.ones(3), 4)
    student.check("action_ratios", pi, b, rng.integers(0, 4, 7), rng.integers(0, 3, 7))


@graded("5.5", points=1)
def test_ratios_of_a_policy_that_never_explores(student, rng):
    pi, b = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.5, 0.5], [0.25, 0.75]])
    state, action = np.array([0, 1, 0, 1, 1]), np.array([1, 1, 0, 0, 1])
    student.check("action_ratios", pi, b, state[:3], action[:3], expected=np.array([8 / 3, 2, 1]))
    student.check("action_ratios", pi, b, state, action, expected=np.array([0, 0, 0, 4 / 3, 1]))


@graded("5.6", points=2, instances=3)
def test_going_on(student, rng):
    W, G = rng.uniform(0.5, 3, 8), rng.normal(scale=5, size=8)
    W[[2, 5]] = 0.0
    student.check("go_on_averaging", float(rng.normal()), float(rng.uniform(1, 5)), W, G)
    student.check("go_on_averaging", 0.0, 0.0, W * (np.arange(8) > 1), G)


def stream(rng, T=16):
    """Rewards, flags and values of T steps: an end after 3, a cut after 7, an end and a cut later, no end at last."""
    terminated, truncated = np.zeros((2, T), bool)
    terminated[[3, 12]] = truncated[[7, 9]] = True
    reward = rng.integers(1, 5, T) + rng.uniform(0, 1, T)
    value = rng.uniform(3, 9, T)
    next_value = np.append(value[1:], rng.uniform(3, 9))
    ends = terminated | truncated
    next_value[ends] = rng.uniform(12, 19, ends.sum())  # not the value of the state after the reset
    return reward, terminated, truncated, value, next_value


@graded("5.7", points=2, instances=3)
def test_stream(student, rng):
    student.check("cut_returns", *stream(rng), float(rng.uniform(0.7, 0.9)))


@graded("5.7", points=1)
def test_one_step_streams(student, rng):
    reward, value, after = np.array([2.0]), np.array([5.0]), np.array([8.0])
    for terminated, truncated, G in ((True, False, 2.0), (False, True, 6.0), (False, False, 6.0)):
        args = reward, np.array([terminated]), np.array([truncated]), value, after, 0.5
        student.check("cut_returns", *args, expected=np.array([G]))


@graded("5.8", points=1)
def test_by_hand(student, rng):
    student.check("loop_second_moment", 0.0, 0.5, expected=2.0)
    student.check("loop_second_moment", 0.9, 1.0, expected=1.0)
    student.check("loop_second_moment", 0.9, 0.5, expected=float("inf"))


@graded("5.8", points=1, instances=2)
def test_second_moments(student, rng):
    stay = float(rng.uniform(0.3, 0.5))
    student.check("loop_second_moment", stay, stay + float(rng.uniform(0.15, 0.4)), tol=1e-8)
    student.check("loop_second_moment", stay, stay - float(rng.uniform(0.05, 0.2)))


def control_tape(rng):
    """Q, C, b (4, 2) and an episode of 7 steps, without ties.

    Backwards: two greedy steps; an action that becomes greedy by its return; one that was greedy and is no
    longer, so that three steps before it are not learned from.
    """
    Q, C = np.zeros((4, 2)), rng.uniform(1, 3, (4, 2))
    b = rng.uniform(0.3, 0.7, (4, 1))
    b = np.hstack([b, 1 - b])
    best = rng.integers(0, 2, 4)
    s = np.arange(4)
    Q[s, best], Q[s, 1 - best] = rng.uniform(20, 25, 4), rng.uniform(8, 10, 4)
    state, action = np.array([0, 1, 0, 3, 2, 1, 0]), np.empty(7, int)
    action[[0, 1, 2, 5, 6]] = best[[0, 1, 0, 1, 0]]
    Q[2, best[2]], Q[2, 1 - best[2]] = rng.uniform(14, 15), rng.uniform(1, 3)
    action[4], C[2, 1 - best[2]] = 1 - best[2], 0.0  # its return, about 20, makes it the best
    action[3], C[3, best[3]] = best[3], 0.0  # its return, about 0, makes it the worst
    reward = np.array([1.0, 2.0, -1.0, -20.0, 1.0, 3.0, 18.0]) + rng.uniform(0, 1, 7)
    return Q, C, b, state, action, reward


@graded("5.9", points=2, instances=3)
def test_sweep_of_an_episode(student, rng):
    student.check("off_policy_sweep", *control_tape(rng), float(rng.uniform(0.9, 1.0)))


@graded("5.9", points=1, instances=2)
def test_last_action_not_greedy(student, rng):
    Q, C, b, state, action, reward = control_tape(rng)
    action[-1] = 1 - action[-1]
    reward[-1] = 0.5
    student.check("off_policy_sweep", Q, C, b, state, action, reward, 0.9)


@graded("5.10", points=2, instances=2)
def test_limits(student, rng):
    P, R, start, terminal = walk(rng)
    for horizon in (1, 2, 6):
        student.check("limited_values", P, R, start, terminal, horizon, tol=1e-8)


@graded("5.10", points=1)
def test_lake_within_100_steps(student, rng):
    """The best policy of the lake: 0.7401649 as it is, 14/17 without a limit."""
    lake = frozen_lake(gamma=1.0).dense()
    s = np.arange(16)
    pi = solve(frozen_lake(gamma=0.99)).pi
    args = lake.P[s, pi], np.array(lake.R[s, pi]), np.array(lake.start), np.array(lake.terminal), 100
    cut, _, bootstrapped = student.check("limited_values", *args, tol=1e-8)
    student.claim(abs(cut - 0.7401649) < 1e-6, f"cut should be 0.7401649; it is {cut:.7f}")
    student.claim(
        abs(bootstrapped - 14 / 17) < 1e-6, f"bootstrapped should be 14/17; it is {bootstrapped:.7f}"
    )


@graded("5.10", points=1)
def test_small_grid_at_random(student, rng):
    """From cell 3 the walk is worth -22; short walks are the good ones, so dropping the long ones flatters it."""
    grid = small_grid().dense()
    P, R = grid.P.mean(axis=1), np.where(grid.terminal[:, None], 0.0, -1.0) * np.ones((16, 16))
    student.check("limited_values", P, R, np.eye(16)[3], np.array(grid.terminal), 20, tol=1e-8)
