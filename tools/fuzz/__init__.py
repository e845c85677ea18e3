"""Random services: accepted arguments must synthesize to a valid template; an error must name its reason."""
