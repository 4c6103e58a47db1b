// Follows every TCP stream of a capture with libtins, and counts what it delivers.
#include <cstdint>
#include <iostream>
#include <tins/tcp_ip/stream_follower.h>
#include <tins/tins.h>

using Tins::TCPIP::Stream;

namespace {

uint64_t streams = 0;
uint64_t callbacks = 0;
uint64_t payload_bytes = 0;

void on_client_data(Stream& stream) {
    ++callbacks;
    payload_bytes += stream.client_payload().size();
}

void on_server_data(Stream& stream) {
    ++callbacks;
    payload_bytes += stream.server_payload().size();
}

void on_new_stream(Stream& stream) {
    ++streams;
    stream.client_data_callback(&on_client_data);
    stream.server_data_callback(&on_server_data);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        std::cerr << "usage: libtins_follow CAPTURE\n";
        return 2;
    }
    Tins::FileSniffer capture(arguments[1]);
    Tins::TCPIP::StreamFollower follower;
    follower.new_stream_callback(&on_new_stream);
    while (Tins::Packet packet = capture.next_packet()) {
        follower.process_packet(packet);
    }
    std::cout << "{\"streams\": " << streams << ", \"callbacks\": " << callbacks
              << ", \"bytes\": " << payload_bytes << "}\n";
}
