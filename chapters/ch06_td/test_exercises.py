"""The grading tests of chapter 6."""

import numpy as np

from chapters.harness import Exercise, Rng, graded

EXERCISES = [
    Exercise("6.1", "td_error", 1, "compute the surprise of a step"),
    Exercise("6.2", "td0", 1, "learn from a truncated step, and not from beyond an end"),
    Exercise("6.3", "sarsa", 1, "put the action that will be taken into the target"),
    Exercise("6.4", "q_learning", 1, "put the best action into the target"),
    Exercise("6.5", "expected_sarsa_target", 2, "average over a policy, ties included"),
    Exercise("6.6", "double_q_learning", 2, "let one table choose and the other one judge"),
    Exercise("6.7", "mean_target", 2, "keep the maximum inside the expectation"),
    Exercise("6.8", "batch_td", 2, "find the limit of batch TD without a step size"),
    Exercise("6.9", "bias_of_the_best", 3, "compute by how much a maximum of averages is too high"),
    Exercise("6.10", "learn_by_walking", 3, "learn the optimum from a walk at random"),
]

S, A = 5, 3  # of the tapes; the last state is terminal


def tape(rng, T=16):
    """state, action, reward, next_state, terminated (T,): one step truncated, two terminate, all pairs of states meet.

    The states go round, so that every step but the last feeds a later one.
    """
    state = np.arange(T) % (S - 1)
    next_state = (state + 1) % (S - 1)
    terminated = np.zeros(T, bool)
    terminated[[T // 2, T - 1]] = True
    next_state[terminated] = S - 1
    reward = np.round(rng.choice([-1, 1], T) * rng.uniform(0.5, 3, T), 2)
    return state, rng.integers(0, A, T), reward, next_state, terminated


def tables(rng, n=1):
    """Q (S, A), n of them: the rows' entries lie at least a half apart."""
    made = [
        rng.permuted(np.tile(np.arange(A) * 2.0, (S, 1)), axis=1) + rng.uniform(0, 0.5, (S, A)) + 1.0
        for _ in range(n)
    ]
    return made[0] if n == 1 else made


def rates(rng):
    """alpha and gamma."""
    return round(float(rng.uniform(0.3, 0.6)), 2), round(float(rng.uniform(0.6, 0.9)), 2)


def values(rng):
    """V (S,), no two alike, none of them 0."""
    return np.round(rng.permutation(S) + 1.0 + rng.uniform(0, 0.4, S), 2)


@graded("6.1", points=1, instances=2)
def test_surprises(student, rng):
    state, _, reward, next_state, terminated = tape(rng, 6)
    student.check("td_error", state, reward, next_state, terminated, values(rng), rates(rng)[1])


@graded("6.1", points=1)
def test_no_surprise_at_the_truth(student, rng):
    state, next_state = np.array([0, 1, 2]), np.array([1, 2, 3])
    V = np.array([1 + 0.9 + 0.81, 1 + 0.9, 1.0, 7.0])
    last = np.array([False, False, True])
    student.check("td_error", state, np.ones(3), next_state, last, V, 0.9, expected=np.zeros(3))


@graded("6.2", points=1, instances=2)
def test_one_step(student, rng):
    V, (alpha, gamma) = values(rng), rates(rng)
    for end, cut in ((False, False), (False, True), (True, False)):
        state, next_state = np.array([0]), np.array([4])
        student.check(
            "td0", state, np.array([2.0]), next_state, np.array([end]), np.array([cut]), V, alpha, gamma
        )


@graded("6.2", points=2, instances=2)
def test_tape_with_a_truncation(student, rng):
    state, _, reward, next_state, terminated = tape(rng)
    truncated = np.arange(16) == 3
    student.check("td0", state, reward, next_state, terminated, truncated, values(rng), *rates(rng))


@graded("6.3", points=2, instances=2)
def test_sarsa_tape(student, rng):
    state, action, reward, next_state, terminated = tape(rng)
    Q = tables(rng)
    next_action = (Q[next_state].argmax(axis=1) + rng.integers(1, A, 16)) % A  # never the best one
    next_action = np.where(next_action == action, Q[next_state].argmin(axis=1), next_action)
    student.check("sarsa", state, action, reward, next_state, next_action, terminated, Q, *rates(rng))


@graded("6.3", points=1, instances=2)
def test_last_step_of_an_episode(student, rng):
    args = [np.array([x]) for x in (0, 1, 3.0, 4, 2, True)]
    student.check("sarsa", *args, tables(rng), *rates(rng))


@graded("6.4", points=2, instances=2)
def test_q_learning_tape(student, rng):
    student.check("q_learning", *tape(rng), tables(rng), *rates(rng))


@graded("6.4", points=1, instances=2)
def test_penalties(student, rng):
    """All values below zero: a maximum over them is not 0."""
    student.check("q_learning", *tape(rng), -tables(rng), *rates(rng))


@graded("6.5", points=1, instances=2)
def test_target_without_a_tie(student, rng):
    q, gamma = tables(rng)[0], rates(rng)[1]
    for terminated in (False, True):
        student.check("expected_sarsa_target", q, -1.5, terminated, 0.3, gamma)


@graded("6.5", points=2, instances=2)
def test_target_with_ties(student, rng):
    gamma = rates(rng)[1]
    student.check("expected_sarsa_target", np.array([-1.0, 4.0, 4.0, 2.0]), 0.5, False, 0.2, gamma)
    q = np.round(rng.permutation([5.0, 5.0, 5.0, 1.0, -2.0, 0.5]), 2)
    student.check("expected_sarsa_target", q, -2.0, False, 0.4, gamma)


@graded("6.6", points=1, instances=2)
def test_double_step(student, rng):
    Q1, Q2 = tables(rng, 2)
    Q2[:, :] = Q1[:, ::-1]  # they disagree about the best action, unless it is the middle one
    Q1[3], Q2[3] = [1.0, 6.0, 3.0], [5.0, 2.0, 8.0]
    for coin in (1, 2):
        args = [np.array([x]) for x in (0, 1, 3.0, 3, False, coin)]
        student.check("double_q_learning", *args, Q1, Q2, *rates(rng))


@graded("6.6", points=2, instances=2)
def test_double_tape(student, rng):
    coin = rng.permutation(np.repeat([1, 2], 8))
    Q1, Q2 = tables(rng, 2)
    Q2 = np.roll(Q1, 1, axis=1) + rng.uniform(0, 0.2, Q1.shape)
    student.check("double_q_learning", *tape(rng), coin, Q1, Q2, *rates(rng))


@graded("6.7", points=2, instances=3)
def test_mean_target(student, rng):
    p = rng.dirichlet([5.0, 5.0, 5.0])
    q = np.round(rng.uniform(0.2, 1, (3, 4)) + 5 * rng.permutation(np.eye(4))[:3], 2)  # each has its own best
    student.check("mean_target", p, np.round(rng.normal(size=3), 2), q, rates(rng)[1])


def visits(rng, T=60):
    """A tape of a walk at random over three states, some of whose steps end; 3 is terminal, 4 never seen."""
    state = np.concatenate([[0, 1, 2], rng.integers(0, 3, T - 3)])
    next_state = np.append(state[1:], 0)
    terminated = rng.random(T) < 0.25
    terminated[-1] = True
    next_state[terminated] = 3
    reward = np.round(rng.normal(size=T) + 2 * terminated + state, 2)
    return state, reward, next_state, terminated


@graded("6.8", points=3, instances=2)
def test_batch(student, rng):
    student.check("batch_td", *visits(rng), values(rng), rates(rng)[1], tol=1e-8)


@graded("6.8", points=1)
def test_you_are_the_predictor(student, rng):
    """A,0,B,0 once, B,1 six times, B,0 once."""
    state, next_state = np.array([0] + [1] * 8), np.array([1] + [2] * 8)
    reward, V = np.array([0, 0, 1, 1, 1, 1, 1, 1, 0.0]), np.array([0.5, 0.5, 5.0])
    expected = np.array([0.9 * 0.75, 0.75, 5.0])
    student.check("batch_td", state, reward, next_state, next_state == 2, V, 0.9, expected=expected, tol=1e-8)


@graded("6.9", points=1)
def test_two_coins(student, rng):
    """Flipped once each: the best shows heads with probability 3/4."""
    student.check("bias_of_the_best", 2, 1, 0.5, expected=0.25)
    student.check("bias_of_the_best", 1, 4, 0.3, expected=0.0)


@graded("6.9", points=2, instances=3)
def test_many_coins(student, rng):
    arms, flips = int(rng.integers(3, 12)), int(rng.integers(3, 9))
    student.check("bias_of_the_best", arms, flips, round(float(rng.uniform(0.3, 0.7)), 2))


def world(rng, n=8):
    """A ring of n states and the end: step on, step back, or jump to the end from some; prizes and costs."""
    s = np.arange(n)
    next_state = np.stack([(s + 1) % n, (s - 1) % n, np.where(s % 3 == 0, n, s)], axis=1)
    reward = np.round(-rng.uniform(0.5, 1.5, (n, 3)), 2)
    reward[s % 3 == 0, 2] = np.round(rng.uniform(5, 20, len(s[::3])), 1)
    next_state = np.vstack([next_state, [n] * 3])
    reward = np.vstack([reward, np.full(3, 4.0)])  # what stands there must not matter
    return next_state, reward, np.arange(n + 1) == n


@graded("6.10", points=3, instances=2)
def test_walk(student, rng):
    next_state, reward, terminal = world(rng)
    Q = np.zeros(reward.shape)
    for _ in range(300):
        Q = reward + 0.8 * np.where(terminal, 0.0, Q.max(axis=1))[next_state]
    seed = int(rng.integers(2**31))
    learned = np.asarray(
        student.call("learn_by_walking", next_state, reward, terminal, 0, 0.8, 6000, Rng(seed))
    )
    student.claim(learned.shape == Q.shape, f"its shape is {learned.shape}, not {Q.shape}")
    error = np.abs(learned - Q)[:-1]
    s, a = np.unravel_index(error.argmax(), error.shape)
    said = f"Q[{s}, {a}] is {learned[s, a]:.6f}; the optimum is {Q[s, a]:.6f}"
    student.claim(np.nanmax(error) < 1e-3 and np.isfinite(error).all(), said)
