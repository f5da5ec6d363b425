"""The grading tests of chapter 7."""

import numpy as np

from chapters.harness import Exercise, graded
from rlcore.learning.tapes import record
from rlcore.problems.chains import random_walk

EXERCISES = [
    Exercise("7.1", "n_step_target", 1, "end a window where the episode ends"),
    Exercise("7.2", "lambda_weights", 1, "see the lambda-return as a mean of n-step returns"),
    Exercise("7.3", "curious_rewards", 1, "make a model curious about what it has not tried for long"),
    Exercise("7.4", "uct_scores", 1, "weigh what is good against what is little known"),
    Exercise("7.5", "n_step_updates", 2, "run n-step TD over an episode, to its last step"),
    Exercise("7.6", "ratio_of_window", 2, "weight a window by the actions it depends on, and no others"),
    Exercise("7.7", "tree_backup_target", 2, "look ahead n steps without importance sampling"),
    Exercise("7.8", "td_lambda_on_tape", 2, "keep, mark and clear an eligibility trace"),
    Exercise("7.9", "watkins_on_tape", 2, "cut a trace where the walker explored"),
    Exercise("7.10", "dyna_q", 2, "learn from a step, remember it, and learn from memories"),
    Exercise("7.11", "sweep_backwards", 3, "plan where a change matters, in the order in which it matters"),
    Exercise("7.12", "errors_of_step_sizes", 3, "measure a U-curve as the book's figure does"),
]


def episode(rng, T=8, S=5):
    """states (T + 1,), rewards (T,) between 1 and 3, V (S,) between 2 and 4: nothing cancels."""
    return rng.integers(0, S, T + 1), rng.uniform(1, 3, T), rng.uniform(2, 4, S)


def policies(rng, S=5, A=3):
    """Two policies that differ by a factor of 1.5 or more everywhere: (0.6, 0.3, 0.1) against (0.2, 0.2, 0.6)."""
    pi = np.array([rng.permutation([0, 1, 2]) for _ in range(S)])
    return np.array([0.6, 0.3, 0.1])[pi], np.array([0.2, 0.2, 0.6])[pi]


@graded("7.1", points=1)
def test_window_by_hand(student, rng):
    states, rewards, V = np.array([0, 1, 2, 0]), np.array([1.0, 2.0, 4.0]), np.array([8.0, 16.0, 32.0])
    for n, G in ((1, 9.0), (2, 10.0), (3, 3.0), (5, 3.0)):
        student.check("n_step_target", states, rewards, True, V, 0.5, 0, n, expected=G)
    student.check("n_step_target", states, rewards, False, V, 0.5, 0, 3, expected=4.0)
    student.check("n_step_target", states, rewards, False, V, 0.5, 1, 9, expected=6.0)


@graded("7.1", points=1, instances=2)
def test_window(student, rng):
    states, rewards, V = episode(rng)
    for terminated in (False, True):
        for t, n in ((0, 1), (2, 3), (5, 3), (5, 8), (7, 1)):
            student.check("n_step_target", states, rewards, terminated, V, 0.8, t, n)


@graded("7.2", points=1)
def test_weights_by_hand(student, rng):
    student.check("lambda_weights", 0.5, 3, expected=np.array([0.5, 0.25, 0.25]))
    student.check("lambda_weights", 0.5, 1, expected=np.array([1.0]))
    student.check("lambda_weights", 0.0, 3, expected=np.array([1.0, 0.0, 0.0]))
    student.check("lambda_weights", 1.0, 3, expected=np.array([0.0, 0.0, 1.0]))


@graded("7.2", points=1, instances=2)
def test_weights(student, rng):
    lam, left = float(rng.uniform(0.3, 0.7)), int(rng.integers(3, 8))
    weights = np.asarray(student.check("lambda_weights", lam, left), float)
    student.claim(abs(weights.sum() - 1) < 1e-5, f"they sum to {weights.sum():.6g}, not 1")


@graded("7.3", points=1, instances=2)
def test_curiosity(student, rng):
    last, now = rng.integers(2, 40, (4, 2)), 50
    student.check("curious_rewards", rng.uniform(1, 2, (4, 2)), last, now, 0.1)
    last[0, 0] = now  # just tried: no bonus
    student.check("curious_rewards", np.zeros((4, 2)), last, now, 0.5)


