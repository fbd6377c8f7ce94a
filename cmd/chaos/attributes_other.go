//go:build !linux

package main

import "syscall"

// attributes put a child into a group of its own, so that a Ctrl-C reaches only chaos.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
