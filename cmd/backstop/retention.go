package main

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/handoff"
)

// keepConfig says how long the parts of sends and the entries of the audit are kept; empty: for ever.
type keepConfig struct {
	Content backstop.Keep `env:"CONTENT"`
	Numbers backstop.Keep `env:"NUMBERS"`
	Records backstop.Keep `env:"RECORDS"`
	Audit   backstop.Age  `env:"AUDIT"`
}

func (c keepConfig) retention() backstop.Retention {
	return backstop.Retention{Content: c.Content, Numbers: c.Numbers, Records: c.Records, Audit: c.Audit}
}

// newRetention makes what removes old sends and people.
func (p *program) newRetention() (err error) {
	if p.retention, err = activities.NewRetention(p.db, p.config.Keep.retention(), p.log); err != nil {
		return err
	}
	if p.erasures, err = handoff.NewErasures(p.db, p.temporal, p.install, p.log); err != nil {
		return err
	}
	p.eraseActs, err = activities.NewErasures(p.db, p.handoff.Cancel)
	return err
}

// sweepErasures starts the erasures that no workflow is at, until ctx is done.
func (p *program) sweepErasures(ctx context.Context) error {
	p.erasures.Sweep(ctx)
	return nil
}

// scheduleRetention makes the schedule of the retention, if there is none. It retries until Temporal can be reached.
func (p *program) scheduleRetention(ctx context.Context) error {
	for {
		err := p.temporal.connect(ctx)
		if err == nil {
			err = handoff.ScheduleRetention(ctx, p.temporal.ScheduleClient(), p.install)
		}
		if err == nil || ctx.Err() != nil {
			return nil //nolint:nilerr // the program stops
		}
		p.log.WarnContext(ctx, "waiting for temporal", "what", "schedule of the retention", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(workerRetry):
		}
	}
}

// removals returns the progress of the retention.
func (p *program) removals(ctx context.Context) ([]backstop.RemovalState, error) {
	return p.db.Removals(ctx, p.config.Keep.retention().Removals())
}
