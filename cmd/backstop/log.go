package main

import (
	"io"
	"log/slog"
)

// newLog returns the program's log: one JSON document per line.
func newLog(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}
