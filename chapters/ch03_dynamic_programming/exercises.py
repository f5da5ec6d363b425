"""Exercises of chapter 3. Replace each `raise`, then run:  make grade CH=ch03

Every array is a NumPy array. Letters: S states, A actions.

    P (S, A, S)   P[s, a, s'] = P(s' | s, a)        R (S, A, S)   reward of that transition
    V (S,)        value of each state               gamma         discount factor

Leave the arguments as you found them: work on a copy where you must write.
"""

import numpy as np


def evaluation_sweep(P, R, gamma, pi, V):
    """Exercise 3.1.  One sweep of policy evaluation with two arrays, equation (3.1, eq:policy-evaluation).

        V_new(s) = sum_a pi(a | s) sum_s' P(s' | s, a) (R(s, a, s') + gamma V(s'))

    P (S, A, S), R (S, A, S), gamma float, pi (S, A) probabilities, V (S,) -> V_new (S,)

    Hint: compute Q (S, A) first. `P @ V` has the shape (S, A).
    """
    raise NotImplementedError("Exercise 3.1")


def residual_for(error, gamma):
    """Exercise 3.2.  When may value iteration stop?  Equation (3.5, eq:stopping-rule).

    Give the largest theta such that a change max|V_{k+1} - V_k| <= theta guarantees
    max|V_{k+1} - V*| <= error, whatever the MDP.

    error float > 0, gamma float in (0, 1) -> float
    """
    raise NotImplementedError("Exercise 3.2")


def poisson_with_tail(mean, n):
    """Exercise 3.3.  The probabilities that the car rental needs, equation (3.3, eq:poisson-tail).

    Entry k < n is P(N = k) = exp(-mean) mean^k / k!. The last entry is P(N >= n): whoever comes to a
    lot with n cars, at most n cars are rented.

    mean float > 0, n int >= 0 -> p (n + 1,), which sums to 1

    Hint: P(N = k) = P(N = k - 1) mean / k.
    """
    raise NotImplementedError("Exercise 3.3")


def count_sweeps(P, R, gamma, pi, theta, in_place):
    """Exercise 3.4.  How many sweeps until a sweep changes no value by theta or more?

    Start from V = 0. With two arrays, a sweep reads the values of the sweep before. In place, it visits
    the states 0, 1, ..., S - 1 and each one sees the values already renewed. The last sweep counts too.

    P, R, gamma as above, pi (S, A), theta float > 0, in_place bool -> int

    Hint: in place, measure the change state by state. Or keep a copy; `old = V` is not a copy.
    """
    raise NotImplementedError("Exercise 3.4")


def improve(Q, pi):
    """Exercise 3.5.  Policy improvement that leaves a good action alone, equation (3.2, eq:policy-improvement).

    Take a best action in every state, but keep pi[s] where it is a best action already. Actions whose
    values differ by 1e-9 or less count as equal.

    Q (S, A), pi (S,) int -> new policy (S,) int

    Hint: without the second half of that sentence two equally good policies can take turns for ever.
    """
    raise NotImplementedError("Exercise 3.5")


def value_iteration(P, R, gamma, V):
    """Exercise 3.6.  Value iteration as a stream of iterates, equation (3.4, eq:value-iteration).

        V_{k+1}(s) = max_a sum_s' P(s' | s, a) (R(s, a, s') + gamma V_k(s'))

    P, R, gamma as above, V (S,) the values to start from
      -> an iterator over V_0 = V, V_1, V_2, ..., without end, each table a new array

    Hint: `while True:` and `yield`. The caller stops; your loop need not.
    """
    raise NotImplementedError("Exercise 3.6")


def span_bounds(V, V_next, gamma):
    """Exercise 3.7.  Two-sided bounds from one sweep, equation (3.6, eq:span-bound).

    V_next is V after one sweep of value iteration. With d = V_next - V,

        V_next + gamma / (1 - gamma) min d  <=  V*  <=  V_next + gamma / (1 - gamma) max d

    V (S,), V_next (S,), gamma float in [0, 1) -> [lower (S,), upper (S,)], as a list or a tuple

    Hint: the minimum is over all states, one number for every entry of `lower`.
    """
    raise NotImplementedError("Exercise 3.7")


def optimal_stakes(V, p_heads, capital):
    """Exercise 3.8.  Every best stake of the gambler.

    Heads (probability p_heads) wins the stake, tails loses it. The goal is len(V) - 1 coins; a stake is a
    whole number from 1 to whichever is less, the capital or what is missing to the goal. Then

        Q(a) = p_heads V[capital + a] + (1 - p_heads) V[capital - a]

    V comes from a computer, so equal things are equal to within 1e-9 only.

    V (goal + 1,) chance of reaching the goal, V[0] = 0 and V[goal] = 1; p_heads float; 0 < capital < goal
      -> the stakes whose Q is best, in ascending order
    """
    raise NotImplementedError("Exercise 3.8")


def backward_induction(P, R, gamma, horizon):
    """Exercise 3.9.  The best that can be done before the time is up, equation (3.7, eq:backward-induction).

        V_horizon(s) = 0
        V_t(s)       = max_a sum_s' P(s' | s, a) (R(s, a, s') + gamma V_{t+1}(s'))

    P, R, gamma as above, horizon int >= 0 -> V (horizon + 1, S), row t for time t

    Hint: fill the table from its last row upwards.
    """
    raise NotImplementedError("Exercise 3.9")


def surely_ends(P, terminal, pi):
    """Exercise 3.10.  Where does a policy reach a terminal state with probability 1?

    With gamma = 1 this decides whether V_pi(s) can be trusted. "It can happen" is not enough: from s,
    no walk may come to a state from which there is no way to the end.

    P (S, A, S), terminal (S,) bool (such a state leads to itself), pi (S,) int -> (S,) bool

    The end may be a long way off: ask where a walk can go, not how soon.

    Hint: first find the states from which the end can be reached, walking backwards from the terminal
    ones. Call the others lost. Then find the states from which a lost one can be reached.
    """
    raise NotImplementedError("Exercise 3.10")


def policy_iteration(P, R, gamma, pi):
    """Exercise 3.11.  Howard's policy iteration, as a stream that ends.

    Give the value of pi, improve pi, give the value of the new policy, and so on; end when the improvement
    changes nothing. Values are exact: solve the linear system (I - gamma P_pi) V = r_pi.

    P, R, gamma as above with gamma < 1, pi (S,) int -> an iterator over V_pi0, V_pi1, ..., which ends

    Hint: the improvement of Exercise 3.5. The tests have actions that are equally good up to rounding.
    """
    raise NotImplementedError("Exercise 3.11")


def prioritized_sweeping(P, R, gamma, V, updates):
    """Exercise 3.12.  Back up the state that needs it most.

    The Bellman error of a state is e(s) = max_a Q(s, a) - V(s). Back up the state with the largest |e|,
    which means V(s) <- V(s) + e(s); compute the errors anew; and so on, `updates` times.

    P, R, gamma as above, V (S,) the values to start from, updates int >= 0
      -> [the states in the order of their backups (updates,), V (S,) afterwards], as a list or a tuple

    Hint: no queue is asked for. Compute all errors anew before each backup, with the given `lookahead`.
    """
    raise NotImplementedError("Exercise 3.12")


def lookahead(P, R, gamma, V):
    """Given: Q(s, a) = sum_s' P(s' | s, a) (R(s, a, s') + gamma V(s')).   -> (S, A)"""
    return np.einsum("san,san->sa", P, R + gamma * V)
