package callbacks_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// resolver returns a resolver that asks a DNS server of this test. answer gives the addresses of a name; nil: no name exists.
func resolver(t *testing.T, answer func(name string) []string) *net.Resolver {
	t.Helper()
	var config net.ListenConfig
	server, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		question := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(question)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(dnsAnswer(question[:n], answer), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// dnsAnswer answers a question for A or AAAA records (RFC 1035, 4.1).
func dnsAnswer(question []byte, answer func(name string) []string) []byte {
	const header, typeA, typeAAAA = 12, 1, 28
	var labels []string
	end := header
	for question[end] != 0 {
		length := int(question[end])
		labels = append(labels, string(question[end+1:end+1+length]))
		end += 1 + length
	}
	end += 5 // the empty label, the type and the class
	wanted := binary.BigEndian.Uint16(question[end-4:])
	reply := append([]byte{}, question[:end]...)
	binary.BigEndian.PutUint16(reply[2:], 0x8180) // an answer, recursion available
	binary.BigEndian.PutUint64(reply[4:], 0x0001_0000_0000_0000)
	if answer == nil {
		reply[3] |= 3 // NXDOMAIN
		return reply
	}
	for _, text := range answer(strings.Join(labels, ".")) {
		address := netip.MustParseAddr(text)
		if address.Is4() != (wanted == typeA) || wanted != typeA && wanted != typeAAAA {
			continue
		}
		reply[7]++ // answers
		reply = append(reply, 0xc0, header, byte(wanted>>8), byte(wanted), 0, 1, 0, 0, 0, 0)
		reply = binary.BigEndian.AppendUint16(reply, uint16(len(address.AsSlice())))
		reply = append(reply, address.AsSlice()...)
	}
	return reply
}
