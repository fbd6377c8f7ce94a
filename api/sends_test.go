package api_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// sendBody is a valid send by a policy, as text so that tests can reorder its parts.
func sendBody(policy string) string {
	return `{"to":"+447400123456","whatsapp":{"text":"hello"},"fallback":{"policy_id":"` + policy + `","text":"hi"}}`
}

func TestSends_Create(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, policy := r.seed(t)
	got := r.call(t, "POST", "/v1/sends", `{
		"to": "+447400123456", "category": "authentication", "expires_at": "2031-05-04T14:20:00+02:00",
		"whatsapp": {"template": {"name": "login_code", "language": "en_GB", "components": [{"type": "body", "big": 12345678901234567890, "parameters": []}]}},
		"fallback": {"policy_id": "`+policy.ID+`", "text": "Your code is 1", "type": "unread", "wait_seconds": 30, "send_id": "60777"}}`)
	var accepted api.SendAccepted
	got.into(202, &accepted)
	require.Equal(t, "/v1/sends/"+accepted.ID, got.Header().Get("Location"))
	require.Equal(t, api.OutcomePending, accepted.Outcome)
	require.Equal(t, now, accepted.AcceptedAt)
	require.Len(t, *accepted.Warnings, 1)
	require.Equal(t, api.WarningCodeLooksUnread, (*accepted.Warnings)[0].Code)

	require.Len(t, r.sends, 1)
	send := r.sends[0]
	require.Equal(t, "GB", send.Country)
	require.Equal(t, backstop.Authentication, send.Category)
	require.Equal(t, time.Date(2031, 5, 4, 12, 20, 0, 0, time.UTC), *send.ExpiresAt)
	require.Empty(t, send.Text)
	require.Equal(t, "Your code is 1", send.SMSText)
	require.Equal(t, "login_code", send.Template.Name)
	require.Contains(t, string(send.Template.Components), "12345678901234567890", "numbers keep their digits")
	require.Equal(t, backstop.Plan{PolicyID: policy.ID, PolicyName: "Parcels", Account: "meta", Rules: []backstop.Rule{{
		ID: rule.ID, Name: rule.Name, Type: backstop.Unread, WaitSeconds: 30, SendID: "60777", Routes: []backstop.Route{{Account: "twilio"}},
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}}, Override: &backstop.Override{Type: new(backstop.Unread), WaitSeconds: new(30), SendID: new("60777")}}, send.Plan)
}

// The API accepts the latest valid time and returns it.
func TestSends_lastTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	body := strings.Replace(sendBody(policy.ID), `"to"`, `"expires_at":"9999-12-31T23:59:59Z","to"`, 1)
	var accepted api.SendAccepted
	r.call(t, "POST", "/v1/sends", body).into(202, &accepted)
	var send api.Send
	r.call(t, "GET", "/v1/sends/"+accepted.ID, "").into(200, &send)
	require.Equal(t, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), *send.ExpiresAt)
}

func TestSends_NoRuleApplies(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.seed(t)
	r.policies[0].Rules[0].Countries = []string{"US"}
	r.call(t, "POST", "/v1/sends", sendBody(r.policies[0].ID)).problem(422, "invalid", "to")
	require.Empty(t, r.sends)
}

