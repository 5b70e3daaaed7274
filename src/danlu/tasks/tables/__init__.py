"""What the applications to tables share: options, nets, a loss of each member of an ensemble, decoders, boosting beside."""
