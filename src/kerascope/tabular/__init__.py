"""Tables: what a column does to a score, alone and with others, over many rows."""
