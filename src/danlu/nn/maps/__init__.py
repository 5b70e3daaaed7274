"""Layers of image nets in training on a CPU, by a kernel of their own: norms with their activation, pooling, gradients of filters."""
