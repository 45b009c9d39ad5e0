"""The fault harness: its links, its processes, and short runs of its scenarios."""
