"""Run `moorage review` as `python -m moorage.review`."""

from moorage.review.command import review_command

if __name__ == "__main__":
    review_command(prog_name="python -m moorage.review")
