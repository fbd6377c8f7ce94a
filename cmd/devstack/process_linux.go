package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// attributes makes a process end with devstack even when devstack is killed: the kernel sends it ending then, see
// PR_SET_PDEATHSIG in prctl(2). That looks at the thread that started the process, so start must be by spawn.
func attributes(owner *syscall.Credential, ownGroup bool, ending syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: ownGroup, Pdeathsig: ending}
}

// inspectProcess says whether pid is the postmaster of the data in folder (it works there, even if the folder was
// renamed since), and whether it is a Postgres at all.
func inspectProcess(pid int, folder string) (ours, postgres bool) {
	if !running(pid) {
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

// running is false for a zombie: a container's first process may never collect it.
func running(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}

	// "pid (name) state ...", where the name may hold any character: proc_pid_stat(5).
	_, rest, found := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" "))

	return found && len(rest) > 0 && rest[0] != 'Z' && rest[0] != 'X'
}
