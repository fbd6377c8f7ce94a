package main

import (
	"fmt"
	"os/exec"
	"runtime"
)

// spawn starts a command from a thread that lives as long as the command: on Linux the signal of attributes is sent
// when the thread that started the process ends, not the process. The channel carries the answer of Wait, once.
func spawn(command *exec.Cmd) (<-chan error, error) {
	started, ended := make(chan error, 1), make(chan error, 1)

	go func() {
		runtime.LockOSThread() // never unlocked, so no other goroutine is put on it and it ends with this one

		err := command.Start()
		started <- err

		if err == nil {
			ended <- command.Wait()
		}
	}()

	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", command.Path, err)
	}

	return ended, nil
}
