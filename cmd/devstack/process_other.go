//go:build !linux

package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// processAttributes cannot make a process end with devstack on this system. The next start stops the processes of a killed
// devstack.
func processAttributes(owner *syscall.Credential, ownGroup bool, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: ownGroup}
}

// inspectProcess reports whether pid is the postmaster of the data in folder, and whether it is a Postgres at all.
func inspectProcess(pid int, folder string) (ours, postgres bool) {
	output, err := exec.CommandContext(context.Background(), "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return false, false
	}

	program, arguments, _ := strings.Cut(strings.TrimSpace(string(output)), " ")
	postgres = filepath.Base(program) == "postgres"

	return postgres && strings.Contains(arguments+" ", "-D "+folder+" "), postgres
}

func isRunning(pid int) bool { return isProcessAlive(pid) }
