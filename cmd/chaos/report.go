package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// outcome is the results of all properties in one run.
type outcome struct {
	trial   string
	results []result // one for each property
}

func (o outcome) breached() bool {
	return slices.ContainsFunc(o.results, func(r result) bool { return len(r.breaches) > 0 })
}

// checkAll checks every property.
func checkAll(t trial, r *record) outcome {
	o := outcome{trial: t.name()}
	for _, p := range allProperties() {
		o.results = append(o.results, p.check(r))
	}
	return o
}

// The most breaches of a property that are printed, and the most that are printed with a timeline.
const (
	maxListed    = 50
	maxTimelines = 3
)

// printBreaches prints the breaches of each property, the first with their timelines.
func printBreaches(out io.Writer, o outcome, r *record) {
	for i, p := range allProperties() {
		for n, b := range o.results[i].breaches {
			if n == maxListed {
				fmt.Fprintf(out, "\n%s BREACHED %s: and %d more\n", o.trial, p.name, len(o.results[i].breaches)-n)
				break
			}
			id := ""
			if b.send != nil {
				id = b.send.ID
			}
			fmt.Fprintf(out, "\n%s BREACHED %s: %s %s\n", o.trial, p.name, id, b.text)
			if b.send != nil && n < maxTimelines {
				fmt.Fprintf(out, "  %s\n", strings.Join(b.send.timeline(r), "\n  "))
			}
		}
	}
}

// printTable prints one line per property and one column per run: how many were checked, how many of them were excused,
// and how many are breaches. A send is excused if it cannot be judged, mostly because a process died during a call.
func printTable(out io.Writer, outcomes []outcome) {
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "property")
	for _, o := range outcomes {
		fmt.Fprintf(table, "\t%s", o.trial)
	}
	fmt.Fprintln(table)
	for i, p := range allProperties() {
		fmt.Fprint(table, p.name)
		for _, o := range outcomes {
			fmt.Fprintf(table, "\t%s", &o.results[i])
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush() // fails if the terminal is closed
}

func (r *result) String() string {
	text := strconv.Itoa(r.checked)
	if r.excused > 0 {
		text += fmt.Sprintf(" (%d excused)", r.excused)
	}
	if len(r.breaches) > 0 {
		text += fmt.Sprintf(", %d BREACHED", len(r.breaches))
	}
	return text
}
