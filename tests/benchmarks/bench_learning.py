"""The classic figures in lock-step, beside our own plain loops, in one run, on one thread.

pytest tests/benchmarks/bench_learning.py      (about a minute)

Each row does the work of one figure of Sutton & Barto, with the same runs, steps and averages. The plain
loop is `rlcore.plain`, the code that the chapter shows; it does a fraction of the work, and its time is
scaled up. Times are processor seconds. The column `public` holds, for orientation, the processor seconds of
public per-run Python programs for the same figures, measured once on another two-core machine.
"""

import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from rlcore.algorithms import bandits, batch, linear, monte_carlo, n_step, planning, td, traces
from rlcore.learning.features import Tiles, dense
from rlcore.learning.returns import ordinary_average, weighted_average
from rlcore.learning.tapes import record
from rlcore.plain import bandits as plain_bandits
from rlcore.plain import batch as plain_batch
from rlcore.plain import linear as plain_linear
from rlcore.plain import monte_carlo as plain_monte_carlo
from rlcore.plain import n_step as plain_n_step
from rlcore.plain import planning as plain_planning
from rlcore.plain import td as plain_td
from rlcore.plain import traces as plain_traces
from rlcore.problems.bandits import gaussian_testbed
from rlcore.problems.blackjack import Blackjack, state_of, stick_from
from rlcore.problems.chains import random_walk
from rlcore.problems.gridworlds import cliff, dyna_maze
from rlcore.problems.mountain_car import MountainCar

sys.path.insert(0, str(Path(__file__).parent))
from bench_dp import machine

HERE = Path(__file__).parent
ROWS: dict[str, dict] = {}


@dataclass(frozen=True)
class Figure:
    """What a figure costs: `fast()` does all of its work, `plain()` one part in `parts`."""

    fast: Callable[[], object]
    plain: Callable[[], object]
    parts: float
    work: str
    goal: int | None = None  # how many times faster than the public program
    public: float | None = None  # its processor seconds


STREAM = np.random.default_rng(0)


def rng():
    """One stream for all: a part of the work, three times, is then not three times the same."""
    return STREAM


def each(*settings):
    """2,000 runs of every setting in one call: (0, .1) -> 2,000 zeros, then 2,000 tenths."""
    return np.repeat(settings, 2000)


def arms(runs, shift=0.0):
    return gaussian_testbed(runs, shift=shift, rng=rng())


def fast_2_2():
    bandits.epsilon_greedy_bandit(arms(6000), steps=1000, epsilon=each(0, 0.01, 0.1), rng=rng())


def plain_2_2():
    for epsilon in (0, 0.01, 0.1):
        plain_bandits.epsilon_greedy_bandit(arms(1), steps=1000, epsilon=epsilon, rng=rng())


def fast_2_3():
    bandits.epsilon_greedy_bandit(
        arms(4000), steps=1000, epsilon=each(0, 0.1), alpha=0.1, Q1=each(5.0, 0.0), rng=rng()
    )


def plain_2_3():
    for epsilon, Q1 in ((0, 5.0), (0.1, 0.0)):
        plain_bandits.epsilon_greedy_bandit(arms(1), steps=1000, epsilon=epsilon, alpha=0.1, Q1=Q1, rng=rng())


def fast_2_4():
    bandits.ucb_bandit(arms(2000), steps=1000, c=2.0, rng=rng())
    bandits.epsilon_greedy_bandit(arms(2000), steps=1000, epsilon=0.1, rng=rng())


def plain_2_4():
    plain_bandits.ucb_bandit(arms(1), steps=1000, c=2.0, rng=rng())
    plain_bandits.epsilon_greedy_bandit(arms(1), steps=1000, epsilon=0.1, rng=rng())


def fast_2_5():
    alpha, baseline = each(0.1, 0.4, 0.1, 0.4), each(True, True, False, False)
    bandits.gradient_bandit(arms(8000, 4.0), steps=1000, alpha=alpha, baseline=baseline, rng=rng())


def plain_2_5():
    for alpha in (0.1, 0.4):
        for baseline in (True, False):
            plain_bandits.gradient_bandit(arms(1, 4.0), steps=1000, alpha=alpha, baseline=baseline, rng=rng())


CARDS, HAND = Blackjack(), Blackjack(start=state_of(13, True, 2))
RULE, COIN = np.eye(2)[stick_from(20)], np.full((203, 2), 0.5)