@graded("7.4", points=1, instances=2)
def test_scores(student, rng):
    visits = rng.integers(2, 9, 4)
    student.check("uct_scores", rng.uniform(2, 4, 4) * visits, visits, 2.0)
    visits[rng.integers(0, 4)] = 0
    total = np.where(visits > 0, rng.uniform(2, 4, 4) * visits, 0.0)
    student.check("uct_scores", total, visits, 0.5)


@graded("7.4", points=1)
def test_scores_of_a_new_node(student, rng):
    student.check("uct_scores", np.zeros(3), np.zeros(3, int), 1.4, expected=np.full(3, np.inf))
    student.check("uct_scores", np.array([5.0, 0.0]), np.array([1, 0]), 1.4, expected=np.array([5.0, np.inf]))


@graded("7.5", points=1)
def test_updates_by_hand(student, rng):
    """Two steps to the end, alpha 1/2: with n = 1 only the last state hears of the reward, with n = 2 both."""
    states, rewards, V = np.array([0, 1, 2]), np.array([0.0, 8.0]), np.zeros(3)
    student.check("n_step_updates", states, rewards, True, V, 0.5, 1.0, 1, expected=np.array([0.0, 4, 0]))
    student.check("n_step_updates", states, rewards, True, V, 0.5, 1.0, 2, expected=np.array([4.0, 4, 0]))


@graded("7.5", points=2, instances=2)
def test_updates(student, rng):
    states, rewards, V = episode(rng, T=9, S=4)
    states[:5] = 0, 1, 0, 2, 3  # a state comes back within three steps
    for terminated in (True, False):
        for n in (3, 1, 20):
            student.check("n_step_updates", states, rewards, terminated, V, 0.4, 0.9, n)


@graded("7.6", points=2, instances=2)
def test_ratio(student, rng):
    pi, b = policies(rng)
    states, actions = rng.integers(0, 5, 8), rng.integers(0, 3, 7)
    for of_action in (False, True):
        for t, n in ((0, 1), (1, 3), (0, 4), (4, 3), (5, 9), (6, 2)):
            student.check("ratio_of_window", pi, b, states, actions, t, n, of_action)


@graded("7.6", points=1, instances=2)
def test_ratio_of_a_policy_to_itself(student, rng):
    pi, _ = policies(rng)
    states, actions = rng.integers(0, 5, 8), rng.integers(0, 3, 7)
    student.check("ratio_of_window", pi, pi, states, actions, 1, 4, True, expected=1.0)


@graded("7.7", points=1)
def test_tree_by_hand(student, rng):
    """Two actions, equally likely: half of the branch is Q of the other action, half is what came of this one."""
    Q, pi = np.array([[0.0, 0.0], [4.0, 8.0], [2.0, 6.0]]), np.full((3, 2), 0.5)
    tape = np.array([0, 1, 2]), np.array([0, 0]), np.array([1.0, 2.0])
    for terminated, n, G in ((True, 1, 7.0), (False, 2, 8.0), (True, 2, 6.0), (True, 5, 6.0)):
        student.check("tree_backup_target", *tape, terminated, Q, pi, 1.0, 0, n, expected=G)


@graded("7.7", points=2, instances=2)
def test_tree(student, rng):
    states, rewards, _ = episode(rng)
    pi, _ = policies(rng)
    Q = rng.permuted(np.tile([2.0, 4.0, 7.0], (5, 1)), axis=1) + rng.uniform(0, 1, (5, 1))
    tape = states, rng.integers(0, 3, 8), rewards
    for t, n in ((0, 2), (1, 4), (5, 3), (6, 9), (7, 1)):
        for terminated in (False, True):
            student.check("tree_backup_target", *tape, terminated, Q, pi, 0.9, t, n)


@graded("7.8", points=1)
def test_trace_by_hand(student, rng):
    """One step that pays, then one that pays nothing in another episode: gamma lam = 1/2, alpha = 1/2."""
    states, rewards, s_next = np.array([0, 1, 2]), np.array([0.0, 8.0, 4.0]), np.array([1, 3, 3])
    tape = states, rewards, s_next, np.array([False, True, True]), np.zeros(3, bool)
    want = np.array([2.0, 4.0, 2.0, 0.0])
    student.check("td_lambda_on_tape", *tape, np.zeros(4), 0.5, 1.0, 0.5, expected=want)


