"""Faults that tests put between real processes. Must never touch anything but loopback."""
