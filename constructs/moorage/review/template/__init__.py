"""The values in the templates of a comparison, in a form that can be compared across stacks and sides."""
