package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

type shownKey struct {
	Key    api.Key `json:"key"`
	Secret string  `json:"secret"`
}

func TestKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var created shownKey
	got := r.call(t, "POST", "/v1/keys", `{"name": "Checkout", "scopes": ["settings:read"], "rate_limit": 5}`)
	got.into(201, &created)
	require.Equal(t, "/v1/keys/"+created.Key.ID, got.Header().Get("Location"))
	require.Regexp(t, `^bsk_live_[a-z2-7]{8}_[a-z2-7]{52}$`, created.Secret)
	require.Contains(t, created.Secret, created.Key.Prefix+"_")
	path, bearer := "/v1/keys/"+created.Key.ID, func(secret string) []string { return []string{"Authorization", "Bearer " + secret} }
	require.Equal(t, 200, r.call(t, "GET", "/v1/rules", "", bearer(created.Secret)...).Code)
	require.NotContains(t, r.call(t, "GET", "/v1/keys", "").Body.String(), created.Secret)
	require.NotContains(t, r.logs.String(), created.Secret)

	var changed api.Key
	r.call(t, "PATCH", path, `{"rate_limit": null}`).problem(428, "precondition_required")
	r.call(t, "PATCH", path, `{"kind": "test"}`, "If-Match", "*").problem(400, "malformed", "kind")
	r.call(t, "PATCH", path, `{"rate_limit": null, "name": "Till"}`, "If-Match", `"1"`).into(200, &changed)
	require.Equal(t, "Till", changed.Name)
	require.Zero(t, changed.RateLimit)
	require.Equal(t, []api.KeyScope{"settings:read"}, changed.Scopes)
	r.call(t, "PATCH", path, `{"name": "x"}`, "If-Match", `"1"`).problem(412, "stale")

	// Both secrets of a rotated key are valid, until the overlap ends.
	var rotated shownKey
	r.call(t, "POST", path+"/rotate", `{"keep_former_seconds": 60}`).into(200, &rotated)
	require.Equal(t, created.Key.Prefix, *rotated.Key.FormerPrefix)
	for _, secret := range []string{created.Secret, rotated.Secret} {
		require.Equal(t, 200, r.call(t, "GET", "/v1/rules", "", bearer(secret)...).Code)
	}
	r.stored.now = now.Add(time.Minute)
	r.call(t, "GET", "/v1/rules", "", bearer(created.Secret)...).problem(401, "unauthorized")
	require.Equal(t, 200, r.call(t, "GET", "/v1/rules", "", bearer(rotated.Secret)...).Code)

	require.Equal(t, 204, r.call(t, "DELETE", path, "").Code)
	r.call(t, "GET", "/v1/rules", "", bearer(rotated.Secret)...).problem(401, "unauthorized")
	r.call(t, "DELETE", path, "").problem(404, "not_found")
}

func TestKeys_invalid(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for body, field := range map[string]string{
		`{"name": "a", "scopes": []}`:                                                          "scopes",
		`{"name": "a", "scopes": ["sends:read", "sends:read"]}`:                                "scopes.1",
		`{"name": "a", "scopes": ["admin"], "kind": "test"}`:                                   "scopes.0",
		`{"name": "a", "scopes": ["settings:write"], "accounts": ["meta"]}`:                    "scopes.0",
		`{"name": "a", "scopes": ["sends:read"], "policies": ["` + someID + `"]}`:              "policies.0",
		`{"name": "a", "scopes": ["sends:read"], "accounts": ["none"]}`:                        "accounts.0",
		`{"name": "a", "scopes": ["sends:read"], "expires_at": "2031-05-04T12:00:00Z"}`:        "expires_at",
		`{"name": "a", "scopes": ["sends:read"], "callback": {"url": "https://shop.example"}}`: "callback",
	} {
		r.call(t, "POST", "/v1/keys", body).problem(422, "invalid", field)
	}
	require.Empty(t, r.stored.all)
}

func TestKeys_rateLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := scopes(backstop.ScopeSettingsRead)
	in.RateLimit = 3
	_, secret := r.createKey(t, in, backstop.KeyLive)
	refused := 0
	for range 30 {
		got := r.call(t, "GET", "/v1/rules", "", "Authorization", "Bearer "+secret)
		require.Equal(t, `"key";q=3;w=1`, got.Header().Get("Ratelimit-Policy"))
		require.Regexp(t, `^"key";r=[0-2];t=1$`, got.Header().Get("Ratelimit"))
		if got.Code == 429 {
			got.problem(429, "rate_limited")
			require.Equal(t, "1", got.Header().Get("Retry-After"))
			refused++
		}
	}
	require.GreaterOrEqual(t, refused, 20)
	require.Empty(t, r.call(t, "GET", "/v1/rules", "").Header().Get("Ratelimit"), "the configured key has no limit")
}

// TestKeys_session: a session has the scopes of its key, and ends with it.
func TestKeys_session(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*rig, backstop.APIKey){
		"revoked": func(r *rig, k backstop.APIKey) { require.NoError(t, r.ring.Revoke(t.Context(), k.ID)) },
		"expired": func(r *rig, _ backstop.APIKey) { r.stored.now = now.Add(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			in := scopes(backstop.ScopeSettingsRead)
			in.ExpiresAt = new(now.Add(time.Hour))
			key, secret := r.createKey(t, in, backstop.KeyLive)
			body, err := json.Marshal(map[string]string{"api_key": secret})
			require.NoError(t, err)
			got := r.browse(t, "POST", sessionPath, string(body))
			require.Equal(t, 200, got.Code, got.Body.String())
			require.Contains(t, got.Body.String(), "2031-05-04T13:00:00Z", "it ends no later than the key")
			cookie := got.cookie().Name + "=" + got.cookie().Value
			require.Len(t, got.cookie().Value, 44, "a former version refuses it")
			require.Equal(t, 200, r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).Code)
			r.browse(t, "POST", "/v1/rules", ruleBody, "Cookie", cookie).problem(403, "forbidden")
			end(r, key)
			r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).problem(401, "unauthorized")
			r.browse(t, "GET", sessionPath, "", "Cookie", cookie).problem(401, "unauthorized")
		})
	}
}

