package main

import (
	"context"
	"fmt"
	"time"

	"github.com/backstophq/backstop/client"
)

// caller calls the API as a service would.
type caller struct {
	api *client.ClientWithResponses
}

// ruleSpec is a rule that dev or demo wants to exist.
type ruleSpec struct {
	name   string
	kind   client.RuleType
	wait   time.Duration
	sendID string
}

func newCaller(url, key string) (*caller, error) {
	api, err := client.NewClientWithResponses(url, client.WithKey(key))
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return &caller{api: api}, nil
}

// ensurePolicy returns the id of the policy with this name; if there is none it makes it, and its rules.
func (c *caller) ensurePolicy(ctx context.Context, name string, rules ...ruleSpec) (string, error) {
	found, err := c.api.ListPoliciesWithResponse(ctx, &client.ListPoliciesParams{Search: &name})
	if err != nil || found.JSON200 == nil {
		return "", refused("list policies", found, err)
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
	made, err := c.api.CreatePolicyWithResponse(ctx, input)
	if err != nil || made.JSON201 == nil {
		return "", refused("create policy", made, err)
	}
	return made.JSON201.ID, nil
}

func (c *caller) ensureRule(ctx context.Context, rule ruleSpec) (string, error) {
	found, err := c.api.ListRulesWithResponse(ctx, &client.ListRulesParams{Search: &rule.name})
	if err != nil || found.JSON200 == nil {
		return "", refused("list rules", found, err)
	}
	for _, r := range found.JSON200.Items {
		if r.Name == rule.name {
			return r.ID, nil
		}
	}
	wait := int(rule.wait.Seconds())
	made, err := c.api.CreateRuleWithResponse(ctx, client.RuleInput{
		Name: rule.name, Type: rule.kind, WaitSeconds: &wait, SendID: rule.sendID,
	})
	if err != nil || made.JSON201 == nil {
		return "", refused("create rule", made, err)
	}
	return made.JSON201.ID, nil
}

// send starts a send and returns its id.
func (c *caller) send(ctx context.Context, to, policy string, category client.Category) (string, error) {
	text := "Your parcel comes today between 14:00 and 15:00."
	input := client.SendInput{
		To: to, Whatsapp: client.WhatsAppInput{Text: &text},
		Fallback: client.FallbackInput{PolicyID: policy, Text: text},
	}
	if category != "" {
		input.Category = &category
	}
	accepted, err := c.api.CreateSendWithResponse(ctx, &client.CreateSendParams{}, input)
	if err != nil || accepted.JSON202 == nil {
		return "", refused("create send", accepted, err)
	}
	return accepted.JSON202.ID, nil
}

func (c *caller) get(ctx context.Context, id string) (*client.Send, error) {
	got, err := c.api.GetSendWithResponse(ctx, id)
	if err != nil || got.JSON200 == nil {
		return nil, refused("get send", got, err)
	}
	return got.JSON200, nil
}

// response is what every answer of the client has.
type response interface {
	Status() string
	GetBody() []byte
}

// refused is why a call did not answer as it should.
func refused(what string, r response, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %s: %s", what, r.Status(), r.GetBody())
}
