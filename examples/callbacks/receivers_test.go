// Package callbacks_test runs the receivers of this folder against the sender of callbacks.
package callbacks_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/callbacks"
)

// without is a variable with the interpreters that a machine lacks, separated by spaces. The Makefile sets it and says so. A test
// whose interpreter is missing fails if it is not named there.
const without = "BACKSTOP_TEST_WITHOUT"

// interpreter returns the path of a program that a receiver needs.
func interpreter(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && slices.Contains(strings.Fields(os.Getenv(without)), name) {
		t.Skipf("%s is missing", name)
	}
	require.NoError(t, err, "install %s, or set %s=%s to leave this receiver out", name, without, name)
	return path
}

// goReceiver builds the receiver in Go.
func goReceiver(t *testing.T) []string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "receiver")
	build, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "./go").CombinedOutput()
	require.NoError(t, err, string(build))
	return []string{program}
}

func pythonReceiver(t *testing.T) []string {
	t.Helper()
	return []string{interpreter(t, "python3"), "python/receiver.py"}
}

// typescriptReceiver compiles the receiver with the compiler of the console, which checks its types.
func typescriptReceiver(t *testing.T) []string {
	t.Helper()
	node := interpreter(t, "node")
	modules, err := filepath.Abs("../../console/node_modules")
	require.NoError(t, err)
	compiler := filepath.Join(modules, "typescript/bin/tsc")
	if _, err := os.Stat(compiler); err != nil && slices.Contains(strings.Fields(os.Getenv(without)), "npm") {
		t.Skip("npm is missing, so there is no TypeScript compiler")
	}
	require.FileExists(t, compiler, "run: npm --prefix console ci --ignore-scripts")
	out := t.TempDir()
	compiled, err := exec.CommandContext(t.Context(), node, compiler, "--strict", "--target", "es2022", "--module", "nodenext",
		"--typeRoots", filepath.Join(modules, "@types"), "--types", "node", "--outDir", out, "typescript/receiver.ts").CombinedOutput()
	require.NoError(t, err, string(compiled))
	return []string{node, filepath.Join(out, "receiver.js")}
}

// running is a receiver that runs.
type running struct {
	url    string
	sender *callbacks.Sender

	mu    sync.Mutex
	lines []string // what it has handled
}

func start(t *testing.T, command []string, secrets ...string) *running {
	t.Helper()
	allow, err := callbacks.ParsePolicy("127.0.0.1")
	require.NoError(t, err)
	r := &running{sender: callbacks.New(callbacks.Options{Allow: allow})}
	t.Cleanup(r.sender.Close)
	program := exec.Command(command[0], command[1:]...) //nolint:noctx // it is killed below
	program.Env = append(os.Environ(), "CALLBACK_SECRETS="+strings.Join(secrets, ","), "PORT=0")
	var stderr bytes.Buffer
	program.Stderr = &stderr
	stdout, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	output := bufio.NewScanner(stdout)
	read := make(chan struct{})
	t.Cleanup(func() {
		_ = program.Process.Kill()
		<-read
		_ = program.Wait()
	})
	isUp := output.Scan()
	if !isUp {
		close(read)
		require.True(t, isUp, "the receiver did not start: %s", &stderr)
	}
	r.url = strings.TrimPrefix(output.Text(), "listening at ")
	go func() {
		defer close(read)
		for output.Scan() {
			r.mu.Lock()
			r.lines = append(r.lines, output.Text())
			r.mu.Unlock()
		}
	}()
	return r
}

// post sends an event of a send, and returns the status of the answer.
func (r *running) post(t *testing.T, id string, revision int, event string, at time.Time, secrets ...string) int {
	t.Helper()
	body := fmt.Sprintf(`{"type": %q, "timestamp": "2026-11-26T18:00:00Z",`+
		` "data": {"seq": 1, "revision": %d, "send": {"id": "0193", "outcome": "pending", "text": "Grüße ✓"}}}`, event, revision)
	result := r.sender.Post(t.Context(), callbacks.Endpoint{URL: r.url, Secrets: secrets},
		callbacks.Message{ID: id, At: at, Body: []byte(body)})
	require.NoError(t, result.Err)
	return result.Status
}

// handled waits until the receiver has printed its last event, and returns all events.
func (r *running) handled(t *testing.T, last string) []string {
	t.Helper()
	var lines []string
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		lines = slices.Clone(r.lines)
		return len(lines) > 0 && lines[len(lines)-1] == last
	}, 10*time.Second, 5*time.Millisecond)
	return lines
}

func TestReceivers(t *testing.T) {
	t.Parallel()
	for language, command := range map[string]func(*testing.T) []string{
		"go": goReceiver, "python": pythonReceiver, "typescript": typescriptReceiver,
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			tryReceiver(t, command(t))
		})
	}
}

