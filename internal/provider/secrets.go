package provider

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
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

// Add adds secrets, with the forms that they have in a request: a provider, or a proxy, may quote the request. It skips those that
// are shorter than shortestSecret.
func (s *Secrets) Add(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) < shortestSecret {
			continue
		}
		for _, form := range formsOf(secret) {
			if form != "" && !slices.Contains(s.texts, form) {
				s.texts = append(s.texts, form)
			}
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

// formsOf returns a secret as it is, and as it is written in an address, a form, JSON and HTML.
func formsOf(secret string) []string {
	query, path := url.QueryEscape(secret), url.PathEscape(secret)
	forms := []string{
		secret, query, path, lowerEscapes(query), lowerEscapes(path), strings.ReplaceAll(query, "+", "%20"), html.EscapeString(secret),
	}
	for _, escapesHTML := range []bool{true, false} {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(escapesHTML)
		if encoder.Encode(secret) == nil {
			forms = append(forms, strings.TrimSuffix(strings.TrimPrefix(text.String(), `"`), "\"\n"))
		}
	}
	return forms
}

var percentEscape = regexp.MustCompile(`%[0-9A-F]{2}`)

func lowerEscapes(text string) string {
	return percentEscape.ReplaceAllStringFunc(text, strings.ToLower)
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
