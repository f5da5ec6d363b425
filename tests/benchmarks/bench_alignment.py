"""A gradient step of DPO and one of GRPO on the network of a language model, beside PyTorch's eager mode.

pytest tests/benchmarks/bench_alignment.py      (under a minute; the extra `bench` installs the peer)

15 letters and the end, up to 8 tokens, 16 prompts, 32 hidden units, float32, Adam. A step is all of it: from
prompts and responses to their log-probabilities, the loss, the gradient, the optimiser. All start from the same
numbers, and their losses agree.

    dpo     B pairs, the reference's log-probabilities known
    grpo    B responses in groups of eight: clipped ratio, k3 against the reference, a mean over each response

The peer is written twice: as the same work, tokens to one-hot features in each step and Adam as it comes; and with
a head start, features and chosen tokens ready-made and Adam fused, which is all that made it faster. (Embeddings
in the place of one-hot features made it slower.)

One thread, processor seconds. A turn is 50 steps, since nobody trains two programs at once; turns alternate, and
the median of many is taken. Below them the stages of alignment on the toy language, each alone, and CartPole from
preferences. The tables go to tests/benchmarks/ALIGNMENT.md.
"""

import importlib.util
import platform
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from rlcore.learning.heads import Categorical
from rlcore.learning.kl import d_k3, k3
from rlcore.learning.losses import clipped_surrogate, dpo
from rlcore.learning.policies import Policy, Value
from rlcore.learning.returns import group_advantage
from rlcore.lm.best_of_n import RejectionConfig, rejection_tune
from rlcore.lm.dpo import DPOConfig, train_dpo, train_dpo_on_all_pairs
from rlcore.lm.evaluate import as_trie, performance_gradient, responses
from rlcore.lm.grpo import GRPO, RLOO, grpo
from rlcore.lm.language import Language
from rlcore.lm.models import bigram, mlp_model, one_hot_prompts, sequence_logp, token_logp, trie
from rlcore.lm.population import pair_weights
from rlcore.lm.raters import compare
from rlcore.lm.reward_model import RewardModelConfig, fit_reward_model, linear_reward
from rlcore.lm.rlhf import RLHFConfig, rlhf
from rlcore.lm.rrhf import RRHFConfig, train_rrhf
from rlcore.lm.sampling import sample
from rlcore.lm.segments import SegmentConfig, ppo_from_preferences, step_reward
from rlcore.lm.sft import SFTConfig, fit_by_counting, sft
from rlcore.lm.tasks import features, preference_task, reference
from rlcore.lm.tree import Tree
from rlcore.nn.layers import mlp, mlp_params, orthogonal
from rlcore.nn.optim import Adam
from rlcore.problems.cartpole import CartPole

sys.path.insert(0, str(Path(__file__).parent))
from bench_dp import machine

HERE = Path(__file__).parent
WORDS = Language("abcdefghijklmno", tuple("ABCDEFGHIJKLMNOP"), length=8)
BETA, CLIP, LR, TURNS, STEPS_A_TURN = 0.1, 0.2, 1e-3, 40, 50
GOALS = {("dpo", 64): 3.0, ("grpo", 64): 4.5, ("dpo", 8): 8.0, ("grpo", 8): 8.0}
FOUND: dict = {}
SECONDS: dict = {}


@pytest.fixture(scope="module", autouse=True)
def there_is_a_peer():
    if not importlib.util.find_spec("torch"):
        pytest.fail("the peer, torch, is not installed; `make bench` installs it")


# ---------------------------------------------------------------- a step


