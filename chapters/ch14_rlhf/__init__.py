"""Chapter 14: Reinforcement learning from human feedback."""
