// Says what gopacket makes of a capture, as `unpacket compare --tool` wants it.
//
//	go build -o gopacket examples/drivers/gopacket.go
//	unpacket compare capture.pcap --tool gopacket=./gopacket
//
// It asks the package reassembly; the older tcpassembly cannot be in the same program.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/google/gopacket/reassembly"
)

// A piece is bytes or a gap.
type piece map[string]interface{}

// A side is what one end sent.
type side struct {
	Source string  `json:"source"`
	Target string  `json:"target"`
	Runs   []piece `json:"runs"`
}

var sides []*side

func newSide(network, transport gopacket.Flow) *side {
	from := net.JoinHostPort(network.Src().String(), transport.Src().String())
	to := net.JoinHostPort(network.Dst().String(), transport.Dst().String())
	one := &side{Source: from, Target: to, Runs: []piece{}}
	sides = append(sides, one)
	return one
}

func (s *side) add(data []byte, skipped int) {
	if skipped > 0 {
		s.Runs = append(s.Runs, piece{"gap": skipped})
	}
	if len(data) > 0 {
		s.Runs = append(s.Runs, piece{"hex": hex.EncodeToString(data)})
	}
}

type both struct{ client, server *side }

type factory struct{}

func (factory) New(network, transport gopacket.Flow, _ *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	return both{newSide(network, transport), newSide(network.Reverse(), transport.Reverse())}
}

func (both) Accept(_ *layers.TCP, _ gopacket.CaptureInfo, _ reassembly.TCPFlowDirection, _ reassembly.Sequence, _ *bool, _ reassembly.AssemblerContext) bool {
	return true
}

func (b both) ReassembledSG(data reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	length, _ := data.Lengths()
	direction, _, _, skipped := data.Info()
	one := b.client
	if direction == reassembly.TCPDirServerToClient {
		one = b.server
	}
	one.add(data.Fetch(length), skipped)
}

func (both) ReassemblyComplete(reassembly.AssemblerContext) bool { return true }

type context struct{ info gopacket.CaptureInfo }

func (c *context) GetCaptureInfo() gopacket.CaptureInfo { return c.info }

type reader interface {
	gopacket.PacketDataSource
	LinkType() layers.LinkType
}

func open(file *os.File) (reader, error) {
	buffered := bufio.NewReader(file)
	magic, err := buffered.Peek(4)
	if err != nil {
		return nil, err
	}
	if string(magic) == "\x0a\x0d\x0d\x0a" {
		return pcapgo.NewNgReader(buffered, pcapgo.DefaultNgReaderOptions)
	}
	return pcapgo.NewReader(buffered)
}

// innermost returns the last TCP segment of a packet, and the IP packet around it.
func innermost(packet gopacket.Packet) (network gopacket.Flow, segment *layers.TCP) {
	var around gopacket.NetworkLayer
	for _, layer := range packet.Layers() {
		switch one := layer.(type) {
		case *layers.TCP:
			if around != nil {
				network, segment = around.NetworkFlow(), one
			}
		case gopacket.NetworkLayer:
			around = one
		}
	}
	return network, segment
}

func follow(capture reader) error {
	assembler := reassembly.NewAssembler(reassembly.NewStreamPool(factory{}))
	for {
		data, info, err := capture.ReadPacketData()
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return err
		}
		packet := gopacket.NewPacket(data, capture.LinkType(), gopacket.NoCopy)
		network, segment := innermost(packet)
		if segment != nil {
			assembler.AssembleWithContext(network, segment, &context{info})
		}
	}
	assembler.FlushAll()
	return nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: gopacket CAPTURE")
	}
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	capture, err := open(file)
	if err != nil {
		log.Fatal(err)
	}
	if err := follow(capture); err != nil {
		log.Fatal(err)
	}
	for _, one := range sides {
		line, err := json.Marshal(one)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(line))
	}
}
