package api_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

const ruleBody = `{"name":"Unread (GB)","type":"unread","wait_seconds":3600,"send_id":"MyShop","countries":["GB"]}`

func TestRules_Life(t *testing.T) {
	t.Parallel()
	r := newRig(t)

	made := r.call(t, "POST", "/v1/rules", ruleBody)
	var rule api.Rule
	made.into(201, &rule)
	require.Equal(t, "/v1/rules/"+rule.ID, made.Header().Get("Location"))
	require.Equal(t, `"1"`, made.Header().Get("ETag"))
	require.Equal(t, "Unread (GB)", rule.Name)
	require.Equal(t, 3600, *rule.WaitSeconds)
	require.Equal(t, []string{"GB"}, *rule.Countries)
	require.Equal(t, 1, rule.Version)

	read := r.call(t, "GET", "/v1/rules/"+strings.ToUpper(rule.ID), "")
	require.JSONEq(t, made.Body.String(), read.Body.String())
	require.Equal(t, `"1"`, read.Header().Get("ETag"))

	r.call(t, "POST", "/v1/rules", ruleBody).problem(409, "conflict")

	var replaced api.Rule
	put := r.call(t, "PUT", "/v1/rules/"+rule.ID, `{"name":"Failed","type":"send_failed","send_id":"60777"}`, "If-Match", `"1"`)
	put.into(200, &replaced)
	require.Equal(t, `"2"`, put.Header().Get("ETag"))
	require.Nil(t, replaced.WaitSeconds, "a rule without a wait has none in JSON")
	require.Nil(t, replaced.Countries)

	require.Equal(t, 204, r.call(t, "DELETE", "/v1/rules/"+rule.ID, "", "If-Match", `"2"`).Code)
	r.call(t, "GET", "/v1/rules/"+rule.ID, "").problem(404, "not_found")
}

func TestRules_Preconditions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header string
		status int
		code   string
	}{
		{"", 428, "precondition_required"},
		{`"1"`, 200, ""},
		{` "1" `, 200, ""},
		{"*", 200, ""},
		{`"7", "1"`, 200, ""},
		{`"1" ,W/"2","x"`, 200, ""},
		{`"7"`, 412, "stale"},
		{`"7", "8"`, 412, "stale"},
		{`W/"1"`, 200, ""},
		{`"0"`, 412, "stale"},
		{`"abc"`, 412, "stale"},
		{`"-1"`, 412, "stale"},
		{"1", 400, "malformed"},
		{`"1`, 400, "malformed"},
		{`"1" "2"`, 400, "malformed"},
		{`"1", *`, 400, "malformed"},
	} {
		t.Run(c.header, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			rule, policy := r.seed(t)
			for path, body := range map[string]string{
				"/v1/rules/" + rule.ID:      ruleBody,
				"/v1/policies/" + policy.ID: text(t, map[string]any{"name": "B", "rule_ids": []string{rule.ID}}),
			} {
				got := r.call(t, "PUT", path, body, "If-Match", c.header)
				if c.status == 200 {
					require.Equal(t, 200, got.Code, got.Body)
					require.Equal(t, `"2"`, got.Header().Get("ETag"))
					continue
				}
				refused := []answer{got, r.call(t, "DELETE", path, "", "If-Match", c.header)}
				for _, a := range refused {
					if c.status == 400 {
						a.problem(c.status, c.code, "If-Match")
						continue
					}
					a.problem(c.status, c.code)
				}
				require.Zero(t, r.writes)
			}
		})
	}
}

// TestRules_TwoEditors: two editors read version 1. The second write gets a 412, and the first write stays.
func TestRules_TwoEditors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, _ := r.seed(t)
	path, tag := "/v1/rules/"+rule.ID, r.call(t, "GET", "/v1/rules/"+rule.ID, "").Header().Get("ETag")
	first := r.call(t, "PUT", path, `{"name":"First","type":"send_failed","send_id":"A"}`, "If-Match", tag)
	require.Equal(t, 200, first.Code)
	r.call(t, "PUT", path, `{"name":"Second","type":"send_failed","send_id":"A"}`, "If-Match", tag).problem(412, "stale")
	r.call(t, "DELETE", path, "", "If-Match", tag).problem(412, "stale")
	require.JSONEq(t, first.Body.String(), r.call(t, "GET", path, "").Body.String())
}

