"""Published numbers of chapter 7, planning: the Dyna maze.

S&B: Sutton & Barto, Reinforcement Learning, 2nd edition (2018), Example 8.1 and Figure 8.2. The learning curves were
simulated independently, 3,000 runs each: mean and standard error stand beside ours, and

    z = (ours - theirs) / sqrt(error_ours^2 + error_theirs^2)

must be 4 at most. If both are right, one comparison fails with probability 6.3e-5; the seeds are fixed.
"""

import numpy as np
import pytest

from rlcore.algorithms.planning import dyna_q
from rlcore.exact.values import optimal_value, policy_value
from rlcore.problems.gridworlds import RIGHT, UP, GridWorld, dyna_maze

# steps of an episode: {planning: {episode: (mean, standard error)}}; alpha = 0.1, epsilon = 0.1, gamma = 0.95
STEPS = {
    0: {1: (905.917, 15.144), 2: (680.222, 10.756), 3: (490.648, 7.509), 5: (274.376, 4.247),
        10: (129.077, 1.839), 50: (17.7933, 0.0670)},
    5: {1: (857.158, 14.210), 2: (154.995, 1.2515), 3: (62.8647, 0.7226), 5: (23.0007, 0.2064),
        10: (16.9293, 0.0452), 50: (16.7333, 0.0435)},
    50: {1: (857.271, 14.757), 2: (39.6433, 0.1766), 3: (17.6783, 0.0636), 5: (16.9897, 0.0633),
         10: (17.0147, 0.0510), 50: (16.8383, 0.0547)},
}  # fmt: skip


def steps_to_goal(maze, pi):
    """Expected steps of a policy from the start: the same maze at 1 a step, without a discount."""
    cost = GridWorld(maze.map, gamma=1.0, step_reward=1.0)
    return cost.start @ policy_value(cost, pi)


def z_scores(planning, runs, episodes, seed=0):
    done = dyna_q(
        dyna_maze(), episodes=max(episodes), planning=planning, alpha=0.1, epsilon=0.1, gamma=0.95, runs=runs,
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    z = []
    for episode in episodes:
        steps, (mean, error) = done.lengths[:, episode - 1], STEPS[planning][episode]
        z.append((steps.mean() - mean) / np.hypot(steps.std(ddof=1) / np.sqrt(runs), error))
    return np.array(z)


def test_the_shortest_way_has_14_steps():
    maze = dyna_maze()
    V = optimal_value(maze) @ maze.start
    assert V == pytest.approx(0.95**13, abs=1e-12)
    assert V == pytest.approx(0.513342, abs=5e-7)
    best = maze.lookahead(optimal_value(maze))
    assert steps_to_goal(maze, best.argmax(axis=1)) == pytest.approx(14, abs=1e-10)


def test_the_first_episode_is_a_random_walk_of_869_steps_and_not_of_1700():
    """Before the first reward all values are 0 and every choice is a tie: split uniformly, a random walk.

    A fixed order is another walk. The first action of a list is taken 37 times in 40: 746 steps if that is "right",
    and 29 million if it is "up".
    """
    maze = dyna_maze()
    uniform = np.full((54, 4), 0.25)
    assert steps_to_goal(maze, uniform) == pytest.approx(868.7254275614713, abs=1e-8)
    first = [0.9 * np.eye(4)[[a] * 54] + 0.1 * uniform for a in (RIGHT, UP)]
    assert steps_to_goal(maze, first[0]) == pytest.approx(745.5114, abs=1e-3)
    assert steps_to_goal(maze, first[1]) == pytest.approx(2.9074e7, rel=1e-3)


@pytest.mark.parametrize("planning", [0, 5])
def test_first_episodes_have_that_mean(planning):
    """300 first episodes against 868.7254, 4 standard errors: fails by chance with probability 6.3e-5."""
    done = dyna_q(
        dyna_maze(), episodes=1, planning=planning, alpha=0.1, epsilon=0.1, gamma=0.95, runs=300,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    steps = done.lengths[:, 0]
    assert abs(steps.mean() - 868.7254275614713) <= 4 * steps.std(ddof=1) / np.sqrt(300)


@pytest.mark.parametrize(("planning", "episodes"), [(0, (1, 2, 3, 5, 10)), (5, (1, 2, 3, 5, 10, 50))])
def test_figure_8_2_in_small(planning, episodes):
    """200 runs, 11 comparisons in all: a false failure with probability 7e-4."""
    assert np.abs(z_scores(planning, 200, episodes)).max() <= 4


@pytest.mark.slow
@pytest.mark.parametrize("planning", STEPS)
def test_figure_8_2(planning):
    """2,000 runs, 18 comparisons in all: a false failure with probability 1.1e-3."""
    z = z_scores(planning, 2000, tuple(STEPS[planning]))
    print(planning, z.round(2))
    assert np.abs(z).max() <= 4
