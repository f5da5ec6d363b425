"""PPO on CartPole beside tuned Stable-Baselines3, and CartPole itself beside Gymnasium's vector environment.

pytest tests/benchmarks/bench_ppo.py      (about two minutes; the extra `bench` installs the peer)

Processor seconds on one thread, in one run, the peer's turns between ours, so that a noisy machine is unfair
to both alike. The table goes to tests/benchmarks/PPO.md.

    solve      training alone, until the mean return of 100 episodes with drawn actions is 475 or more,
               looked at every 1,024 steps; what the looking takes is not counted
    steps/s    both with the peer's settings, nothing judged
    process    a process that imports, trains as long as `solve` took, and judges once
    stepping   random actions; episodes end, are counted and begin anew, as in the peer's vector environment
"""

import importlib.util
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import gymnasium
import numpy as np
import pytest

from rlcore.learning.rollout import make_runner
from rlcore.problems.cartpole import CartPole

sys.path.insert(0, str(Path(__file__).parent))
from bench_dp import machine
from one_ppo import SOLVED, TUNED, ours, peer

HERE = Path(__file__).parent
SEEDS, PEER_SEEDS = 20, 5
GOALS = {"solve": 15, "rate": 10, "process": 20, 8: 2.0, 64: 1.5, 1024: 1.4}
FOUND: dict = {}


@pytest.fixture(scope="module", autouse=True)
def there_is_a_peer():
    if not importlib.util.find_spec("stable_baselines3"):
        pytest.fail("the peer, stable-baselines3, is not installed; `make bench` installs it")


def test_solve():
    """All 20 seeds, and the peer's five between them. Our first run, which loads the libraries, is thrown away."""
    ours(1000, steps=1024), peer(1000, steps=1024)
    mine, theirs = [], []
    for seed in range(SEEDS):
        row, seconds = ours(seed, stop_at=SOLVED)
        mine.append((seconds, row["step"], row["score"]))
        if seed % (SEEDS // PEER_SEEDS) == 0:
            step, score, seconds = peer(seed // (SEEDS // PEER_SEEDS), stop_at=SOLVED)
            theirs.append((seconds, step, score))
    FOUND["solve"] = {"ours": mine, "peer": theirs}
    assert all(score >= SOLVED for _, _, score in mine)


def test_steps_per_second():
    """Three times 10,240 steps each, alternately."""
    n, mine, theirs = 10_240, [], []
    for seed in range(3):
        mine.append(n / ours(seed, steps=n, eval_every=10**6, **TUNED)[1])
        step, _, seconds = peer(seed, steps=n, every=n)
        theirs.append(step / seconds)
    FOUND["rate"] = {"ours": mine, "peer": theirs}


def test_process():
    """As many steps as `solve` took, with the same seeds, so learning is the same; one judgement at the end."""
    FOUND["process"] = {}
    for who, name in (("rlcore", "ours"), ("peer", "peer")):
        runs = [
            process(who, seed, step) for seed, (_, step, _) in enumerate(FOUND["solve"][name][:PEER_SEEDS])
        ]
        FOUND["process"][name] = runs


def process(who, seed, steps):
    """Processor seconds of a process and of what it started."""
    command = [sys.executable, str(HERE / "one_ppo.py"), who, str(seed), str(steps)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    score = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert score > 400  # the judge's episodes are others than those that said 475
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("n", [8, 64, 1024])
def test_stepping(n):
    """Median of seven rounds each, alternately."""
    T = 2000 if n < 1000 else 400
    actions = np.random.default_rng(0).integers(2, size=(T, n))
    runner = make_runner(CartPole(), n, np.random.default_rng(0))
    envs = gymnasium.make_vec("CartPole-v1", num_envs=n, vectorization_mode="vector_entry_point")
    envs.reset(seed=0)

    def rate(step):
        begin = time.process_time()
        for action in actions:
            step(action)
        return T * n / (time.process_time() - begin)

    rounds = [(rate(runner.step), rate(envs.step)) for _ in range(7)]
    FOUND[n] = {"ours": [mine for mine, _ in rounds], "peer": [theirs for _, theirs in rounds]}


def spread(runs):
    """Median and worst."""
    return f"{median(runs):.2f} s, worst {max(runs):.2f} s"


def table():
    solve = {name: list(zip(*runs)) for name, runs in FOUND["solve"].items()}
    took = {name: (columns[0], median(columns[1])) for name, columns in solve.items()}
    rows = [
        (
            "solve",
            f"CartPole-v1 solved: {SEEDS} seeds of {SEEDS}; the peer's {PEER_SEEDS} seeds",
            *(f"{spread(took[name][0])}, {took[name][1]:,.0f} steps" for name in ("ours", "peer")),
            median(took["peer"][0]) / median(took["ours"][0]),
        ),
        (
            "rate",
            "steps a second, the peer's settings, 3 runs",
            *(f"{median(FOUND['rate'][name]):,.0f}" for name in ("ours", "peer")),
            median(FOUND["rate"]["ours"]) / median(FOUND["rate"]["peer"]),
        ),
        (
            "process",
            f"process: import, train, judge once; {PEER_SEEDS} seeds",
            *(spread(FOUND["process"][name]) for name in ("ours", "peer")),
            median(FOUND["process"]["peer"]) / median(FOUND["process"]["ours"]),
        ),
    ]
    for n in (8, 64, 1024):
        rate = {name: median(runs) for name, runs in FOUND[n].items()}
        rows.append(
            (
                n,
                f"stepping, {n} environments, steps a second (Gymnasium's vector environment)",
                *(f"{rate[name] / 1e6:.2f} million" for name in ("ours", "peer")),
                rate["ours"] / rate["peer"],
            )
        )
    versions = {name: __import__(name).__version__ for name in ("torch", "stable_baselines3")}
    lines = [
        "# PPO on CartPole, beside tuned Stable-Baselines3; CartPole, beside Gymnasium",
        "",
        f"{machine()}. Python {platform.python_version()}, numpy {np.__version__}, torch {versions['torch']}, "
        f"stable-baselines3 {versions['stable_baselines3']}, gymnasium {gymnasium.__version__}.",
        "",
        "Processor seconds, one thread, medians; two hidden layers of 64 for policy and critic each. Ours: the",
        "defaults of `PPOConfig`. The peer: the settings that its own zoo tuned for this task. Solved: the mean",
        "return of 100 episodes with drawn actions is 475 or more, looked at every 1,024 steps, not counted.",
        "",
        "| what | rlcore | peer | how many times faster | goal |",
        "|---|---|---|---|---|",
        *(
            f"| {what} | {mine} | {theirs} | {x:.1f}x | {GOALS[key]:g}x |"
            for key, what, mine, theirs, x in rows
        ),
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module", autouse=True)
def report(pytestconfig, there_is_a_peer):
    """When all has run: print the table and keep it."""
    yield
    if FOUND.keys() == GOALS.keys():
        with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print("\n\n" + table())
        (HERE / "PPO.md").write_text(table())
