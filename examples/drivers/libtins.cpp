// Says what libtins makes of a capture, as `unpacket compare --tool` wants it.
//
//     g++ -O2 -std=c++14 examples/drivers/libtins.cpp -o libtins -ltins -lpcap
//     unpacket compare capture.pcap --tool libtins=./libtins
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <tins/ip_reassembler.h>
#include <tins/tcp_ip/stream_follower.h>
#include <tins/tins.h>
#include <vector>

using Tins::TCPIP::Stream;

namespace {

struct Followed {
    std::string client, server;
    std::vector<uint8_t> sent[2];
};

std::vector<std::shared_ptr<Followed>> all;

template <typename Address>
std::string written(const Address& address, uint16_t port) {
    return "[" + address.to_string() + "]:" + std::to_string(port);
}

void append(std::vector<uint8_t>& bytes, const Stream::payload_type& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

void on_new_stream(Stream& stream) {
    auto followed = std::make_shared<Followed>();
    if (stream.is_v6()) {
        followed->client = written(stream.client_addr_v6(), stream.client_port());
        followed->server = written(stream.server_addr_v6(), stream.server_port());
    } else {
        followed->client = written(stream.client_addr_v4(), stream.client_port());
        followed->server = written(stream.server_addr_v4(), stream.server_port());
    }
    all.push_back(followed);
    stream.client_data_callback(
        [followed](Stream& it) { append(followed->sent[0], it.client_payload()); });
    stream.server_data_callback(
        [followed](Stream& it) { append(followed->sent[1], it.server_payload()); });
}

void print(const std::string& source, const std::string& target,
           const std::vector<uint8_t>& bytes) {
    static const char digits[] = "0123456789abcdef";
    std::string hex;
    for (uint8_t byte : bytes) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    std::cout << "{\"source\":\"" << source << "\",\"target\":\"" << target
              << "\",\"hex\":\"" << hex << "\"}\n";
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        std::cerr << "usage: libtins CAPTURE\n";
        return 2;
    }
    try {
        Tins::FileSniffer capture(arguments[1]);
        Tins::IPv4Reassembler reassembler;
        Tins::TCPIP::StreamFollower follower;
        follower.new_stream_callback(&on_new_stream);
        while (Tins::Packet packet = capture.next_packet()) {
            // Else it follows no stream whose IP packets came in fragments.
            if (reassembler.process(*packet.pdu()) !=
                Tins::IPv4Reassembler::FRAGMENTED) {
                follower.process_packet(packet);
            }
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
    for (const auto& one : all) {
        print(one->client, one->server, one->sent[0]);
        print(one->server, one->client, one->sent[1]);
    }
}
