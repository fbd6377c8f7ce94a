package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/backstophq/backstop/client"
)

const (
	// watchRetry is the pause between two streams, and between two tries.
	watchRetry = 2 * time.Second
	// silenceTimeout is longer than the API's 15 s between two heartbeats. After it a stream counts as cut.
	silenceTimeout = 45 * time.Second
	// maxEvent bounds a line of a stream, in bytes.
	maxEvent = 8 << 20
)

// errRefused is the error of a stream that the API refuses, so that another try is of no use.
var errRefused = errors.New("refused")

// watch prints the timeline of a send until the send ends. It opens a new stream when one ends, or while the API is away.
func (s sendSettings) watch(ctx context.Context, id string, stdout, stderr io.Writer) error {
	fmt.Fprintf(stderr, "send: %s\n", id)
	shown, seen := &timeline{out: stdout, asJSON: s.asJSON}, ""
	for {
		var ended *client.Send
		err := s.readStream(ctx, id, seen, func(eventID string, raw []byte) (bool, error) {
			send, err := readSend(raw)
			if err != nil {
				return false, err
			}
			seen = eventID
			shown.show(raw, send)
			if send.FinishedAt != nil {
				ended = &send
			}
			return ended != nil, nil
		})
		switch {
		case ended != nil && (ended.Outcome == client.OutcomeWhatsapp || ended.Outcome == client.OutcomeSms):
			return nil
		case ended != nil:
			return undeliveredError{ended.Outcome}
		case errors.Is(err, errRefused):
			return err
		case err != nil && ctx.Err() == nil:
			fmt.Fprintf(stderr, "the stream broke off, and is opened again: %v\n", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("watch %s: %w", id, ctx.Err())
		case <-time.After(watchRetry):
		}
	}
}

// readStream reads a stream of server-sent events, from the one after seen. It returns when take does, or at the stream's end.
func (s sendSettings) readStream(
	ctx context.Context, id, seen string, take func(eventID string, data []byte) (isLast bool, err error),
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	address := s.url + "/v1/sends/" + id + "/watch"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody) //nolint:gosec // the operator gives it
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+string(s.apiKey))
	if seen != "" {
		request.Header.Set("Last-Event-ID", seen)
	}
	silence := time.AfterFunc(silenceTimeout, cancel)
	defer silence.Stop()
	response, err := (&http.Client{}).Do(request) //nolint:gosec // as above
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, forwardLimit))
		err := fmt.Errorf("watch: %s: %s", response.Status, body)
		if response.StatusCode < http.StatusInternalServerError {
			err = errors.Join(errRefused, err)
		}
		return err
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, maxEvent)
	var eventID string
	for lines.Scan() {
		silence.Reset(silenceTimeout)
		field, value, _ := bytes.Cut(lines.Bytes(), []byte(": "))
		switch string(field) {
		case "id":
			eventID = string(value)
		case "data":
			if isLast, err := take(eventID, value); isLast || err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read stream: %w", err)
	}
	return nil
}
