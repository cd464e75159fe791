"""Tables scored row by row."""
