package infobip

import (
	"cmp"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// The groups of statuses. A group decides what a status means if its name is not known here.
const (
	groupPending       = 1
	groupUndeliverable = 2
	groupDelivered     = 3
	groupExpired       = 4
	groupRejected      = 5
)

// Statuses and errors with a meaning of their own.
const (
	statusEnroute     = "PENDING_ENROUTE"
	statusWaiting     = "PENDING_WAITING_DELIVERY"
	statusToOperator  = "DELIVERED_TO_OPERATOR"
	statusToHandset   = "DELIVERED_TO_HANDSET"
	statusNotDelivery = "UNDELIVERABLE_NOT_DELIVERED"
	statusNotSent     = "UNDELIVERABLE_NOT_SENT"
	statusNoReport    = "EXPIRED_DLR_UNKNOWN"
	statusDuplicate   = "REJECTED_DUPLICATE_MESSAGE_ID"
	errorNone         = "NO_ERROR"
	errorDuplicate    = "EC_DUPLICATE_REQUEST" // of WhatsApp and other chat channels
)

// messageStatus is Infobip's status of a message, in answers, reports and logs. The names of statuses and of errors are two
// namespaces that share no name; their ids overlap (status 10 and error 10), so a failure's code is always a name.
type messageStatus struct {
	Group       provider.Loose `json:"groupId"`
	GroupName   provider.Loose `json:"groupName"`
	Name        provider.Loose `json:"name"`
	ID          provider.Loose `json:"id"`
	Description provider.Loose `json:"description"`
}

// messageError is why a message failed. It is part of reports and logs.
type messageError struct {
	Name        provider.Loose `json:"name"`
	ID          provider.Loose `json:"id"`
	Description provider.Loose `json:"description"`
}

// isEmpty reports whether there is no status.
func (s messageStatus) isEmpty() bool {
	return s.Name == "" && s.ID == "" && s.Group == "" && s.GroupName == ""
}

// group returns the group of the status, or 0.
func (s messageStatus) group() int {
	if n, ok := s.Group.Int(); ok {
		return n
	}
	return map[provider.Loose]int{
		"PENDING": groupPending, "ACCEPTED": groupPending, "UNDELIVERABLE": groupUndeliverable, "DELIVERED": groupDelivered,
		"EXPIRED": groupExpired, "REJECTED": groupRejected,
	}[s.GroupName]
}

// isDuplicate reports whether the status is about a repeat of a message that Infobip has. It says nothing about the message.
func (s messageStatus) isDuplicate(e messageError) bool {
	return s.Name == statusDuplicate || e.Name == errorDuplicate
}

// isRefused reports whether Infobip will not send the message.
func (s messageStatus) isRefused() bool {
	group := s.group()
	return group == groupRejected || group == groupUndeliverable || group == groupExpired
}

// status returns the status of the message, or "" if Infobip still has it, or if the status is not known.
//
// EXPIRED_DLR_UNKNOWN is Sent: the operator has the message, and no report came. The message may have arrived, so it has not
// failed.
func (s messageStatus) status() backstop.Status {
	switch s.Name {
	case statusEnroute, statusWaiting, statusToOperator, statusNoReport:
		return backstop.Sent
	case statusToHandset:
		return backstop.Delivered
	}
	switch s.group() {
	case groupDelivered:
		return backstop.Delivered
	case groupUndeliverable, groupExpired, groupRejected:
		return backstop.Failed
	default:
		return ""
	}
}

// refusal returns why a message failed. The code is the name of the error, or the name of the status if there is no error, or if
// the message was rejected: the status then says more.
func (s messageStatus) refusal(e messageError) provider.Refusal {
	status, failed := codeOf(s.Name), codeOf(e.Name)
	if failed == errorNone {
		failed = ""
	}
	code := cmp.Or(failed, status)
	if codeMeaning(status) != 0 && s.group() == groupRejected {
		code = status
	}
	if code == statusNotDelivery { // the name of a failure without a cause
		code = ""
	}
	refusal := provider.Refusal{Code: code, Meaning: codeMeaning(code)}
	if failed != "" && code == failed {
		refusal.Text = cmp.Or(string(e.Description), failed)
	}
	refusal.Text = cmp.Or(refusal.Text, string(s.Description), status, "reported as failed, without a name")
	if s.Name == statusNotSent && isValidityOver(failed) {
		// Only this status says that nothing was sent. EXPIRED_EXPIRED and the errors alone also stand for a message that
		// the operator had.
		refusal.Meaning = provider.Expired
	}
	return refusal
}

// codeOf returns a name as a code, or "" if it cannot be one.
func codeOf(name provider.Loose) string {
	const longest = 64
	if len(name) > longest || strings.ContainsFunc(string(name), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return string(name)
}

// isValidityOver reports whether an error says that the validity period has ended.
func isValidityOver(code string) bool {
	switch code {
	case "EC_MESSAGE_EXPIRED", "EC_VP_EXPIRED", "EC_MESSAGE_CANCELED", "EC_VALIDITY_EXPIRED":
		return true
	default:
		return false
	}
}

// maxParts is the most parts of an SMS (status 25, REJECTED_MESSAGE_TOO_LONG).
const maxParts = 25

// partsOf returns a number of parts, or 0 if it is missing or impossible.
func partsOf(count provider.Loose) int {
	n, ok := count.Int()
	if !ok || n < 0 || n > maxParts {
		return 0
	}
	return n
}
