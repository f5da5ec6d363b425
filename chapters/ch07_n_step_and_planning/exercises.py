"""Exercises of chapter 7. Replace each `raise`, then run:  make grade CH=ch07

Every array is a NumPy array. Letters: S states, A actions, T steps of an episode or of a tape.

    states (T + 1,) int    the states of one episode, the last one included
    rewards (T,)           rewards[k] is paid for the step from states[k] to states[k + 1]
    terminated bool        True: the last state is an end, worth nothing. False: the time limit cut the episode
    V (S,), Q (S, A)       the tables;  pi, b (S, A) probabilities of the actions

Leave the arguments as you found them: work on a copy where you must write.
"""


def n_step_target(states, rewards, terminated, V, gamma, t, n):
    """Exercise 7.1.  The n-step return from step t, equation (7.1, eq:n-step-return).

        G = r_t + gamma r_{t+1} + ... + gamma^(n-1) r_{t+n-1} + gamma^n V(s_{t+n}),     r_t = rewards[t]

    The window ends with the episode, if that comes first. Entries of V for terminal states may hold anything.

    states, rewards, terminated, V as above, gamma float, t int, n int -> float
    """
    raise NotImplementedError("Exercise 7.1")


def lambda_weights(lam, left):
    """Exercise 7.2.  What the lambda-return is a mean of, equation (7.6, eq:lambda-return).

    From step t the episode has `left` steps to go. Give the weights of G_{t:t+1}, G_{t:t+2}, ..., G_{t:T}; the
    last of these is the whole return.

    lam float in [0, 1], left int >= 1 -> weights (left,), which sum to 1

    Hint: the last one gets all the weight that windows beyond the end would have had.
    """
    raise NotImplementedError("Exercise 7.2")


def curious_rewards(reward, last, now, kappa):
    """Exercise 7.3.  The rewards that the model of Dyna-Q+ promises, equation (7.11, eq:curiosity).

        r + kappa sqrt(tau)

    tau is the time since the pair was last tried: it was tried at time last[s, a], and it is `now`.

    reward (S, A), last (S, A) int, now int, kappa float -> (S, A)
    """
    raise NotImplementedError("Exercise 7.3")


def uct_scores(total, visits, c):
    """Exercise 7.4.  How attractive each action is in a node of a search tree, equation (7.13, eq:uct).

        mean(a) + c sqrt(ln N / N(a)),     N = N(1) + ... + N(A)

    An action that was never tried comes before all others.

    total (A,) sum of the returns of each action, visits (A,) int how often it was taken, c float
      -> (A,), infinite where visits is 0

    Hint: divide only where visits is positive.
    """
    raise NotImplementedError("Exercise 7.4")


def n_step_updates(states, rewards, terminated, V, alpha, gamma, n):
    """Exercise 7.5.  n-step TD over one episode, equation (7.2, eq:n-step-td).

        V(s_t) <- V(s_t) + alpha (G_{t:t+n} - V(s_t))        for t = 0, 1, ..., T - 1

    G is the target of Exercise 7.1, with the table as the updates before have left it.

    states, rewards, terminated, V as above, alpha, gamma float, n int -> the new V (S,)
    """
    raise NotImplementedError("Exercise 7.5")


def ratio_of_window(pi, b, states, actions, t, n, of_action):
    """Exercise 7.6.  The importance ratio of an n-step window, equation (7.4, eq:n-step-ratio).

    The walker followed b, and the episode terminated after T steps. What is learned is

        of_action False    V(s_t) of pi,       from the target  r_t + ... + gamma^n V(s_{t+n})
        of_action True     Q(s_t, a_t) of pi,  from the target  r_t + ... + gamma^n Q(s_{t+n}, a_{t+n})

    Give the product of pi(a_k | s_k) / b(a_k | s_k) over the steps k that the target hangs on: those whose
    action was drawn, is not given, and has a say in what the target is. A window ends with the episode.

    pi, b (S, A), states (T + 1,) int, actions (T,) int, t int < T, n int, of_action bool -> float

    Hint: which actions would have to be other ones for the target to be another one?
    """
    raise NotImplementedError("Exercise 7.6")


