"""Record a real HTTP conversation over a wire that misbehaves, with its truth.

Two network namespaces are joined by two TUN devices and one process, which
carries each packet from one to the other and loses, repeats and delays some.
That process writes the capture too, and leaves some frames out of it. Beside
the capture it writes what the programs at both ends really sent, so that a
reassembler can be judged byte for byte.

    python -m examples.record examples/sample.pcapng --seed 74

Nothing outside the namespaces is touched: they have no name and no other
interface, and the kernel removes them when the last process leaves.
"""
