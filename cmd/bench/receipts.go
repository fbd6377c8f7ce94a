package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/client"
)

const receiptSamples = 2000

// receiptCost is the measured cost of a kind of receipt or signal.
type receiptCost struct {
	Name      string  `json:"name"`
	N         int     `json:"n"`
	PerSecond float64 `json:"per_second"`
	CPU       float64 `json:"cpu_seconds"`      // of all processes without the bench
	Idle      float64 `json:"idle_cpu_seconds"` // of the same processes at rest, in the same time
}

// cpu is the CPU time of one receipt or signal in milliseconds, without the CPU time at rest.
func (c receiptCost) cpu() float64 { return 1000 * (c.CPU - c.Idle) / float64(c.N) }

// measureReceipts posts two receipts to each parked send: "sent", for which no rule waits, then "delivered", which ends the
// send. Each parked hand-written workflow gets a signal for both. The first signal costs it a workflow task and changes
// nothing.
func (b *bench) measureReceipts(ctx context.Context) error {
	policy, err := b.send.policy(ctx, "Receipts", rule{client.RuleTypeUndelivered, 24 * time.Hour})
	if err != nil {
		return err
	}
	n := b.flags.scaled(receiptSamples)
	b.logProgress("parking %d workflows and %d sends", n, n)
	var plain []string
	if err := b.plain.call(ctx, "Park", ParkArgs{Kind: string(bare), N: n, InFlight: b.flags.inFlight}, &plain); err != nil {
		return err
	}
	sends, err := b.parkSends(ctx, b.flags.inFlight, n, func(int) sendInput {
		return sendInput{to: nextRecipient(scenarioSilent), policy: policy}
	})
	if err != nil {
		return err
	}
	messages, err := b.whatsAppMessages(ctx, sends)
	if err != nil {
		return err
	}
	signal := func(status string) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			var t Tally
			err := b.plain.call(ctx, "Signal", SignalArgs{IDs: plain, Status: status, InFlight: b.flags.inFlight}, &t)
			return t.Took, err
		}
	}
	unneeded := func() (time.Duration, error) {
		t, err := b.postReceipts(ctx, messages, sent)
		return t.Took, err
	}
	needed := func() (time.Duration, error) {
		began := time.Now()
		if _, err := b.postReceipts(ctx, messages, delivered); err != nil {
			return 0, err
		}
		ids := make([]string, len(sends))
		for i, s := range sends {
			ids[i] = s.id
		}
		_, err := loopOver(ctx, len(ids), ids, b.send.awaitEnd) // all at once, because watchEnds polls
		return time.Since(began), err
	}
	costs := []receiptCost{
		{Name: "bare signal that changes nothing"}, {Name: "receipt that no rule waits for"},
		{Name: "bare signal that ends the workflow"}, {Name: "receipt that ends the send"},
	}
	for i, run := range []func() (time.Duration, error){signal(sent), unneeded, signal(delivered), needed} {
		costs[i].N = n
		if err := b.measureCost(ctx, &costs[i], run); err != nil {
			return err
		}
	}
	b.raw["receipts"] = costs
	b.printReceipts(costs)
	return nil
}

// measureCost measures the CPU time of a run, and then of the same processes at rest.
func (b *bench) measureCost(ctx context.Context, c *receiptCost, run func() (time.Duration, error)) error {
	if err := pauseFor(ctx, settleTime); err != nil {
		return err
	}
	var took time.Duration
	busy, length, err := b.measureCPU(ctx, func() (err error) {
		if took, err = run(); err == nil {
			err = pauseFor(ctx, settleTime) // includes the work that Temporal does after its answers
		}
		return err
	})
	if err != nil {
		return err
	}
	idle, rest, err := b.measureCPU(ctx, func() error { return pauseFor(ctx, 2*settleTime) })
	if err != nil {
		return err
	}
	c.PerSecond, c.CPU, c.Idle = float64(c.N)/took.Seconds(), busy, idle/rest.Seconds()*length.Seconds()
	b.logProgress("%s: %.0f per second", c.Name, c.PerSecond)
	return nil
}

