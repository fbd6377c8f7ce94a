package accounts_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/provider"
)

// store keeps records in memory. If away is set, every method returns it.
type store struct {
	mu      sync.Mutex
	records []accounts.Record
	mark    int64
	lists   int // how often the records were listed
	marks   int // how often the mark was read
	away    error
	hangs   bool // the mark is not read before the context ends
	audit   []backstop.AuditEntry
}

func (s *store) lock() func() {
	s.mu.Lock()
	return s.mu.Unlock
}

func (s *store) index(name string) int {
	return slices.IndexFunc(s.records, func(r accounts.Record) bool { return r.Name == name })
}

// changed stamps the records of a change. The database's clock never repeats a time.
func (s *store) changed() time.Time {
	s.mark++
	return time.Date(2031, 1, 1, 0, 0, int(s.mark), 0, time.UTC)
}

func (s *store) AddAuditEntry(_ context.Context, e backstop.AuditEntry) error {
	defer s.lock()()
	if s.away == nil {
		s.audit = append(s.audit, e)
	}
	return s.away
}

func (s *store) CreateAccount(_ context.Context, record accounts.Record) (accounts.Record, error) {
	defer s.lock()()
	if s.away != nil || s.index(record.Name) >= 0 {
		return accounts.Record{}, errors.Join(s.away, &backstop.Error{Code: backstop.Conflict, Message: "taken"})
	}
	at := s.changed()
	record.Version, record.CreatedAt, record.UpdatedAt = 1, at, at
	s.records = append(s.records, record)
	return record, nil
}

func (s *store) Account(_ context.Context, name string) (accounts.Record, error) {
	defer s.lock()()
	i := s.index(name)
	if i < 0 {
		return accounts.Record{}, &backstop.Error{Code: backstop.NotFound, Message: "no such account"}
	}
	return s.records[i], s.away
}

func (s *store) ListAccounts(context.Context) ([]accounts.Record, error) {
	defer s.lock()()
	s.lists++
	return slices.Clone(s.records), s.away
}

func (s *store) ReplaceAccount(_ context.Context, record accounts.Record, version int) (accounts.Record, error) {
	defer s.lock()()
	i := s.index(record.Name)
	if i < 0 || (version != backstop.AnyVersion && s.records[i].Version != version) {
		return accounts.Record{}, &backstop.Error{Code: backstop.Stale, Message: "it has changed"}
	}
	record.Version, record.CreatedAt, record.UpdatedAt = s.records[i].Version+1, s.records[i].CreatedAt, s.changed()
	s.records[i] = record
	return record, s.away
}

func (s *store) ResealAccount(_ context.Context, name string, version int, sealed []byte) error {
	defer s.lock()()
	i := s.index(name)
	if i < 0 || s.records[i].Version != version {
		return &backstop.Error{Code: backstop.Stale, Message: "it has changed"}
	}
	s.changed()
	s.records[i].Sealed = sealed
	return s.away
}

func (s *store) DeleteAccount(_ context.Context, name string, _ int) error {
	defer s.lock()()
	i := s.index(name)
	if i < 0 {
		return &backstop.Error{Code: backstop.NotFound, Message: "no such account"}
	}
	s.changed()
	s.records = slices.Delete(s.records, i, i+1)
	return s.away
}

// fail makes each look fail with an error, or hang.
func (s *store) fail(away error, hangs bool) {
	defer s.lock()()
	s.away, s.hangs = away, hangs
}

