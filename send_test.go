package backstop_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

func TestSend_Validate(t *testing.T) {
	t.Parallel()
	text := func(s string) func(*backstop.Send) {
		return func(send *backstop.Send) { send.Text = s }
	}
	sms := func(s string) func(*backstop.Send) {
		return func(send *backstop.Send) { send.SMSText = s }
	}
	template := func(t backstop.Template) func(*backstop.Send) {
		return func(send *backstop.Send) { send.Text, send.Template = "", &t }
	}
	category := func(c backstop.Category) func(*backstop.Send) {
		return func(send *backstop.Send) { send.Category = c }
	}
	expires := func(after time.Duration) func(*backstop.Send) {
		at := origin.Add(after)
		return func(send *backstop.Send) { send.ExpiresAt = &at }
	}
	components := func(size int) json.RawMessage { return json.RawMessage(`["` + strings.Repeat("x", size-4) + `"]`) }
	tests := map[string]struct {
		change func(*backstop.Send)
		fields []string
	}{
		"a text":                    {change: text("hello")},
		"the longest text":          {change: text(strings.Repeat("é", 4096))},
		"too long a text":           {change: text(strings.Repeat("é", 4097)), fields: []string{"whatsapp.text"}},
		"a text with NUL":           {change: text("a\x00b"), fields: []string{"whatsapp.text"}},
		"a text that is not UTF-8":  {change: text("a\xff"), fields: []string{"whatsapp.text"}},
		"neither text nor template": {change: text(""), fields: []string{"whatsapp"}},
		"text and template": {
			change: func(s *backstop.Send) { s.Template = &backstop.Template{Name: "a", Language: "en"} }, fields: []string{"whatsapp"},
		},
		"the longest SMS":         {change: sms(strings.Repeat("é", 1600))},
		"too long an SMS":         {change: sms(strings.Repeat("é", 1601)), fields: []string{"fallback.text"}},
		"no SMS":                  {change: sms(""), fields: []string{"fallback.text"}},
		"an SMS with NUL":         {change: sms("\x00"), fields: []string{"fallback.text"}},
		"an SMS that is not UTF8": {change: sms("\xc3\x28"), fields: []string{"fallback.text"}},

		"a template":                {change: template(backstop.Template{Name: "order_2", Language: "en_US"})},
		"a template, short code":    {change: template(backstop.Template{Name: "a", Language: "fil"})},
		"the longest template name": {change: template(backstop.Template{Name: strings.Repeat("a", 512), Language: "en"})},
		"too long a template name": {
			change: template(backstop.Template{Name: strings.Repeat("a", 513), Language: "en"}), fields: []string{"whatsapp.template.name"},
		},
		"a template name in capitals": {
			change: template(backstop.Template{Name: "Order", Language: "en"}), fields: []string{"whatsapp.template.name"},
		},
		"a template name of two lines": {
			change: template(backstop.Template{Name: "a\n", Language: "en"}), fields: []string{"whatsapp.template.name"},
		},
		"a language with a hyphen": {
			change: template(backstop.Template{Name: "a", Language: "en-US"}), fields: []string{"whatsapp.template.language"},
		},
		"an empty template": {
			change: template(backstop.Template{}), fields: []string{"whatsapp.template.name", "whatsapp.template.language"},
		},
		"the largest components": {
			change: template(backstop.Template{Name: "a", Language: "en", Components: components(32768)}),
		},
		"too large components": {
			change: template(backstop.Template{Name: "a", Language: "en", Components: components(32769)}),
			fields: []string{"whatsapp.template.components"},
		},

		"authentication":   {change: category(backstop.Authentication)},
		"utility":          {change: category(backstop.Utility)},
		"marketing":        {change: category(backstop.Marketing)},
		"no such category": {change: category("Marketing"), fields: []string{"category"}},

		"expires in a moment": {change: expires(1)},
		"expires now":         {change: expires(0), fields: []string{"expires_at"}},
		"expired":             {change: expires(-time.Hour), fields: []string{"expires_at"}},

		"everything at once": {
			change: func(s *backstop.Send) { *s = backstop.Send{Category: "x", ExpiresAt: &time.Time{}} },
			fields: []string{"whatsapp", "fallback.text", "category", "expires_at"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			send := backstop.Send{Text: "hello", SMSText: "hello"}
			tc.change(&send)
			require.Equal(t, tc.fields, invalid(t, send.Validate(origin)))
		})
	}
}

