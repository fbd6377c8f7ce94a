package demo

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/backstophq/backstop/client"
)

const tableLine = "%-14s %-22s %-10s %-10s %-16s %-11s %6s  %s\n"

// table prints the sends. On a terminal it redraws all lines in place. Elsewhere it prints one line for each settled send.
type table struct {
	out        io.Writer
	sends      []*demoSend
	isTerminal bool
	isDrawn    bool
	shown      map[*demoSend]bool
}

func newTable(out io.Writer, sends []*demoSend) *table {
	f, isFile := out.(*os.File)
	t := &table{out: out, sends: sends, isTerminal: isFile && isatty.IsTerminal(f.Fd()), shown: map[*demoSend]bool{}}
	if !t.isTerminal {
		t.drawHeader()
	}
	return t
}

func (t *table) drawHeader() {
	fmt.Fprintf(t.out, tableLine, "RECIPIENT", "SCENARIO", "WHATSAPP", "SMS", "RULE", "OUTCOME", "SECS", "WHY")
}

func (t *table) draw() {
	if !t.isTerminal {
		for _, s := range t.sends {
			if s.settled > 0 && !t.shown[s] {
				t.shown[s] = true
				t.drawLine(s)
			}
		}
		return
	}
	if t.isDrawn {
		fmt.Fprintf(t.out, "\x1b[%dA", len(t.sends)+1)
	}
	t.isDrawn = true
	fmt.Fprint(t.out, "\x1b[J")
	t.drawHeader()
	for _, s := range t.sends {
		t.drawLine(s)
	}
}

func (t *table) finish() { fmt.Fprintln(t.out) }

func (t *table) drawLine(s *demoSend) {
	elapsed := time.Since(s.startedAt)
	if s.settled > 0 {
		elapsed = s.settled
	}
	var whatsapp, sms, rule, outcome, why string
	if s.send != nil {
		whatsapp, outcome, rule = string(s.send.Whatsapp.Status), string(s.send.Outcome), firedRule(s.send)
		if s.send.Sms != nil {
			sms = string(s.send.Sms.Status)
		}
		if s.send.Fired != nil {
			why = s.send.Fired.Reason
		}
		if s.send.DuplicateDelivery {
			why += "; also arrived by WhatsApp"
		}
	}
	seconds := fmt.Sprintf("%.1f", elapsed.Seconds())
	fmt.Fprintf(t.out, tableLine, s.to, s.what, whatsapp, sms, rule, outcome, seconds, shortenText(why, 60))
}

func firedRule(s *client.Send) string {
	if s.Fired == nil {
		return ""
	}
	return s.Fired.Rule
}

// shortenText cuts a text to n characters.
func shortenText(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// printTimeline prints what happened to a send, in seconds after it was accepted.
func printTimeline(out io.Writer, s *demoSend) {
	fmt.Fprintf(out, "%s  %s, policy %q, %d engine events\n", s.to, s.what, s.policy, s.events)
	for _, e := range s.send.Events {
		words := []string{string(e.Kind)}
		add := func(word *string) {
			if word != nil && *word != "" {
				words = append(words, *word)
			}
		}
		if e.Channel != nil {
			words = append(words, string(*e.Channel))
		}
		if e.Status != nil {
			words = append(words, string(*e.Status))
		}
		add(e.Rule)
		add(e.Code)
		add(e.Detail)
		fmt.Fprintf(out, "  %7.2f s  %s\n", e.At.Sub(s.send.AcceptedAt).Seconds(), shortenText(strings.Join(words, "  "), 110))
	}
	fmt.Fprintln(out)
}

// printTimes prints how long the parts of the demo took.
func printTimes(out io.Writer, d *demonstration) {
	var answers, calls, lateness []time.Duration
	for _, s := range d.sends {
		answers = append(answers, s.answered)
		if len(s.send.Attempts) > 0 {
			calls = append(calls, s.send.Attempts[0].StartedAt.Sub(s.send.AcceptedAt))
		}
		lateness = append(lateness, ruleLateness(s.send)...)
	}
	fmt.Fprintf(out, "Times: %.1f s to start (migrate, listen), %.1f s for the sends.\n",
		d.setUp.Seconds(), d.took.Seconds())
	fmt.Fprintf(out, "  POST /v1/sends to its answer       median %s, highest %s\n",
		medianOf(answers), slices.Max(answers).Round(time.Millisecond))
	fmt.Fprintf(out, "  accepted to the provider's call    median %s\n", medianOf(calls))
	fmt.Fprintf(out, "  end of a rule's wait to its SMS    median %s\n", medianOf(lateness))
	fmt.Fprintln(out, "  The rest is waiting: for receipts, rules, and providers that throttle or do not answer.")
}

// ruleLateness returns the time from the deadline of the rule to its SMS. It returns nothing if a failure led to the SMS.
func ruleLateness(s *client.Send) []time.Duration {
	for _, a := range s.Attempts {
		if a.Rule == nil {
			continue
		}
		for _, r := range s.Plan.Rules {
			if r.Name == *a.Rule && r.Deadline != nil && a.StartedAt.After(*r.Deadline) {
				return []time.Duration{a.StartedAt.Sub(*r.Deadline)}
			}
		}
	}
	return nil
}

func medianOf(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2].Round(time.Millisecond)
}
