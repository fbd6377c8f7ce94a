package main

import (
	"encoding/base64"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
)

// noon is the time at which the send of a hand-made record is posted.
var noon = time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

const sendID = "01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e5f"

func scenarioOf(digits string) scenario {
	for _, s := range allScenarios() {
		if s.digits == digits {
			return s
		}
	}
	panic("no scenario " + digits)
}

func policyOf(name string) *policy {
	for _, p := range allPolicies() {
		if p.Name == name {
			return p
		}
	}
	panic("no policy " + name)
}

func providerCall(seconds float64, channel, from, id string) call {
	c := call{Time: at(seconds), Provider: twilio, Channel: channel, From: from, ID: id, Accepted: true}
	if channel == whatsApp {
		c.Provider = meta
	}
	c.Answer.Status = 200
	return c
}

// refusedCall returns a call that a provider answered with an HTTP status, and did not accept.
func refusedCall(seconds float64, provider string, status int) call {
	c := call{Time: at(seconds), Provider: provider, Channel: sms, From: "TA3"}
	c.Answer.Status = status
	return c
}

func receipt(seconds float64, provider, id, status string) report {
	return report{Provider: provider, MessageID: id, Status: status, Arrived: at(seconds), Acked: at(seconds)}
}

// sound returns a record without a breach: the WhatsApp message was sent and not delivered within 3 s, and the SMS that
// followed was delivered. The policy has two more rules.
func sound() (*record, *sendRecord) {
	s := &sendRecord{
		order: order{
			Scenario: scenarioOf("03"), Policy: policyOf("in turn"), Number: "+447400123403",
			Text: "Your parcel 1WA comes today.", SMSText: "Your parcel 1SMS comes today.",
		},
		ID: sendID, PostedAt: at(0), AnsweredAt: at(0.01),
		Calls: []call{providerCall(0.1, whatsApp, firstNumber, "wamid.1"), providerCall(3.1, sms, "TA3", "SM1")},
		Reports: []report{
			receipt(0.5, meta, "wamid.1", sent), receipt(3.5, twilio, "SM1", sent), receipt(4, twilio, "SM1", delivered),
		},
		Final: &view{
			ID: sendID, Outcome: sms, AcceptedAt: at(0), FinishedAt: new(at(4)),
			WhatsApp: channelState{sent}, SMS: &channelState{delivered},
			Attempts: []attempt{
				{Step: 1, Number: 1, Channel: whatsApp, State: accepted, Status: sent, MessageID: "wamid.1", StartedAt: at(0.05)},
				{
					Step: 2, Number: 1, Channel: sms, Provider: twilio, Account: defaultSMS, SendID: "TA3", State: accepted,
					Status: delivered, MessageID: "SM1", StartedAt: at(3.05),
				},
			},
			Events: []event{
				{At: at(0), Kind: eventAccepted},
				{At: at(0.1), Kind: eventAttempt, Channel: whatsApp, Status: submitted},
				{At: at(0.5), Kind: eventReceipt, Channel: whatsApp, Status: sent},
				{At: at(3.05), Kind: eventFired, Channel: sms, Rule: "in turn TA3"},
				{At: at(3.1), Kind: eventAttempt, Channel: sms, Status: submitted},
				{At: at(3.5), Kind: eventReceipt, Channel: sms, Status: sent},
				{At: at(4), Kind: eventReceipt, Channel: sms, Status: delivered},
				{At: at(4), Kind: eventFinished},
			},
		},
	}
	return &record{sends: []*sendRecord{s}}, s
}

func TestProperties_sound(t *testing.T) {
	t.Parallel()
	r, _ := sound()
	for _, p := range allProperties() {
		require.Empty(t, p.check(r).breaches, p.name)
	}
}

// smsFollows adds an SMS of the second rule.
func smsFollows(s *sendRecord, seconds float64) {
	s.Calls = append(s.Calls, providerCall(seconds, sms, "TB6", "SM2"))
	s.Final.Attempts = append(s.Final.Attempts, attempt{
		Step: 3, Number: 1, Channel: sms, Provider: twilio, SendID: "TB6", State: accepted, Status: submitted, MessageID: "SM2", StartedAt: at(seconds - 0.05),
	})
}

