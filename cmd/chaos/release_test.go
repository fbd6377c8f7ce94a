package main

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// newRepository returns a repository with two commits, and the first of them. The first has a program.
func newRepository(t *testing.T) (folder, first string) {
	t.Helper()
	folder = t.TempDir()
	run := func(words ...string) string {
		out, err := git(t.Context(), folder, append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, words...)...)
		require.NoError(t, err)
		return out
	}
	run("init", "-q")
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "cmd", "backstop"), 0o755))
	for name, text := range map[string]string{
		"go.mod":               "module example.com/backstop\n\ngo 1.26\n",
		"cmd/backstop/main.go": "package main\n\nvar version string\n\nfunc main() { print(version) }\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	run("add", ".")
	run("commit", "-q", "-m", "first")
	first = run("rev-parse", "HEAD")
	run("rm", "-q", "-r", "cmd")
	run("commit", "-q", "-m", "second")
	return folder, first
}

func TestBuildRelease(t *testing.T) {
	t.Parallel()
	repository, first := newRepository(t)
	folder := t.TempDir()
	for range 2 { // the source of an earlier run may be there
		program, err := buildRelease(t.Context(), repository, first, folder)
		require.NoError(t, err)
		out, err := exec.CommandContext(t.Context(), program).CombinedOutput()
		require.NoError(t, err)
		require.Equal(t, first, string(out))
		require.NoDirExists(t, filepath.Join(folder, "source"))
	}
	_, err := buildRelease(t.Context(), repository, "HEAD", folder)
	require.ErrorContains(t, err, "build commit HEAD")
}

// TestBuildRelease_missing: what is missing is an error that says how to get it.
func TestBuildRelease_missing(t *testing.T) {
	t.Parallel()
	repository, first := newRepository(t)
	shallow := filepath.Join(t.TempDir(), "shallow")
	_, err := git(t.Context(), repository, "clone", "-q", "--depth", "1", "file://"+repository, shallow)
	require.NoError(t, err)
	_, err = buildRelease(t.Context(), shallow, first, t.TempDir())
	require.ErrorContains(t, err, "this clone is shallow and lacks it: run git fetch --unshallow")
	_, err = buildRelease(t.Context(), repository, previousCommit, t.TempDir())
	require.ErrorContains(t, err, "this clone lacks it: fetch the branch that has it")
	_, err = buildRelease(t.Context(), t.TempDir(), first, t.TempDir())
	require.ErrorContains(t, err, "this folder is no clone of it")
}

func TestExtractFiles(t *testing.T) {
	t.Parallel()
	var archive bytes.Buffer
	files := tar.NewWriter(&archive)
	require.NoError(t, files.WriteHeader(&tar.Header{Name: "../outside", Typeflag: tar.TypeReg, Mode: 0o600}))
	require.NoError(t, files.Close())
	require.ErrorContains(t, extractFiles(&archive, t.TempDir()), "leaves the folder")
}
