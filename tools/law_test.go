package tools_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const us = "github.com/backstophq/backstop"

// law lists, for a file in a folder of the project, the rule of .golangci.yaml that forbids an import; "" means that it is
// allowed.
var law = []struct{ folder, imports, rule string }{
	{".", "net/http", ""},
	{".", "github.com/nyaruka/phonenumbers", ""},
	{".", "golang.org/x/text/unicode/norm", ""}, // for Transliterate
	{".", "golang.org/x/text/language", "domain"},
	{".", "github.com/google/uuid", "domain"},
	{".", us + "/schema", "domain"},
	{".", "database/sql", "sql"},
	{"workflows", us, ""},
	{"workflows", us + "/activities", ""},
	{"workflows", "time", ""},
	{"workflows", "go.temporal.io/sdk/workflow", ""},
	{"workflows", "go.temporal.io/api/enums/v1", ""},
	{"workflows", "go.temporal.io/sdk/client", "workflows"},
	{"workflows", "net/http", "workflows"},
	{"workflows", "database/sql", "workflows"},
	{"workflows", "os", "workflows"},
	{"workflows", "os/exec", "workflows"},
	{"workflows", "math/rand", "workflows"},
	{"workflows", "math/rand/v2", "workflows"},
	{"workflows", "crypto/rand", "workflows"},
	{"workflows", "github.com/gin-gonic/gin", "workflows"},
	{"workflows", "github.com/jmoiron/sqlx", "workflows"},
	{"workflows", "github.com/lib/pq", "workflows"},
	{"workflows", us + "/api", "workflows"},
	{"workflows", us + "/internal/handoff", "workflows"},
	{"workflows", us + "/internal/postgres", "workflows"},
	{"workflows", us + "/internal/provider/meta", "workflows"},
	{"activities", us, ""},
	{"activities", "net/http", ""},
	{"activities", "go.temporal.io/sdk/activity", ""},
	{"activities", "go.temporal.io/sdk/client", "activities"},
	{"activities", us + "/internal/provider/meta", "activities"},
	{"activities", us + "/internal/postgres", "activities"},
	{"activities", us + "/workflows", "activities"},
	{"worker", us + "/workflows", ""},
	{"worker", us + "/activities", ""},
	{"worker", "go.temporal.io/sdk/worker", ""},
	{"worker", us + "/api", "worker"},
	{"worker", us + "/internal/postgres", "worker"},
	{"worker", us + "/internal/provider/meta", "worker"},
	{"api", us + "/internal/handoff", ""},
	{"api", "github.com/gin-gonic/gin", ""},
	{"api", us + "/activities", "api"},
	{"api", us + "/console", "api"},
	{"api", us + "/internal/postgres", "api"},
	{"api", us + "/internal/provider/twilio", "api"},
	{"api", us + "/worker", "api"},
	{"api", "github.com/jmoiron/sqlx", "sql"},
	{"api", "github.com/lib/pq", "sql"},
	{"api", "go.temporal.io/sdk/client", "engine"},
	{"internal/handoff", us + "/workflows", ""},
	{"internal/handoff", "go.temporal.io/sdk/client", ""},
	{"internal/handoff", us + "/api", "handoff"},
	{"internal/handoff", us + "/activities", "handoff"},
	{"internal/handoff", us + "/internal/provider/meta", "handoff"},
	{"internal/handoff", "github.com/lib/pq", "sql"},
	{"internal/callbacks", "net/http", ""},
	{"internal/callbacks", us, "callbacks"},
	{"internal/callbacks", us + "/internal/postgres", "callbacks"},
	{"internal/callbacks", us + "/internal/traceparent", ""},
	{"internal/telemetry", "go.opentelemetry.io/otel", ""},
	{"internal/traceparent", us, "traceparent"},
	{"internal/people", us, ""},
	{"internal/people", "github.com/coreos/go-oidc/v3/oidc", ""},
	{"internal/people", us + "/api", "people"},
	{"api", us + "/internal/people", ""},
	{"api", "golang.org/x/oauth2", "oidc"},
	{"internal/oidctest", "github.com/zitadel/oidc/v3/pkg/op", ""},
	{"api", "github.com/zitadel/oidc/v3/pkg/op", "oidctest"},
	{"cmd/backstop", "github.com/zitadel/oidc/v3/pkg/op", "oidctest"},
	{"cmd/backstop", us + "/internal/oidctest", "outside"},
	{"cmd/oidctest", us + "/internal/oidctest", ""},
	{"cmd/backstop", us + "/internal/telemetry", ""},
	{"api", "go.opentelemetry.io/otel", "telemetry"},
	{"internal/postgres", us + "/internal/telemetry", "telemetry"},
	{"internal/guards", "github.com/prometheus/client_golang/prometheus", "telemetry"},
	{"workflows", "go.opentelemetry.io/otel", "workflows"},
	{".", "go.opentelemetry.io/otel", "domain"},
	{"internal/codec", "go.temporal.io/sdk/client", ""},
	{"internal/codec", us, "codec"},
	{"internal/codec", us + "/workflows", "codec"},
	{"internal/health", us, ""},
	{"internal/health", us + "/activities", "health"},
	{"internal/health", us + "/internal/postgres", "health"},
	{"internal/postgres", us, ""},
	{"internal/postgres", "github.com/jmoiron/sqlx", ""},
	{"internal/postgres", "github.com/lib/pq", ""},
	{"internal/postgres", us + "/internal/handoff", ""},
	{"internal/postgres", us + "/internal/health", ""},
	{"internal/postgres", us + "/internal/keys", ""},
	{"internal/postgres", us + "/workflows", "store"},
	{"internal/postgres", us + "/api", "store"},
	{"internal/postgres", "go.temporal.io/sdk/client", "engine"},
	{"schema", "github.com/pressly/goose/v3", ""},
	{"schema", "github.com/lib/pq", ""},
	{"schema", us, "schema"},
	{"internal/provider/meta", us, ""},
	{"internal/provider/meta", "net/http", ""},
	{"internal/provider/meta", us + "/internal/handoff", "drivers"},
	{"internal/provider/meta", us + "/internal/sandbox", "drivers"},
	{"internal/provider/meta", us + "/api", "drivers"},
	{"internal/provider/meta", "go.temporal.io/sdk/temporal", "engine"},
	{"internal/sandbox", "net/http", ""},
	{"internal/sandbox", us + "/internal/provider/meta", "sandbox"},
	{"internal/sandbox", us, "sandbox"},
	{"internal/sandbox", "github.com/gin-gonic/gin", "gin"},
	{"internal/demo", us + "/client", ""},
	{"internal/demo", us + "/internal/sandbox", ""},
	{"internal/demo", "github.com/mattn/go-isatty", ""},
	{"internal/demo", us, "demo"},
	{"internal/demo", us + "/internal/postgres", "demo"},
	{"internal/demo", us + "/workflows", "demo"},
	{"internal/demo", "github.com/caarlos0/env/v11", "environment"},
	{"internal/demo", "go.temporal.io/sdk/client", "engine"},
	{"console", "io/fs", ""},
	{"console", us, "console"},
	{"console", "github.com/gin-gonic/gin", "console"},
	{"client", "github.com/oapi-codegen/runtime", ""},
	{"client", us, "client"},
	{"cmd/backstop", "github.com/caarlos0/env/v11", ""},
	{"cmd/backstop", "go.temporal.io/sdk/client", ""},
	{"cmd/backstop", us + "/console", ""},
	{"cmd/backstop", us + "/internal/demo", ""},
	{"cmd/backstop", us + "/internal/postgres", ""},
	{"cmd/backstop", "github.com/gin-gonic/gin", "gin"},
	{"cmd/backstop", "github.com/jmoiron/sqlx", "sql"},
	{"worker", "github.com/caarlos0/env/v11", "environment"},
	{"internal/provider/meta", "github.com/caarlos0/env/v11", "environment"},
}