// resent adds a WhatsApp message of the same send.
func resent(s *sendRecord, seconds float64) {
	s.Calls = append(s.Calls, providerCall(seconds, whatsApp, firstNumber, "wamid.2"))
	s.Final.Attempts = append(s.Final.Attempts, attempt{
		Step: 2, Number: 1, Channel: whatsApp, State: accepted, Status: submitted, MessageID: "wamid.2", StartedAt: at(seconds - 0.05),
	})
}

// noSMS removes the SMS.
func noSMS(s *sendRecord) {
	s.Calls, s.Reports = s.Calls[:1], s.Reports[:1]
	s.Final.Attempts, s.Final.SMS, s.Final.Outcome = s.Final.Attempts[:1], nil, unconfirmed
	s.Final.Events = append(s.Final.Events[:3:3], event{At: at(4), Kind: eventFinished})
}

// held replaces the SMS by an attempt of unknown end. The provider has no such call.
func held(s *sendRecord) {
	orphan := s.Final.Attempts[1]
	noSMS(s)
	orphan.State, orphan.Status, orphan.MessageID = unknown, "", ""
	s.Final.Attempts = append(s.Final.Attempts, orphan)
	s.Final.SMS = &channelState{queued}
}

// TestProperties breaches each property, in every possible way.
func TestProperties(t *testing.T) {
	t.Parallel()
	breaches := map[string]map[string]func(*record, *sendRecord){
		"every 202 has one final outcome": {
			"pending":       func(_ *record, s *sendRecord) { s.Final.Outcome = pending },
			"not finished":  func(_ *record, s *sendRecord) { s.Final.FinishedAt = nil },
			"not readable":  func(_ *record, s *sendRecord) { s.Final = nil },
			"not accepted":  func(_ *record, s *sendRecord) { s.ID = "" },
			"a conflict":    func(_ *record, s *sendRecord) { s.Problems = []string{"HTTP 409"} },
			"a second send": func(r *record, _ *sendRecord) { r.extra = []string{"another"} },
		},
		"no message twice": {
			"WhatsApp, and nothing was unknown": func(_ *record, s *sendRecord) { resent(s, 1) },
			"WhatsApp, resent after a receipt": func(_ *record, s *sendRecord) {
				s.Final.Attempts[0].State = unknown
				resent(s, 1)
			},
			"WhatsApp, thrice": func(_ *record, s *sendRecord) {
				s.Final.Attempts[0].State = unknown
				resent(s, 0.3)
				resent(s, 0.4)
			},
			"SMS of one rule": func(_ *record, s *sendRecord) { s.Calls = append(s.Calls, s.Calls[1]) },
			"SMS of one rule, by two accounts": func(_ *record, s *sendRecord) {
				s.Calls = append(s.Calls, s.Calls[1])
				s.Calls[2].Provider = infobip
			},
			"SMS of one rule, from two senders": func(_ *record, s *sendRecord) {
				s.Policy, s.Scenario = policyOf("without a wait"), scenarioOf("14")
				s.Calls[1].From = "NB0"
				s.Calls = append(s.Calls, providerCall(9, sms, "NX0", "SM2"))
			},
			"SMS of another rule, and the first arrives": func(_ *record, s *sendRecord) { smsFollows(s, 6) },
			"SMS of another rule, before the first failed": func(_ *record, s *sendRecord) {
				s.Scenario = scenarioOf("14")
				smsFollows(s, 3.2)
			},
			"to a stranger": func(r *record, _ *sendRecord) { r.calls = map[string][]call{"+447400999901": nil} },
		},
		"no SMS after a satisfying receipt": {
			"delivered before": func(_ *record, s *sendRecord) { s.Reports = append(s.Reports, receipt(2, meta, "wamid.1", delivered)) },
			"read before":      func(_ *record, s *sendRecord) { s.Reports = append(s.Reports, receipt(2, meta, "wamid.1", read)) },
			"of no rule":       func(_ *record, s *sendRecord) { s.Calls[1].From = "NOBODY" },
			"of no attempt":    func(_ *record, s *sendRecord) { s.Final.Attempts = s.Final.Attempts[:1] },
		},
		"every send that had to fall back did": {
			"no SMS":                  func(_ *record, s *sendRecord) { noSMS(s) },
			"held, and nothing died":  func(_ *record, s *sendRecord) { held(s) },
			"held, and a cut is none": func(r *record, s *sendRecord) { held(s); r.faults = []fault{{Kind: losePostgres, Began: at(3.1)}} },
			"held, and it hung later": func(r *record, s *sendRecord) {
				held(s)
				r.faults = []fault{{Kind: hangSMS, Provider: twilio, Began: at(9), Ended: at(11)}}
			},
			"held, and another hung": func(r *record, s *sendRecord) {
				held(s)
				r.faults = []fault{{Kind: hangSMS, Provider: infobip, Began: at(3), Ended: at(4)}}
			},
			"held, and Infobip would refuse a repeat": func(r *record, s *sendRecord) {
				held(s)
				s.Final.Attempts[1].Provider = infobip
				r.faults = []fault{{Kind: killServe, Began: at(3.1)}}
			},
			"the next rule, after a refusal": func(_ *record, s *sendRecord) {
				refused(s)
				s.Scenario = scenarioOf("04")
			},
			"held, and it died later": func(r *record, s *sendRecord) { held(s); r.faults = []fault{{Kind: killServe, Began: at(9)}} },
			"the next rule": func(_ *record, s *sendRecord) {
				s.Scenario = scenarioOf("14")
				s.Reports[2].Status = failed
			},
		},
		"every acknowledged receipt is stored": {
			"nowhere": func(_ *record, s *sendRecord) {
				s.Final.Attempts[1].Status, s.Final.Events = sent, s.Final.Events[:6]
			},
			"not in the channel": func(_ *record, s *sendRecord) { s.Final.SMS.Status = sent },
			"no send to show it": func(_ *record, s *sendRecord) { s.Final = nil },
		},
		"no SMS to those who opted out": {
			"of WhatsApp": func(_ *record, s *sendRecord) { s.Final.Events[2].Code = "131050" },
			"of SMS": func(_ *record, s *sendRecord) {
				s.Final.Events[4].Code = "21610"
				smsFollows(s, 6)
				s.Final.Events = append(s.Final.Events, event{At: at(6), Kind: eventFired, Channel: sms, Rule: "in turn TB6"})
			},
		},
		"nothing after expires_at": {
			"begun after it":   func(_ *record, s *sendRecord) { s.ExpiresAt = new(at(2)) },
			"arrived after it": func(_ *record, s *sendRecord) { s.ExpiresAt = new(at(3.1)); s.Calls[1].Time = at(8) },
			"without an attempt, though a process died": func(r *record, s *sendRecord) {
				s.Final.Attempts, s.ExpiresAt, s.Calls[1].Time = s.Final.Attempts[:1], new(at(3.1)), at(8)
				r.faults = []fault{{Kind: killServe, Began: at(0.5), Ended: at(1)}}
			},
		},
		"nothing goes back from look to look": looksBack(),
		"timelines are in order": {
			"back in time": func(_ *record, s *sendRecord) { s.Final.Events[5].At = at(1) },
			"after finished": func(_ *record, s *sendRecord) {
				s.Final.Events = append(s.Final.Events, event{At: at(5), Kind: eventFired})
			},
			"finished twice": func(_ *record, s *sendRecord) {
				s.Final.Events = append(s.Final.Events, event{At: at(5), Kind: eventFinished})
			},
			"without accepted":  func(_ *record, s *sendRecord) { s.Final.Events = s.Final.Events[1:] },
			"nothing in it":     func(_ *record, s *sendRecord) { s.Final.Events = nil },
			"accepted too late": func(_ *record, s *sendRecord) { s.Final.Events[0].At = at(0.2) },
		},
		"the outcome is what the attempts say": {
			"it arrived":    func(_ *record, s *sendRecord) { s.Final.Outcome = failed },
			"it may arrive": func(_ *record, s *sendRecord) { s.Final.Attempts[1].Status, s.Final.Outcome = sent, failed },
			"it may be out": func(_ *record, s *sendRecord) { held(s); s.Final.Outcome = expired },
			"it may be out, though an SMS was rejected": func(_ *record, s *sendRecord) {
				s.Final.Attempts[0].State, s.Final.Attempts[1].State, s.Final.Attempts[1].Status = unknown, rejected, failed
				s.Final.Outcome = failed
			},
			"it was out": func(_ *record, s *sendRecord) {
				noSMS(s)
				s.Final.Attempts[0].Status, s.Final.ExpiresAt, s.Final.Outcome = failed, new(at(2)), expired
			},
		},
		"every call was written down first": {
			"a call too many": func(_ *record, s *sendRecord) { s.Calls = append(s.Calls, s.Calls[1]) },
			"an unknown message": func(_ *record, s *sendRecord) {
				s.Final.Attempts[1].MessageID, s.Final.Attempts[1].State = "", "unavailable"
			},
		},
		"no workflow fails a task": {
			"nondeterminism": func(r *record, s *sendRecord) { r.panics = []failedTask{{send: s, text: "nondeterminism"}} },
			"it spins": func(r *record, s *sendRecord) {
				r.panics = panicsIn(deadlockLine+deadlockLine, map[string]*sendRecord{"send/" + sendID: s})
			},
			"by its history": func(r *record, s *sendRecord) {
				r.panics = failedTasks(&history.History{Events: []*history.HistoryEvent{{
					Attributes: &history.HistoryEvent_WorkflowTaskFailedEventAttributes{
						WorkflowTaskFailedEventAttributes: &history.WorkflowTaskFailedEventAttributes{
							Cause: enums.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
						},
					},
				}}}, s)
			},
		},
		"no run outlives its send": {
			"one": func(r *record, _ *sendRecord) { r.running = map[string]bool{sendID: true} },
		},
		"no process ends by itself": {
			"one": func(r *record, _ *sendRecord) { r.crashes = []string{"serve-0"} },
		},
		"nothing of a person in histories and logs": {
			"a leak": func(r *record, s *sendRecord) { r.leaks = []leak{{where: "a log", what: "a phone number", send: s}} },
		},
	}
	maps.Copy(breaches, accountBreaches())
	maps.Copy(breaches, callerBreaches())
	for _, p := range allProperties() {
		require.NotEmpty(t, breaches[p.name], "no record breaches %q", p.name)
		for name, change := range breaches[p.name] {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				r, s := sound()
				change(r, s)
				got := p.check(r)
				require.NotEmpty(t, got.breaches)
				require.Zero(t, got.excused)
				for _, b := range got.breaches {
					if b.send != nil {
						require.NotContains(t, fmt.Sprint(b.send.timeline(r)), s.Number, "a timeline has no number")
					}
				}
			})
		}
	}
}

