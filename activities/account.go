package activities

import (
	"context"
	"fmt"
	"slices"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
)

// Account is a configured account. It has the sender of its channel.
type Account struct {
	Name     string
	Provider string // the driver's name, which attempts and receipts have

	WhatsApp WhatsApp
	SMS      SMS
	Finder   Finder // nil: its provider cannot be asked for a message

	RefusesRepeats bool // see backstop.Attempt
	HoldsUnknown   bool // a call of unknown end is not sent again
	FallsBack      bool // of WhatsApp: a send falls back at once while the account is unhealthy
	HasLimits      bool // its calls are made on a task queue of its own

	// Fault is why no call can be made by the account now: it is disabled, or cannot be opened. Its messages wait.
	Fault string
}

// Accounts finds the accounts.
type Accounts interface {
	// Account returns the account of this name, or false if none is configured.
	Account(name string) (Account, bool)

	// DefaultAccount returns the name of the account for messages to a country that name none, or "".
	DefaultAccount(channel backstop.Channel, country string) string
}

// Health is the circuit breakers of the accounts.
type Health interface {
	// IsUnhealthy reports whether an account gets no call now: its circuit is open, or its messaging limit is reached.
	IsUnhealthy(account string) bool

	// Limit returns why the account sends nothing if its messaging limit is reached, or "".
	Limit(account string) string

	// Allow asks for one call. It returns false if the account gets none. Otherwise the caller calls done, once, with the
	// failure of the call or nil.
	Allow(ctx context.Context, account string) (done func(*backstop.Failure), allowed bool)
}

// healthy is a Health without breakers.
type healthy struct{}

func (healthy) IsUnhealthy(string) bool { return false }

func (healthy) Limit(string) string { return "" }

func (healthy) Allow(context.Context, string) (func(*backstop.Failure), bool) {
	return func(*backstop.Failure) {}, true
}

// findAccounts reads the accounts again if one of a step is not known: another process may have stored it a moment ago, and a
// call by an account that is not configured is refused. If they cannot be read, the call is retried.
func (a *Activities) findAccounts(ctx context.Context, names []string) error {
	isMissing := func(name string) bool {
		_, found := a.accounts.Account(name)
		return !found
	}
	if !slices.ContainsFunc(names, isMissing) {
		return nil
	}
	if err := a.refresh(ctx); err != nil && slices.ContainsFunc(names, isMissing) {
		const why = "not called: an account is not known, and the accounts cannot be read"
		return retryableError(string(backstop.Unavailable), why, 0)
	}
	return nil
}

// accountsOf returns the names of a step's accounts. A send that was accepted before accounts had names has the default one.
func (a *Activities) accountsOf(channel backstop.Channel, step Step) []string {
	if len(step.Accounts) > 0 && step.Accounts[0] != "" {
		return step.Accounts
	}
	return []string{a.accounts.DefaultAccount(channel, "")}
}

// candidates returns accounts as the ledger sees them, also those that are not configured.
func (a *Activities) candidates(names []string) []backstop.Candidate {
	all := make([]backstop.Candidate, len(names))
	for i, name := range names {
		account, found := a.accounts.Account(name)
		all[i] = backstop.Candidate{
			Account: name, Provider: account.Provider,
			IsUnhealthy:    !found || account.Fault != "" || a.health.IsUnhealthy(name),
			RefusesRepeats: account.RefusesRepeats, HoldsUnknown: account.HoldsUnknown,
		}
	}
	return all
}

// sendBy submits a message by an account.
func (a *Activities) sendBy(
	ctx context.Context, name string, submit submitFunc, r backstop.Ruling,
) (backstop.Submission, *backstop.Failure) {
	account, found := a.accounts.Account(name)
	switch {
	case !found:
		return backstop.Submission{}, missingFailure(name)
	case account.Fault != "":
		return backstop.Submission{}, &backstop.Failure{
			Kind: backstop.Unavailable, NotCalled: backstop.NotCalledFaulty, Reason: "not called: " + account.Fault,
		}
	case account.Provider != r.Attempt.Provider || r.Attempt.WasUnknown && !account.RefusesRepeats:
		return backstop.Submission{}, &backstop.Failure{
			Kind: backstop.Unavailable, NotCalled: backstop.NotCalledChanged, Reason: "not called: the account has just changed",
		}
	}
	done, allowed := a.health.Allow(ctx, name)
	if !allowed {
		return backstop.Submission{}, a.unhealthyFailure(name)
	}
	failure := &backstop.Failure{Kind: backstop.Unknown, Reason: "the call panicked"}
	defer func() { done(failure) }()
	submission, err := submit(ctx, account, r)
	failure = backstop.FailureOf(submission, err)
	return submission, failure
}

// triesOfMissing is how many calls are tried by an account that this process lacks. With the engine's pauses that takes 10
// minutes.
const triesOfMissing = 16

