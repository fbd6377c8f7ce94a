package sandbox

import "net/http"

// fault is an error of a provider. A fault is part of an answer, with an HTTP status, or part of a receipt.
type fault struct {
	status     int
	code       int
	title      string
	details    string
	retryAfter string // the Retry-After header; no header if empty
	subcode    int    // Meta only; no subcode if zero
	kind       string // Meta's error type; OAuthException if empty
}

// Meta's titles, details and HTTP statuses are from the manual's page "Cloud API error codes". The message in an answer is
// "(#code) title".

func messageUndeliverable() *fault {
	return &fault{
		status: http.StatusBadRequest, code: 131026, title: "Message undeliverable", details: "Message Undeliverable.",
	}
}

func rateLimitHit(retryAfter string) *fault {
	return &fault{
		status: http.StatusTooManyRequests, code: 130429, title: "Rate limit hit", retryAfter: retryAfter,
		details: "Message failed to send because there were too many messages sent from this phone number " +
			"in a short period of time.",
	}
}

func somethingWentWrong() *fault {
	return &fault{
		status: http.StatusInternalServerError, code: 131000, title: "Something went wrong",
		details: "Message failed to send due to an unknown error.",
	}
}

func serviceUnavailable() *fault {
	return &fault{
		status: http.StatusServiceUnavailable, code: 131016, title: "Service unavailable",
		details: "A service is temporarily unavailable.",
	}
}

func unknownTemplate() *fault {
	return &fault{
		status: http.StatusNotFound, code: 132001, title: "Template name does not exist in the translation",
		details: "The template does not exist in the specified language or the template has not been approved.",
	}
}

func optedOut() *fault {
	return &fault{
		status: http.StatusBadRequest, code: 131050, title: "User has stopped receiving marketing messages",
		details: "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages " +
			"on WhatsApp from your business.",
	}
}

// Twilio's titles are from its "Error and warning dictionary".

func unreachablePair() *fault {
	return &fault{
		status: http.StatusBadRequest, code: 21612,
		title: "The 'To' phone number provided is not currently reachable using the 'From' phone number via SMS.",
	}
}

func recipientUnsubscribed() *fault {
	return &fault{status: http.StatusBadRequest, code: 21610, title: "Attempt to send to unsubscribed recipient"}
}

func unreachableHandset() *fault {
	return &fault{code: 30003, title: "Unreachable destination handset"}
}

func unknownCarrierError() *fault {
	return &fault{code: 30008, title: "Unknown error"}
}

func validityExpired() *fault {
	return &fault{code: 30036, title: "Validity Period Expired"}
}
