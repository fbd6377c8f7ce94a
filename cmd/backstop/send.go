package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/backstophq/backstop/client"
)

const sendUsage = `usage: backstop send --policy NAME --to NUMBER (--text TEXT | --message NAME) [--var NAME=VALUE]... [flags]

Sends one message by a Backstop that runs, and prints the id of the send.

  --policy NAME        the policy with the rules of the fallback, by its name or its id
  --to NUMBER          the recipient, such as +447400123456
  --text TEXT          the text for WhatsApp and for the SMS
  --message NAME       a stored message in place of a text, by its name or its id
  --var NAME=VALUE     the value of a variable of the text or message; may be repeated
  --category NAME      marketing, utility or authentication
  --key KEY            the idempotency key. If you repeat a command with the key that it printed, nothing is sent twice
  --wait               print the timeline until the send ends
  --json               print JSON: the answer of the API, or with --wait the send after each change
  --url URL            the address of the API; without it BACKSTOP_URL, or http://127.0.0.1:8080

BACKSTOP_API_KEY has the API key.

The exit code is 0 if the send is accepted, or with --wait if the message arrived. It is 3 if --wait saw the send end without a
delivery, 1 if the send is refused or the API does not answer, and 2 for wrong arguments.
`

// callerConfig is the configuration of the command send.
type callerConfig struct {
	Caller callerSettings
}

type callerSettings struct {
	URL string `env:"URL"     envDefault:"http://127.0.0.1:8080"`
	Key secret `env:"API_KEY,required,notEmpty"`
}

func (c callerConfig) validate() error {
	if !isHTTPURL(c.Caller.URL) {
		return errors.New(envPrefix + "URL: must be an http or https URL")
	}
	return nil
}

// sendSettings are the arguments of the command send.
type sendSettings struct {
	policy, to, text, message, category string

	variables client.Variables
	key       string
	wait      bool
	asJSON    bool
	url       string
	apiKey    secret
}

// undeliveredError is the end of a send that was watched and did not arrive. The exit code is then exitUndelivered.
type undeliveredError struct{ outcome client.Outcome }

func (e undeliveredError) Error() string {
	return "the send ended with the outcome " + string(e.outcome)
}

// sendCommand returns the command send with its arguments.
func sendCommand(args []string) command {
	return func(ctx context.Context, environment map[string]string, stdout, stderr io.Writer) error {
		s, err := readSendSettings(args, environment)
		switch {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprint(stdout, sendUsage)
			return nil
		case err != nil:
			return usageError{err}
		}
		return s.send(ctx, stdout, stderr)
	}
}

func readSendSettings(args []string, environment map[string]string) (sendSettings, error) {
	s := sendSettings{}
	flags := flag.NewFlagSet("send", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.StringVar(&s.policy, "policy", "", "")
	flags.StringVar(&s.to, "to", "", "")
	flags.StringVar(&s.text, "text", "", "")
	flags.StringVar(&s.message, "message", "", "")
	flags.StringVar(&s.category, "category", "", "")
	flags.StringVar(&s.key, "key", "", "")
	flags.StringVar(&s.url, "url", "", "")
	flags.BoolVar(&s.wait, "wait", false, "")
	flags.BoolVar(&s.asJSON, "json", false, "")
	flags.Func("var", "", func(text string) error {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" {
			return errors.New("must be NAME=VALUE")
		}
		if s.variables == nil {
			s.variables = client.Variables{}
		}
		s.variables[name] = value
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return s, err //nolint:wrapcheck // it names the flag
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unknown argument %q: backstop send --help lists the flags", flags.Arg(0))
	case s.policy == "" || s.to == "":
		return s, errors.New("--policy and --to are required: backstop send --help lists the flags")
	case (s.text == "") == (s.message == ""):
		return s, errors.New("either --text or --message is required")
	}
	if s.key == "" {
		s.key = rand.Text()
	}
	if s.url != "" {
		environment["BACKSTOP_URL"] = s.url
	}
	c, err := readConfig[callerConfig](environment)
	s.url, s.apiKey = strings.TrimSuffix(c.Caller.URL, "/"), c.Caller.Key
	return s, err
}

// callTimeout bounds one call of the API.
const callTimeout = 30 * time.Second

func (s sendSettings) send(ctx context.Context, stdout, stderr io.Writer) error {
	api, err := client.NewClientWithResponses(s.url, client.WithKey(string(s.apiKey)),
		client.WithHTTPClient(&http.Client{Timeout: callTimeout}))
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	policy, err := policyID(ctx, api, s.policy)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "idempotency key: %s (with --key %[1]s a repeat sends nothing twice)\n", s.key)
	accepted, err := api.CreateSendWithResponse(ctx, &client.CreateSendParams{IdempotencyKey: &s.key}, s.input(policy))
	if err != nil || accepted.JSON202 == nil {
		return client.CallError("send", accepted, err)
	}
	for _, warning := range valueOf(accepted.JSON202.Warnings) {
		fmt.Fprintf(stderr, "warning: %s\n", warning.Code)
	}
	switch {
	case s.wait:
		return s.watch(ctx, accepted.JSON202.ID, stdout, stderr)
	case s.asJSON:
		fmt.Fprintln(stdout, strings.TrimSpace(string(accepted.Body)))
	default:
		fmt.Fprintln(stdout, accepted.JSON202.ID)
	}
	return nil
}

