"""Recurrent layers in training on a CPU, by a kernel of their own."""