def tree_backup_target(states, actions, rewards, terminated, Q, pi, gamma, t, n):
    """Exercise 7.7.  The target of tree backup from step t, equation (7.5, eq:tree-backup).

    At every state on the way, the actions not taken count with Q, weighted with pi; the action that was taken
    counts, weighted with pi too, with what came of it. At the end of the window all actions count with Q.

    states (T + 1,), actions (T,), rewards (T,), terminated, Q (S, A), pi (S, A), gamma float, t int, n int
      -> float

    Hint: begin at the end of the window and come back.
    """
    raise NotImplementedError("Exercise 7.7")


def td_lambda_on_tape(states, rewards, next_states, terminated, truncated, V, alpha, gamma, lam):
    """Exercise 7.8.  TD(lambda) over a tape of several episodes, equation (7.7, eq:td-lambda).

        delta = r + gamma V(s') - V(s),    z <- gamma lam z,    z(s) <- z(s) + 1,    V <- V + alpha delta z

    Step t goes from states[t] to next_states[t]; where terminated[t] or truncated[t] the episode is over, and
    step t + 1 belongs to another one.

    states, rewards, next_states (T,), terminated, truncated (T,) bool, V (S,), alpha, gamma, lam float
      -> the new V (S,)
    """
    raise NotImplementedError("Exercise 7.8")


def watkins_on_tape(states, actions, rewards, next_actions, terminated, Q, alpha, gamma, lam):
    """Exercise 7.9.  Watkins's Q(lambda) over one episode, equation (7.10, eq:watkins).

        delta = r + gamma max_a Q(s', a) - Q(s, a),    z <- gamma lam z,    z(s, a) <- z(s, a) + 1,
        Q <- Q + alpha delta z,    and z <- 0 if the next action is not one of the best

    Whether next_actions[t] is one of the best in states[t + 1] is decided with Q as it was when it was chosen:
    before the update of step t. Equal values are equally good.

    states (T + 1,), actions (T,), rewards (T,), next_actions (T,) int, terminated, Q (S, A), three floats
      -> the new Q (S, A)
    """
    raise NotImplementedError("Exercise 7.9")


def dyna_q(states, actions, rewards, next_states, terminated, picks, Q, alpha, gamma):
    """Exercise 7.10.  Dyna-Q on given steps and with given memories.

    For each step t: make the update of Q-learning with (states[t], actions[t], rewards[t], next_states[t],
    terminated[t]); remember what the pair (s, a) led to, in the place of what it led to before; then, for each
    number k of picks[t], make the same update with what is remembered of the k-th pair, the pairs counted from
    0 in the order in which they were first tried, and k taken modulo how many there are.

    states, actions, next_states (T,) int, rewards (T,), terminated (T,) bool, picks (T, n) int, Q (S, A),
    alpha, gamma float -> the new Q (S, A)

    Hint: a Python dict keeps its keys in the order in which they came.
    """
    raise NotImplementedError("Exercise 7.10")


def sweep_backwards(reward, s_next, terminated, known, Q, gamma, theta, pair, updates):
    """Exercise 7.11.  Prioritized sweeping in a model of a sure world, equation (7.12, eq:surprise).

    The surprise of a pair is |reward + gamma max_b Q(s', b) - Q(s, a)|, without the second term where it
    terminated. Put `pair` in the queue if its surprise is above theta. Then up to `updates` times, while the
    queue is not empty: take out the pair with the largest surprise, set its Q to its target, and for every
    known pair that leads to its state compute the surprise anew; if that is above theta the pair is in the
    queue with this surprise, in the place of an earlier one.

    reward (S, A), s_next (S, A) int, terminated, known (S, A) bool, Q (S, A), gamma, theta float,
    pair (s, a), updates int -> [states (m,) of the pairs taken out, actions (m,), the new Q (S, A)]

    Hint: a table (S, A) of surprises, 0 for what does not wait, is queue enough. A pair that has fallen to theta
    or below since it was put in stays where it is.
    """
    raise NotImplementedError("Exercise 7.11")


def errors_of_step_sizes(runs, truth, alphas, n):
    """Exercise 7.12.  One U-curve of Figure 7.1: how large is the error of n-step TD for each step size?

    runs[i] is a list of episodes, each [states (T + 1,), rewards (T,)]; all episodes terminate, gamma is 1.
    Each run begins with V = 0 and keeps V from episode to episode. After each episode take the root of the mean
    square of V - truth over the states 1 to S - 2 (0 and S - 1 are the ends); for each alpha give the mean of
    these numbers over all episodes and runs.

    runs a list of lists, truth (S,), alphas (K,), n int -> (K,)
    """
    raise NotImplementedError("Exercise 7.12")
