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

	// Ports are picked below the ranges that Linux (32768) and macOS (49152) take the client side of connections from,
	// so that no connection of somebody's takes a port between the moment it is picked and the moment it is used.
	firstPicked = 20000
	lastPicked  = 32000

	pickAttempts = 200
	probeTimeout = 200 * time.Millisecond
)

var errNoFreePort = errors.New("find a free port: none after many attempts")

// choosePort answers asked if it is given, and an error if asked is taken; else the first of wished that is free; else
// any free port. Zeroes in wished are passed over.
func choosePort(asked int, wished ...int) (int, error) {
	if asked != 0 {
		if !portFree(asked) {
			return 0, fmt.Errorf("port %d is in use by another program", asked)
		}

		return asked, nil
	}

	for _, port := range wished {
		if port != 0 && portFree(port) {
			return port, nil
		}
	}

	return pickPort()
}

func pickPort() (int, error) {
	for range pickAttempts {
		port := firstPicked + rand.IntN(lastPicked-firstPicked) //nolint:gosec // a port is not a secret
		if portFree(port) {
			return port, nil
		}
	}

	return 0, errNoFreePort
}

// pickPorts answers count different free ports.
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

// portFree asks twice: where a listener on all addresses does not hinder one on loopback (macOS), only a call finds it.
func portFree(port int) bool {
	listener, err := net.Listen("tcp", address(port)) //nolint:noctx // done at once
	if err != nil {
		return false
	}

	if err := listener.Close(); err != nil {
		return false
	}

	connection, err := net.DialTimeout("tcp", address(port), probeTimeout) //nolint:noctx // bounded
	if err != nil {
		return true
	}

	_ = connection.Close()

	return false
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
