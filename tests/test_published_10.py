"""What chapter 10 says in numbers: bias and variance of GAE, limits of critics that mistake a cut, broken learners.

Exact where nothing is said; sampled rows are |z| <= 4, each of which fails once in 16,000 fresh seeds.
"""

from pathlib import Path

import numpy as np
import pytest

from chapters.ch10_actor_critic.broken import LEARNERS, passes, verdicts
from chapters.ch10_actor_critic.solutions import bias_and_variance, fooled_critic
from rlcore.exact.gradients import policy_gradient
from rlcore.exact.moments import moments, trajectories
from rlcore.exact.values import policy_value
from rlcore.learning.estimators import gae_advantage, gradient_estimate
from rlcore.learning.on_policy import explained_variance, td, whole_episodes
from rlcore.learning.rollout import Runner
from rlcore.numerics import categorical
from rlcore.problems.chains import recycling_robot
from rlcore.problems.clock import at_any_time, with_clock
from rlcore.problems.mdp import MDP
from rlcore.problems.probes import PROBES, cut_short
from tools import figures

STEPS = 6
DAY = with_clock(recycling_robot(alpha=0.7, beta=0.4), STEPS)
PI = at_any_time(np.full((2, 3), 1 / 3), STEPS)
V = policy_value(DAY, PI)


def committed(name):
    with np.load(Path(figures.FIGURES) / f"{name}.npz") as data:
        return dict(data)


def over_time(gradient):
    return gradient.reshape(*gradient.shape[:-2], STEPS + 1, 2, 3).sum(axis=-3)


def gae_gradient(critic, lam):
    def estimator(walks):
        weight = gae_advantage(walks, critic, gamma=DAY.gamma, lam=lam)
        return over_time(gradient_estimate(walks, PI, weight, gamma=DAY.gamma))

    return estimator


# ---------------------------------------------------------------- bias and variance


@pytest.mark.parametrize("lam", [0.0, 0.8, 1.0])
def test_enumeration_is_what_sampling_finds(lam):
    """20,000 days with a critic that is half right: each of 6 means, and the variance."""
    n, estimator = 20_000, gae_gradient(V / 2, lam)
    mean, covariance = moments(DAY, PI, estimator, STEPS)
    act = lambda state, rng: (categorical(PI[state], rng), np.full(len(state), -np.log(3)))
    x = estimator(whole_episodes(Runner(DAY, n, np.random.default_rng(0)), act)).reshape(n, -1)
    z = (x.mean(axis=0) - mean.ravel()) / (x.std(axis=0) / np.sqrt(n))
    assert np.abs(z).max() <= 4
    square = ((x - mean.ravel()) ** 2).sum(axis=1)
    z = (square.mean() - np.trace(covariance)) / (square.std() / np.sqrt(n))
    assert abs(z) <= 4


def test_the_error_of_a_mean_is_bias_and_a_part_of_the_variance():
    """Enumerated: all pairs of days for n = 2, against the formula."""
    walks, estimator = trajectories(DAY, PI, STEPS), gae_gradient(V / 2, 0.5)
    x, p = estimator(walks).reshape(-1, 6)[::37], walks.probability[::37]
    p = p / p.sum()
    truth = over_time(policy_gradient(DAY, np.zeros_like(PI))).ravel()
    square = (((x[:, None] + x) / 2 - truth) ** 2).sum(axis=2)
    assert bias_and_variance(x, p, truth, 2)[2] == pytest.approx(p @ square @ p, rel=1e-12)


@pytest.mark.parametrize(("critic", "bias"), [(V, 0.0), (V / 2, 0.5)], ids=["exact", "half"])
def test_what_leaks_from_the_next_day(critic, bias):
    """A day's first advantage is what an accumulator that is not reset would add to the day before."""
    first = lambda walks: gae_advantage(walks, critic, gamma=DAY.gamma, lam=0.8)[0]
    mean, variance = moments(DAY, PI, first, STEPS)
    assert abs(mean) < 1e-12 if bias == 0 else mean > bias
    assert variance > 0.6


def test_figure_10_1_says_what_the_text_says():
    data = committed("fig_10_1_bias_variance")
    exact, noisy, half, nothing = range(4)
    bias2, variance = data["bias2"], data["variance"]
    assert np.abs(bias2[exact]).max() < 1e-20  # no bias with the policy's own V
    assert np.abs(bias2[:, -1]).max() < 1e-20  # nor with lambda = 1
    assert (np.diff(bias2[[half, nothing]]) < 0).all()
    assert 3 < variance[exact, -1] / variance[exact, 0] < 3.3  # the one-step advantage has the low variance
    assert 8 < variance[half, -1] / variance[half, 0] < 8.4
    assert variance[noisy, 0] > variance[noisy, -1] > variance[noisy].min()  # unless the critic is noise
    assert bias2[noisy].max() < 1e-3
    assert variance[exact, -1] < variance[nothing, -1] / 10
    best = [(bias2[half] + variance[half] / n).argmin() for n in (1, 10, 100, 1000)]
    assert best == [0, 0, 10, 17]


