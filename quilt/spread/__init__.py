"""The spread core: codes, what counts as a visit, attribution, the tree, its measures and its picture.

Pure functions over plain data. Nothing in here reads a clock, draws a random number, opens a database
or knows about HTTP: whoever calls brings those facts along.
"""
