"""Tensors in, tensors out: torsos and the heads on them."""
