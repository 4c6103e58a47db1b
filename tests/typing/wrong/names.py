"""What is not there, or not so, is found: each marked line, and no other."""

import unpacket
from unpacket import Policy, StreamFollower

unpacket.nonsense()  # wrong
unpacket.event("capture.pcap")  # wrong
unpacket.events("capture.pcap", polcy=Policy())  # wrong
unpacket.streams("capture.pcap", where=lambda stream: True)  # wrong
unpacket.summaries("capture.pcap", digest="yes")  # wrong
unpacket.events(123)  # wrong
unpacket.events("capture.pcap", policy="libtins")  # wrong
unpacket.events_async(None)  # wrong
unpacket.sources.open("capture.pcap", linktype=1)  # wrong
unpacket.http("capture.pcap", bodys=False)  # wrong
unpacket.http(123)  # wrong
Policy(overlap="lats")  # wrong
Policy(ttl_distance="far")  # wrong
Policy().replace(overlap="lats")  # wrong
Policy().replace(overlp="last")  # wrong
StreamFollower(policy=3)  # wrong
unpacket.Assembler("libtins")  # wrong

for event in unpacket.events("capture.pcap"):
    print(event.frame)
    print(event.payload)  # wrong
    event.frame()  # wrong

for whole in unpacket.streams("capture.pcap"):
    whole.data("server")  # wrong
    whole.cleint_data  # wrong
    whole.client_data.encode()  # wrong
