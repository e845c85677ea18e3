"""The registry of an account and region: scanning, replication, caches, templates, signing, events, metrics, audit."""
