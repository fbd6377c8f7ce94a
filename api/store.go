package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/people"
)

// Rules stores the rules. The errors of its methods have the type backstop.Error and one of these codes: NotFound; Conflict, if
// the name is taken or a rule to delete is used by policies, which the message names; Stale, if the stored version is not the
// given one, unless that is backstop.AnyVersion; TryLater.
type Rules interface {
	CreateRule(ctx context.Context, rule backstop.Rule) (backstop.Rule, error)
	Rule(ctx context.Context, id string) (backstop.Rule, error)
	ListRules(ctx context.Context, filter backstop.RuleFilter, page backstop.Page) (rules []backstop.Rule, more bool, err error)
	CountRules(ctx context.Context, filter backstop.RuleFilter) (backstop.Total, error)
	ReplaceRule(ctx context.Context, rule backstop.Rule, version int) (backstop.Rule, error)
	DeleteRule(ctx context.Context, id string, version int) error
}

// Policies stores the policies, with the same errors as Rules. If there is no rule with one of the ids, the error has the code
// Invalid and the field rule_ids.<index>.
type Policies interface {
	CreatePolicy(ctx context.Context, p backstop.PolicyInput) (backstop.Policy, error)
	Policy(ctx context.Context, id string) (backstop.Policy, error)
	ListPolicies(
		ctx context.Context, filter backstop.PolicyFilter, page backstop.Page,
	) (policies []backstop.Policy, more bool, err error)
	CountPolicies(ctx context.Context, filter backstop.PolicyFilter) (backstop.Total, error)
	ReplacePolicy(ctx context.Context, id string, p backstop.PolicyInput, version int) (backstop.Policy, error)
	DeletePolicy(ctx context.Context, id string, version int) error
}

// Sends reads the sends.
type Sends interface {
	Statistics

	Send(ctx context.Context, id string) (backstop.Send, error)
	// Revision returns a number that changes with each change of the send or its timeline; NotFound if there is no such send.
	Revision(ctx context.Context, id string) (int, error)
	Timeline(ctx context.Context, id string) ([]backstop.Attempt, []backstop.Event, error)
	ListSends(ctx context.Context, filter backstop.SendFilter, page backstop.Page) (sends []backstop.Send, more bool, err error)
	CountSends(ctx context.Context, filter backstop.SendFilter) (backstop.Total, error)
	// FindSends returns up to limit sends that a text identifies, the newest first.
	FindSends(ctx context.Context, text string, limit int) (backstop.FoundSends, error)
	Ping(ctx context.Context) error
}

// OptOuts stores the list of those who have opted out. The errors of its methods have the code TryLater, or Invalid for a cursor.
type OptOuts interface {
	// PutOptOut stores an entry and returns it. An entry that exists stays as it is.
	PutOptOut(ctx context.Context, o backstop.OptOut) (backstop.OptOut, error)
	// DeleteOptOut removes an entry, if there is one.
	DeleteOptOut(ctx context.Context, number string, category backstop.OptOutCategory, origin backstop.OptOutOrigin) error
	ListOptOuts(
		ctx context.Context, filter backstop.OptOutFilter, page backstop.Page,
	) (list []backstop.OptOut, more bool, err error)
	CountOptOuts(ctx context.Context, filter backstop.OptOutFilter) (backstop.Total, error)
	// OptOutChanges returns the history of a person, the newest change first.
	OptOutChanges(ctx context.Context, number string, page backstop.Page) (list []backstop.OptOutChange, more bool, err error)
	// ImportOptOuts stores all entries or none, and returns how many are new.
	ImportOptOuts(ctx context.Context, entries []backstop.OptOut) (added int, err error)
	// IsOptedOut reports whether the person of a number has opted out of messages of a category; empty: of any.
	IsOptedOut(ctx context.Context, number string, category backstop.Category) (bool, error)
}

// Statistics counts sends, messages and changes.
type Statistics interface {
	// Stats counts sends. It returns an Error of code TryLater if the range has too many sends or Postgres is away.
	Stats(ctx context.Context, filter backstop.StatsFilter) (backstop.Stats, error)
	// MessageStats and StatsChanges have the same errors.
	MessageStats(ctx context.Context, filter backstop.StatsFilter) (backstop.MessageStats, error)
	StatsChanges(ctx context.Context, filter backstop.StatsFilter) (backstop.Changes, error)
}