@graded("7.8", points=2, instances=2)
def test_trace(student, rng):
    states, rewards, V = episode(rng, T=12)
    s_next, terminated, truncated = states[1:].copy(), np.zeros(12, bool), np.zeros(12, bool)
    terminated[[2, 8]], truncated[[5, 11]] = True, True
    states[9] = states[10] = 1  # a state twice in a row, in the same episode
    student.check("td_lambda_on_tape", states[:12], rewards, s_next, terminated, truncated, V, 0.3, 0.8, 0.7)


@graded("7.9", points=1)
def test_watkins_by_hand(student, rng):
    """The action in state 1 is not the best one there, so the reward of 8 does not reach state 0."""
    Q = np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    tape = np.array([0, 1, 2]), np.array([0, 0]), np.array([0.0, 8.0])
    want = np.array([[1.0, 0.0], [4.0, 2.0], [0.0, 0.0]])
    student.check("watkins_on_tape", *tape, np.array([0, 0]), True, Q, 0.5, 1.0, 0.5, expected=want)


def greedy_walk(rng, T=14, S=6, A=3):
    """states, actions, rewards, next_actions and a Q with ties: whatever is compared comes up on the way."""
    Q = rng.integers(1, 3, (S, A)).astype(float)
    Q[:, 0], Q[:, 1] = 2.0, 2.0  # actions 0 and 1 tie, 2 is worse
    Q[:, 2] = 1.0
    states = np.concatenate([[0, 1, 2, 3, 4], rng.integers(0, S, T - 4)])
    actions = np.concatenate([[0, 1, 2, 0, 1], rng.integers(0, A, T - 4)])
    return states, actions[:T], rng.uniform(1, 3, T), actions[1 : T + 1], Q


@graded("7.9", points=2, instances=2)
def test_watkins(student, rng):
    states, actions, rewards, next_actions, Q = greedy_walk(rng)
    for terminated in (True, False):
        student.check("watkins_on_tape", states, actions, rewards, next_actions, terminated, Q, 0.3, 0.9, 0.8)


@graded("7.9", points=1)
def test_watkins_where_a_state_repeats(student, rng):
    """State 0 leads to itself: the update lifts the action just taken above the one that is taken next."""
    Q = np.array([[0.0, 0.0], [0.0, 0.0]])
    tape = np.array([0, 0, 1, 1]), np.array([0, 1, 0]), np.array([1.0, 2.0, 3.0])
    student.check("watkins_on_tape", *tape, np.array([1, 0, 0]), True, Q, 0.5, 1.0, 0.5)


@graded("7.9", points=1)
def test_watkins_where_a_pair_repeats(student, rng):
    """One action, so nothing is cut: the pair (0, 0) comes back while its trace lives, and has 1 + 1/4."""
    tape = np.array([0, 1, 0, 2]), np.zeros(3, int), np.array([1.0, 2.0, 3.0])
    student.check("watkins_on_tape", *tape, np.zeros(3, int), True, np.zeros((3, 1)), 0.5, 1.0, 0.5)


@graded("7.10", points=3, instances=2)
def test_dyna(student, rng):
    states, actions = rng.integers(0, 4, 10), rng.integers(0, 2, 10)
    states[:3], actions[:3] = (0, 1, 0), (1, 0, 1)  # the pair (0, 1) comes twice, with two outcomes
    rewards, s_next = rng.uniform(1, 3, 10), rng.integers(0, 4, 10)
    rewards[[0, 2]] = 1.0, 5.0
    terminated = np.arange(10) % 4 == 3
    picks = rng.integers(0, 1000, (10, 3))
    picks[2, 0] = 0
    tape = states, actions, rewards, s_next, terminated
    student.check("dyna_q", *tape, picks, rng.uniform(2, 4, (4, 2)), 0.4, 0.9)


