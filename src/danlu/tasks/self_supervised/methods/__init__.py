"""What is learnt from: views (SimCLR), rotations, hidden patches (MAE)."""