// Callbacks reads the callbacks of sends, and replays them. The errors of its methods have the codes NotFound, Invalid and
// TryLater.
type Callbacks interface {
	ListCallbacks(
		ctx context.Context, filter backstop.CallbackFilter, page backstop.Page,
	) (callbacks []backstop.QueuedCallback, more bool, err error)
	CountCallbacks(ctx context.Context, filter backstop.CallbackFilter) (backstop.Total, error)
	// Callback returns a callback with its tries, the newest first.
	Callback(ctx context.Context, id string) (backstop.QueuedCallback, []backstop.CallbackTry, error)
	// ReplayCallback makes a callback pending again, and due now.
	ReplayCallback(ctx context.Context, id string) (backstop.QueuedCallback, error)
	// ReplayCallbacks makes up to limit callbacks pending again that are not, the oldest first after an id. Last is the id of the
	// last one, or empty if no more follow.
	ReplayCallbacks(
		ctx context.Context, filter backstop.CallbackFilter, after string, limit int,
	) (replayed int, last string, err error)
	// FailingEndpoints returns up to limit endpoints, the paused ones first.
	FailingEndpoints(ctx context.Context, limit int) ([]backstop.CallbackEndpoint, error)
}

// Sessions stores the sessions of the web console by digests of 32 bytes (server.sessionID), which are no secrets. A session that
// was not seen since a time has ended. Every method may return an Error of code TryLater.
type Sessions interface {
	// CreateSession stores a session, and deletes the sessions that have ended. The session ends with its API key. The result
	// has its id.
	CreateSession(
		ctx context.Context, digest []byte, session backstop.Session, seenSince time.Time,
	) (backstop.Session, error)
	// Session returns a session and stores that it is seen, or returns an Error of code NotFound if there is none, or it has
	// ended.
	Session(ctx context.Context, digest []byte, now, seenSince time.Time) (backstop.Session, error)
	// DeleteSession ends the session, if there is one.
	DeleteSession(ctx context.Context, digest []byte) error
	// EndSession ends the session of an id; with an owner, only if it is one of them. Otherwise the Error has the code NotFound.
	EndSession(ctx context.Context, id string, owner *backstop.SessionOwner) error
	// ListSessions returns the sessions that have not ended, the newest first, and whether more follow; with an owner, those of
	// this one.
	ListSessions(
		ctx context.Context, owner *backstop.SessionOwner, now, seenSince time.Time, page backstop.Page,
	) (list []backstop.Session, more bool, err error)
}

// People signs people in at an identity provider. Its errors have the type people.SignInError.
type People interface {
	// Issuer is the address of the provider.
	Issuer() string
	// Start returns the address at the provider to which a browser is led.
	Start(ctx context.Context, flow people.Flow) (string, error)
	// Finish returns who has signed in, by the code that the browser brings back. The person is known also if the reason of the
	// error is people.NoRole.
	Finish(ctx context.Context, code string, flow people.Flow) (backstop.Person, error)
	// EndURL returns the address that ends the session at the provider, or an empty text if there is none.
	EndURL(ctx context.Context) (string, error)
}

// Handoff stores sends and receipts and hands them over to the workflows. No crash loses them once they are stored.
type Handoff interface {
	// Accepted returns the send of an idempotency key, or false if the key is new.
	Accepted(ctx context.Context, key handoff.Idempotency) (backstop.Send, bool, error)
	// AcceptGuarded stores the send, with its ID, AcceptedAt and statuses, and starts its workflow. If another request has used
	// the key meanwhile, AcceptGuarded returns the send of that request and false. If a check refuses the send, it stores
	// nothing; the cause of the error is then a backstop.GuardError.
	AcceptGuarded(
		ctx context.Context, send backstop.Send, key *handoff.Idempotency, checks backstop.GuardChecks,
	) (backstop.Send, bool, error)
	// Cancel ends a send that its caller does not want any more. It returns an Error of code Conflict if that is too late, and of
	// code NotFound if there is no such send.
	Cancel(ctx context.Context, send string) error
	// Confirm records that the recipient has acted on the message, and ends the send if it has not ended.
	Confirm(ctx context.Context, send string) error
	// Deliver stores receipts and signals the workflows that wait for them.
	Deliver(ctx context.Context, receipts []backstop.Receipt) error
}

