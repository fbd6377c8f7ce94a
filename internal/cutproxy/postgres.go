package cutproxy

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Messages of the Postgres protocol (PostgreSQL manual, 55.7). All but the startup message begin with their type.
const (
	msgBind     = 'B'
	msgParse    = 'P'
	msgPassword = 'p'
	msgQuery    = 'Q'
	msgSync     = 'S'
	msgEnd      = 'X'
	msgReady    = 'Z'

	headSize    = 5 // the type and the length
	startupSize = 8 // the size of the smallest startup message: a length and a code
	startupCode = 3 // the major version; a request for TLS or a cancel request has another code
)

// requestSize returns the size of the first request in a buffer, or 0 if that request is incomplete.
func (c *connPair) requestSize(buffer []byte) int {
	if c.proxy.protocol == Raw {
		return len(buffer)
	}
	if !c.hasStarted {
		return startupLength(buffer)
	}
	for at := 0; ; {
		size := messageLength(buffer[at:])
		if size == 0 {
			return 0
		}
		kind := buffer[at]
		at += size
		if kind == msgSync || kind == msgQuery || kind == msgPassword || kind == msgEnd {
			return at
		}
	}
}

// startupLength returns the length of the startup message in a buffer, or 0 if it is incomplete.
func startupLength(buffer []byte) int {
	if len(buffer) < startupSize {
		return 0
	}
	return lengthIfWhole(buffer, int(binary.BigEndian.Uint32(buffer)))
}

// messageLength returns the length of the first message in a buffer, or 0 if it is incomplete.
func messageLength(buffer []byte) int {
	if len(buffer) < headSize {
		return 0
	}
	return lengthIfWhole(buffer, 1+int(binary.BigEndian.Uint32(buffer[1:])))
}

func lengthIfWhole(buffer []byte, size int) int {
	if len(buffer) < size {
		return 0
	}
	return size
}

// readSQL returns the texts of the statements that a request executes. It stores the texts of prepared statements.
func (c *connPair) readSQL(request []byte) string {
	if c.proxy.protocol == Raw {
		return ""
	}
	if !c.hasStarted {
		c.hasStarted = binary.BigEndian.Uint16(request[4:]) == startupCode
		return ""
	}
	var texts []string
	for {
		size := messageLength(request)
		if size == 0 {
			return strings.Join(texts, "; ")
		}
		body := request[headSize:size]
		switch request[0] {
		case msgQuery:
			text, _ := readString(body)
			texts = append(texts, text)
		case msgParse:
			name, rest := readString(body)
			c.statements[name], _ = readString(rest)
		case msgBind:
			_, rest := readString(body) // the portal
			name, _ := readString(rest)
			texts = append(texts, c.statements[name])
		}
		request = request[size:]
	}
}

// readString reads a string that ends with a zero byte. It also returns the rest of the bytes.
func readString(b []byte) (string, []byte) {
	before, after, _ := bytes.Cut(b, []byte{0})
	return string(before), after
}

// isReady reports whether an answer of Postgres ends with ReadyForQuery. The statement is then committed, unless it is part of
// a transaction.
func isReady(answer []byte) bool {
	const size = headSize + 1
	return len(answer) >= size && bytes.HasPrefix(answer[len(answer)-size:], []byte{msgReady, 0, 0, 0, headSize})
}
