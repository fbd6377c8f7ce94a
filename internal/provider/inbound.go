package provider

import (
	"regexp"
	"strings"

	"github.com/backstophq/backstop"
)

// maxInboundText is how many characters of an inbound message are kept: the longest text of WhatsApp.
const maxInboundText = 4096

// e164 matches a phone number with its plus.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// Inbound returns a message of a person, cleaned so that it can be stored. Its keyword is what the text alone asks for. from may
// lack its plus. Inbound returns nil if from is no phone number: a person without one cannot be matched with a send.
func Inbound(from, to, text, replyTo string) *backstop.Inbound {
	number := "+" + strings.TrimPrefix(from, "+")
	if !e164.MatchString(number) {
		return nil
	}
	in := &backstop.Inbound{
		From: number, To: storable(to, maxMessageID), Text: storable(text, maxInboundText), Keyword: keywordOf(text),
	}
	if ValidMessageID(replyTo) {
		in.ReplyTo = replyTo
	}
	return in
}

// storable returns a text without what Postgres cannot store, and with at most limit characters.
func storable(text string, limit int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit])
	}
	return text
}

// keywordOf returns the keyword of a text that is nothing but a stop word or a start word. The stop words are those that Twilio
// and the carriers of North America treat as an opt-out (Twilio's manual, "Advanced Opt-Out"; 47 CFR 64.1200(a)(10)).
func keywordOf(text string) backstop.Keyword {
	switch strings.ToUpper(strings.TrimSpace(text)) {
	case "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT":
		return backstop.StopKeyword
	case "START", "UNSTOP":
		return backstop.StartKeyword
	}
	return ""
}
