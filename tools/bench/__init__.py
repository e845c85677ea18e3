"""Benchmarks of the synthesis, compared with aws_ecs_patterns and plain L2s, of the set-up, reviews and local AWS."""