// missingFailure is the failure of an account that is not configured. The account may be so new that this process has not
// noticed it, or its variables may be set in newer processes only. After triesOfMissing it counts as a refusal by the account.
func missingFailure(name string) *backstop.Failure {
	return &backstop.Failure{
		Kind: backstop.Unavailable, Class: backstop.AccountFault, MaxTries: triesOfMissing,
		NotCalled: backstop.NotCalledMissing, Reason: fmt.Sprintf("account %q is not configured", name),
	}
}

func (a *Activities) unhealthyFailure(account string) *backstop.Failure {
	f := &backstop.Failure{
		Kind: backstop.Unavailable, NotCalled: backstop.NotCalledUnhealthy,
		Reason: "not called: other calls found the account unhealthy",
	}
	if limit := a.health.Limit(account); limit != "" {
		f.NotCalled, f.Reason = backstop.NotCalledLimit, "not called: "+limit
	}
	return f
}

// checkAccount decides about a call without a change of its attempt, so that 100,000 sends that wait for one account do not each
// write to Postgres. It decides nothing if the account is well and has no limits, or if the ledger has to decide.
func (a *Activities) checkAccount(ctx context.Context, step Step, c backstop.Call) (r Result, isDecided bool, err error) {
	if !a.needsCheck(ctx, step.Accounts) {
		return Result{}, false, nil
	}
	l, err := a.store.Ledger(ctx, step.Send)
	if err != nil {
		return Result{}, false, nil //nolint:nilerr // Begin meets it too
	}
	number, chosen := l.StepOf(c, a.store.Now())
	attempt := l.Attempt(number)
	isOpen := attempt == nil || attempt.IsRetriable() || attempt.MayRepeat()
	account, found := a.accounts.Account(chosen.Account)
	switch {
	case l.Send.FinishedAt != nil || !isOpen || !found:
		return Result{}, false, nil
	case chosen.IsUnhealthy && account.Fault == "" && account.FallsBack && c.Channel == backstop.WhatsApp && !mayHaveWhatsApp(l):
		return a.forgo(ctx, step, account.Name, c)
	case chosen.IsUnhealthy && attempt != nil:
		return Result{}, true, retryableError(string(backstop.Unavailable), "not called: the account is unhealthy", 0)
	case !chosen.IsUnhealthy && account.HasLimits && !isQueueOf(ctx, account.Name):
		return Result{}, true, elsewhereError(account.Name)
	}
	return Result{}, false, nil
}

// mayHaveWhatsApp reports whether a WhatsApp message is out, or may be after a call of unknown end. Then the send does not fall
// back early.
func mayHaveWhatsApp(l *backstop.Ledger) bool {
	return slices.ContainsFunc(l.Attempts, func(a backstop.Attempt) bool {
		return a.Channel == backstop.WhatsApp && a.MayArrive()
	})
}

// needsCheck reports whether one of the accounts is unhealthy, or has limits and another task queue.
func (a *Activities) needsCheck(ctx context.Context, names []string) bool {
	for _, name := range names {
		account, _ := a.accounts.Account(name)
		if account.Fault != "" || a.health.IsUnhealthy(name) || account.HasLimits && !isQueueOf(ctx, name) {
			return true
		}
	}
	return false
}

// forgo counts WhatsApp as failed, because its account is unhealthy and no call was made, or none was taken.
func (a *Activities) forgo(
	ctx context.Context, step Step, account string, c backstop.Call,
) (r Result, isDecided bool, err error) {
	c.Failure = a.unhealthyFailure(account)
	ruling, view, err := a.store.GiveUp(ctx, step.Send, c)
	switch {
	case err != nil:
		return Result{}, true, finalIfNotFound(err)
	case ruling.Answer != backstop.GivenUp:
		return Result{}, false, nil
	}
	return Result{Verdict: Rejected, View: view}, true, nil
}

// Elsewhere is the type of the error of a call that must be made on the task queue of its account. Its details have the account.
const Elsewhere = "elsewhere"

// elsewhereError is an error that the workflow, and not the engine, acts on.
func elsewhereError(account string) error {
	o := temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{account}, Category: temporal.ApplicationErrorCategoryBenign,
	}
	return temporal.NewApplicationErrorWithOptions("the account has a task queue of its own", Elsewhere, o)
}

// QueueSuffix is what follows the task queue of an installation in the name of an account's queue.
func QueueSuffix(account string) string { return "/" + account }

// isQueueOf reports whether the activity runs on the task queue of an account.
func isQueueOf(ctx context.Context, account string) bool {
	info := activity.GetInfo(ctx)
	suffix := QueueSuffix(account)
	queue := info.TaskQueue
	return !info.IsLocalActivity && len(queue) > len(suffix) && queue[len(queue)-len(suffix):] == suffix
}
