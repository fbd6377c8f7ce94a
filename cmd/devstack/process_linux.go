package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// processAttributes makes a process end with devstack even if devstack is killed: the kernel then sends it the signal ending
// (PR_SET_PDEATHSIG in prctl(2)). The kernel does so at the end of the thread that started the process, so use startProcess.
func processAttributes(owner *syscall.Credential, ownGroup bool, ending syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: ownGroup, Pdeathsig: ending}
}

// inspectProcess reports whether pid is the postmaster of the data in folder, and whether it is a Postgres at all. It compares
// the working directory of the process, so it works for a renamed folder too.
func inspectProcess(pid int, folder string) (ours, postgres bool) {
	if !isRunning(pid) {
		return false, false
	}

	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || string(bytes.TrimSpace(name)) != "postgres" {
		return false, false
	}

	there, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	if err != nil {
		return false, true
	}

	here, err := os.Stat(folder)

	return err == nil && os.SameFile(here, there), true
}

// isRunning reports whether a process runs. It returns false for a zombie, because the first process of a container may never
// wait for it.
func isRunning(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}

	// "pid (name) state ...", where the name may hold any character: proc_pid_stat(5).
	_, rest, found := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" "))

	return found && len(rest) > 0 && rest[0] != 'Z' && rest[0] != 'X'
}
