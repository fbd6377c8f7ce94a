package accounts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/provider"
)

const (
	testNumber = "+447400123456"
	testSecret = "t0ken-of-the-account"
)

// texter is an account that sends as a script says. It remembers the messages.
type texter struct {
	client

	script func(context.Context, backstop.SMSMessage) (backstop.Submission, error)
	calls  []backstop.SMSMessage
}

func (c *texter) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	c.calls = append(c.calls, m)
	return c.script(ctx, m)
}

// withTexter returns a directory with an account "sms" of a driver that sends, and the client of that account.
func withTexter(t *testing.T, change ...func(*backstop.Account)) (*rig, *texter) {
	t.Helper()
	sender := &texter{script: func(context.Context, backstop.SMSMessage) (backstop.Submission, error) {
		return backstop.Submission{MessageID: "m-1"}, nil
	}}
	r := newRig(t, func(o *accounts.Options) {
		texting, open := signing(), signing().Open
		texting.Name, texting.Channels = "texting", []backstop.Channel{backstop.SMS, backstop.WhatsApp}
		texting.Open = func(s provider.Settings) (provider.Client, error) {
			opened, err := open(s)
			if err != nil {
				return nil, err
			}
			own, _ := opened.(*client)
			sender.client = *own
			return sender, nil
		}
		o.Drivers = append(o.Drivers, texting)
	})
	r.create(t, "sms", append([]func(*backstop.Account){func(a *backstop.Account) {
		a.Provider, a.Settings = "texting", map[string]string{"user": "u", "token": testSecret}
	}}, change...)...)
	return r, sender
}

func (c *texter) answers(s backstop.Submission, err error) {
	c.script = func(context.Context, backstop.SMSMessage) (backstop.Submission, error) { return s, err }
}

func TestDirectory_TestAccount(t *testing.T) {
	t.Parallel()
	rejected := &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "21211", Reason: "is no number"}
	throttled := &backstop.Failure{Kind: backstop.Throttled, Code: "20429", RetryAfter: time.Second}
	away := &backstop.Failure{Kind: backstop.Unavailable, Reason: "dial tcp: refused"}
	lost := &backstop.Failure{Kind: backstop.Unknown, Reason: "no answer in time"}
	for name, tc := range map[string]struct {
		submission backstop.Submission
		err        error
		result     backstop.TestResult
		segments   int
		failure    *backstop.Failure
	}{
		"accepted":            {backstop.Submission{MessageID: "m-1"}, nil, backstop.TestAccepted, 1, nil},
		"counted by provider": {backstop.Submission{MessageID: "m-1", Segments: 3}, nil, backstop.TestAccepted, 3, nil},
		"rejected":            {backstop.Submission{}, rejected, backstop.TestRefused, 1, rejected},
		"throttled":           {backstop.Submission{}, throttled, backstop.TestRefused, 1, throttled},
		"unavailable":         {backstop.Submission{}, away, backstop.TestRefused, 1, away},
		"unknown":             {backstop.Submission{}, lost, backstop.TestUnknown, 1, lost},
		"without an id": {backstop.Submission{}, nil, backstop.TestUnknown, 1,
			&backstop.Failure{Kind: backstop.Unknown, Reason: "the driver returned no message id"}},
		"no failure": {backstop.Submission{}, errors.New(testNumber), backstop.TestUnknown, 1,
			&backstop.Failure{Kind: backstop.Unknown, Reason: "the driver returned no failure but *errors.errorString"}},
	} {
		r, sender := withTexter(t)
		sender.answers(tc.submission, tc.err)
		stored := len(r.store.records)
		tested, err := r.TestAccount(t.Context(), backstop.AccountTest{Account: "sms", To: testNumber, SendID: "ACME"})
		require.NoError(t, err, name)
		require.Equal(t, tc.result, tested.Result(), name)
		require.Equal(t, tc.submission.MessageID, tested.MessageID, name)
		require.Equal(t, tc.segments, tested.Segments, name)
		require.Equal(t, tc.failure, tested.Failure, name)
		require.Len(t, sender.calls, 1, "%s: one call, no retry", name)
		require.Len(t, r.store.records, stored, name)
		require.Contains(t, r.logs.String(), "result="+string(tc.result), name)
		require.NotContains(t, r.logs.String(), testNumber, name)
		require.Contains(t, r.logs.String(), "to="+backstop.Mask(testNumber), name)
	}
}

