package provider

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Secrets is the set of texts that no failure may contain. All drivers of a process share one set, and each driver adds its
// own secrets, because a provider, or a proxy before it, may quote a secret of another account. The zero value is an empty
// set. Secrets is safe for concurrent use.
type Secrets struct {
	mu       sync.RWMutex
	texts    []string
	replacer *strings.Replacer // nil if the set is empty
}

// shortestSecret is the least length of a secret that is hidden, in bytes. A shorter one is part of common words, and would make
// every text unreadable.
const shortestSecret = 5

// Add adds secrets. It skips those that are shorter than shortestSecret.
func (s *Secrets) Add(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) >= shortestSecret && !slices.Contains(s.texts, secret) {
			s.texts = append(s.texts, secret)
		}
	}
	// The longest first: if a secret begins with another secret, replacing the shorter one first would show the rest.
	slices.SortStableFunc(s.texts, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, secret := range s.texts {
		pairs = append(pairs, secret, "***")
	}
	s.replacer = strings.NewReplacer(pairs...)
}

// hide replaces each secret in a text by ***.
func (s *Secrets) hide(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.replacer == nil {
		return text
	}
	return s.replacer.Replace(text)
}
