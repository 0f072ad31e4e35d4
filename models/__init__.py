"""Models: injury risk and recommendations. Each has its data set, training, scoring and card; the rest is shared.

Training reads the lake and writes the registry; agents load by alias and score inline. See docs/models.md.
"""
