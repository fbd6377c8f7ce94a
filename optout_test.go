package backstop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestOptOutsThatStop(t *testing.T) {
	t.Parallel()
	for category, want := range map[backstop.Category][]backstop.OptOutCategory{
		"":                      backstop.OptOutCategories(), // the caller did not say: it may be anything
		backstop.Marketing:      {backstop.OptOutAll, backstop.OptOutMarketing},
		backstop.Utility:        {backstop.OptOutAll, backstop.OptOutUtility},
		backstop.Authentication: {backstop.OptOutAll, backstop.OptOutAuthentication},
	} {
		require.Equal(t, want, backstop.OptOutsThatStop(category), category)
	}
}

func TestOptOut_Validate(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)
	good := backstop.OptOut{To: "+447400123456", Category: backstop.OptOutAll, Since: now}
	require.NoError(t, good.Validate(now))
	for name, tc := range map[string]struct {
		change func(*backstop.OptOut)
		want   map[string]backstop.FieldCode
	}{
		"no number": {func(o *backstop.OptOut) { o.To = "07400123456" }, map[string]backstop.FieldCode{"to": backstop.FieldPhoneNumber}},
		"everything": {func(o *backstop.OptOut) {
			o.To, o.Category, o.Since, o.Note = "+4407400123456", "offers", now.Add(time.Second), strings.Repeat("ü", 201)
		}, map[string]backstop.FieldCode{
			"to": backstop.FieldTrunkDigits, "category": backstop.FieldOneOf, "since": backstop.FieldMustBePast, "note": backstop.FieldLengthMax,
		}},
		"controls": {func(o *backstop.OptOut) { o.Note = "a\nb" }, map[string]backstop.FieldCode{"note": backstop.FieldControlCharacters}},
		"Latin-1":  {func(o *backstop.OptOut) { o.Note = "caf\xe9" }, map[string]backstop.FieldCode{"note": backstop.FieldNotText}},
		"too old":  {func(o *backstop.OptOut) { o.Since = now.AddDate(-100, 0, 0) }, map[string]backstop.FieldCode{"since": backstop.FieldTimeYears}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := good
			tc.change(&o)
			var e *backstop.Error
			require.ErrorAs(t, o.Validate(now), &e)
			got := map[string]backstop.FieldCode{}
			for _, f := range e.Fields {
				got[f.Name] = f.Code
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestOptOutRules_Read(t *testing.T) {
	t.Parallel()
	rules := backstop.OptOutRules{StopWords: []string{" arret ", "退订"}, StartWords: []string{"oui"}}
	for name, tc := range map[string]struct {
		channel backstop.Channel
		in      backstop.Inbound
		want    backstop.Keyword
	}{
		"of the provider":       {backstop.SMS, backstop.Inbound{Keyword: backstop.StopKeyword, Text: "oui"}, backstop.StopKeyword},
		"own stop word":         {backstop.WhatsApp, backstop.Inbound{Text: "\n Arret "}, backstop.StopKeyword},
		"another script":        {backstop.SMS, backstop.Inbound{Text: "退订"}, backstop.StopKeyword},
		"own start word":        {backstop.SMS, backstop.Inbound{Text: "OUI"}, backstop.StartKeyword},
		"more than a word":      {backstop.SMS, backstop.Inbound{Text: "arret svp"}, ""},
		"yes":                   {backstop.SMS, backstop.Inbound{Text: "Yes"}, backstop.StartKeyword},
		"yes to a message":      {backstop.SMS, backstop.Inbound{Text: "Yes", ReplyTo: "SM1"}, ""},
		"yes by WhatsApp":       {backstop.WhatsApp, backstop.Inbound{Text: "Yes"}, ""},
		"an image has no words": {backstop.WhatsApp, backstop.Inbound{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, rules.Read(tc.channel, tc.in))
		})
	}
	require.Empty(t, backstop.OptOutRules{StopWords: []string{" "}}.Read(backstop.SMS, backstop.Inbound{Text: " "}))
}

func TestOptOutRules(t *testing.T) {
	t.Parallel()
	safe := []backstop.OptOutCategory{backstop.OptOutMarketing, backstop.OptOutUtility}
	all := []backstop.OptOutCategory{backstop.OptOutAll}
	marketing := []backstop.OptOutCategory{backstop.OptOutMarketing}
	var none backstop.OptOutRules
	strict := backstop.OptOutRules{Stop: all}
	require.Equal(t, safe, none.CategoriesOf(backstop.SMS))
	require.Equal(t, all, strict.CategoriesOf(backstop.SMS))
	require.Equal(t, marketing, strict.CategoriesOf(backstop.WhatsApp), "Meta's opt-out is of marketing alone")
	require.Equal(t, safe, none.StoppedBy(backstop.Inbound{}))
	require.Equal(t, marketing, strict.StoppedBy(backstop.Inbound{Category: backstop.Marketing}))
	require.Equal(t, backstop.OptOutCategories(), none.EndedBy(backstop.Inbound{}))
	require.Equal(t, marketing, strict.EndedBy(backstop.Inbound{Category: backstop.Marketing}))
	require.Empty(t, none.Fault())
	require.Empty(t, strict.Fault())
	require.NotEmpty(t, backstop.OptOutRules{Stop: []backstop.OptOutCategory{"offers"}}.Fault())
	require.NotEmpty(t, backstop.OptOutRules{Stop: []backstop.OptOutCategory{backstop.OptOutUtility}}.Fault())
	require.True(t, backstop.ValidKeyword("arrêt"))
	for _, bad := range []string{"", " ", "a\x00b", strings.Repeat("a", 33)} {
		require.False(t, backstop.ValidKeyword(bad))
	}
}

// listed puts the recipient on the list, as a load of the ledger reads it.
func (d *desk) listed(categories ...backstop.OptOutCategory) *desk {
	d.l.OptedOutOf = categories
	return d
}

// No call begins for a person on the list, and the send ends.
func TestLedger_Begin_listed(t *testing.T) {
	t.Parallel()
	undelivered := rule(backstop.Undelivered, time.Minute)
	for name, tc := range map[string]struct {
		history  func(d *desk)
		category backstop.Category
		list     backstop.OptOutCategory
		call     backstop.Call
		want     backstop.Answer
		outcome  backstop.Outcome
	}{
		"first call":     {call: whatsApp(), list: backstop.OptOutAll, want: backstop.RecipientOptedOut, outcome: backstop.OutcomeFailed},
		"may be of it":   {call: whatsApp(), list: backstop.OptOutUtility, want: backstop.RecipientOptedOut, outcome: backstop.OutcomeFailed},
		"its category":   {category: backstop.Utility, call: whatsApp(), list: backstop.OptOutUtility, want: backstop.RecipientOptedOut, outcome: backstop.OutcomeFailed},
		"all categories": {category: backstop.Authentication, call: whatsApp(), list: backstop.OptOutAll, want: backstop.RecipientOptedOut, outcome: backstop.OutcomeFailed},
		"another":        {category: backstop.Utility, call: whatsApp(), list: backstop.OptOutMarketing, want: backstop.MayCall, outcome: backstop.OutcomePending},
		"SMS, message may arrive": {
			history: func(d *desk) { d.call(whatsApp(), nil); d.at(time.Minute) }, call: smsOf(0), list: backstop.OptOutMarketing,
			want: backstop.RecipientOptedOut, outcome: backstop.OutcomeUnconfirmed,
		},
		"SMS, message failed": {
			history: func(d *desk) { d.call(whatsApp(), rejected("")) }, call: byFailure(smsOf(0)), list: backstop.OptOutMarketing,
			want: backstop.RecipientOptedOut, outcome: backstop.OutcomeFailed,
		},
		"retry of an SMS": {
			history: func(d *desk) { d.call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), throttled) }, call: byFailure(smsOf(0)),
			list: backstop.OptOutMarketing, want: backstop.RecipientOptedOut, outcome: backstop.OutcomeFailed,
		},
		"SMS, message arrived": {
			history: func(d *desk) { d.call(whatsApp(), nil).receive(whatsApp(), delivered).at(time.Minute) }, call: smsOf(0),
			list: backstop.OptOutMarketing, want: backstop.SendFinished, outcome: backstop.OutcomeWhatsApp,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, undelivered)
			d.l.Send.Category = tc.category
			if tc.history != nil {
				tc.history(d)
			}
			d.listed(tc.list)
			d.answers(tc.want, tc.call)
			require.Equal(t, tc.outcome, d.l.Send.Outcome)
			if tc.want != backstop.RecipientOptedOut {
				require.NotContains(t, d.kinds(), backstop.EventOptedOut)
				return
			}
			require.NotNil(t, d.l.Send.FinishedAt)
			kinds := d.kinds()
			require.Equal(t, []backstop.EventKind{backstop.EventOptedOut, backstop.EventFinished}, kinds[len(kinds)-2:])
			d.answers(backstop.SendFinished, tc.call) // repeated
			require.Equal(t, kinds, d.kinds())
		})
	}
}

