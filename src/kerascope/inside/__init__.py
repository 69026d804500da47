"""Look into a model: architecture, filters, activations, what a unit wants to see, attention."""
