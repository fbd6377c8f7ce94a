package backstop_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// accounts are the accounts of an installation, the oldest first.
type accounts []backstop.Account

func (l accounts) Account(name string) (backstop.Account, bool) {
	i := slices.IndexFunc(l, func(a backstop.Account) bool { return a.Name == name })
	if i < 0 {
		return backstop.Account{}, false
	}
	return l[i], true
}

func (l accounts) DefaultAccount(channel backstop.Channel, country string) string {
	for _, a := range l {
		if a.Channel == channel && !a.IsDisabled && a.Serves(country) {
			return a.Name
		}
	}
	return ""
}

// someAccounts are two WhatsApp numbers and four SMS accounts.
func someAccounts() accounts {
	return accounts{
		{Name: "meta-uk", Channel: backstop.WhatsApp, Countries: []string{"GB"}},
		{Name: "meta", Channel: backstop.WhatsApp},
		{Name: "twilio", Channel: backstop.SMS},
		{Name: "infobip", Channel: backstop.SMS},
		{Name: "german", Channel: backstop.SMS, Countries: []string{"DE"}},
		{Name: "old", Channel: backstop.SMS, IsDisabled: true},
	}
}

func routesOf(names ...string) []backstop.Route {
	var routes []backstop.Route
	for _, name := range names {
		routes = append(routes, backstop.Route{Account: name})
	}
	return routes
}

func TestRule_ValidateRoutes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		routes []backstop.Route
		wrong  []string
	}{
		"none":                {},
		"two":                 {routes: routesOf("twilio", "infobip")},
		"a SendID of its own": {routes: []backstop.Route{{Account: "twilio", SendID: "MG0123456789abcdef0123456789abcdef"}}},
		"disabled":            {routes: routesOf("old")}, // it may be enabled again
		"unknown":             {routes: routesOf("twilio", "nowhere"), wrong: []string{"routes.1.account"}},
		"of WhatsApp":         {routes: routesOf("meta"), wrong: []string{"routes.0.account"}},
		"twice":               {routes: routesOf("twilio", "infobip", "twilio"), wrong: []string{"routes.2.account"}},
		"a wrong SendID":      {routes: []backstop.Route{{Account: "twilio", SendID: "much too long"}}, wrong: []string{"routes.0.send_id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := backstop.Rule{Routes: tc.routes}.ValidateRoutes(someAccounts())
			if tc.wrong == nil {
				require.NoError(t, err)
				return
			}
			require.Equal(t, tc.wrong, invalid(t, err))
		})
	}
	many := backstop.Rule{Routes: make([]backstop.Route, backstop.MaxRoutes+1)}
	require.Contains(t, invalid(t, many.ValidateRoutes(someAccounts())), "routes")
}

// A plan has the accounts of each rule that work and serve the recipient's country.
func TestPolicy_Resolve_routes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		routes  []string
		country string
		want    []string // nil: the rule does not apply
	}{
		"the default":              {country: "GB", want: []string{"twilio"}},
		"in order":                 {routes: []string{"infobip", "twilio"}, country: "GB", want: []string{"infobip", "twilio"}},
		"one does not serve":       {routes: []string{"german", "twilio"}, country: "GB", want: []string{"twilio"}},
		"both serve":               {routes: []string{"german", "twilio"}, country: "DE", want: []string{"german", "twilio"}},
		"none serves":              {routes: []string{"german"}, country: "GB"},
		"one is disabled":          {routes: []string{"old", "twilio"}, country: "GB", want: []string{"twilio"}},
		"one is gone":              {routes: []string{"gone", "twilio"}, country: "GB", want: []string{"twilio"}},
		"the only one is disabled": {routes: []string{"old"}, country: "GB", want: []string{"old"}}, // the send falls back all the same
		"the only one is gone":     {routes: []string{"gone"}, country: "GB", want: []string{"gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := backstop.Policy{ID: "p", Name: "p", Rules: []backstop.Rule{{
				Name: "r", Type: backstop.Undelivered, WaitSeconds: 60, SendID: "ACME", Routes: routesOf(tc.routes...),
			}}}
			plan, err := p.Resolve(tc.country, backstop.Override{}, someAccounts())
			if tc.want == nil {
				require.Equal(t, []string{"fallback.policy_id"}, invalid(t, err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, routesOf(tc.want...), plan.Rules[0].Routes)
			require.Equal(t, name == "the only one is disabled", slices.Contains(plan.Disabled, "r"))
		})
	}
}

func TestPolicy_Resolve_account(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ policy, send, country, want string }{
		"the default":                 {country: "FR", want: "meta"},
		"the default of the country":  {country: "GB", want: "meta-uk"},
		"the policy's":                {policy: "meta", country: "GB", want: "meta"},
		"the send's":                  {policy: "meta-uk", send: "meta", country: "GB", want: "meta"},
		"it does not serve":           {send: "meta-uk", country: "FR"},
		"it is unknown":               {send: "nowhere", country: "GB"},
		"it is an SMS account":        {send: "twilio", country: "GB"},
		"the policy's does not serve": {policy: "meta-uk", country: "FR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := backstop.Policy{ID: "p", Name: "p", Account: tc.policy, Rules: []backstop.Rule{{
				Name: "r", Type: backstop.Undelivered, WaitSeconds: 60, SendID: "ACME",
			}}}
			var o backstop.Override
			if tc.send != "" {
				o.Account = &tc.send
			}
			plan, err := p.Resolve(tc.country, o, someAccounts())
			if tc.want == "" {
				require.Equal(t, []string{"whatsapp.account"}, invalid(t, err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, plan.Account)
		})
	}
	_, err := backstop.Policy{ID: "p", Rules: []backstop.Rule{{Type: backstop.SendFailed, SendID: "ACME"}}}.
		Resolve("GB", backstop.Override{}, accounts{})
	require.Equal(t, []string{"whatsapp.account", "fallback.policy_id"}, invalid(t, err))
}

// A plan that was stored before there were routes reads as it did.
func TestRule_Routes_json(t *testing.T) {
	t.Parallel()
	const before = `{"name":"r","type":"undelivered","send_id":"ACME"}`
	var r backstop.Rule
	require.NoError(t, json.Unmarshal([]byte(before), &r))
	require.Empty(t, r.Routes)
	r.Routes, r.UsedBy = []backstop.Route{{Account: "a", SendID: "X1"}, {Account: "b"}}, []backstop.PolicyRef{{ID: "1", Name: "p"}}
	written, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"r","type":"undelivered","send_id":"ACME","routes":[{"account":"a","send_id":"X1"},{"account":"b"}]}`,
		string(written))
}
