"""Numbers that several modules of the layer share.

They stand here, and in no compiled module, since a constant that a ``.pxd`` declares
cannot be imported from there.
"""

# The kinds of an answer; `answers` says what they mean.
NEED = 0
MESSAGE = 1
PART = 2
UNTIL_END = 3
TUNNEL = 4
SKIP = 5
REFUSE = 6
BROKEN = 7

# What a framer says of a half's first bytes, see `Framer.begins`.
NOT_ITS_OWN = 0
ITS_OWN = 1
TOO_SHORT = 2
CANNOT_SAY = 3

# The greatest offset of a half.
MAX_OFFSET = (1 << 63) - 1

# The modes of a reader; `reader` says what they mean.
BOUNDARY = 0
IN_MESSAGE = 1
IN_BODY = 2
TO_END = 3
SCANNING = 4
IN_TUNNEL = 5