// The message has the given text or one of one segment, and a reference that is new each time.
func TestDirectory_TestAccount_message(t *testing.T) {
	t.Parallel()
	r, sender := withTexter(t)
	for _, text := range []string{"", "Hello 👋"} {
		_, err := r.TestAccount(t.Context(), backstop.AccountTest{Account: "sms", To: testNumber, Text: text})
		require.NoError(t, err)
	}
	first, second := sender.calls[0], sender.calls[1]
	require.NotEqual(t, first.Ref, second.Ref)
	parsed, err := backstop.ParseRef(first.Ref.String())
	require.NoError(t, err)
	require.Equal(t, first.Ref, parsed)
	require.Equal(t, backstop.SMSStep(0, 0, false), parsed.Step)
	require.Equal(t, "Test of Backstop by account sms", first.Text)
	require.Equal(t, backstop.SMSLength{Encoding: backstop.GSM7, Length: len(first.Text), Segments: 1}, backstop.MeasureSMS(first.Text))
	require.Equal(t, "Hello 👋", second.Text)
	require.Equal(t, testNumber, second.To)
	require.Empty(t, second.SendID)
	require.Zero(t, second.ValidFor)
}

func TestDirectory_TestAccount_disabled(t *testing.T) {
	t.Parallel()
	r, sender := withTexter(t, func(a *backstop.Account) { a.IsDisabled, a.CallsPerSecond = true, 1 })
	for range 3 { // its limits do not count
		tested, err := r.TestAccount(t.Context(), backstop.AccountTest{Account: "sms", To: testNumber})
		require.NoError(t, err)
		require.Equal(t, backstop.TestAccepted, tested.Result())
	}
	require.Len(t, sender.calls, 3)
}

// A provider that does not answer within the account's timeout leaves the result open. The call goes on if the caller leaves.
func TestDirectory_TestAccount_noAnswer(t *testing.T) {
	t.Parallel()
	r, sender := withTexter(t, func(a *backstop.Account) { a.CallTimeout = time.Second })
	sender.script = func(ctx context.Context, _ backstop.SMSMessage) (backstop.Submission, error) {
		<-ctx.Done()
		return backstop.Submission{}, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	tested, err := r.TestAccount(ctx, backstop.AccountTest{Account: "sms", To: testNumber})
	require.NoError(t, err)
	require.Equal(t, backstop.TestUnknown, tested.Result())
	require.GreaterOrEqual(t, tested.Took, time.Second)
	require.Len(t, sender.calls, 1)
}

// A driver that panics leaves the result open. The log has the type of the panic alone.
func TestDirectory_TestAccount_panic(t *testing.T) {
	t.Parallel()
	r, sender := withTexter(t)
	sender.script = func(_ context.Context, m backstop.SMSMessage) (backstop.Submission, error) { panic(m.To + testSecret) }
	tested, err := r.TestAccount(t.Context(), backstop.AccountTest{Account: "sms", To: testNumber})
	require.NoError(t, err)
	require.Equal(t, backstop.TestUnknown, tested.Result())
	require.Equal(t, 1, tested.Segments)
	require.Contains(t, r.logs.String(), "driver panicked in a test")
	require.NotContains(t, r.logs.String(), testNumber)
	require.NotContains(t, r.logs.String(), testSecret)
}

// A driver that forgets to hide a secret or a number does not show them.
func TestDirectory_TestAccount_secrets(t *testing.T) {
	t.Parallel()
	r, sender := withTexter(t)
	given := &backstop.Failure{Kind: backstop.Rejected, Code: "1", Reason: testSecret + " may not send to " + testNumber}
	sender.answers(backstop.Submission{}, given)
	tested, err := r.TestAccount(t.Context(), backstop.AccountTest{Account: "sms", To: testNumber})
	require.NoError(t, err)
	for _, text := range []string{tested.Failure.Error(), r.logs.String()} {
		require.Contains(t, text, "may not send to")
		require.NotContains(t, text, testSecret)
		require.NotContains(t, text, testNumber[1:])
	}
	require.Contains(t, given.Reason, testSecret, "the driver's failure stays as it is")
}

func TestDirectory_TestAccount_refused(t *testing.T) {
	t.Parallel()
	r, sender := withTexter(t)
	r.create(t, "whatsapp", func(a *backstop.Account) { a.Provider, a.Channel = "texting", backstop.WhatsApp })
	test := func(r *rig, account string) error {
		_, err := r.TestAccount(t.Context(), backstop.AccountTest{Account: account, To: testNumber})
		return err
	}
	coded(t, backstop.NotFound, test(r, "none"))
	require.Contains(t, coded(t, backstop.Invalid, test(r, "whatsapp")).Message, "whatsapp.account")

	// The account still has the client of its former settings, which is not what a test is for.
	other := r.other(t, func(o *accounts.Options) { o.Keyring, o.Drivers = ring(t, "k2"), r.o.Drivers })
	require.Contains(t, coded(t, backstop.Conflict, test(other, "sms")).Message, `"k1"`)
	r.replace(t, "sms", map[string]string{"user": "u"}, func(c *backstop.AccountChange) { c.Account.Provider = "texting" })
	i := r.store.index("sms")
	r.store.records[i].Sealed, r.store.records[i].Version = []byte("damaged"), 9
	r.store.mark++
	coded(t, backstop.Conflict, test(r, "sms"))
	require.Empty(t, sender.calls)

	r.store.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	coded(t, backstop.TryLater, test(r, "sms"))
}
