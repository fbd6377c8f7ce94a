package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// bySpare lets the first account answer the SMS's call with an HTTP status, and the spare one send the SMS.
func bySpare(s *sendRecord, status int) {
	taken := s.Calls[1]
	taken.Provider, taken.ID = infobip, "ref"
	s.Calls = []call{s.Calls[0], refusedCall(3.08, twilio, status), taken}
	for i := range s.Reports[1:] {
		s.Reports[1+i].Provider, s.Reports[1+i].MessageID = infobip, "ref"
	}
	first := s.Final.Attempts[1]
	first.State, first.Status, first.MessageID = rejected, failed, ""
	second := s.Final.Attempts[1]
	second.Step, second.Provider, second.Account, second.MessageID, second.StartedAt = 103, infobip, spareSMS, "ref", at(3.09)
	s.Final.Attempts = []attempt{s.Final.Attempts[0], first, second}
	s.Final.Events = slices.Insert(s.Final.Events, 4, event{
		At: at(3.09), Kind: eventRouted, Channel: sms, Rule: "in turn TA3", Account: spareSMS, Reason: "refused",
	})
}

// refused lets the first account refuse the SMS, and no other account send it.
func refused(s *sendRecord) {
	bySpare(s, 401)
	s.Calls, s.Reports = s.Calls[:2], s.Reports[:1]
	s.Final.Attempts, s.Final.Events = s.Final.Attempts[:2], s.Final.Events[:4]
	s.Final.Outcome, s.Final.SMS = failed, &channelState{failed}
}

// routed returns the event of the spare account in a record of bySpare.
func routed(s *sendRecord) *event { return &s.Final.Events[4] }

func TestProperties_spare(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 429, 503} {
		r, s := sound()
		bySpare(s, status)
		if status != 401 {
			routed(s).Reason = "down"
		}
		for _, p := range allProperties() {
			got := p.check(r)
			require.Empty(t, got.breaches, "%s: %d", p.name, status)
			require.Zero(t, got.excused)
		}
	}
}

// accountBreaches breaches the properties of accounts.
func accountBreaches() map[string]map[string]func(*record, *sendRecord) {
	return map[string]map[string]func(*record, *sendRecord){
		"no second account after a call that may have sent": {
			"no answer":         func(_ *record, s *sendRecord) { bySpare(s, 0) },
			"it had sent":       func(_ *record, s *sendRecord) { bySpare(s, 200); s.Calls[1].Accepted = true },
			"no such recipient": func(_ *record, s *sendRecord) { bySpare(s, 400) },
			"it had it already": func(_ *record, s *sendRecord) { asRepeat(s) },
			"before it refused": func(_ *record, s *sendRecord) { bySpare(s, 401); s.Calls = append(s.Calls, s.Calls[1]) },
			"after an earlier no": func(_ *record, s *sendRecord) {
				bySpare(s, 0)
				s.Calls = slices.Insert(s.Calls, 1, s.Calls[1])
				s.Calls[1].Answer.Status = 401
			},
		},
		"an account that refuses is followed by the next": {
			"nothing follows": func(_ *record, s *sendRecord) { refused(s) },
			"the other had an outage later": func(r *record, s *sendRecord) {
				refused(s)
				r.faults = []fault{{Kind: downSMS, Provider: infobip, Began: at(5), Ended: at(6)}}
			},
			"its own outage is none of the other": func(r *record, s *sendRecord) {
				refused(s)
				r.faults = []fault{{Kind: refuseSMS, Provider: twilio, Began: at(3), Ended: at(4)}}
			},
			"no other rule ends the retries": func(r *record, s *sendRecord) {
				refused(s)
				s.Policy = &policy{Rules: s.Policy.Rules[:1]}
				r.faults = []fault{{Kind: downSMS, Provider: infobip, Began: at(1), Ended: at(2)}}
			},
			"the goal is not reached": func(_ *record, s *sendRecord) { refused(s); s.Category = utility; s.Final.Events[2].Code = "131050" },
		},
		"no send is lost while an account works": {
			"the other was not tried": func(_ *record, s *sendRecord) { refused(s) },
			"down, and given up": func(_ *record, s *sendRecord) {
				refused(s)
				s.Calls[1].Answer.Status = 503
			},
			"down, and the other refused": func(_ *record, s *sendRecord) {
				refused(s)
				s.Calls = append(s.Calls, refusedCall(3.2, infobip, 503))
			},
			"the repeat was not made": func(_ *record, s *sendRecord) {
				refused(s)
				s.Calls[1] = refusedCall(3.08, infobip, 0)
			},
		},
		"calls go by the accounts of the send": {
			"WhatsApp by another number":  func(_ *record, s *sendRecord) { s.Calls[0].From = secondNumber },
			"WhatsApp, and it has a name": func(_ *record, s *sendRecord) { s.Account = secondWhatsApp },
			"SMS by no account of the rule": func(_ *record, s *sendRecord) {
				s.Policy, s.Calls[1].From, s.Calls[1].Provider = policyOf("undelivered soon"), "UD1", infobip
			},
			"SMS from the sender of another account": func(_ *record, s *sendRecord) {
				s.Policy, s.Calls[1].From = policyOf("without a wait"), "NX0"
			},
		},
		"the timeline says why another account is tried": {
			"nothing":          func(_ *record, s *sendRecord) { bySpare(s, 401); routed(s).Kind = eventAttempt },
			"another account":  func(_ *record, s *sendRecord) { bySpare(s, 401); routed(s).Account = defaultSMS },
			"of another rule":  func(_ *record, s *sendRecord) { bySpare(s, 401); routed(s).Rule = "in turn TB6" },
			"no reason":        func(_ *record, s *sendRecord) { bySpare(s, 401); routed(s).Reason = "" },
			"none had refused": func(_ *record, s *sendRecord) { bySpare(s, 503) },
			"it was well": func(r *record, s *sendRecord) {
				bySpare(s, 503)
				routed(s).Reason = "unhealthy"
				r.faults = []fault{{Kind: downSMS, Provider: infobip, Began: at(1), Ended: at(2)}}
			},
		},
	}
}

