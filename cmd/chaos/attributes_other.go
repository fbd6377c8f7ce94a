//go:build !linux

package main

import "syscall"

// attributes puts a child into its own process group, so Ctrl-C reaches only chaos.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
