package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// previousCommit is the previous release of a rolling deployment. Nothing is released yet, so it is a commit: the last one with
// the migrations 1 to 28 alone, which are older than the first release (docs/migrations.md). After a release, name its tag here.
const previousCommit = "24db87bb2f5e42835a6eca9d0134c932e95b2dce"

// buildRelease builds the program of a commit from a clone of this repository, and returns its path.
func buildRelease(ctx context.Context, clone, commit, folder string) (program string, err error) {
	if err := findCommit(ctx, clone, commit); err != nil {
		return "", err
	}
	source := filepath.Join(folder, "source")
	if err := os.RemoveAll(source); err != nil {
		return "", fmt.Errorf("remove old source: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(source)) }()
	if err := extractCommit(ctx, clone, commit, source); err != nil {
		return "", fmt.Errorf("extract commit %.8s: %w", commit, err)
	}
	if program, err = filepath.Abs(filepath.Join(folder, "backstop")); err != nil {
		return "", fmt.Errorf("find folder: %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", //nolint:gosec // a program of our own
		"-ldflags", "-X main.version="+commit, "-o", program, "./cmd/backstop")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build commit %.8s: %w\n%s", commit, err, bytes.TrimSpace(out))
	}
	return program, nil
}

// findCommit returns an error that says what is missing, if this clone lacks the commit.
func findCommit(ctx context.Context, clone, commit string) error {
	if _, err := exec.LookPath("git"); err != nil {
		return errors.New("the previous release is built from the history of this repository, and git is not installed")
	}
	if _, err := git(ctx, clone, "rev-parse", "--git-dir"); err != nil {
		return fmt.Errorf("the previous release is built from the history of this repository, and this folder is no clone of it "+
			"(an archive of the source has no history): %w", err)
	}
	if _, err := git(ctx, clone, "cat-file", "-e", commit+"^{commit}"); err == nil {
		return nil
	}
	if shallow, err := git(ctx, clone, "rev-parse", "--is-shallow-repository"); err == nil && shallow == "true" {
		return fmt.Errorf("the previous release is commit %s, and this clone is shallow and lacks it: "+
			"run git fetch --unshallow, or git fetch --depth 1 origin %s", commit, commit)
	}
	return fmt.Errorf("the previous release is commit %s, and this clone lacks it: "+
		"fetch the branch that has it, or name another commit by -previous", commit)
}

// git runs git in a clone and returns its output.
func git(ctx context.Context, clone string, words ...string) (string, error) {
	words = append([]string{"-C", clone}, words...)
	out, err := exec.CommandContext(ctx, "git", words...).CombinedOutput() //nolint:gosec // our own words
	text := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", words[2], err, text)
	}
	return text, nil
}

// extractCommit writes the files of a commit into a new folder.
func extractCommit(ctx context.Context, clone, commit, folder string) error {
	archive := exec.CommandContext(ctx, "git", "-C", clone, "archive", "--format=tar", commit) //nolint:gosec // our own words
	files, err := archive.StdoutPipe()
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	var complaints bytes.Buffer
	archive.Stderr = &complaints
	if err := archive.Start(); err != nil {
		return fmt.Errorf("start git archive: %w", err)
	}
	err = extractFiles(files, folder)
	_, _ = io.Copy(io.Discard, files) // else git waits for a reader
	if waited := archive.Wait(); waited != nil {
		return fmt.Errorf("git archive: %w: %s", waited, bytes.TrimSpace(complaints.Bytes()))
	}
	return err
}

// extractFiles writes the ordinary files of a tar archive. No Go package has other files.
func extractFiles(archive io.Reader, folder string) error {
	const forAll, forOwner = 0o755, 0o644
	for files := tar.NewReader(archive); ; {
		file, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		if file.Typeflag != tar.TypeReg {
			continue
		}
		if !filepath.IsLocal(file.Name) {
			return fmt.Errorf("read archive: %q leaves the folder", file.Name)
		}
		text, err := io.ReadAll(files)
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		path := filepath.Join(folder, file.Name) //nolint:gosec // IsLocal has looked at it
		if err := os.MkdirAll(filepath.Dir(path), forAll); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := os.WriteFile(path, text, forOwner); err != nil {
			return fmt.Errorf("write file: %w", err)
		}
	}
}
