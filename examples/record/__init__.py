"""Record real programs over a wire that misbehaves, with the truth beside.

Two network namespaces are joined by two TUN devices and one process, which
carries each packet from one to the other and loses, repeats and delays some.
That process writes the captures too, at either end of the wire or in its middle,
and leaves some frames out of them. A relay at one end of each connection notes
what its socket takes and gives, so that a reassembler can be judged byte for byte.

    python -m examples.record examples/sample.pcapng --seed 74
    python -m examples.record redis.pcapng.gz --program redis --at client --at server

Nothing outside the namespaces is touched: they have no name and no other
interface, and the kernel removes them when the last process leaves.
"""
