package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/workflows"
)

const (
	senderID     = "BACKSTOP"
	whatsAppText = "Your parcel comes today between 14:00 and 15:00."
	// recipientCount is the number of recipients of each scenario.
	recipientCount = 10_000
)

// The scenarios of the simulated providers, chosen by the last two digits of the recipient: the statuses that WhatsApp reports.
const (
	scenarioRead        = "01" // sent, delivered, read
	scenarioUnread      = "02" // sent, delivered
	scenarioSentOnly    = "03" // sent
	scenarioRejected    = "04"
	scenarioFailed      = "05" // accepted, then failed by a receipt
	scenarioSilent      = "06"
	scenarioAllRejected = "13" // WhatsApp and SMS are rejected
	scenarioOptedOut    = "16"
)

var recipients atomic.Int64 //nolint:gochecknoglobals // all parts share this counter

// nextRecipient returns a British mobile number of a scenario. Each call returns a different one, until they repeat.
func nextRecipient(scenario string) string {
	return fmt.Sprintf("+447400%04d%s", recipients.Add(1)%recipientCount, scenario)
}

func nextReadRecipient() string { return nextRecipient(scenarioRead) }

// sender starts sends as a customer does, over HTTP.
type sender struct {
	api      *client.ClientWithResponses
	finished *milestones
	store    *store
	temporal temporal.Client

	mu      sync.Mutex
	pending map[string]struct{} // sends in awaitEnd that Postgres has not reported as finished
}

// newHTTPClient returns a client that keeps a connection open for each send in flight.
func newHTTPClient() *http.Client {
	const mostIdle = 1000
	return &http.Client{Timeout: callTimeout, Transport: &http.Transport{
		DialContext:  (&net.Dialer{Timeout: callTimeout}).DialContext,
		MaxIdleConns: mostIdle, MaxIdleConnsPerHost: mostIdle, IdleConnTimeout: time.Minute,
	}}
}

func newAPI(url, key string) (*client.ClientWithResponses, error) {
	api, err := client.NewClientWithResponses(url, client.WithKey(key), client.WithHTTPClient(newHTTPClient()))
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return api, nil
}

func newSender(url, key string, s *store, t temporal.Client) (*sender, error) {
	api, err := newAPI(url, key)
	if err != nil {
		return nil, err
	}
	return &sender{api: api, finished: newMilestones(), store: s, temporal: t, pending: map[string]struct{}{}}, nil
}

// rule is one rule of a policy.
type rule struct {
	kind client.RuleType
	wait time.Duration // in whole seconds
}

// policy creates a policy and returns its id.
func (s *sender) policy(ctx context.Context, name string, rules ...rule) (string, error) {
	input := client.PolicyInput{Name: name}
	for i, r := range rules {
		wait := int(r.wait.Seconds())
		made, err := s.api.CreateRuleWithResponse(ctx, client.RuleInput{
			Name: fmt.Sprintf("%s, rule %d", name, i+1), Type: r.kind, WaitSeconds: &wait, SendID: senderID,
		})
		if err != nil || made.JSON201 == nil {
			return "", client.CallError("create rule", made, err)
		}
		input.RuleIds = append(input.RuleIds, made.JSON201.ID)
	}
	made, err := s.api.CreatePolicyWithResponse(ctx, input)
	if err != nil || made.JSON201 == nil {
		return "", client.CallError("create policy", made, err)
	}
	return made.JSON201.ID, nil
}

// sendInput is the input of a send. A zero wait or category is left out of the request.
type sendInput struct {
	to, policy string
	wait       time.Duration // in place of the policy's, in whole seconds
	category   client.Category
	callback   string // a URL; empty: none
}

// post starts a send and returns the answer of the API.
func (s *sender) post(ctx context.Context, o sendInput) (*client.SendAccepted, error) {
	text := whatsAppText
	input := client.SendInput{
		To: o.to, Whatsapp: client.WhatsAppInput{Text: &text},
		Fallback: client.FallbackInput{PolicyID: &o.policy, Text: text},
	}
	if o.wait > 0 {
		wait := int(o.wait.Seconds())
		input.Fallback.WaitSeconds = &wait
	}
	if o.callback != "" {
		input.Callback = &client.CallbackInput{URL: o.callback}
	}
	if o.category != "" {
		input.Category = &o.category
	}
	accepted, err := s.api.CreateSendWithResponse(ctx, &client.CreateSendParams{}, input)
	if err != nil || accepted.JSON202 == nil {
		return nil, client.CallError("create send", accepted, err)
	}
	return accepted.JSON202, nil
}

// awaitEnd waits until a send is finished in Postgres and its workflow is closed. Without the second, a closed loop would count
// sends whose work Temporal has not done yet.
func (s *sender) awaitEnd(ctx context.Context, id string) error {
	s.mu.Lock()
	s.pending[id] = struct{}{}
	s.mu.Unlock()
	return s.finished.wait(ctx, id)
}

// sendToEnd starts a send and waits for its end.
func (s *sender) sendToEnd(ctx context.Context, o sendInput) (string, error) {
	accepted, err := s.post(ctx, o)
	if err != nil {
		return "", err
	}
	return accepted.ID, s.awaitEnd(ctx, accepted.ID)
}

// watchEnds polls Postgres and Temporal for the ends of the pending sends, until ctx is done. One query covers all of them.
func (s *sender) watchEnds(ctx context.Context) error {
	finished := map[string]struct{}{} // finished sends whose workflows may still run
	for tick := time.NewTicker(endsPeriod); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
		}
		s.mu.Lock()
		ids := slices.Collect(maps.Keys(s.pending))
		s.mu.Unlock()
		if len(ids)+len(finished) == 0 {
			continue
		}
		ended, err := s.store.finished(ctx, ids)
		if err != nil && ctx.Err() == nil {
			return err
		}
		s.mu.Lock()
		for _, id := range ended {
			delete(s.pending, id)
			finished[id] = struct{}{}
		}
		s.mu.Unlock()
		if len(finished) == 0 {
			continue
		}
		closed, err := s.closedSends(ctx, slices.Collect(maps.Keys(finished)))
		if err != nil && ctx.Err() == nil {
			return err
		}
		for _, id := range closed {
			delete(finished, id)
			s.finished.reach(id)
		}
	}
}

const (
	// endsPeriod is the time between two polls of watchEnds. The CPU time of a poll counts as Backstop's. On average an operation
	// of a closed loop takes half a period longer, so a loop needs many operations in flight.
	endsPeriod = 400 * time.Millisecond
	// maxListed bounds the workflows of one request to Temporal.
	maxListed = 200
)

// closedSends returns the sends whose workflows are closed. It queries Temporal's visibility store, one request for many sends.
func (s *sender) closedSends(ctx context.Context, sends []string) (closed []string, err error) {
	for some := range slices.Chunk(sends, maxListed) {
		names := make([]string, len(some))
		for i, id := range some {
			names[i] = "'" + workflows.ID(id) + "'"
		}
		list, err := s.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			PageSize: maxListed,
			Query:    "ExecutionStatus != 'Running' AND WorkflowId IN (" + strings.Join(names, ", ") + ")",
		})
		if err != nil {
			return nil, fmt.Errorf("list closed workflows: %w", err)
		}
		for _, e := range list.GetExecutions() {
			closed = append(closed, strings.TrimPrefix(e.GetExecution().GetWorkflowId(), workflows.ID("")))
		}
	}
	return closed, nil
}
