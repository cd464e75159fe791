"""The page: one tab per file, values to markup in `render`, everything computed behind `engine`."""
