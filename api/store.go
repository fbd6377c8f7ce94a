package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

// Rules keeps the rules. Every method returns an Error: NotFound, Conflict (a name taken; deleting a rule that
// policies use, whose names are in the message), Stale (another version than the one asked for, unless that is
// backstop.AnyVersion), TryLater.
type Rules interface {
	CreateRule(ctx context.Context, rule backstop.Rule) (backstop.Rule, error)
	Rule(ctx context.Context, id string) (backstop.Rule, error)
	ListRules(ctx context.Context, search string, page backstop.Page) (rules []backstop.Rule, more bool, err error)
	ReplaceRule(ctx context.Context, rule backstop.Rule, version int) (backstop.Rule, error)
	DeleteRule(ctx context.Context, id string, version int) error
}

// Policies keeps the policies, with the same errors. A rule id that names no rule is an Error of code Invalid with
// the field rule_ids.<index>.
type Policies interface {
	CreatePolicy(ctx context.Context, name string, ruleIDs []string) (backstop.Policy, error)
	Policy(ctx context.Context, id string) (backstop.Policy, error)
	ListPolicies(ctx context.Context, search string, page backstop.Page) (policies []backstop.Policy, more bool, err error)
	ReplacePolicy(ctx context.Context, id, name string, ruleIDs []string, version int) (backstop.Policy, error)
	DeletePolicy(ctx context.Context, id string, version int) error
}

// Sends reads the sends.
type Sends interface {
	Send(ctx context.Context, id string) (backstop.Send, error)
	// Revision is another number when the send, or its timeline, has changed; NotFound if there is no such send.
	Revision(ctx context.Context, id string) (int, error)
	Timeline(ctx context.Context, id string) ([]backstop.Attempt, []backstop.Event, error)
	ListSends(ctx context.Context, filter backstop.SendFilter, page backstop.Page) (sends []backstop.Send, more bool, err error)
	// Stats counts. An Error of code TryLater says that the range holds too many sends, or that Postgres is away.
	Stats(ctx context.Context, filter backstop.StatsFilter) (backstop.Stats, error)
	Ping(ctx context.Context) error
}

// Sessions keeps the sessions of the web console by ids of 32 bytes with which nobody can sign in. Every method may return
// an Error of code TryLater.
type Sessions interface {
	// CreateSession stores a session and forgets those that had ended when it was created.
	CreateSession(ctx context.Context, id []byte, created, expires time.Time) error
	// Session returns when the session ends, or an Error of code NotFound if there is none or it has ended by now.
	Session(ctx context.Context, id []byte, now time.Time) (expires time.Time, err error)
	// DeleteSession deletes the session, if there is one.
	DeleteSession(ctx context.Context, id []byte) error
}

// Handoff takes sends and receipts over, so that neither can be lost.
type Handoff interface {
	// Accepted returns the send that an idempotency key was used for, or false.
	Accepted(ctx context.Context, key handoff.Idempotency) (backstop.Send, bool, error)
	// Accept stores the send (it sets ID, AcceptedAt and the statuses) and starts its workflow. When the key was used
	// meanwhile, it returns that send and false.
	Accept(ctx context.Context, send backstop.Send, key *handoff.Idempotency) (backstop.Send, bool, error)
	// Deliver stores receipts and tells the workflows that wait for them.
	Deliver(ctx context.Context, receipts []backstop.Receipt) error
}

// Webhook reads the receipts of one provider.
type Webhook interface {
	// Name is the last part of the webhook's path, "/webhooks/<name>".
	Name() string
	// Receipts checks the request's signature over the raw body and then parses it. An Error of code Forged or
	// Invalid says what is wrong; with Invalid, the receipts that could be read are returned too.
	Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error)
}

// Handshaker is a Webhook whose provider first asks, by GET, whether the address is ours.
type Handshaker interface {
	// Challenge returns the plain text to answer, or an Error of code Forged.
	Challenge(query url.Values) (string, error)
}
