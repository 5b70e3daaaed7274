"""Self-supervision: what images look like, learnt without labels."""