// asRepeat lets Infobip refuse a repeat of the SMS, before Twilio sends it.
func asRepeat(s *sendRecord) {
	s.Calls = slices.Insert(s.Calls, 1, refusedCall(3.08, infobip, 200))
	s.Calls[1].Answer.Code = infobipRepeat
}

// accountsAllowed are records about accounts that look like a breach but are legal.
func accountsAllowed() map[string]allowance {
	const next, lost = "an account that refuses is followed by the next", "no send is lost while an account works"
	return map[string]allowance{
		"Infobip is asked again": {"no second account after a call that may have sent", 0, func(_ *record, s *sendRecord) {
			s.Calls[1].Provider = infobip
			s.Calls = slices.Insert(s.Calls, 1, refusedCall(3.08, infobip, 0))
		}},
		"the other was away until the next rule": {next, 1, func(r *record, s *sendRecord) {
			refused(s)
			r.faults = []fault{{Kind: refuseSMS, Provider: infobip, Began: at(-50), Ended: at(-49)}}
		}},
		"the other account's process died": {next, 1, func(r *record, s *sendRecord) {
			refused(s)
			s.Final.Attempts[1].State = unknown
			r.faults = []fault{{Kind: killServe, Began: at(3.09)}}
		}},
		"it was delivered meanwhile": {next, 0, func(_ *record, s *sendRecord) { refused(s); s.Final.WhatsApp.Status = delivered }},
		"the recipient opted out":    {next, 0, func(_ *record, s *sendRecord) { refused(s); s.Final.Events[2].Code = "131050" }},
		"both refused": {lost, 0, func(_ *record, s *sendRecord) {
			refused(s)
			s.Calls = append(s.Calls, refusedCall(3.1, infobip, 401))
		}},
		"Twilio hung": {lost, 1, func(r *record, s *sendRecord) {
			refused(s)
			s.Calls[1].Answer.Status = 0
			s.Final.Attempts[1].State = unknown
			r.faults = []fault{{Kind: hangSMS, Provider: twilio, Began: at(3), Ended: at(4)}}
		}},
		"the first of several calls": {"no SMS after a satisfying receipt", 1, func(_ *record, s *sendRecord) {
			s.Calls = slices.Insert(s.Calls, 1, refusedCall(2, twilio, 503))
			s.Final.Attempts[1].Number = 2
		}},
		"the first of several calls, and it was seen": {"no SMS after a satisfying receipt", 0, func(_ *record, s *sendRecord) {
			s.Calls = slices.Insert(s.Calls, 1, refusedCall(2, twilio, 503))
			s.Views = []view{*s.Final}
			s.Views[0].Attempts = slices.Clone(s.Final.Attempts)
			s.Views[0].Attempts[1].StartedAt = at(1.9)
			s.Final.Attempts[1].Number = 2
		}},
		"the other rule was given up without a call": {"every send that had to fall back did", 0, func(_ *record, s *sendRecord) {
			s.Scenario, s.Policy = scenarioOf("13"), &policy{Rules: s.Policy.Rules[:2]}
			s.Calls[1] = refusedCall(3.1, twilio, 400)
			s.Final.Attempts = append(s.Final.Attempts, attempt{Channel: sms, SendID: "TB6", State: "unavailable", Status: failed})
		}},
		"unhealthy since an outage": {"the timeline says why another account is tried", 0, func(r *record, s *sendRecord) {
			bySpare(s, 503)
			routed(s).Reason = "unhealthy"
			r.faults = []fault{{Kind: downSMS, Provider: twilio, Began: at(1), Ended: at(2)}}
		}},
	}
}
