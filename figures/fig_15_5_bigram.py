"""Figure 15.5: policies that cannot be anything: the best bigram for J, and the best for DPO's loss on all pairs."""

from functools import partial

import numpy as np

from rlcore.exact.regularised import divergence, kl_optimal_policy, regularised_performance
from rlcore.lab import plots
from rlcore.lm.dpo import DPOConfig, population_gradient
from rlcore.lm.evaluate import expectation, performance_gradient, responses
from rlcore.lm.models import bigram
from rlcore.lm.population import pair_weights
from rlcore.lm.tasks import preference_task, reference
from rlcore.lm.tree import Tree

BETAS = np.array([0.05, 0.1, 0.2, 0.35, 0.5, 1.0])
METHODS = ("reinforcement learning", "DPO")


class Best:
    """The two losses of a bigram, as functions of its logits."""

    def __init__(self):
        task = preference_task()
        self.tree, self.ref = Tree(task.language), reference(task.language)
        self.reward, self.log_ref = task.table(self.tree), responses(self.ref, self.tree)
        self.weight = pair_weights(self.log_ref, self.reward)
        self.model = bigram(task.language)

    def loss(self, method, beta, theta):
        """-> number, gradient, both flat"""
        self.model.params["theta"][...] = theta.reshape(self.model.params["theta"].shape)
        if method == "DPO":
            row, grads = population_gradient(
                self.model, self.log_ref, self.tree, self.weight, DPOConfig(beta=beta)
            )
            return row["loss"], grads["theta"].ravel()
        J, grads = performance_gradient(self.model, self.tree, self.log_ref, self.reward, beta)
        return -J, -grads["theta"].ravel()

    def figures(self, beta, theta):
        """J, E r, KL(pi || ref), means over prompts."""
        self.model.params["theta"][...] = theta.reshape(self.model.params["theta"].shape)
        log_pi = responses(self.model, self.tree)
        J = regularised_performance(log_pi, self.log_ref, self.reward, beta)
        return [x.mean() for x in (J, expectation(log_pi, self.reward), divergence(log_pi, self.log_ref))]


def compute(seeds=()):
    """theta (2, betas, D); J, reward, kl (2, betas): RL first;  V, free (betas): J and E r of pi* among all policies"""
    from scipy.optimize import minimize

    best = Best()
    start = best.ref.params["theta"].ravel()
    theta = np.empty((2, len(BETAS), start.size))
    for m, method in enumerate(METHODS):
        for b, beta in enumerate(BETAS):
            said = minimize(
                partial(best.loss, method, beta),
                start,
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7},
            )
            theta[m, b] = said.x
    table = np.array([[best.figures(beta, x) for beta, x in zip(BETAS, row)] for row in theta])
    free = [kl_optimal_policy(best.log_ref, best.reward, beta) for beta in BETAS]
    return {
        "theta": theta,
        "J": table[..., 0],
        "reward": table[..., 1],
        "kl": table[..., 2],
        "V": np.array([V.mean() for _, V in free]),
        "free_reward": np.array([expectation(pi, best.reward).mean() for pi, _ in free]),
        "free_kl": np.array([divergence(pi, best.log_ref).mean() for pi, _ in free]),
    }


def check(data):
    """Each stored policy is where its own loss is flat, and J of the other one is less."""
    best = Best()
    for m, method in enumerate(METHODS):
        for beta, theta, *stored in zip(
            BETAS, data["theta"][m], data["J"][m], data["reward"][m], data["kl"][m]
        ):
            assert np.abs(best.loss(method, beta, theta)[1]).max() < 1e-4
            np.testing.assert_allclose(best.figures(beta, theta), stored, rtol=0, atol=1e-8)
    assert (data["V"] > data["J"][0]).all()
    assert (data["J"][0] > data["J"][1]).all()


@plots.house_style()
def draw(data):
    figure, (left, right) = plots.canvas(13, 5, columns=2)
    lost = data["V"] - data["J"]
    names = {"DPO": lost[1], "reinforcement learning": lost[0]}
    for k, (name, y) in enumerate(names.items()):
        left.plot(BETAS, y, plots.DASHES[k], marker="o", color=plots.OKABE_ITO[k], label=name)
    left.set(xscale="log", yscale="log", xlabel="β, the price of a nat", ylabel="V − J of the best bigram")
    left.set_xticks(BETAS, [f"{b:g}" for b in BETAS])
    left.minorticks_off()
    left.set_title("What a bigram lacks of the best policy")
    left.legend(loc="upper right", frameon=False)
    right.plot(data["free_kl"], data["free_reward"], ":", color="black", marker="s", label="any policy: π*")
    for k, m in ((0, 1), (1, 0)):
        right.plot(
            data["kl"][m],
            data["reward"][m],
            plots.DASHES[k],
            marker="o",
            color=plots.OKABE_ITO[k],
            label=f"bigram, {METHODS[m]}",
        )
    right.set(
        xlabel="KL(π || ref), nats", ylabel="mean reward E r", title="What it earns, and how far it went"
    )
    right.legend(loc="lower right", frameon=False)
    for ax in (left, right):
        ax.grid(True, color="#DDDDDD", linewidth=0.8)
    return figure