// Accounts has the provider accounts: those that the API stores and those that the environment gives. The errors of its methods
// have the type backstop.Error and the codes that Rules has, or Invalid with fields such as settings.<field>. An account of the
// environment is not changed: the error has the code Conflict. With isChecked the provider is asked before an account is stored.
type Accounts interface {
	backstop.Accounts

	// SandboxAccounts has the accounts of the sandbox alone.
	SandboxAccounts() backstop.Accounts
	// Providers returns the descriptions of all drivers.
	Providers() []backstop.Provider
	// ListAccounts returns all accounts: those of the environment, then the stored ones, the oldest first.
	ListAccounts(ctx context.Context) ([]backstop.AccountState, error)
	GetAccount(ctx context.Context, name string) (backstop.AccountState, error)
	CreateAccount(ctx context.Context, account backstop.Account, isChecked bool) (backstop.AccountState, error)
	ReplaceAccount(
		ctx context.Context, change backstop.AccountChange, version int, isChecked bool,
	) (backstop.AccountState, error)
	DeleteAccount(ctx context.Context, name string, version int) error
	CheckAccount(ctx context.Context, name string) (backstop.AccountCheck, error)
	// TestAccount sends a valid test SMS by an account, at once. What the provider answers is no error. Errors have the code
	// NotFound, Invalid if the account sends by WhatsApp, Conflict if it cannot be opened, or TryLater.
	TestAccount(ctx context.Context, test backstop.AccountTest) (backstop.AccountTested, error)
}

// GuardKeeper has the settings of the guards, and counts what they do.
type GuardKeeper interface {
	// Current returns the settings that this process has. They may be two seconds old.
	Current() backstop.Guards
	// Guards returns the stored settings, or an Error of code TryLater.
	Guards(ctx context.Context) (backstop.Guards, error)
	// ReplaceGuards stores valid settings over those of a version, or returns an Error of code Stale or TryLater.
	ReplaceGuards(ctx context.Context, guards backstop.Guards, version int) (backstop.Guards, error)
	// GuardResults returns what the guards did since a time, which it returns too.
	GuardResults(ctx context.Context) ([]backstop.GuardCount, time.Time, error)
	// Admit returns the checks that the store must make, or the Error of a cap that is known to be reached.
	Admit(send backstop.Send, isRepeat bool) (backstop.GuardChecks, error)
	// Accepted counts a send that was accepted.
	Accepted(ctx context.Context, send backstop.Send)
	// Refused counts a send that a guard has refused, or answered with the first send. It ignores any other error.
	Refused(ctx context.Context, send backstop.Send, err error, isAnswered bool)
}

// Templates reads what the providers of the accounts report: the templates and the numbers. The errors of its methods have the
// code TryLater.
type Templates interface {
	ListTemplates(
		ctx context.Context, filter backstop.TemplateFilter, page backstop.TemplatePage,
	) (templates []backstop.MessageTemplate, more bool, err error)
	// TemplatesNamed returns the templates of an account that have a name, in all languages.
	TemplatesNamed(ctx context.Context, account, name string) (backstop.SyncedTemplates, error)
	// Profiles returns what was read of the accounts, by their names. An account that was not read yet is not among them.
	Profiles(ctx context.Context, accounts []string) (map[string]backstop.AccountProfile, error)
}

// Notices stores what webhooks report besides receipts.
type Notices interface {
	// Apply stores what a webhook reports about the accounts of a provider. Its error has the code TryLater: the provider must
	// repeat the webhook.
	Apply(ctx context.Context, provider string, r *http.Request, body []byte) error
}

// Webhook is the webhook of one account.
type Webhook struct {
	Provider string
	Account  string

	Keys     []string // the keys that are valid in the path
	NeedsKey bool     // the provider signs nothing, so a path without a key is not valid

	Reader WebhookReader // nil: the account cannot be opened now

	Generation uint64 // changes if an account has changed
}

// WebhookReader reads the webhooks of one account. It may also be a Handshaker, an Answerer or a GetReceiver.
type WebhookReader interface {
	// Receipts checks the request's signature over the raw body and parses the body. It returns an Error of code Forged if the
	// signature is wrong, and of code Invalid if a part of the body cannot be read. With Invalid it also returns the other
	// receipts.
	Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error)
}

// Handshaker is an account whose provider verifies the address with a GET before it sends receipts.
type Handshaker interface {
	// Challenge returns the plain text of the answer, or an Error of code Forged.
	Challenge(query url.Values) (string, error)
}

// Answerer is an account whose provider expects a certain answer to a webhook.
type Answerer interface {
	WebhookAnswer() (contentType string, body []byte)
}

// GetReceiver is an account whose provider may send receipts by GET.
type GetReceiver interface {
	ReceivesGet() bool
}
