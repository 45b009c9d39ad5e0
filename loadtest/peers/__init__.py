"""What Muster's figures are shown beside: a floor, and other servers under the same load.

Owns how each is started, loaded and ended. A peer that isn't on the machine is said to be absent, never guessed.
"""
