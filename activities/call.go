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
type submitFunc func(context.Context, Account, backstop.Ruling) (backstop.Submission, error)

// makeCall makes one provider call of a step: it begins the call in the ledger, calls the provider, stores the end of the call,
// and waits for receipts if the step asks for that. If the account refuses for a reason of its own, or asks for a long pause, and
// the step has another, it makes the next call at once.
func (a *Activities) makeCall(ctx context.Context, step Step, c backstop.Call, submit submitFunc) (Result, error) {
	step.Accounts = a.accountsOf(c.Channel, step)
	freeSlot, err := a.acquireSlot(ctx)
	if err != nil {
		return Result{}, err
	}
	defer freeSlot()
	if err := a.saveEarlierEnd(ctx, step); err != nil {
		return Result{}, err
	}
	if err := a.findAccounts(ctx, step.Accounts); err != nil {
		return Result{}, err
	}
	began := a.now()
	for {
		result, hasNext, err := a.callOnce(ctx, step, c, submit, began, freeSlot)
		if !hasNext {
			return result, err
		}
		if a.now().Sub(began) > CallTimeout-beginAndCallTimeout {
			return Result{}, retryableError(NextAccount, "an account did not take the message, and another may", 0)
		}
	}
}

// callOnce makes a call by one account. hasNext is true if another account is to be asked at once.
func (a *Activities) callOnce(
	ctx context.Context, step Step, c backstop.Call, submit submitFunc, began time.Time, freeSlot func(),
) (r Result, hasNext bool, err error) {
	c.Candidates = a.candidates(step.Accounts)
	if r, isDecided, err := a.checkAccount(ctx, step, c); isDecided {
		return r, false, err
	}
	c.Token = rand.Text()
	ruling, view, err := a.store.Begin(ctx, step.Send, c)
	if err != nil {
		return Result{}, false, a.keepFailedBegin(ctx, step.Send, c, err)
	}
	if ruling.Answer != backstop.MayCall {
		r, err = resultOfRefusal(ruling, view, a.store.Now())
		return r, false, err
	}
	ending := backstop.Ending{Step: ruling.Attempt.Ref.Step, Token: c.Token, SMSReceiptWait: step.SMSReceiptWait}
	calling, endSpan := a.trace(ctx, ruling.Send.Traceparent, ruling.Attempt)
	ending.Submission, ending.Failure = a.callProvider(calling, began.Add(beginAndCallTimeout), ruling, submit)
	a.logFailure(calling, step.Send, ruling.Attempt, ending.Failure)
	endSpan(ending.Failure)
	mayGoOn := ending.Failure != nil && c.Channel == backstop.SMS && len(step.Accounts) > 1
	if !mayGoOn {
		freeSlot() // the receipt wait needs no slot
	}
	if ending.Failure == nil {
		var freeWait func()
		ending.AwaitReceipts, freeWait = a.reserveReceiptWait(ctx, step.AwaitReceipts-a.now().Sub(began))
		defer freeWait()
	}
	attempt, view, err := a.saveEnd(ctx, step.Send, ending)
	if err == nil && mayGoOn && attempt.LeavesToNext() {
		return Result{}, true, nil
	}
	// AwaitsReceiptsUntil is set for an accepted call only, so resultOf returns Accepted after the wait.
	if err == nil && attempt.AwaitsReceiptsUntil != nil && ending.AwaitReceipts > 0 {
		view, err = a.awaitReceipts(ctx, attempt.Ref, view, ending.AwaitReceipts)
	}
	if err != nil {
		return Result{}, false, err
	}
	r, err = resultOf(attempt, view)
	return r, false, err
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

// callProvider calls the provider, unless until has passed: this process was frozen then, and another may have taken over. It
// does not call either if the message expired while Postgres or this process was held up. The next Begin then answers so.
func (a *Activities) callProvider(
	ctx context.Context, until time.Time, ruling backstop.Ruling, submit submitFunc,
) (backstop.Submission, *backstop.Failure) {
	expires := ruling.Send.ExpiresAt
	if !a.now().Before(until) || expires != nil && !a.store.Now().Before(*expires) {
		return backstop.Submission{}, &backstop.Failure{
			Kind: backstop.Unavailable, Reason: "the process was held up before the call",
		}
	}
	ctx, cancel := context.WithTimeout(ctx, until.Sub(a.now()))
	defer cancel()
	submission, failure := a.sendBy(ctx, ruling.Attempt.Account, submit, ruling)
	return submission, rejectedAfterTries(failure, ruling)
}
