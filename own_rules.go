package backstop

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// RuleSource is where the rules of a send come from: a policy, or the send itself.
type RuleSource struct {
	PolicyID string // empty if the send has rules of its own
	Own      []Rule // in the order that settles a tie
}

// RuleSource returns where the rules of the plan come from. Own rules are those that apply in the recipient's country.
func (p Plan) RuleSource() RuleSource {
	if p.HasOwnRules() {
		return RuleSource{Own: p.Rules}
	}
	return RuleSource{PolicyID: p.PolicyID}
}

// HasOwnRules reports whether the send brought its rules. Its plan then has no id and no name of a policy.
func (p Plan) HasOwnRules() bool { return p.PolicyID == "" }

// Validate returns an Error of code Invalid that names every wrong field of a caller's send, or nil. The send's own rules are
// valid if they could be stored, and their names differ.
func (s RuleSource) Validate(accounts Accounts) error {
	var f fields
	if (s.PolicyID == "") == (len(s.Own) == 0) {
		f.add("fallback", FieldRulesOrPolicy, "must have either policy_id or rules")
		return f.err("the send is not valid")
	}
	if len(s.Own) > MaxRules {
		f.addBetween("fallback.rules", FieldItemsBetween, "must have %d to %d rules", 1, MaxRules)
	}
	for i, rule := range s.Own {
		prefix := fmt.Sprintf("fallback.rules.%d.", i)
		f.addAll(prefix, rule.Validate())
		f.addAll(prefix, rule.ValidateRoutes(accounts))
		if slices.ContainsFunc(s.Own[:i], func(o Rule) bool { return strings.EqualFold(o.Name, rule.Name) }) {
			f.add(prefix+"name", FieldGivenTwice, "is given twice")
		}
	}
	return f.err("the send is not valid")
}

// addAll adds the wrong fields of an error. The prefix goes before their names.
func (f *fields) addAll(prefix string, err error) {
	wrong, ok := errors.AsType[*Error](err)
	if !ok {
		return
	}
	for _, field := range wrong.Fields {
		field.Name = prefix + field.Name
		*f = append(*f, field)
	}
}
