package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// progressLog prints a line about the progress.
type progressLog func(format string, values ...any)

// table is the printed result of a part.
type table struct {
	title string
	notes []string
	rows  [][]string // the first row is the header
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (b *bench) printTable(t table) {
	fmt.Fprintf(b.out, "\n%s\n\n", t.title)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	for _, row := range t.rows {
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	_ = w.Flush() // an error means that the terminal is closed
	for i, note := range t.notes {
		if i == 0 {
			fmt.Fprintln(b.out)
		}
		fmt.Fprintln(b.out, "  "+note)
	}
}

// target is one of the project's targets. It is met if Got is at least Want, or, without AtLeast, at most Want.
type target struct {
	Name    string  `json:"name"`
	Got     float64 `json:"got"`
	Want    float64 `json:"want"`
	AtLeast bool    `json:"at_least"`
	Unit    string  `json:"unit"`
}

func (t target) met() bool {
	if t.AtLeast {
		return t.Got >= t.Want
	}
	return t.Got <= t.Want
}

func (b *bench) atLeast(name string, got, want float64, unit string) { //nolint:unparam // as atMost
	b.targets = append(b.targets, target{Name: name, Got: got, Want: want, AtLeast: true, Unit: unit})
}

func (b *bench) atMost(name string, got, want float64, unit string) {
	b.targets = append(b.targets, target{Name: name, Got: got, Want: want, Unit: unit})
}

func (b *bench) printTargets() {
	t := table{title: "Targets"}
	t.row("target", "wanted", "measured", "")
	for _, target := range b.targets {
		sign, verdict := "<=", "NOT met"
		if target.AtLeast {
			sign = ">="
		}
		if target.met() {
			verdict = "met"
		}
		t.row(target.Name, fmt.Sprintf("%s %s %s", sign, formatNumber(target.Want), target.Unit),
			fmt.Sprintf("%s %s", formatNumber(target.Got), target.Unit), verdict)
	}
	b.printTable(t)
}

// formatNumber prints a number with about three digits.
func formatNumber(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}

func (s spread) String() string {
	return fmt.Sprintf("%s (%s-%s)", formatNumber(s.Median), formatNumber(s.Min), formatNumber(s.Max))
}