func TestSends_Warnings(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	body := sendBody(policy.ID)
	for name, c := range map[string]struct {
		body string
		want []api.WarningCode
	}{
		"both may arrive":          {body, []api.WarningCode{api.WarningCodeBothMayArrive}},
		"a code dies sooner":       {strings.Replace(body, `"to"`, `"category":"authentication","to"`, 1), []api.WarningCode{api.WarningCodeBothMayArrive}},
		"and our wait is longer":   {strings.Replace(strings.Replace(body, `"to"`, `"category":"authentication","to"`, 1), `"text":"hi"`, `"text":"hi","wait_seconds":600`, 1), nil},
		"only on failure":          {strings.Replace(body, `"text":"hi"`, `"text":"hi","wait_seconds":0`, 1), nil},
		"an unread rule means it":  {strings.Replace(body, `"text":"hi"`, `"text":"hi","type":"unread"`, 1), []api.WarningCode{api.WarningCodeLooksUnread}},
		"expires before the wait":  {strings.Replace(body, `"to"`, `"expires_at":"2031-05-04T12:05:00Z","to"`, 1), []api.WarningCode{api.WarningCodeBothMayArrive, api.WarningCodeExpiresBeforeWait}},
		"expires just after it":    {strings.Replace(body, `"to"`, `"expires_at":"2031-05-04T12:05:00.001Z","to"`, 1), []api.WarningCode{api.WarningCodeBothMayArrive}},
		"expires, only on failure": {strings.Replace(strings.Replace(body, `"to"`, `"expires_at":"2031-05-04T12:00:01Z","to"`, 1), `"text":"hi"`, `"text":"hi","wait_seconds":0`, 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var accepted api.SendAccepted
			r.call(t, "POST", "/v1/sends", c.body).into(202, &accepted)
			var codes []api.WarningCode
			if accepted.Warnings != nil {
				for _, w := range *accepted.Warnings {
					codes = append(codes, w.Code)
					require.Equal(t, "Undelivered", (*w.Params)["rule"])
				}
			}
			require.Equal(t, c.want, codes)
		})
	}
	var preview api.SendPreview
	r.call(t, "POST", "/v1/sends/preview", body).into(200, &preview)
	require.Equal(t, map[string]string{"rule": "Undelivered", "wait_seconds": "300", "whatsapp_seconds": "2592000"}, *(*preview.Warnings)[0].Params)
}

// The answer warns of a rule whose accounts are all disabled. A repeated request gets the same answer, also after one is enabled.
func TestSends_Warnings_disabledAccounts(t *testing.T) {
	t.Parallel()
	r, fake := withAccounts(t)
	_, policy := r.seed(t)
	r.policies[0].Rules[0].Routes = []backstop.Route{{Account: "off"}}
	r.policies[0].Rules[0].WaitSeconds = 0
	want := map[string]string{"accounts_disabled": `rule "Undelivered": all its accounts are disabled (off), so its SMS waits until one is enabled`}
	require.Equal(t, want, r.warned(t, sendBody(policy.ID)))
	first := r.call(t, "POST", "/v1/sends", sendBody(policy.ID), "Idempotency-Key", "k")
	fake.all[2].IsDisabled = false
	require.Empty(t, r.warned(t, sendBody(policy.ID)))
	again := r.call(t, "POST", "/v1/sends", sendBody(policy.ID), "Idempotency-Key", "k")
	require.Contains(t, first.Body.String(), "accounts_disabled")
	require.Equal(t, first.Body.String(), again.Body.String())
}

// If the key of the only account is missing, the caller may repeat the request later.
func TestSends_unopenedAccount(t *testing.T) {
	t.Parallel()
	r, fake := withAccounts(t)
	_, policy := r.seed(t)
	fake.all[3].Fault = `key "k1" is missing in BACKSTOP_KEYRING`
	got := r.call(t, "POST", "/v1/sends", sendBody(policy.ID))
	require.Contains(t, got.problem(503, "unavailable").Detail, "account meta cannot be opened")
	require.NotEmpty(t, got.Header().Get("Retry-After"))
	fake.all[3].IsDisabled = true
	r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).problem(422, "invalid", "whatsapp.account")
}

