package demo

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/backstophq/backstop/client"
)

// Dev runs Backstop and the sandbox until ctx is done, for make run. The log of the program goes to stderr.
func Dev(ctx context.Context, start Start, stdout, stderr io.Writer) error {
	return start(ctx, Settings{
		Speed: 1, APIAddress: "127.0.0.1:8080", SandboxAddress: "127.0.0.1:8090", Log: stderr,
		Defaults: map[string]string{"BACKSTOP_UNKNOWN_WAIT": "10s", "BACKSTOP_LOG_LEVEL": "warn"},
	}, func(ctx context.Context, b Backstop) error {
		if err := b.printGreeting(ctx, stdout); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
}

// printGreeting creates a policy and prints the addresses, the API key and a first send to try.
func (b Backstop) printGreeting(ctx context.Context, stdout io.Writer) error {
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
Backstop is running. Press Ctrl-C to stop it.

  console        %s/console/   (sign in with the API key)
  API            %s
  API reference  %s/docs
  Temporal UI    %s
  sandbox        %s/messages   (the messages that the simulated providers received)
  API key        %s

Send a message. The last two digits of the recipient choose a scenario (see docs/sandbox.md): a message to 01 is read, a message
to 02 is delivered but not read, so its rule fires after 10 s.

  curl -si %s/v1/sends -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{
    "to": "+447400123402", "whatsapp": {"text": "Your parcel comes today."},
    "fallback": {"policy_id": "%s", "text": "Your parcel comes today."}}'

Then read the send, with the id from the answer:

  curl -s %s/v1/sends/<id> -H 'Authorization: Bearer %s'

`
