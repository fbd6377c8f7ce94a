// Package backstop holds the words and the laws of Backstop: a message goes out by WhatsApp and, when the chosen
// fallback policy says so, by SMS, once.
//
// It has no database, no engine and no provider. It decides from values alone, so that a
// workflow may ask it during a replay and a store may ask it inside a transaction and both get the same answer.
package backstop

// Channel is a way by which a message travels.
type Channel string

// The channels.
const (
	WhatsApp Channel = "whatsapp"
	SMS      Channel = "sms"
)