func TestSends_Idempotency(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	const key = "order 10482, 50% (again)"
	body := sendBody(policy.ID)
	first := r.call(t, "POST", "/v1/sends", body, "Idempotency-Key", key)
	require.Equal(t, 202, first.Code, first.Body)
	require.Contains(t, r.door.keys, key)

	// The answer stays the same after a receipt for the send and after the deletion of the policy.
	r.door.keys[key] = func(s backstop.Send) backstop.Send {
		s.Outcome, s.Status.WhatsApp = backstop.OutcomeWhatsApp, backstop.Read
		return s
	}(r.door.keys[key])
	require.NoError(t, r.DeletePolicy(t.Context(), policy.ID, backstop.AnyVersion))

	reordered := ` { "fallback" : {"text":"h\u0069","policy_id":"` + policy.ID + `"},` + "\n" + `"whatsapp":{"text":"hello"},"to":"+447400123456"}`
	for _, again := range []string{body, reordered} {
		got := r.call(t, "POST", "/v1/sends", again, "Idempotency-Key", key)
		require.Equal(t, 202, got.Code, got.Body)
		require.Equal(t, first.Body.String(), got.Body.String())
		require.Equal(t, first.Header().Get("Location"), got.Header().Get("Location"))
	}
	r.call(t, "POST", "/v1/sends", strings.Replace(body, "hello", "Hello", 1), "Idempotency-Key", key).problem(422, "mismatch")
	require.Len(t, r.sends, 1)

	other := newRig(t)
	_, policy = other.seed(t)
	for range 2 {
		require.Equal(t, 202, other.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	}
	require.Len(t, other.sends, 2, "without a key, two requests are two sends")
}

func TestSends_Away(t *testing.T) {
	t.Parallel()
	away := &backstop.Error{Code: backstop.TryLater, Message: "the database is away", Cause: errTest}
	r := newRig(t)
	_, policy := r.seed(t)
	r.door.away = away
	for _, headers := range [][]string{nil, {"Idempotency-Key", "k"}} {
		got := r.call(t, "POST", "/v1/sends", sendBody(policy.ID), headers...)
		got.problem(503, "unavailable")
		require.Regexp(t, "^[1-5]$", got.Header().Get("Retry-After"))
	}
	r.away = away
	for _, path := range []string{"/v1/rules", "/v1/policies", "/v1/sends", "/v1/sends/" + someID, "/v1/rules/" + someID} {
		r.call(t, "GET", path, "").problem(503, "unavailable")
	}
	r.call(t, "POST", "/v1/rules", ruleBody).problem(503, "unavailable")
	require.Contains(t, r.logs.String(), errTest.Error(), "the log has the cause")
	require.Empty(t, r.sends)
}

func TestSends_Get(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	send := &r.sends[0]

	var fresh api.Send
	r.call(t, "GET", "/v1/sends/"+send.ID, "").into(200, &fresh)
	require.Nil(t, fresh.Sms)
	require.Nil(t, fresh.Fired)
	require.Nil(t, fresh.Template)
	require.Equal(t, api.SMSLength{Encoding: api.SMSLengthEncodingGsm7, Length: len(send.SMSText), Segments: 1}, fresh.SmsLength)
	send.Text, send.Template, send.SMSText = "", &backstop.Template{Name: "order_shipped", Language: "en_US"}, "你好"
	r.call(t, "GET", "/v1/sends/"+send.ID, "").into(200, &fresh)
	require.Equal(t, api.TemplateRef{Name: "order_shipped", Language: "en_US"}, *fresh.Template)
	require.Equal(t, api.SMSLength{Encoding: api.SMSLengthEncodingUcs2, Length: 2, Segments: 1}, fresh.SmsLength)
	send.Text, send.Template, send.SMSText = "hello", nil, "hello"
	require.Empty(t, fresh.Attempts)

	ended := now.Add(time.Second)
	send.Status.WhatsApp, send.Status.SMS, send.Outcome = backstop.Delivered, backstop.Delivered, backstop.OutcomeSMS
	send.Fired, send.FiredReason, send.DuplicateDelivery, send.FinishedAt = "Undelivered", "not delivered in 300 s", true, &ended
	send.FiredCause = backstop.NotDelivered
	r.attempts = []backstop.Attempt{
		{Ref: backstop.Ref{Send: send.ID, Step: 1}, Number: 1, Channel: backstop.WhatsApp, Provider: "meta", Account: "meta",
			State: backstop.StateThrottled, StartedAt: now, EndedAt: &ended, Failure: &backstop.Failure{
				Kind: backstop.Throttled, Code: "130429", Reason: "too fast", RetryAfter: 1500 * time.Millisecond}},
		{Ref: backstop.Ref{Send: send.ID, Step: 3}, Number: 1, Channel: backstop.SMS, Provider: "twilio", Account: "second", Rule: "Undelivered",
			Reason: "not delivered in 300 s", Cause: backstop.NotDelivered, SendID: "MyShop", State: backstop.Accepted, Status: backstop.Delivered,
			MessageID: "SM1", Segments: 2, StartedAt: now, EndedAt: &ended},
		{Ref: backstop.Ref{Send: send.ID, Step: 5}, Number: 1, Channel: backstop.SMS, Provider: "twilio", Account: "second",
			State: backstop.Calling, StartedAt: now},
		{Ref: backstop.Ref{Send: send.ID, Step: 7}, Number: 1, Channel: backstop.SMS, Provider: "twilio", Account: "second", State: backstop.Accepted,
			Status: backstop.Failed, MessageID: "SM2", StartedAt: now, EndedAt: &ended, Refusal: &backstop.Failure{
				Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "30005"}},
	}
	for _, kind := range []backstop.EventKind{
		backstop.EventAccepted, backstop.EventAttempt, backstop.EventReceipt, backstop.EventGaveUp, backstop.EventFired,
		backstop.EventAverted, backstop.EventDuplicate, backstop.EventExpired, backstop.EventOptedOut, backstop.EventFinished,
	} {
		r.events = append(r.events, backstop.Event{Send: send.ID, At: now, Kind: kind})
	}
	r.events[2].Channel, r.events[2].Status, r.events[2].Code = backstop.WhatsApp, backstop.Failed, "131026"
	r.events[2].Failure = &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "131026", Reason: "not there"}
	r.events[4].Cause, r.events[9].Detail = backstop.NotDelivered, "sms"
	r.events[1].Channel, r.events[1].Account, r.events[1].Rule = backstop.SMS, "first", "Undelivered"
	r.events[1].Failure = &backstop.Failure{Kind: backstop.Unavailable, NotCalled: backstop.NotCalledUnhealthy}
	r.events = append(r.events, backstop.Event{
		At: now, Kind: backstop.EventRouted, Channel: backstop.SMS, Account: "second", Rule: "Undelivered", Detail: "unhealthy",
	})

	var shown api.Send
	got := r.call(t, "GET", "/v1/sends/"+send.ID, "")
	got.into(200, &shown)
	require.Equal(t, "+447400123456", shown.To)
	require.Equal(t, "GB", *shown.Country)
	require.Equal(t, api.OutcomeSms, shown.Outcome)
	require.Equal(t, api.StatusDelivered, shown.Sms.Status)
	cause := api.FallbackReason("not_delivered")
	require.Equal(t, api.Fired{Rule: "Undelivered", Reason: "not delivered in 300 s", Cause: &cause}, *shown.Fired)
	require.Equal(t, &cause, shown.Attempts[1].Cause)
	require.True(t, shown.DuplicateDelivery)
	require.Equal(t, now.Add(5*time.Minute), *shown.Plan.Rules[0].Deadline)
	require.Equal(t, 2, *shown.Attempts[0].Failure.RetryAfterSeconds, "rounded up")
	require.Equal(t, "SM1", *shown.Attempts[1].MessageID)
	require.Nil(t, shown.Attempts[2].EndedAt)
	require.Equal(t, "30005", *shown.Attempts[3].Failure.Code, "the code of its receipt")
	require.Len(t, shown.Events, 11)
	require.Equal(t, api.EventFailure{Kind: "unavailable", NotCalled: new(api.NotCalledUnhealthy)}, *shown.Events[1].Failure)
	require.Equal(t, "first", *shown.Events[10].From)
	require.Equal(t, api.RouteReasonUnhealthy, *shown.Events[10].RouteReason)
	require.Equal(t, api.EventFailure{Kind: "rejected", Class: new(api.FailureClassRecipient), Reason: new("not there")}, *shown.Events[2].Failure)
	require.Equal(t, &cause, shown.Events[4].Cause)
	require.Equal(t, api.OutcomeSms, *shown.Events[9].Outcome)
	require.NotContains(t, got.Body.String(), "hello", "texts are not returned")
}

