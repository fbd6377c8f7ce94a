package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	// Other users may enter the folder: if devstack runs as root, Postgres runs as another user.
	modeFolder  = 0o755
	modePrivate = 0o700
	modeSecret  = 0o600

	secretBytes = 32
)

// folder is the data folder, with all data of devstack. Only one devstack uses it at a time, by a lock on a file.
type folder struct {
	path string // absolute
	lock *os.File
	memo memo
}

// memo is the state that a run saves for the next one (state.json).
type memo struct {
	PostgresPort int            `json:"postgres_port,omitempty"`
	TemporalPort int            `json:"temporal_port,omitempty"`
	UIPort       int            `json:"ui_port,omitempty"`
	Shards       map[string]int `json:"temporal_shards,omitempty"` // by store
	// PostgresHome is the folder of Postgres's data if its user cannot reach the data folder, else empty.
	PostgresHome string `json:"postgres_home,omitempty"`
}

// openFolder creates the folder if it does not exist, and fails if another devstack uses it.
func openFolder(path string) (*folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find data folder: %w", err)
	}

	if err := os.MkdirAll(filepath.Join(path, "logs"), modeFolder); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}

	opened := &folder{path: path}
	if opened.lock, err = lockFile(filepath.Join(path, "lock")); err != nil {
		return nil, err
	}

	if err := opened.load(); err != nil {
		return nil, errors.Join(err, opened.close())
	}

	return opened, nil
}

// lockFile locks a file. The kernel releases the lock at any end of the process.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, modeSecret) //nolint:gosec // a path of our own
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}

	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path) //nolint:gosec // a path of our own
		_ = file.Close()

		return nil, fmt.Errorf("another devstack (pid %s) uses %s: stop it, or choose another folder with --data",
			strings.TrimSpace(string(holder)), filepath.Dir(path))
	}

	if err := errors.Join(file.Truncate(0), writeLine(file, os.Getpid())); err != nil {
		return nil, errors.Join(fmt.Errorf("write lock: %w", err), file.Close())
	}

	return file, nil
}

func writeLine(file *os.File, value any) error {
	_, err := fmt.Fprintln(file, value)

	return err //nolint:wrapcheck // wrapped by the caller
}

func (f *folder) in(names ...string) string {
	return filepath.Join(append([]string{f.path}, names...)...)
}

func (f *folder) logPath(name string) string { return f.in("logs", name+".log") }

func (f *folder) close() error {
	if err := f.lock.Close(); err != nil {
		return fmt.Errorf("release data folder: %w", err)
	}

	return nil
}

func (f *folder) load() error {
	f.memo.Shards = map[string]int{}

	text, err := os.ReadFile(f.in("state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}

	if err == nil {
		err = json.Unmarshal(text, &f.memo)
	}

	if err != nil {
		return fmt.Errorf("read state.json: %w", err)
	}

	return nil
}

// save replaces state.json atomically, so a kill never leaves a partial file.
func (f *folder) save() error {
	text, err := json.MarshalIndent(f.memo, "", "  ")
	if err != nil {
		return fmt.Errorf("encode state.json: %w", err)
	}

	return f.write("state.json", text)
}

func (f *folder) write(name string, text []byte) error {
	draft := f.in(name + ".new")
	if err := os.WriteFile(draft, append(text, '\n'), modeSecret); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}

	if err := os.Rename(draft, f.in(name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}

	return nil
}

// secret returns the random secret in the file name, in base64url. The first call makes it.
func (f *folder) secret(name string) (string, error) {
	text, err := os.ReadFile(f.in(name))
	if err == nil && len(strings.TrimSpace(string(text))) > 0 {
		return strings.TrimSpace(string(text)), nil
	}

	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", name, err)
	}

	random := make([]byte, secretBytes)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make %s: %w", name, err)
	}

	secret := base64.RawURLEncoding.EncodeToString(random)

	return secret, f.write(name, []byte(secret))
}
