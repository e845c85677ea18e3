"""Benchmarks: the synthesis (compared with aws_ecs_patterns and plain L2s), the set-up, reviews and the local AWS."""
