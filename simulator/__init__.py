"""Stands in for the world that a deploy acts on: one mutable world, thin faces over it."""
