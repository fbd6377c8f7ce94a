package backstop

import "time"

// Bounds of SendAt.
const (
	MaxSendAtAhead = 180 * 24 * time.Hour
	MaxSendAtPast  = time.Hour // such a time means now: the request was under way, or the caller's clock is slow
)

// IsScheduled reports whether the send waits for its SendAt, or for its turn after it.
func (s Send) IsScheduled() bool { return s.isBeforeStart() && s.FinishedAt == nil }

// isBeforeStart reports whether the send has a SendAt and was not started.
func (s Send) isBeforeStart() bool { return s.SendAt != nil && s.StartedAt == nil }

// Origin is the time from which every deadline counts: when the send was accepted, or when its turn came at SendAt or later.
// Until then it is SendAt.
func (s Send) Origin() time.Time {
	switch {
	case s.StartedAt != nil:
		return *s.StartedAt
	case s.SendAt != nil:
		return *s.SendAt
	default:
		return s.AcceptedAt
	}
}

// AcceptAt returns the send as it is accepted at a time. A SendAt that is not later means at once: the send has none then.
func (s Send) AcceptAt(now time.Time) Send {
	s.AcceptedAt = now
	if s.SendAt != nil && !isLater(*s.SendAt, now) {
		s.SendAt = nil
	}
	return s
}

// isLater reports whether a time is after another one, also in the resolution of the store.
func isLater(a, b time.Time) bool {
	return a.Truncate(time.Microsecond).After(b.Truncate(time.Microsecond))
}

// validateTimes checks SendAt and ExpiresAt.
func (s Send) validateTimes(f *fields, now time.Time) {
	if s.SendAt != nil {
		switch ahead := s.SendAt.Sub(now); {
		case ahead < -MaxSendAtPast:
			f.addMax("send_at", FieldHoursPastMax, "must be at most %d hour in the past", int(MaxSendAtPast/time.Hour))
		case ahead > MaxSendAtAhead:
			f.addMax("send_at", FieldDaysAheadMax, "must be at most %d days ahead", int(MaxSendAtAhead/(24*time.Hour)))
		}
	}
	switch {
	case s.ExpiresAt == nil:
	case !s.ExpiresAt.After(now):
		f.add("expires_at", FieldMustBeFuture, "must be in the future")
	case !ValidTime(*s.ExpiresAt):
		f.addTime("expires_at")
	case s.SendAt != nil && !isLater(*s.ExpiresAt, *s.SendAt):
		f.add("expires_at", FieldAfterOther, "must be after send_at", "other", "send_at")
	}
}
