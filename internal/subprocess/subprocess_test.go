package subprocess_test

import (
	"bufio"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/subprocess"
)

const long = 10 * time.Second

// start starts a shell script that prints a line when it is ready.
func start(t *testing.T, script string) *subprocess.Process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	p, err := subprocess.Start(cmd)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Kill()) })
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return p
}

func TestProcess_Stop(t *testing.T) {
	t.Parallel()
	p := start(t, `trap 'exit 0' TERM; echo ready; while true; do sleep 0.01; done`)
	require.NoError(t, p.Stop(long))
	require.NoError(t, p.Err())
	require.NoError(t, p.Stop(long), "the process has already ended")
}

func TestProcess_Stop_frozen(t *testing.T) {
	t.Parallel()
	p := start(t, `trap 'exit 3' TERM; echo ready; while true; do sleep 0.01; done`)
	require.NoError(t, p.Signal(syscall.SIGSTOP))
	require.NoError(t, p.Stop(long))
	require.ErrorContains(t, p.Err(), "exit status 3")
}

func TestProcess_Stop_stubborn(t *testing.T) {
	t.Parallel()
	p := start(t, `trap '' TERM; echo ready; while true; do sleep 0.01; done`)
	require.ErrorIs(t, p.Stop(100*time.Millisecond), subprocess.ErrKilled)
	require.ErrorContains(t, p.Err(), "killed")
}

func TestStart_missing(t *testing.T) {
	t.Parallel()
	_, err := subprocess.Start(exec.CommandContext(t.Context(), "/nowhere/program"))
	require.ErrorContains(t, err, "start /nowhere/program")
}
