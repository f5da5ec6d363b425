"""Exercises of chapter 6. Replace each `raise`, then run:  make grade CH=ch06

Every array is a NumPy array. Letters: T steps, S states, A actions.

Experience comes as a tape: step t led from state[t] by action[t] to next_state[t] and paid reward[t].
terminated[t] says that the episode ended there, so that nothing comes after; truncated[t] says that a time
limit cut it off, so that something would have come. Either way the next episode begins at t + 1. Tables
hold numbers for all states, also for terminal ones; what they hold there must not matter.

Leave the arguments as you found them: work on a copy where you must write.
"""


def td_error(state, reward, next_state, terminated, V, gamma):
    """Exercise 6.1.  The surprise of each step, equation (6.2, eq:td-error).

        delta_t = r_t + gamma V(s') - V(s),      without the second term where the episode terminated

    V stays as it is. state, next_state (T,) int, reward (T,), terminated (T,) bool, V (S,), gamma float
      -> delta (T,)
    """
    raise NotImplementedError("Exercise 6.1")


def td0(state, reward, next_state, terminated, truncated, V, alpha, gamma):
    """Exercise 6.2.  TD(0) on a tape, equation (6.1, eq:td0).

        V(s) <- V(s) + alpha (r + gamma V(s') - V(s)),      step after step

    Each step sees what the steps before it have learned. Think about which of the two flags matters.

    the tape (T,) each, V (S,), alpha and gamma float -> V (S,) after the last step
    """
    raise NotImplementedError("Exercise 6.2")


def sarsa(state, action, reward, next_state, next_action, terminated, Q, alpha, gamma):
    """Exercise 6.3.  SARSA on a tape, equation (6.5, eq:sarsa).

        Q(s, a) <- Q(s, a) + alpha (r + gamma Q(s', a') - Q(s, a))

    the tape (T,) each, with next_action[t] chosen in next_state[t]; Q (S, A), alpha and gamma float
      -> Q (S, A) after the last step
    """
    raise NotImplementedError("Exercise 6.3")


def q_learning(state, action, reward, next_state, terminated, Q, alpha, gamma):
    """Exercise 6.4.  Q-learning on a tape, equation (6.6, eq:q-learning).

        Q(s, a) <- Q(s, a) + alpha (r + gamma max_a' Q(s', a') - Q(s, a))

    the tape (T,) each, Q (S, A), alpha and gamma float -> Q (S, A) after the last step
    """
    raise NotImplementedError("Exercise 6.4")


def expected_sarsa_target(q_next, reward, terminated, epsilon, gamma):
    """Exercise 6.5.  The target of expected SARSA, equation (6.7, eq:expected-sarsa).

    The policy is epsilon-greedy: with probability epsilon any of the A actions, each as likely as the others,
    else a best one; if several are best, each of them is as likely as the others.

    q_next (A,) the values Q(s', .), reward float, terminated bool, epsilon and gamma float -> float

    Hint: write the A probabilities down first. They must sum to 1.
    """
    raise NotImplementedError("Exercise 6.5")


def double_q_learning(state, action, reward, next_state, terminated, coin, Q1, Q2, alpha, gamma):
    """Exercise 6.6.  Double Q-learning on a tape, equation (6.9, eq:double-q).

    coin[t] says which table learns from step t: the first where it is 1, the second where it is 2. The table
    that learns chooses the best action of the next state (of equal ones the first); the other table says
    what that action is worth.

    the tape (T,) each, coin (T,) int, Q1 and Q2 (S, A), alpha and gamma float -> [Q1, Q2] after the last step
    """
    raise NotImplementedError("Exercise 6.6")


def mean_target(p, reward, q_next, gamma):
    """Exercise 6.7.  What Q-learning sees on average.

    An action leads to one of K next states, to number k with probability p[k], and pays reward[k] on the way.
    q_next[k] holds the action values there. Give the expected target of Q-learning.

    p (K,), reward (K,), q_next (K, A), gamma float -> float

    Hint: you see where you have landed before you choose again.
    """
    raise NotImplementedError("Exercise 6.7")


def batch_td(state, reward, next_state, terminated, V, gamma):
    """Exercise 6.8.  The limit of TD(0) on one tape, equation (6.3, eq:certainty-equivalence).

    Read the tape again and again with a small step size: where does V end? For every state that the tape
    visits, the errors r + gamma V(s') - V(s) of all its visits sum to 0. A state that it does not visit keeps
    its V.

    the tape (T,) each, V (S,), gamma float < 1 -> V (S,)

    Hint: a linear system with one row a state, or many passes with a small step.
    """
    raise NotImplementedError("Exercise 6.8")


def bias_of_the_best(arms, flips, p):
    """Exercise 6.9.  By how much the best of several equal averages is too high, equation (6.8, eq:max-bias).

    Every one of `arms` coins shows heads with probability p. You flip each one `flips` times and take the
    largest share of heads. Give its expectation minus p, exactly.

    arms int >= 1, flips int >= 1, p float -> float

    Hint: Pr(max <= k) = Pr(one <= k)^arms, and E max = sum over k >= 1 of Pr(max >= k).
    """
    raise NotImplementedError("Exercise 6.9")


def learn_by_walking(next_state, reward, terminal, start, gamma, steps, rng):
    """Exercise 6.10.  Optimal values from a walk at random.

    The world is deterministic: action a leads from s to next_state[s, a] and pays reward[s, a]. Begin in
    `start` with Q = 0. Make `steps` steps with actions drawn uniformly; after reaching a terminal state go
    back to `start`. Learn by Q-learning with alpha = 1. Terminal states are worth 0.

    next_state (S, A) int, reward (S, A), terminal (S,) bool, start int, gamma float, steps int,
    rng numpy Generator -> Q (S, A)

    You may draw from rng as you like: what you learn does not depend on it, if all was tried often enough.
    """
    raise NotImplementedError("Exercise 6.10")
