"""The policy engines over synthesized templates, and what their rules mean."""
