"""Random services: what the values accept must synthesize to what AWS accepts, and what they refuse must say why."""
