// Follows every TCP stream of a capture with gopacket, and counts what it delivers.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/google/gopacket/reassembly"
)

var streams, callbacks, payloadBytes uint64

type counter struct{}

func (counter) New(_, _ gopacket.Flow, _ *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	streams++
	return counter{}
}

func (counter) Accept(_ *layers.TCP, _ gopacket.CaptureInfo, _ reassembly.TCPFlowDirection, _ reassembly.Sequence, _ *bool, _ reassembly.AssemblerContext) bool {
	return true
}

func (counter) ReassembledSG(data reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	length, _ := data.Lengths()
	if length > 0 {
		callbacks++
		payloadBytes += uint64(length)
	}
}

func (counter) ReassemblyComplete(reassembly.AssemblerContext) bool {
	return true
}

type context struct{ info gopacket.CaptureInfo }

func (c *context) GetCaptureInfo() gopacket.CaptureInfo { return c.info }

func follow(capture *pcapgo.Reader) error {
	assembler := reassembly.NewAssembler(reassembly.NewStreamPool(counter{}))
	var ethernet layers.Ethernet
	var ip layers.IPv4
	var tcp layers.TCP
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &ethernet, &ip, &tcp)
	// Or the parser refuses all packets of port 443, for want of a TLS layer.
	parser.IgnoreUnsupported = true
	decoded := []gopacket.LayerType{}
	for {
		data, info, err := capture.ReadPacketData()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if parser.DecodeLayers(data, &decoded) == nil && len(decoded) == 3 {
			assembler.AssembleWithContext(ip.NetworkFlow(), &tcp, &context{info})
		}
	}
	assembler.FlushAll()
	return nil
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	capture, err := pcapgo.NewReader(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		log.Fatal(err)
	}
	if err := follow(capture); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"streams\": %d, \"callbacks\": %d, \"bytes\": %d}\n", streams, callbacks, payloadBytes)
}
