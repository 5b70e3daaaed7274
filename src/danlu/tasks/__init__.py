"""Applications, one folder each. A folder with a ``spec.py`` that holds ``SPEC`` is found by itself; see CONTRIBUTING."""