func TestRules_InUse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, _ := r.seed(t)
	p := r.call(t, "DELETE", "/v1/rules/"+rule.ID, "", "If-Match", "*").problem(409, "conflict")
	require.Contains(t, p.Detail, "Parcels")
}

func TestRules_UsedBy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, parcels := r.seed(t)
	path, tag := "/v1/rules/"+rule.ID, []string{"If-Match", "*"}
	codes, err := r.CreatePolicy(t.Context(), backstop.PolicyInput{Name: "codes", RuleIDs: []string{rule.ID}})
	require.NoError(t, err)
	want := &[]api.PolicyRef{{ID: codes.ID, Name: "codes"}, {ID: parcels.ID, Name: "Parcels"}}

	var got api.Rule
	r.call(t, "GET", path, "").into(200, &got)
	require.Equal(t, want, got.UsedBy)
	var list api.RuleList
	r.call(t, "GET", "/v1/rules", "").into(200, &list)
	require.Equal(t, want, list.Items[0].UsedBy)
	got = api.Rule{}
	r.call(t, "PUT", path, ruleBody, tag...).into(200, &got)
	require.Equal(t, want, got.UsedBy)

	var policy api.Policy
	r.call(t, "GET", "/v1/policies/"+codes.ID, "").into(200, &policy)
	require.Nil(t, policy.Rules[0].UsedBy, "the rules in a policy have no used_by")
	for _, id := range []string{codes.ID, parcels.ID} {
		require.Equal(t, 204, r.call(t, "DELETE", "/v1/policies/"+id, "", tag...).Code)
	}
	require.NotContains(t, r.call(t, "GET", path, "").Body.String(), "used_by")
}

func TestPolicies_Life(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, _ := r.seed(t)
	made := r.call(t, "POST", "/v1/policies", text(t, map[string]any{"name": "Codes", "rule_ids": []string{strings.ToUpper(rule.ID)}}))
	var policy api.Policy
	made.into(201, &policy)
	require.Equal(t, "/v1/policies/"+policy.ID, made.Header().Get("Location"))
	require.Equal(t, `"1"`, made.Header().Get("ETag"))
	require.Len(t, policy.Rules, 1)
	require.Equal(t, rule.ID, policy.Rules[0].ID)

	read := r.call(t, "GET", "/v1/policies/"+policy.ID, "")
	require.JSONEq(t, made.Body.String(), read.Body.String())

	put := r.call(t, "PUT", "/v1/policies/"+policy.ID, text(t, map[string]any{"name": "Logins", "rule_ids": []string{rule.ID}}), "If-Match", `"1"`)
	put.into(200, &policy)
	require.Equal(t, "Logins", policy.Name)
	require.Equal(t, `"2"`, put.Header().Get("ETag"))

	require.Equal(t, 204, r.call(t, "DELETE", "/v1/policies/"+policy.ID, "", "If-Match", `"2"`).Code)
	r.call(t, "GET", "/v1/policies/"+policy.ID, "").problem(404, "not_found")
}

func TestLists(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var ids []string
	for i := range 120 {
		rule, err := r.CreateRule(t.Context(), backstop.Rule{
			Name: fmt.Sprintf("Rule %d", i), Type: backstop.SendFailed, SendID: "A",
		})
		require.NoError(t, err)
		ids = append([]string{rule.ID}, ids...)
	}
	var got []string
	pages := 0
	for path := "/v1/rules"; path != ""; pages++ {
		var list api.RuleList
		r.call(t, "GET", path, "").into(200, &list)
		for _, rule := range list.Items {
			got = append(got, rule.ID)
		}
		path = ""
		if list.NextCursor != nil {
			path = "/v1/rules?cursor=" + *list.NextCursor
		}
	}
	require.Equal(t, ids, got, "every rule once, newest first")
	require.Equal(t, 3, pages)

	var list api.RuleList
	r.call(t, "GET", "/v1/rules?limit=200&search=R%25_", "").into(200, &list)
	require.Len(t, list.Items, 120)
	require.Nil(t, list.NextCursor)
	require.Equal(t, "R%_", r.ofRules.Search, "the store decides what the text means")

	empty := newRig(t)
	for _, path := range []string{"/v1/rules", "/v1/policies", "/v1/sends"} {
		require.JSONEq(t, `{"items":[]}`, empty.call(t, "GET", path, "").Body.String())
	}
	require.Equal(t, backstop.Page{Limit: 50}, empty.page)
}

