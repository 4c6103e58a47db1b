"""What the objects of reassembly take: the numbers of the memory bound.

They are sizes of the compiled core where pointers have 64 bits, with what an allocator
adds that rounds to 16 bytes; uncompiled, objects take more, and streams are treated the
same. Plain Python, as ``constants`` is and for its reason.
"""

# With what the flow table has for it: a place in a list, three numbers of 4 bytes, an
# entry of 8 in a table of which a third to two thirds are taken.
STREAM_BYTES = 216
# A stream in which nothing unusual is under way has a row of the ledger, of 192 bytes,
# in place of its halves, and is counted as if it had these: what is counted must not
# depend on which way segments go.
HALF_BYTES = 112
# A number of a stream's path, with its place in the tuple.
LAYER_BYTES = 40
# What it takes to remember of which channels a stream is taken.
CHOICE_BYTES = 24

# HalfExtra: 224 bytes, and a part of the row that a stream may have beside its halves.
# Then what it may lead to once: a Held with its lists, the counts of what was rejected,
# a queue of events, a list of segments or of numbers, a timer.
EXTRA_BYTES = 264
HELD_BYTES = 288
REJECTED_BYTES = 208
QUEUE_BYTES = 768
LIST_BYTES = 112
TIMER_BYTES = 176

# What may be there many times, each with its place in a list and the header of its
# bytes object. A segment that is suspect has a reason and an offset with it; a part
# says which bytes of an event came in which packet.
PIECE_BYTES = 160
SEGMENT_BYTES = 184
SUSPECT_BYTES = 96
EVENT_BYTES = 144
PART_BYTES = 120
# An RST that waits, with what it knows of both sides and its timer; a segment that came
# after it has a place in its queue.
RESET_BYTES = 616 + TIMER_BYTES
QUEUED_BYTES = 64
# The latest gaps, and ranges that were refused, each with its offsets.
RANGE_BYTES = 136
# What Linux would keep a segment in; see ``linux_queue``.
BUFFER_BYTES = 112
SACK_BYTES = 144
