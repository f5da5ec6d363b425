"""Names that stand in other people's code: where each is found, and its arguments with their defaults.

Further arguments may follow by keyword, and have defaults.
"""

import inspect
from importlib import import_module

import pytest

NAMES = {
    "exact.regularised": ["kl_optimal_policy(log_ref, reward, beta)"],
    "learning.returns": [
        "discounted_return(reward, done, *, gamma, bootstrap=0.0)",
        "gae(reward, value, next_value, terminated, done, *, gamma, lam)",
        "group_advantage(reward, *, eps=0.0001, ddof=1, scale=True)",
        "rloo_advantage(reward)",
    ],
    "learning.losses": [
        "clipped_surrogate(logp, logp_old, advantage, clip, weight=None)",
        "ppo_clip(logits, action, logp_old, advantage, clip)",
        "ppo_penalty(logits, action, logits_old, advantage, beta)",
        "policy_gradient_loss(logits, action, advantage)",
        "entropy(logits)",
        "squared_error(prediction, target)",
        "dpo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, beta, label_smoothing=0.0)",
        "ipo(logp_chosen, logp_rejected, ref_chosen, ref_rejected, beta)",
        "bradley_terry(reward_chosen, reward_rejected)",
        "rrhf(score, rank_reward)",
    ],
    "learning.kl": ["k1(logp, logp_ref)", "k2(logp, logp_ref)", "k3(logp, logp_ref)"],
    "learning.policies": ["log_prob(logits, action)", "gaussian_log_prob(mean, log_std, action)"],
    "exact.gradients": [
        "performance(mdp, pi)",
        "policy_gradient(mdp, theta)",
        "natural_policy_gradient(mdp, theta)",
    ],
    "exact.moments": ["moments(mdp, pi, estimator, horizon)"],
    "lm.models": ["token_logp(model, prompt, response)"],
    "lm.sft": ["sft(model, prompt, response, cfg, rng)"],
    "lm.rlhf": ["rlhf(model, critic, ref, reward, cfg, rng)", "rloo(model, ref, reward, cfg, rng)"],
    "lm.dpo": ["train_dpo(model, ref, pairs, cfg, rng)"],
    "lm.rrhf": ["train_rrhf(model, ref, reward, cfg, rng)"],
    "lm.best_of_n": ["best_of(model, score, prompt, n, rng)", "rejection_tune(model, score, cfg, rng)"],
    "lm.grpo": ["grpo(model, ref, reward, cfg, rng)"],
    "lm.reward_model": ["fit_reward_model(model, pairs, cfg, rng)"],
    "lm.segments": ["ppo_from_preferences(env, policy, value, learned, cfg, rng)"],
    "lm.iterated": ["iterated_rlhf(model, critic, ref, learned, gold, cfg, rng)"],
}


@pytest.mark.parametrize(("module", "call"), [(m, call) for m, calls in NAMES.items() for call in calls])
def test_a_name_and_its_arguments(module, call):
    name, _, arguments = call.partition("(")
    f = getattr(import_module(f"rlcore.{module}"), name)
    ours = [p.replace(annotation=p.empty) for p in inspect.signature(f).parameters.values()]
    plain = [str(p) for p in ours if p.kind is not p.KEYWORD_ONLY]
    by_name = [str(p) for p in ours if p.kind is p.KEYWORD_ONLY]
    before, _, behind = arguments.removesuffix(")").partition(", *, ")
    wanted, wanted_by_name = before.split(", "), behind.split(", ") if behind else []
    assert plain[: len(wanted)] == wanted
    assert by_name[: len(wanted_by_name)] == wanted_by_name
    assert all("=" in p for p in plain[len(wanted) :] + by_name[len(wanted_by_name) :])
