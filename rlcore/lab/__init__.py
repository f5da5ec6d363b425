"""Experiments and pictures: what a notebook needs around an algorithm."""
