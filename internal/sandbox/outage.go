package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// The kinds of outage of a simulated provider.
const (
	outageDown    = "down"    // a proxy before the provider answers 503
	outageHang    = "hang"    // the calls are never answered, and nothing is sent
	outageAccount = "account" // the provider refuses the credentials
)

// outages are the providers that are out of order, by name, until they are called back.
type outages struct {
	mu    sync.Mutex
	kinds map[string]string
}

// of returns the outage of a provider, or "".
func (o *outages) of(provider string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kinds[provider]
}

func (o *outages) set(provider, kind string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.kinds == nil {
		o.kinds = map[string]string{}
	}
	o.kinds[provider] = kind
}

// putOutage begins an outage: PUT /outages/{provider} with {"kind": "down"}, "hang" or "account".
func (s *Server) putOutage(w http.ResponseWriter, r *http.Request) {
	if !s.checkProvider(w, r) {
		return
	}
	var in struct {
		Kind string `json:"kind"`
	}
	err := json.Unmarshal(readBody(w, r), &in)
	if err != nil || in.Kind != outageDown && in.Kind != outageHang && in.Kind != outageAccount {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "kind must be down, hang or account"})
		return
	}
	s.outages.set(r.PathValue("provider"), in.Kind)
	w.WriteHeader(http.StatusNoContent)
}

// deleteOutage ends an outage.
func (s *Server) deleteOutage(w http.ResponseWriter, r *http.Request) {
	if !s.checkProvider(w, r) {
		return
	}
	s.outages.set(r.PathValue("provider"), "")
	w.WriteHeader(http.StatusNoContent)
}

// checkProvider reports whether the provider in the path is simulated. If not, it answers 404 with the names of those that are.
func (s *Server) checkProvider(w http.ResponseWriter, r *http.Request) bool {
	var names []string
	for _, account := range s.Accounts("") {
		names = append(names, account.Provider)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if slices.Contains(names, r.PathValue("provider")) {
		return true
	}
	writeJSON(w, http.StatusNotFound, map[string]string{
		"error": "there is no such provider: it is one of " + strings.Join(names, ", "),
	})
	return false
}

// meetOutage answers a call whose provider is out of order, and reports whether it is.
func (s *Server) meetOutage(w http.ResponseWriter, r *http.Request, c call) bool {
	switch s.outages.of(c.message.Provider) {
	case outageDown:
		c.message.ID, c.message.Answer = "", Answer{Status: http.StatusServiceUnavailable}
		s.log.add(c.message)
		http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
	case outageHang:
		c.message.ID = ""
		s.log.add(c.message)
		s.holdRequest(r)
	case outageAccount:
		s.refuseCall(w, c.message, refusedCredentials(c.message.Channel), c.refuse)
	default:
		return false
	}
	return true
}

// isRefusedCredentials reports whether a fault is that of a revoked token.
func (f *fault) isRefusedCredentials() bool { return f.code == 190 || f.code == 20003 }

// refusedCredentials is the fault of a token that was revoked, in the codes of the scenarios.
func refusedCredentials(channel string) *fault {
	if channel == channelWhatsApp {
		return &fault{status: http.StatusUnauthorized, code: 190, title: "Error validating access token: Session has expired."}
	}
	return &fault{status: http.StatusUnauthorized, code: 20003, title: "Authenticate"}
}
