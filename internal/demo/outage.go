package demo

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/backstophq/backstop/client"
)

// outageSends is how many messages the second part of the demo sends. The first SMS account dies after half of them.
const outageSends = 20

// The accounts of the second part, and the provider of the first. They are the demo's own: an account that has died is
// unhealthy for a minute, also for the next demo. Their replacement at the start makes them healthy again.
const (
	firstAccount, secondAccount = "demo-first", "demo-spare"
	outageProvider              = "twilio"
)

// makeOutageAccounts comes before all sends. Those of an earlier demo have the address of its sandbox, so they would count as
// accounts of a real provider, and no account of the sandbox would be a default one.
func (d *demonstration) makeOutageAccounts(ctx context.Context) error {
	for _, account := range outageAccounts(d.backstop.SandboxURL) {
		if err := d.caller.ensureAccount(ctx, account); err != nil {
			return err
		}
	}
	return nil
}

// runOutage sends messages by a rule with two accounts, and lets the provider of the first revoke its credentials in the middle.
// It returns a line for each message that did not arrive, or arrived twice.
func (d *demonstration) runOutage(ctx context.Context) ([]string, error) {
	policy, err := d.caller.EnsurePolicy(ctx, "Two accounts", Rule{
		Name: "Two accounts", Type: client.RuleTypeUndelivered, SendID: "ACME", Accounts: []string{firstAccount, secondAccount},
	})
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range outageSends {
		if i == outageSends/2 {
			if err := d.breakFirst(ctx, ids); err != nil {
				return nil, err
			}
		}
		id, err := d.caller.createSend(ctx, outageNumber(i), policy, "")
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	by, problems, err := d.awaitOutage(ctx, ids)
	if err != nil {
		return nil, err
	}
	if err := d.setOutage(ctx, http.MethodDelete); err != nil {
		return nil, err
	}
	fmt.Fprintf(d.out, "\nThe first SMS account died in the middle of %d sends: %d arrived by it, %d by the second account.\n",
		outageSends, by[firstAccount], by[secondAccount])
	if by[firstAccount] == 0 || by[secondAccount] == 0 {
		problems = append(problems, fmt.Sprintf("the accounts sent %v", by))
	}
	return problems, nil
}

// breakFirst begins the outage when the sends so far have ended, so that none of them meets it.
func (d *demonstration) breakFirst(ctx context.Context, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	for _, id := range ids {
		if _, err := d.awaitEnd(ctx, id); err != nil {
			return err
		}
	}
	return d.setOutage(ctx, http.MethodPut)
}

// outageNumber is a recipient of scenario 04: WhatsApp is rejected, and the SMS follows at once.
func outageNumber(i int) string { return fmt.Sprintf("+4474001%02d504", i) }

// awaitOutage waits for the ends of the sends. It returns how many arrived by each account.
func (d *demonstration) awaitOutage(ctx context.Context, ids []string) (by map[string]int, problems []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	by = map[string]int{}
	for i, id := range ids {
		send, err := d.awaitEnd(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		accepted, err := CountMessages(ctx, d.backstop.SandboxURL, outageNumber(i))
		if err != nil {
			return nil, nil, err
		}
		if send.Outcome != client.OutcomeSms || accepted["sms"] != 1 {
			problems = append(problems, fmt.Sprintf("%s: the outcome is %s with %d SMS", send.To, send.Outcome, accepted["sms"]))
		}
		delivered := slices.IndexFunc(send.Attempts, func(a client.Attempt) bool {
			return a.Channel == client.ChannelSms && a.Status != nil && *a.Status == client.StatusDelivered
		})
		if delivered >= 0 {
			by[send.Attempts[delivered].Account]++
		}
	}
	return by, problems, nil
}

// awaitEnd polls a send until it has finished.
func (d *demonstration) awaitEnd(ctx context.Context, id string) (*client.Send, error) {
	for {
		send, err := d.caller.Send(ctx, id)
		if err != nil || send.FinishedAt != nil {
			return send, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("await the end of send %s: %w", id, ctx.Err())
		case <-time.After(demoPollPeriod):
		}
	}
}

// setOutage makes the sandbox refuse the credentials of the first account, or accept them again.
func (d *demonstration) setOutage(ctx context.Context, method string) error {
	request, err := http.NewRequestWithContext(ctx, method, d.backstop.SandboxURL+"/outages/"+outageProvider,
		strings.NewReader(`{"kind":"account"}`))
	if err != nil {
		return fmt.Errorf("set an outage: %w", err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("set an outage: %w", err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("set an outage: HTTP %d: %w", response.StatusCode, err)
	}
	return nil
}

// outageAccounts returns the SMS accounts of the second part, with values that the sandbox accepts.
func outageAccounts(sandboxURL string) []client.AccountInput {
	return []client.AccountInput{
		{
			Name: firstAccount, Provider: outageProvider, Channel: client.ChannelSms,
			Settings: map[string]string{ //nolint:gosec // known to all
				"base_url": sandboxURL, "account_sid": "AC00000000000000000000000000000000", "auth_token": "sandbox-auth-token",
			},
		},
		{
			Name: secondAccount, Provider: "infobip", Channel: client.ChannelSms, Settings: map[string]string{
				"base_url": sandboxURL + "/infobip", "api_key": "sandbox-api-key",
			},
		},
	}
}

// ensureAccount creates an account, or replaces it: the address of the sandbox may have changed.
func (c *Caller) ensureAccount(ctx context.Context, account client.AccountInput) error {
	made, err := c.API.CreateAccountWithResponse(ctx, &client.CreateAccountParams{}, account)
	if err != nil {
		return client.CallError("create account", made, err)
	}
	if made.JSON201 != nil {
		return nil
	}
	const anyVersion = "*"
	replaced, err := c.API.ReplaceAccountWithResponse(ctx, account.Name, &client.ReplaceAccountParams{IfMatch: anyVersion},
		client.AccountChangeInput{Settings: account.Settings})
	if err != nil || replaced.JSON200 == nil {
		return client.CallError("replace account", replaced, err)
	}
	return nil
}
