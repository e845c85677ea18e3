"""Amazon ECS in the local AWS."""
