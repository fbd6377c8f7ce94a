package api

import (
	"fmt"
	"time"

	"github.com/backstophq/backstop"
)

// How long WhatsApp keeps trying to deliver a message to a phone that is offline, unless the template says
// otherwise (Meta, Cloud API, "Time-to-live").
const (
	timeToLive               = 30 * 24 * time.Hour
	timeToLiveAuthentication = 10 * time.Minute
)

// warnings tells of what the caller may not have meant, each thing once, by the first rule that it holds for.
func warnings(send backstop.Send) []Warning {
	live, words := timeToLive, "30 days"
	if send.Category == backstop.Authentication {
		live, words = timeToLiveAuthentication, "10 minutes"
	}
	var both, expires *Warning
	for _, rule := range send.Plan.Rules {
		deadline, waits := rule.Deadline(send.AcceptedAt)
		if !waits {
			continue
		}
		// A rule of type unread is meant to send an SMS after a delivery; for the others it is a surprise.
		if both == nil && rule.Type != backstop.Unread && rule.Wait() < live {
			both = &Warning{Code: WarningCodeBothMayArrive, Detail: fmt.Sprintf(
				"rule %q waits %d s but WhatsApp tries for up to %s: both messages may arrive",
				rule.Name, rule.WaitSeconds, words)}
		}
		if expires == nil && send.ExpiresAt != nil && !deadline.Before(*send.ExpiresAt) {
			expires = &Warning{Code: WarningCodeExpiresBeforeWait, Detail: fmt.Sprintf(
				"the send expires before the wait of rule %q ends: only a reported failure can fire it in time", rule.Name)}
		}
	}
	var list []Warning
	for _, w := range []*Warning{both, expires} {
		if w != nil {
			list = append(list, *w)
		}
	}
	return list
}
