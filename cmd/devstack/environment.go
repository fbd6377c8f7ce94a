package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// environment is what a command is told, as NAME=value, in the order of the starts.
type environment []string

func (e *environment) set(name, value string) { *e = append(*e, name+"="+value) }

// export writes lines that a shell can read.
func (e *environment) export(output io.Writer) error {
	for _, entry := range *e {
		name, value, _ := strings.Cut(entry, "=")
		if _, err := fmt.Fprintf(output, "export %s=%s\n", name, quote(value)); err != nil {
			return fmt.Errorf("write environment: %w", err)
		}
	}

	return nil
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,?=-]+$`)

// quote answers value as one word of a shell.
func quote(value string) string {
	if plainWord.MatchString(value) {
		return value
	}

	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
