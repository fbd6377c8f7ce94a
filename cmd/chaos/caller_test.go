package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// endedBy lets the caller end the send before its SMS.
func endedBy(s *sendRecord, by, kind string) {
	noSMS(s)
	s.EndBy, s.EndedAt, s.EndStatus = by, at(2), http.StatusOK
	s.Final.Outcome, s.Final.FinishedAt = kind, new(at(2))
	s.Final.Events = append(s.Final.Events[:3], event{At: at(2), Kind: kind}, event{At: at(2), Kind: eventFinished})
}

func callerBreaches() map[string]map[string]func(*record, *sendRecord) {
	return map[string]map[string]func(*record, *sendRecord){
		"nothing before send_at": {
			"a message": func(_ *record, s *sendRecord) { s.SendAt = new(at(1)) },
		},
		"no call after a send is cancelled or confirmed": {
			"an SMS": func(_ *record, s *sendRecord) {
				last := s.Final.Attempts[1]
				endedBy(s, cancels, eventCancelled)
				s.Calls = append(s.Calls, providerCall(3.1, sms, "TA3", "SM1"))
				s.Final.Attempts = append(s.Final.Attempts, last)
			},
			"cancelled, and not in the timeline": func(_ *record, s *sendRecord) {
				s.EndBy, s.EndedAt, s.EndStatus = cancels, at(2), http.StatusOK
			},
			"confirmed, and not in the timeline": func(_ *record, s *sendRecord) {
				s.EndBy, s.EndedAt, s.EndStatus = confirms, at(9), http.StatusOK
			},
			"refused, and cancelled": func(_ *record, s *sendRecord) {
				endedBy(s, cancels, eventCancelled)
				s.EndStatus = http.StatusConflict
			},
			"refused without a reason": func(_ *record, s *sendRecord) {
				noSMS(s)
				s.EndBy, s.EndedAt, s.EndStatus = cancels, at(2), http.StatusConflict
			},
			"a confirmation is refused": func(_ *record, s *sendRecord) {
				s.EndBy, s.EndedAt, s.EndStatus = confirms, at(2), http.StatusConflict
			},
		},
	}
}

// A send that its caller ends breaches nothing.
func TestProperties_endedByCaller(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*sendRecord){
		"cancelled": func(s *sendRecord) { endedBy(s, cancels, eventCancelled) },
		"confirmed": func(s *sendRecord) { endedBy(s, confirms, eventConfirmed) },
		"cancelled, and delivered later": func(s *sendRecord) {
			endedBy(s, cancels, eventCancelled)
			s.Reports = append(s.Reports, receipt(3, meta, "wamid.1", delivered))
			s.Final.WhatsApp.Status, s.Final.Attempts[0].Status = delivered, delivered
			s.Final.Events = append(s.Final.Events, event{At: at(3), Kind: eventReceipt, Channel: whatsApp, Status: delivered})
		},
		"too late to cancel": func(s *sendRecord) { s.EndBy, s.EndedAt, s.EndStatus = cancels, at(3.5), http.StatusConflict },
		"confirmed after the end": func(s *sendRecord) {
			s.EndBy, s.EndedAt, s.EndStatus = confirms, at(9), http.StatusOK
			s.Final.Confirmed = new(at(9))
		},
		"scheduled": func(s *sendRecord) { s.SendAt = new(at(0.1)) },
	} {
		r, s := sound()
		end(s)
		for _, p := range allProperties() {
			require.Empty(t, p.check(r).breaches, "%s: %s", name, p.name)
		}
	}
}
