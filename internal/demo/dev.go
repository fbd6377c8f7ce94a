package demo

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/backstophq/backstop/client"
)

// Dev runs Backstop and the sandbox until ctx is done, for trying them by hand. The program's log goes to stderr.
func Dev(ctx context.Context, start Start, stdout, stderr io.Writer) error {
	return start(ctx, Settings{
		Speed: 1, APIAddress: "127.0.0.1:8080", SandboxAddress: "127.0.0.1:8090", Log: stderr,
		Defaults: map[string]string{"BACKSTOP_UNKNOWN_WAIT": "10s", "BACKSTOP_LOG_LEVEL": "warn"},
	}, func(ctx context.Context, b Backstop) error {
		if err := b.greet(ctx, stdout); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
}

// greet makes something to try and says where to look.
func (b Backstop) greet(ctx context.Context, stdout io.Writer) error {
	c, err := NewCaller(b.APIURL, b.APIKey)
	if err != nil {
		return err
	}
	policy, err := c.EnsurePolicy(ctx, "Try me", Rule{
		Name: "Unread for 10 s", Type: client.RuleTypeUnread, Wait: 10 * time.Second, SendID: "BACKSTOP",
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, greeting, b.APIURL, b.APIURL, b.APIURL, b.TemporalUIURL, b.SandboxURL,
		b.APIKey, b.APIURL, b.APIKey, policy, b.APIURL, b.APIKey)
	return nil
}

const greeting = `
Backstop runs. Stop it with Ctrl-C.

  console        %s/console/   (sign in with the API key)
  API            %s
  API reference  %s/docs
  Temporal UI    %s
  sandbox        %s/messages   (what the simulated providers were asked to send)
  API key        %s

Send one. The last two digits of the recipient choose what the providers do (see docs/sandbox.md): 01 is read,
02 is delivered but never read, so its rule fires after 10 s.

  curl -si %s/v1/sends -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{
    "to": "+447400123402", "whatsapp": {"text": "Your parcel comes today."},
    "fallback": {"policy_id": "%s", "text": "Your parcel comes today."}}'

Then look at it, with the id that it answers:

  curl -s %s/v1/sends/<id> -H 'Authorization: Bearer %s'

`
