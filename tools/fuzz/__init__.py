"""Random services: what the values accept must synthesize to a valid template; a refusal must say why."""