def fast_5_1():
    monte_carlo.mc_average(CARDS, RULE, episodes=500_000, gamma=1.0, rng=rng())


def plain_5_1():
    plain_monte_carlo.mc_prediction(CARDS, RULE, episodes=5_000, gamma=1.0, rng=rng())


def fast_5_3():
    W, G = monte_carlo.weighed_returns(HAND, RULE, COIN, episodes=10_000, gamma=1.0, rng=rng(), runs=100)
    return ordinary_average(W, G), weighted_average(W, G)


def plain_5_3():
    for weighted in (True, False):
        plain_monte_carlo.off_policy_prediction(
            HAND, RULE, COIN, episodes=2_500, gamma=1.0, rng=rng(), weighted=weighted
        )


FIVE, ONE_WAY = random_walk(5), np.ones((7, 1))


def fast_6_2():
    for learn in (batch.batch_td, batch.batch_mc):
        learn(FIVE, ONE_WAY, episodes=100, gamma=1.0, rng=rng(), runs=100, V0=0.5)


def presented_6_2():
    for learn in (batch.batch_td, batch.batch_mc):
        learn(FIVE, ONE_WAY, episodes=100, gamma=1.0, rng=rng(), runs=100, V0=0.5, alpha=1e-3)


def plain_6_2():
    for learn in (plain_batch.batch_td, plain_batch.batch_mc):
        learn(FIVE, ONE_WAY, episodes=100, alpha=1e-3, gamma=1.0, rng=rng(), V0=np.array([0, *[0.5] * 5, 0]))


CLIFF = {"episodes": 500, "alpha": 0.5, "epsilon": 0.1, "gamma": 1.0}


def fast_6_4(runs=50):
    for learn in (td.sarsa, td.q_learning):
        learn(cliff(), rng=rng(), runs=runs, **CLIFF)


def plain_6_4():
    for learn in (plain_td.sarsa, plain_td.q_learning):
        learn(cliff(), rng=rng(), **CLIFF)


NINETEEN, EITHER_WAY = random_walk(19, left=-1.0), np.ones((21, 1))
ALPHAS, STEPS, LAMBDAS = np.linspace(0, 1, 11), 2 ** np.arange(10), (0, 0.4, 0.8, 0.9, 0.95, 0.975, 0.99, 1)


def fast_7_2():
    tape = record(NINETEEN, EITHER_WAY, episodes=10, runs=100, rng=rng())
    for n in STEPS.tolist():
        n_step.n_step_td_from(tape, alpha=ALPHAS[:, None], gamma=1.0, n=n)


def plain_7_2():
    for n in STEPS.tolist():
        for alpha in ALPHAS:
            plain_n_step.n_step_td(NINETEEN, EITHER_WAY, episodes=10, alpha=alpha, gamma=1.0, rng=rng(), n=n)


def fast_12_3():
    tape = record(NINETEEN, EITHER_WAY, episodes=10, runs=50, rng=rng())
    lam = np.array(LAMBDAS)[:, None, None]
    traces.offline_lambda_return_from(tape, alpha=ALPHAS[:, None], lam=lam, gamma=1.0)


def plain_12_3():
    for lam in LAMBDAS:
        for alpha in ALPHAS:
            plain_traces.offline_lambda_return(
                NINETEEN, EITHER_WAY, episodes=10, alpha=alpha, gamma=1.0, rng=rng(), lam=lam
            )


MAZE = {"episodes": 50, "alpha": 0.1, "epsilon": 0.1, "gamma": 0.95}


def fast_8_2():
    for n in (0, 5, 50):
        planning.dyna_q(dyna_maze(), planning=n, rng=rng(), runs=30, **MAZE)


def plain_8_2():
    for n in (0, 5, 50):
        plain_planning.dyna_q(dyna_maze(), planning=n, rng=rng(), **MAZE)


TILES = Tiles((-1.2, -0.07), (0.5, 0.07), 8, 8)


def fast_10_2():
    alpha = np.repeat((0.1, 0.2, 0.5), 30) / 8
    linear.semi_gradient_sarsa(
        MountainCar(horizon=10_000),
        TILES,
        episodes=100,
        alpha=alpha,
        epsilon=0.0,
        gamma=1.0,
        rng=rng(),
        runs=90,
    )


