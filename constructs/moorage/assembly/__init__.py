"""The stacks and resources of a CDK cloud assembly, for the local AWS, the review and the diagram."""
