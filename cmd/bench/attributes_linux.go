package main

import "syscall"

// attributes put a child into a group of its own, so that a Ctrl-C reaches only the bench, and end it with the bench,
// should that be killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
