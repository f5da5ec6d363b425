"""Who divides by what: what papers and programs call GRPO and RLOO, each a configuration of `grpo`.

They differ in six places: the standard deviation's divisor and what is added to it, what a ratio is taken of, how
far it may go, what a token counts, and whether a nat from the reference costs something, in the loss or in the
reward. Each entry has the defaults of its source; groups, rates and rounds are this book's.

What a source leaves open is filled in, and said beside the entry.

Left out: what is not one of the six: a second clip at large ratios, penalties on long responses, new groups in the
place of silent ones, weights for the difference between two engines.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from rlcore.learning.returns import group_advantage
from rlcore.lm.grpo import DAPO, DR_GRPO, GRPO, GSPO, RLOO, GRPOConfig, token_mean

CONVENTIONS: dict[str, GRPOConfig] = {
    # the formula; it leaves open which std, and how wide the clip: n and 0.2 here
    "DeepSeekMath": replace(GRPO, advantage=partial(group_advantage, ddof=0, eps=0.0), beta=0.04),
    "Dr. GRPO": replace(DR_GRPO, beta=0.0),
    "Dr. GRPO, as GRPO": replace(GRPO, advantage=partial(group_advantage, eps=1e-8), beta=0.0),
    "TRL": replace(GRPO, weight=token_mean, beta=0.0),
    "TRL, RLOO": replace(RLOO, reward_beta=0.05),
    "verl": replace(GRPO, advantage=partial(group_advantage, eps=1e-6), weight=token_mean, beta=0.0),
    # one step on each response, so its ratio is 1 and no clip is written
    "nano-aha-moment": replace(
        GRPO, advantage=partial(group_advantage, ddof=0), weight=token_mean, beta=0.001
    ),
    # its formula divides by the tokens of a group, its program by those of a batch, as here; of the std it says no
    # more than that: n - 1 and 1e-4 here, and so for GSPO
    "DAPO": DAPO,
    # one ratio a response, so the mean of means is the mean over responses
    "GSPO": replace(GSPO, clip=(3e-4, 4e-4), beta=0.0),
}
