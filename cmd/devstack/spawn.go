package main

import (
	"fmt"
	"os/exec"
	"runtime"
)

// startProcess starts a command from a thread that lives as long as the command: on Linux the kernel sends the signal of
// processAttributes at the end of the thread that started the command. The channel gets the result of Wait, once.
func startProcess(command *exec.Cmd) (<-chan error, error) {
	started, ended := make(chan error, 1), make(chan error, 1)

	go func() {
		runtime.LockOSThread() // never unlocked, so the thread runs only this goroutine and ends with it

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
