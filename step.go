package backstop

// Steps of a send. The step depends on the message alone, not on the number of calls before it. So a workflow that runs again
// gives the same call the same step, even if it takes another path.
const (
	whatsAppStep       = 1
	whatsAppResendStep = 2
	firstSMSStep       = 3 // of the plan's first rule; each rule has two
)

// WhatsAppStep returns the step of the WhatsApp message, or of its resend after a call of unknown end.
func WhatsAppStep(resend bool) int {
	if resend {
		return whatsAppResendStep
	}
	return whatsAppStep
}

// SMSStep returns the step of a rule's SMS, or of the resend of that SMS. The rule is given by its index in the plan, from 0.
func SMSStep(rule int, resend bool) int {
	step := firstSMSStep + 2*rule
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
	return (step - firstSMSStep) / 2
}
