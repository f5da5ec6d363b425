"""The grading tests of chapter 10."""

import numpy as np

from chapters.harness import Exercise, graded
from rlcore.numerics import softmax

EXERCISES = [
    Exercise("10.1", "advantages", 1, "compare an action with the policy, future included"),
    Exercise("10.2", "judge_returns", 1, "set returns against the values of a network"),
    Exercise("10.3", "collect", 2, "write down a walk that ends, is cut and starts again"),
    Exercise("10.4", "mixture", 2, "see GAE as a mean of n-step advantages"),
    Exercise("10.5", "gae", 2, "estimate advantages through ends, cuts and the rollout's edge"),
    Exercise("10.6", "one_step_actor_critic", 2, "teach actor and critic with every step"),
    Exercise("10.7", "bias_and_variance", 2, "tell bias from variance, and which one more data heals"),
    Exercise("10.8", "fooled_critic", 3, "compute what a critic believes that takes cuts for ends"),
    Exercise("10.9", "batch_gradients", 3, "hold constant what is no parameter of a loss"),
    Exercise("10.10", "gain_by_state", 3, "find the states to which a policy owes its gain"),
]


def world(rng, S=4, A=3):
    """P (S, A, S), R (S, A): everything leads everywhere; state s pays up to s + 2."""
    return rng.dirichlet(np.ones(S), (S, A)), rng.uniform(-1, 2, (S, A)) + np.arange(S)[:, None]


def policy(rng, S=4, A=3):
    return softmax(1.5 * rng.normal(size=(S, A)))


@graded("10.1", points=1)
def test_a_step_back(student, rng):
    """In state 0, action 1 pays 1 less and leads to state 1, which pays 3 a step for ever; gamma = 1/2.

    Under the coin V(1) = 6 and V(0) = 1/2 (1 + V(0)/2) + 1/2 (0 + 6/2), so V(0) = 8/3.
    """
    P = np.array([[[1.0, 0], [0, 1]], [[0, 1], [0, 1]]])
    R, pi = np.array([[1.0, 0.0], [3.0, 3.0]]), np.full((2, 2), 0.5)
    expected = np.array([[-1 / 3, 1 / 3], [0, 0]])
    student.check("advantages", P, R, 0.5, pi, expected=expected)


@graded("10.1", points=1, instances=2)
def test_advantages(student, rng):
    student.check("advantages", *world(rng), 0.9, policy(rng))


@graded("10.2", points=1)
def test_three_returns(student, rng):
    """Advantages 1, -2, 0: the loss is (1 + 4) / 6."""
    G, v = np.array([2.0, 1.0, 5.0]), np.array([[1.0], [3.0], [5.0]])
    expected = [np.array([1.0, -2.0, 0.0]), 5 / 6, np.array([[-1.0], [2.0], [0.0]]) / 3]
    student.check("judge_returns", G, v, expected=expected)


@graded("10.2", points=1, instances=2)
def test_returns(student, rng):
    student.check("judge_returns", 3 * rng.normal(size=7) + 5, 2 * rng.normal(size=(7, 1)) + 1)


CORRIDOR = np.array([[0, 1], [0, 2], [1, 3], [2, 4], [4, 4]])  # left, right; state 4 is the end


@graded("10.3", points=1)
def test_corridor(student, rng):
    """Cut after 5 steps; the end after 3 steps, from state 1; the end on the last stroke of the clock."""
    action = np.array([0, 0, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0])
    state = [1, 0, 0, 1, 0, 1, 2, 3, 1, 2, 1, 2, 3, 1, 2]
    next_state = [0, 0, 1, 0, 0, 2, 3, 4, 2, 1, 2, 3, 4, 2, 1]
    terminated, truncated = np.isin(np.arange(15), [7, 12]), np.arange(15) == 4
    args = CORRIDOR, np.arange(5) == 4, 1, 5, action
    expected = [np.array(state), np.array(next_state), terminated, truncated]
    student.check("collect", *args, expected=expected)


@graded("10.3", points=2, instances=2)
def test_walks(student, rng):
    """With a limit of 3 an episode that only goes right terminates on the last stroke."""
    action = np.concatenate([rng.integers(2, size=30), [1, 0, 0, 1, 0, 0], np.ones(12, int)])
    for horizon in (3, 4, 7):
        student.check("collect", CORRIDOR, np.arange(5) == 4, 1, horizon, action)


