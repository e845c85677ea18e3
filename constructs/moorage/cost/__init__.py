"""The monthly cost of the stacks of a cloud assembly, from their templates and a price book."""