func tryReceiver(t *testing.T, command []string) {
	t.Helper()
	former, present, foreign := callbacks.GenerateSecret(), callbacks.GenerateSecret(), callbacks.GenerateSecret()
	now := time.Time{} // the sender's clock
	r := start(t, command, former)
	require.Equal(t, http.StatusNoContent, r.post(t, "good", 3, "delivered", now, former))
	require.Equal(t, http.StatusNoContent, r.post(t, "good", 3, "delivered", now, former), "it is handled once")
	require.Equal(t, http.StatusNoContent, r.post(t, "late", 2, "sent", now, former), "a newer revision is known")
	require.Equal(t, http.StatusUnauthorized, r.post(t, "forged", 4, "read", now, foreign))
	require.Equal(t, http.StatusUnauthorized, r.post(t, "old", 4, "read", time.Now().Add(-6*time.Minute), former))
	require.Equal(t, http.StatusUnauthorized, r.post(t, "future", 4, "read", time.Now().Add(6*time.Minute), former))
	require.Equal(t, http.StatusNoContent, r.post(t, "aged", 4, "read", time.Now().Add(-4*time.Minute), former))
	r.postTampered(t, former)

	// The secret changes. The sender has both for a while, so the receiver may have either, or both.
	require.Equal(t, http.StatusNoContent, r.post(t, "rotating", 5, "rule_fired", now, present, former))
	require.Equal(t, http.StatusUnauthorized, r.post(t, "rotated", 6, "averted", now, present), "this receiver has the former secret")
	require.Equal(t, []string{
		"delivered 0193 pending", "read 0193 pending", "rule_fired 0193 pending",
	}, r.handled(t, "rule_fired 0193 pending"))

	both := start(t, command, present, former)
	require.Equal(t, http.StatusNoContent, both.post(t, "one", 1, "sent", now, former))
	require.Equal(t, http.StatusNoContent, both.post(t, "two", 2, "delivered", now, present))
	require.Equal(t, http.StatusUnauthorized, both.post(t, "three", 3, "read", now, foreign))
	require.Equal(t, []string{"sent 0193 pending", "delivered 0193 pending"}, both.handled(t, "delivered 0193 pending"))
	onlyNew := start(t, command, present)
	require.Equal(t, http.StatusNoContent, onlyNew.post(t, "four", 4, "finished", now, present, former))
	require.Equal(t, http.StatusUnauthorized, onlyNew.post(t, "five", 5, "finished", now, former))
}

// postTampered records a message, and posts it with other bytes, another id, another time, and without each header.
func (r *running) postTampered(t *testing.T, secret string) {
	t.Helper()
	recorded := make(chan *http.Request, 1)
	body := `{"type":"read","data":{"revision":9,"send":{"id":"0193","outcome":"whatsapp"}}}`
	recorder := recorderOf(t, recorded)
	result := r.sender.Post(t.Context(), callbacks.Endpoint{URL: recorder, Secrets: []string{secret}},
		callbacks.Message{ID: "recorded", Body: []byte(body)})
	require.NoError(t, result.Err)
	header := (<-recorded).Header
	for name, change := range map[string]func(http.Header) string{
		"other bytes":  func(http.Header) string { return strings.Replace(body, "read", "sent", 1) },
		"a space more": func(http.Header) string { return body + " " },
		"another id":   func(h http.Header) string { h.Set("Webhook-Id", "other"); return body },
		"another time": func(h http.Header) string {
			at, err := strconv.ParseInt(h.Get("Webhook-Timestamp"), 10, 64)
			require.NoError(t, err)
			h.Set("Webhook-Timestamp", strconv.FormatInt(at-1, 10))
			return body
		},
		"no id":               func(h http.Header) string { h.Del("Webhook-Id"); return body },
		"no time":             func(h http.Header) string { h.Del("Webhook-Timestamp"); return body },
		"no signature":        func(h http.Header) string { h.Del("Webhook-Signature"); return body },
		"an empty signature":  func(h http.Header) string { h.Set("Webhook-Signature", "v1,"); return body },
		"half of a signature": func(h http.Header) string { h.Set("Webhook-Signature", h.Get("Webhook-Signature")[:20]); return body },
		"not ASCII":           func(h http.Header) string { h.Set("Webhook-Signature", "v1,ÿÿÿÿ"); return body },
		"a time that is none": func(h http.Header) string { h.Set("Webhook-Timestamp", "now"); return body },
		"a signature of no v1": func(h http.Header) string {
			h.Set("Webhook-Signature", "v2"+h.Get("Webhook-Signature")[2:])
			return body
		},
	} {
		changed := header.Clone()
		content := change(changed)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url, strings.NewReader(content))
		require.NoError(t, err)
		for _, kept := range []string{"Content-Type", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
			if changed.Get(kept) != "" {
				request.Header.Set(kept, changed.Get(kept))
			}
		}
		response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
		require.NoError(t, err, name)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusUnauthorized, response.StatusCode, name)
	}
}

// recorderOf serves one address that records its requests.
func recorderOf(t *testing.T, recorded chan<- *http.Request) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { recorded <- r }))
	t.Cleanup(server.Close)
	return server.URL
}

// TestReceivers_documented: the functions in docs/callbacks.md are those of the receivers.
func TestReceivers_documented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/callbacks.md")
	require.NoError(t, err)
	for language, path := range map[string]string{
		"go": "go/main.go", "python": "python/receiver.py", "ts": "typescript/receiver.ts",
	} {
		code, err := os.ReadFile(path)
		require.NoError(t, err)
		_, rest, found := strings.Cut(string(page), "\n```"+language+"\n")
		require.True(t, found, "docs/callbacks.md has no %s", language)
		snippet, _, _ := strings.Cut(rest, "```\n")
		require.Contains(t, snippet, "verify(")
		require.Contains(t, string(code), snippet, "copy the function of examples/callbacks/%s to docs/callbacks.md", path)
	}
}
