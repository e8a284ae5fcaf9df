"""TEAL: products that skip the rows of weights whose input is under a threshold."""
