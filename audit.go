package backstop

import (
	"encoding/json"
	"time"
)

// AuditAction is what somebody did.
type AuditAction string

// The actions. AuditReseal encrypts the secrets of an account under another key. The last three are of sessions: AuditRefuse
// refuses a person without a role.
const (
	AuditCreate  AuditAction = "create"
	AuditUpdate  AuditAction = "update"
	AuditDelete  AuditAction = "delete"
	AuditReseal  AuditAction = "reseal"
	AuditTest    AuditAction = "test"
	AuditCancel  AuditAction = "cancel"
	AuditConfirm AuditAction = "confirm"
	AuditReplay  AuditAction = "replay"
	AuditSignIn  AuditAction = "sign_in"
	AuditRefuse  AuditAction = "refuse"
	AuditEnd     AuditAction = "end"
)

// AuditActions returns all actions.
func AuditActions() []AuditAction {
	return []AuditAction{
		AuditCreate, AuditUpdate, AuditDelete, AuditReseal, AuditTest, AuditCancel, AuditConfirm, AuditReplay, AuditSignIn,
		AuditRefuse, AuditEnd,
	}
}

// AuditKind is the kind of thing that an entry of the audit is about.
type AuditKind string

// The kinds of things.
const (
	AuditRule     AuditKind = "rule"
	AuditPolicy   AuditKind = "policy"
	AuditMessage  AuditKind = "message"
	AuditAccount  AuditKind = "account"
	AuditGuards   AuditKind = "guards"
	AuditKey      AuditKind = "key"
	AuditOptOut   AuditKind = "opt_out"
	AuditSend     AuditKind = "send"
	AuditCallback AuditKind = "callback"
	AuditErasure  AuditKind = "erasure"
	AuditExport   AuditKind = "export" // of a person
	AuditSession  AuditKind = "session"
)

// AuditKinds returns all kinds of things.
func AuditKinds() []AuditKind {
	return []AuditKind{
		AuditRule, AuditPolicy, AuditMessage, AuditAccount, AuditGuards, AuditKey, AuditOptOut, AuditSend, AuditCallback,
		AuditErasure, AuditExport, AuditSession,
	}
}

// AuditEntry says who did what, when and from where. It has no secret, and a phone number in To alone.
type AuditEntry struct {
	ID     string
	At     time.Time
	Actor  Actor
	Action AuditAction
	Kind   AuditKind
	Target string // the id of the thing; empty: there is but one, or the entry is about several
	Name   string // of the thing, as of then; may be empty
	To     string // the phone number that it is about; may be empty

	Before, After json.RawMessage // an object each; nil: the thing did not exist, or does not exist any more
}

// AuditFilter selects entries of the audit. An entry must fit all fields that are set.
type AuditFilter struct {
	ActorKind   ActorKind
	Actor       string // the id of a key or of a person
	Action      AuditAction
	Kind        AuditKind
	Target      string
	To          string
	Search      string // a part of the name
	From, Until time.Time
}
