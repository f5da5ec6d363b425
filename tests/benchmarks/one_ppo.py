"""Train PPO on CartPole once, ours or the peer's: in this process, or in one of its own.

python tests/benchmarks/one_ppo.py (rlcore | peer) seed steps

In a process of its own: import, train for so many steps, judge once; the score goes to stdout. The peer is
Stable-Baselines3 with the settings its own zoo tuned for CartPole-v1. A judgement is the mean return of 100
episodes with actions drawn from the policy; ours are walked in rlcore's CartPole, the peer's in Gymnasium's,
which give the same bits.
"""

import contextlib
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402  (after the limits)

SOLVED, EVERY = 475.0, 1024  # mean return; steps between two judgements


class Stopwatch:
    """Processor seconds; not those of a judgement."""

    def __init__(self):
        self.begin, self.away = time.process_time(), 0.0

    @contextlib.contextmanager
    def pause(self):
        left = time.process_time()
        yield
        self.away += time.process_time() - left

    def seconds(self):
        return time.process_time() - self.begin - self.away


# ---------------------------------------------------------------- ours


def networks(rng):
    """Two hidden layers of 64 for policy and critic each, as the peer has them."""
    from rlcore.learning.heads import Categorical
    from rlcore.learning.policies import Policy, Value
    from rlcore.nn.layers import mlp, mlp_params, orthogonal

    init = {"init": orthogonal, "gain": 2**0.5, "dtype": np.float32}
    policy = Policy(mlp_params([4, 64, 64, 2], rng, last_gain=0.01, **init), mlp, Categorical())
    return policy, Value(mlp_params([4, 64, 64, 1], rng, **init), mlp)


def ours(seed, **settings):
    """-> the history's last row, processor seconds without judgements"""
    from rlcore.algorithms import ppo as module
    from rlcore.problems.cartpole import CartPole

    rng = np.random.default_rng(seed)
    watch, mean_score = Stopwatch(), module.mean_score

    def timed(judge, act):
        with watch.pause():
            return mean_score(judge, act)

    module.mean_score = timed
    try:
        history = module.ppo(CartPole(), *networks(rng), module.PPOConfig(**settings), rng)
    finally:
        module.mean_score = mean_score
    return history[-1], watch.seconds()


# ---------------------------------------------------------------- the peer

TUNED = {"walkers": 8, "T": 32, "minibatch": 256, "epochs": 20, "gamma": 0.98, "lam": 0.8, "lr": 1e-3}


def peer(seed, stop_at=np.inf, steps=100_000, every=EVERY):
    """-> steps, score of the last judgement, processor seconds without judgements

    Learning rate and clip fall to 0 at 100,000 steps, as in the zoo, wherever the run ends.
    """
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    torch.set_num_threads(1)
    watch = Stopwatch()

    class Judge(BaseCallback):
        due, score, end, seconds = every, -np.inf, 0, 0.0

        def _on_step(self):
            return not self.end

        def _on_rollout_start(self):
            if self.num_timesteps >= min(self.due, steps):
                self.due += every
                self.seconds = watch.seconds()
                with watch.pause():
                    self.score = judged(self.model, seed)
                if self.score >= stop_at or self.num_timesteps >= steps:
                    self.end = self.num_timesteps

    model = PPO(
        "MlpPolicy",
        make_vec_env("CartPole-v1", TUNED["walkers"], seed=seed),
        n_steps=TUNED["T"],
        batch_size=TUNED["minibatch"],
        n_epochs=TUNED["epochs"],
        gamma=TUNED["gamma"],
        gae_lambda=TUNED["lam"],
        ent_coef=0.0,
        learning_rate=lambda left: TUNED["lr"] * left,
        clip_range=lambda left: 0.2 * left,
        seed=seed,
        device="cpu",
    )
    judge = Judge()
    model.learn(100_000, callback=judge)
    return judge.end, judge.score, judge.seconds


def judged(model, seed, n=100):
    """The mean return of n episodes of the peer's policy, in lock-step, one of each copy.

    Its actions come from the library's one stream, which is put back after: so looking does not change learning.
    """
    import gymnasium
    import torch

    envs = gymnasium.make_vec("CartPole-v1", num_envs=n, vectorization_mode="vector_entry_point")
    state, _ = envs.reset(seed=seed)
    score, walking, stream = np.zeros(n), np.ones(n, bool), torch.get_rng_state()
    torch.manual_seed(seed)
    while walking.any():
        with torch.no_grad():
            action = model.policy(torch.as_tensor(state))[0].numpy()
        state, reward, terminated, truncated, _ = envs.step(action)
        score += np.where(walking, reward, 0.0)
        walking &= ~(terminated | truncated)
    torch.set_rng_state(stream)
    return score.mean()


def main(who, seed, steps):
    if who == "rlcore":
        print(ours(seed, eval_every=steps // 512, stop_at=-np.inf)[0]["score"])
    else:
        print(peer(seed, steps=steps, every=steps)[1])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
