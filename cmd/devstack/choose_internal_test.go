package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChoose(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct{ script, given, want string }{
		"no CLI":                 {want: "bin/devstack"},
		"a CLI":                  {script: `echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"`, want: "bin/devstack-cli"},
		"a newer CLI":            {script: `echo "temporal version 1.9.1 (Server 1.132.0, UI 2.55.0)"`, want: "bin/devstack-cli"},
		"an older CLI":           {script: `echo "temporal version 1.4.1 (Server 1.28.0, UI 2.39.0)"`, want: "bin/devstack"},
		"a CLI without a server": {script: `echo "temporal version 1.5.1"`, want: "bin/devstack"},
		"a CLI that fails":       {script: "exit 1", want: "bin/devstack"},
		"another by hand": {
			script: `echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"`, given: "TEMPORAL=embedded", want: "bin/devstack",
		},
		"the CLI by hand": {given: "TEMPORAL=cli", want: "bin/devstack-cli"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			folder := t.TempDir()
			if c.script != "" {
				writeScript(t, filepath.Join(folder, cliName), c.script)
			}

			for _, tool := range []string{"sh", "sed"} {
				path, err := exec.LookPath(tool)
				require.NoError(t, err)
				require.NoError(t, os.Symlink(path, filepath.Join(folder, tool)))
			}

			command := exec.CommandContext(t.Context(), "./choose.sh")
			command.Env = []string{"PATH=" + folder, c.given}

			chosen, err := command.Output()
			require.NoError(t, err)
			require.Equal(t, c.want+"\n", string(chosen))
		})
	}
}