func TestSend_Decide(t *testing.T) {
	t.Parallel()
	const (
		queued, submitted, sent = backstop.Queued, backstop.Submitted, backstop.Sent
		failed, delivered, read = backstop.Failed, backstop.Delivered, backstop.Read
	)
	tests := map[string]struct {
		whatsapp, sms backstop.Status
		expired       bool
		want          backstop.Outcome
	}{
		"read by WhatsApp":                    {whatsapp: read, want: backstop.OutcomeWhatsApp},
		"delivered by WhatsApp":               {whatsapp: delivered, want: backstop.OutcomeWhatsApp},
		"delivered by SMS":                    {whatsapp: failed, sms: delivered, want: backstop.OutcomeSMS},
		"delivered by both":                   {whatsapp: read, sms: delivered, want: backstop.OutcomeSMS},
		"delivered by WhatsApp, SMS failed":   {whatsapp: delivered, sms: failed, want: backstop.OutcomeWhatsApp},
		"delivered by WhatsApp, SMS open":     {whatsapp: delivered, sms: sent, want: backstop.OutcomeWhatsApp},
		"sent by WhatsApp, nothing more":      {whatsapp: sent, want: backstop.OutcomeUnconfirmed},
		"accepted by WhatsApp, nothing more":  {whatsapp: submitted, want: backstop.OutcomeUnconfirmed},
		"a WhatsApp call of unknown end":      {whatsapp: queued, want: backstop.OutcomeUnconfirmed},
		"accepted as SMS, nothing more":       {whatsapp: failed, sms: submitted, want: backstop.OutcomeUnconfirmed},
		"sent as SMS, nothing more":           {whatsapp: sent, sms: sent, want: backstop.OutcomeUnconfirmed},
		"an SMS call of unknown end":          {whatsapp: failed, sms: queued, want: backstop.OutcomeUnconfirmed},
		"both failed":                         {whatsapp: failed, sms: failed, want: backstop.OutcomeFailed},
		"both used, one failed":               {whatsapp: sent, sms: failed, want: backstop.OutcomeFailed},
		"failed by WhatsApp, no SMS":          {whatsapp: failed, want: backstop.OutcomeFailed},
		"expired, nobody has it":              {whatsapp: queued, expired: true, want: backstop.OutcomeExpired},
		"expired, but WhatsApp has it":        {whatsapp: sent, expired: true, want: backstop.OutcomeUnconfirmed},
		"expired after a failure":             {whatsapp: failed, expired: true, want: backstop.OutcomeExpired},
		"expired after a failed SMS":          {whatsapp: failed, sms: failed, expired: true, want: backstop.OutcomeExpired},
		"expired, yet delivered by WhatsApp":  {whatsapp: delivered, expired: true, want: backstop.OutcomeWhatsApp},
		"expired, yet delivered by SMS":       {whatsapp: failed, sms: delivered, expired: true, want: backstop.OutcomeSMS},
		"expired, and read by WhatsApp later": {whatsapp: read, expired: true, want: backstop.OutcomeWhatsApp},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := backstop.Send{WhatsAppStatus: tc.whatsapp, SMSStatus: tc.sms, Expired: tc.expired}
			require.Equal(t, backstop.OutcomePending, s.Decide(), "before the end")
			s.FinishedAt = &origin
			require.Equal(t, tc.want, s.Decide())
		})
	}
}

// receipt is what Absorb takes. That it is about the current message belongs to the receipt here: the store and the
// workflow work it out anew for each, by the steps that they know.
type receipt struct {
	channel backstop.Channel
	status  backstop.Status
	current bool
}

