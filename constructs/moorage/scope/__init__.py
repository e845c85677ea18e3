"""What an app, a stage, an account and a region have once: names and the one validation."""
