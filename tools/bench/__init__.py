"""Benchmarks: the synthesis of moorage compared with aws_ecs_patterns, and the gain of the set-up."""
