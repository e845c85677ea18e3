"""The forms of a review: the function `render` of each module returns a review as text."""
