"""What maintains this repository; none of it is in the wheel."""
