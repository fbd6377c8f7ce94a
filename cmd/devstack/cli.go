package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	cliName     = "temporal"
	cliDatabase = "temporal-cli.db"
)

// cliServer is the dev server of Temporal's CLI, in a process of its own.
type cliServer struct {
	process *os.Process
	ended   <-chan error
	done    chan struct{} // closed when the process has ended
}

// startCLI starts the dev server of the CLI, which has the UI in it. Its data has a file of its own: the embedded server spreads
// workflows over another number of shards.
func (s *stack) startCLI(ctx context.Context) error {
	path, err := exec.LookPath(cliName)
	if err != nil {
		return fmt.Errorf("find the CLI of Temporal: %w", err)
	}

	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("find the CLI of Temporal: %w", err)
	}

	version, err := cliVersion(ctx, path)
	if err != nil {
		return err
	}

	release, err := lockPorts(ctx)
	if err != nil {
		return err
	}
	defer release()

	port, err := choosePort(s.given.ports.temporal, s.data.memo.TemporalPort, preferredTemporalPort)
	if err != nil {
		return fmt.Errorf("choose --temporal-port: %w", err)
	}

	uiPort := 0
	if s.given.services.ui {
		if uiPort, err = choosePort(s.given.ports.ui, s.data.memo.UIPort, preferredUIPort); err != nil {
			return fmt.Errorf("choose --ui-port: %w", err)
		}

		s.data.memo.UIPort = uiPort
	}

	s.data.memo.TemporalPort = port
	if err := s.data.save(); err != nil {
		return err
	}

	if err := s.runCLI(ctx, path, port, uiPort); err != nil {
		return err
	}

	s.environment.add("BACKSTOP_TEMPORAL_ADDRESS", loopbackAddress(port))
	s.environment.add("BACKSTOP_TEMPORAL_NAMESPACE", namespace)
	s.say("temporal on %s: the dev server of %s, %s", loopbackAddress(port), path, version)

	if uiPort != 0 {
		s.environment.add("BACKSTOP_TEMPORAL_UI_URL", "http://"+loopbackAddress(uiPort))
		s.say("temporal ui http://%s", loopbackAddress(uiPort))
	}

	return nil
}

// runCLI starts the process and returns when a client can use the server and its UI; without a UI if uiPort is 0.
func (s *stack) runCLI(ctx context.Context, path string, port, uiPort int) error {
	log := s.data.logPath("temporal")

	arguments, err := cliArguments(port, uiPort, s.given.fast)
	if err != nil {
		return err
	}

	if s.given.codec != "" && uiPort != 0 {
		arguments = append(arguments, "--ui-codec-endpoint", s.given.codec)
	}

	server, err := startCLIProcess(path, s.data.path, arguments, log)
	if err != nil {
		return err
	}

	s.onStop(server.stop)
	s.onKill(server.kill)

	waiting, cancel := context.WithCancel(ctx)
	defer cancel()

	go func() {
		select {
		case <-server.done:
			cancel()
		case <-waiting.Done():
		}
	}()

	err = waitTemporal(waiting, loopbackAddress(port))
	if err == nil && uiPort != 0 {
		err = waitPage(waiting, "http://"+loopbackAddress(uiPort)+"/healthz")
	}

	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w; its log (%s) says:\n%s", err, log, lastLines(log))
	}

	s.watch(server.done, errTemporalBroken)

	return err
}

// cliVersion returns the versions that the CLI prints, such as "1.5.1 (Server 1.29.1, UI 2.42.1)".
func cliVersion(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, bindTimeout+temporalStopTimeout)
	defer cancel()

	output, err := exec.CommandContext(ctx, path, "--version").Output() //nolint:gosec // found on PATH
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", path, err)
	}

	return strings.TrimPrefix(strings.TrimSpace(string(output)), "temporal version "), nil
}

// cliArguments names the file of the database without its folder, because the CLI takes a path with a "?" or "%" for another one.
func cliArguments(port, uiPort int, fast bool) ([]string, error) {
	arguments := []string{
		"server", "start-dev", "--ip", loopback, "--port", strconv.Itoa(port), "--db-filename", cliDatabase,
		"--log-level", "warn",
		"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=" + synchronous(fast),
	}

	if uiPort == 0 {
		arguments = append(arguments, "--headless")
	} else {
		arguments = append(arguments, "--ui-port", strconv.Itoa(uiPort))
	}

	settings := dynamicSettings()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		value, err := json.Marshal(settings[name])
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", name, err)
		}

		arguments = append(arguments, "--dynamic-config-value", name+"="+string(value))
	}

	return arguments, nil
}

func startCLIProcess(path, folder string, arguments []string, logPath string) (*cliServer, error) {
	log, err := os.Create(filepath.Clean(logPath))
	if err != nil {
		return nil, fmt.Errorf("make log of temporal: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has it open itself

	command := exec.Command(path, arguments...) //nolint:gosec,noctx // found on PATH; ended by stop
	command.Dir, command.Stdout, command.Stderr = folder, log, log
	// The server has its own process group, so a Ctrl-C in the terminal does not stop it before its clients.
	// If devstack is killed, the server goes at once, so that the next devstack finds its port free.
	command.SysProcAttr = processAttributes(nil, true, syscall.SIGKILL)

	ended, err := startProcess(command)
	if err != nil {
		return nil, err
	}

	server := &cliServer{process: command.Process, ended: ended, done: make(chan struct{})}

	go func() {
		<-ended
		close(server.done)
	}()

	return server, nil
}

// stop stops the server. It waits for at most temporalStopTimeout: everything that the server has confirmed is already stored.
func (c *cliServer) stop() error {
	if err := c.process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop temporal: %w", err)
	}

	select {
	case <-c.done:
		return nil
	case <-time.After(temporalStopTimeout):
		c.kill()

		return fmt.Errorf("stop temporal: not done after %v", temporalStopTimeout)
	}
}

func (c *cliServer) kill() { _ = c.process.Kill() }
