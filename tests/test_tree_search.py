"""UCT against enumeration, and against the policy that it rolls out."""

from itertools import islice, product

import numpy as np
import pytest

from rlcore.algorithms import dp
from rlcore.algorithms.tree_search import Search, play, uct, upper_bound
from rlcore.exact.values import optimal_value, policy_value
from rlcore.problems.chains import MaximizationBias
from rlcore.problems.env import Box
from rlcore.problems.garnet import garnet
from rlcore.problems.gridworlds import GridWorld, walk
from rlcore.problems.mdp import MDP


def stream(seed=0):
    return np.random.default_rng(seed)


def best_of(mdp, depth):
    """Q of the best play of `depth` steps, by backward induction.   -> (S, A)"""
    V = next(islice(dp.value_iteration(mdp), depth - 1, None))
    return mdp.lookahead(V)


def chancy():
    """A garnet of 5 states, 3 actions, 2 successors each, without an end."""
    return garnet(5, 3, 2, rng=stream(4)).dense()


def deceptive():
    """Random play says left, best play says right: left pays 1 at once; right pays 4 behind one right door of three."""
    P = np.zeros((3, 3, 3))
    P[0, 0, 2], P[0, 1, 2], P[0, 2, 1] = 1, 1, 1  # left, left, right
    P[1, :, 2] = 1
    P[2, :, 2] = 1
    R = np.zeros((3, 3))
    R[0, :2], R[1, 0], R[1, 1:] = 1.0, 4.0, -1.0
    return MDP(P, R, 1.0, np.array([1.0, 0, 0]), np.array([False, False, True]))


# ---------------------------------------------------------------- the parts


def test_upper_bound():
    bound = upper_bound(np.array([1.0, 2.0, 5.0]), np.array([4, 1, 0]), c=2.0)
    np.testing.assert_allclose(
        bound[:2], [1 + 2 * np.sqrt(np.log(5) / 4), 2 + 2 * np.sqrt(np.log(5))], rtol=1e-12
    )
    assert bound[2] == np.inf
    assert (upper_bound(np.zeros(3), np.zeros(3, int), c=1.0) == np.inf).all()
    assert upper_bound(np.array([0.5, 0.25]), np.array([1, 1]), c=0.0).tolist() == [0.5, 0.25]


def test_play():
    right = lambda s, rng: 1
    grid = GridWorld("S...G", gamma=0.5, enter={"G": 8.0})
    assert play(grid, 0, 10, 0.5, stream(), right) == -1 - 0.5 - 0.25 + 0.125 * 8
    assert play(grid, 0, 2, 0.5, stream(), right) == -1.5
    assert play(grid, 0, 0, 0.5, stream(), right) == 0.0


def test_random_play_is_worth_the_random_policy():
    """20,000 walks, 5 standard errors: fails by chance with probability below 6e-7."""
    mdp = deceptive()
    G = np.array([play(mdp, 0, 5, 1.0, rng) for rng in [stream()] for _ in range(20_000)])
    exact = policy_value(mdp, np.full((3, 3), 1 / 3))[0]
    assert abs(G.mean() - exact) <= 5 * G.std() / np.sqrt(len(G))


# ---------------------------------------------------------------- the tree


def test_visits_are_the_simulations_and_every_action_has_its_turn():
    done = uct(chancy(), 2, simulations=50, depth=3, c=1.0, gamma=0.9, rng=stream())
    assert isinstance(done, Search)
    assert done.visits.sum() == 50
    assert (done.visits > 0).all()
    few = uct(chancy(), 2, simulations=2, depth=3, c=1.0, gamma=0.9, rng=stream())
    assert np.isnan(few.Q).sum() == 1


