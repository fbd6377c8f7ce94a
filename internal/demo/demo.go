// Package demo shows Backstop at work on simulated providers: make demo and make run. It uses a Backstop from outside, as a
// service does; the program starts it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/backstophq/backstop/client"
)

const (
	// demoSpeed makes the sandbox's delays five times shorter: sent 0.2 s, delivered 0.4 s, read 1 s, late 6 s.
	demoSpeed = 5
	// demoTime bounds the watching; the longest case takes about ten seconds.
	demoTime = 45 * time.Second
	demoPoll = 250 * time.Millisecond
)

// errDemo says that what came out is not what was expected; what differs has been printed.
var errDemo = errors.New("not all came out as expected")

// Start starts a Backstop with its sandbox in this process, and calls during when the API accepts requests. When during
// returns, everything stops.
type Start func(ctx context.Context, s Settings, during func(context.Context, Backstop) error) error

// Settings say how a Backstop on this machine differs from a deployed one. The environment of the program comes first.
type Settings struct {
	Speed          float64           // of the sandbox; 2 makes its delays half as long
	APIAddress     string            // preferred; if it is taken, the API listens on a free port of loopback
	SandboxAddress string            // as APIAddress
	Defaults       map[string]string // of the environment's variables, by name
	Log            io.Writer         // of the program
}

// Backstop is a Backstop that runs, with its sandbox.
type Backstop struct {
	APIURL, APIKey string
	SandboxURL     string
	TemporalUIURL  string // empty if there is none
	// HistoryLength returns how many events the workflow of a send has.
	HistoryLength func(ctx context.Context, send string) (int64, error)
}

// Run sends one message per scenario to simulated providers, shows what happens, and checks what came out. The
// program's log goes to a file, so that the terminal shows only the sends.
func Run(ctx context.Context, start Start, stdout, _ io.Writer) (err error) {
	began := time.Now()
	logFile, err := os.CreateTemp("", "backstop-demo-*.log")
	if err != nil {
		return fmt.Errorf("create log: %w", err)
	}
	defer func() { err = errors.Join(err, logFile.Close()) }()
	err = start(ctx, Settings{
		Speed: demoSpeed, APIAddress: "127.0.0.1:0", SandboxAddress: "127.0.0.1:0", Log: logFile,
		Defaults: map[string]string{
			"BACKSTOP_META_TIMEOUT": "2s", "BACKSTOP_TWILIO_TIMEOUT": "2s", "BACKSTOP_UNKNOWN_WAIT": "2s",
		},
	}, func(ctx context.Context, b Backstop) error {
		c, err := NewCaller(b.APIURL, b.APIKey)
		if err != nil {
			return err
		}
		d := &demonstration{backstop: b, caller: c, out: stdout, setUp: time.Since(began)}
		return d.run(ctx)
	})
	if err != nil {
		fmt.Fprintln(stdout, "the log is in", logFile.Name())
		return err
	}
	if err := os.Remove(logFile.Name()); err != nil {
		return fmt.Errorf("remove log: %w", err)
	}
	return nil
}

// demonstration is one run of the demo.
type demonstration struct {
	backstop Backstop
	caller   *Caller
	out      io.Writer
	sends    []*demoSend
	setUp    time.Duration
	took     time.Duration // from the first send to the last outcome
}

// demoSend is a case of the demo and how it goes.
type demoSend struct {
	demoCase

	id       string
	answered time.Duration // of POST /v1/sends
	at       time.Time
	settled  time.Duration // from at; 0 while it is not
	send     *client.Send
	events   int64 // of its workflow's history
}

func (d *demonstration) run(ctx context.Context) error {
	fmt.Fprintf(d.out, "Backstop on loopback, with simulated providers %d times faster than the real ones.\n\n", demoSpeed)
	if err := d.start(ctx); err != nil {
		return err
	}
	if err := d.watch(ctx); err != nil {
		return err
	}
	for _, s := range d.sends {
		printTimeline(d.out, s)
	}
	printTimes(d.out, d)
	problems, err := d.check(ctx)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		fmt.Fprintln(d.out)
		for _, p := range problems {
			fmt.Fprintln(d.out, "NOT AS EXPECTED:", p)
		}
		return errDemo
	}
	fmt.Fprintf(d.out, "\nAll %d sends came out as expected, and the providers got exactly the messages that they should.\n",
		len(d.sends))
	return nil
}

// start makes the policies and starts a send per case.
func (d *demonstration) start(ctx context.Context) error {
	policies := map[string]string{}
	for _, c := range demoCases() {
		if policies[c.policy] == "" {
			id, err := d.caller.EnsurePolicy(ctx, c.policy, demoPolicies()[c.policy]...)
			if err != nil {
				return err
			}
			policies[c.policy] = id
		}
		s := &demoSend{demoCase: c, at: time.Now()}
		accepted, err := d.caller.createSend(ctx, c.to, policies[c.policy], c.category)
		if err != nil {
			return err
		}
		s.id, s.answered = accepted, time.Since(s.at)
		d.sends = append(d.sends, s)
	}
	return nil
}

// watch shows the sends until all are settled, or the time is up.
func (d *demonstration) watch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	table := newTable(d.out, d.sends)
	for {
		open := 0
		for _, s := range d.sends {
			if s.settled > 0 {
				continue
			}
			if err := d.look(ctx, s); err != nil && ctx.Err() == nil {
				return err
			}
			if s.settled == 0 {
				open++
			}
		}
		table.draw()
		if open == 0 {
			d.took = time.Since(d.sends[0].at)
			break
		}
		select {
		case <-ctx.Done():
			table.end()
			return fmt.Errorf("watch the sends: %d did not end in %s: %w", open, demoTime, ctx.Err())
		case <-time.After(demoPoll):
		}
	}
	table.end()
	return nil
}

// look reads a send and sees whether it has ended.
func (d *demonstration) look(ctx context.Context, s *demoSend) (err error) {
	if s.send, err = d.caller.Send(ctx, s.id); err != nil {
		return err
	}
	if s.send.FinishedAt == nil || s.send.Outcome == client.OutcomeUnconfirmed || s.send.DuplicateDelivery != s.duplicate {
		return nil
	}
	s.settled = time.Since(s.at)
	s.events, err = d.backstop.HistoryLength(ctx, s.id)
	return err
}
