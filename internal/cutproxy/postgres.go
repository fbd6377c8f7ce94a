package cutproxy

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Messages of the Postgres protocol (PostgreSQL manual, 55.7). After the startup message each begins with its type.
const (
	msgBind     = 'B'
	msgParse    = 'P'
	msgPassword = 'p'
	msgQuery    = 'Q'
	msgSync     = 'S'
	msgEnd      = 'X'
	msgReady    = 'Z'

	headSize    = 5 // the type and the length
	startupSize = 8 // of the smallest startup message: its length and a code
	startupCode = 3 // the major version; other messages of that form ask for TLS, or to cancel
)

// requestSize returns the size of the first request in a buffer, or 0 if that request is not whole.
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

func startupLength(buffer []byte) int {
	if len(buffer) < startupSize {
		return 0
	}
	return lengthIfWhole(buffer, int(binary.BigEndian.Uint32(buffer)))
}

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

// readSQL returns the texts of the statements that a request executes. It keeps the texts of prepared statements.
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

// word reads a string that ends with a zero byte.
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
