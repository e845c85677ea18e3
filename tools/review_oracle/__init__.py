"""Compare the replacements of moorage review with those of the CDK CLI, over many changes."""
