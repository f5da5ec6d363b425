"""Our solver beside QuantEcon's best, in one run, on one thread, with the same certified error.

pytest tests/benchmarks/bench_dp.py      (about four minutes; the extra `bench` installs the peer)

Every number goes to tests/benchmarks/RESULTS.md: seconds of both, their ratio, the bound that `solve` proved, the
error of both against a reference solved to 1e-8, and for the largest grid the peak of memory of a process of
its own. The peer's method is the fastest, on the problem at hand, of value iteration and modified policy
iteration with 5 to 200 sweeps.
"""

import json
import os
import platform
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from rlcore.algorithms.dp import solve

sys.path.insert(0, str(Path(__file__).parent))
from one_solve import TOL, grid, peer, random_dense, solve_peer

HERE = Path(__file__).parent
PROBLEMS = {"20 x 20": 20, "100 x 100": 100, "300 x 300": 300, "dense": None}
GOALS = {"20 x 20": 2, "100 x 100": 2, "300 x 300": 3, "1000 x 1000": 10, "dense": 2}
TUNING = (0, 5, 10, 20, 50, 100, 200)  # sweeps; 0 is value iteration
ROWS: dict[str, dict] = {}
IMPORTS: dict[str, float] = {}


def clock(f):
    begin = time.perf_counter()
    f()
    return time.perf_counter() - begin


def best_peer(model):
    """The number of sweeps with which the peer is fastest here."""
    few = TUNING if model.num_states < 50_000 else TUNING[1:]
    return min(few, key=lambda sweeps: min(clock(lambda: solve_peer(model, sweeps)) for _ in range(2)))


@pytest.mark.parametrize("name", PROBLEMS)
def test_side_by_side(name, benchmark):
    mdp = grid(PROBLEMS[name]) if PROBLEMS[name] else random_dense()
    model = peer(mdp)
    solve_peer(model, 5), solve_peer(model, 0) if model.num_states < 50_000 else None  # compile
    sweeps = best_peer(model)
    rounds = 5 if PROBLEMS[name] == 300 else 25
    theirs, ours = [], []
    for _ in range(rounds):  # alternately, so that a noisy machine is unfair to both alike
        theirs.append(clock(lambda: solve_peer(model, sweeps)))
        ours.append(clock(lambda: solve(mdp, tol=TOL)))
    solution = benchmark.pedantic(solve, (mdp,), {"tol": TOL}, rounds=rounds)
    exact = solve(mdp, tol=1e-8).V
    ROWS[name] = {
        "theirs": median(theirs),
        "ours": median(ours),
        "method": f"modified policy iteration, {sweeps} sweeps" if sweeps else "value iteration",
        "bound": solution.bound,
        "error": np.abs(solution.V - exact).max(),
        "peer_error": np.abs(solve_peer(model, sweeps) - exact).max(),
    }


def run_alone(*arguments):
    """-> (V, what it took) of one_solve.py in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, HERE / "one_solve.py", *arguments], capture_output=True, check=True
    )
    return np.load(BytesIO(done.stdout)), json.loads(done.stderr.decode().splitlines()[-1])


def test_a_million_states():
    """Each in a process of its own: ours three times, the peer with 20 and with 50 sweeps (more are slower)."""
    runs = [run_alone("rlcore", "1000") for _ in range(3)]
    V, mine = sorted(runs, key=lambda run: run[1]["seconds"])[1]
    peers = {sweeps: run_alone("quantecon", "1000", str(sweeps)) for sweeps in (20, 50)}
    sweeps = min(peers, key=lambda k: peers[k][1]["seconds"])
    peer_V, other = peers[sweeps]
    exact = solve(grid(1000), tol=1e-8).V
    ROWS["1000 x 1000"] = {
        "theirs": other["seconds"],
        "ours": mine["seconds"],
        "method": f"modified policy iteration, {sweeps} sweeps",
        "bound": mine["bound"],
        "error": np.abs(V - exact).max(),
        "peer_error": np.abs(peer_V - exact).max(),
        "peak": mine["peak"],
        "peer_peak": other["peak"],
    }


def test_imports():
    """`import rlcore` and its dynamic programming against `import numpy`, in fresh interpreters, alternately."""
    lines = ("import numpy", "import rlcore", "import rlcore.algorithms.dp")
    seconds = {line: [] for line in lines}
    for _ in range(15):
        for line in lines:
            seconds[line].append(
                clock(lambda line=line: subprocess.run([sys.executable, "-c", line], check=True))
            )
    IMPORTS.update({line: median(x) for line, x in seconds.items()})


def machine():
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        model = next(
            (x.split(": ")[1] for x in info.read_text().splitlines() if x.startswith("model name")), model
        )
    return f"{model}, {os.cpu_count()} cores (one thread used), {platform.system()}"


def versions():
    from importlib.metadata import version

    names = ("numpy", "scipy", "quantecon", "numba")
    return f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names)


def seconds(x):
    return f"{1000 * x:.2f} ms" if x < 1 else f"{x:.2f} s"


def table():
    lines = [
        "# Dynamic programming: rlcore beside QuantEcon",
        "",
        f"{machine()}. {versions()}.",
        "",
        "n x n grid: four actions, .8 as intended and .1 to each side, -1 a step, absorbing corner goal. Dense: 1000",
        "states, 10 actions. gamma .99, certified error 1e-6, single thread, medians; without the peer's compilation.",
        "",
        "| problem | QuantEcon | its method | rlcore | ratio | goal | proved bound | true error | QuantEcon's error |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in ROWS.items():
        lines.append(
            f"| {name} | {seconds(row['theirs'])} | {row['method']} | {seconds(row['ours'])} "
            f"| {row['theirs'] / row['ours']:.1f}x | {GOALS[name]}x | {row['bound']:.1e} | {row['error']:.1e} "
            f"| {row['peer_error']:.1e} |"
        )
    for name, row in ROWS.items():
        if "peak" in row:
            lines += ["", f"Peak memory of the whole process, {name}: rlcore {row['peak']:.0f} MB, "]
            lines[-1] += f"QuantEcon {row['peer_peak']:.0f} MB."
    if IMPORTS:
        base = IMPORTS["import numpy"]
        lines += ["", "| fresh interpreter | seconds | ratio |", "|---|---|---|"]
        lines += [f"| `{line}` | {x:.3f} | {x / base:.2f} |" for line, x in IMPORTS.items()]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module", autouse=True)
def report(pytestconfig):
    """When all has run: print the table and keep it."""
    yield
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n\n" + table())
    if len(ROWS) == len(GOALS) and IMPORTS:
        (HERE / "RESULTS.md").write_text(table())
