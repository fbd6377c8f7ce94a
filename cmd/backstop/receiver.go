package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/backstophq/backstop/internal/callbacks"
)

const (
	maxCallback    = 1 << 20          // bytes of a body
	forwardTimeout = 14 * time.Second // Backstop waits for 15 s
	forwardLimit   = 4 << 10          // bytes of the receiver's answer that are passed back
	forgetAfter    = 10_000           // ids of callbacks that are known to be repeated
)

// receiver receives callbacks and prints them.
type receiver struct {
	settings listenSettings
	secrets  []callbacks.Secret
	client   *http.Client

	mu             sync.Mutex // guards what follows
	stdout, stderr io.Writer
	seen           map[string]bool // the ids of callbacks that were answered with a 2xx
}

func newReceiver(s listenSettings, stdout, stderr io.Writer) (*receiver, error) {
	secrets, err := callbacks.ParseSecrets(s.secrets)
	if err != nil {
		return nil, err
	}
	return &receiver{
		settings: s, secrets: secrets, stdout: stdout, stderr: stderr, seen: map[string]bool{},
		client: &http.Client{
			Timeout:       forwardTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// ServeHTTP receives one callback.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		r.refuse(w, http.StatusMethodNotAllowed, "a callback is a POST, not a "+plain(request.Method))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxCallback))
	switch _, isLong := errors.AsType[*http.MaxBytesError](err); {
	case isLong:
		r.refuse(w, http.StatusRequestEntityTooLarge, "the body is too long")
		return
	case err != nil:
		r.refuse(w, http.StatusBadRequest, "the body is incomplete")
		return
	}
	if err := callbacks.Verify(request.Header, body, r.secrets, time.Now()); err != nil {
		r.refuse(w, http.StatusUnauthorized, err.Error())
		return
	}
	status, answer, note := r.settings.status, []byte(http.StatusText(r.settings.status)+"\n"), ""
	if r.settings.forward != nil {
		status, answer, note = r.forward(request, body)
	}
	r.print(request.Header.Get("Webhook-Id"), body, status, note)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// refuse answers a request that is no callback, and reports it.
func (r *receiver) refuse(w http.ResponseWriter, status int, reason string) {
	http.Error(w, reason, status)
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.stderr, "%s  refused: %s\n", clock(), reason)
}

// forward passes a callback on, with its body and the headers of the signature as they are. It returns the receiver's answer.
func (r *receiver) forward(from *http.Request, body []byte) (status int, answer []byte, note string) {
	status, answer, err := r.exchange(from.Context(), from.Header, body)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		fmt.Fprintf(r.stderr, "%s  cannot forward: %v\n", clock(), err)
		return http.StatusBadGateway, []byte("the receiver did not answer\n"), "not forwarded"
	}
	return status, answer, fmt.Sprintf("forwarded: %d", status)
}

func (r *receiver) exchange(ctx context.Context, header http.Header, body []byte) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.settings.forward.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	for name, values := range header {
		if strings.HasPrefix(name, "Webhook-") || name == "Content-Type" || name == "User-Agent" {
			request.Header[name] = values
		}
	}
	response, err := r.client.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("forward callback: %w", err)
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, forwardLimit))
	if err != nil {
		return 0, nil, fmt.Errorf("read the receiver's answer: %w", err)
	}
	return response.StatusCode, answer, nil
}

// shownCallback is what is printed of a callback.
type shownCallback struct {
	Type string `json:"type"`
	Data struct {
		Rule *struct {
			Name string `json:"name"`
		} `json:"rule"`
		Send struct {
			ID      string `json:"id"`
			Outcome string `json:"outcome"`
		} `json:"send"`
	} `json:"data"`
}

// print prints a verified callback.
func (r *receiver) print(id string, body []byte, status int, note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var shown shownCallback
	var compact bytes.Buffer
	if json.Unmarshal(body, &shown) != nil || json.Compact(&compact, body) != nil {
		fmt.Fprintf(r.stderr, "%s  callback %s: the signature is right, but the body is not the JSON of a callback\n",
			clock(), plain(id))
		return
	}
	if r.settings.asJSON {
		fmt.Fprintf(r.stdout, "%s\n", compact.Bytes())
	} else {
		fmt.Fprintln(r.stdout, line(shown, note, r.seen[id]))
	}
	if status < http.StatusMultipleChoices && len(r.seen) < forgetAfter {
		r.seen[id] = true
	}
}

// line returns the line of a callback: the time, the event, the send's id, its outcome and what else is to be said.
func line(c shownCallback, note string, isRepeated bool) string {
	text := fmt.Sprintf("%s  %-18s  %-36s  %s", clock(), named(c.Type), named(c.Data.Send.ID), named(c.Data.Send.Outcome))
	var more []string
	if c.Data.Rule != nil && c.Data.Rule.Name != "" {
		more = append(more, "rule: "+plain(c.Data.Rule.Name))
	}
	if isRepeated {
		more = append(more, "repeated")
	}
	if note != "" {
		more = append(more, note)
	}
	if len(more) > 0 {
		text += "  (" + strings.Join(more, "; ") + ")"
	}
	return text
}

func clock() string { return time.Now().Format("15:04:05.000") }

func named(text string) string { return cmp.Or(plain(text), "-") }

// plain removes what a terminal would take for a command.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}
