package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// binaries is an installed Postgres server.
type binaries struct {
	folder  string
	version string // "15.18"
	major   int
}

func (b binaries) path(name string) string { return filepath.Join(b.folder, name) }

var (
	errNoPostgres = errors.New("find postgres: not installed")
	versionFormat = regexp.MustCompile(`\(PostgreSQL\) (\d+)(\S*)`)
)

// postgresFolders returns the patterns of the folders into which packages install the server, without those on PATH.
func postgresFolders() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
		"/usr/pgsql-*/bin",                  // postgresql.org's packages for Red Hat
		"/usr/libexec/postgresql*",          // Alpine
		"/opt/homebrew/opt/postgresql*/bin", // Homebrew on Apple silicon
		"/usr/local/opt/postgresql*/bin",    // Homebrew on Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	}
}

// findPostgres returns the server to run. If wanted is not 0, it returns a server of that major version, because no other
// version can read existing data. Else it returns the first on PATH, or else the newest in patterns. If no server is installed,
// the error is errNoPostgres.
func findPostgres(ctx context.Context, searchPath string, patterns []string, wanted int) (binaries, error) {
	found := inspectFolders(ctx, filepath.SplitList(searchPath))
	onPath := len(found)

	for _, pattern := range patterns {
		folders, err := filepath.Glob(pattern)
		if err != nil {
			return binaries{}, fmt.Errorf("find postgres: %w", err)
		}

		found = append(found, inspectFolders(ctx, folders)...)
	}

	slices.SortStableFunc(found[onPath:], func(a, b binaries) int { return b.major - a.major })

	if len(found) == 0 {
		return binaries{}, errNoPostgres
	}

	if wanted == 0 {
		return found[0], nil
	}

	if i := slices.IndexFunc(found, func(b binaries) bool { return b.major == wanted }); i >= 0 {
		return found[i], nil
	}

	return binaries{}, fmt.Errorf("the data was made by postgres %d, but only %s is installed: "+
		"install postgresql %d, or move the data folder away to start empty", wanted, found[0].version, wanted)
}

// inspectFolders returns the servers in the folders. A server needs the programs postgres and initdb, and must print its version.
func inspectFolders(ctx context.Context, folders []string) []binaries {
	var found []binaries

	for _, folder := range folders {
		candidate := binaries{folder: folder}
		if !filepath.IsAbs(folder) || !isExecutable(candidate.path("postgres")) || !isExecutable(candidate.path("initdb")) {
			continue
		}

		asked := exec.CommandContext(ctx, candidate.path("postgres"), "--version") //nolint:gosec // where packages put it

		output, err := asked.Output()
		if err != nil {
			continue
		}

		if match := versionFormat.FindStringSubmatch(string(output)); match != nil {
			candidate.version = match[1] + match[2]
			candidate.major, _ = strconv.Atoi(match[1]) // digits, by the expression
			found = append(found, candidate)
		}
	}

	return found
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)

	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// majorOf returns the major version of the data in folder, or 0 if there is no data yet.
func majorOf(folder string) (int, error) {
	text, err := os.ReadFile(filepath.Join(folder, "PG_VERSION")) //nolint:gosec // a path of our own
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}

	if err != nil {
		return 0, fmt.Errorf("read version of data: %w", err)
	}

	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read version of data: %w", err)
	}

	return major, nil
}
