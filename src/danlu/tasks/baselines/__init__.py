"""Simple models that a net must beat: majority or mean, linear, nearest neighbours. numpy only.

A file each. A task offers them by ``Task.baselines()``; ``runs/baselines.py`` fits and judges them as it judges the net.
"""