func (s *store) AccountsMark(ctx context.Context) (int64, error) {
	unlock := s.lock()
	s.marks++
	mark, away, hangs := s.mark+1, s.away, s.hangs
	unlock()
	if hangs {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return mark, away
}

// client is an open account. It remembers its settings.
type client struct{ settings provider.Settings }

func (*client) Receipts(*http.Request, []byte) ([]backstop.Receipt, error) { return nil, nil }

// Check is as the token says.
func (c *client) Check(context.Context) error {
	switch token := c.settings.Values["token"]; token {
	case "wrong":
		return errors.Join(&provider.FieldError{Field: "token", Reason: "is not accepted: " + token + c.settings.Values["token"]})
	case "unreachable":
		return &backstop.Failure{Kind: backstop.Unavailable, Reason: "dial tcp: refused"}
	}
	return nil
}

// signing is a driver that verifies webhooks with the token, and checks accounts. It does not open an account with the user
// "impossible".
func signing() provider.Driver {
	return provider.Driver{
		Provider: backstop.Provider{
			Name: "signing", Title: "Signing", Channels: []backstop.Channel{backstop.SMS}, SignsWebhooks: true,
			ChecksAccounts: true, OnUnknown: backstop.HoldUnknown,
			Fields: []backstop.AccountField{
				{Name: "user", Kind: backstop.TextField, Required: true},
				{Name: "token", Kind: backstop.SecretField, Required: true, Verifies: true},
				{Name: "password", Kind: backstop.SecretField},
				{Name: "base_url", Kind: backstop.URLField, Default: "https://api.example"},
			},
		},
		Open: func(s provider.Settings) (provider.Client, error) {
			if s.Values["user"] == "impossible" {
				return nil, errors.Join(&provider.FieldError{Field: "user", Reason: "is impossible"},
					&provider.FieldError{Field: "token", Reason: "is " + s.Values["token"]})
			}
			s.Secrets.Add(s.Values["token"], s.Values["password"])
			return &client{s}, nil
		},
	}
}

// plain is a driver whose provider signs nothing and offers no check.
func plain() provider.Driver {
	d := signing()
	d.Name, d.SignsWebhooks, d.ChecksAccounts = "plain", false, false
	d.Fields = []backstop.AccountField{{Name: "user", Kind: backstop.TextField}}
	return d
}

// clock is a time that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a directory with a store in memory.
type rig struct {
	*accounts.Directory

	store *store
	clock *clock
	logs  *bytes.Buffer
	o     accounts.Options
}

func ring(t *testing.T, ids ...string) *keyring.Keyring {
	t.Helper()
	entries := make([]string, len(ids))
	for i, id := range ids {
		key := bytes.Repeat([]byte(id[len(id)-1:]), keyring.KeySize)
		entries[i] = id + ":" + base64.StdEncoding.EncodeToString(key)
	}
	r, err := keyring.Parse(strings.Join(entries, ","))
	require.NoError(t, err)
	return r
}

func newRig(t *testing.T, change ...func(*accounts.Options)) *rig {
	t.Helper()
	public, err := url.Parse("https://backstop.example/base")
	require.NoError(t, err)
	r := &rig{store: &store{}, clock: &clock{now: time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)}, logs: &bytes.Buffer{}}
	r.o = accounts.Options{
		Store: r.store, Keyring: ring(t, "k1"), Drivers: []provider.Driver{signing(), plain()}, PublicURLs: []*url.URL{public},
		Log: slog.New(slog.NewTextHandler(r.logs, nil)), Now: r.clock.Now,
	}
	for _, f := range change {
		f(&r.o)
	}
	r.Directory, err = accounts.New(r.o)
	require.NoError(t, err)
	return r
}

// other is another process with the same store.
func (r *rig) other(t *testing.T, change ...func(*accounts.Options)) *rig {
	t.Helper()
	return newRig(t, append([]func(*accounts.Options){func(o *accounts.Options) {
		o.Store, o.Now = r.store, r.clock.Now
	}}, change...)...)
}

func account(name string, change ...func(*backstop.Account)) backstop.Account {
	a := backstop.Account{
		Name: name, Provider: "signing", Channel: backstop.SMS, Settings: map[string]string{"user": "u", "token": "t0ken"},
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

func (r *rig) create(t *testing.T, name string, change ...func(*backstop.Account)) backstop.AccountState {
	t.Helper()
	state, err := r.CreateAccount(t.Context(), account(name, change...), true)
	require.NoError(t, err)
	return state
}

// replace changes the settings of an account.
func (r *rig) replace(t *testing.T, name string, settings map[string]string, change ...func(*backstop.AccountChange)) backstop.AccountState {
	t.Helper()
	c := backstop.AccountChange{Account: account(name, func(a *backstop.Account) { a.Settings = maps.Clone(settings) })}
	for _, f := range change {
		f(&c)
	}
	state, err := r.ReplaceAccount(t.Context(), c, backstop.AnyVersion, true)
	require.NoError(t, err)
	return state
}

// settingsOf returns the settings that an account is open with.
func (r *rig) settingsOf(t *testing.T, name string) provider.Settings {
	t.Helper()
	o, found := r.Find(name)
	require.True(t, found)
	c, ok := o.Client.(*client)
	require.True(t, ok)
	return c.settings
}

func coded(t *testing.T, code backstop.Code, err error) *backstop.Error {
	t.Helper()
	var e *backstop.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, err)
	return e
}
