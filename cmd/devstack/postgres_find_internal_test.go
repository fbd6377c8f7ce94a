package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindPostgres(t *testing.T) {
	t.Parallel()

	root := t.TempDir()
	pattern := filepath.Join(root, "lib", "*", "bin")
	onPath := installFake(t, filepath.Join(root, "path"), "14.2")
	nine := installFake(t, filepath.Join(root, "lib", "9", "bin"), "9.6.24")
	fifteen := installFake(t, filepath.Join(root, "lib", "15", "bin"), "15.18 (Debian 15.18-0)")
	seventeen := installFake(t, filepath.Join(root, "lib", "17", "bin"), "17rc1")

	broken := filepath.Join(root, "lib", "99", "bin")
	writeScript(t, filepath.Join(broken, "postgres"), "exit 1")
	writeScript(t, filepath.Join(broken, "initdb"), "exit 1")
	writeScript(t, filepath.Join(root, "clients", "initdb"), "exit 0") // no server beside it

	for name, wanted := range map[string]struct {
		path    string
		major   int
		folder  string
		version string
	}{
		"newest":               {folder: seventeen, version: "17rc1"},
		"path first":           {path: onPath, folder: onPath, version: "14.2"},
		"path without server":  {path: filepath.Join(root, "clients"), folder: seventeen, version: "17rc1"},
		"relative path":        {path: ".:bin", folder: seventeen, version: "17rc1"},
		"of the data":          {path: onPath, major: 15, folder: fifteen, version: "15.18"},
		"of the data, on path": {path: onPath, major: 14, folder: onPath, version: "14.2"},
		"old":                  {major: 9, folder: nine, version: "9.6.24"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			found, err := findPostgres(testContext(t), wanted.path, []string{pattern}, wanted.major)
			require.NoError(t, err)
			require.Equal(t, wanted.folder, found.folder)
			require.Equal(t, wanted.version, found.version)
		})
	}

	t.Run("none", func(t *testing.T) {
		t.Parallel()

		_, err := findPostgres(testContext(t), "", []string{filepath.Join(root, "none", "*")}, 15)
		require.ErrorIs(t, err, errNoPostgres)
	})

	t.Run("not the one that made the data", func(t *testing.T) {
		t.Parallel()

		_, err := findPostgres(testContext(t), onPath, nil, 12)
		require.ErrorContains(t, err, "made by postgres 12")
		require.ErrorContains(t, err, "14.2")
	})
}

func TestInstallCommand(t *testing.T) {
	t.Parallel()

	require.Equal(t, "sudo apt-get install -y postgresql", installCommand("ubuntu debian"))
	require.Equal(t, "brew install postgresql@17", installCommand("darwin"))
	require.Contains(t, installCommand("plan9"), "package manager")
}

func installFake(t *testing.T, folder, version string) string {
	t.Helper()

	writeScript(t, filepath.Join(folder, "postgres"), `echo "postgres (PostgreSQL) `+version+`"`)
	writeScript(t, filepath.Join(folder, "initdb"), "exit 0")

	return folder
}
