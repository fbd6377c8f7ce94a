package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

const (
	loopback    = "127.0.0.1"
	highestPort = 65535

	// The picked ports are below the ranges that Linux (from 32768) and macOS (from 49152) use for outgoing connections, so no
	// connection occupies a port after it is picked and before it is used.
	firstPicked = 20000
	lastPicked  = 32000

	pickAttempts = 200
	probeTimeout = 200 * time.Millisecond
)

var errNoFreePort = errors.New("find a free port: none after many attempts")

// choosePort returns the port asked, or an error if another program uses it. If asked is 0, it returns the first free port of
// wished, or else any free port. It skips zeroes in wished.
func choosePort(asked int, wished ...int) (int, error) {
	if asked != 0 {
		if !isPortFree(asked) {
			return 0, fmt.Errorf("port %d is in use: stop the program that uses it, or choose another port", asked)
		}

		return asked, nil
	}

	for _, port := range wished {
		if port != 0 && isPortFree(port) {
			return port, nil
		}
	}

	return pickPort()
}

func pickPort() (int, error) {
	for range pickAttempts {
		port := firstPicked + rand.IntN(lastPicked-firstPicked) //nolint:gosec // a port is not a secret
		if isPortFree(port) {
			return port, nil
		}
	}

	return 0, errNoFreePort
}

// pickPorts returns count different free ports.
func pickPorts(count int) ([]int, error) {
	var picked []int

	seen := map[int]bool{}
	for len(picked) < count {
		port, err := pickPort()
		if err != nil {
			return nil, err
		}

		if !seen[port] {
			seen[port] = true
			picked = append(picked, port)
		}
	}

	return picked, nil
}

// isPortFree tries to listen and to connect. On macOS a program that listens on all addresses does not prevent another from
// listening on loopback, so only a connection shows it.
func isPortFree(port int) bool {
	listener, err := net.Listen("tcp", loopbackAddress(port)) //nolint:noctx // done at once
	if err != nil {
		return false
	}

	if err := listener.Close(); err != nil {
		return false
	}

	connection, err := net.DialTimeout("tcp", loopbackAddress(port), probeTimeout) //nolint:noctx // bounded
	if err != nil {
		return true
	}

	_ = connection.Close()

	return false
}

func loopbackAddress(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