// A send says which rule fires next and when, and which rules cannot fire any more.
func TestSends_Get_next(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.policies[0].Rules = append(r.policies[0].Rules, backstop.Rule{
		ID: newID(), Name: "Unread", Type: backstop.Unread, WaitSeconds: 3600, SendID: "MyShop",
	})
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	send := &r.sends[0]
	shows := func(rule string, after time.Duration, satisfied ...bool) {
		t.Helper()
		var shown api.Send
		r.call(t, "GET", "/v1/sends/"+send.ID, "").into(200, &shown)
		if rule == "" {
			require.Nil(t, shown.NextRule)
			require.Nil(t, shown.NextDeadline)
		} else {
			require.Equal(t, rule, *shown.NextRule)
			require.Equal(t, now.Add(after), *shown.NextDeadline)
		}
		for i, want := range satisfied {
			require.Equal(t, want, shown.Plan.Rules[i].Satisfied)
		}
	}
	shows("Undelivered", 5*time.Minute, false, false)
	send.Status.WhatsApp = backstop.Delivered
	shows("Unread", time.Hour, true, false)
	r.attempts = []backstop.Attempt{{
		Ref: backstop.Ref{Send: send.ID, Step: 5}, Number: 1, Channel: backstop.SMS, Provider: "twilio", Account: "second", Rule: "Unread",
		State: backstop.Accepted, StartedAt: now,
	}}
	send.Status.SMS = backstop.Submitted
	shows("", 0, true, false)
	send.Status.SMS, send.Status.WhatsApp = backstop.Failed, backstop.Sent
	shows("Undelivered", 5*time.Minute, false, false) // the other rule is used
}

