//go:build !linux

package subprocess

import "syscall"

// processAttributes puts the child into its own process group.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
