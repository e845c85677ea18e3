"""What an account and region has once: scanning, replication, caches, signing, events and audit."""