func TestSends_List(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	for range 3 {
		require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	}
	query := url.Values{
		"outcome": {"pending", "sms"}, "policy_id": {strings.ToUpper(policy.ID)}, "to": {"+447400123456"}, "to_ends": {"3456"},
		"from": {"2031-05-04T12:00:00Z"}, "until": {"2031-05-05T12:00:00+02:00"}, "limit": {"2"}, "order": {"oldest"},
		"scheduled": {"true"}, "fell_back": {"true"}, "averted": {"false"}, "duplicate": {"true"}, "reason": {"failed", "not_read"}, "rule": {"Unread & more"},
		"rule_type": {"unread"}, "country": {"GB"}, "sender": {"+15550100"}, "route": {"twilio"}, "sms_result": {"failed"},
		"provider": {"meta"}, "code": {"131026"}, "total": {"true"},
	}
	var list api.SendList
	r.call(t, "GET", "/v1/sends?"+query.Encode(), "").into(200, &list)
	require.Len(t, list.Items, 2)
	require.Equal(t, &api.Total{Count: 3, IsExact: true}, list.Total)
	require.Equal(t, r.sends[2].ID, list.Items[0].ID)
	require.Equal(t, new("Parcels"), list.Items[0].PolicyName)
	require.True(t, r.filter.Until.Equal(time.Date(2031, 5, 5, 10, 0, 0, 0, time.UTC)))
	r.filter.Until = time.Time{}
	require.Equal(t, backstop.ByOldest, r.page.Sort)
	require.Equal(t, backstop.SendFilter{
		Outcomes: []backstop.Outcome{backstop.OutcomePending, backstop.OutcomeSMS}, PolicyID: policy.ID, To: "+447400123456",
		ToEnds: "3456", From: now, Scheduled: new(true), FellBack: new(true), Averted: new(false), Duplicate: new(true),
		Reasons: []backstop.FallbackReason{backstop.ByFailure, backstop.NotRead}, Rule: "Unread & more", RuleType: backstop.Unread,
		Country: new("GB"), SMS: backstop.SMSFilter{Sender: "+15550100", Route: "twilio", Result: backstop.SMSFailed},
		Failure: backstop.CodeFilter{Provider: "meta", Code: "131026"},
	}, r.filter)
	complete := r.filter
	for _, name := range []string{"limit", "total", "until"} {
		query.Del(name)
	}
	status, _, _, err := r.export(t, query.Encode())
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Equal(t, complete, r.filter, "the file has the filters of the list")
	require.Equal(t, backstop.ByOldest, r.page.Sort)

	next := *list.NextCursor
	r.call(t, "GET", "/v1/sends?limit=2&cursor="+next, "").problem(400, "malformed", "cursor") // of another order
	list = api.SendList{}
	r.call(t, "GET", "/v1/sends?country=ZZ&order=oldest&limit=2&cursor="+next, "").into(200, &list)
	require.Len(t, list.Items, 1)
	require.Equal(t, r.sends[0].ID, list.Items[0].ID)
	require.Nil(t, list.Total)
	require.Equal(t, backstop.SendFilter{Country: new("")}, r.filter)

	for field, value := range map[string]string{
		"outcome": "lost", "to_ends": "123", "reason": "bored", "country": "gb", "fell_back": "maybe", "sms_result": "lost",
		"order": "random", "code": "", "sender": strings.Repeat("x", 65),
	} {
		r.call(t, "GET", "/v1/sends?"+url.Values{field: {value}}.Encode(), "").problem(400, "malformed", field)
	}
	const reversed = "?from=2031-05-04T12:00:00Z&until=10000-05-03T12:00:00Z"
	for _, path := range []string{"/v1/sends", "/v1/sends.csv"} {
		r.call(t, "GET", path+reversed, "").problem(400, "malformed", "until")
	}
}
