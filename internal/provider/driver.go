package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/backstophq/backstop"
)

// Driver opens the accounts of one provider. Each driver is a package that exports one Driver, which package registry lists.
type Driver struct {
	backstop.Provider

	// Open returns an account with these settings. Its error joins a FieldError for each wrong setting.
	Open func(Settings) (Client, error)

	// ErrorCodes returns all error codes that the driver knows.
	ErrorCodes func() ([]backstop.ErrorCode, error)
}

// Settings are what a driver needs to open an account. They are valid by the driver's description, with the defaults filled in.
type Settings struct {
	Account string // the account's name, which receipts carry
	Channel backstop.Channel
	Values  map[string]string // by field
	Timeout time.Duration     // of one call; 0: DefaultTimeout

	// Former are earlier values of the fields that verify webhooks. They still verify.
	Former map[string][]string

	// PublicURLs are the addresses of the API as providers see it. The first is the present one, the others are former ones: a
	// signature over an address is checked against all.
	PublicURLs []*url.URL

	// WebhookPath is the path of the account's webhook, with its key if the provider signs nothing.
	WebhookPath string

	// Sibling returns the open account of the same provider and channel of which a setting has this value, or nil. Nil: there is
	// no other account.
	Sibling func(field, value string) Client

	// Secrets are the secrets of all accounts, which failures hide. Open adds the secrets of this account.
	Secrets *Secrets
}

// Verifiers returns the present and the former values of a field that verifies webhooks.
func (s Settings) Verifiers(field string) []string {
	return append([]string{s.Values[field]}, s.Former[field]...)
}

// WebhookURL returns the address of the account's webhook.
func (s Settings) WebhookURL() *url.URL { return s.PublicURLs[0].JoinPath(s.WebhookPath) }

// Client is an open account of a provider. It also has SendWhatsApp or SendSMS, by its channel, and may be one of the interfaces
// below.
type Client interface {
	// Receipts verifies a webhook and returns what it reports. It returns an Error of code Forged if the webhook is not from the
	// provider, and of code Invalid if a part of it cannot be read. With Invalid it also returns the other receipts. The account
	// of a receipt is empty if the provider says that another account sent the message, and the reference is ours.
	Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error)
}

// WhatsApp is an account that sends by WhatsApp. Every error is a *backstop.Failure.
type WhatsApp interface {
	SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error)
}

// SMS is an account that sends by SMS. Every error is a *backstop.Failure.
type SMS interface {
	SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error)
}

// Finder is an account whose provider is asked for the status of a message. Find returns nil only if the provider does not have
// the message.
type Finder interface {
	Find(ctx context.Context, q backstop.Inquiry) (*backstop.Found, error)
}

// Handshaker is an account whose provider verifies the address of the webhook with a GET.
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

// RepeatRefuser is an account whose provider may refuse a repeated message, depending on the account's settings. It replaces
// RefusesRepeats of the driver's description.
type RepeatRefuser interface {
	RefusesRepeats() bool
}

// Checker is an account that can check itself. Check returns a FieldError if the provider refuses a setting, a *backstop.Failure
// if it does not answer, and nil if the account works as far as can be known. It sends nothing to a recipient.
type Checker interface {
	Check(ctx context.Context) error
}

// TemplateLister is an account whose provider lists its WhatsApp templates.
type TemplateLister interface {
	// Templates returns all templates of the account, without Account and UpdatedAt. A template that cannot be read is left out.
	// The error is ErrNoTemplates if the account's settings do not name the templates, else a *backstop.Failure.
	Templates(ctx context.Context) ([]backstop.MessageTemplate, error)
}

// ErrNoTemplates is the error of an account whose settings do not name its templates.
var ErrNoTemplates = errors.New("the settings of the account do not name its templates")

// Profiler is an account whose provider reports the state of its number. Every error is a *backstop.Failure.
type Profiler interface {
	Profile(ctx context.Context) (backstop.NumberProfile, error)
}

// LimitSharer is an account that shares its messaging limit with other accounts of its provider.
type LimitSharer interface {
	// LimitGroup returns what the accounts that share a limit have in common.
	LimitGroup() string
}

// Notifier is an account whose provider reports changes of templates and of the account itself by webhook.
type Notifier interface {
	// Notices returns what a webhook reports about this account. The webhook may have come to the address of another account of
	// the provider. Notices returns nothing if the webhook is not signed with a secret of this account.
	Notices(r *http.Request, body []byte) []backstop.Notice
}

// FieldError is what is wrong with a setting of an account. The reason never repeats the value of a secret.
type FieldError struct {
	Field  string
	Reason string
}

func (f *FieldError) Error() string { return f.Field + " " + f.Reason }

// FieldErrors returns all faults in the tree of an error.
func FieldErrors(err error) []*FieldError {
	switch e := err.(type) { //nolint:errorlint // this walks the tree itself
	case *FieldError:
		return []*FieldError{e}
	case interface{ Unwrap() []error }:
		var all []*FieldError
		for _, inner := range e.Unwrap() {
			all = append(all, FieldErrors(inner)...)
		}
		return all
	case interface{ Unwrap() error }:
		return FieldErrors(e.Unwrap())
	}
	return nil
}

// MustDescribe reads a driver's account.json, which is embedded in the program. It panics if the file is wrong.
func MustDescribe(file []byte) backstop.Provider {
	var p backstop.Provider
	decoder := json.NewDecoder(bytes.NewReader(file))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		panic(fmt.Sprintf("read account.json: %v", err))
	}
	for i := range p.Fields {
		if p.Fields[i].Kind == "" {
			p.Fields[i].Kind = backstop.TextField
		}
	}
	return p
}
