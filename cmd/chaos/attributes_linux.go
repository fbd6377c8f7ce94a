package main

import "syscall"

// attributes puts a child into its own process group, so Ctrl-C reaches only chaos. If chaos is killed, the child gets
// SIGTERM.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