def test_the_same_seed_gives_the_same_tree():
    kw = {"simulations": 60, "depth": 4, "c": 1.0, "gamma": 0.9}
    one, two, other = (uct(chancy(), 0, **kw, rng=stream(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.Q, two.Q)
    assert (one.Q != other.Q).any()


def test_depth_one_is_a_bandit_problem():
    """Q is the mean reward of each action: deterministic rewards, so exactly."""
    mdp = deceptive()
    done = uct(mdp, 0, simulations=30, depth=1, c=1.0, gamma=1.0, rng=stream())
    assert done.Q.tolist() == [1.0, 1.0, 0.0]


def test_a_world_without_chance_is_solved_exactly_by_the_greedy_leaf():
    """After enough simulations the most visited first moves of the walk are the best ones of the next 4 steps."""
    grid = GridWorld("S.. ... ..G", gamma=0.9, enter={"G": 10.0})
    exact = best_of(grid, 4)[0]
    done = uct(grid, 0, simulations=3000, depth=4, c=8.0, gamma=0.9, rng=stream())
    assert exact[done.visits.argmax()] == exact.max()
    assert np.nanmax(done.Q) == pytest.approx(exact.max(), abs=0.5)
    assert np.nanmax(done.Q) <= exact.max() + 1e-12  # a mean of returns, none above the best


def test_it_tends_to_the_best_value_of_so_many_steps():
    """On chance, against backward induction, from three states with two seeds each.

    Bias of order ln N / N and noise of order 1 / sqrt(N): with 100 and 3,000 simulations the mean error was 0.48
    and 0.063 when this was written; the seeds are fixed.
    """
    mdp = chancy()
    exact = best_of(mdp, 3)
    error = np.zeros((2, 3, 2))
    for (i, simulations), (j, s), seed in product(enumerate((100, 3000)), enumerate((0, 2, 3)), (0, 1)):
        done = uct(mdp, s, simulations=simulations, depth=3, c=2.0, gamma=mdp.gamma, rng=stream(seed))
        error[i, j, seed] = abs(np.nanmax(done.Q) - exact[s].max())
        if i == 1:
            assert done.visits.argmax() == exact[s].argmax()
    assert error[1].mean() < 0.2 * error[0].mean()
    assert error[1].max() < 0.1


def test_random_play_is_deceived_and_the_tree_is_not():
    mdp = deceptive()
    exact = best_of(mdp, 2)[0]
    np.testing.assert_array_equal(exact, [1, 1, 4])
    rng = stream()
    flat = [np.mean([play(mdp, s, 1, 1.0, rng) for _ in range(300)]) for s in (2, 2, 1)] + np.array([1, 1, 0])
    assert flat.argmax() != 2  # the mean behind the right door is 2/3
    done = uct(mdp, 0, simulations=300, depth=2, c=2.0, gamma=1.0, rng=rng)
    assert done.visits.argmax() == 2
    assert done.Q[2] > 3


def test_it_plays_better_than_what_it_rolls_out():
    """The walk of chapter 1, 64 simulations a move, 6 episodes of at most 40 moves: the random policy is worth -9.8,
    the best one -2.25, and UCT comes at least half of the way. The seed is
    fixed; the mean was -3.9 when this was written."""
    grid = walk()
    random = policy_value(grid, np.full((grid.n_states, 4), 0.25))[0]
    best = optimal_value(grid)[0]
    rng, G = stream(), []
    for _ in range(6):
        G.append(play(grid, 0, 40, 0.9, rng, lambda s, rng: best_move(grid, s, rng)))
    assert np.mean(G) > (random + best) / 2


def best_move(grid, s, rng):
    return int(uct(grid, s, simulations=64, depth=25, c=5.0, gamma=0.9, rng=rng).visits.argmax())


def test_a_better_rollout_helps():
    """With the best policy below the tree, one simulation an action is enough in a world without chance."""
    grid = walk()
    pi = grid.lookahead(optimal_value(grid)).argmax(axis=1)
    done = uct(grid, 0, simulations=4, depth=25, c=1.0, gamma=0.9, rng=stream(), rollout=lambda s, rng: pi[s])
    np.testing.assert_allclose(done.Q, grid.lookahead(optimal_value(grid))[0], rtol=0, atol=1e-12)


def test_states_may_be_vectors():
    class Line:
        """A point on a line that a step moves by 0.1; at 0.3 it ends."""

        actions, n_states, horizon = walk().actions, None, None

        def step(self, state, action, rng):
            assert state[0] < 0.25, "nobody walks on after the end"
            x = state + np.array([0.1 if action == 1 else 0.0, 0.0])
            return x, -1.0, x[0] > 0.25

    done = uct(Line(), np.zeros(2), simulations=400, depth=8, c=4.0, gamma=1.0, rng=stream())
    assert done.visits.argmax() == 1


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"simulations": 0}, "simulations is 0; it must be a whole number >= 1"),
        ({"simulations": 2.5}, r"simulations is 2\.5"),
        ({"depth": 0}, "depth is 0"),
        ({"c": -1.0}, r"c is -1\.0; it must be a number >= 0"),
        ({"c": np.nan}, "c is nan"),
        ({"gamma": 1.5}, r"gamma is 1\.5"),
        ({"env": None}, "a tree needs finitely many actions"),
        ({"env": MaximizationBias()}, "in each of its states all actions must be allowed"),
        ({"rng": 0}, "rng is int; it must be a Generator"),
    ],
)
def test_it_refuses(wrong, message):
    kw = {"env": walk(), "state": 0, "simulations": 1, "depth": 1, "c": 1.0, "gamma": 0.9, "rng": stream()}
    with pytest.raises(ValueError, match=message):
        uct(**{**kw, **wrong})


def test_it_refuses_actions_that_are_real():
    class Steered:
        actions = Box(np.array([-1.0]), np.array([1.0]))

    with pytest.raises(ValueError, match="env is Steered; a tree needs finitely many actions"):
        uct(Steered(), 0, simulations=1, depth=1, c=1.0, gamma=1.0, rng=stream())
