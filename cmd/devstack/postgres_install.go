package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// aptScript installs the server. Debian's package would also create and start a cluster; a file under createcluster.d prevents
// that (create_main_cluster in pg_createcluster(1)). The script removes the file at its end.
const aptScript = `set -e
export DEBIAN_FRONTEND=noninteractive
conf=/etc/postgresql-common/createcluster.d/devstack.conf
mkdir -p "${conf%/*}"
echo "create_main_cluster = false" >"$conf"
trap 'rm -f "$conf"' EXIT
apt-get -o DPkg::Lock::Timeout=120 update
apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends postgresql
`

var osIDFormat = regexp.MustCompile(`(?m)^ID(?:_LIKE)?="?([^"\n]*)"?$`)

// installPostgres installs the server with apt-get. If devstack cannot do that, the error has the command that installs it.
func installPostgres(ctx context.Context, data *folder, say progress) error {
	prefix, allowed := aptPrefix(ctx)
	if !allowed {
		return fmt.Errorf("%w; install it with: %s", errNoPostgres, installCommand(systemIDs()))
	}

	say("postgres is not installed: installing it with apt-get (log: %s)", data.logPath("apt"))

	log, err := os.Create(data.logPath("apt"))
	if err != nil {
		return fmt.Errorf("open apt log: %w", err)
	}

	words := slices.Concat(prefix, []string{"sh", "-c", aptScript})
	install := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // no outside word in it
	install.Stdout, install.Stderr = log, log

	if err := install.Run(); err != nil {
		return errors.Join(fmt.Errorf("install postgres: %w\n%s", err, lastLines(log.Name())), log.Close())
	}

	if err := log.Close(); err != nil {
		return fmt.Errorf("close apt log: %w", err)
	}

	return nil
}

// aptPrefix reports whether devstack can run apt-get, and returns the words before it, such as sudo.
func aptPrefix(ctx context.Context) ([]string, bool) {
	if _, err := exec.LookPath("apt-get"); err != nil || !strings.Contains(systemIDs(), "debian") {
		return nil, false
	}

	if os.Geteuid() == 0 {
		return nil, true
	}

	return []string{"sudo", "-n"}, exec.CommandContext(ctx, "sudo", "-n", "true").Run() == nil
}

// systemIDs returns the names of the system and of the systems that it derives from: "ubuntu debian".
func systemIDs() string {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return runtime.GOOS
	}

	var ids []string
	for _, match := range osIDFormat.FindAllStringSubmatch(string(text), -1) {
		ids = append(ids, match[1])
	}

	return strings.Join(ids, " ")
}

func installCommand(ids string) string {
	for _, known := range [][2]string{
		{"debian", "sudo apt-get install -y postgresql"},
		{"darwin", "brew install postgresql@17"},
		{"alpine", "sudo apk add postgresql"},
		{"arch", "sudo pacman -S --noconfirm postgresql"},
		{"fedora", "sudo dnf install -y postgresql-server"},
		{"suse", "sudo zypper install -y postgresql-server"},
	} {
		if strings.Contains(ids, known[0]) {
			return known[1]
		}
	}

	return "your package manager (the package is often called postgresql or postgresql-server)"
}
