"""What the models answered, in files beside their weights."""
