"""The registry of an account and region: scanning, replication, caches, signing, events and audit."""
