"""How right the analysis is: a folder of papers that people labelled, and what was read of them."""