func anyReceipt() *rapid.Generator[receipt] {
	return rapid.Custom(func(t *rapid.T) receipt {
		return receipt{
			channel: rapid.SampledFrom([]backstop.Channel{backstop.WhatsApp, backstop.SMS}).Draw(t, "channel"),
			status:  reported().Draw(t, "status"),
			current: rapid.IntRange(0, 3).Draw(t, "current") > 0,
		}
	})
}

func absorb(s backstop.Send, receipts []receipt) backstop.Send {
	for _, r := range receipts {
		s = s.Absorb(r.channel, r.status, r.current)
	}
	return s
}

// underWay is a send whose SMS is under way and which has not arrived by WhatsApp.
func underWay(t *rapid.T) backstop.Send {
	s := backstop.Send{
		WhatsAppStatus: rapid.SampledFrom([]backstop.Status{backstop.Queued, backstop.Submitted, backstop.Sent, backstop.Failed}).Draw(t, "whatsapp"),
		SMSStatus:      backstop.Queued,
	}
	if rapid.Bool().Draw(t, "finished") {
		s.FinishedAt = &origin
	}
	s.Outcome = s.Decide()
	return s
}

// Whatever the order and however often they come, the same receipts make the same statuses and the same outcome. They
// make the same flag of a duplicate delivery too, unless a failure of the SMS is among them: an SMS counts as gone out
// until its failure is known, so then it matters whether the WhatsApp message arrived before that.
func TestSend_Absorb_order(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		send := underWay(t)
		receipts := rapid.SliceOfN(anyReceipt(), 0, 10).Draw(t, "receipts")
		again := rapid.Permutation(withRepeats(t, receipts)).Draw(t, "again")
		a, b := absorb(send, receipts), absorb(send, again)
		require.Equal(t, a.WhatsAppStatus, b.WhatsAppStatus)
		require.Equal(t, a.SMSStatus, b.SMSStatus)
		require.Equal(t, a.Outcome, b.Outcome)
		require.Equal(t, a.Decide(), a.Outcome)
		arrived := a.WhatsAppStatus.Reached(backstop.Delivered)
		if !slices.Contains(receipts, receipt{backstop.SMS, backstop.Failed, true}) {
			require.Equal(t, arrived, a.DuplicateDelivery)
			require.Equal(t, arrived, b.DuplicateDelivery)
		}
		require.True(t, arrived || !a.DuplicateDelivery, "what has not arrived is no duplicate")
	})
}

// When a rule fires because a delivered message was not read, the SMS is what was asked for and no duplicate.
func TestSend_Absorb_delivered_before(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		send := underWay(t)
		send.WhatsAppStatus = rapid.SampledFrom([]backstop.Status{backstop.Delivered, backstop.Read}).Draw(t, "before")
		require.False(t, absorb(send, rapid.SliceOf(anyReceipt()).Draw(t, "receipts")).DuplicateDelivery)
	})
}

func TestSend_Absorb_monotonic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := underWay(t)
		for _, r := range rapid.SliceOfN(anyReceipt(), 1, 10).Draw(t, "receipts") {
			next := s.Absorb(r.channel, r.status, r.current)
			require.GreaterOrEqual(t, rank(next.WhatsAppStatus), rank(s.WhatsAppStatus))
			require.GreaterOrEqual(t, rank(next.SMSStatus), rank(s.SMSStatus))
			if rejected := s.SMSStatus == backstop.Queued && next.SMSStatus == backstop.Failed; !rejected {
				require.True(t, next.DuplicateDelivery || !s.DuplicateDelivery, "the flag stays, unless no SMS went out")
			}
			require.Equal(t, next, next.Absorb(r.channel, r.status, r.current), "a second time changes nothing")
			s = next
		}
	})
}

