//go:build !cli

package main

import (
	"fmt"
	"io"
	"os"

	"go.temporal.io/server/common/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// temporalLog writes warnings and errors to the file at path. Temporal ends the process after a fatal error, which is also
// printed to the terminal.
func temporalLog(path string, terminal io.Writer) log.Logger { //nolint:ireturn // the type behind it has no name outside
	written := log.BuildZapLogger(log.Config{Level: "warn", OutputFile: path})

	return log.NewZapLogger(written.WithOptions(zap.WithFatalHook(lastWords{terminal: terminal, path: path})))
}

type lastWords struct {
	terminal io.Writer
	path     string
}

func (l lastWords) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	reason := ""

	for _, field := range fields {
		if err, isError := field.Interface.(error); isError {
			reason = ": " + err.Error()
		}
	}

	_, _ = fmt.Fprintf(l.terminal, "devstack: temporal failed: %s%s (log: %s)\n", entry.Message, reason, l.path)

	os.Exit(exitFailure)
}
