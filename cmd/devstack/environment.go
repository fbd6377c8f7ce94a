package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// environment is the variables for the command, as NAME=value, in the order in which the services start.
type environment []string

func (e *environment) add(name, value string) { *e = append(*e, name+"="+value) }

// export writes lines that a shell can read.
func (e *environment) export(output io.Writer) error {
	for _, entry := range *e {
		name, value, _ := strings.Cut(entry, "=")
		if _, err := fmt.Fprintf(output, "export %s=%s\n", name, shellQuote(value)); err != nil {
			return fmt.Errorf("write environment: %w", err)
		}
	}

	return nil
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,?=-]+$`)

// shellQuote returns value as one word for a shell.
func shellQuote(value string) string {
	if plainWord.MatchString(value) {
		return value
	}

	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