// measureCPU returns the CPU time in seconds of all processes without the bench, and the duration of the run.
func (b *bench) measureCPU(ctx context.Context, run func() error) (cpu float64, took time.Duration, err error) {
	before, err := b.meter.read(ctx)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := run(); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	after, err := b.meter.read(ctx)
	if err != nil {
		return 0, 0, err
	}
	for user, seconds := range after.since(before) {
		if user != useBench {
			cpu += seconds
		}
	}
	return cpu, took, nil
}

// sentMessage is a message in the list of the simulated provider.
type sentMessage struct {
	ID  string `json:"id"`
	Ref string `json:"correlation"`
	To  string `json:"to"`
}

// whatsAppMessages returns the WhatsApp messages of some sends.
func (b *bench) whatsAppMessages(ctx context.Context, sends []parkedSend) (list []sentMessage, err error) {
	url := b.env["BACKSTOP_META_BASE_URL"] + "/messages?channel=whatsapp"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	res, err := b.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	var all []sentMessage
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	wanted := make(map[string]bool, len(sends))
	for _, s := range sends {
		wanted[s.id] = true
	}
	for _, m := range all {
		if ref, err := backstop.ParseRef(m.Ref); err == nil && wanted[ref.Send] {
			list = append(list, m)
		}
	}
	return list, nil
}

// postReceipts posts a webhook for each message, as Meta does.
func (b *bench) postReceipts(ctx context.Context, messages []sentMessage, status string) (Tally, error) {
	byID, ids := map[string]sentMessage{}, make([]string, len(messages))
	for i, m := range messages {
		byID[m.ID], ids[i] = m, m.ID
	}
	return loopOver(ctx, b.flags.inFlight, ids, func(ctx context.Context, id string) error {
		return b.postWebhook(ctx, byID[id], status)
	})
}

type object map[string]any

func (b *bench) postWebhook(ctx context.Context, m sentMessage, status string) error {
	body, err := json.Marshal(object{"object": "whatsapp_business_account", "entry": []object{{"id": "1", "changes": []object{{
		"field": "messages", "value": object{
			"messaging_product": "whatsapp", "metadata": object{"phone_number_id": phoneNumberID},
			"statuses": []object{{
				"id": m.ID, "status": status, "timestamp": strconv.FormatInt(time.Now().Unix(), 10),
				"recipient_id": m.To[1:], "biz_opaque_callback_data": m.Ref,
			}},
		},
	}}}}})
	if err != nil {
		return fmt.Errorf("encode webhook: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.sandboxOptions.Meta.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	mac := hmac.New(sha256.New, []byte(b.sandboxOptions.Meta.AppSecret))
	_, _ = mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	res, err := b.http.Do(req)
	if err != nil {
		return fmt.Errorf("post webhook: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body) // else the connection is not reused
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("post webhook: HTTP %d", res.StatusCode)
	}
	return nil
}

func (b *bench) printReceipts(costs []receiptCost) {
	t := table{
		title: fmt.Sprintf("Receipts and signals: %d of each, %d in flight, one receipt per webhook",
			costs[0].N, b.flags.inFlight),
		notes: []string{
			"Per second: until the last receipt or signal has had its effect. CPU time: of all processes without the bench,",
			"less their CPU time at rest.",
		},
	}
	t.row("", "per second", "CPU ms", "of the signal")
	for i, c := range costs {
		signal := costs[i-i%2]
		t.row(c.Name, formatNumber(c.PerSecond), formatNumber(c.cpu()), formatNumber(c.cpu()/signal.cpu()))
	}
	b.printTable(t)
	b.atMost("CPU time of a receipt that no rule waits for, of a signal", costs[1].cpu()/costs[0].cpu(), 0.1, "x")
}
