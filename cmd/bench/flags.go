package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// The values of -activity: the activity of the hand-written workflows.
const (
	activityNoop = "noop" // does nothing, so the baseline is faster
	activityHTTP = "http" // makes the same POST as Backstop; a webhook of the provider leads to the signal
)

// flags are the checked flags of the command line.
type flags struct {
	only          []string
	rounds        int
	round         time.Duration
	inFlight      int
	scale         float64 // multiplies the numbers of sends, rows and samples
	activity      string
	speed         float64       // of the simulated providers; +Inf: no delay
	awaitReceipts time.Duration // the receipt wait of Backstop's calls
	json          string
}

// parseFlags prints the help and returns flag.ErrHelp for -h.
func parseFlags(args []string, output io.Writer) (flags, error) {
	var (
		f    flags
		only string
	)
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(output)
	set.StringVar(&only, "only", strings.Join(partNames(), ","), "measure these `parts`, in this order")
	set.IntVar(&f.rounds, "rounds", 5, "rounds of each contestant")
	set.DurationVar(&f.round, "round", 10*time.Second, "length of a round")
	set.IntVar(&f.inFlight, "inflight", 100, "sends under way at once")
	set.Float64Var(&f.scale, "scale", 1, "multiplies the numbers of sends, samples and rows")
	set.StringVar(&f.activity, "activity", activityNoop, "what the hand-written workflows' activity does: noop or http")
	set.Float64Var(&f.speed, "speed", math.Inf(1), "divides the delays of the simulated providers; +Inf: none")
	set.DurationVar(&f.awaitReceipts, "await-receipts", 4*time.Second,
		"how long Backstop's calls wait for receipts: BACKSTOP_AWAIT_RECEIPTS")
	set.StringVar(&f.json, "json", "", "also write the raw numbers to this `file`")
	if err := set.Parse(args); err != nil {
		return flags{}, err //nolint:wrapcheck // the flag package writes its errors for the user
	}
	f.only = strings.Split(only, ",")
	return f, f.check(set.Args())
}

func (f flags) check(rest []string) error {
	for _, name := range f.only {
		if !slices.Contains(partNames(), name) {
			return fmt.Errorf("-only: %q is none of %s", name, strings.Join(partNames(), ", "))
		}
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case f.rounds < 1 || f.round <= 0 || f.inFlight < 1 || f.scale <= 0:
		return errors.New("-rounds, -round, -inflight and -scale must be more than 0")
	case f.activity != activityNoop && f.activity != activityHTTP:
		return fmt.Errorf("-activity: %q is none of noop, http", f.activity)
	}
	return nil
}

// scaled multiplies a number of sends, samples or rows by -scale. It is at least 1.
func (f flags) scaled(n int) int { return max(1, int(float64(n)*f.scale)) }
