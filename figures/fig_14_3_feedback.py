"""Figure 14.3: one rater asked in five ways: what J still lacks after so many answers of one kind.

To this rater a response is worth r plus noise of Gumbel's law, drawn anew each time: so the larger of two worths is
what Bradley and Terry say, and the order of four what Plackett and Luce say. One answer is

    ratings     the worth of one response, as a number
    pairs       which of two is worth more
    rankings    the order of four
    clicks      as pairs, but half of the clicks are made unread, on either of the two
    edits       the best of all responses one letter away and the original itself; it is entered as a pair, preferred
                to the original, or as what it is: a choice among all of these

A linear reward model is fitted to the answers (30 to 3,000), and the policy is the best one for it, exactly: no PPO.
Means of 20 seeds with intervals of level 0.95.
"""

import numpy as np

from rlcore.exact.regularised import kl_optimal_policy, regularised_performance
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.learning.preferences import bradley_terry, plackett_luce
from rlcore.lm.evaluate import responses
from rlcore.lm.tasks import features, preference_task, reference
from rlcore.lm.tree import Tree
from rlcore.numerics import log_softmax

SIZES = np.array([30, 100, 300, 1000, 3000])
KINDS = ("ratings", "pairs", "rankings", "clicks", "edits, as pairs", "edits, as choices")
BETA, UNREAD, RANKED = 0.2, 0.5, 4


class World:
    """The task, its tables, and what an editor may make of each response."""

    def __init__(self):
        task = preference_task()
        self.tree = tree = Tree(task.language)
        self.log_ref, self.reward = responses(reference(task.language), tree), task.table(tree)
        self.phi = features(*tree.everything()).reshape(3, tree.n_responses, 4)
        letters = [text.rstrip(".") for text in task.language.texts(tree.response)]
        self.near = np.array([[one_letter_away(a, b) for b in letters] for a in letters])  # (N, N) bool
        self.V = kl_optimal_policy(self.log_ref, self.reward, BETA)[1].mean()

    def drawn(self, n, G, rng):
        """n prompts, and G responses of the reference to each.   -> (n, G, 4) features, (n, G) rewards, prompt, y"""
        x = np.arange(n) % 3
        below = np.exp(self.log_ref).cumsum(axis=1)
        y = np.array([np.searchsorted(below[i], rng.random(G) * below[i, -1]) for i in x])
        return self.phi[x[:, None], y], self.reward[x[:, None], y], x, y

    def weights(self, kind, n, rng):
        """What a linear reward model makes of n answers.   -> (4,)"""
        G = {"ratings": 1, "rankings": RANKED, "edits, as pairs": 1, "edits, as choices": 1}.get(kind, 2)
        phi, r, x, y = self.drawn(n, G, rng)
        worth = r + rng.gumbel(size=r.shape)
        if kind == "ratings":
            with_constant = np.hstack([phi[:, 0], np.ones((n, 1))])
            return np.linalg.lstsq(with_constant, worth[:, 0], rcond=None)[0][:4]
        if kind.startswith("edits"):
            for_all = self.reward[x] + rng.gumbel(size=(n, self.tree.n_responses))
            edited = np.where(self.near[y[:, 0]], for_all, -np.inf).argmax(axis=1)
            if kind == "edits, as choices":
                times = np.zeros((3, *self.near.shape))  # how often y became y'
                np.add.at(times, (x, y[:, 0], edited), 1)
                return fitted(self.choice_loss, times, n)
            changed = edited != y[:, 0]
            return fitted(pair_loss, (self.phi[x, edited] - phi[:, 0])[changed], n)
        if kind == "clicks":
            unread = rng.random(n) < UNREAD
            worth = np.where(unread[:, None], rng.random((n, 2)), worth)
        order = np.argsort(-worth, axis=1)
        phi = np.take_along_axis(phi, order[..., None], axis=1)  # the best one first
        if kind == "rankings":
            return fitted(ranking_loss, phi, n)
        return fitted(click_loss if kind == "clicks" else pair_loss, phi[:, 0] - phi[:, 1], n)

    def choice_loss(self, times, w):
        """-mean(log P(y' of all near y)), P = softmax of their rewards.   (3, N, N), (4,) -> number, (4,)"""
        log_p = log_softmax(np.where(self.near, (self.phi @ w)[:, None, :], -np.inf))
        slope = times.sum(axis=2, keepdims=True) * np.exp(log_p) - times
        value = -(times * np.where(self.near, log_p, 0.0)).sum()
        return value / times.sum(), np.einsum("xyz,xzf->f", slope, self.phi) / times.sum()

    def lacking(self, w):
        """V - J of the policy that is best for the reward phi @ w.   (4,) -> number"""
        log_pi = kl_optimal_policy(self.log_ref, self.phi @ w, BETA)[0]
        return self.V - regularised_performance(log_pi, self.log_ref, self.reward, BETA).mean()


