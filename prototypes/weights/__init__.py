"""What prototypes of linear layers share: shapes, 4-bit weights by groups, packing, baselines."""
