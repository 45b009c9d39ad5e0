"""One module per step; its revision id is the number it starts with."""