@graded("7.10", points=1)
def test_dyna_by_hand(student, rng):
    """Two steps to a reward of 8; the memory of the first step carries it back at once."""
    tape = np.array([0, 1]), np.array([0, 0]), np.array([0.0, 8.0]), np.array([1, 2])
    want = np.array([[2.0], [4.0], [0.0]])
    picks = np.array([[0], [0]])
    student.check("dyna_q", *tape, np.array([False, True]), picks, np.zeros((3, 1)), 0.5, 1.0, expected=want)


def sure_world(rng, S=7, A=2):
    """A model with ways that meet: action 0 goes on by one, action 1 jumps. The last state is an end."""
    s_next = np.stack([np.arange(S) + 1, rng.integers(0, S, S)], axis=1)
    s_next[0, 1], s_next[1, 1], s_next[2, 1] = 3, 4, 4
    s_next[-1] = S - 1
    s_next = np.minimum(s_next, S - 1)
    reward = rng.uniform(-1, 1, (S, A))
    reward[S - 2, 0] = 10.0
    known = np.ones((S, A), bool)
    known[[1, 3], [0, 1]] = False
    known[-1] = False
    Q = rng.uniform(-0.5, 0.5, (S, A))
    Q[-1] = 0.0
    return reward, s_next, s_next == S - 1, known, Q


@graded("7.11", points=2, instances=3)
def test_sweep(student, rng):
    reward, s_next, terminated, known, Q = sure_world(rng)
    for updates in (1, 3, 12):
        student.check("sweep_backwards", reward, s_next, terminated, known, Q, 0.9, 0.3, (5, 0), updates)


@graded("7.11", points=1)
def test_sweep_of_bad_news(student, rng):
    """A corridor whose end pays less than was thought: every pair on the way is too high, and nearer ones more."""
    reward = np.array([[0.0], [0.0], [0.0], [1.0], [0.0]])
    s_next, end = np.array([[1], [2], [3], [4], [4]]), np.array([[0], [0], [0], [1], [1]], bool)
    Q = np.array([[4.0], [6.0], [8.0], [9.0], [0.0]])
    known = np.array([[1], [1], [1], [1], [0]], bool)
    student.check("sweep_backwards", reward, s_next, end, known, Q, 0.9, 0.5, (3, 0), 10)
    student.check("sweep_backwards", reward, s_next, end, known, Q, 0.9, 100.0, (3, 0), 10)


@graded("7.11", points=1)
def test_sweep_where_a_surprise_shrinks(student, rng):
    """The pair (2, 1) waits, and before its turn V(3) moves nearer to what was thought: it falls behind (1, 1)."""
    s_next = np.array([[4, 1], [3, 1], [0, 3], [0, 0], [4, 4]])
    reward = np.array([[20.0, -9], [6, 1], [8, -9], [7, 1], [0, 0]])
    Q = np.array([[-4.0, -4], [5, 2], [-7, 5], [2, -8], [0, 0]])
    known = s_next < 9
    known[4] = False
    student.check("sweep_backwards", reward, s_next, s_next == 4, known, Q, 0.5, 0.75, (0, 0), 6)


def walks(rng, runs=3, episodes=4):
    """Episodes of the walk of five states from -1 to 1, and its values."""
    tape = record(random_walk(5, left=-1.0), np.zeros(7, int), episodes=episodes, runs=runs, rng=rng)
    every = []
    for i in range(runs):
        every.append([])
        for first, T in zip(tape.start[:, i], tape.steps[:, i]):
            step = slice(first, first + T)
            states = np.append(tape.state[step, i], tape.next_state[first + T - 1, i])
            every[-1].append([states, tape.reward[step, i]])
    return every, np.array([0.0, -2, -1, 0, 1, 2, 0]) / 3


@graded("7.12", points=3, instances=2)
def test_curve(student, rng):
    runs, truth = walks(rng)
    for n in (1, 3):
        student.check("errors_of_step_sizes", runs, truth, np.array([0.1, 0.4, 0.9]), n)


@graded("7.12", points=1)
def test_a_rate_of_nothing(student, rng):
    """With alpha = 0 nothing is learned: the error is that of V = 0, sqrt(2) / 3."""
    runs, truth = walks(rng)
    student.check("errors_of_step_sizes", runs, truth, np.array([0.0]), 2, expected=np.array([2**0.5 / 3]))
