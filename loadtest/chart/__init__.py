"""Plots of figures as SVG, readable by day and by night: lines.py, bars.py.

    scale.py   figures -> places on paper, and where the ticks stand
    paper.py   the page they are drawn on: colours, words, legend

Pure: the same figures are the same bytes. Must never compute a figure or know what it is of.
"""
