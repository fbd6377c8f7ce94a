package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/backstophq/backstop/client"
)

const exportUsage = `usage: backstop export --to NUMBER [--url URL] > FILE

Prints all that a Backstop that runs has stored about a person, as JSON. The audit log gets an entry.

  --to NUMBER  the person's phone number, such as +447400123456
  --url URL    the address of the API; without it BACKSTOP_URL, or http://127.0.0.1:8080

BACKSTOP_API_KEY has the API key, which needs the scope admin. If the exit code is not 0, the output is not whole.
`

const eraseUsage = `usage: backstop erase --to NUMBER --yes [--keep-opt-out=false] [--wait] [--url URL]

Removes a person from a Backstop that runs, and prints the id of the erasure. Sends that have not ended are cancelled.

  --to NUMBER           the person's phone number, such as +447400123456
  --yes                 confirms that the data is removed for ever
  --keep-opt-out=false  removes the person from the list of opt-outs too
  --wait                wait until nothing is left, which may take hours if an SMS is on its way; then print the report
  --url URL             the address of the API; without it BACKSTOP_URL, or http://127.0.0.1:8080

BACKSTOP_API_KEY has the API key, which needs the scope admin.
`

// erasurePoll is the time between two looks at an erasure.
const erasurePoll = time.Second

// personSettings are the arguments of the commands export and erase.
type personSettings struct {
	to                      string
	isConfirmed, keepOptOut bool
	wait                    bool
	url                     string
	apiKey                  secret
}

// personCommand returns the command export or erase.
func personCommand(
	name, usage string, args []string, do func(personSettings, context.Context, *client.ClientWithResponses, io.Writer) error,
) command {
	return func(ctx context.Context, environment map[string]string, stdout, _ io.Writer) error {
		s, err := readPersonSettings(name, args, environment)
		switch {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprint(stdout, usage)
			return nil
		case err != nil:
			return usageError{err}
		}
		api, err := client.NewClientWithResponses(s.url, client.WithKey(string(s.apiKey)), client.WithHTTPClient(&http.Client{}))
		if err != nil {
			return fmt.Errorf("make client: %w", err)
		}
		return do(s, ctx, api, stdout)
	}
}

func readPersonSettings(name string, args []string, environment map[string]string) (s personSettings, err error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.StringVar(&s.to, "to", "", "")
	flags.StringVar(&s.url, "url", "", "")
	if name == "erase" {
		flags.BoolVar(&s.isConfirmed, "yes", false, "")
		flags.BoolVar(&s.keepOptOut, "keep-opt-out", true, "")
		flags.BoolVar(&s.wait, "wait", false, "")
	}
	if err := flags.Parse(args); err != nil {
		return s, err //nolint:wrapcheck // it names the flag
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unknown argument: backstop %s --help lists the flags", name)
	case s.to == "":
		return s, errors.New("--to is required")
	case name == "erase" && !s.isConfirmed:
		return s, errors.New("--yes is required: what is erased cannot be brought back")
	}
	if s.url != "" {
		environment["BACKSTOP_URL"] = s.url
	}
	c, err := readConfig[callerConfig](environment)
	s.url, s.apiKey = strings.TrimSuffix(c.Caller.URL, "/"), c.Caller.Key
	return s, err
}

// export copies the answer as it comes: it may be larger than the memory.
func (s personSettings) export(ctx context.Context, api *client.ClientWithResponses, stdout io.Writer) error {
	answer, err := api.ExportPerson(ctx, client.ExportInput{To: s.to})
	if err != nil {
		return fmt.Errorf("export person: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		refusal, err := client.ParseExportPersonResponse(answer)
		return client.CallError("export person", refusal, err)
	}
	if _, err := io.Copy(stdout, answer.Body); err != nil {
		return fmt.Errorf("export person: the output is not whole: %w", err)
	}
	return nil
}

func (s personSettings) erase(ctx context.Context, api *client.ClientWithResponses, stdout io.Writer) error {
	created, err := api.CreateErasureWithResponse(ctx, client.ErasureInput{To: s.to, KeepOptOut: &s.keepOptOut})
	if err != nil || created.JSON202 == nil {
		return client.CallError("erase person", created, err)
	}
	if !s.wait {
		fmt.Fprintln(stdout, created.JSON202.ID)
		return nil
	}
	for {
		report, err := api.GetErasureWithResponse(ctx, created.JSON202.ID)
		if err != nil || report.JSON200 == nil {
			return client.CallError("get erasure", report, err)
		}
		if report.JSON200.State == client.ErasureStateDone {
			fmt.Fprintln(stdout, strings.TrimSpace(string(report.Body)))
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for erasure %s: %w", created.JSON202.ID, ctx.Err())
		case <-time.After(erasurePoll):
		}
	}
}
