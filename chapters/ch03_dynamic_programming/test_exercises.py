"""The grading tests of chapter 3."""

import numpy as np

from chapters.ch03_dynamic_programming.exercises import lookahead
from chapters.harness import Exercise, graded
from rlcore.problems.gridworlds import GridWorld, frozen_lake, small_grid

EXERCISES = [
    Exercise("3.1", "evaluation_sweep", 1, "make one sweep of policy evaluation"),
    Exercise("3.2", "residual_for", 1, "stop with a guarantee"),
    Exercise("3.3", "poisson_with_tail", 1, "cut a distribution off without losing probability"),
    Exercise("3.4", "count_sweeps", 2, "tell sweeps with two arrays from sweeps in place"),
    Exercise("3.5", "improve", 2, "improve a policy, and leave a tie alone"),
    Exercise("3.6", "value_iteration", 2, "write value iteration as a stream"),
    Exercise("3.7", "span_bounds", 2, "enclose the optimal values from both sides"),
    Exercise("3.8", "optimal_stakes", 2, "find all best actions in spite of rounding"),
    Exercise("3.9", "backward_induction", 2, "treat a time limit as what it is"),
    Exercise("3.10", "surely_ends", 3, "see where gamma = 1 is safe"),
    Exercise("3.11", "policy_iteration", 3, "write Howard's algorithm so that it always ends"),
    Exercise("3.12", "prioritized_sweeping", 3, "spend backups where they matter"),
]


def random_mdp(rng, S=5, A=3):
    """P (S, A, S), R (S, A, S), gamma, V (S,): full rows, rewards of both signs, no two actions alike."""
    P = rng.dirichlet(np.ones(S), (S, A))
    R = rng.integers(-5, 6, (S, A, S)) + rng.uniform(0, 1, (S, A, S))
    return P, R, float(rng.uniform(0.6, 0.9)), rng.normal(scale=5, size=S)


def model(world):
    """P (S, A, S), R (S, A, S) of a gridworld."""
    mdp = world.dense()
    return np.array(mdp.P), np.array(mdp.R)


@graded("3.1", points=1, instances=2)
def test_sweep(student, rng):
    P, R, gamma, V = random_mdp(rng)
    student.check("evaluation_sweep", P, R, gamma, rng.dirichlet(np.ones(3), 5), V)


@graded("3.1", points=1)
def test_third_iterate_of_the_small_grid(student, rng):
    P, R = model(small_grid())
    second = np.full(16, -2.0)
    second[[0, 15]], second[[1, 4, 11, 14]] = 0.0, -1.75
    third = np.array([0, -39, -47, -48, -39, -46, -48, -47, -47, -48, -46, -39, -48, -47, -39, 0]) / 16
    student.check("evaluation_sweep", P, R, 1.0, np.full((16, 4), 0.25), second, expected=third)


@graded("3.2", points=1, instances=3)
def test_residual(student, rng):
    student.check("residual_for", float(rng.uniform(0.5, 2)), float(rng.uniform(0.5, 0.9)))


@graded("3.3", points=1, instances=3)
def test_requests(student, rng):
    mean, n = float(rng.integers(2, 5)), int(rng.integers(3, 7))
    student.check("poisson_with_tail", mean, n)


@graded("3.3", points=1)
def test_empty_lot(student, rng):
    student.check("poisson_with_tail", 3.0, 1, expected=np.array([np.exp(-3), 1 - np.exp(-3)]))
    student.check("poisson_with_tail", 3.0, 0, expected=np.ones(1))


@graded("3.4", points=1)
def test_sweeps_with_two_arrays(student, rng):
    P, R = model(small_grid())
    for theta, sweeps in ((0.1, 47), (1e-3, 131)):
        student.check("count_sweeps", P, R, 1.0, np.full((16, 4), 0.25), theta, False, expected=sweeps)


@graded("3.4", points=1)
def test_sweeps_in_place(student, rng):
    P, R = model(small_grid())
    for sign in (-1, 1):  # rising values first: there a change without abs is right, an alias of V is not
        for theta, sweeps in ((0.1, 36), (1e-3, 88)):
            uniform = np.full((16, 4), 0.25)
            student.check("count_sweeps", P, sign * R, 1.0, uniform, theta, True, expected=sweeps)


@graded("3.4", points=1, instances=2)
def test_sweeps_of_a_random_mdp(student, rng):
    P, R, gamma, _ = random_mdp(rng)
    pi = rng.dirichlet(np.ones(3), 5)
    for in_place in (False, True):
        student.check("count_sweeps", P, R, gamma, pi, 1e-3, in_place)


