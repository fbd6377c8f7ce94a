package backstop

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// MaxRules is how many rules a policy may include.
const MaxRules = 10

// Policy is a name and an ordered list of rules; a send names one policy.
type Policy struct {
	ID        string
	Name      string
	Account   string // the WhatsApp account of sends that name none; empty: the default one
	Rules     []Rule // in the order that settles a tie
	Version   int
	CreatedAt time.Time
	UpdatedAt time.Time
}

// PolicyRef names a policy.
type PolicyRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Override is what a send changes in its policy and its rules; nil leaves their own value.
type Override struct {
	Type        *RuleType `json:"type,omitempty"`
	WaitSeconds *int      `json:"wait_seconds,omitempty"`
	SendID      *string   `json:"send_id,omitempty"`
	Routes      *[]Route  `json:"routes,omitempty"`
	Account     *string   `json:"account,omitempty"` // the WhatsApp account

	IfUnsendable IfUnsendable `json:"if_unsendable,omitempty"` // empty: RefuseUnsendable
	IfOptedOut   IfOptedOut   `json:"if_opted_out,omitempty"`  // empty: RefuseOptedOut

	Exclusive bool `json:"exclusive,omitempty"` // the WhatsApp message must not arrive after the SMS
}

// IfUnsendable is what follows if the templates of the account say that the send's template cannot be sent.
type IfUnsendable string

// The values of IfUnsendable.
const (
	RefuseUnsendable   IfUnsendable = "refuse"    // the send is not valid
	FallBackUnsendable IfUnsendable = "fall_back" // its WhatsApp message counts as failed
)

// Plan is the policy of one send, resolved when the send was accepted. It travels with the send, so editing or
// deleting the policy never changes a send in flight.
type Plan struct {
	PolicyID   string `json:"policy_id"` // empty if the send has rules of its own
	PolicyName string `json:"policy_name"`
	Account    string `json:"account,omitempty"` // the WhatsApp account
	Rules      []Rule `json:"rules"`

	// Disabled are the names of the rules of which all accounts were disabled when the send was accepted. Their SMS wait.
	Disabled []string `json:"disabled,omitempty"`

	// Template is what was known of the send's template. It is nil if the send has none, or nothing was known.
	Template *PlanTemplate `json:"template,omitempty"`

	// GraceSeconds is how long an exclusive send waits for receipts in flight, by the setting of the time of its acceptance.
	GraceSeconds int `json:"grace_seconds,omitempty"`

	// Override is what the send changed, so that the send can be repeated. It is nil if the send changed nothing, and in plans of
	// versions that did not store it.
	Override *Override `json:"override,omitempty"`
}

// PlanTemplate is what was known of a send's template when the send was accepted.
type PlanTemplate struct {
	Category   Category `json:"category,omitempty"`    // empty: the template is unknown
	TTLSeconds int      `json:"ttl_seconds,omitempty"` // how long WhatsApp tries to deliver it

	// IsTTLAssumed is true if the template sets no time, and those made before 2024-10-23 have another default.
	IsTTLAssumed bool `json:"ttl_assumed,omitempty"`

	// Fault is why the template cannot be sent. The WhatsApp message counts as failed then, and is not sent. Empty: it can be
	// sent.
	Fault string `json:"fault,omitempty"`
}

// PolicyInput is a policy as it is written.
type PolicyInput struct {
	Name    string
	Account string   // see Policy
	RuleIDs []string // in the order that settles a tie
}

// Validate checks the name and the ids of the rules.
func (p PolicyInput) Validate() error {
	var f fields
	ruleIDs := p.RuleIDs
	validateName(&f, p.Name)
	if len(ruleIDs) == 0 || len(ruleIDs) > MaxRules {
		f.addBetween("rule_ids", FieldItemsBetween, "must name %d to %d rules", 1, MaxRules)
	}
	for i, id := range ruleIDs {
		if slices.Contains(ruleIDs[:i], id) {
			f.add(fmt.Sprintf("rule_ids.%d", i), FieldGivenTwice, "is given twice")
		}
	}
	return f.err("the policy is not valid")
}

// ValidateAccount returns an Error of code Invalid if the policy names an account that is no WhatsApp account.
func (p PolicyInput) ValidateAccount(accounts Accounts) error {
	var f fields
	if account, found := accounts.Account(p.Account); p.Account != "" && (!found || account.Channel != WhatsApp) {
		f.add("account", FieldUnknownAccount, "is not a WhatsApp account: see GET /v1/accounts", "channel", string(WhatsApp))
	}
	return f.err("the policy is not valid")
}

