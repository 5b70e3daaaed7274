"""Optimisers by name. Each file's class takes parameter groups, ``lr`` and ``weight_decay``; its other arguments are the recipe's."""
