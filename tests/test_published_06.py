"""Published numbers of chapter 6: Sutton & Barto, Examples 6.2, 6.5, 6.6 and 6.7.

The figures come from simulations that share no code with this one, each with its standard error. A
comparison passes where

    |z| <= 4,   z = (ours - theirs) / sqrt(se_ours^2 + se_theirs^2),

so a right program fails one comparison with probability 6.3e-5, and one of the 56 below with probability
3.6e-3 at most, under a seed drawn anew; the seeds here are fixed. The default suite runs a part of each
experiment; the full size is marked slow.
"""

import math

import numpy as np
import pytest

from rlcore.algorithms.batch import batch_mc, batch_td
from rlcore.algorithms.monte_carlo import mc_prediction
from rlcore.algorithms.td import double_q_learning, expected_sarsa, q_learning, sarsa, td0
from rlcore.problems.chains import LEFT, MaximizationBias, random_walk
from rlcore.problems.gridworlds import cliff, windy

TRUE = np.arange(7) / 6
V0 = np.array([0, 0.5, 0.5, 0.5, 0.5, 0.5, 0])
WALK = np.ones((7, 1))


def z(ours, published, se):
    """ours: one number a run."""
    return (ours.mean() - published) / math.hypot(ours.std(ddof=1) / math.sqrt(len(ours)), se)


def rms(V):
    """The error of the five values, root mean square over them.   (..., 7) -> (...)"""
    return np.sqrt(((V - TRUE)[..., 1:-1] ** 2).mean(axis=-1))


# ---------------------------------------------------------------- Example 6.2: the random walk

# method, alpha, after how many episodes: RMS error averaged over 20,000 runs, standard error
EXAMPLE_6_2 = [
    ("TD", 0.05, 100, 0.035286426658, 0.000116200595),
    ("TD", 0.05, 10, 0.174586781578, 0.000016678012),
    ("TD", 0.1, 100, 0.055323172260, 0.000163245372),
    ("TD", 0.1, 10, 0.128429971560, 0.000059101982),
    ("TD", 0.15, 100, 0.070198765649, 0.000197591377),
    ("TD", 0.15, 10, 0.095059776659, 0.000124152828),
    ("MC", 0.01, 100, 0.097175983826, 0.000164347444),
    ("MC", 0.02, 100, 0.081886764355, 0.000280303374),
    ("MC", 0.03, 100, 0.093750483681, 0.000341921371),
    ("MC", 0.04, 100, 0.107399935148, 0.000386001213),
]


def errors(method, alpha, episodes, runs, seed=6):
    """The RMS error of each run after so many episodes."""
    arguments = {"episodes": episodes, "alpha": alpha, "gamma": 1.0, "runs": runs, "V0": V0}
    arguments["rng"] = np.random.default_rng(seed)
    if method == "TD":
        return rms(td0(random_walk(), WALK, **arguments).V)
    return rms(mc_prediction(random_walk(), WALK, first_visit=False, **arguments).V)


def test_the_error_before_learning():
    assert rms(V0) == pytest.approx(0.235702, abs=5e-7)


@pytest.mark.parametrize(("method", "alpha", "episodes", "mean", "se"), EXAMPLE_6_2)
def test_random_walk(method, alpha, episodes, mean, se):
    assert abs(z(errors(method, alpha, episodes, runs=250), mean, se)) <= 4


@pytest.mark.slow
@pytest.mark.parametrize(("method", "alpha", "episodes", "mean", "se"), EXAMPLE_6_2)
def test_random_walk_full(method, alpha, episodes, mean, se):
    """As many runs as the reference has."""
    assert abs(z(errors(method, alpha, episodes, runs=20_000), mean, se)) <= 4


def test_random_walk_would_notice_another_step_size():
    """The test can fail: at a step size 10 percent off, z is beyond 4 with these 500 runs."""
    wrong = errors("TD", 0.11, 10, runs=500)
    assert abs(z(wrong, 0.128429971560, 0.000059101982)) > 10


# ---------------------------------------------------------------- Example 6.3: batch updating


def test_batch_td_beats_batch_monte_carlo():
    """S&B, Figure 6.2: after every one of 100 episodes, for the mean of 100 runs, paired."""
    curves = [
        rms(
            f(
                random_walk(), WALK, episodes=100, gamma=1.0, rng=np.random.default_rng(1), runs=100, V0=V0
            ).trace
        )
        for f in (batch_td, batch_mc)
    ]
    assert (curves[0].mean(axis=1) <= curves[1].mean(axis=1) + 1e-12).all()
    lead = (curves[1] - curves[0])[-1]
    assert lead.mean() > 5 * lead.std() / 10


# ---------------------------------------------------------------- Example 6.5: the windy gridworld


