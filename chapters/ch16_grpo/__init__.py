"""Chapter 16: GRPO."""
