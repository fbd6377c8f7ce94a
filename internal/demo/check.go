package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/backstophq/backstop/internal/sandbox"
)

// findProblems compares the sends, and the messages that the sandbox accepted, with the expected results. It returns a line
// for each difference.
func (d *demonstration) findProblems(ctx context.Context) ([]string, error) {
	var problems []string
	for _, s := range d.sends {
		differ := func(what string, got, want any) {
			if got != want {
				problems = append(problems, fmt.Sprintf("%s (%s): %s is %v, not %v", s.to, s.what, what, got, want))
			}
		}
		differ("the outcome", s.send.Outcome, s.outcome)
		differ("the rule that fired", firedRule(s.send), s.rule)
		differ("duplicate delivery", s.send.DuplicateDelivery, s.duplicate)
		accepted, err := CountMessages(ctx, d.backstop.SandboxURL, s.to)
		if err != nil {
			return nil, err
		}
		differ("the number of WhatsApp messages", accepted["whatsapp"], s.whatsapp)
		differ("the number of SMS", accepted["sms"], s.sms)
	}
	return problems, nil
}

// CountMessages counts the messages that the sandbox accepted for a recipient, by channel.
func CountMessages(ctx context.Context, sandboxURL, to string) (map[string]int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, sandboxURL+"/messages?to="+url.QueryEscape(to), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask the sandbox: %w", err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("ask the sandbox: %w", err)
	}
	defer response.Body.Close()
	var messages []sandbox.Message
	if err := json.NewDecoder(response.Body).Decode(&messages); err != nil {
		return nil, fmt.Errorf("read the messages of the sandbox: %w", err)
	}
	accepted := map[string]int{}
	for _, m := range messages {
		if m.Accepted {
			accepted[m.Channel]++
		}
	}
	return accepted, nil
}
