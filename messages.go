package backstop

import (
	"strings"
	"time"
)

// Message is a stored message: a WhatsApp message and an SMS text that belong together. Its texts are patterns. Sends name it.
type Message struct {
	MessageInput

	ID        string
	Version   int // each change makes a new one
	CreatedAt time.Time
	UpdatedAt time.Time
}

// MessageInput is a message to store.
type MessageInput struct {
	MessageContent

	Name string
}

// MessageContent is the content of a version of a message. Its JSON is stored.
type MessageContent struct {
	Text           string           `json:"text,omitempty"` // of the WhatsApp message, unless Template is set
	Template       *ContentTemplate `json:"template,omitempty"`
	SMSText        string           `json:"sms_text"`
	MaxSegments    int              `json:"max_segments,omitempty"` // of the SMS; 0: no limit
	Transliterates bool             `json:"transliterate,omitempty"`
	Category       Category         `json:"category,omitempty"` // of sends that have none
}

// MessageVersion is a message as it was after one of its changes.
type MessageVersion struct {
	MessageInput

	Version   int
	CreatedAt time.Time
}

// MessageFilter selects messages of a list. A zero field selects all.
type MessageFilter struct {
	Search string // a part of the name
}

// UsedMessage is the message that a send was made of.
type UsedMessage struct {
	ID      string
	Name    string // at that time
	Version int
}

// Content returns the content of a send by the message.
func (m MessageContent) Content(values Variables) Content {
	return Content{
		Text: m.Text, Template: m.Template, SMSText: m.SMSText, IsPattern: true, Variables: values,
		MaxSegments: m.MaxSegments, Transliterates: m.Transliterates,
	}
}

// Variables returns the names of the variables of the message, each once, in the order of their first place.
func (m MessageContent) Variables() []string {
	_, names := m.Content(nil).Draft()
	return names
}

// Validate returns an Error of code Invalid that names every wrong field, or nil.
func (m MessageInput) Validate() error {
	var f fields
	validateName(&f, m.Name)
	f = append(f, m.validateContent()...)
	return f.err("the message is not valid")
}

// Validate returns an Error of code Invalid that names every wrong field of the content, or nil.
func (m MessageContent) Validate() error {
	f := m.validateContent()
	return f.err("the message is not valid")
}

// validateContent checks the content as far as it is known without the values of its variables.
func (m MessageContent) validateContent() fields {
	draft, _, wrong := m.Content(nil).draft()
	draft.Category = m.Category
	draft.validateContent(&wrong)
	for i := range wrong {
		wrong[i].Name = strings.Replace(wrong[i].Name, "fallback.text", "sms.text", 1)
	}
	return wrong
}
