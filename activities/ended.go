package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/backstophq/backstop"
)

// Ended is how a call ended, as the engine keeps it until it can be stored. It has no message id, which may hold the
// recipient's number, and no text of the provider's: a receipt brings the id later.
type Ended struct {
	Token       string               `json:"token"`
	Kind        backstop.FailureKind `json:"kind,omitempty"` // empty: accepted
	Class       backstop.RejectClass `json:"class,omitempty"`
	Code        string               `json:"code,omitempty"`
	RetryAfter  time.Duration        `json:"retry_after,omitempty"`
	Segments    int                  `json:"segments,omitempty"`
	ReceiptWait time.Duration        `json:"receipt_wait,omitempty"`
}

func endedOf(e backstop.Ending) Ended {
	ended := Ended{Token: e.Token, Segments: e.Submission.Segments, ReceiptWait: e.ReceiptWait}
	if f := e.Failure; f != nil {
		ended.Kind, ended.Class, ended.Code, ended.RetryAfter = f.Kind, f.Class, f.Code, f.RetryAfter
	}
	return ended
}

func (e Ended) ending(step int) backstop.Ending {
	ending := backstop.Ending{Step: step, Token: e.Token, ReceiptWait: e.ReceiptWait}
	if e.Kind == "" {
		ending.Submission.Segments = e.Segments
		return ending
	}
	ending.Failure = &backstop.Failure{Kind: e.Kind, Class: e.Class, Code: e.Code, RetryAfter: e.RetryAfter}
	return ending
}

// unsaved returns how an earlier run's call ended that could not be stored, or nil. It may be stored since.
func unsaved(ctx context.Context, step Step) *Ended {
	if !activity.HasHeartbeatDetails(ctx) {
		return step.Ended
	}
	var ended Ended
	if err := activity.GetHeartbeatDetails(ctx, &ended); err != nil {
		return step.Ended
	}
	return &ended
}
