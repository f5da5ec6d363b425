"""Exercises of chapter 10. Replace each `raise`, then run:  make grade CH=ch10

Every array is a NumPy array. Letters: S states, A actions, T steps, N walkers, B steps of a batch, D features.

    reward (T,)     terminated (T,) bool   the problem ended with this step
    gamma, lam      truncated (T,) bool    the time limit cut the episode after this step

Leave the arguments as you found them: work on a copy where you must write.
"""


def advantages(P, R, gamma, pi):
    """Exercise 10.1.  How much better each action is than the policy, from the model.

        A(s, a) = r(s, a) + gamma sum_s' P(s, a, s') V(s') - V(s),        V the value of pi

    P (S, A, S), R (S, A), gamma < 1, pi (S, A) -> A (S, A).   Nothing ends in this world.

    Hint: V first, by solving a linear system.
    """
    raise NotImplementedError("Exercise 10.1")


def judge_returns(G, v):
    """Exercise 10.2.  Returns against the values of a network, equation (10.3, eq:critic-loss).

        advantage = G - V(s),        loss = mean over the batch of (V(s) - G)^2 / 2

    G (B,) returns, v (B, 1) what the critic's network says, with the axis of its one output
      -> [advantage (B,), loss, dloss/dv (B, 1)]

    Hint: print the shape of G - v before you go on.
    """
    raise NotImplementedError("Exercise 10.2")


def collect(succ, terminal, start, horizon, action):
    """Exercise 10.3.  What a runner writes down: a walk of T steps through several episodes.

    The walker begins at `start`. Action a in state s leads to succ[s, a]. Where that is terminal, the step
    `terminated`. If it is not, but was step number `horizon` of its episode, the step was `truncated`. After
    either one the walker stands at `start` again; next_state is where the action led.

    succ (S, A) int, terminal (S,) bool, start int, horizon int >= 1, action (T,) int
      -> [state (T,) int, next_state (T,) int, terminated (T,) bool, truncated (T,) bool]
    """
    raise NotImplementedError("Exercise 10.3")


def mixture(delta, gamma, lam):
    """Exercise 10.4.  GAE as a mean of n-step advantages, equation (10.6, eq:gae-mixture).

    From step t, the advantage of n steps is  A^(n) = delta_t + gamma delta_{t+1} + ... + gamma^(n-1) delta_{t+n-1}.
    With K = T - t steps to the end of the episode,

        A_t = (1 - lam) (A^(1) + lam A^(2) + ... + lam^(K-2) A^(K-1)) + lam^(K-1) A^(K)

    delta (T,) the TD errors of one episode, gamma float, lam float -> A (T,)

    Hint: the weights of a mean sum to 1. Look at the last one.
    """
    raise NotImplementedError("Exercise 10.4")


def gae(reward, value, final_value, last_value, terminated, truncated, gamma, lam):
    """Exercise 10.5.  GAE from what a lock-step rollout holds, equation (10.5, eq:gae).

    Where an episode ends, the walker starts again in the same step, so the state of row t + 1 is already the
    first one of the next episode. The value of the last state of the old one is handed over separately.

    value (T, N) of the state of each row, final_value (T, N) of the state that the step led to where it was
    truncated (garbage in all other rows), last_value (N,) of the states in which the rollout leaves its walkers,
    reward, terminated, truncated (T, N), gamma, lam -> A (T, N).   No step is both terminated and truncated.

    Hint: first V(s') of every row. Then two questions: is it worth anything, and does the sum go on?
    """
    raise NotImplementedError("Exercise 10.5")


def one_step_actor_critic(theta, V, state, action, reward, next_state, terminated, alpha, beta, gamma):
    """Exercise 10.6.  Actor and critic learn from every step of a tape, equation (10.4, eq:one-step-actor-critic).

        delta = r + gamma V(s') - V(s),        V(s') = 0 where the step terminated
        theta(s, .) <- theta(s, .) + alpha delta (onehot(a) - pi(. | s)),        pi = softmax(theta)
        V(s) <- V(s) + beta delta

    theta (S, A), V (S,), state, action, next_state (T,) int, reward (T,), terminated (T,) bool, alpha, beta,
    gamma -> [theta (S, A), V (S,)] after T steps

    Hint: everything on the right is from before the step.
    """
    raise NotImplementedError("Exercise 10.6")


def bias_and_variance(estimates, probability, truth, n):
    """Exercise 10.7.  How wrong the mean of n independent estimates is, equation (10.7, eq:bias-variance).

        bias2 = |E x - truth|^2,    variance = E |x - E x|^2,    error = E |mean of n - truth|^2

    estimates (K, D) all that can come out, probability (K,) of each, truth (D,), n int
      -> [bias2, variance, error], three floats; bias2 and variance of a single estimate
    """
    raise NotImplementedError("Exercise 10.7")


def fooled_critic(P, r, start, horizon, gamma):
    """Exercise 10.8.  What a critic believes that takes cuts for ends, equation (10.8, eq:fooled-critic).

    TD(0) learns from a chain that never ends. It is walked from `start` and cut after `horizon` steps, again
    and again. The critic does not see the clock, and the target of the step before a cut is r alone. It
    stands still where the TD errors of all visits to a state sum to zero:

        n(s) V(s) = n(s) r(s) + gamma m(s) sum_s' P(s, s') V(s')

    n(s) = how often s is visited in an episode, m(s) = how often by a step that is not the last one, both
    on average.

    P (S, S), r (S,), start (S,) probabilities, horizon int >= 1, gamma -> V (S,).   Every n(s) > 0.

    Hint: P(s_t = s) is start P^t. Then a linear system.
    """
    raise NotImplementedError("Exercise 10.8")


def batch_gradients(theta, w, x, x_next, action, reward, terminated, gamma, bonus):
    """Exercise 10.9.  One update of a linear actor and a linear critic.

        actor loss  = -mean(delta log pi(a | s)) - bonus mean H(pi),        pi = softmax(x theta)
        critic loss = mean((V(s) - target)^2) / 2,        V = x w
        target = r + gamma V(s')  (r alone where terminated),        delta = target - V(s)

    In the actor's loss (10.2, eq:actor-loss) delta is a constant; in the critic's (10.3, eq:critic-loss) the
    target is one.

    theta (D, A), w (D,), x (B, D), x_next (B, D), action (B,) int, reward (B,), terminated (B,) bool, gamma,
    bonus float -> [d actor loss / d theta (D, A), d critic loss / d w (D,)]

    Hint: dH/dlogits = -p (log p + H).
    """
    raise NotImplementedError("Exercise 10.9")


def gain_by_state(P, R, start, gamma, pi, pi_old):
    """Exercise 10.10.  Which states a better policy owes its gain to, equation (10.10, eq:performance-difference).

        gain(s) = d_pi(s) sum_a pi(a | s) A_old(s, a),        d_pi(s) = sum_t gamma^t P(s_t = s) under pi

    P (S, A, S), R (S, A), start (S,), gamma < 1, pi (S, A), pi_old (S, A) -> gain (S,), which sums to
    J(pi) - J(pi_old)
    """
    raise NotImplementedError("Exercise 10.10")
