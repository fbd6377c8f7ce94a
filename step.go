package backstop

// Steps of a send. A step follows from what is sent, and is never counted: a workflow that runs again, later and by another
// path, gives the same call the same step.
const (
	whatsAppStep       = 1
	whatsAppResendStep = 2
	firstSMSStep       = 3 // of the plan's first rule; each rule has two
)

// WhatsAppStep is the step of the WhatsApp message, or of its resend after a call of unknown end.
func WhatsAppStep(resend bool) int {
	if resend {
		return whatsAppResendStep
	}
	return whatsAppStep
}

// SMSStep is the step of the SMS of a rule, by the rule's place in the plan from 0, or of the resend of that SMS.
func SMSStep(rule int, resend bool) int {
	step := firstSMSStep + 2*rule
	if resend {
		step++
	}
	return step
}

// ruleOf is the place of the rule whose SMS a step is, or -1 for a step of WhatsApp.
func ruleOf(step int) int {
	if step < firstSMSStep {
		return -1
	}
	return (step - firstSMSStep) / 2
}
