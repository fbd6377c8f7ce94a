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
	// Others may pass through the folder, because Postgres runs as another user when devstack runs as root.
	modeFolder  = 0o755
	modePrivate = 0o700
	modeSecret  = 0o600

	secretBytes = 32
)

// folder is the data folder: everything that devstack keeps. One devstack holds it at a time.
type folder struct {
	path string // absolute
	lock *os.File
	memo memo
}

// memo is what a run remembers for the next one (state.json).
type memo struct {
	PostgresPort int            `json:"postgres_port,omitempty"`
	TemporalPort int            `json:"temporal_port,omitempty"`
	UIPort       int            `json:"ui_port,omitempty"`
	Shards       map[string]int `json:"temporal_shards,omitempty"` // by store
	// PostgresHome is set when Postgres could not live in the folder itself.
	PostgresHome string `json:"postgres_home,omitempty"`
}

// openFolder makes the folder if there is none, and fails if another devstack runs on it.
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

// lockFile takes a lock that the kernel lets go when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, modeSecret) //nolint:gosec // a path of our own
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}

	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path) //nolint:gosec // a path of our own
		_ = file.Close()

		return nil, fmt.Errorf("another devstack (pid %s) runs on %s", strings.TrimSpace(string(holder)), filepath.Dir(path))
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

func (f *folder) log(name string) string { return f.in("logs", name+".log") }

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

// save replaces state.json whole, so that a kill never leaves half of it.
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

// secret answers the random secret kept under name, in base64url, and makes it at the first call.
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
