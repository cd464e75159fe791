"""How the shipped models come about: recipes, the accelerate loop, distillation, and the evidence they leave."""
