package subprocess

import "syscall"

// processAttributes puts the child into its own process group, and ends it with SIGTERM when its parent ends.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