@graded("10.4", points=1)
def test_three_errors(student, rng):
    """gamma = lam = 1/2, so A_t = delta_t + A_{t+1} / 4: 16, then 8 + 4, then 4 + 3."""
    student.check("mixture", np.array([4.0, 8.0, 16.0]), 0.5, 0.5, expected=np.array([7.0, 12.0, 16.0]))


@graded("10.4", points=1, instances=2)
def test_mixtures(student, rng):
    delta = rng.normal(size=8) + 1
    for gamma, lam in ((0.9, 0.6), (0.7, 0.95), (1.0, 0.3)):
        student.check("mixture", delta, gamma, lam)


TAPE = np.array([1, 0, -1, 2, 0.5]), np.array([0.5, 0.2, -0.3, 1, 0.7]), np.array([0.4])


@graded("10.5", points=1)
def test_one_walker(student, rng):
    """Nothing ends; terminated after three steps; truncated there; terminated at the last step."""
    reward, value, last_value = TAPE
    third, last, never = (np.arange(5) == k for k in (2, 4, 9))
    cases = (
        (never, never, [1.0966724096, 0.57871168, 1.456544, 1.7452, 0.16]),
        (third, never, [-0.02128, -0.974, -0.7, 1.7452, 0.16]),
        (never, third, [0.398624, -0.3908, 0.11, 1.7452, 0.16]),
        (last, never, [0.999926528, 0.4443424, 1.26992, 1.486, -0.2]),
    )
    for terminated, truncated, expected in cases:
        final_value = np.where(truncated, 0.9, 100.0)
        columns = (x[:, None] for x in (reward, value, final_value))
        args = *columns, last_value, terminated[:, None], truncated[:, None], 0.9, 0.8
        student.check("gae", *args, expected=np.array(expected)[:, None])


@graded("10.5", points=2, instances=2)
def test_walkers(student, rng):
    """Ends and cuts inside, both in the last row, one walker that never ends."""
    T, N = 12, 5
    terminated, truncated = np.zeros((2, T, N), bool)
    terminated[[2, 3, 8, 11], [0, 0, 1, 2]] = True
    truncated[[4, 5, 7, 11], [0, 1, 2, 3]] = True
    value = 2 * rng.normal(size=(T, N)) + 5
    final_value = np.where(truncated, rng.normal(size=(T, N)) - 3, 100.0)
    args = rng.normal(size=(T, N)) + 1, value, final_value, rng.normal(size=N) + 4, terminated, truncated
    for gamma, lam in ((0.9, 0.8), (0.95, 0.0), (0.99, 1.0)):
        student.check("gae", *args, gamma, lam)


@graded("10.6", points=1)
def test_one_step(student, rng):
    """Two actions, both 1/2: delta = 1 + 1/2 * 4 - 2 = 1, and -1 where the step terminates."""
    theta, V, one = np.zeros((2, 2)), np.array([2.0, 4.0]), np.ones(1)
    for end, delta in ((False, 1.0), (True, -1.0)):
        args = np.array([0]), np.array([1]), one, np.array([1]), np.array([end]), 0.2, 0.1, 0.5
        expected = [np.array([[-0.1 * delta, 0.1 * delta], [0, 0]]), np.array([2 + 0.1 * delta, 4])]
        student.check("one_step_actor_critic", theta, V, *args, expected=expected)


@graded("10.6", points=2, instances=2)
def test_tape_of_steps(student, rng):
    """Actions change from step to step; ends inside and at the last step."""
    T, S, A = 24, 4, 3
    state = rng.permutation(np.arange(T) % S)
    next_state = np.append(state[1:], (state[-1] + 1) % S)
    action, terminated = (np.arange(T) + rng.integers(A)) % A, np.arange(T) % 8 == 7
    theta, V = rng.normal(size=(S, A)), rng.normal(size=S) + 3
    tape = state, action, rng.normal(size=T) + 1, next_state, terminated
    student.check("one_step_actor_critic", theta, V, *tape, 0.3, 0.1, 0.9)


@graded("10.7", points=1)
def test_a_coin(student, rng):
    """Heads (3, 0), tails (1, 0), the truth (1, 2): the mean (2, 0) is off by (1, -2), the variance is 1."""
    args = np.array([[3.0, 0], [1, 0]]), np.array([0.5, 0.5]), np.array([1.0, 2.0])
    student.check("bias_and_variance", *args, 4, expected=[5.0, 1.0, 5.25])


