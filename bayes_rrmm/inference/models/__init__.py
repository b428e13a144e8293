"""One PyMC model per family, written as it would be on paper."""
