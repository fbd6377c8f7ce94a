package api_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// createKey stores a key and returns its secret.
func (r *rig) createKey(t *testing.T, in backstop.APIKeyInput, kind backstop.KeyKind) (backstop.APIKey, string) {
	t.Helper()
	if in.Name == "" {
		in.Name = fmt.Sprint("key ", len(r.stored.all))
	}
	key, secret, err := r.ring.Create(t.Context(), in, kind)
	require.NoError(t, err)
	return key, string(secret)
}

func scopes(all ...backstop.Scope) backstop.APIKeyInput { return backstop.APIKeyInput{Scopes: all} }

// keyOperation is an operation under /v1 of the contract.
type keyOperation struct {
	id, method, path string

	scope    backstop.Scope
	allSends bool
}

func keyOperations(t *testing.T) (all []keyOperation) {
	t.Helper()
	doc, err := readContract()
	require.NoError(t, err)
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			if !strings.HasPrefix(path, "/v1/") {
				require.NotContains(t, o.Extensions, "x-scope", "%s %s has no key", method, path)
				continue
			}
			scope, _ := o.Extensions["x-scope"].(string)
			require.Contains(t, backstop.Scopes(), backstop.Scope(scope), "%s %s names no scope", method, path)
			allSends, _ := o.Extensions["x-all-sends"].(bool)
			path := strings.NewReplacer("{id}", someID, "{name}", "twilio").Replace(path)
			all = append(all, keyOperation{o.OperationID, method, path, backstop.Scope(scope), allSends})
		}
	}
	slices.SortFunc(all, func(a, b keyOperation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

// TestAccess walks all operations with all kinds of keys. It prints the answers with -v: the status of a refusal, or "ok" if the
// operation itself decides.
func TestAccess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	names := []string{"none", "wrong", "garbage", "expired", "revoked", "former"}
	secrets := map[string]string{
		"none": "", "wrong": string(backstop.NewKeySecret(backstop.KeyLive)), "garbage": "bsk_live_x",
	}
	all := scopes(backstop.ScopeAdmin)
	all.ExpiresAt = new(now.Add(time.Hour))
	_, secrets["expired"] = r.createKey(t, all, backstop.KeyLive)
	revoked, secret := r.createKey(t, scopes(backstop.ScopeAdmin), backstop.KeyLive)
	secrets["revoked"] = secret
	require.NoError(t, r.ring.Revoke(t.Context(), revoked.ID))
	rotated, secret := r.createKey(t, scopes(backstop.ScopeAdmin), backstop.KeyLive)
	secrets["former"] = secret
	_, _, err := r.ring.Rotate(t.Context(), rotated.ID, time.Hour)
	require.NoError(t, err)
	r.stored.now = now.Add(time.Hour) // the first key has expired, and the former secret has ended
	keys := map[string]backstop.APIKey{}
	for _, scope := range backstop.Scopes() {
		names = append(names, string(scope))
		keys[string(scope)], secrets[string(scope)] = r.createKey(t, scopes(scope), backstop.KeyLive)
	}
	limited := scopes(backstop.ScopeSendsRead, backstop.ScopeSendsWrite, backstop.ScopeSettingsRead)
	keys["test"], secrets["test"] = r.createKey(t, limited, backstop.KeyTest)
	limited.Policies = []string{newID()}
	keys["policy"], secrets["policy"] = r.createKey(t, limited, backstop.KeyLive)
	names = append(names, "test", "policy", "configured")
	keys["configured"], secrets["configured"] = backstop.APIKey{APIKeyInput: scopes(backstop.ScopeAdmin)}, apiKey

	t.Logf("%-22s %s", "operation", strings.Join(names, "  "))
	for _, o := range keyOperations(t) {
		row := []string{fmt.Sprintf("%-22s", o.id)}
		for _, name := range names {
			status := r.access(t, o, secrets[name])
			want := 0
			key, isValid := keys[name]
			switch {
			case !isValid:
				want = 401
			case !key.Has(o.scope) || o.allSends && key.IsLimited():
				want = 403
			}
			require.Equal(t, want, status, "%s with the key %s", o.id, name)
			shown := "ok"
			if status > 0 {
				shown = strconv.Itoa(status)
			}
			row = append(row, fmt.Sprintf("%*s", len(name)+1, shown))
		}
		t.Log(strings.Join(row, " "))
	}
	require.Zero(t, r.writes, "nothing was changed")
	require.ElementsMatch(t, slices.Collect(maps.Keys(secrets)), names)
}

// access returns the status of a refusal by authentication, or 0.
func (r *rig) access(t *testing.T, o keyOperation, secret string) int {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), o.method, o.path+"?unknown=1", nil) // so that nothing is done
	if secret != "" {
		request.Header.Set("Authorization", "Bearer "+secret)
	}
	got := r.serve(t, request)
	switch got.Code {
	case 401:
		got.problem(401, "unauthorized")
		require.Contains(t, got.Header().Get("WWW-Authenticate"), "Bearer")
		return 401
	case 403:
		p := got.problem(403, "forbidden")
		if !strings.Contains(p.Detail, string(o.scope)) {
			require.True(t, o.allSends, p.Detail)
			require.Contains(t, p.Detail, "covers all sends")
		}
		require.Contains(t, got.Header().Get("WWW-Authenticate"), `scope="`+string(o.scope)+`"`)
		return 403
	}
	require.Equal(t, 400, got.Code, "the parameter is refused only after the key is accepted: %s", got.Body)
	return 0
}