@graded("10.7", points=1, instances=2)
def test_what_can_come_out(student, rng):
    x, p = rng.normal(size=(9, 3)), rng.permutation([1, 2, 3, 4, 10, 10, 20, 20, 30]) / 100
    truth = p @ x + rng.permutation([1.0, -0.8, 0.5])
    for n in (3, 50):
        student.check("bias_and_variance", x, p, truth, n)


@graded("10.8", points=1)
def test_two_rooms(student, rng):
    """From room 0 to room 1, which pays 1 a step and keeps you; cut after 3 steps; gamma = 0.9.

    Room 1 is left by the clock every other time: V(1) = 1 + 0.45 V(1). Room 0 never is: V(0) = 0.9 V(1).
    """
    P, r, start = np.array([[0.0, 1], [0, 1]]), np.array([0.0, 1.0]), np.array([1.0, 0])
    expected = np.array([0.9, 1.0]) / 0.55
    student.check("fooled_critic", P, r, start, 3, 0.9, expected=expected)


@graded("10.8", points=2, instances=2)
def test_chains(student, rng):
    """From a corner along a line of five, lazily; the far end pays; short limits and longer ones."""
    P = np.diag(rng.uniform(0.2, 0.4, 5)) + np.diag(rng.uniform(0.2, 0.4, 4), -1)
    P += np.diag(1 - P.sum(axis=1))
    ahead = np.eye(5)[np.minimum(np.arange(5) + 1, 4)]
    P = 0.5 * P + 0.5 * ahead
    r = rng.uniform(0, 1, 5) + np.array([0, 0, 1, 2, 4.0])
    start = np.array([0.6, 0.3, 0.05, 0.03, 0.02])
    for horizon in (4, 9):
        student.check("fooled_critic", P, r, start, horizon, 0.9, tol=1e-9)


def batch(rng, B=10, D=3, A=3):
    """theta, w, x, x_next, action, reward, terminated: features of one sign, so that nothing cancels."""
    x, x_next = rng.uniform(0.5, 1.5, (2, B, D))
    theta, w = rng.normal(size=(D, A)), rng.uniform(0.5, 1.5, D)
    return theta, w, x, x_next, np.arange(B) % A, 2 * rng.normal(size=B) + 4, np.arange(B) % 4 == 1


@graded("10.9", points=1)
def test_two_steps_by_hand(student, rng):
    """One feature, 1; two actions, both 1/2; w = 2. Step 0: target 1 + 2/2 = 2, delta 0. Step 1 ends: 5 - 2 = 3."""
    x, end = np.ones((2, 1)), np.array([False, True])
    args = np.zeros((1, 2)), np.array([2.0]), x, x, np.array([0, 1]), np.array([1.0, 5.0]), end, 0.5, 0.3
    expected = [np.array([[0.75, -0.75]]), np.array([-1.5])]
    student.check("batch_gradients", *args, expected=expected)


@graded("10.9", points=3, instances=2)
def test_batches(student, rng):
    student.check("batch_gradients", *batch(rng), 0.9, 0.5)


@graded("10.10", points=1)
def test_one_better_choice(student, rng):
    """The world of `test_a_step_back`: from "stay and take 1" to "go", gamma = 1/2, so J rises from 2 to 3.

    The walker meets state 0 once, and there the old policy is worth 2, going 3. In state 1 nothing changes.
    """
    P = np.array([[[1.0, 0], [0, 1]], [[0, 1], [0, 1]]])
    R, start = np.array([[1.0, 0.0], [3.0, 3.0]]), np.array([1.0, 0.0])
    stay, go = np.array([[1.0, 0], [1, 0]]), np.array([[0.0, 1], [1, 0]])
    student.check("gain_by_state", P, R, start, 0.5, go, stay, expected=np.array([1.0, 0.0]))


@graded("10.10", points=2, instances=2)
def test_gains(student, rng):
    P, R = world(rng)
    pi, pi_old, start = policy(rng), policy(rng), rng.dirichlet(np.ones(4))
    student.check("gain_by_state", P, R, start, 0.9, pi, pi_old, tol=1e-8)
