"""The judge of openings: network access, public endpoints, permissions and lost protection."""