def plain_10_2():
    for alpha in (0.1, 0.2, 0.5):
        plain_linear.semi_gradient_sarsa(
            MountainCar(horizon=10_000),
            lambda s: dense(TILES(s), TILES.n),
            np.zeros((3, TILES.n)),
            episodes=100,
            alpha=alpha / 8,
            epsilon=0.0,
            gamma=1.0,
            rng=rng(),
        )


FIGURES = {
    "2.2 epsilon-greedy": Figure(fast_2_2, plain_2_2, 2000, "2,000 runs x 1,000 steps x 3", 100, 43.5),
    "2.3 optimism": Figure(fast_2_3, plain_2_3, 2000, "2,000 runs x 1,000 steps x 2", 100, 28.9),
    "2.4 UCB": Figure(fast_2_4, plain_2_4, 2000, "2,000 runs x 1,000 steps x 2", 100, 33.9),
    "2.5 gradient bandit": Figure(fast_2_5, plain_2_5, 2000, "2,000 runs x 1,000 steps x 4", 100, 81.7),
    "5.1 blackjack": Figure(fast_5_1, plain_5_1, 100, "500,000 games"),
    "5.3 importance sampling": Figure(fast_5_3, plain_5_3, 400, "100 runs x 10,000 games x 2"),
    "6.2 batch, solved": Figure(fast_6_2, plain_6_2, 100, "100 runs x 100 episodes x 2", 100, 26.3),
    "6.2 batch, presented": Figure(presented_6_2, plain_6_2, 100, "100 runs x 100 episodes x 2", 100, 26.3),
    "6.4 cliff": Figure(fast_6_4, plain_6_4, 50, "50 runs x 500 episodes x 2", 40, 14.7),
    "6.4 cliff, 500 runs": Figure(lambda: fast_6_4(500), plain_6_4, 500, "500 runs x 500 episodes x 2"),
    "7.2 n-step": Figure(fast_7_2, plain_7_2, 100, "100 runs x 10 episodes x 110", 100, 108),
    "12.3 lambda-return": Figure(fast_12_3, plain_12_3, 50, "50 runs x 10 episodes x 88", 100, 74.5),
    "8.2 Dyna maze": Figure(fast_8_2, plain_8_2, 30, "30 runs x 50 episodes x 3"),
    "10.2 mountain car": Figure(fast_10_2, plain_10_2, 30, "30 runs x 100 episodes x 3"),
}


def cpu(f):
    begin = time.process_time()
    f()
    return time.process_time() - begin


@pytest.mark.parametrize("name", FIGURES)
def test_figure(name):
    """Alternately, three times each, after a small warm-up of both."""
    figure = FIGURES[name]
    figure.plain()
    fast, plain = zip(*((cpu(figure.fast), cpu(figure.plain)) for _ in range(3)))
    ROWS[name] = {"fast": median(fast), "plain": median(plain) * figure.parts}


def table():
    lines = [
        "# Learning: the figures of Sutton & Barto in lock-step, beside our own plain loops",
        "",
        f"{machine()}. Python {platform.python_version()}, numpy {np.__version__}.",
        "",
        "Processor seconds, one thread, medians of three. `plain` is `rlcore.plain`, run on a part of the work and",
        "scaled up. `public`: per-run Python programs that are public, measured once on another two-core machine,",
        "so its ratio is for orientation.",
        "",
        "| figure | work | plain | lock-step | plain / lock-step | public | public / lock-step | goal |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in ROWS.items():
        figure = FIGURES[name]
        public = f"{figure.public:g} s | {figure.public / row['fast']:.0f}x" if figure.public else " | "
        goal = f"{figure.goal}x" if figure.goal else ""
        lines.append(
            f"| {name} | {figure.work} | {row['plain']:.1f} s | {row['fast']:.2f} s "
            f"| {row['plain'] / row['fast']:.0f}x | {public} | {goal} |"
        )
    with_goal = [row["fast"] for name, row in ROWS.items() if FIGURES[name].goal]
    lines += ["", f"The figures with a goal, together: {sum(with_goal):.1f} s."]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module", autouse=True)
def report(pytestconfig):
    """When all has run: print the table and keep it."""
    yield
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n\n" + table())
    if len(ROWS) == len(FIGURES):
        (HERE / "LEARNING.md").write_text(table())