func bearerOf(secret string) []string { return []string{"Authorization", "Bearer " + secret} }

// TestKeys_policies: a key with policies sends by them, and sees their sends alone.
func TestKeys_policies(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	other := newID()
	of := func(policies ...string) []string {
		in := scopes(backstop.ScopeSendsRead, backstop.ScopeSendsWrite)
		in.Policies = policies
		_, secret := r.createKey(t, in, backstop.KeyLive)
		return bearerOf(secret)
	}
	mine, foreign, both := of(policy.ID), of(other), of(policy.ID, other)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID), mine...).Code)
	r.call(t, "POST", "/v1/sends", sendBody(policy.ID), foreign...).problem(422, "invalid", "fallback.policy_id")
	r.call(t, "POST", "/v1/sends/preview", sendBody(policy.ID), foreign...).problem(422, "invalid", "fallback.policy_id")
	require.Len(t, r.sends, 1)

	path := "/v1/sends/" + r.sends[0].ID
	require.Equal(t, 200, r.call(t, "GET", path, "", mine...).Code)
	r.call(t, "GET", path, "", foreign...).problem(404, "not_found")
	r.call(t, "GET", path+"/watch", "", foreign...).problem(404, "not_found")
	for _, action := range []string{"/cancel", "/confirm", "/repeat"} {
		r.call(t, "POST", path+action, "", foreign...).problem(404, "not_found")
	}
	require.Equal(t, backstop.OutcomePending, r.sends[0].Outcome, "nobody has ended it")

	require.Equal(t, 200, r.call(t, "GET", "/v1/sends", "", foreign...).Code)
	require.Equal(t, other, r.filter.PolicyID, "of its one policy")
	r.call(t, "GET", "/v1/sends", "", both...).problem(403, "forbidden", "policy_id")
	r.call(t, "GET", "/v1/sends.csv", "", both...).problem(403, "forbidden", "policy_id")
	require.Equal(t, 200, r.call(t, "GET", "/v1/sends?policy_id="+policy.ID, "", both...).Code)
	r.call(t, "GET", "/v1/sends?policy_id="+policy.ID, "", foreign...).problem(403, "forbidden", "policy_id")
}

func TestKeys_accounts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	in := scopes(backstop.ScopeSendsWrite)
	for field, accounts := range map[string][]string{
		"": {"meta", "twilio", "second"}, "whatsapp.account": {"twilio"}, "fallback.routes": {"meta"},
	} {
		in.Name, in.Accounts = "key "+field, accounts
		_, secret := r.createKey(t, in, backstop.KeyLive)
		got := r.call(t, "POST", "/v1/sends", sendBody(policy.ID), bearerOf(secret)...)
		if field == "" {
			require.Equal(t, 202, got.Code, got.Body.String())
			continue
		}
		got.problem(422, "invalid", field)
	}
	require.Len(t, r.sends, 1)
}

// TestKeys_test: the sends of a test key go by accounts of the sandbox, pass no guard, and nobody else's answer is theirs.
func TestKeys_test(t *testing.T) {
	t.Parallel()
	list := newAccounts()
	r := newRig(t, func(o *api.Options) { o.Accounts = list })
	_, policy := r.seed(t)
	_, secret := r.createKey(t, scopes(backstop.ScopeSendsRead, backstop.ScopeSendsWrite), backstop.KeyTest)
	test := bearerOf(secret)
	r.call(t, "POST", "/v1/sends", sendBody(policy.ID), test...).problem(422, "invalid", "whatsapp.account", "fallback.policy_id")

	for _, of := range []string{"meta", "twilio"} {
		for _, a := range list.all {
			if a.Name == of {
				a.Name = "sandbox-" + of
				list.all = append(list.all, a)
			}
		}
	}
	live := append([]string{"Idempotency-Key", "one"}, "Authorization", "Bearer "+apiKey)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID), live...).Code)
	r.call(t, "POST", "/v1/sends", sendBody(policy.ID), append([]string{"Idempotency-Key", "one"}, test...)...).
		problem(422, "mismatch")
	r.guarded.guards.RecipientCap = 1
	require.NoError(t, r.keeper.Load(t.Context()))
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID), test...).Code)
	require.Empty(t, r.door.checks, "it takes nobody's place")

	require.False(t, r.sends[0].IsTest)
	send := r.sends[1]
	require.True(t, send.IsTest)
	require.Equal(t, "sandbox-meta", send.Plan.Account)
	require.Equal(t, []backstop.Route{{Account: "sandbox-twilio"}}, send.Plan.Rules[0].Routes)
	r.call(t, "GET", "/v1/sends/"+r.sends[0].ID, "", test...).problem(404, "not_found")
	var shown api.Send
	r.call(t, "GET", "/v1/sends/"+send.ID, "", test...).into(200, &shown)
	require.True(t, *shown.Test)
	require.Equal(t, 200, r.call(t, "GET", "/v1/sends", "", test...).Code)
	require.True(t, r.filter.IsTest)
	require.Equal(t, 200, r.call(t, "GET", "/v1/sends", "").Code)
	require.False(t, r.filter.IsTest)

	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+send.ID+"/repeat", "").Code)
	require.True(t, r.sends[2].IsTest, "also if an administrator repeats it")
	require.Equal(t, "sandbox-meta", r.sends[2].Plan.Account)
}
