package api_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/backstophq/backstop"
)

// templates keeps what the providers report in memory. The templates of the account "meta" were read if isSynced is true.
type templates struct {
	mu       sync.Mutex
	isSynced bool
	all      []backstop.MessageTemplate // ordered
	profiles map[string]backstop.AccountProfile
	loads    int
	away     error
}

func (s *templates) ListTemplates(
	_ context.Context, f backstop.TemplateFilter, page backstop.TemplatePage,
) ([]backstop.MessageTemplate, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []backstop.MessageTemplate
	for _, t := range s.all {
		isAfter := slices.Compare([]string{t.Account, t.Name, t.Language}, []string{page.Account, page.Name, page.Language}) > 0
		if isAfter && slices.Contains(f.Accounts, t.Account) && strings.Contains(t.Name, f.Name) &&
			(f.Status == "" || f.Status == t.Status) && (f.Language == "" || f.Language == t.Language) {
			found = append(found, t)
		}
	}
	if len(found) > page.Limit {
		return found[:page.Limit], true, s.away
	}
	return found, false, s.away
}

func (s *templates) TemplatesNamed(_ context.Context, account, name string) (backstop.SyncedTemplates, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	found := backstop.SyncedTemplates{IsSynced: s.isSynced && account == "meta"}
	for _, t := range s.all {
		if t.Account == account && t.Name == name {
			found.Templates = append(found.Templates, t)
		}
	}
	return found, s.away
}

func (s *templates) Profiles(_ context.Context, accounts []string) (map[string]backstop.AccountProfile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]backstop.AccountProfile{}
	for _, name := range accounts {
		if p, ok := s.profiles[name]; ok {
			found[name] = p
		}
	}
	return found, s.away
}

// notices keeps the webhooks that it was given.
type notices struct {
	mu    sync.Mutex
	given []string // the provider and the body
	away  error
}

func (n *notices) Apply(_ context.Context, provider string, _ *http.Request, body []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.given = append(n.given, provider+" "+string(body))
	return n.away
}
