package backstop

import "regexp"

// notation is a way to write the same phone number as another.
type notation struct {
	number *regexp.Regexp
	forms  [2]string // templates of Regexp.Expand
}

// notations are the countries that changed their mobile numbers. WhatsApp keeps the number by which a person has registered, so
// its webhooks may name a person by another number than a send does. Two forms never belong to two phones: the subscriber's
// number is the same.
//
//   - Mexico has left out the 1 after the calling code since 2019. WhatsApp writes it.
//   - Brazil put a 9 before all mobile numbers until 2016. WhatsApp leaves it out in most areas.
//   - Argentina has a 9 after the calling code for mobile phones from abroad, and many write numbers without it.
//
// Sources: the helps of Gupshup and Zoho about Brazil and Mexico, and the normalizers of Chatwoot (pull requests 12655, 14174).
//
//nolint:gochecknoglobals // compiled once
var notations = []notation{
	{regexp.MustCompile(`^\+521?([0-9]{10})$`), [2]string{"+52${1}", "+521${1}"}},
	{regexp.MustCompile(`^\+55([1-9][0-9])9?([6-9][0-9]{7})$`), [2]string{"+55${1}9${2}", "+55${1}${2}"}},
	{regexp.MustCompile(`^\+549?([1-3][0-9]{9})$`), [2]string{"+549${1}", "+54${1}"}},
}

// Notations returns all numbers of a phone, in E.164 form. The one that is dialled today is the first. In most countries a phone
// has one number. A text that is no number is returned alone.
func Notations(number string) []string {
	for _, n := range notations {
		if match := n.number.FindStringSubmatchIndex(number); match != nil {
			list := make([]string, len(n.forms))
			for i, form := range n.forms {
				list[i] = string(n.number.ExpandString(nil, form, number, match))
			}
			return list
		}
	}
	return []string{number}
}