// While an SMS may arrive, its receipt decides. An opt-out never erases what was sent before.
func TestLedger_Begin_listedDuringSMS(t *testing.T) {
	t.Parallel()
	d := newDesk(t, rule(backstop.Undelivered, time.Minute), rule(backstop.Undelivered, time.Minute))
	d.call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), nil).listed(backstop.OptOutAll)
	d.answers(backstop.RecipientOptedOut, byFailure(smsOf(1)))
	require.Nil(t, d.l.Send.FinishedAt)
	d.receive(smsOf(0), delivered)
	require.Equal(t, backstop.OutcomeSMS, d.l.Send.Outcome)
	require.NotContains(t, d.kinds(), backstop.EventOptedOut)
}

// A call that was begun and not made yet is looked at again: after a lost answer, or a crash before the call.
func TestLedger_Begin_listedAfterBegin(t *testing.T) {
	t.Parallel()
	d := newDesk(t, rule(backstop.Undelivered, time.Minute))
	c := whatsApp()
	c.Token = "own"
	r, err := d.l.Begin(c, d.tick())
	require.NoError(t, err)
	require.Equal(t, backstop.MayCall, r.Answer)
	d.listed(backstop.OptOutMarketing)
	r, err = d.l.Begin(c, d.tick())
	require.NoError(t, err)
	require.Equal(t, backstop.RecipientOptedOut, r.Answer)
	require.Equal(t, backstop.OutcomeFailed, d.l.Send.Outcome)
}

