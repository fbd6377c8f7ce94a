package templates_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/templates"
)

// store keeps what was read in memory. An account is due if it is in due.
type store struct {
	mu       sync.Mutex
	due      []string
	versions map[string]int // that the syncer asked for
	claimed  []string       // by another process
	failures int
	stored   map[string]templates.Stored
	readings []templates.Reading
	notices  []string // the account and the kind
	isLost   bool     // the claim is lost while the provider is read
	away     error

	recipients   int                        // that CountRecipients counts
	counts       map[string]templates.Count // as they were saved
	countedFor   map[string]templates.Limit // the claims
	countedBy    [][]string                 // the accounts of each count
	isCountDue   bool
	isCountTaken bool // another process counts
}

func (s *store) DueSyncs(_ context.Context, versions map[string]int) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions = versions
	var due []string
	for _, name := range s.due {
		if _, asked := versions[name]; asked {
			due = append(due, name)
		}
	}
	return due, s.away
}

func (s *store) ClaimSync(_ context.Context, account string, _ int, _ time.Duration) (templates.Claim, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return templates.Claim{Account: account, Failures: s.failures}, !slices.Contains(s.claimed, account), s.away
}

func (s *store) SaveSync(_ context.Context, c templates.Claim, r templates.Reading) (templates.Stored, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isLost {
		return templates.Stored{}, false, nil
	}
	before := s.stored[c.Account]
	after := before
	if r.HasTemplates {
		after.Templates, after.IsSynced = r.Templates, true
	}
	if r.Profile != nil {
		after.Profile = r.Profile
	}
	if s.stored == nil {
		s.stored = map[string]templates.Stored{}
	}
	s.stored[c.Account] = after
	s.readings = append(s.readings, r)
	return before, true, s.away
}

func (s *store) ApplyNotice(_ context.Context, account string, n backstop.Notice) (*backstop.MessageTemplate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return nil, s.away
	}
	s.notices = append(s.notices, account+" "+string(n.Kind))
	found, known := backstop.FindTemplate(backstop.Template{Name: n.Template, Language: n.Language}, s.stored[account].Templates)
	if !known {
		return nil, nil //nolint:nilnil // as the real store
	}
	return &found, nil
}

// client is an account whose provider reports templates and the state of a number.
type client struct {
	mu        sync.Mutex
	templates []backstop.MessageTemplate
	profile   backstop.NumberProfile
	listing   error
	profiling error
	reported  []backstop.Notice
}

func (*client) Receipts(*http.Request, []byte) ([]backstop.Receipt, error) { return nil, nil }

func (c *client) Templates(context.Context) ([]backstop.MessageTemplate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.templates), c.listing
}

func (c *client) Profile(context.Context) (backstop.NumberProfile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.profile, c.profiling
}

func (c *client) Notices(*http.Request, []byte) []backstop.Notice { return c.reported }

// plain is an account whose provider reports neither.
type plain struct{}

func (plain) Receipts(*http.Request, []byte) ([]backstop.Receipt, error) { return nil, nil }

// list is a directory of accounts.
type list []accounts.Open

func (l list) List() []accounts.Open { return l }

func open(name string, c provider.Client, change ...func(*accounts.Open)) accounts.Open {
	o := accounts.Open{Account: backstop.Account{Name: name, Provider: "meta", Channel: backstop.WhatsApp, Version: 3}, Client: c}
	for _, f := range change {
		f(&o)
	}
	return o
}

// rig is a syncer of one account, "main", whose log it keeps.
type rig struct {
	store  *store
	client *client
	syncer *templates.Syncer
	log    bytes.Buffer
}

func newRig(t *testing.T, more ...accounts.Open) *rig {
	t.Helper()
	r := &rig{store: &store{due: []string{"main"}}, client: &client{}}
	r.client.profile.Status = backstop.NumberConnected
	var err error
	r.syncer, err = templates.New(templates.Options{
		Store: r.store, Accounts: append(list{open("main", r.client)}, more...),
		Log: slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})),
	})
	require.NoError(t, err)
	return r
}

// sync reads the account, and returns what it logs.
func (r *rig) sync(t *testing.T) string {
	t.Helper()
	r.log.Reset()
	require.NoError(t, r.syncer.SyncDue(t.Context()))
	return r.log.String()
}

var errDown = errors.New("unavailable: down")
