"""Networks, clusters, entrances and services of Amazon ECS."""
