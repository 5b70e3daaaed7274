"""Which part of an image an answer rests on: Grad-CAM, integrated gradients, occlusion, attention roll-out."""
