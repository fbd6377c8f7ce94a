// Package demo runs the demos of Backstop with simulated providers: make demo and make run. It calls Backstop's API, as a
// service does. The program backstop starts Backstop and passes it to this package.
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
	// demoSpeed divides the delays of the sandbox: sent after 0.2 s, delivered after 0.4 s, read after 1 s, late after 6 s.
	demoSpeed = 5
	// demoTimeout bounds the wait for all sends. The longest case takes about 10 s.
	demoTimeout    = 45 * time.Second
	demoPollPeriod = 250 * time.Millisecond
)

// errUnexpected is the error of a demo with unexpected results. The differences are printed before.
var errUnexpected = errors.New("some sends did not end as expected")

// Start starts a Backstop and its sandbox in this process. It calls during when the API accepts requests, and stops everything
// when during returns.
type Start func(ctx context.Context, s Settings, during func(context.Context, Backstop) error) error

// Settings are the settings of a Backstop on this machine. A variable of the program's environment has precedence over them.
type Settings struct {
	Speed          float64           // divides the delays of the sandbox
	APIAddress     string            // if it is in use, the API listens on a free port of loopback
	SandboxAddress string            // as APIAddress
	Defaults       map[string]string // values of variables that the environment does not set
	Log            io.Writer         // receives the log of the program
}

// Backstop is a running Backstop with its sandbox.
type Backstop struct {
	APIURL, APIKey string
	SandboxURL     string
	TemporalUIURL  string // empty without a Temporal UI
	// HistoryLength returns the number of events of a send's workflow.
	HistoryLength func(ctx context.Context, send string) (int64, error)
}

// Run sends one message per scenario, prints the progress, and checks the results. The log of the program goes to a file, so
// the terminal shows only the sends.
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

// demonstration is one run of make demo.
type demonstration struct {
	backstop Backstop
	caller   *Caller
	out      io.Writer
	sends    []*demoSend
	setUp    time.Duration
	took     time.Duration // from the first send to the last outcome
}

// demoSend is the send of a case.
type demoSend struct {
	demoCase

	id        string
	answered  time.Duration // from the POST to its answer
	startedAt time.Time
	settled   time.Duration // from startedAt to the expected end; 0 before it
	send      *client.Send
	events    int64 // of its workflow's history
}

func (d *demonstration) run(ctx context.Context) error {
	fmt.Fprintf(d.out, "Backstop on loopback, with simulated providers %d times faster than the real ones.\n\n", demoSpeed)
	if err := d.makeOutageAccounts(ctx); err != nil {
		return err
	}
	if err := d.startSends(ctx); err != nil {
		return err
	}
	if err := d.watchSends(ctx); err != nil {
		return err
	}
	for _, s := range d.sends {
		printTimeline(d.out, s)
	}
	printTimes(d.out, d)
	problems, err := d.findProblems(ctx)
	if err != nil {
		return err
	}
	more, err := d.runOutage(ctx)
	if err != nil {
		return err
	}
	problems = append(problems, more...)
	if len(problems) > 0 {
		fmt.Fprintln(d.out)
		for _, p := range problems {
			fmt.Fprintln(d.out, "NOT AS EXPECTED:", p)
		}
		return errUnexpected
	}
	fmt.Fprintf(d.out, "\nAll %d sends came out as expected, and the providers accepted exactly the expected messages.\n",
		len(d.sends))
	return nil
}

// startSends creates the policies and starts a send for each case.
func (d *demonstration) startSends(ctx context.Context) error {
	policies := map[string]string{}
	for _, c := range demoCases() {
		if policies[c.policy] == "" {
			id, err := d.caller.EnsurePolicy(ctx, c.policy, demoPolicies()[c.policy]...)
			if err != nil {
				return err
			}
			policies[c.policy] = id
		}
		if err := d.caller.optIn(ctx, c.to); err != nil { // an earlier demo has opted a recipient out
			return err
		}
		s := &demoSend{demoCase: c, startedAt: time.Now()}
		accepted, err := d.caller.createSend(ctx, c.to, policies[c.policy], c.category)
		if err != nil {
			return err
		}
		s.id, s.answered = accepted, time.Since(s.startedAt)
		d.sends = append(d.sends, s)
	}
	return nil
}

// watchSends polls and prints the sends until all are settled, for demoTimeout at most.
func (d *demonstration) watchSends(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	table := newTable(d.out, d.sends)
	for {
		open := 0
		for _, s := range d.sends {
			if s.settled > 0 {
				continue
			}
			if err := d.readSend(ctx, s); err != nil && ctx.Err() == nil {
				return err
			}
			if s.settled == 0 {
				open++
			}
		}
		table.draw()
		if open == 0 {
			d.took = time.Since(d.sends[0].startedAt)
			break
		}
		select {
		case <-ctx.Done():
			table.finish()
			return fmt.Errorf("watch the sends: %d did not end in %s: %w", open, demoTimeout, ctx.Err())
		case <-time.After(demoPollPeriod):
		}
	}
	table.finish()
	return nil
}

// readSend reads a send. The send is settled when it has finished with a final outcome and its duplicate delivery is as
// expected.
func (d *demonstration) readSend(ctx context.Context, s *demoSend) (err error) {
	if s.send, err = d.caller.Send(ctx, s.id); err != nil {
		return err
	}
	if s.end != "" && s.send.FinishedAt == nil && s.send.Whatsapp.Status == client.StatusSent {
		return d.caller.endSend(ctx, s.id, s.end) // the next reading shows what came of it
	}
	if s.send.FinishedAt == nil || s.send.Outcome == client.OutcomeUnconfirmed || s.send.DuplicateDelivery != s.duplicate {
		return nil
	}
	s.settled = time.Since(s.startedAt)
	s.events, err = d.backstop.HistoryLength(ctx, s.id)
	return err
}
