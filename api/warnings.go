package api

import (
	"fmt"
	"strconv"
	"time"

	"github.com/backstophq/backstop"
)

// How long WhatsApp tries to deliver a message to a phone that is offline, unless the template sets another time (Meta, Cloud
// API, "Time-to-live").
const (
	timeToLive               = 30 * 24 * time.Hour
	timeToLiveAuthentication = 10 * time.Minute
)

// warningsOf returns the warnings about a send that is valid but may not be what the caller wants. Each code occurs once, for
// the first rule that it applies to.
func warningsOf(send backstop.Send) []Warning {
	var list []Warning
	if !backstop.IsListed(send.To) {
		list = append(list, unlistedNumber(send))
	}
	for _, check := range []func(backstop.Send, backstop.Rule) *Warning{mayBothArrive, expiresFirst, looksUnread, refusesName} {
		for _, rule := range send.Plan.Rules {
			if w := check(send, rule); w != nil {
				list = append(list, *w)
				break
			}
		}
	}
	return list
}

func unlistedNumber(send backstop.Send) Warning {
	detail := "the number is possible but in no known number range: check it, unless its area code is new"
	if send.Country == "" {
		return Warning{Code: WarningCodeUnlistedNumber, Detail: detail}
	}
	return Warning{
		Code: WarningCodeUnlistedNumber, Detail: detail + "; it counts as a number of " + send.Country,
		Params: &map[string]string{"country": send.Country},
	}
}

func mayBothArrive(send backstop.Send, rule backstop.Rule) *Warning {
	live, words := timeToLive, "30 days"
	if send.Category == backstop.Authentication {
		live, words = timeToLiveAuthentication, "10 minutes"
	}
	// A rule of type unread sends an SMS after a delivery on purpose, so it needs no warning.
	if rule.WaitSeconds == 0 || rule.Type == backstop.Unread || rule.Wait() >= live {
		return nil
	}
	return &Warning{
		Code: WarningCodeBothMayArrive,
		Detail: fmt.Sprintf(
			"rule %q waits %d s but WhatsApp tries for up to %s: both messages may arrive", rule.Name, rule.WaitSeconds, words),
		Params: &map[string]string{
			"rule": rule.Name, "wait_seconds": strconv.Itoa(rule.WaitSeconds),
			"whatsapp_seconds": strconv.Itoa(int(live / time.Second)),
		},
	}
}

func expiresFirst(send backstop.Send, rule backstop.Rule) *Warning {
	deadline, waits := rule.Deadline(send.AcceptedAt)
	if !waits || send.ExpiresAt == nil || deadline.Before(*send.ExpiresAt) {
		return nil
	}
	return &Warning{
		Code: WarningCodeExpiresBeforeWait,
		Detail: fmt.Sprintf(
			"the send expires before the wait of rule %q ends: only a reported failure can fire it in time", rule.Name),
		Params: &map[string]string{"rule": rule.Name},
	}
}

func looksUnread(_ backstop.Send, rule backstop.Rule) *Warning {
	if rule.Type != backstop.Unread {
		return nil
	}
	return &Warning{
		Code: WarningCodeLooksUnread,
		Detail: fmt.Sprintf(
			"rule %q: a reader who has turned read receipts off looks unread, so that the SMS goes out all the same", rule.Name),
		Params: &map[string]string{"rule": rule.Name},
	}
}

func refusesName(send backstop.Send, rule backstop.Rule) *Warning {
	if backstop.TakesSendID(send.Country, rule.SendID) {
		return nil
	}
	return &Warning{
		Code: WarningCodeSendIDNotAccepted,
		Detail: fmt.Sprintf(
			"rule %q sends from %q, but %s accepts no alphanumeric SendID: operators there replace it or drop the SMS",
			rule.Name, rule.SendID, send.Country),
		Params: &map[string]string{"rule": rule.Name, "send_id": rule.SendID, "country": send.Country},
	}
}
