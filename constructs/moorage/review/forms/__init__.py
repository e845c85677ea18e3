"""The forms of a review: each module has a function `render` that writes a review as text."""
