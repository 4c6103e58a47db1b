"""Packets as they pass an interface: the ring of the kernel, and what else is live.

On Linux the frames come by AF_PACKET; elsewhere libpcap gives them. Whose process the
ends of a stream belong to is found in here too.
"""