// Resolve makes the plan for a recipient of a country. It names the accounts: the WhatsApp account, which the send may have
// named, and those of each rule. Rules that do not apply in the country, or whose accounts do not serve it, are dropped. If none
// is left, or an account is missing, Resolve returns an Error of code Invalid. A policy without an id has a send's own rules.
func (p Policy) Resolve(country string, o Override, accounts Accounts) (Plan, error) {
	plan := Plan{PolicyID: p.ID, PolicyName: p.Name}
	if o != (Override{}) {
		plan.Override = &o
	}
	var f fields
	plan.Account = resolveWhatsApp(&f, o.account(p.Account), country, accounts)
	if o.Routes != nil {
		f.addAll("fallback.", Rule{Routes: *o.Routes}.ValidateRoutes(accounts))
	}
	lacksAccount := false
	for _, rule := range p.Rules {
		if !rule.Applies(country) {
			continue
		}
		rule = o.apply(rule)
		rule.Routes = rule.routesFor(country, accounts)
		if len(rule.Routes) == 0 {
			lacksAccount = true
			continue
		}
		if len(f) == 0 {
			rule.validate(&f, "fallback.")
		}
		rule.Countries = nil
		if rule.isDisabled(accounts) {
			plan.Disabled = append(plan.Disabled, rule.Name)
		}
		plan.Rules = append(plan.Rules, rule)
	}
	switch {
	case len(plan.Rules) == 0 && lacksAccount:
		f.add(p.fieldOfRoutes(o), FieldNoAccount, "no SMS account of its rules serves the recipient's country",
			"channel", string(SMS), "country", country)
	case len(plan.Rules) == 0:
		of := "the send"
		if p.ID != "" {
			of = fmt.Sprintf("policy %q", p.Name)
		}
		reason := fmt.Sprintf("no rule of %s applies to recipients in %s", of, cmp.Or(country, "no country"))
		f.add("to", FieldNoRuleApplies, reason, "policy", p.Name, "country", country)
	}
	if err := f.err("the policy does not fit this send"); err != nil {
		return Plan{}, err
	}
	return plan, nil
}

// resolveWhatsApp returns the WhatsApp account of a send. The name is the one that the send or its policy gives, or empty.
func resolveWhatsApp(f *fields, name, country string, accounts Accounts) string {
	if name == "" {
		name = accounts.DefaultAccount(WhatsApp, country)
		if name == "" {
			f.add("whatsapp.account", FieldNoAccount, "no WhatsApp account serves the recipient's country",
				"channel", string(WhatsApp), "country", country)
		}
		return name
	}
	account, found := accounts.Account(name)
	switch {
	case !found || account.Channel != WhatsApp || account.IsDisabled:
		f.add("whatsapp.account", FieldUnknownAccount, "is not a WhatsApp account that sends: see GET /v1/accounts",
			"channel", string(WhatsApp))
	case !account.Serves(country):
		f.add("whatsapp.account", FieldNoAccount, "does not serve the recipient's country",
			"channel", string(WhatsApp), "country", country)
	}
	return name
}

// WithoutAccounts returns the policy without the accounts that it and its rules name, so that the default ones are taken.
func (p Policy) WithoutAccounts() Policy {
	p.Account, p.Rules = "", slices.Clone(p.Rules)
	for i := range p.Rules {
		p.Rules[i].Routes = nil
	}
	return p
}

// fieldOfRoutes returns the field of the send that names the SMS accounts.
func (p Policy) fieldOfRoutes(o Override) string {
	switch {
	case o.Routes != nil:
		return "fallback.routes"
	case p.ID == "":
		return "fallback.rules"
	default:
		return "fallback.policy_id"
	}
}

// account returns the WhatsApp account of the send, or else the given one.
func (o Override) account(other string) string {
	if o.Account != nil {
		return *o.Account
	}
	return other
}

func (o Override) apply(r Rule) Rule {
	if o.Type != nil {
		r.Type = *o.Type
	}
	if o.WaitSeconds != nil {
		r.WaitSeconds = *o.WaitSeconds
	}
	if o.SendID != nil {
		r.SendID = *o.SendID
	}
	if o.Routes != nil {
		r.Routes = *o.Routes
	}
	return r
}

// Due returns the index of the rule that fires now, or false. Used rules do not fire. Of several, the rule with the shortest
// wait wins. After a failure of WhatsApp, or once a rule is used, the first in the policy's order wins.
func (p Plan) Due(s Status, origin, now time.Time, used func(int) bool) (int, bool) {
	best, inOrder := -1, s == Failed || p.anyUsed(used)
	for i, rule := range p.Rules {
		if used(i) || !rule.IsDue(s, origin, now) {
			continue
		}
		if best < 0 || (!inOrder && rule.WaitSeconds < p.Rules[best].WaitSeconds) {
			best = i
		}
	}
	return best, best >= 0
}

func (p Plan) anyUsed(used func(int) bool) bool {
	for i := range p.Rules {
		if used(i) {
			return true
		}
	}
	return false
}

// IsSatisfied reports whether no rule of the plan can fire any more. Used rules cannot.
func (p Plan) IsSatisfied(s Status, used func(int) bool) bool {
	for i, rule := range p.Rules {
		if !used(i) && !rule.IsSatisfied(s) {
			return false
		}
	}
	return true
}

// MustSignal reports whether the workflow must be signalled after a message went from one status to another: the new status
// satisfies a wait or a rule, or it is a failure, or it undoes a failure. MustSignal is exact: it is false only if IsDue and
// IsSatisfied of all rules are the same for both statuses, at any time.
func (p Plan) MustSignal(from, to Status) bool {
	if from == to {
		return false
	}
	return to == Failed || from == Failed || slices.ContainsFunc(p.Rules, func(r Rule) bool {
		return (!r.IsSatisfied(from) && r.IsSatisfied(to)) || (r.WaitSeconds > 0 && crossesMark(from, to, r.Type.Goal()))
	})
}

func crossesMark(from, to, mark Status) bool { return !from.Reached(mark) && to.Reached(mark) }
