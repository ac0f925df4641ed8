"""Adapters act: each keeps the promise of one port of `release.ports` against one real service."""
