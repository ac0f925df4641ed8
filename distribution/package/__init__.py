"""Headway as it is installed: release automation that only moves forward.

`headway.tasks.namespace` is the collection to mount in a `tasks.py` of your own. This package must
not import anything by itself, so that mounting costs what is mounted and no more.
"""
