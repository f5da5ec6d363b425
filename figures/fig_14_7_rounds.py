"""Figure 14.7: RLHF in rounds: five times 1,000 pairs of what the policy says by then, beside pairs asked for at once.

Responses of four tokens, a reward model that reads a bag of letters, 300 updates of PPO in all. Means of eight seeds
with intervals of level 0.95; J and both rewards are exact, over all responses. About half a minute.
A path of PPO may part from itself at a last bit: so `check` says what must agree on other processors.
"""

import numpy as np

from rlcore.exact.regularised import kl_optimal_policy
from rlcore.lab import plots
from rlcore.lab.experiments import Curve
from rlcore.lm.evaluate import as_trie, expectation, near_reference, responses
from rlcore.lm.iterated import IteratedConfig, iterated_rlhf
from rlcore.lm.models import trie
from rlcore.lm.priced import KLPrice
from rlcore.lm.raters import compare
from rlcore.lm.reward_model import RewardModelConfig, fit_reward_model, letter_counts, mlp_reward
from rlcore.lm.rlhf import RLHFConfig, rlhf
from rlcore.lm.sampling import draw_prompts
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree

BETA, ROUNDS, UPDATES, PAIRS, STEPS = 0.1, 5, 60, 1_000, 300
ARMS = ("1,000 new pairs a round", "1,000 pairs at once", "5,000 pairs at once")
MEASURES = ("J", "true", "learned")


class World:
    """The task, and a judge who knows every response and asks both rewards."""

    def __init__(self):
        self.task = preference_task(4)
        self.tree, self.ref = Tree(self.task.language), reference(self.task.language)
        self.log_ref, self.gold = responses(self.ref, self.tree), self.task.table(self.tree)
        self.V = kl_optimal_policy(self.log_ref, self.gold, BETA)[1].mean()
        self.near = near_reference(self.tree, self.log_ref, self.gold, BETA)

    def judge(self, learned):
        """A judge of a policy: J, and by how much it leads the reference in the true and in the learned reward."""

        def judge(model):
            log_pi = responses(model, self.tree)
            table = learned.reward(*self.tree.everything()).reshape(self.gold.shape)
            leads = [
                (expectation(log_pi, r) - expectation(self.log_ref, r)).mean() for r in (self.gold, table)
            ]
            return {"J": self.near(model)["performance"], "true": leads[0], "learned": leads[1]}

        return judge

    def run(self, arm, seed):
        """-> (measures, rounds)"""
        rng, language = np.random.default_rng(seed), self.task.language
        learned = mlp_reward(letter_counts(4, 3), 8, rng)
        model, critic, judge = as_trie(self.ref, self.tree), trie(language), self.judge(learned)
        if arm == ARMS[0]:
            cfg = IteratedConfig(
                ROUNDS, PAIRS, fit=RewardModelConfig(STEPS), rlhf=ppo_config(UPDATES), audit=1
            )
            history = iterated_rlhf(model, critic, self.ref, learned, self.task.reward, cfg, rng, judge)
        else:
            times = ROUNDS if arm == ARMS[2] else 1
            prompt = draw_prompts(language, times * PAIRS, rng)
            pairs = compare(self.ref, self.task.reward, prompt, rng)
            fit_reward_model(learned, pairs, RewardModelConfig(times * STEPS), rng)
            history = rlhf(model, critic, self.ref, learned.reward, ppo_config(ROUNDS * UPDATES), rng, judge)
        return np.array([[row[name] for row in history] for name in MEASURES])


def ppo_config(updates):
    return RLHFConfig(updates=updates, every=UPDATES, price=KLPrice(BETA))


def compute(seeds=range(8)):
    """runs (arms, seeds, measures, rounds);  V: the J of the best policy"""
    world = World()
    runs = np.array([[world.run(arm, seed) for seed in seeds] for arm in ARMS])
    return {"runs": runs, "V": np.array(world.V)}


def check(data):
    """Rounds mend what 1,000 pairs got wrong; so do 5,000 pairs at once; a learned reward says too much."""
    np.testing.assert_allclose(data["V"], World().V, rtol=0, atol=1e-9)
    J, true, learned = np.moveaxis(data["runs"], 2, 0)  # (arms, seeds, rounds) each
    assert (J < data["V"]).all()
    rounds, few, many = J[:, :, -1].mean(axis=1)
    assert rounds > J[0, :, 0].mean() + 0.05
    assert rounds > few + 0.05
    assert many > few + 0.05
    assert abs(rounds - many) < 0.1
    assert (learned[1].mean(axis=0) > true[1].mean(axis=0) + 0.3).all()


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5, columns=2)
    x = np.arange(1.0, ROUNDS + 1)
    lines = {name: Curve(x, runs[:, 0]) for name, runs in zip(ARMS, data["runs"])}
    xlabel = f"rounds: {UPDATES} updates of PPO each"
    plots.plot_curves(lines, xlabel=xlabel, ylabel="J, β = 0.1", legend="lower right", ax=left)
    left.axhline(data["V"], color="black", linewidth=1.2, label="_V")
    left.text(1, data["V"] - 0.015, "the best policy", va="top", fontsize=12)
    left.set(title="What the policy is worth", ylim=(0.95, 1.77))
    for k, label in ((1, "true"), (2, "learned")):
        for a, runs in enumerate(data["runs"]):
            line = Curve(np.zeros(1), runs[:, k, -1:])
            mean, half = line.mean, np.diff(line.interval, axis=0)[0] / 2
            look = {"color": plots.OKABE_ITO[a], "markersize": 9, "fmt": "o" if k == 1 else "s"}
            fill = plots.OKABE_ITO[a] if k == 1 else "white"
            right.errorbar(
                mean, [2 - a], xerr=half, markerfacecolor=fill, label="_arm" if a else label, **look
            )
    right.set_yticks([2, 1, 0], [name.replace(" pairs ", " pairs\n") for name in ARMS])
    right.set(
        xlabel="mean reward above the reference's, at the end", ylabel="what was asked", ylim=(-0.5, 2.9)
    )
    right.set_title("What the reward model says of it")
    right.legend(loc="upper left", frameon=False, ncol=2)
    for ax in (left, right):
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    return figure