const deadlockLine = `{"level":"ERROR","msg":"Workflow panic","WorkflowID":"send/` + sendID +
	`","Error":"[TMPRL1101] Potential deadlock detected"}` + "\n"

// looksBack returns changes after which an earlier view of the send is ahead of a later one.
func looksBack() map[string]func(*record, *sendRecord) {
	look := func(change func(*view)) func(*record, *sendRecord) {
		return func(_ *record, s *sendRecord) {
			_, before := sound()
			change(before.Final)
			s.Views = []view{*before.Final}
		}
	}
	return map[string]func(*record, *sendRecord){
		"WhatsApp":    look(func(v *view) { v.WhatsApp.Status = delivered }),
		"an attempt":  look(func(v *view) { v.Attempts[0].Status = read }),
		"attempts":    look(func(v *view) { v.Attempts = append(v.Attempts, attempt{}) }),
		"an event":    look(func(v *view) { v.Events[2].Status = failed }),
		"events":      look(func(v *view) { v.Events = append(v.Events, event{}) }),
		"finished_at": look(func(v *view) { v.FinishedAt = new(at(3)) }),
		"the outcome": func(_ *record, s *sendRecord) {
			s.Views = []view{*s.Final}
			s.Final = new(*s.Final)
			s.Final.Outcome = failed
		},
		"to pending": func(_ *record, s *sendRecord) {
			s.Views = []view{*s.Final}
			s.Final = new(*s.Final)
			s.Final.Outcome = pending
		},
		"a duplicate": look(func(v *view) { v.Duplicate = true }),
		"unfinished": func(_ *record, s *sendRecord) {
			s.Views = []view{*s.Final}
			s.Final = new(*s.Final)
			s.Final.FinishedAt = nil
		},
		"between two": func(_ *record, s *sendRecord) { s.Views = []view{*s.Final, *s.Final}; s.Views[1].Outcome = failed },
		"the first is": func(_ *record, s *sendRecord) {
			s.Views = []view{*s.Final, *s.Final}
			s.Views[1].WhatsApp.Status = queued
		},
	}
}

