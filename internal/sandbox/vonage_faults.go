package sandbox

import (
	"net/http"
	"slices"
)

// vonageCode returns Vonage's code and its text for a fault of the scenarios (Meta's codes for WhatsApp, Twilio's for SMS). The
// texts are those of the manual's page "API errors".
func vonageCode(f *fault) (code int, detail string) {
	switch f.code {
	case 130429:
		return 1000, "Throttled - You have exceeded the submission capacity allowed on this account."
	case 131000, 131016:
		return 1030, "Internal error - There was an error processing your request in the Platform."
	case 131026:
		return 1300, "Not part of the provider network - The number or ID is not a user in the provider network."
	case 131050, 21610:
		return 1240, "Illegal Number - the user has already sent a STOP opt-out message."
	case 132001:
		return 1022, "Invalid template - Invalid template or template parameters"
	case 21612:
		return 1260, "Destination unreachable - The message could not be delivered to the phone number."
	case 30003:
		return 1180, "Absent Subscriber Temporary - This message was not delivered because to was temporarily unavailable."
	case 30036:
		return 1360, "TTL was activated, or message expired before delivered."
	default:
		return 1330, "Unknown - An unknown error was received from the carrier."
	}
}

// vonagePlan returns the plan of a scenario as Vonage carries it out: what the carrier or WhatsApp finds wrong is not in the
// answer, but in a later status.
func vonagePlan(p plan) plan {
	steps := slices.Clone(p.steps)
	for i, st := range steps {
		if st.fault == nil {
			continue
		}
		refusal := *st.fault
		refusal.code, refusal.details = vonageCode(st.fault)
		refusal.title, refusal.kind = "Refused", ""
		switch refusal.code {
		case 1000, 1030: // with the HTTP status of the scenario
			steps[i].fault = &refusal
		case 1022, 1260:
			refusal.status = http.StatusUnprocessableEntity
			steps[i].fault = &refusal
		default:
			steps[i] = step{posts: separatePosts(failedReceipt(st.fault))}
		}
	}
	p.steps = steps
	return p
}

// splitPosts makes one post of each receipt, because a webhook has one status.
func splitPosts(posts []post) []post {
	var split []post
	for _, p := range posts {
		for _, r := range p.receipts {
			split = append(split, newPost(p.after, r))
		}
	}
	return split
}