def windy_steps(runs, steps=8000, seed=0):
    """SARSA, alpha = 0.5, epsilon = 0.1: episodes finished in 8,000 steps, and the mean length of the last ones.

    -> (runs,), (runs,): the length is that of the episodes that end in the last 2,000 of the 8,000 steps
    """
    control = sarsa(
        windy(), episodes=230, alpha=0.5, epsilon=0.1, gamma=1.0, rng=np.random.default_rng(seed), runs=runs
    )
    end = control.lengths.cumsum(axis=1)
    assert (end[:, -1] > steps).all()  # 230 episodes are enough
    late = (end > steps - 2000) & (end <= steps)
    return (end <= steps).sum(axis=1), (control.lengths * late).sum(axis=1) / late.sum(axis=1)


def test_windy_gridworld():
    """300 runs. How many episodes 8,000 steps hold has a z. How long the last ones are has only a band, 24 to 28.

    The reference gives 25.978 for them and does not say over which episodes it averages. The last 2,000 steps
    were chosen here among four readings, because they agree best; so they prove nothing of the reference.
    The band tells SARSA from learners that are wrong: Q-learning comes to 18.7, expected SARSA to 20.1, SARSA
    with alpha = 0.4 to 31.8, with epsilon = 0.05 to 20.8. "About 17" is where it goes in the end (-17.05333).
    """
    finished, length = windy_steps(300)
    assert abs(z(finished, 159.944, 0.222941)) <= 4
    assert 24 < length.mean() < 28


@pytest.mark.slow
def test_windy_gridworld_full():
    finished, _ = windy_steps(2000)
    assert abs(z(finished, 159.944, 0.222941)) <= 4


# ---------------------------------------------------------------- Example 6.6: the cliff

CLIFF = {  # mean return per episode of 2,000 runs, standard error: episodes 1-100, episodes 401-500
    sarsa: ((-71.46870, 0.151142), (-26.97219, 0.156708)),
    q_learning: ((-80.689975, 0.157349), (-50.088635, 0.156596)),
    expected_sarsa: ((-56.217265, 0.072667), (-20.806665, 0.044917)),
}


def cliff_returns(learner, runs, episodes=500):
    return learner(
        cliff(), episodes=episodes, alpha=0.5, epsilon=0.1, gamma=1.0, rng=np.random.default_rng(0), runs=runs
    ).returns


@pytest.mark.parametrize("learner", CLIFF)
def test_cliff_early(learner):
    """Episodes 1 to 100, 200 runs."""
    assert abs(z(cliff_returns(learner, 200, 100).mean(axis=1), *CLIFF[learner][0])) <= 4


@pytest.mark.slow
@pytest.mark.parametrize("learner", CLIFF)
def test_cliff_full(learner):
    """2,000 runs of 500 episodes."""
    returns = cliff_returns(learner, 2000)
    assert abs(z(returns[:, :100].mean(axis=1), *CLIFF[learner][0])) <= 4
    assert abs(z(returns[:, -100:].mean(axis=1), *CLIFF[learner][1])) <= 4


def test_cliff_late():
    """Episodes 401 to 500 of Q-learning, 60 runs: near -50.80, what the epsilon-greedy optimum earns."""
    assert abs(z(cliff_returns(q_learning, 60)[:, -100:].mean(axis=1), *CLIFF[q_learning][1])) <= 4


# ---------------------------------------------------------------- Example 6.7: maximization bias

EPISODES = (1, 10, 50, 100, 200, 300)
WENT_LEFT = {  # the share of 50,000 runs that went left in that episode
    q_learning: (0.49926, 0.87082, 0.82662, 0.46266, 0.15584, 0.11846),
    double_q_learning: (0.50204, 0.45562, 0.13966, 0.09204, 0.07324, 0.06850),
}


def went_left(learner, runs, seed=0):
    """Whether each run went left in each of 300 episodes: then it took two steps.   -> (runs, 300)"""
    control = learner(
        MaximizationBias(),
        episodes=300,
        alpha=0.1,
        epsilon=0.1,
        gamma=1.0,
        rng=np.random.default_rng(seed),
        runs=runs,
    )
    assert LEFT == 0
    return control.lengths == 2


def check_left(learner, runs):
    left = went_left(learner, runs)
    for episode, share in zip(EPISODES, WENT_LEFT[learner]):
        se = math.sqrt(share * (1 - share) / 50_000)
        assert abs(z(left[:, episode - 1].astype(float), share, se)) <= 4, episode


@pytest.mark.parametrize("learner", WENT_LEFT)
def test_maximization_bias(learner):
    check_left(learner, runs=2000)


@pytest.mark.slow
@pytest.mark.parametrize("learner", WENT_LEFT)
def test_maximization_bias_full(learner):
    check_left(learner, runs=50_000)