// modules are the modules of the imports in law. The scratch project has an empty copy of each.
var modules = []string{
	us, "github.com/caarlos0/env/v11", "github.com/gin-gonic/gin", "github.com/google/uuid", "github.com/jmoiron/sqlx",
	"github.com/lib/pq", "github.com/mattn/go-isatty", "github.com/nyaruka/phonenumbers", "github.com/oapi-codegen/runtime",
	"github.com/pressly/goose/v3", "go.temporal.io/api", "go.temporal.io/sdk", "golang.org/x/text",
}

// finding matches a line of the linter's report: a file and the rule that it breaks.
var finding = regexp.MustCompile(`(case\d+\.go):.* from list '(\w+)'`)

// TestImportLaw breaks each import rule of .golangci.yaml in a scratch project, and asserts that the linter reports it.
func TestImportLaw(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	config, err := os.ReadFile("../.golangci.yaml")
	must(t, err)
	write(t, filepath.Join(dir, ".golangci.yaml"), string(config))
	writeModules(t, dir)
	for i, l := range law {
		file := filepath.Join(dir, l.folder, fmt.Sprintf("case%d.go", i))
		write(t, file, fmt.Sprintf("package p\n\nimport _ %q\n", l.imports))
	}

	broken := lint(t, dir)
	for i, l := range law {
		t.Run(l.folder+"<-"+l.imports, func(t *testing.T) {
			t.Parallel()

			rules := broken[fmt.Sprintf("case%d.go", i)]
			if l.rule == "" && len(rules) > 0 || l.rule != "" && !rules[l.rule] {
				t.Errorf("broken rules are %v, want %q", rules, l.rule)
			}
		})
	}
}