// allowance is a change of a record that looks like a breach of a property but is legal.
type allowance struct {
	property string
	excused  int
	change   func(*record, *sendRecord)
}

// TestProperties_allowed checks records that look like a breach but are legal.
func TestProperties_allowed(t *testing.T) {
	t.Parallel()
	cases := map[string]allowance{
		"a resend before the receipt": {"no message twice", 0, func(_ *record, s *sendRecord) {
			s.Final.Attempts[0].State = unknown
			resent(s, 0.4)
		}},
		"an SMS after one that failed": {"no message twice", 0, func(_ *record, s *sendRecord) {
			s.Scenario = scenarioOf("14")
			smsFollows(s, 5)
		}},
		"a receipt that came while the call began": {"no SMS after a satisfying receipt", 0, func(_ *record, s *sendRecord) {
			s.Reports = append(s.Reports, receipt(3.06, meta, "wamid.1", delivered))
		}},
		"a receipt that was not acknowledged": {"no SMS after a satisfying receipt", 0, func(_ *record, s *sendRecord) {
			s.Reports = append(s.Reports, receipt(2, meta, "wamid.1", delivered))
			s.Reports[3].Acked = time.Time{}
		}},
		"a receipt below the goal": {"no SMS after a satisfying receipt", 0, func(_ *record, s *sendRecord) {
			s.Calls[1].From, s.Final.Attempts[1].SendID = "TB6", "TB6"
			s.Reports = append(s.Reports, receipt(2, meta, "wamid.1", delivered))
		}},
		"held by a dead process": {"every send that had to fall back did", 1, func(r *record, s *sendRecord) {
			held(s)
			r.faults = []fault{{Kind: killServe, Began: at(3.1)}}
		}},
		"held while Twilio hung": {"every send that had to fall back did", 1, func(r *record, s *sendRecord) {
			held(s)
			r.faults = []fault{{Kind: hangSMS, Provider: twilio, Began: at(2), Ended: at(4)}}
		}},
		"opted out at Infobip": {"every send that had to fall back did", 0, func(_ *record, s *sendRecord) {
			s.Scenario, s.Calls[1].Provider = scenarioOf("23"), infobip
			s.Reports[2].Provider, s.Reports[2].Status, s.Reports[2].Code = infobip, failed, "EC_CONTENT_BLOCKED"
		}},
		"held by a frozen process": {"every send that had to fall back did", 1, func(r *record, s *sendRecord) {
			held(s)
			r.faults = []fault{{Kind: freezeServe, Began: at(3.1)}}
		}},
		"opted out, and it is no marketing": {"no SMS to those who opted out", 0, func(_ *record, s *sendRecord) {
			s.Category, s.Final.Events[2].Code = utility, "131050"
		}},
		"opted out when the SMS was under way": {"no SMS to those who opted out", 0, func(_ *record, s *sendRecord) {
			s.Final.Events[4].Code = "131050"
		}},
		"a call that a frozen process ended": {"nothing after expires_at", 0, func(r *record, s *sendRecord) {
			s.ExpiresAt, s.Calls[1].Time = new(at(3.1)), at(40)
			r.faults = []fault{{Kind: freezeServe, Began: at(3.07), Ended: at(39)}}
		}},
		"another clock": {"no SMS after a satisfying receipt", 0, func(r *record, s *sendRecord) {
			r.offset = -time.Minute
			for i := range s.Final.Attempts {
				s.Final.Attempts[i].StartedAt = s.Final.Attempts[i].StartedAt.Add(-time.Minute)
			}
			s.Reports = append(s.Reports, receipt(3.5, meta, "wamid.1", delivered))
		}},
		"an SMS in its turn": {"nothing goes back from look to look", 0, func(_ *record, s *sendRecord) {
			s.Views = []view{*s.Final}
			s.Views[0].SMS = &channelState{failed}
			s.Views[0].Attempts = s.Final.Attempts[:1]
		}},
		"a machine that stood still": {"no workflow fails a task", 0, func(r *record, s *sendRecord) {
			r.panics = panicsIn(deadlockLine, map[string]*sendRecord{"send/" + sendID: s})
		}},
		"a late receipt": {"timelines are in order", 0, func(_ *record, s *sendRecord) {
			s.Final.Events = append(s.Final.Events, event{At: at(5), Kind: eventReceipt}, event{At: at(5), Kind: eventDuplicate})
		}},
		"expired before anybody had it": {"the outcome is what the attempts say", 0, func(_ *record, s *sendRecord) {
			noSMS(s)
			s.Final.Attempts, s.Final.ExpiresAt, s.Final.Outcome = nil, new(at(2)), expired
		}},
		"unknown, and rejected later": {"the outcome is what the attempts say", 0, func(_ *record, s *sendRecord) {
			noSMS(s)
			resent(s, 1)
			s.Final.Attempts[0].State, s.Final.Attempts[1].State, s.Final.Attempts[1].Status = unknown, rejected, failed
			s.Final.Outcome = failed
		}},
		"expired when it was posted": {"every 202 has one final outcome", 0, func(_ *record, s *sendRecord) {
			s.ID, s.ExpiresIn = "", expiresSoon
		}},
		"no rule waits, and the process died": {"every send that had to fall back did", 1, func(r *record, s *sendRecord) {
			noSMS(s)
			s.Scenario, s.Policy, s.Reports = scenarioOf("04"), policyOf("without a wait"), nil
			s.Final.Attempts[0].State = unknown
			r.faults = []fault{{Kind: killServe, Began: at(0.1)}}
		}},
	}
	maps.Copy(cases, accountsAllowed())
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s := sound()
			tc.change(r, s)
			for _, p := range allProperties() {
				if p.name == tc.property {
					got := p.check(r)
					require.Empty(t, got.breaches)
					require.Equal(t, tc.excused, got.excused)
					return
				}
			}
			t.Fatalf("no property %q", tc.property)
		})
	}
}

