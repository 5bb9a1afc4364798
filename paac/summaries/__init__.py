"""What the training writes for TensorBoard."""
