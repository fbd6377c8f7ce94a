package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
)

// warningsOf returns the warnings about a send that is valid but may not be what the caller wants. Each code occurs once, for
// the first rule that it applies to.
func warningsOf(send backstop.Send) []Warning {
	var list []Warning
	if !backstop.IsListed(send.To) {
		list = append(list, unlistedNumber(send))
	}
	list = append(list, templateWarnings(send)...)
	for _, check := range []func(backstop.Send, backstop.Rule) *Warning{
		mayBothArrive, expiresFirst, looksUnread, refusesName, hasNoAccount,
	} {
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
	live := backstop.TimeToLive(send.Category, 0)
	if t := send.Plan.Template; t != nil {
		live = backstop.TimeToLive(t.Category, time.Duration(t.TTLSeconds)*time.Second)
		if t.Fault != "" {
			return nil // it is not sent by WhatsApp
		}
	}
	// A rule of type unread sends an SMS after a delivery on purpose, so it needs no warning.
	if rule.WaitSeconds == 0 || rule.Type == backstop.Unread || rule.Wait() >= live {
		return nil
	}
	return &Warning{
		Code: WarningCodeBothMayArrive,
		Detail: fmt.Sprintf(
			"rule %q waits %d s but WhatsApp tries for up to %s: both messages may arrive",
			rule.Name, rule.WaitSeconds, describe(live)),
		Params: &map[string]string{
			"rule": rule.Name, "wait_seconds": strconv.Itoa(rule.WaitSeconds),
			"whatsapp_seconds": strconv.Itoa(int(live / time.Second)),
		},
	}
}

// describe returns a duration of whole seconds as a text, in the largest unit that divides it.
func describe(d time.Duration) string {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"days", 24 * time.Hour}, {"hours", time.Hour}, {"minutes", time.Minute}} {
		if d > unit.of && d%unit.of == 0 {
			return fmt.Sprintf("%d %s", d/unit.of, unit.name)
		}
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}

// templateWarnings returns the warnings about a template, by what the plan has of it.
func templateWarnings(send backstop.Send) []Warning {
	t := send.Plan.Template
	switch {
	case t == nil:
		return nil
	case t.Fault != "":
		return []Warning{{
			Code: WarningCodeTemplateUnsendable, Detail: "WhatsApp counts as failed at once: " + t.Fault,
			Params: &map[string]string{"reason": t.Fault},
		}}
	case send.Category == "" || send.Category == t.Category:
		return nil
	}
	return []Warning{{
		Code: WarningCodeTemplateCategory,
		Detail: fmt.Sprintf("the send's category is %s, but that of the template is %s, which decides the price",
			send.Category, t.Category),
		Params: &map[string]string{"category": string(send.Category), "template_category": string(t.Category)},
	}}
}

func expiresFirst(send backstop.Send, rule backstop.Rule) *Warning {
	deadline, waits := rule.Deadline(send.Origin())
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

func hasNoAccount(send backstop.Send, rule backstop.Rule) *Warning {
	if !slices.Contains(send.Plan.Disabled, rule.Name) {
		return nil
	}
	names := make([]string, len(rule.Routes))
	for i, route := range rule.Routes {
		names[i] = route.Account
	}
	accounts := strings.Join(names, ", ")
	return &Warning{
		Code: WarningCodeAccountsDisabled,
		Detail: fmt.Sprintf(
			"rule %q: all its accounts are disabled (%s), so its SMS waits until one is enabled", rule.Name, accounts),
		Params: &map[string]string{"rule": rule.Name, "accounts": accounts},
	}
}
