package activities

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"

	"github.com/backstophq/backstop"
)

// eraseAtOnce is how many sends one transaction changes.
const eraseAtOnce = 200

// ErasureStore removes people.
type ErasureStore interface {
	Erasure(ctx context.Context, id string) (backstop.Erasure, error)

	// SendsToCancel returns the sends of an erasure that have not ended.
	SendsToCancel(ctx context.Context, e backstop.Erasure) ([]string, error)

	// Erase removes one batch, and reports whether to go on at once.
	Erase(ctx context.Context, id string, limit int) (e backstop.Erasure, more bool, err error)
}

// Erasures has the activity of workflows.Erase.
type Erasures struct {
	store  ErasureStore
	cancel func(ctx context.Context, send string) error
}

// NewErasures returns the activities. The function cancels a send, or returns an Error of code Conflict if it comes too late.
func NewErasures(store ErasureStore, cancel func(ctx context.Context, send string) error) (*Erasures, error) {
	if store == nil || cancel == nil {
		return nil, errors.New("new erasures: store and cancel are required")
	}
	return &Erasures{store: store, cancel: cancel}, nil
}

// ErasePerson cancels the sends of an erasure and removes all that has ended. It reports whether the erasure is done. Repeated,
// it goes on where it was.
func (a *Erasures) ErasePerson(ctx context.Context, id string) (isDone bool, err error) {
	e, err := a.store.Erasure(ctx, id)
	if err != nil {
		return false, fmt.Errorf("read erasure: %w", err)
	}
	if e.FinishedAt != nil {
		return true, nil
	}
	sends, err := a.store.SendsToCancel(ctx, e)
	if err != nil {
		return false, fmt.Errorf("list sends to cancel: %w", err)
	}
	for _, send := range sends {
		err := a.cancel(ctx, send)
		if code := backstop.CodeOf(err); err != nil && code != backstop.Conflict && code != backstop.NotFound {
			return false, fmt.Errorf("cancel send: %w", err)
		}
		activity.RecordHeartbeat(ctx)
	}
	for more := true; more; {
		if e, more, err = a.store.Erase(ctx, id, eraseAtOnce); err != nil {
			return false, fmt.Errorf("erase: %w", err)
		}
		activity.RecordHeartbeat(ctx)
	}
	return e.FinishedAt != nil, nil
}
