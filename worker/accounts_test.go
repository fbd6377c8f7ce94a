package worker_test

import (
	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// The accounts of a test. The sends of a test name the one that they need.
const (
	number, resendingNumber = "number", "resending-number" // of WhatsApp
	sender, resendingSender = "sender", "resending-sender" // of SMS
)

// simulated are the accounts of a simulated provider. A call of unknown end is sent again by those whose name says so.
type simulated struct {
	whatsApp activities.WhatsApp
	sms      activities.SMS
}

func (s simulated) DefaultAccount(backstop.Channel, string) string { return "" }

func (s simulated) Account(name string) (activities.Account, bool) {
	account := activities.Account{Name: name, Provider: "scripted", HoldsUnknown: name == number || name == sender}
	switch name {
	case number, resendingNumber:
		account.WhatsApp = s.whatsApp
	case sender, resendingSender:
		account.SMS = s.sms
	default:
		return activities.Account{}, false
	}
	return account, true
}
