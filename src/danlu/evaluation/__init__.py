"""What a run's predictions say: confusion, classes, calibration, suspicious labels, residuals, and two runs compared.

Reads a run's folder; needs no torch.
"""
