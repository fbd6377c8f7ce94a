package backstop

import (
	"encoding/json"
	"time"
)

// WhatsAppMessage is what a WhatsApp driver sends. Exactly one of Text and Template is set.
type WhatsAppMessage struct {
	Ref      Ref
	To       string // E.164
	Text     string
	Template *Template
}

// Template is an approved WhatsApp message template with its parameters.
type Template struct {
	Name       string          `json:"name"`
	Language   string          `json:"language"`             // like en_US
	Components json.RawMessage `json:"components,omitempty"` // a JSON array in the provider's form, passed through

	// IsSimple is true until the send is stored, if the components come from the simple form. Errors then name its fields.
	IsSimple bool `json:"-"`
}

// SMSMessage is what an SMS driver sends.
type SMSMessage struct {
	Ref    Ref
	To     string // E.164
	SendID string
	Text   string

	// ValidFor is how long the provider may keep the message before it sends it. After that the provider drops the message.
	// 0: no limit.
	ValidFor time.Duration
}

// Submission is a provider's answer that it has accepted a message.
type Submission struct {
	MessageID string
	Segments  int // of an SMS, as the provider counts them; 0 if it gives none
}
