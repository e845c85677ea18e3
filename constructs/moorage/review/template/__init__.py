"""The values in the templates of a comparison: references followed, and texts that compare across stacks and sides."""
