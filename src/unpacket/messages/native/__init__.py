"""The places where a `.pxd` is the compiled twin; each is tested against its twin."""
