"""How fast moorage synthesizes beside aws_ecs_patterns, and what set-up wins."""
