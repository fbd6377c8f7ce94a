package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/callbacks"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/telemetry"
	"github.com/backstophq/backstop/worker"
)

// callbackConfig is the configuration of callbacks. Without secrets there are none.
type callbackConfig struct {
	URL     string           `env:"URL"` // of sends without a callback
	Events  []string         `env:"EVENTS"`
	Secrets secret           `env:"SECRETS"` // one or two, the newest first
	Allow   callbacks.Policy `env:"ALLOW"`
	Posts   int              `env:"POSTS"   envDefault:"200"`
}

// secrets returns the signing secrets. The list is empty if callbacks are off.
func (c callbackConfig) secrets() []string {
	var all []string
	for text := range strings.SplitSeq(string(c.Secrets), ",") {
		if text = strings.TrimSpace(text); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// standard returns the callback of sends that have none of their own, or nil.
func (c callbackConfig) standard() *backstop.Callback {
	if c.URL == "" {
		return nil
	}
	standard := &backstop.Callback{URL: c.URL}
	for _, name := range c.Events {
		standard.Events = append(standard.Events, backstop.CallbackEvent(strings.TrimSpace(name)))
	}
	return standard
}

// faults returns the problems of the variables, by their names without the prefix.
func (c callbackConfig) faults() map[string]string {
	faults := map[string]string{}
	secrets := c.secrets()
	if len(secrets) > 0 {
		if _, err := callbacks.ParseSecrets(secrets); err != nil {
			faults["CALLBACK_SECRETS"] = err.Error()
		}
	}
	if c.Posts < 1 {
		faults["CALLBACK_POSTS"] = "must be at least 1"
	}
	switch standard := c.standard(); {
	case standard == nil && len(c.Events) > 0:
		faults["CALLBACK_EVENTS"] = "must be set together with " + envPrefix + "CALLBACK_URL"
	case standard == nil:
	case len(secrets) == 0:
		faults["CALLBACK_SECRETS"] = "must be set together with " + envPrefix + "CALLBACK_URL"
	default:
		if err := callbacks.CheckURL(c.URL, c.Allow); err != nil {
			faults["CALLBACK_URL"] = err.Error()
		}
		events := backstop.Callback{URL: "https://example.com", Events: standard.Events}
		if err, ok := errors.AsType[*backstop.Error](events.Validate("")); ok {
			faults["CALLBACK_EVENTS"] = err.Fields[0].Reason
		}
	}
	return faults
}

// callbackSettings returns what the API needs, or nil if callbacks are off.
func (p *program) callbackSettings() *api.CallbackSettings {
	c := p.config.Callback
	if len(c.secrets()) == 0 {
		return nil
	}
	return &api.CallbackSettings{
		Default: c.standard(), CheckURL: func(url string) error { return callbacks.CheckURL(url, c.Allow) },
	}
}

// poster posts callbacks with the secrets of the installation.
type poster struct {
	sender    *callbacks.Sender
	secrets   []string
	telemetry *telemetry.Telemetry
}

// PostCallback makes one POST.
func (p poster) PostCallback(ctx context.Context, c activities.CallbackPost) activities.CallbackAnswer {
	ctx, endSpan := p.telemetry.CallbackPost(ctx, c.Traceparent, c.ID)
	r := p.sender.Post(ctx, callbacks.Endpoint{URL: c.URL, Secrets: p.secrets}, callbacks.Message{ID: c.ID, Body: c.Body})
	endSpan(r.Status)
	return activities.CallbackAnswer{
		Status: r.Status, Latency: r.Latency, Answer: r.Answer, RetryAfter: r.RetryAfter, Err: r.Err,
	}
}

// newCallbacks makes the hand-over of callbacks, and their activities.
func (p *program) newCallbacks() (err error) {
	p.callbacks, err = handoff.NewCallbacks(handoff.CallbackOptions{
		Store: p.db, Engine: p.temporal, Installation: p.install, Log: p.log,
	})
	if err != nil {
		return err
	}
	c := p.config.Callback
	p.callbackActs, err = activities.NewCallbacks(activities.CallbackOptions{
		Store: p.db, Log: p.log,
		Sender: poster{
			sender:  callbacks.New(callbacks.Options{Allow: c.Allow, Timeout: activities.CallbackPostTimeout}),
			secrets: c.secrets(), telemetry: p.telemetry,
		},
		Body: func(ctx context.Context, c backstop.QueuedCallback) ([]byte, error) {
			return api.WriteCallback(ctx, p.db, c)
		},
	})
	return err
}

// runCallbacks posts callbacks until ctx is done. It retries until Temporal can be reached. Without secrets it does nothing: the
// callbacks that are queued wait until there are some.
func (p *program) runCallbacks(ctx context.Context) error {
	if len(p.config.Callback.secrets()) == 0 {
		return nil
	}
	failed := make(chan error, 1)
	w := worker.NewOfCallbacks(p.temporal.Client, p.callbackActs, worker.CallbackOptions{
		Installation: p.install, Version: p.config.Worker.version(),
		AtOnce: p.config.Callback.Posts, StopTimeout: p.config.drainTime(),
		OnFatalError: func(err error) { failed <- err },
	})
	for {
		err := p.temporal.connect(ctx)
		if err == nil {
			err = w.Start()
		}
		if err == nil {
			break
		}
		p.log.WarnContext(ctx, "waiting for temporal", "worker", "callbacks", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(workerRetry):
		}
	}
	defer w.Stop()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("post callbacks: %w", err)
	}
}