def check_improvement(student, Q, pi):
    """A best action everywhere, and the old one where it is among them; any tie-break will do."""
    new = np.asarray(student.call("improve", Q, pi))
    new = new[:, 0] if new.shape == (len(pi), 1) else new
    student.claim(new.shape == pi.shape, f"its shape is {new.shape}, not {pi.shape}")
    student.claim(new.dtype.kind in "iu", f"its dtype is {new.dtype}; actions are whole numbers")
    student.claim(((new >= 0) & (new < Q.shape[1])).all(), f"actions are 0 to {Q.shape[1] - 1}")
    for s, (old, a) in enumerate(zip(pi, new)):
        best = Q[s].max()
        short = f"in state {s} action {a} has {Q[s, a]:.6f}, the best has {best:.6f}"
        student.claim(Q[s, a] >= best - 1e-9, short)
        moved = f"in state {s} the old action {old} is a best action, so it stays; yours changes it to {a}"
        student.claim(a == old or Q[s, old] < best - 1e-9, moved)


@graded("3.5", points=2, instances=3)
def test_improvement(student, rng):
    Q, pi = rng.integers(-4, 0, (12, 4)), rng.integers(0, 4, 12)
    check_improvement(student, Q.astype(float), pi)
    check_improvement(student, Q + rng.uniform(-1e-12, 1e-12, (12, 4)), pi)
    check_improvement(student, 1e-6 * Q, pi)  # small differences are differences


@graded("3.6", points=1, instances=2)
def test_first_iterates(student, rng):
    P, R, gamma, V = random_mdp(rng)
    student.check("value_iteration", P, R, gamma, V, take=5)


@graded("3.6", points=1)
def test_ice(student, rng):
    P, R = model(frozen_lake())
    V = student.check("value_iteration", P, R, 0.99, np.zeros(16), take=300, tol=1e-8)[-1]
    student.claim(abs(V[0] - 0.542) < 0.01, f"after 300 sweeps the start is worth 0.54; yours is {V[0]:.4f}")


@graded("3.6", points=1)
def test_no_end(student, rng):
    P, R = rng.dirichlet(np.ones(2), (2, 2)), rng.normal(size=(2, 2, 2))
    for n in (3, 20_000):
        tables = student.call("value_iteration", P, R, 0.9, np.zeros(2), take=n)
        said = f"it gave {len(tables)} tables where {n:,} were asked for; the stream has no end"
        student.claim(len(tables) == n, said)


@graded("3.7", points=2, instances=3)
def test_bounds(student, rng):
    P, R, gamma, V = random_mdp(rng)
    V_next = lookahead(P, R, gamma, V).max(axis=1)
    student.check("span_bounds", V, V_next, gamma)
    student.check("span_bounds", np.zeros(5), rng.uniform(1, 2, 5), gamma)  # everything has to rise


def bold_play(goal, p_heads):
    """The probability of reaching the goal by staking as much as makes sense; optimal for p_heads <= 1/2."""
    s = np.arange(goal + 1)
    stake = np.minimum(s, goal - s)
    V = (s == goal).astype(float)
    for _ in range(2000):
        V = np.where(stake > 0, p_heads * V[s + stake] + (1 - p_heads) * V[s - stake], V)
    return V


@graded("3.8", points=1)
def test_stakes_without_rounding(student, rng):
    V = bold_play(16, 0.25)
    for capital in (8, *range(1, 16)):
        student.check("optimal_stakes", V, 0.25, capital)


@graded("3.8", points=1)
def test_stakes_that_cannot_lose(student, rng):
    V = np.append(0.0, np.ones(10))  # heads for sure: every stake is as good as any other
    for capital in (7, 5, 3):
        student.check("optimal_stakes", V, 1.0, capital)


