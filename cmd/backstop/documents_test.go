package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/meta"
	"github.com/backstophq/backstop/internal/provider/registry"
	"github.com/backstophq/backstop/internal/provider/twilio"
	"github.com/backstophq/backstop/internal/sandbox"
)

const root = "../.."

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}

// rowsOf returns the cells of every table row whose first cell matches.
func rowsOf(text string, first *regexp.Regexp) [][]string {
	var rows [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || !strings.HasSuffix(line, " |") {
			continue
		}
		if cells := strings.Split(line[2:len(line)-2], " | "); first.MatchString(cells[0]) {
			rows = append(rows, cells)
		}
	}
	return rows
}

func TestDocuments_scenarios(t *testing.T) {
	t.Parallel()
	var want [][]string
	for _, s := range sandbox.Scenarios() {
		want = append(want, []string{s.Digits, s.Name, s.WhatsApp, s.SMS})
	}
	require.Equal(t, want, rowsOf(readText(t, "docs/sandbox.md"), regexp.MustCompile(`^[0-9]{2}$`)))
}

func TestDocuments_configuration(t *testing.T) {
	t.Parallel()
	documented := map[string]string{}
	for _, cells := range rowsOf(readText(t, "docs/configuration.md"), regexp.MustCompile("^`BACKSTOP_")) {
		require.Len(t, cells, 3, "the row of %s", cells[0])
		name := strings.Trim(cells[0], "`")
		require.NotContains(t, documented, name, "%s has two rows", name)
		require.NotEmpty(t, cells[2], "the meaning of %s", name)
		documented[name] = cells[1]
	}
	require.Equal(t, variables(t), documented)
}

// variables are the variables of the program with their defaults, as docs/configuration.md writes them, by the tags of the
// configurations.
func variables(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, c := range []any{config{}, sandboxConfig{}, migrateConfig{}, callerConfig{}} {
		for group := range reflect.TypeOf(c).Fields() {
			if group.Type.Kind() != reflect.Struct {
				continue
			}
			for field := range group.Type.Fields() {
				name, options, _ := strings.Cut(field.Tag.Get("env"), ",")
				require.NotEmpty(t, name, "%T: %s has no variable", c, field.Name)
				name = envPrefix + group.Tag.Get("envPrefix") + name
				value := "none"
				if byDefault, ok := field.Tag.Lookup("envDefault"); ok {
					value = "`" + byDefault + "`"
				} else if strings.Contains(options, "required") {
					value = "required"
				}
				if known, again := all[name]; again {
					require.Equal(t, known, value, "%s has two defaults", name)
				}
				all[name] = value
			}
		}
	}
	for _, d := range []provider.Driver{meta.Driver(), twilio.Driver()} { // of the others the page has the rule
		for _, v := range variablesOf(d) {
			value := "none"
			switch {
			case v.required:
				value = "required"
			case v.byDefault != "":
				value = "`" + v.byDefault + "`"
			}
			all[v.name] = value
		}
	}
	return all
}

// documents are the files of the documentation.
func documents(t *testing.T) []string {
	t.Helper()
	paths := []string{"README.md", "AGENTS.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, path := range found {
			relative, err := filepath.Rel(root, path)
			require.NoError(t, err)
			paths = append(paths, relative)
		}
	}
	return paths
}

func TestDocuments_variables(t *testing.T) {
	t.Parallel()
	known := variables(t)
	for _, d := range registry.Drivers() {
		for _, v := range variablesOf(d) {
			known[v.name] = ""
		}
	}
	for former, name := range formerNames() {
		known[former] = known[name]
	}
	variable := regexp.MustCompile(`BACKSTOP_[A-Z_]+`)
	for _, path := range documents(t) {
		for _, name := range variable.FindAllString(readText(t, path), -1) {
			require.Contains(t, known, name, "%s names a variable that is not there", path)
		}
	}
}

func TestDocuments_links(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)|\bsrc(?:set)?="([^"]+)"`)
	for _, path := range documents(t) {
		for _, found := range link.FindAllStringSubmatch(readText(t, path), -1) {
			address := found[1] + found[2]
			file, heading, _ := strings.Cut(address, "#")
			if strings.Contains(file, "://") {
				continue
			}
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			require.FileExists(t, filepath.Join(root, target), "%s links to %s", path, address)
			if heading != "" {
				require.Contains(t, headings(readText(t, target)), heading, "%s links to %s", path, address)
			}
		}
	}
}

// TestDocuments_diagrams compares each Mermaid diagram with its SVG, which `make diagrams` draws.
func TestDocuments_diagrams(t *testing.T) {
	t.Parallel()
	diagram := regexp.MustCompile("(?s)\n```mermaid\n(.*?)```\n")
	drawn := 0
	for _, path := range documents(t) {
		for _, source := range diagram.FindAllStringSubmatch(readText(t, path), -1) {
			picture := readText(t, strings.TrimSuffix(path, ".md")+".svg")
			digest := fmt.Sprintf("sha256 of the source: %x ", sha256.Sum256([]byte(source[1])))
			require.Contains(t, picture, digest, "the picture of %s is old: make diagrams", path)
			drawn++
		}
	}
	require.NotZero(t, drawn)
}

// headings returns the anchors of a document's headings: in lower case, without punctuation, with dashes for spaces.
func headings(text string) []string {
	var anchors []string
	marks := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			title = marks.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			anchors = append(anchors, strings.ReplaceAll(title, " ", "-"))
		}
	}
	return anchors
}
