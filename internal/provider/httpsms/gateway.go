package httpsms

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/backstophq/backstop/internal/provider"
)

// gateway is the document of an account: how its gateway is asked to send a message, and what its answers and receipts mean.
type gateway struct {
	baseURL  string // of an account that gives none
	request  request
	accepted match                       // of an answer that accepts the message; without statuses every 2xx
	id       *extract                    // the gateway's id in that answer; nil: our reference is the id
	code     *extract                    // the gateway's error code in an answer
	text     *extract                    // its text
	codes    map[string]provider.Meaning // what the error codes mean, in answers and in receipts
	refused  []refusal                   // what other answers mean
	repeat   *match                      // the answer to a message that the gateway has already; nil: it does not tell
	receipts *receipts                   // nil: the gateway reports nothing
}

// refusal is what an answer means. The first one that fits counts.
type refusal struct {
	match

	means provider.Meaning
}

// meanings returns the words for what an error means.
func meanings() map[string]provider.Meaning {
	return map[string]provider.Meaning{
		"recipient":   provider.Recipient,
		"template":    provider.Template,
		"account":     provider.Account,
		"opted_out":   provider.OptedOut,
		"expired":     provider.Expired,
		"throttled":   provider.Throttled,
		"unavailable": provider.Unavailable,
		"rejected":    provider.Rejected,
	}
}

// readGateway reads a document. Its error names the path of each wrong part.
func readGateway(text []byte) (*gateway, error) {
	value, err := decodeJSON(text)
	if err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	root := node{value: value, faults: new(faults)}
	if value == nil {
		root.faultf("must be an object")
	}
	fields := root.object("base_url", "request", "accepted", "id", "error", "codes", "refused", "repeat", "receipts")
	g := &gateway{
		baseURL:  fields["base_url"].text(),
		request:  fields["request"].request(),
		id:       fields["id"].extract(),
		codes:    fields["codes"].codes(),
		receipts: fields["receipts"].receipts(),
	}
	if accepted := fields["accepted"]; !accepted.isMissing() {
		g.accepted = accepted.match(accepted.object(matchFields()...))
	}
	if repeat := fields["repeat"]; !repeat.isMissing() {
		m := repeat.match(repeat.object(matchFields()...))
		g.repeat = &m
	}
	parts := fields["error"].object("code", "text")
	g.code, g.text = parts["code"].extract(), parts["text"].extract()
	for _, item := range fields["refused"].items() {
		rule := item.object(append([]string{"means"}, matchFields()...)...)
		g.refused = append(g.refused, refusal{match: item.match(rule), means: rule["means"].meaning()})
	}
	uses := g.request.uses()
	if g.id == nil && g.receipts != nil && !uses["ref"] && !uses["ref_compact"] && !uses["receipt_url"] {
		fields["id"].faultf("is missing, so the request must carry {{ref}}, {{ref_compact}} or {{receipt_url}}")
	}
	if g.repeat != nil && !uses["ref"] && !uses["ref_compact"] {
		fields["repeat"].faultf("needs {{ref}} or {{ref_compact}} in the request: the gateway recognizes a message by it")
	}
	return g, root.faults.err()
}

func (n node) meaning() provider.Meaning {
	word := n.required()
	means, known := meanings()[word]
	if !known && word != "" {
		n.faultf("must be one of %s", joined(meanings()))
	}
	return means
}

// codes reads what error codes mean: "recipient": ["403", "404"].
func (n node) codes() map[string]provider.Meaning {
	all := map[string]provider.Meaning{}
	for name, word := range n.entries() {
		means, known := meanings()[name]
		if !known {
			word.faultf("is not a meaning; known are %s", joined(meanings()))
		}
		for _, code := range word.texts() {
			if _, twice := all[code]; twice {
				word.faultf("has the code %s, which has another meaning too", code)
			}
			all[code] = means
		}
	}
	return all
}

func joined[V any](words map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(words)), ", ")
}
