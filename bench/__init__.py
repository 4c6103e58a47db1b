"""How fast unpacket is, beside its peers and beside the figures that it promises."""