func TestSend_Absorb(t *testing.T) {
	t.Parallel()
	const (
		submitted, sent         = backstop.Submitted, backstop.Sent
		failed, delivered, read = backstop.Failed, backstop.Delivered, backstop.Read
	)
	whatsapp := func(s backstop.Status) receipt { return receipt{backstop.WhatsApp, s, true} }
	sms := func(s backstop.Status) receipt { return receipt{backstop.SMS, s, true} }
	old := func(r receipt) receipt { r.current = false; return r }
	tests := map[string]struct {
		send     backstop.Send
		receipts []receipt

		whatsapp, sms backstop.Status
		duplicate     bool
		outcome       backstop.Outcome
	}{
		"a late delivery betters a failure": {
			send:     backstop.Send{WhatsAppStatus: failed, FinishedAt: &origin},
			receipts: []receipt{whatsapp(delivered)}, whatsapp: delivered, outcome: backstop.OutcomeWhatsApp,
		},
		"a late failure does not undo a delivery": {
			send:     backstop.Send{WhatsAppStatus: delivered, FinishedAt: &origin},
			receipts: []receipt{whatsapp(failed)}, whatsapp: delivered, outcome: backstop.OutcomeWhatsApp,
		},
		"before the end the outcome is pending": {
			send:     backstop.Send{WhatsAppStatus: sent},
			receipts: []receipt{whatsapp(read)}, whatsapp: read, outcome: backstop.OutcomePending,
		},
		"delivered by WhatsApp after the SMS": {
			send:     backstop.Send{WhatsAppStatus: sent, SMSStatus: submitted},
			receipts: []receipt{whatsapp(delivered)}, whatsapp: delivered, sms: submitted, duplicate: true, outcome: backstop.OutcomePending,
		},
		"read by WhatsApp after the SMS arrived": {
			send:     backstop.Send{WhatsAppStatus: failed, SMSStatus: delivered, FinishedAt: &origin},
			receipts: []receipt{whatsapp(read)}, whatsapp: read, sms: delivered, duplicate: true, outcome: backstop.OutcomeSMS,
		},
		"sent by WhatsApp after the SMS": {
			send:     backstop.Send{WhatsAppStatus: submitted, SMSStatus: sent},
			receipts: []receipt{whatsapp(sent)}, whatsapp: sent, sms: sent, outcome: backstop.OutcomePending,
		},
		"delivered by WhatsApp while the SMS call runs, which is accepted": {
			send:     backstop.Send{WhatsAppStatus: sent, SMSStatus: backstop.Queued},
			receipts: []receipt{whatsapp(delivered), sms(submitted)}, whatsapp: delivered, sms: submitted, duplicate: true,
			outcome: backstop.OutcomePending,
		},
		"delivered by WhatsApp before the SMS is known to have failed": {
			send:     backstop.Send{WhatsAppStatus: sent, SMSStatus: sent},
			receipts: []receipt{whatsapp(delivered), sms(failed)}, whatsapp: delivered, sms: failed, duplicate: true,
			outcome: backstop.OutcomePending,
		},
		"delivered by WhatsApp once the SMS is known to have failed": {
			send:     backstop.Send{WhatsAppStatus: sent, SMSStatus: sent},
			receipts: []receipt{sms(failed), whatsapp(delivered)}, whatsapp: delivered, sms: failed, duplicate: true,
			outcome: backstop.OutcomePending,
		},
		"delivered by WhatsApp before the SMS, read after it": {
			send:     backstop.Send{WhatsAppStatus: delivered, SMSStatus: backstop.Queued},
			receipts: []receipt{sms(submitted), sms(delivered), whatsapp(read)}, whatsapp: read, sms: delivered,
			outcome: backstop.OutcomePending,
		},
		"delivered by WhatsApp, no SMS": {
			send:     backstop.Send{WhatsAppStatus: sent},
			receipts: []receipt{whatsapp(delivered)}, whatsapp: delivered, outcome: backstop.OutcomePending,
		},
		"a replaced message's failure says nothing": {
			send:     backstop.Send{WhatsAppStatus: submitted, SMSStatus: sent},
			receipts: []receipt{old(whatsapp(failed)), old(sms(failed))}, whatsapp: submitted, sms: sent,
		},
		"a replaced message's way says nothing": {
			send:     backstop.Send{WhatsAppStatus: backstop.Queued, SMSStatus: backstop.Queued},
			receipts: []receipt{old(whatsapp(sent)), old(sms(submitted))}, whatsapp: backstop.Queued, sms: backstop.Queued,
		},
		"a replaced message may arrive": {
			send:     backstop.Send{WhatsAppStatus: failed, SMSStatus: sent, FinishedAt: &origin},
			receipts: []receipt{old(whatsapp(delivered)), old(sms(delivered))}, whatsapp: delivered, sms: delivered, duplicate: true,
			outcome: backstop.OutcomeSMS,
		},
		"no such status": {
			send:     backstop.Send{WhatsAppStatus: sent, SMSStatus: sent},
			receipts: []receipt{whatsapp("seen"), sms("undelivered")}, whatsapp: sent, sms: sent, outcome: backstop.OutcomePending,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := absorb(tc.send, tc.receipts)
			want := tc.send
			want.WhatsAppStatus, want.SMSStatus, want.DuplicateDelivery, want.Outcome = tc.whatsapp, tc.sms, tc.duplicate, tc.outcome
			require.Equal(t, want, got)
		})
	}
}

