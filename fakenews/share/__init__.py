"""Links for reviewers: snapshots of an analysis, what reviewers say of it, and where both are kept."""
