"""Object detection: boxes with classes, by a small fully convolutional one-stage detector (FCOS)."""
