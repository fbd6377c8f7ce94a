package api_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keys"
)

// keyStore keeps API keys in memory, the newest first.
type keyStore struct {
	mu   sync.Mutex
	all  []keys.Stored
	now  time.Time // of its clock
	away error     // what every method returns, if it is set
}

func (s *keyStore) begin() func() {
	s.mu.Lock()
	return s.mu.Unlock
}

func (s *keyStore) Now() time.Time {
	defer s.begin()()
	return s.now
}

func (s *keyStore) APIKeys(context.Context) ([]keys.Stored, error) {
	defer s.begin()()
	return slices.Clone(s.all), s.away
}

func (s *keyStore) index(id string) int {
	return slices.IndexFunc(s.all, func(k keys.Stored) bool { return k.ID == id })
}

func (s *keyStore) APIKey(_ context.Context, id string) (backstop.APIKey, error) {
	defer s.begin()()
	i := s.index(id)
	switch {
	case s.away != nil:
		return backstop.APIKey{}, s.away
	case i < 0:
		return backstop.APIKey{}, missing("API key")
	}
	return s.all[i].APIKey, nil
}

func (s *keyStore) CreateAPIKey(
	_ context.Context, in backstop.APIKeyInput, kind backstop.KeyKind, secret backstop.KeySecret,
) (backstop.APIKey, error) {
	defer s.begin()()
	if s.away != nil {
		return backstop.APIKey{}, s.away
	}
	key := backstop.APIKey{
		APIKeyInput: in, ID: newID(), Kind: kind, Prefix: secret.Prefix(), Version: 1, CreatedAt: s.now, UpdatedAt: s.now,
	}
	s.all = slices.Insert(s.all, 0, keys.Stored{APIKey: key, Digest: secret.Digest()})
	return key, nil
}

func (s *keyStore) ReplaceAPIKey(
	_ context.Context, id string, in backstop.APIKeyInput, version int,
) (backstop.APIKey, error) {
	defer s.begin()()
	i := s.index(id)
	switch {
	case i < 0:
		return backstop.APIKey{}, missing("API key")
	case s.all[i].Version != version:
		return backstop.APIKey{}, stale()
	}
	s.all[i].APIKeyInput, s.all[i].Version = in, version+1
	return s.all[i].APIKey, nil
}

func (s *keyStore) RotateAPIKey(
	_ context.Context, id string, secret backstop.KeySecret, formerUntil time.Time,
) (backstop.APIKey, error) {
	defer s.begin()()
	i := s.index(id)
	if i < 0 {
		return backstop.APIKey{}, missing("API key")
	}
	k := &s.all[i]
	k.Former, k.FormerDigest, k.FormerUntil = k.Prefix, new(k.Digest), &formerUntil
	k.Prefix, k.Digest, k.Version = secret.Prefix(), secret.Digest(), k.Version+1
	return k.APIKey, nil
}

func (s *keyStore) DeleteAPIKey(_ context.Context, id string) error {
	defer s.begin()()
	i := s.index(id)
	if i < 0 {
		return missing("API key")
	}
	s.all = slices.Delete(s.all, i, i+1)
	return s.away
}

func (s *keyStore) TouchAPIKeys(context.Context, map[string]time.Time, time.Duration) error {
	return s.away
}

// set sets the clock.
func (s *keyStore) set(at time.Time) {
	defer s.begin()()
	s.now = at
}
