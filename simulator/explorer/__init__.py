"""Runs the shipped pipeline through every interleaving of racing jobs, and prints what breaks."""