@graded("3.8", points=2, instances=2)
def test_stakes(student, rng):
    goal = int(rng.choice([20, 24, 28]))
    student.check("optimal_stakes", bold_play(16, 0.25), 0.25, 11)  # ties without rounding
    V = bold_play(goal, 0.4)
    V[1:-1] += rng.uniform(-1e-12, 1e-12, goal - 1)
    for capital in (goal // 2, *range(1, goal)):
        student.check("optimal_stakes", V, 0.4, capital)
    V = bold_play(100, 0.4)
    for capital in (12, 13, 38, 51, 87, 99):
        student.check("optimal_stakes", V, 0.4, capital)


@graded("3.9", points=1, instances=2)
def test_a_few_steps(student, rng):
    P, R, _, _ = random_mdp(rng)
    for horizon in (0, 1, 4):
        student.check("backward_induction", P, R, 0.9, horizon)


@graded("3.9", points=2)
def test_ice_with_a_time_limit(student, rng):
    P, R = model(frozen_lake())
    V = np.asarray(student.check("backward_induction", P, R, 1.0, 100))
    student.claim(
        abs(V[0, 0] - 0.7441903) < 1e-6, f"100 steps are worth 0.7441903 at the start, not {V[0, 0]:.7f}"
    )


def maze(rng, S=12):
    """P (S, 2, S), terminal (S,), pi (S,): of the first six states one may get lost, five surely end.

    The other action of those five leads into the trap. States 6 to S - 3 are anything.
    """
    I = np.eye(S)
    end, trap = I[-1], I[-2]
    follow = [
        0.97 * end + 0.03 * trap,
        (I[1] + I[2]) / 2,
        (I[1] + end) / 2,
        0.999 * I[3] + 0.001 * end,
        I[5],
        end,
    ]
    P = np.zeros((S, 2, S))
    for s in range(S):
        for a in range(2):
            P[s, a, rng.choice(S, 2, replace=False)] = 0.5
    pi = rng.integers(0, 2, S)
    for s, row in enumerate(follow):
        P[s, pi[s]], P[s, 1 - pi[s]] = row, trap
    P[-1], P[-2] = end, trap
    return P, np.arange(S) == S - 1, pi


@graded("3.10", points=3, instances=3)
def test_ends(student, rng):
    student.check("surely_ends", *maze(rng))


@graded("3.10", points=1)
def test_ice_ends(student, rng):
    P, _ = model(frozen_lake())
    for action in (0, 3):  # up: the top row is never left; left: every walk ends
        student.check("surely_ends", P, np.isin(np.arange(16), [5, 7, 11, 12, 15]), np.full(16, action))


@graded("3.11", points=2, instances=2)
def test_improvements(student, rng):
    P, R, _, _ = random_mdp(rng, S=8, A=4)
    pi = rng.integers(0, 4, 8)
    student.check("policy_iteration", P, R, 0.9, pi, take=50)


@graded("3.11", points=1)
def test_beside_a_rich_state(student, rng):
    """State 1 is worth 100 whatever happens in state 0, where the second action is better than the first."""
    P, R = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    P[0, :, 0] = P[1, :, 1] = 1.0
    R[0, 1, 0], R[1, :, 1] = 1.0, 10.0
    student.check("policy_iteration", P, R, 0.9, np.array([0, 0]), take=50)


def claim_end(student, P, R, gamma, pi):
    """Policy iteration ends within 50 policies, at the optimal values."""
    values = student.call("policy_iteration", P, R, gamma, pi, take=50)
    student.claim(len(values) > 0, "it gave no value; the first is that of pi")
    V = np.asarray(values[-1], float).ravel()
    said = "it gave 50 values and goes on; a handful is enough, then it ends"
    if np.abs(np.ravel(values[len(values) // 2]) - V).max() < 1e-9:
        said += (
            ". The values stand still, the policy does not: keep an action unless another beats it by 1e-9"
        )
    student.claim(len(values) < 50, said)
    residual = np.abs(lookahead(P, R, gamma, V).max(axis=1) - V).max()
    said = f"the last values are not optimal: one more sweep changes them by {residual:.3g}"
    student.claim(residual < 1e-6, said)


@graded("3.11", points=1, instances=2)
def test_twin_actions(student, rng):
    P, R, gamma, _ = random_mdp(rng, S=16, A=2)
    P, R = np.concatenate([P, P], axis=1), np.concatenate([R, R], axis=1)  # actions 2, 3 are 0, 1 again
    claim_end(student, P, R, gamma, rng.integers(0, 4, 16))


@graded("3.11", points=2)
def test_ties_up_to_rounding(student, rng):
    """Symmetric boards: mirror images are worth the same on paper, and differ in the last digit after a solve."""
    blank, wide = ["." * 7] * 3, ["." * 9] * 4
    boards = [frozen_lake(gamma=0.99), GridWorld([*blank, "...G...", *blank], gamma=0.95, slip=0.3)]
    boards += [GridWorld(["G" + "." * 9] + ["." * 10] * 9, gamma=0.95, slip=0.2)]
    boards += [frozen_lake("8x8", gamma=0.99), GridWorld([*wide, "....G....", *wide], gamma=0.95, slip=0.2)]
    for board in boards:
        for _ in range(2):
            claim_end(student, *model(board), board.gamma, rng.integers(0, 4, board.n_states))


@graded("3.12", points=3, instances=3)
def test_backups(student, rng):
    P, R, gamma, V = random_mdp(rng)
    student.check("prioritized_sweeping", P, R, gamma, 3 * V, 0)
    student.check("prioritized_sweeping", P, R, gamma, 3 * V, 1)
    student.check("prioritized_sweeping", P, R, gamma, 3 * V, 12)
    student.check("prioritized_sweeping", P, R, gamma, 3 * V + 50, 2)  # far too high everywhere
