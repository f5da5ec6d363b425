"""What is to be solved: pure functions of (state, action, rng)."""
