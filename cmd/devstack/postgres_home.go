package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	homePrefix = "backstop-devstack-"
	originFile = "origin"

	// Other users may enter the folder, but not list it.
	modePassage = 0o711
)

// postgresOwner returns the user that Postgres runs as, or nil for the present user. Postgres refuses to run as root.
func postgresOwner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is the present user, as in syscall.SysProcAttr
	}

	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}

		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)

		if uidErr == nil && gidErr == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}

	return nil, errors.New("postgres refuses to run as root, and there is no user postgres or nobody: create one")
}

// placePostgres returns the folder for the data of Postgres: postgres/ in the data folder. If the owner cannot reach it, as in a
// checkout under /root, placePostgres makes a home, which is a folder under /var/tmp, and saves its path in the memo.
func placePostgres(ctx context.Context, data *folder, bin binaries, owner *syscall.Credential, say progress) (string, error) {
	if home := data.memo.PostgresHome; home != "" {
		if _, err := os.Stat(home); err == nil {
			return filepath.Join(home, "postgres"), nil
		}

		say("the data of postgres in %s is gone: starting with empty data", home)
		data.memo.PostgresHome = ""
	}

	if owner == nil || checkReachable(ctx, bin, owner, data.path) == nil {
		return data.in("postgres"), nil
	}

	roof := temporaryFolder()
	sweepHomes(roof, data.path)

	home, err := os.MkdirTemp(roof, homePrefix)
	if err != nil {
		return "", fmt.Errorf("make home of postgres: %w", err)
	}

	origin := filepath.Join(home, originFile)
	if err := errors.Join(os.Chmod(home, modePassage), os.WriteFile(origin, []byte(data.path), modeSecret)); err != nil {
		return "", fmt.Errorf("make home of postgres: %w", err)
	}

	if err := checkReachable(ctx, bin, owner, home); err != nil {
		return "", errors.Join(fmt.Errorf("run postgres as uid %d: %w", owner.Uid, err), os.RemoveAll(home))
	}

	say("uid %d cannot reach %s: postgres keeps its data in %s", owner.Uid, data.path, home)
	data.memo.PostgresHome = home

	return filepath.Join(home, "postgres"), data.save()
}

// checkReachable runs the server as owner with folder as its working directory. It fails if the owner may not enter the folder,
// or may not run the program.
func checkReachable(ctx context.Context, bin binaries, owner *syscall.Credential, folder string) error {
	probe := exec.CommandContext(ctx, bin.path("postgres"), "--version") //nolint:gosec // found by us
	probe.Dir = folder
	probe.Env = postgresEnvironment()
	probe.SysProcAttr = &syscall.SysProcAttr{Credential: owner}

	if err := probe.Run(); err != nil {
		return fmt.Errorf("probe %s: %w", folder, err)
	}

	return nil
}

// temporaryFolder prefers /var/tmp, whose files survive a restart of the machine.
func temporaryFolder() string {
	if info, err := os.Stat("/var/tmp"); err == nil && info.IsDir() {
		return "/var/tmp"
	}

	return os.TempDir()
}

// sweepHomes removes the homes whose data folder was deleted, and the homes of the present data folder, whose memo names none.
func sweepHomes(roof, present string) {
	homes, err := filepath.Glob(filepath.Join(roof, homePrefix+"*"))
	if err != nil {
		return
	}

	for _, home := range homes {
		if isAbandoned(home, present) {
			_ = os.RemoveAll(home) // the next start retries
		}
	}
}

// isAbandoned reports whether a home can be removed. A data folder whose parent is missing too may be on a disk that is not
// mounted, so its home stays, unless the folder was a temporary one.
func isAbandoned(home, present string) bool {
	info, err := os.Lstat(home)
	if err != nil || !info.IsDir() || !ownedByUs(info) {
		return false
	}

	origin, err := os.ReadFile(filepath.Join(home, originFile)) //nolint:gosec // a path of our own
	if err != nil {
		return false
	}

	data := strings.TrimSpace(string(origin))
	if data != present && (pathExists(data) || !pathExists(filepath.Dir(data)) && !strings.HasPrefix(data, os.TempDir())) {
		return false
	}

	pid, _ := postmasterPID(filepath.Join(home, "postgres"))

	return pid == 0 || !isProcessAlive(pid)
}

func pathExists(path string) bool {
	_, err := os.Stat(path) //nolint:gosec // it is only looked for

	return err == nil
}

func ownedByUs(info os.FileInfo) bool {
	stat, known := info.Sys().(*syscall.Stat_t)

	return known && int64(stat.Uid) == int64(os.Geteuid())
}