func TestSend_Settled(t *testing.T) {
	t.Parallel()
	plan := rules(rule(backstop.Undelivered, time.Minute), rule(backstop.Unread, time.Hour))
	tests := map[string]struct {
		whatsapp, sms backstop.Status
		handedBack    bool
		want          bool
	}{
		"queued":                        {whatsapp: backstop.Queued},
		"failed":                        {whatsapp: backstop.Failed},
		"delivered, one rule is left":   {whatsapp: backstop.Delivered},
		"read":                          {whatsapp: backstop.Read, want: true},
		"read, but an SMS is under way": {whatsapp: backstop.Read, sms: backstop.Sent},
		"read, but an SMS failed":       {whatsapp: backstop.Read, sms: backstop.Failed},
		"the SMS is delivered":          {whatsapp: backstop.Failed, sms: backstop.Delivered, want: true},
		"the SMS failed":                {whatsapp: backstop.Failed, sms: backstop.Failed},
		"the last SMS failed":           {whatsapp: backstop.Failed, sms: backstop.Failed, handedBack: true, want: true},
		"the last SMS is sent":          {whatsapp: backstop.Failed, sms: backstop.Sent, handedBack: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			send := backstop.Send{Plan: plan, WhatsAppStatus: tc.whatsapp, SMSStatus: tc.sms}
			if tc.handedBack {
				send.ReceiptBy = new(origin)
			}
			require.False(t, tc.handedBack && send.Waits(backstop.SMS, backstop.Sent, backstop.Failed), "no workflow is there")
			require.Equal(t, tc.want, send.Settled())
		})
	}
}

// Of a send that is settled, and not by an SMS, no rule ever fires, whatever receipts follow; and every look before an
// SMS would avert it.
func TestSend_Settled_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		send := backstop.Send{Plan: validPlan().Draw(t, "plan"), WhatsAppStatus: reported().Draw(t, "status")}
		if !send.Settled() {
			return
		}
		for _, rule := range send.Plan.Rules {
			require.True(t, send.WhatsAppStatus.Reached(rule.Type.Goal()))
			require.True(t, send.WhatsAppStatus.Reached(backstop.Delivered))
		}
		for _, r := range rapid.SliceOf(anyReceipt()).Draw(t, "receipts") {
			if r.channel == backstop.WhatsApp {
				send = send.Absorb(r.channel, r.status, r.current)
			}
		}
		require.True(t, send.Settled())
		_, fires := send.Plan.Fired(send.WhatsAppStatus, origin, moment(t, send.Plan.Rules...), anySpent(t, send.Plan))
		require.False(t, fires)
	})
}

func TestCategory_ChasesOptOut(t *testing.T) {
	t.Parallel()
	require.True(t, backstop.Authentication.ChasesOptOut())
	require.True(t, backstop.Utility.ChasesOptOut())
	require.False(t, backstop.Marketing.ChasesOptOut())
	require.False(t, backstop.Category("").ChasesOptOut(), "a caller who did not say may mean marketing")
}
