package activities

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/backstophq/backstop"
)

const (
	// CallTimeout bounds a provider call with its writes. After it another run may take over.
	CallTimeout = backstop.CallTimeout

	// AdmitTimeout is how long an ordinary activity waits for a slot among the worker's calls, before CallTimeout begins.
	AdmitTimeout = 5 * time.Second

	// beginAndCallTimeout bounds Begin and the provider call together. The rest of CallTimeout is for the write that follows.
	beginAndCallTimeout = CallTimeout - storeTimeout
)

// submitFunc submits the message of a step to its provider. The ruling has the message.
type submitFunc func(context.Context, backstop.Ruling) (backstop.Submission, error)

// makeCall makes one provider call of a step: it begins the call in the ledger, calls the provider, stores the end of the call,
// and waits for receipts if the step asks for that.
func (a *Activities) makeCall(ctx context.Context, step Step, c backstop.Call, submit submitFunc) (Result, error) {
	freeSlot, err := a.acquireSlot(ctx)
	if err != nil {
		return Result{}, err
	}
	defer freeSlot()
	if err := a.prepareCall(ctx, step, c); err != nil {
		return Result{}, err
	}
	began := a.now()
	c.Token = rand.Text()
	ruling, view, err := a.store.Begin(ctx, step.Send, c)
	if err != nil {
		return Result{}, a.keepFailedBegin(ctx, step.Send, c, err)
	}
	if ruling.Answer != backstop.MayCall {
		return resultOfRefusal(ruling, view, a.store.Now())
	}
	ending := backstop.Ending{Step: c.Step(), Token: c.Token, SMSReceiptWait: step.SMSReceiptWait}
	ending.Submission, ending.Failure = a.callProvider(ctx, began.Add(beginAndCallTimeout), a.breakerOf(step, c), ruling, submit)
	freeSlot() // the receipt wait needs no slot
	a.logFailure(ctx, step.Send, c.Provider, ending.Failure)
	if ending.Failure == nil {
		var freeWait func()
		ending.AwaitReceipts, freeWait = a.reserveReceiptWait(ctx, step.AwaitReceipts-a.now().Sub(began))
		defer freeWait()
	}
	attempt, view, err := a.saveEnd(ctx, step.Send, ending)
	// AwaitsReceiptsUntil is set for an accepted call only, so resultOf returns Accepted after the wait.
	if err == nil && attempt.AwaitsReceiptsUntil != nil && ending.AwaitReceipts > 0 {
		view, err = a.awaitReceipts(ctx, attempt.Ref, view, ending.AwaitReceipts)
	}
	if err != nil {
		return Result{}, err
	}
	return resultOf(attempt, view)
}

// acquireSlot acquires a slot among this worker's concurrent calls. A local activity does not wait for one, because its workflow
// task would wait too; the workflow retries it as an ordinary activity. An ordinary activity waits for AdmitTimeout at most, so
// that CallTimeout is left for the call; then the engine retries it.
func (a *Activities) acquireSlot(ctx context.Context) (free func(), err error) {
	if a.calls == nil {
		return func() {}, nil
	}
	free = sync.OnceFunc(func() { <-a.calls })
	select {
	case a.calls <- struct{}{}:
		return free, nil
	default:
	}
	if !activity.GetInfo(ctx).IsLocalActivity {
		select {
		case a.calls <- struct{}{}:
			return free, nil
		case <-time.After(AdmitTimeout):
		case <-ctx.Done():
		}
	}
	return nil, retryableError(Busy, "the worker makes as many calls as it may", 0)
}

// prepareCall stores the end of an earlier run's call, if that run could not, and then asks the circuit breaker of the account.
// It returns an error if the engine is to retry later.
func (a *Activities) prepareCall(ctx context.Context, step Step, c backstop.Call) error {
	if err := a.saveEarlierEnd(ctx, step, c.Step()); err != nil {
		return err
	}
	return a.checkBreaker(ctx, step, c)
}

// callProvider calls the provider, unless until has passed: this process was frozen then, and another may have taken over.
func (a *Activities) callProvider(
	ctx context.Context, until time.Time, circuit breaker, ruling backstop.Ruling, submit submitFunc,
) (backstop.Submission, *backstop.Failure) {
	if !a.now().Before(until) {
		return backstop.Submission{}, &backstop.Failure{
			Kind: backstop.Unavailable, Reason: "the process was held up before the call",
		}
	}
	ctx, cancel := context.WithTimeout(ctx, until.Sub(a.now()))
	defer cancel()
	submission, failure := circuit.execute(func() (backstop.Submission, *backstop.Failure) {
		submission, err := submit(ctx, ruling)
		return submission, failureOf(submission, err)
	})
	return submission, rejectedAfterTries(failure, ruling)
}
