package backstop

// Steps of a send. The step depends on the message alone, not on the number of calls before it. So a workflow that runs again
// gives the same call the same step, even if it takes another path.
const (
	whatsAppStep       = 1
	whatsAppResendStep = 2
	firstSMSStep       = 3   // of the plan's first rule and its first route; each rule has two
	stepsOfRoute       = 100 // between the steps of one rule by two of its routes
)

// WhatsAppStep returns the step of the WhatsApp message, or of its resend after a call of unknown end.
func WhatsAppStep(resend bool) int {
	if resend {
		return whatsAppResendStep
	}
	return whatsAppStep
}

// SMSStep returns the step of a rule's SMS by one of its routes, or of the resend of that SMS. The rule is given by its index in
// the plan, and the route by its index in the rule, from 0.
func SMSStep(rule, route int, resend bool) int {
	step := firstSMSStep + 2*rule + stepsOfRoute*route
	if resend {
		step++
	}
	return step
}

// ruleOf returns the index of the rule whose SMS has this step, or -1 for a step of WhatsApp.
func ruleOf(step int) int {
	if step < firstSMSStep {
		return -1
	}
	return (step - firstSMSStep) % stepsOfRoute / 2
}

// routeOf returns the index, in its rule, of the route of an SMS's step.
func routeOf(step int) int { return (step - firstSMSStep) / stepsOfRoute }

// isResend reports whether the step of an SMS is a resend.
func isResend(step int) bool { return (step-firstSMSStep)%2 == 1 }