// writeModules makes the scratch project a module whose dependencies are empty packages beside it.
func writeModules(t *testing.T, dir string) {
	t.Helper()

	var mod strings.Builder
	// The module path is below ours, so that the scratch project may import our internal packages.
	fmt.Fprintf(&mod, "module %s/scratch\n\ngo 1.26.0\n", us)
	for i, m := range modules {
		version := "v0.0.0"
		if major := regexp.MustCompile(`/(v\d+)$`).FindStringSubmatch(m); major != nil {
			version = major[1] + ".0.0"
		}
		stub := fmt.Sprintf("stubs/%d", i)
		fmt.Fprintf(&mod, "require %s %s\nreplace %s => ./%s\n", m, version, m, stub)
		write(t, filepath.Join(dir, stub, "go.mod"), "module "+m+"\n")
		for _, l := range law {
			if rest, ok := strings.CutPrefix(l.imports, m); ok && (rest == "" || rest[0] == '/') {
				write(t, filepath.Join(dir, stub, rest, "p.go"), "package p\n")
			}
		}
	}
	write(t, filepath.Join(dir, "go.mod"), mod.String())
}

// lint runs the linter over the scratch project and returns the broken rules of each file.
func lint(t *testing.T, dir string) map[string]map[string]bool {
	t.Helper()

	binary, err := filepath.Abs("../bin/golangci-lint")
	must(t, err)
	cmd := exec.CommandContext(t.Context(), binary, "run", "--enable-only=depguard", "--uniq-by-line=false",
		"--show-stats=false", "--output.text.path=stdout", "--output.text.print-issued-lines=false",
		"--output.text.colors=false", "./...")
	cmd.Dir = dir
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("run the linter (make bin/golangci-lint builds it): %v", err)
	}

	broken := map[string]map[string]bool{}
	for line := range strings.Lines(string(out)) {
		found := finding.FindStringSubmatch(line)
		if found == nil {
			t.Fatalf("unexpected finding: %s", line)
		}
		file, rule := found[1], found[2]
		if broken[file] == nil {
			broken[file] = map[string]bool{}
		}
		broken[file][rule] = true
	}
	return broken
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
