package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"go.temporal.io/api/history/v1"
)

// addWorkers adds the releases whose workers did the workflow tasks of a send. The identity of a worker begins with its process
// id.
func (r *record) addWorkers(s *stack, events *history.History, send *sendRecord) {
	if send == nil {
		return
	}
	for _, e := range events.GetEvents() {
		pid, _, _ := strings.Cut(e.GetWorkflowTaskCompletedEventAttributes().GetIdentity(), "@")
		for _, one := range s.serves {
			if !slices.ContainsFunc(one.pids, func(own int32) bool { return strconv.Itoa(int(own)) == pid }) {
				continue
			}
			if r.workers == nil {
				r.workers = map[*sendRecord]map[string]bool{}
			}
			if r.workers[send] == nil {
				r.workers[send] = map[string]bool{}
			}
			release, _, _ := strings.Cut(one.name, "-")
			r.workers[send][release] = true
		}
	}
}

// appliedMigrations returns how many migrations the last run of migrate has applied.
func (s *stack) appliedMigrations() (int, error) {
	text, err := os.ReadFile(s.logPath("migrate"))
	if err != nil {
		return 0, fmt.Errorf("read log: %w", err)
	}
	all := regexp.MustCompile(`(?m)^applied (\d+) migrations$`).FindAllSubmatch(text, -1)
	if len(all) == 0 {
		return 0, errors.New("the log of migrate does not say what was applied")
	}
	return strconv.Atoi(string(all[len(all)-1][1])) //nolint:wrapcheck // it names the text
}

// step returns the one of these steps that was taken; its times are zero if none was.
func (r *record) step(steps ...deployStep) fault {
	for _, f := range r.faults {
		if slices.Contains(steps, deployStep(f.Kind)) {
			return f
		}
	}
	return fault{}
}

// acceptedBetween counts the sends that were accepted between two moments; a zero moment is no bound.
func (r *record) acceptedBetween(from, until time.Time) (n int) {
	for _, s := range r.sends {
		if s.ID != "" && !s.AnsweredAt.Before(from) && (until.IsZero() || s.AnsweredAt.Before(until)) {
			n++
		}
	}
	return n
}

// openAt counts the sends that were accepted before a moment and ended after it.
func (r *record) openAt(moment time.Time) (n int) {
	for _, s := range r.sends {
		isBefore := s.ID != "" && s.AnsweredAt.Before(moment)
		if isBefore && s.Final != nil && s.Final.FinishedAt != nil && r.toOwnClock(*s.Final.FinishedAt).After(moment) {
			n++
		}
	}
	return n
}

// shared counts the sends whose workflow tasks were done by both releases.
func (r *record) shared() (n int) {
	for _, releases := range r.workers {
		if len(releases) > 1 {
			n++
		}
	}
	return n
}

// falseFallbacks counts the sends that fell back although a provider had reported the status that satisfies the rule before the
// SMS began. It does not count a report that a killed process did not acknowledge.
func (r *record) falseFallbacks() (n int) {
	for _, s := range r.sends {
		if slices.ContainsFunc(s.callsOf(sms), func(c call) bool { return r.isFalse(s, c) }) {
			n++
		}
	}
	return n
}

func (r *record) isFalse(s *sendRecord, c call) bool {
	rule, known := s.ruleOf(c.From)
	a, begun := s.attemptOf(r, c)
	if !known || !begun {
		return false // a property is breached
	}
	return slices.ContainsFunc(s.Reports, func(one report) bool {
		isHit := one.Acked.IsZero() && r.hasDied(one.Arrived.Add(-time.Second), one.Arrived.Add(frontTimeout))
		return one.Provider == meta && hasReached(one.Status, rule.goal()) && !isHit &&
			one.Arrived.Add(slack).Before(r.toOwnClock(a.StartedAt))
	})
}

// unacknowledged counts the webhooks that were not acknowledged.
func (r *record) unacknowledged() (n int) {
	for _, s := range r.sends {
		for _, one := range s.Reports {
			if one.Acked.IsZero() {
				n++
			}
		}
	}
	return n
}

// checkDeployment returns an error if the deployment has tested nothing.
func (r *record) checkDeployment() error {
	switch {
	case r.migrations == 0:
		return errors.New("the new release has no migration that the previous one lacks: name an earlier commit by -previous")
	case r.shared() == 0:
		return errors.New("no send was begun by one release and ended by the other: give it more -sends")
	default:
		return nil
	}
}

// breachesOf counts the breaches of properties.
func (o outcome) breachesOf(names ...string) (n int) {
	for i, p := range allProperties() {
		if slices.Contains(names, p.name) {
			n += len(o.results[i].breaches)
		}
	}
	return n
}

// counts returns the lines of the table of a deployment.
func (o outcome) counts(r *record) [][2]string {
	both, ended := r.step(startNew), r.step(stopPrevious, killPrevious)
	none := time.Time{}
	lost := o.breachesOf("every 202 has one final outcome", "no send is lost while an account works",
		"every send that had to fall back did", "every acknowledged receipt is stored")
	doubled := o.breachesOf("no message twice", "no second account after a call that may have sent")
	text := strconv.Itoa
	return [][2]string{
		{"migrations applied under load", text(r.migrations)},
		{"sends accepted", text(r.acceptedBetween(none, none))},
		{"  by the previous release alone", text(r.acceptedBetween(none, both.Ended))},
		{"  while both releases ran", text(r.acceptedBetween(both.Ended, ended.Began))},
		{"  after the previous release began to end", text(r.acceptedBetween(ended.Began, none))},
		{"sends under way when the previous release had ended", text(r.openAt(ended.Ended))},
		{"sends whose workflow both releases have run", text(r.shared())},
		{"API requests answered with 5xx", text(len(r.refused))},
		{"webhooks not acknowledged", text(r.unacknowledged())},
		{"tasks of new workflows that the previous release refused", text(r.unknownTypes)},
		{"lost", text(lost)},
		{"doubled", text(doubled)},
		{"fallen back although the message had arrived", text(r.falseFallbacks())},
	}
}

// printCounts prints what came of the sends of each deployment.
func printCounts(out io.Writer, outcomes []outcome, records []*record) {
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "count")
	var columns [][][2]string
	for i, o := range outcomes {
		fmt.Fprintf(table, "\t%s", o.trial)
		columns = append(columns, o.counts(records[i]))
	}
	fmt.Fprintln(table)
	for i, line := range columns[0] {
		fmt.Fprint(table, line[0])
		for _, column := range columns {
			fmt.Fprintf(table, "\t%s", column[i][1])
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush() // fails if the terminal is closed
}
