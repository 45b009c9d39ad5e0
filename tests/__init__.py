"""The suite: mirrors the source, plus walks, contracts and faults against real services."""