func TestLedger_Skip(t *testing.T) {
	t.Parallel()
	d := newDesk(t, rule(backstop.Unread, time.Minute)).listed(backstop.OptOutUtility)
	d.l.Skip(origin)
	require.True(t, d.l.Send.IsSkipped())
	require.Equal(t, backstop.OutcomeFailed, d.l.Send.Outcome)
	require.Equal(t, []backstop.EventKind{backstop.EventOptedOut, backstop.EventFinished}, d.kinds())
	require.Equal(t, "on the list of opt-outs: utility", d.l.Events[0].Detail)
	_, _, foretold := d.l.NextRule(origin)
	require.False(t, foretold)
}

func TestLedger_NextRule_listed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, rule(backstop.Unread, time.Minute)).call(whatsApp(), nil)
	_, _, foretold := d.l.NextRule(d.now)
	require.True(t, foretold)
	d.listed(backstop.OptOutAuthentication)
	_, _, foretold = d.l.NextRule(d.now)
	require.False(t, foretold)
}

// A refusal of a provider makes an entry for the list, once, whether it comes as an answer or by webhook.
func TestLedger_optOuts(t *testing.T) {
	t.Parallel()
	stop := &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "21610"}
	d := newDesk(t, rule(backstop.Undelivered, time.Minute))
	d.l.Send.To = "+447400123456"
	d.call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), stop)
	require.Len(t, d.l.OptOuts, 1)
	require.Equal(t, backstop.OptOutOrigin{
		Source: backstop.ByProvider, Channel: backstop.SMS, Provider: "twilio", Account: "twilio", Code: "21610", Send: sendID,
	}, d.l.OptOuts[0].OptOutOrigin)
	require.Equal(t, "+447400123456", d.l.OptOuts[0].To)
	require.Empty(t, d.l.Clone().OptOuts)

	d = newDesk(t, rule(backstop.Undelivered, time.Minute)).call(whatsApp(), nil).optOut(whatsApp())
	require.Len(t, d.l.OptOuts, 1)
	require.Equal(t, backstop.WhatsApp, d.l.OptOuts[0].Channel)
	d.optOut(whatsApp()) // repeated
	require.Len(t, d.l.OptOuts, 1)

	d = newDesk(t, rule(backstop.Undelivered, time.Minute))
	d.l.Send.To, d.l.Send.IsTest = "+447400123456", true
	d.call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), stop)
	require.Empty(t, d.l.OptOuts, "a simulated provider says nothing about the real person")
}

func TestLedger_BeginsCall(t *testing.T) {
	t.Parallel()
	d := newDesk(t, rule(backstop.Undelivered, time.Minute))
	before := d.l.Clone()
	d.begin(whatsApp())
	require.True(t, d.l.BeginsCall(before))
	require.False(t, d.l.BeginsCall(d.l.Clone()))
	before = d.l.Clone()
	d.end(whatsApp(), throttled)
	require.False(t, d.l.BeginsCall(before))
	before = d.l.Clone()
	d.begin(whatsApp()) // a retry
	require.True(t, d.l.BeginsCall(before))
}
