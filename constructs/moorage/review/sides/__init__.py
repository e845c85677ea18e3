"""The two sides of a review, read from assemblies or synthesized from revisions."""
