"""The stages of a job: each is one sentence of the protocol, awaiting ports and nothing else."""