// A cursor has the place of the last item in its sort. It is refused in another sort.
func TestList_sort(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, name := range []string{"one", "Two words", "three"} {
		_, err := r.CreateRule(t.Context(), backstop.Rule{Name: name, Type: backstop.Undelivered, SendID: "ACME"})
		require.NoError(t, err)
	}
	var list api.RuleList
	next := func(sort string) string {
		r.call(t, "GET", "/v1/rules?limit=2"+sort, "").into(200, &list)
		require.NotNil(t, list.NextCursor)
		return *list.NextCursor
	}
	cursors := map[string]string{}
	for sort, value := range map[string]string{
		"name": "Two words", "-name": "Two words", "created_at": "", "-created_at": "",
		"updated_at": now.Format(time.RFC3339Nano), "-updated_at": now.Format(time.RFC3339Nano),
	} {
		cursors[sort] = next("&sort=" + sort)
		r.call(t, "GET", "/v1/rules?limit=2&sort="+sort+"&cursor="+cursors[sort], "").into(200, &list)
		require.Equal(t, "one", list.Items[0].Name)
		require.Equal(t, value, r.page.Value)
		require.Equal(t, strings.ReplaceAll(sort, "-created_at", ""), string(r.page.Sort))
	}
	require.Equal(t, cursors["-created_at"], next(""), "the default")
	for sort := range cursors {
		for of, cursor := range cursors {
			answer := r.call(t, "GET", "/v1/rules?sort="+sort+"&cursor="+cursor, "")
			if of == sort {
				require.Equal(t, 200, answer.Code)
				continue
			}
			require.Equal(t, 400, answer.Code, "%s in %s", of, sort)
			require.Contains(t, answer.Body.String(), "belongs to another order")
		}
		for _, path := range []string{"/v1/sends", "/v1/rules", "/v1/policies"} {
			if sort != "-created_at" {
				require.Equal(t, 400, r.call(t, "GET", path+"?cursor="+cursors[sort], "").Code)
			}
		}
	}
	id := list.Items[0].ID
	for _, forged := range []string{
		id + " updated_at 2031-05-04T12:00:00-23:59", // Postgres has no such zone
		id + " updated_at yesterday", id + " created_at x", id + " name a\x00b", id + " name \xff", id + " size 1", id + " ", "x name a",
	} {
		cursor := base64.RawURLEncoding.EncodeToString([]byte(forged))
		for _, sort := range []string{"name", "updated_at"} {
			answer := r.call(t, "GET", "/v1/rules?sort="+sort+"&cursor="+cursor, "")
			require.Equal(t, 400, answer.Code, "%q", forged)
		}
	}
	require.Equal(t, 400, r.call(t, "GET", "/v1/rules?sort=size", "").Code)
}

func TestList_filter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.total = backstop.Total{Count: 217, IsExact: true}
	const filter = "?search=x&type=unread&send_id=ACME&country=GB"
	require.JSONEq(t, `{"items":[],"total":{"count":217,"is_exact":true}}`,
		r.call(t, "GET", "/v1/rules"+filter+"&account=sms-uk&used=false&total=true", "").Body.String())
	require.Equal(t, backstop.RuleFilter{
		Search: "x", Type: backstop.Unread, SendID: "ACME", Country: "GB", Account: "sms-uk", Used: new(false),
	}, r.ofRules)
	require.JSONEq(t, `{"items":[],"total":{"count":217,"is_exact":true}}`,
		r.call(t, "GET", "/v1/policies"+filter+"&total=true", "").Body.String())
	require.Equal(t, backstop.PolicyFilter{Search: "x", Type: backstop.Unread, SendID: "ACME", Country: "GB"}, r.ofPolicies)
	for _, wrong := range []string{"type=x", "country=gb", "country=GBR", "used=maybe", "send_id="} {
		require.Equal(t, 400, r.call(t, "GET", "/v1/rules?"+wrong, "").Code, wrong)
	}
}
