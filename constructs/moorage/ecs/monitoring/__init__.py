"""Alarms and dashboards of services and workers."""
