"""Review sets: many articles under one link, judged by many reviewers, and what their answers come to."""
