"""Release automation that only moves forward: decisions, pipeline, adapters and their wiring."""
