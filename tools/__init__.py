"""The tools that maintain this repository. None of them is in the wheel."""
