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

// attributes cannot tie a process to the life of devstack here; the next start stops what a killed devstack left.
func attributes(owner *syscall.Credential, ownGroup bool, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: ownGroup}
}

// inspectProcess says whether pid is the postmaster of the data in folder, and whether it is a Postgres at all.
func inspectProcess(pid int, folder string) (ours, postgres bool) {
	output, err := exec.CommandContext(context.Background(), "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return false, false
	}

	program, arguments, _ := strings.Cut(strings.TrimSpace(string(output)), " ")
	postgres = filepath.Base(program) == "postgres"

	return postgres && strings.Contains(arguments+" ", "-D "+folder+" "), postgres
}

func running(pid int) bool { return processAlive(pid) }
