"""The stacks and resources of a CDK cloud assembly, for what reads one: the local AWS, and the review."""
