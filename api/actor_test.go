package api_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// actorRules records the actor of the newest list of rules.
type actorRules struct {
	api.Rules

	actor backstop.Actor
}

func (r *actorRules) ListRules(
	ctx context.Context, filter backstop.RuleFilter, page backstop.Page,
) ([]backstop.Rule, bool, error) {
	r.actor = backstop.ActorOf(ctx)
	return r.Rules.ListRules(ctx, filter, page)
}

func newActorRig(t *testing.T, proxies ...string) (*rig, *actorRules) {
	t.Helper()
	rules := &actorRules{}
	r := newRig(t, func(o *api.Options) {
		rules.Rules = o.Rules
		o.Rules, o.TrustedProxies = rules, proxies
	})
	return r, rules
}

func TestActor(t *testing.T) {
	t.Parallel()
	r, rules := newActorRig(t)
	want := backstop.Actor{Kind: backstop.ActorKey, ID: "configured", Name: "BACKSTOP_API_KEY", From: "192.0.2.1"}
	require.Equal(t, 200, r.call(t, "GET", "/v1/rules", "").Code)
	require.Equal(t, want, rules.actor, "of a key")
	cookie := r.signIn(t)
	rules.actor = backstop.Actor{}
	require.Equal(t, 200, r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).Code)
	require.Equal(t, want, rules.actor, "of a session")
}

// TestActor_From: only the header of a trusted proxy says where a request comes from. httptest's address is 192.0.2.1.
func TestActor_From(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, forwarded, from string
		proxies               []string
	}{
		{"no proxy is trusted", "198.51.100.7", "192.0.2.1", nil},
		{"another proxy is trusted", "198.51.100.7", "192.0.2.1", []string{"10.0.0.0/8"}},
		{"a trusted proxy", "198.51.100.7", "198.51.100.7", []string{"192.0.2.0/24"}},
		{"a caller that forges the header", "10.9.9.9, 198.51.100.7", "198.51.100.7", []string{"192.0.2.1"}},
		{"two trusted proxies", "198.51.100.7, 192.0.2.9", "198.51.100.7", []string{"192.0.2.0/24"}},
		{"a header that is no address", "unknown", "192.0.2.1", []string{"192.0.2.0/24"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, rules := newActorRig(t, c.proxies...)
			got := r.call(t, "GET", "/v1/rules", "", "X-Forwarded-For", c.forwarded, "X-Real-IP", "203.0.113.5")
			require.Equal(t, 200, got.Code)
			require.Equal(t, c.from, rules.actor.From)
		})
	}
}
