"""Tasks that start on a schedule, on an event or on request, and end."""
