"""The laboratory: what trains, measures and describes the models that are shipped, and is not shipped itself."""
