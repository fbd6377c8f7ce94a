package main

import "syscall"

// attributes put a child into a group of its own, so that a Ctrl-C reaches only chaos, and end it with chaos, if that
// is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
