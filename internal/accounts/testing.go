package accounts

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// TestAccount sends one SMS by an account, at once. It makes one call, also if the account is disabled or unhealthy. It first
// adds an entry to the audit, and stores nothing else: the call counts for neither the account's health nor its limits. An answer
// of the provider is no error. Errors have the code NotFound, TryLater, Invalid if the account sends by WhatsApp, or Conflict if
// it cannot be opened. The caller has validated the test.
func (d *Directory) TestAccount(ctx context.Context, test backstop.AccountTest) (backstop.AccountTested, error) {
	if err := d.Load(ctx); err != nil {
		return backstop.AccountTested{}, err
	}
	o, found := d.Find(test.Account)
	if !found {
		return backstop.AccountTested{}, errNotFound()
	}
	if err := checkTestable(o); err != nil {
		return backstop.AccountTested{}, err
	}
	sms, ok := o.Client.(provider.SMS)
	if !ok {
		return backstop.AccountTested{}, fmt.Errorf("test account %s: its driver %s sends no SMS", o.Name, o.Provider)
	}
	// The reference belongs to no send, so receipts with it match nothing. It is new, so no provider takes the message for a
	// repeated one.
	id, err := uuid.NewV7()
	if err != nil {
		return backstop.AccountTested{}, fmt.Errorf("make reference of a test: %w", err)
	}
	m := backstop.SMSMessage{
		Ref: backstop.Ref{Send: id.String(), Step: backstop.SMSStep(0, 0, false)},
		To:  test.To, SendID: test.SendID, Text: cmp.Or(test.Text, test.DefaultText()),
	}
	if err := d.auditTest(ctx, test); err != nil {
		return backstop.AccountTested{}, err
	}
	tested := d.submit(ctx, o, sms, m)
	d.logTest(ctx, o, m, tested)
	return tested, nil
}

func (d *Directory) auditTest(ctx context.Context, test backstop.AccountTest) error {
	after, err := json.Marshal(map[string]string{"send_id": test.SendID})
	if err != nil {
		return fmt.Errorf("write test: %w", err)
	}
	return d.o.Store.AddAuditEntry(ctx, backstop.AuditEntry{
		Action: backstop.AuditTest, Kind: backstop.AuditAccount, Target: test.Account, Name: test.Account, To: test.To,
		After: after,
	})
}

// checkTestable returns why no test SMS goes out by an account, or nil. An account with a fault may have the client of its former
// settings, which is not the one to test.
func checkTestable(o Open) error {
	switch {
	case o.Channel != backstop.SMS:
		return &backstop.Error{
			Code: backstop.Invalid, Message: "the account sends by WhatsApp: to test it, make a send with whatsapp.account",
		}
	case o.Fault != "":
		return &backstop.Error{Code: backstop.Conflict, Message: "the account cannot be opened: " + o.Fault}
	}
	return nil
}

// submit makes the call. It goes on if the caller disconnects, so that its result is known. After a panic the result is unknown.
func (d *Directory) submit(
	ctx context.Context, o Open, sms provider.SMS, m backstop.SMSMessage,
) (tested backstop.AccountTested) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.CallTimeout)
	defer cancel()
	began := time.Now()
	tested = backstop.AccountTested{
		Segments: backstop.MeasureSMS(m.Text).Segments,
		Failure:  &backstop.Failure{Kind: backstop.Unknown, Reason: "the call panicked"},
	}
	defer func() {
		tested.Took = time.Since(began)
		if cause := recover(); cause != nil { // its text may quote the request
			d.o.Log.ErrorContext(ctx, "driver panicked in a test", slog.String("account", o.Name),
				slog.String("provider", o.Provider), slog.String("type", fmt.Sprintf("%T", cause)),
				slog.String("stack", string(debug.Stack())))
		}
	}()
	submission, err := sms.SendSMS(ctx, m)
	tested.Failure = d.withoutSecrets(backstop.FailureOf(submission, err))
	if tested.Failure == nil {
		tested.MessageID, tested.Segments = submission.MessageID, cmp.Or(submission.Segments, tested.Segments)
	}
	return tested
}

// withoutSecrets returns a copy of a failure that can be shown. Drivers hide secrets and numbers; this makes sure of it.
func (d *Directory) withoutSecrets(f *backstop.Failure) *backstop.Failure {
	if f == nil {
		return nil
	}
	hidden := *f
	hidden.Reason = provider.NewPoster(0, d.o.Secrets).Text(f.Reason)
	return &hidden
}

func (d *Directory) logTest(ctx context.Context, o Open, m backstop.SMSMessage, tested backstop.AccountTested) {
	attributes := []any{
		slog.String("account", o.Name), slog.String("provider", o.Provider), slog.String("to", backstop.Mask(m.To)),
		slog.String("result", string(tested.Result())), slog.Float64("ms", float64(tested.Took.Microseconds())/1000),
	}
	if f := tested.Failure; f != nil {
		attributes = append(attributes, slog.String("kind", string(f.Kind)), slog.String("class", string(f.Class)),
			slog.String("code", f.Code), slog.String("reason", f.Reason))
	}
	d.o.Log.InfoContext(ctx, "test message sent", attributes...)
}
