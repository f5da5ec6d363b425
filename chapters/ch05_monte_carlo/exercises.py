"""Exercises of chapter 5. Replace each `raise`, then run:  make grade CH=ch05

Every array is a NumPy array. Letters: S states, A actions, T steps of an episode, n episodes.

`reward[t]` is the reward of step t, in which the state was `state[t]` and the action `action[t]`.
Leave the arguments as you found them: work on a copy where you must write.
"""


def hand_after(total, usable, card):
    """Exercise 5.1.  Another card for a hand of blackjack.

    An ace (card 1) counts 11 if the sum does not exceed 21 that way, else 1. An ace that counts 11 is usable:
    when a later card brings the sum above 21, it counts 1 from then on.

    total int from 2 to 21, usable bool (has the hand an ace that counts 11?), card int from 1 to 10
      -> [new sum, whether it holds a usable ace]; a sum above 21 is bust and stays as it is

    Hint: no hand has two aces that count 11.
    """
    raise NotImplementedError("Exercise 5.1")


def visit_average(states, reward, gamma, state):
    """Exercise 5.2.  What one episode says of a state, equation (5.1, eq:mc-prediction).

    First-visit: the return from the first step in `state` on. Every-visit: the mean of the returns from all
    steps in `state` on.

    states (T,) int, reward (T,), gamma float, state int, which is visited -> [first-visit, every-visit]
    """
    raise NotImplementedError("Exercise 5.2")


def dealer_bust(shown, stick):
    """Exercise 5.3.  The chance that the dealer goes bust.

    He shows one card and takes more until his sum is `stick` or above. Cards are 1 (the ace) to 9 with
    probability 1/13 each, and 10 with probability 4/13. An ace counts 11 if that keeps the sum at 21 or less,
    else 1. He is bust with a sum above 21.

    shown int from 1 to 10, stick int (17 in the casino) -> float

    Hint: let f(hard, ace) be the chance from a hand whose cards add up to `hard`, aces as 1; f calls itself.
    """
    raise NotImplementedError("Exercise 5.3")


def walk_many(P, R, start, terminal, episodes, rng):
    """Exercise 5.4.  The total rewards of many episodes, each with luck of its own.

    A walk without choices: it begins in a state drawn from `start`, steps from s to s' with probability
    P[s, s'], is paid R[s, s'], and ends when it enters a terminal state.

    Draw one uniform number u = rng.random() for the first state and one for each next state, all from the
    one generator you are given. The state drawn from probabilities p is the number of entries of p.cumsum()
    that are <= u.

    P (S, S), R (S, S), start (S,), terminal (S,) bool, episodes int, rng Generator -> G (episodes,)
    """
    raise NotImplementedError("Exercise 5.4")


def action_ratios(pi, b, state, action):
    """Exercise 5.5.  The importance ratios for action values, after equation (5.3, eq:importance-ratio).

    The return from step t on is a sample of Q_b(s_t, a_t). To make it one of Q_pi(s_t, a_t), weigh it with
    the product of pi(a_k | s_k) / b(a_k | s_k) over the steps k that pi would have chosen differently: those
    after t, as a_t itself is given.

    pi (S, A), b (S, A), state (T,) int, action (T,) int -> W (T,)
    """
    raise NotImplementedError("Exercise 5.5")


def go_on_averaging(V, C, W, G):
    """Exercise 5.6.  A weighted average that is never computed anew, equation (5.6, eq:incremental-weighted).

        C <- C + W,    V <- V + W / C (G - V)

    V is the weighted average of what came before, C the sum of its weights, 0 at first. n more episodes
    come, with ratios W and returns G. A ratio may be 0: such an episode changes nothing.

    V float, C float >= 0, W (n,) >= 0, G (n,) -> V after each of the n episodes (n,)
    """
    raise NotImplementedError("Exercise 5.6")


def cut_returns(reward, terminated, truncated, value, next_value, gamma):
    """Exercise 5.7.  Returns from a stream of episodes, some of which a time limit cut, equation (5.7, eq:cut-return).

    T steps of one walker, episode after episode. terminated[t]: the episode is over after step t, nothing
    comes. truncated[t]: it was cut there and the walker reset; what would have come is worth V of the state
    that step t led to. The stream itself ends in the middle of an episode: that is a cut as well.

    value[t] = V(state of step t), next_value[t] = V(state that step t led to), also where the walker was reset.

    reward (T,), terminated (T,) bool, truncated (T,) bool, value (T,), next_value (T,), gamma float -> G (T,)

    Hint: walk backwards. What follows step t is 0, next_value[t] or G[t + 1]. You may not need every argument.
    """
    raise NotImplementedError("Exercise 5.7")


def loop_second_moment(stay, left):
    """Exercise 5.8.  Whether importance sampling has a variance, and how large it is.

    One state. Going left stays there with probability `stay`, or else ends and pays 1. Going right ends and
    pays 0. The target policy always goes left, so that G = 1 in the end; the walker goes left with
    probability `left`. Give E[(W G)^2] of one episode of the walker, W being the ratio of the whole episode;
    float("inf") where the sum does not converge.

    stay float in [0, 1), left float in (0, 1] -> float

    Hint: what is the chance of k lefts that stay and one that ends, and what is W then?
    """
    raise NotImplementedError("Exercise 5.8")


def off_policy_sweep(Q, C, b, state, action, reward, gamma):
    """Exercise 5.9.  One episode of off-policy control.

    The walker follows b. Go through its episode from the last step to the first, with G = 0 and W = 1 in
    the beginning. At each step

        G <- reward + gamma G,   C(s, a) <- C(s, a) + W,   Q(s, a) <- Q(s, a) + W / C(s, a) (G - Q(s, a))

    and then, if a is not the greedy action of s (argmax of the new Q), stop; if it is, W <- W / b(a | s).

    Q (S, A), C (S, A), b (S, A), state (T,) int, action (T,) int, reward (T,), gamma float
      -> [Q (S, A), C (S, A)] afterwards, as a list or a tuple
    """
    raise NotImplementedError("Exercise 5.9")


def limited_values(P, R, start, terminal, horizon):
    """Exercise 5.10.  What three ways to treat a time limit converge to, exactly; gamma is 1.

    The walk of Exercise 5.4, cut after `horizon` steps. With endless data, what is the mean

        cut            of the returns as they are, whether cut or not
        dropped        of the returns of those episodes that ended in time, the others thrown away
        bootstrapped   of the returns, plus V(s) of the state s that was reached where the walk was cut

    P (S, S), where terminal states lead to themselves; R (S, S), 0 there; start (S,); terminal (S,) bool;
    horizon int >= 1, and some walk ends in time -> [cut, dropped, bootstrapped]

    Hint: carry two tables forward in time, P(s_t = s) and E[reward so far, counted where s_t = s].
    """
    raise NotImplementedError("Exercise 5.10")
