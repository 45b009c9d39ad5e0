"""The checker is tried on histories that are right by construction, and on each with one fault planted."""