// input returns the body of the request.
func (s sendSettings) input(policy string) client.SendInput {
	in := client.SendInput{To: s.to, Fallback: client.FallbackInput{PolicyID: &policy}}
	switch {
	case s.message == "":
		in.Whatsapp.Text, in.Fallback.Text = &s.text, s.text
	case isID(s.message):
		in.Message = &client.NamedMessage{ID: &s.message}
	default:
		in.Message = &client.NamedMessage{Name: &s.message}
	}
	if s.variables != nil {
		in.Variables = &s.variables
	}
	if s.category != "" {
		category := client.Category(s.category)
		in.Category = &category
	}
	return in
}

// isID reports whether a text is the id of a policy or message, and not its name.
func isID(text string) bool {
	const textForm = 36 // with hyphens; uuid.Parse takes others too
	_, err := uuid.Parse(text)
	return err == nil && len(text) == textForm
}

// policyID returns the id of the policy with this name or id.
func policyID(ctx context.Context, api *client.ClientWithResponses, policy string) (string, error) {
	if isID(policy) {
		return policy, nil
	}
	params := client.ListPoliciesParams{Search: &policy}
	for {
		found, err := api.ListPoliciesWithResponse(ctx, &params)
		if err != nil || found.JSON200 == nil {
			return "", client.CallError("find policy", found, err)
		}
		for _, p := range found.JSON200.Items {
			if strings.EqualFold(p.Name, policy) {
				return p.ID, nil
			}
		}
		if params.Cursor = found.JSON200.NextCursor; params.Cursor == nil {
			return "", fmt.Errorf("there is no policy %q", policy)
		}
	}
}

func valueOf[T any](pointer *T) (value T) {
	if pointer != nil {
		value = *pointer
	}
	return value
}

// timeline prints the events of a send that it has not printed yet.
type timeline struct {
	out    io.Writer
	asJSON bool
	shown  int
}

// show prints what is new of a send.
func (t *timeline) show(raw []byte, send client.Send) {
	if t.asJSON {
		fmt.Fprintln(t.out, string(raw))
		return
	}
	for _, e := range send.Events[min(t.shown, len(send.Events)):] {
		words := []string{e.At.UTC().Format("15:04:05Z07:00"), fmt.Sprintf("%-10s", e.Kind)}
		for _, word := range []string{
			string(valueOf(e.Channel)), string(valueOf(e.Status)), string(valueOf(e.Outcome)), valueOf(e.Rule),
			valueOf(e.Account), valueOf(e.Code), valueOf(e.Detail),
		} {
			if word != "" {
				words = append(words, word)
			}
		}
		fmt.Fprintln(t.out, strings.Join(words, "  "))
	}
	t.shown = max(t.shown, len(send.Events))
}

// readSend reads a send that a stream has brought.
func readSend(raw []byte) (client.Send, error) {
	var send client.Send
	if err := json.Unmarshal(raw, &send); err != nil {
		return send, fmt.Errorf("read send: %w", err)
	}
	return send, nil
}