def start(B, rows):
    """A model with last weights of some size, and samples of it: prompts and responses, B of them `rows` times."""
    rng = np.random.default_rng(0)
    model = mlp_model(WORDS, rng, last_gain=1.0, dtype=np.float32)
    prompt = np.tile(np.repeat(rng.integers(16, size=B // 8), 8), rows)
    return model, prompt, sample(model, prompt, rng)[0], rng


def peer(model, prompt, response, head_start):
    """The same network in the peer, its optimiser, and a function for the log-probabilities of the batch."""
    import torch
    from torch.nn.functional import one_hot, pad

    torch.set_num_threads(1)
    (B, L), K, V = response.shape, WORDS.eos, WORDS.n_actions
    prompt, response = torch.tensor(prompt), torch.tensor(response)
    about, place = torch.tensor(one_hot_prompts(WORDS), dtype=torch.float32), torch.eye(L)
    p = model.params
    net = torch.nn.Sequential(
        torch.nn.Linear(about.shape[1] + V + L, 32, bias=False), torch.nn.Tanh(), torch.nn.Linear(32, V)
    )
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor(np.vstack([p["W_prompt"], p["W_before"], p["W_position"]]).T))
        net[2].weight.copy_(torch.tensor(p["W_out"].T))
        net[2].bias.copy_(torch.tensor(p["b_out"]))

    def read():
        """Features (B, L, D), chosen tokens (B, L, 1), which of them count (B, L)."""
        before = pad(response[:, :-1].clamp(max=K), (1, 0), value=K)
        parts = about[prompt][:, None].expand(B, L, -1), one_hot(before, V).float(), place.expand(B, L, L)
        counts = response <= K
        return torch.cat(parts, dim=-1), torch.where(counts, response, 0)[..., None], counts

    known = read()

    def logp():
        x, chosen, counts = known if head_start else read()
        return torch.log_softmax(net(x), dim=-1).gather(-1, chosen)[..., 0] * counts

    return torch.optim.Adam(net.parameters(), lr=LR, fused=head_start), logp


def dpo_steps(B):
    """Our step, the peer's, and the peer's with a head start, each returning its loss."""
    import torch

    model, prompt, response, rng = start(B, rows=2)
    ref = sequence_logp(model, prompt, response)[0]
    ref = ref + 0.3 * rng.standard_normal(2 * B).astype(np.float32)
    ref_chosen, ref_rejected = torch.tensor(ref[:B]), torch.tensor(ref[B:])
    adam = Adam(LR)

    def ours():
        logp, back = sequence_logp(model, prompt, response)
        loss, d = dpo(logp[:B], logp[B:], ref[:B], ref[B:], BETA)
        adam.step(model.params, back(np.concatenate(d)))
        return loss

    def theirs(optimiser, token):
        logp = token().sum(dim=1)
        h = (logp[:B] - ref_chosen) - (logp[B:] - ref_rejected)
        loss = -torch.nn.functional.logsigmoid(BETA * h).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return ours, *(partial(theirs, *peer(model, prompt, response, early)) for early in (False, True))


def grpo_steps(B):
    """The same samples in every step, so that the ratio moves away from 1 and the clip has work."""
    import torch

    model, prompt, response, rng = start(B, rows=1)
    old = token_logp(model, prompt, response)[0]
    ref = old + np.where(old < 0, 0.3 * rng.standard_normal(old.shape), 0.0).astype(np.float32)
    advantage = group_advantage(rng.random((B // 8, 8)).astype(np.float32)).reshape(B, 1)
    advantage = np.repeat(advantage, WORDS.length, axis=1)
    counts = WORDS.counts(response)
    weight = (counts / counts.sum(axis=1, keepdims=True) / B).astype(np.float32)
    t_old, t_ref, t_advantage, t_weight = (torch.tensor(a) for a in (old, ref, advantage, weight))
    adam = Adam(LR)

    def ours():
        logp, back = token_logp(model, prompt, response)
        loss, d = clipped_surrogate(logp, old, advantage, CLIP, weight)
        loss += BETA * float((weight * k3(logp, ref)).sum())
        adam.step(model.params, back(d + BETA * weight * d_k3(logp, ref)))
        return loss

    def theirs(optimiser, token):
        logp = token()
        ratio = torch.exp(logp - t_old)
        gain = torch.min(ratio * t_advantage, torch.clamp(ratio, 1 - CLIP, 1 + CLIP) * t_advantage)
        log_r = t_ref - logp
        loss = ((BETA * (torch.exp(log_r) - 1 - log_r) - gain) * t_weight).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return ours, *(partial(theirs, *peer(model, prompt, response, early)) for early in (False, True))


STEPS = {"dpo": dpo_steps, "grpo": grpo_steps}


@pytest.mark.parametrize(("name", "B"), GOALS)
def test_step(name, B):
    """Equal losses for ten steps, then turns."""
    steps = STEPS[name](B)
    for _ in range(10):
        mine, *others = (step() for step in steps)
        assert others == pytest.approx([mine, mine], abs=1e-6)
    seconds = {step: [] for step in steps}
    for _ in range(TURNS):
        for step in steps:
            began = time.process_time_ns()
            for _ in range(STEPS_A_TURN):
                step()
            seconds[step].append((time.process_time_ns() - began) / 1e9 / STEPS_A_TURN)
    FOUND[name, B] = [median(seconds[step]) for step in steps]
    assert FOUND[name, B][0] < min(FOUND[name, B][1:])


# ---------------------------------------------------------------- the stages

TASK = preference_task()
TREE, REF = Tree(TASK.language), reference(TASK.language)


def prompts(n):
    return np.arange(n) % 3


def demonstrations():
    x = prompts(15_000)
    return x, sample(REF, x, np.random.default_rng(0))[0]


def comparisons():
    return compare(REF, TASK.reward, prompts(16_000), np.random.default_rng(0))


def by_exact_gradient():
    model, adam = as_trie(REF, TREE), Adam(0.05)
    log_ref, reward = responses(REF, TREE), TASK.table(TREE)
    for _ in range(600):
        _, grads = performance_gradient(model, TREE, log_ref, reward, 0.2)
        adam.step(model.params, {"theta": -grads["theta"]})


def on_all_pairs(steps):
    model, weight = as_trie(REF, TREE), pair_weights(responses(REF, TREE), TASK.table(TREE))
    train_dpo_on_all_pairs(model, REF, TREE, weight, DPOConfig(steps=steps, lr=0.02, every=steps))


def cartpole():
    rng = np.random.default_rng(0)
    init = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}
    policy = Policy(mlp_params([4, 32, 32, 2], rng, last_gain=0.01, **init), mlp, Categorical())
    value = Value(mlp_params([4, 32, 32, 1], rng, **init), mlp)
    learned = step_reward(4, 2, rng, scale=[2.4, 2.0, 0.2, 2.0])
    ppo_from_preferences(CartPole(), policy, value, learned, SegmentConfig(), rng)


def learned_from(train, *args):
    """A trie that starts as the reference and learns."""
    train(as_trie(REF, TREE), *args, np.random.default_rng(0))


def stages():
    """What -> a run of it; data are made before the clock starts."""
    x, y = demonstrations()
    pairs, rm = comparisons(), linear_reward(features, 4)
    critic = trie(TASK.language)
    return {
        "SFT: counts of 15,000": lambda: fit_by_counting(bigram(TASK.language), x, y),
        "SFT: 400 gradients of 64": lambda: learned_from(sft, x, y, SFTConfig()),
        "reward model: 400 gradients of 256 pairs": lambda: fit_reward_model(
            rm, pairs, RewardModelConfig(), np.random.default_rng(0)
        ),
        "exact policy gradient: 600": by_exact_gradient,
        "RLHF-PPO: 150 updates of 192, 4 epochs": lambda: learned_from(
            rlhf, critic, REF, TASK.reward, RLHFConfig()
        ),
        "RLOO: 300 updates of 24 x 8": lambda: learned_from(grpo, REF, TASK.reward, RLOO),
        "GRPO: 300 updates of 24 x 8": lambda: learned_from(grpo, REF, TASK.reward, GRPO),
        "DPO: 800 gradients of 128 of 16,000 pairs": lambda: learned_from(train_dpo, REF, pairs, DPOConfig()),
        "DPO on all pairs: 500 gradients": lambda: on_all_pairs(500),
        "DPO on all pairs: 1,500 gradients": lambda: on_all_pairs(1500),
        "RRHF: 400 gradients of 24 x 4": lambda: learned_from(train_rrhf, REF, TASK.reward, RRHFConfig()),
        "best of 4, imitated: 24,000 draws": lambda: learned_from(
            rejection_tune, TASK.reward, RejectionConfig()
        ),
        "CartPole from preferences: 5 rounds": cartpole,
    }


def test_stages():
    """The median of three."""
    for name, run in stages().items():
        seconds = []
        for _ in range(3):
            began = time.process_time()
            run()
            seconds.append(time.process_time() - began)
        SECONDS[name] = median(seconds)


# ---------------------------------------------------------------- the tables


def table():
    import torch

    rows = []
    for (name, B), goal in GOALS.items():
        mine, same, early = FOUND[name, B]
        what = f"{name.upper()}, {B} {'pairs' if name == 'dpo' else 'responses'}"
        times = f"{1e6 * mine:.0f} us | {1e6 * same:.0f} us | {same / mine:.1f}x"
        rows.append(f"| {what} | {times} | {1e6 * early:.0f} us | {early / mine:.1f}x | {goal:g}x |")
    return "\n".join(
        [
            "# A step of DPO and of GRPO, beside PyTorch's eager mode",
            "",
            f"{machine()}. Python {platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}.",
            "",
            "Processor seconds, one thread, medians. 16 tokens, responses of up to 8, 32 hidden units, float32,",
            "Adam; forward, loss, backward and update. Losses agree to 1e-6 for the first ten steps. PyTorch: from",
            "tokens, as ours. Head start: its features are ready-made and its Adam is fused.",
            "",
            "| what | rlcore | PyTorch | times faster | with a head start | times faster | goal |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            "## Stages of alignment, rlcore alone",
            "",
            "Responses of up to 3 letters, 3 prompts; a trie, unless it says otherwise. Goal: a second each.",
            "",
            "| what | processor seconds |",
            "|---|---|",
            *(f"| {name} | {seconds:.2f} |" for name, seconds in SECONDS.items()),
            "",
        ]
    )


@pytest.fixture(scope="module", autouse=True)
def report(pytestconfig, there_is_a_peer):
    """When all has run: print the tables and keep them."""
    yield
    if FOUND.keys() == GOALS.keys() and SECONDS:
        with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print("\n\n" + table())
        (HERE / "ALIGNMENT.md").write_text(table())