def test_figure_10_4_says_what_the_text_says():
    """Monte Carlo is largest at the truth, and below 1; TD rates twice the truth above it."""
    td_targets, _, monte_carlo, true = committed("fig_10_4_explained")["explained"]
    right, twice = 20, 40
    assert monte_carlo.argmax() == true.argmax() == right
    assert true[right] == pytest.approx(1, abs=1e-12)
    assert monte_carlo[right] < 0.8
    assert td_targets[twice] > td_targets[right] + 0.02
    walks = trajectories(DAY, PI, STEPS)
    rng = np.random.default_rng(0)
    days = rng.choice(len(walks.probability), 20_000, p=walks.probability)
    v, after = V[walks.state][:, days], V[walks.next_state][:, days]
    error = td(walks.reward[:, days], v, after, walks.terminated[:, days], walks.done[:, days], gamma=0.9)
    assert explained_variance(v.ravel(), (v + error).ravel()) == pytest.approx(td_targets[right], abs=0.01)


# ---------------------------------------------------------------- critics that mistake a cut


def test_limits_of_a_fooled_critic():
    """On the probe as its docstring says; on figure 10.2's corridor as the figure has it."""
    probe = cut_short()
    args = probe.P[:, 0], probe.R[:, 0].mean(axis=1), probe.start
    np.testing.assert_allclose(fooled_critic(*args, 3, 0.9)[1], 1 / (1 - 0.9 / 2), rtol=0, atol=1e-12)
    script = figures.load(figures.FIGURES / "fig_10_2_cuts.py")
    data = script.compute()
    fooled = fooled_critic(*script.corridor(), script.HORIZON, script.GAMMA)
    np.testing.assert_allclose(data["V"][2], fooled, rtol=0, atol=1e-12)
    assert (np.diff(data["V"], axis=0) < 0).all()  # from the reset, cut for an end, cut returns: ever lower
    assert (data["last"][1:, -1] > 0.98 * data["last"][0, -1]).all()


def test_a_fooled_critic_by_walking():
    """Least-squares TD on 40 x 500 cut episodes of the corridor; 30 rows."""
    script = figures.load(figures.FIGURES / "fig_10_2_cuts.py")
    (P, r, start), S, T = script.corridor(), script.ROOMS, script.HORIZON
    walk = MDP(P[:, None], r[:, None], script.GAMMA, start, np.zeros(S, bool), horizon=T)
    runner, still = Runner(walk, 500, np.random.default_rng(0)), lambda state, rng: (0 * state, 0.0 * state)
    found = []
    for _ in range(40):
        tape = runner.collect(still, T)
        x, x_next = np.eye(S)[tape.state.ravel()], np.eye(S)[tape.next_state.ravel()]
        x_reset = np.eye(S)[np.vstack([tape.state[1:], runner.state]).ravel()]
        stop = tape.truncated.ravel()[:, None]
        found.append(
            [
                np.linalg.solve(x.T @ (x - script.GAMMA * after), x.T @ tape.reward.ravel())
                for after in (x_next, np.where(stop, x_reset, x_next), np.where(stop, 0, x_next))
            ]
        )
    z = (np.mean(found, axis=0) - script.limits(T)[:3]) / (np.std(found, axis=0, ddof=1) / np.sqrt(40))
    assert np.abs(z).max() <= 4


# ---------------------------------------------------------------- learners on CartPole


def test_figure_10_3_says_what_the_text_says():
    """Means of the second half, eight seeds: who looks further balances longer, and a critic that runs ahead helps.

    Redrawn elsewhere, with other bits, it would fail about once in 1,000 times.
    """
    score = committed("fig_10_3_cartpole")["score"]
    td_both, gae_both, mc_both, td_actor, td_critic, td_slow = score[:, :, 5:].mean(axis=(1, 2))
    assert min(gae_both, mc_both, td_critic) > max(td_both, td_actor) + 60
    assert td_slow > td_both


# ---------------------------------------------------------------- learners with a fault

FIRST = {
    "forgets the successor": "two_steps",
    "forgets the discount": "two_steps",
    "counts V behind an end": "one_step",
    "(B, 1) against (B,)": "two_steps",
    "a critic that sees nothing": "two_steps",
    "advantage of the wrong sign": "one_choice",
    "advantage one row late": "one_choice",
    "an actor that sees nothing": "two_choices",
    "takes a cut for an end": "cut_short",
    "bootstraps from the reset": "cut_short",
}


@pytest.mark.parametrize("name", FIRST)
def test_a_fault_is_found_by_its_probe(name):
    """And not by the probe before it, which the faulty learner passes."""
    probe, order = FIRST[name], list(PROBES)
    assert not passes(PROBES[probe](), **LEARNERS[name])
    if order.index(probe):
        assert passes(PROBES[order[order.index(probe) - 1]](), **LEARNERS[name])


def test_a_learner_without_a_fault_passes():
    assert LEARNERS.keys() - FIRST.keys() == {"nothing is wrong"}
    assert all(verdicts({}).values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("name", LEARNERS)
def test_faults_with_other_seeds(name, seed):
    marks = verdicts(LEARNERS[name], seed)
    first = next((probe for probe, passed in marks.items() if not passed), None)
    assert first == FIRST.get(name)
