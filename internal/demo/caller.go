package demo

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/backstophq/backstop/client"
)

// Caller calls the API as a service does.
type Caller struct {
	API *client.ClientWithResponses // for calls without a method of Caller
}

// Rule is a rule of a policy.
type Rule struct {
	Name   string
	Type   client.RuleType
	Wait   time.Duration
	SendID string

	Accounts []string // the SMS accounts that may send, in order; empty: the default one
}

// NewCaller returns a caller of the API at a URL.
func NewCaller(url, key string) (*Caller, error) {
	api, err := client.NewClientWithResponses(url, client.WithKey(key))
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return &Caller{API: api}, nil
}

// EnsurePolicy returns the id of the policy with this name. If there is none, it creates the policy and its rules.
func (c *Caller) EnsurePolicy(ctx context.Context, name string, rules ...Rule) (string, error) {
	found, err := c.API.ListPoliciesWithResponse(ctx, &client.ListPoliciesParams{Search: &name})
	if err != nil || found.JSON200 == nil {
		return "", client.CallError("list policies", found, err)
	}
	for _, p := range found.JSON200.Items {
		if p.Name == name {
			return p.ID, nil
		}
	}
	input := client.PolicyInput{Name: name}
	for _, rule := range rules {
		id, err := c.ensureRule(ctx, rule)
		if err != nil {
			return "", err
		}
		input.RuleIds = append(input.RuleIds, id)
	}
	made, err := c.API.CreatePolicyWithResponse(ctx, input)
	if err != nil || made.JSON201 == nil {
		return "", client.CallError("create policy", made, err)
	}
	return made.JSON201.ID, nil
}

func (c *Caller) ensureRule(ctx context.Context, rule Rule) (string, error) {
	found, err := c.API.ListRulesWithResponse(ctx, &client.ListRulesParams{Search: &rule.Name})
	if err != nil || found.JSON200 == nil {
		return "", client.CallError("list rules", found, err)
	}
	for _, r := range found.JSON200.Items {
		if r.Name == rule.Name {
			return r.ID, nil
		}
	}
	wait := int(rule.Wait.Seconds())
	input := client.RuleInput{Name: rule.Name, Type: rule.Type, WaitSeconds: &wait, SendID: rule.SendID}
	for _, account := range rule.Accounts {
		if input.Routes == nil {
			input.Routes = &client.Routes{}
		}
		*input.Routes = append(*input.Routes, client.Route{Account: account})
	}
	made, err := c.API.CreateRuleWithResponse(ctx, input)
	if err != nil || made.JSON201 == nil {
		return "", client.CallError("create rule", made, err)
	}
	return made.JSON201.ID, nil
}

// optIn takes a recipient off the list of opt-outs of marketing.
func (c *Caller) optIn(ctx context.Context, to string) error {
	done, err := c.API.DeleteOptOutWithResponse(ctx, &client.DeleteOptOutParams{To: to, Category: client.OptOutCategoryMarketing})
	if err != nil || done.StatusCode() != http.StatusNoContent {
		return client.CallError("delete opt-out", done, err)
	}
	return nil
}

// createSend starts a send and returns its id.
func (c *Caller) createSend(ctx context.Context, to, policy string, category client.Category) (string, error) {
	text := "Your parcel comes today between 14:00 and 15:00."
	input := client.SendInput{
		To: to, Whatsapp: client.WhatsAppInput{Text: &text},
		Fallback: client.FallbackInput{PolicyID: &policy, Text: text},
	}
	if category != "" {
		input.Category = &category
	}
	accepted, err := c.API.CreateSendWithResponse(ctx, &client.CreateSendParams{}, input)
	if err != nil || accepted.JSON202 == nil {
		return "", client.CallError("create send", accepted, err)
	}
	return accepted.JSON202.ID, nil
}

// endSend cancels or confirms a send.
func (c *Caller) endSend(ctx context.Context, id string, how ending) error {
	if how == cancels {
		answer, err := c.API.CancelSendWithResponse(ctx, id)
		if err != nil || answer.JSON200 == nil {
			return client.CallError("cancel send", answer, err)
		}
		return nil
	}
	answer, err := c.API.ConfirmSendWithResponse(ctx, id)
	if err != nil || answer.JSON200 == nil {
		return client.CallError("confirm send", answer, err)
	}
	return nil
}

// Send returns a send.
func (c *Caller) Send(ctx context.Context, id string) (*client.Send, error) {
	got, err := c.API.GetSendWithResponse(ctx, id)
	if err != nil || got.JSON200 == nil {
		return nil, client.CallError("get send", got, err)
	}
	return got.JSON200, nil
}
