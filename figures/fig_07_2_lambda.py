"""Figure 7.2: the lambda-return and its traces on the walk of 19 states, for each lambda and step size.

Left: the forward view, which waits for the end of an episode. Middle and right: TD(lambda) and true online
TD(lambda), which learn at every step. In each panel one walk a run serves all settings, and the last two panels
have the same walks, so the curves differ by what they make of them, not by luck.
"""

import numpy as np

from rlcore.algorithms.traces import offline_lambda_return_from, td_lambda, true_online_td_lambda
from rlcore.exact.values import policy_value
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.tapes import record
from rlcore.problems.chains import random_walk

WALK, ALWAYS = random_walk(19, left=-1.0), np.zeros(21, int)
LAMBDAS = (0.0, 0.4, 0.8, 0.9, 0.95, 1.0)
ALPHAS = np.concatenate([np.linspace(0, 0.08, 5), np.linspace(0.1, 1, 10)])
EPISODES, RUNS = 10, 40
SETTINGS = len(LAMBDAS) * len(ALPHAS)
SHADES = ("#440154", "#365C8D", "#1FA187", "#A0A032", "#C8741B", "#8C1A1A")
TOP = 0.56
PANELS = ("forward", "traces", "true_online")
TITLES = ("offline $\\lambda$-return", "TD($\\lambda$)", "true online TD($\\lambda$)")


class Together:
    """The walk for lanes (runs * settings,): all settings of a run stand at the same place and go the same way."""

    actions, n_states, terminal, horizon = WALK.actions, WALK.n_states, WALK.terminal, None
    reset = WALK.reset

    def step(self, state, action, rng):
        one_each = WALK.step(state[::SETTINGS], action[::SETTINGS], rng)
        return tuple(np.repeat(x, SETTINGS) for x in one_each)


def compute(seeds=(7,)):
    """Root mean square error, averaged over states and episodes, at most 2.   -> (lambdas, runs, alphas) each"""
    truth = policy_value(WALK, ALWAYS)[1:-1]

    def error(trace):
        return np.fmin(np.sqrt(((trace[..., 1:-1] - truth) ** 2).mean(axis=-1)).mean(axis=0), 2.0)

    tape = record(WALK, ALWAYS, episodes=EPISODES, runs=RUNS, rng=np.random.default_rng(seeds[0]))
    lam = np.array(LAMBDAS)[:, None, None]
    forward = offline_lambda_return_from(tape, alpha=ALPHAS[:, None], lam=lam, gamma=1.0)
    data = {"forward": error(forward.trace).swapaxes(1, 2)}
    lam, alpha = (np.tile(x.ravel(), RUNS) for x in np.meshgrid(LAMBDAS, ALPHAS, indexing="ij"))
    settings = {"episodes": EPISODES, "alpha": alpha, "lam": lam, "gamma": 1.0, "runs": RUNS * SETTINGS}
    for name, learner in (("traces", td_lambda), ("true_online", true_online_td_lambda)):
        with np.errstate(over="ignore", invalid="ignore"):  # TD(lambda) explodes where both rates are large
            walks = np.random.default_rng(seeds[0])
            found = error(learner(Together(), ALWAYS, **settings, rng=walks).trace)
        data[name] = found.reshape(RUNS, len(LAMBDAS), len(ALPHAS)).swapaxes(0, 1)
    return data


@plots.house_style()
def draw(data):
    figure, axes = plots.canvas(15, 6, columns=3, sharey=True)
    for ax, panel, title in zip(axes, PANELS, TITLES):
        for lam, y, colour in zip(LAMBDAS, data[panel], SHADES):
            curve = Curve(ALPHAS, y)
            seen = np.arange(len(ALPHAS)) <= np.argmax(np.append(curve.mean, 9) > TOP)
            ax.plot(curve.x[seen], curve.mean[seen], color=colour, label=f"$\\lambda$ = {lam:g}")
            ax.fill_between(curve.x[seen], *curve.interval[:, seen], color=colour, alpha=0.2, linewidth=0)
        ax.set(xlim=(0, 1), ylim=(0.22, TOP), xlabel="step size $\\alpha$", title=title)
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    axes[0].set_ylabel("RMS error, mean of 19 states and 10 episodes")
    axes[2].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    figure.suptitle(f"Random walk of 19 states: mean of {RUNS} runs and its 95% interval")
    return figure
