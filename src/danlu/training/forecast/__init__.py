"""What a step of training takes, found out on a copy before it is done: parameters, FLOPs, memory by part, seconds."""
