"""Multi-label image classification: any number of labels for each image."""
