package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// flags is the validated command line.
type flags struct {
	seeds    []uint64
	sends    int
	duration time.Duration // of the load; faults occur for faultOverhang longer
	settle   time.Duration // how long the sends may take to end after the last fault
	faults   []faultKind
	data     string
	keep     bool
	parallel int    // runs at once
	program  string // bin/backstop

	isRolling       bool   // deployments instead of seeds
	previous        string // the commit of the previous release
	previousProgram string // its program, when it is built

	devstack string // bin/devstack
}

// maxSends bounds the sends of a run: a phone number contains a counter of four digits.
const maxSends = 10_000

// maxParallelSends bounds the sends of all parallel runs together. A run mostly waits.
const maxParallelSends = 600

// parseFlags returns flag.ErrHelp after it has printed the help for -h.
func parseFlags(args []string, output io.Writer) (flags, error) {
	var (
		f      flags
		seeds  int
		seed   uint64
		faults string
	)
	set := flag.NewFlagSet("chaos", flag.ContinueOnError)
	set.SetOutput(output)
	set.IntVar(&seeds, "seeds", 3, "number of runs, each with its own seed")
	set.Uint64Var(&seed, "seed", 0, "run only this seed; a seed determines the sends and the faults (0: new random seeds)")
	set.IntVar(&f.sends, "sends", 200, "sends of a run")
	set.DurationVar(&f.duration, "duration", 30*time.Second, "the time over which the sends of a run start")
	set.DurationVar(&f.settle, "settle", 3*time.Minute, "how long to wait for the sends to end after the last fault")
	set.StringVar(&faults, "faults", strings.Join(textsOf(allFaults), ","), "a comma `list` of the faults to inject, or none")
	set.IntVar(&f.parallel, "parallel", 0, "runs at the same time (0: as many as have at most 600 sends together)")
	set.StringVar(&f.data, "data", ".data/chaos", "a `folder` for the data and the logs")
	set.BoolVar(&f.keep, "keep", false, "keep the data and logs also of runs without a breach")
	set.BoolVar(&f.isRolling, "rolling", false, "deploy this release over the previous one, instead of injecting faults")
	set.StringVar(&f.previous, "previous", previousCommit, "the `commit` of the previous release, for -rolling")
	set.StringVar(&f.program, "program", "bin/backstop", "the program to test")
	set.StringVar(&f.devstack, "devstack", "bin/devstack", "the program that starts Postgres and Temporal")
	if err := set.Parse(args); err != nil {
		return flags{}, fmt.Errorf("read flags: %w", err)
	}
	if set.NArg() > 0 {
		return flags{}, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	var err error
	if f.faults, err = parseFaults(faults); err != nil {
		return flags{}, err
	}
	if f.isRolling {
		f.faults = nil
		seeds = 1 // the deployments have the same sends
	}
	f.seeds = chooseSeeds(seeds, seed)
	if f.parallel == 0 {
		f.parallel = max(1, maxParallelSends/max(1, f.sends))
	}
	return f, f.check()
}

func (f flags) check() error {
	switch {
	case len(f.seeds) == 0:
		return errors.New("-seeds: must be 1 or more")
	case f.sends < 1 || f.sends > maxSends:
		return fmt.Errorf("-sends: must be 1 to %d", maxSends)
	case f.parallel < 0:
		return errors.New("-parallel: must be 0 or more")
	case f.duration < time.Second:
		return errors.New("-duration: must be 1s or more")
	case f.settle < time.Second:
		return errors.New("-settle: must be 1s or more")
	default:
		return nil
	}
}

// trials returns the runs: one for each seed, or one for each deployment.
func (f flags) trials() (all []trial) {
	if f.isRolling {
		for _, d := range []deployment{rolled, killed, rolledBack} {
			all = append(all, trial{seed: f.seeds[0], deploy: d})
		}
		return all
	}
	for _, seed := range f.seeds {
		all = append(all, trial{seed: seed})
	}
	return all
}

// chooseSeeds chooses small numbers, which are easy to type.
func chooseSeeds(count int, given uint64) []uint64 {
	if given != 0 {
		return []uint64{given}
	}
	var seeds []uint64
	for range count {
		seeds = append(seeds, 1+rand.Uint64N(1_000_000)) //nolint:gosec // a seed is not a secret
	}
	return seeds
}

func parseFaults(list string) ([]faultKind, error) {
	if list == "none" || list == "" {
		return nil, nil
	}
	var chosen []faultKind
	for name := range strings.SplitSeq(list, ",") {
		kind := faultKind(strings.TrimSpace(name))
		if !slices.Contains(allFaults, kind) {
			return nil, fmt.Errorf("-faults: %q is none of %s", kind, strings.Join(textsOf(allFaults), ", "))
		}
		chosen = append(chosen, kind)
	}
	return chosen, nil
}

func textsOf[T ~string](list []T) []string {
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = string(item)
	}
	return texts
}
