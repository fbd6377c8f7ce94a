package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// deployment is a way from the previous release to the new one, while sends go out.
type deployment string

const (
	rolled     deployment = "rolled"      // the processes of the previous release end by SIGTERM
	killed     deployment = "killed"      // they end by SIGKILL
	rolledBack deployment = "rolled back" // after the first, the previous release comes back and the new one ends by SIGTERM
)

// The releases of a deployment. Each has an API process and a worker process.
const (
	previousRelease = "previous"
	newRelease      = "new"
)

// deployStep is a step of a deployment. In a run it is a fault, so half of the sends go out just before one of them.
type deployStep string

const (
	migrateDatabase deployStep = "migrate"
	startNew        deployStep = "start-new"
	stopPrevious    deployStep = "stop-previous"
	killPrevious    deployStep = "kill-previous"
	startPrevious   deployStep = "start-previous"
	stopNew         deployStep = "stop-new"
)

// plan returns the steps, spread over the time in which sends go out.
func (d deployment) plan(duration time.Duration) []fault {
	end := stopPrevious
	if d == killed {
		end = killPrevious
	}
	at := func(tenth time.Duration, step deployStep) fault {
		return fault{Kind: faultKind(step), After: duration * tenth / 10}
	}
	steps := []fault{at(2, migrateDatabase), at(3, startNew), at(5, end)}
	if d == rolledBack {
		steps = append(steps, at(6, startPrevious), at(8, stopNew))
	}
	return steps
}

// runDeployment takes the steps, one after another, each at its time or later.
func (s *stack) runDeployment(ctx context.Context, f flags, steps []fault, began time.Time, say say) ([]fault, error) {
	for i := range steps {
		step := &steps[i]
		if !sleepFor(ctx, time.Until(began.Add(step.After))) {
			return nil, ctx.Err()
		}
		say("%s", step.Kind)
		step.Began = time.Now()
		if err := s.takeStep(ctx, f, deployStep(step.Kind), say); err != nil {
			return nil, fmt.Errorf("%s: %w", step.Kind, err)
		}
		step.Ended = time.Now()
	}
	return steps, nil
}

func (s *stack) takeStep(ctx context.Context, f flags, step deployStep, say say) error {
	switch step {
	case migrateDatabase:
		return s.migrate(ctx, f.program)
	case startNew:
		return s.startRelease(ctx, newRelease, say)
	case startPrevious:
		return s.startRelease(ctx, previousRelease, say)
	case stopPrevious:
		return s.stopRelease(previousRelease)
	case stopNew:
		return s.stopRelease(newRelease)
	case killPrevious:
		for _, one := range s.ofRelease(previousRelease) {
			_ = one.end(func(c *child) error { return c.Signal(syscall.SIGKILL) })
		}
		return nil
	default:
		return errors.New("it is no step of a deployment")
	}
}

// ofRelease returns the processes of a release, the worker first.
func (s *stack) ofRelease(release string) []*serve {
	return slices.DeleteFunc(slices.Clone(s.serves), func(one *serve) bool { return !strings.HasPrefix(one.name, release+"-") })
}

// startRelease starts the worker of a release and then its API, as docs/deploy.md says.
func (s *stack) startRelease(ctx context.Context, release string, say say) error {
	for _, one := range s.ofRelease(release) {
		if err := s.startServe(ctx, one, say); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

// longestDrain is what docs/deploy.md grants a worker: three times BACKSTOP_DRAIN, and 5 s.
const longestDrain = 50 * time.Second

// stopRelease ends the worker of a release and then its API by SIGTERM. Each must end in time and with exit code 0.
func (s *stack) stopRelease(release string) error {
	for _, one := range s.ofRelease(release) {
		if err := one.end(func(c *child) error { return c.Stop(longestDrain) }); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}