def one_letter_away(a, b):
    """Whether two strings are equal, differ in one letter, or one has one letter more at its end."""
    if len(a) == len(b):
        return sum(p != q for p, q in zip(a, b)) <= 1
    return abs(len(a) - len(b)) == 1 and (a.startswith(b) or b.startswith(a))


def pair_loss(d, w, noise=0.0):
    value, (slope, _) = bradley_terry(d @ w, np.zeros(len(d)), noise=noise)
    return value, slope @ d


def click_loss(d, w):
    return pair_loss(d, w, noise=UNREAD / 2)


def ranking_loss(phi, w):
    value, slope = plackett_luce(phi @ w)
    return value, np.einsum("bg,bgf->f", slope, phi)


def fitted(loss, data, n):
    """The least loss plus |w|^2 / 2n, which keeps w finite where few answers leave it open.   -> (4,)"""
    from scipy.optimize import minimize

    def whole(w):
        value, slope = loss(data, w)
        return value + w @ w / (2 * n), slope + w / n

    options = {"ftol": 1e-15, "gtol": 1e-10}
    return minimize(whole, np.zeros(4), jac=True, method="L-BFGS-B", options=options).x


def compute(seeds=range(20)):
    """lacking (kinds, seeds, sizes): V - J;  ref: that of the reference"""
    world = World()
    lacking = [
        [
            [world.lacking(world.weights(kind, n, np.random.default_rng(seed))) for n in SIZES]
            for seed in seeds
        ]
        for kind in KINDS
    ]
    return {"lacking": np.array(lacking), "ref": np.array(world.lacking(np.zeros(4)))}


def check(data):
    """The first seed's small samples again; rankings say most, clicks little; edits as pairs stop at a wrong answer."""
    world = World()
    for kind, stored in zip(KINDS, data["lacking"][:, 0]):
        again = [world.lacking(world.weights(kind, n, np.random.default_rng(0))) for n in SIZES[:3]]
        np.testing.assert_allclose(stored[:3], again, rtol=0, atol=1e-4)
    last = dict(zip(KINDS, data["lacking"][..., -2:].mean(axis=(1, 2))))
    assert last["rankings"] < min(last["ratings"], last["pairs"])
    assert max(last["ratings"], last["pairs"]) < 0.7 * last["clicks"]
    assert last["clicks"] < last["edits, as pairs"]
    assert last["edits, as choices"] < 0.7 * last["clicks"]
    for kind, end in zip(KINDS, data["lacking"][..., -1].mean(axis=1)):
        assert end > 0.1 if kind == "edits, as pairs" else end < 0.06
    assert (data["lacking"] > 0).all()


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(10, 5.8)
    for k, name in enumerate(KINDS):
        line = Curve(SIZES, data["lacking"][k])
        look = {"color": plots.OKABE_ITO[k], "linestyle": plots.DASHES[k], "marker": "os^DvP"[k]}
        x, (low, high) = SIZES * 1.04 ** (k - 2), line.interval
        ax.plot(x, line.mean, label=name, **look)
        bar = [line.mean - np.maximum(low, 2e-4), high - line.mean]
        ax.errorbar(x, line.mean, bar, color=look["color"], linestyle="none", label="_interval")
    ax.axhline(data["ref"], color="black", linewidth=1.2, label="_ref")
    ax.text(SIZES[-1], data["ref"] * 1.08, "the reference", ha="right", fontsize=12)
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="answers of one kind",
        ylabel="what J lacks: V − J",
        ylim=(6e-4, 1.3),
    )
    ax.set_xticks(SIZES, [f"{n:,}" for n in SIZES])
    ax.set_yticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    ax.minorticks_off()
    ax.grid(True, color="#DDDDDD", linewidth=0.8)
    ax.legend(loc="lower left", frameon=False)
    ax.set_title("The same rater, asked in five ways")
    return figure
