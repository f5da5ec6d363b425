"""A gradient step of DPO and one of GRPO on the network of a language model, beside PyTorch's eager mode.

pytest tests/benchmarks/bench_alignment.py      (about half a minute; the extra `bench` installs the peer)

15 letters and the end, up to 8 tokens, 16 prompts, 32 hidden units, float32, Adam. A step is all of it: the
log-probabilities of the batch, the loss, the gradient, the optimiser. The peer is given its one-hot features
ready-made; ours looks tokens up in each step. Both start from the same numbers, and their losses agree.

    dpo     B pairs, the reference's log-probabilities known
    grpo    B responses in groups of eight: clipped ratio, k3 against the reference, a mean over each response

One thread, processor seconds, turns taken; the median of many. The table goes to tests/benchmarks/ALIGNMENT.md.
"""

import importlib.util
import platform
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from rlcore.learning.kl import d_k3, k3
from rlcore.learning.losses import clipped_surrogate, dpo
from rlcore.learning.returns import group_advantage
from rlcore.lm.language import Language
from rlcore.lm.models import mlp_model, one_hot_prompts, sequence_logp, token_logp
from rlcore.lm.sampling import sample
from rlcore.nn.optim import Adam

sys.path.insert(0, str(Path(__file__).parent))
from bench_dp import machine

HERE = Path(__file__).parent
WORDS = Language("abcdefghijklmno", tuple("ABCDEFGHIJKLMNOP"), length=8)
BETA, CLIP, LR, TURNS = 0.1, 0.2, 1e-3, 400
GOALS = {("dpo", 64): 3.0, ("grpo", 64): 4.5, ("dpo", 8): 8.0, ("grpo", 8): 8.0}
FOUND: dict = {}


@pytest.fixture(scope="module", autouse=True)
def there_is_a_peer():
    if not importlib.util.find_spec("torch"):
        pytest.fail("the peer, torch, is not installed; `make bench` installs it")


def start(B, rows):
    """A model with last weights of some size, and samples of it: prompts and responses, B of them `rows` times."""
    rng = np.random.default_rng(0)
    model = mlp_model(WORDS, rng, last_gain=1.0, dtype=np.float32)
    prompt = np.tile(np.repeat(rng.integers(16, size=B // 8), 8), rows)
    return model, prompt, sample(model, prompt, rng)[0], rng


def peer(model, prompt, response):
    """The same network in the peer, its optimiser, and a function for the log-probabilities of the batch."""
    import torch

    torch.set_num_threads(1)
    B, L = response.shape
    about = np.repeat(one_hot_prompts(WORDS)[prompt][:, None], L, axis=1)
    place = np.repeat(np.eye(L)[None], B, axis=0)
    x = np.concatenate([about, np.eye(WORDS.n_actions)[WORDS.before(response)], place], axis=-1)
    x = torch.tensor(x, dtype=torch.float32)
    counts = WORDS.counts(response)
    chosen = torch.tensor(np.where(counts, response, 0))[..., None]
    counts = torch.tensor(counts, dtype=torch.float32)
    net = torch.nn.Sequential(
        torch.nn.Linear(x.shape[-1], 32, bias=False), torch.nn.Tanh(), torch.nn.Linear(32, WORDS.n_actions)
    )
    p = model.params
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor(np.vstack([p["W_prompt"], p["W_before"], p["W_position"]]).T))
        net[2].weight.copy_(torch.tensor(p["W_out"].T))
        net[2].bias.copy_(torch.tensor(p["b_out"]))

    def logp():
        return torch.log_softmax(net(x), dim=-1).gather(-1, chosen)[..., 0] * counts

    return torch.optim.Adam(net.parameters(), lr=LR), logp


def dpo_steps(B):
    """Our step and the peer's, each returning its loss."""
    import torch

    model, prompt, response, rng = start(B, rows=2)
    ref = sequence_logp(model, prompt, response)[0]
    ref = ref + 0.3 * rng.standard_normal(2 * B).astype(np.float32)
    adam, (optimiser, token) = Adam(LR), peer(model, prompt, response)
    ref_chosen, ref_rejected = torch.tensor(ref[:B]), torch.tensor(ref[B:])

    def ours():
        logp, back = sequence_logp(model, prompt, response)
        loss, d = dpo(logp[:B], logp[B:], ref[:B], ref[B:], BETA)
        adam.step(model.params, back(np.concatenate(d)))
        return loss

    def theirs():
        logp = token().sum(dim=1)
        h = (logp[:B] - ref_chosen) - (logp[B:] - ref_rejected)
        loss = -torch.nn.functional.logsigmoid(BETA * h).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return ours, theirs


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
    adam, (optimiser, token) = Adam(LR), peer(model, prompt, response)
    t_old, t_ref, t_advantage, t_weight = (torch.tensor(a) for a in (old, ref, advantage, weight))

    def ours():
        logp, back = token_logp(model, prompt, response)
        loss, d = clipped_surrogate(logp, old, advantage, CLIP, weight)
        loss += BETA * float((weight * k3(logp, ref)).sum())
        adam.step(model.params, back(d + BETA * weight * d_k3(logp, ref)))
        return loss

    def theirs():
        logp = token()
        ratio = torch.exp(logp - t_old)
        gain = torch.min(ratio * t_advantage, torch.clamp(ratio, 1 - CLIP, 1 + CLIP) * t_advantage)
        log_r = t_ref - logp
        loss = ((BETA * (torch.exp(log_r) - 1 - log_r) - gain) * t_weight).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return ours, theirs


STEPS = {"dpo": dpo_steps, "grpo": grpo_steps}


@pytest.mark.parametrize(("name", "B"), GOALS)
def test_step(name, B):
    """Equal losses for ten steps, then turns."""
    ours, theirs = STEPS[name](B)
    for _ in range(10):
        assert ours() == pytest.approx(theirs(), abs=1e-6)
    seconds = {ours: [], theirs: []}
    for _ in range(TURNS):
        for step in (ours, theirs):
            began = time.process_time_ns()
            for _ in range(5):
                step()
            seconds[step].append((time.process_time_ns() - began) / 5e9)
    FOUND[name, B] = median(seconds[ours]), median(seconds[theirs])
    assert FOUND[name, B][0] < FOUND[name, B][1]


def table():
    import torch

    rows = []
    for (name, B), goal in GOALS.items():
        mine, other = FOUND[name, B]
        what = f"{name.upper()}, {B} {'pairs' if name == 'dpo' else 'responses'}"
        rows.append(
            f"| {what} | {1e6 * mine:.0f} us | {1e6 * other:.0f} us | {other / mine:.1f}x | {goal:g}x |"
        )
    return "\n".join(
        [
            "# A step of DPO and of GRPO, beside PyTorch's eager mode",
            "",
            f"{machine()}. Python {platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}.",
            "",
            "Processor seconds, one thread, medians. 16 tokens, responses of up to 8, 32 hidden units, float32,",
            "Adam; forward, loss, backward and update. Losses agree to 1e-6 for the first ten steps.",
            "",
            "| what | rlcore | PyTorch | how many times faster | goal |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


@pytest.fixture(scope="module", autouse=True)
def report(pytestconfig, there_is_a_peer):
    """When all has run: print the table and keep it."""
    yield
    if FOUND.keys() == GOALS.keys():
        with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print("\n\n" + table())
        (HERE / "ALIGNMENT.md").write_text(table())
