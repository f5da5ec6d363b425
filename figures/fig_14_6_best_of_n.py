"""Figure 14.6: how far the best of n is from the reference, exactly, and the bound that it never exceeds."""

import numpy as np

from rlcore.exact.regularised import best_of_n, best_of_n_bound, divergence
from rlcore.lab import plots
from rlcore.lm.evaluate import responses
from rlcore.lm.tasks import coarse_features, preference_task, reference
from rlcore.lm.tree import Tree

N = 2 ** np.arange(15)
LENGTHS = (3, 4)
COARSE = (0.565641, -0.482437)  # weights of (m, others) that fit all pairs of four tokens best


def compute(seeds=()):
    """kl (4, n): true score, coarse score, of 3 tokens and of 4;  bound (n,);  limit (4,): -log ref(all the best)

    Means over prompts.
    """
    kl, limit = [], []
    for score in ("true", "coarse"):
        for length in LENGTHS:
            task = preference_task(length)
            tree = Tree(task.language)
            log_ref, r = responses(reference(task.language), tree), task.table(tree)
            if score == "coarse":
                r = (coarse_features(*tree.everything()) @ COARSE).reshape(r.shape)
            best = r == r.max(axis=1, keepdims=True)
            kl.append([divergence(best_of_n(log_ref, r, int(n)), log_ref).mean() for n in N])
            limit.append(-np.log((np.exp(log_ref) * best).sum(axis=1)).mean())
    bound = [best_of_n_bound(int(n)) for n in N]
    return {"kl": np.array(kl), "bound": np.array(bound), "limit": np.array(limit)}


@plots.house_style()
def draw(data):
    figure, ax = plots.canvas(10, 5.6)
    ax.plot(N, data["bound"], color="black", linewidth=3, label="log n − (n − 1) / n")
    names = [f"{score} score, {length} tokens" for score in ("true", "coarse") for length in LENGTHS]
    for k, name in enumerate(names):
        colour = plots.OKABE_ITO[k]
        ax.plot(N, data["kl"][k], color=colour, linestyle=plots.DASHES[k], marker="os^D"[k], label=name)
        level = "top" if k == 1 else "bottom"  # 3.81 stands below 3.90
        ax.text(1.25 * N[-1], data["limit"][k], f"{data['limit'][k]:.2f}", color=colour, va=level)
    ax.set_xscale("log", base=2)
    ax.set_xticks(N[::2], [f"{n:,}" for n in N[::2]])
    ax.set(xlabel="n, responses drawn", ylabel="KL(best of n || ref), nats", ylim=(-0.1, 9))
    ax.set_title("The bound grows for ever; the divergence ends at −log ref(all the best)")
    ax.grid(True, color="#DDDDDD", linewidth=0.8)
    ax.legend(loc="upper left", frameon=False)
    return figure