func TestOffset(t *testing.T) {
	t.Parallel()
	var sends []*sendRecord
	for i := range 20 {
		s := &sendRecord{PostedAt: at(0), AnsweredAt: at(0.01), Final: &view{AcceptedAt: at(40.005)}}
		if i%4 == 0 { // the answer was lost, and the request repeated
			s.AnsweredAt = at(9)
		}
		sends = append(sends, s)
	}
	require.Equal(t, 40*time.Second, clockOffset(sends))
	require.Zero(t, clockOffset(nil))
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	r, s := sound()
	all := indexSecrets(r.sends)
	for name, text := range map[string]string{
		"the number":                  "to +447400123403 today",
		"without its country":         "07400123403",
		"as Meta's id has it":         base64.StdEncoding.EncodeToString([]byte("\x1c\x18\x0c447400123403\x15\x02")),
		"in base64, after one byte":   base64.StdEncoding.EncodeToString([]byte("x447400123403x")),
		"in base64, after two":        base64.StdEncoding.EncodeToString([]byte("xx447400123403x")),
		"after what begins like it":   "7400 7400 7400123403",
		"the text":                    `{"text":"Your parcel 1WA comes today."}`,
		"the SMS in base64":           base64.StdEncoding.EncodeToString([]byte(`{"text":"Your parcel 1SMS comes today."}`)),
		"an id of Meta's":             "wamid.HBgMNDQ3NDAwMTIzNDAzFQIAERgS",
		"an id of Twilio's":           "SM0123456789abcdef0123456789abcdef",
		"at the end of the text":      "x7400123403",
		"in base64, beside something": "wire " + base64.StdEncoding.EncodeToString([]byte(`["447400123403"]`)) + " end",
	} {
		r.leaks = nil
		r.search("a log", text, s, all)
		require.NotEmpty(t, r.leaks, name)
	}
	for _, text := range []string{"7400", "+447400000003", "Your parcel", "send/" + sendID, "74001234"} {
		r.leaks = nil
		r.search("a log", text, s, all)
		require.Empty(t, r.leaks, text)
	}
}
