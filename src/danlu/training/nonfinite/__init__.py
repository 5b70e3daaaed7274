"""What happens when a step is NaN or infinite: it is replayed and explained, its batch is kept, and training stops or goes on."""
