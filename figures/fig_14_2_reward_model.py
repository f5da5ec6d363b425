"""Figure 14.2: how exact a reward model is that is fitted to comparisons, and what raters who err do to it.

Left: the root mean square error of each of four weights over 50 seeds, with its interval of level 0.95, beside what
Fisher's information promises. Right: a tenth of all answers is flipped; 3,000 pairs, means of 50 seeds with intervals.
"""

import numpy as np

from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.preferences import bradley_terry
from rlcore.lm.evaluate import responses
from rlcore.lm.population import fisher_information, pair_weights
from rlcore.lm.raters import compare
from rlcore.lm.reward_model import maximum_likelihood
from rlcore.lm.tasks import WEIGHTS, features, preference_task, reference
from rlcore.lm.tree import Tree

SIZES = np.array([100, 300, 1000, 3000, 10_000])
FLIPS, FLIPPED_PAIRS = 0.1, 3000
NAMES = ("m, up to 2", "others", "repeats", "end")


def differences(n, seed, noise=0.0):
    """phi(chosen) - phi(rejected) of n pairs.   -> (n, 4)"""
    task, rng = preference_task(), np.random.default_rng(seed)
    pairs = compare(reference(task.language), task.reward, np.arange(n) % 3, rng, noise=noise)
    return features(pairs.prompt, pairs.chosen) - features(pairs.prompt, pairs.rejected)


def knowing(d):
    """The likeliest weights where a tenth of the answers is known to be wrong, though not which.   (n, 4) -> (4,)"""
    from scipy.optimize import minimize

    def loss(w):
        value, (slope, _) = bradley_terry(d @ w, np.zeros(len(d)), noise=FLIPS)
        return value, slope @ d

    options = {"ftol": 1e-15, "gtol": 1e-10}
    return minimize(loss, np.zeros(4), jac=True, method="L-BFGS-B", options=options).x


def promised():
    """Standard errors of one pair, and the weights that all pairs give if a tenth is flipped.   (4,), (4,)"""
    task = preference_task()
    tree = Tree(task.language)
    log_ref, reward = responses(reference(task.language), tree), task.table(tree)
    phi = features(*tree.everything()).reshape(*reward.shape, 4)
    information = fisher_information(pair_weights(log_ref, reward), phi, WEIGHTS)
    d = (phi[:, :, None] - phi[:, None, :]).reshape(-1, 4)
    shrunk = maximum_likelihood(d, pair_weights(log_ref, reward, noise=FLIPS).ravel())
    return {"se": np.sqrt(np.diag(np.linalg.inv(information))), "shrunk": shrunk}


def compute(seeds=range(50)):
    """w (sizes, seeds, 4);  flipped (2, seeds, 4): fitted as if nobody erred, and knowing;  se, shrunk (4,)"""
    w = [[maximum_likelihood(differences(n, seed)) for seed in seeds] for n in SIZES]
    wrong = [differences(FLIPPED_PAIRS, seed, FLIPS) for seed in seeds]
    flipped = [[fit(d) for d in wrong] for fit in (maximum_likelihood, knowing)]
    return {"w": np.array(w), "flipped": np.array(flipped)} | promised()


def check(data):
    """The first seed again; errors are what Fisher's information says, and flips shrink all weights alike."""
    again = maximum_likelihood(differences(SIZES[2], 0)), knowing(differences(FLIPPED_PAIRS, 0, FLIPS))
    np.testing.assert_allclose([data["w"][2, 0], data["flipped"][1, 0]], again, rtol=0, atol=1e-5)
    for name, array in promised().items():
        np.testing.assert_allclose(data[name], array, rtol=0, atol=1e-8)
    error = np.sqrt(((data["w"] - WEIGHTS) ** 2).mean(axis=1))  # (sizes, 4)
    ratio = error * np.sqrt(SIZES)[:, None] / data["se"]
    assert (np.abs(ratio[2:] - 1) < 0.4).all()  # four standard errors of 50 seeds
    naive, knew = data["flipped"]  # (seeds, 4) each
    for found, truth in ((naive, data["shrunk"]), (knew, WEIGHTS)):
        se = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - truth) < 4 * se + 0.02).all()
    assert (np.abs(data["shrunk"] / WEIGHTS - 0.72) < 0.03).all()


@plots.house_style()
def draw(data):
    from scipy.stats import chi2

    figure, (left, right) = plots.canvas(13, 5, columns=2)
    n = data["w"].shape[1]
    error = np.sqrt(((data["w"] - WEIGHTS) ** 2).mean(axis=1)).T  # (4, sizes)
    low, high = (np.sqrt(n / chi2.ppf(p, n)) for p in (0.975, 0.025))
    marks = ("o", "s", "^", "D")
    for k, name in enumerate(NAMES):
        colour, x = plots.OKABE_ITO[k], SIZES * 1.06 ** (k - 1.5)
        left.plot(SIZES, data["se"][k] / np.sqrt(SIZES), color=colour, linewidth=1.4, label="_fisher")
        bar = [error[k] * (1 - low), error[k] * (high - 1)]
        left.errorbar(x, error[k], bar, fmt=marks[k], color=colour, label=name, markersize=7)
    left.set(xscale="log", yscale="log", xlabel="pairs", ylabel="error of a weight (root mean square)")
    left.set_xticks(SIZES, [f"{n:,}" for n in SIZES])
    left.set_yticks([0.03, 0.1, 0.3, 1], ["0.03", "0.1", "0.3", "1"])
    left.minorticks_off()
    left.set_title("Lines: promised by Fisher's information")
    left.legend(loc="lower left", frameon=False)
    looks = (("as if nobody erred", 1, "s"), ("knowing that a tenth err", 0, "o"))
    for found, (name, colour, mark), shift in zip(data["flipped"], looks, (-0.12, 0.12)):
        line = Curve(np.arange(4.0), found)
        bar = [line.mean - line.interval[0], line.interval[1] - line.mean]
        right.errorbar(
            line.x + shift, line.mean, bar, fmt=mark, color=plots.OKABE_ITO[colour], label=name, markersize=8
        )
    right.hlines(WEIGHTS, np.arange(4) - 0.3, np.arange(4) + 0.3, color="black", label="the truth")
    right.axhline(0, color="#999999", linewidth=1, label="_zero")
    right.set_xticks(range(4), NAMES)
    right.set(xlabel="feature", ylabel="weight", title="A tenth of the answers is flipped")
    right.legend(loc="upper center", frameon=False)
    for ax in (left, right):
        ax.grid(True, axis="y", color="#DDDDDD", linewidth=0.8)
    return figure
