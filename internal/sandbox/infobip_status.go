package sandbox

import (
	"net/http"
	"strconv"
)

// infobipStatuses are statuses by their id: the group, the name and the description.
func infobipStatuses() map[int]struct {
	group             int
	name, description string
} {
	return map[int]struct {
		group             int
		name, description string
	}{
		5:  {3, "DELIVERED_TO_HANDSET", "Message delivered to handset"},
		6:  {5, "REJECTED_NETWORK", "Network is forbidden"},
		7:  {1, "PENDING_ENROUTE", "Message sent to next instance"},
		9:  {2, "UNDELIVERABLE_NOT_DELIVERED", "Message sent not delivered"},
		23: {5, "REJECTED_DUPLICATE_MESSAGE_ID", "Duplicate message id"},
		25: {5, "REJECTED_MESSAGE_TOO_LONG", "Message too long"},
		26: {1, "PENDING_ACCEPTED", "Message sent to next instance"},
		31: {2, "UNDELIVERABLE_NOT_SENT", "Message not sent"},
	}
}

// infobipErrors are errors by their id: the group and the name. The ids of statuses and errors overlap.
func infobipErrors() map[int]struct {
	group int
	name  string
} {
	return map[int]struct {
		group int
		name  string
	}{
		0:    {0, "NO_ERROR"},
		27:   {1, "EC_ABSENT_SUBSCRIBER"},
		255:  {1, "EC_UNKNOWN_ERROR"},
		603:  {2, "EC_CONTENT_BLOCKED"},
		4100: {2, "EC_MESSAGE_CANCELED"},
		7002: {1, "EC_UNKNOWN_USER"},
		7033: {1, "EC_MARKETING_OPT_OUT"},
	}
}

// infobipStatus returns a status as a fault: its code is the id, its title the name.
func infobipStatus(id int) *fault {
	s := infobipStatuses()[id]
	return &fault{status: http.StatusOK, code: id, title: s.name, details: s.description, subcode: s.group}
}

func infobipError(id int) *fault {
	e := infobipErrors()[id]
	return &fault{code: id, title: e.name, subcode: e.group}
}

// infobipHTTP returns the fault of a request that is refused with an HTTP status.
func infobipHTTP(status int, details string) *fault {
	return &fault{status: status, code: status, details: details, kind: "E" + strconv.Itoa(status)}
}

// infobipRefusal returns the fault with which Infobip refuses a call at once, for a fault of the scenarios (Meta's codes for
// WhatsApp, Twilio's for SMS). It returns nil if Infobip reports the fault later.
func infobipRefusal(f *fault) *fault {
	switch f.code {
	case 130429:
		refusal := infobipHTTP(http.StatusTooManyRequests, "Too many requests sent.")
		refusal.retryAfter = f.retryAfter
		return refusal
	case 131000:
		return infobipHTTP(http.StatusInternalServerError, "Something went wrong.")
	case 131016:
		return infobipHTTP(http.StatusServiceUnavailable, "Something went wrong.")
	case 132001:
		return infobipHTTP(http.StatusBadRequest, "content.templateName: the template does not exist in this language")
	case 21612:
		return infobipStatus(6)
	default:
		return nil
	}
}

// infobipOutcome returns the status and the error of a receipt.
func infobipOutcome(r receipt) (status, cause *fault) {
	switch r.status {
	case statusSent:
		return infobipStatus(7), infobipError(0)
	case statusDelivered, statusRead:
		return infobipStatus(5), infobipError(0)
	}
	switch r.fault.code {
	case 131026:
		return infobipStatus(9), infobipError(7002)
	case 131050:
		return infobipStatus(9), infobipError(7033)
	case 21610:
		return infobipStatus(9), infobipError(603)
	case 30003:
		return infobipStatus(9), infobipError(27)
	case 30036: // not passed on within its validity period
		return infobipStatus(31), infobipError(4100)
	default:
		return infobipStatus(9), infobipError(255)
	}
}

func infobipStatusJSON(f *fault) map[string]any {
	groups := []string{"", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED"}
	return map[string]any{
		"groupId": f.subcode, "groupName": groups[f.subcode], "id": f.code, "name": f.title, "description": f.details,
	}
}

func infobipErrorJSON(f *fault) map[string]any {
	groups := []string{"OK", "HANDSET_ERRORS", "USER_ERRORS", "OPERATOR_ERRORS"}
	return map[string]any{
		"groupId": f.subcode, "groupName": groups[f.subcode], "id": f.code, "name": f.title, "description": f.title,
		"permanent": false,
	}
}

// refuseInfobip returns the function that writes an error of a channel: ApiError for SMS, ApiException for WhatsApp.
func refuseInfobip(channel string) func(w http.ResponseWriter, f *fault) {
	return func(w http.ResponseWriter, f *fault) {
		if channel == channelSMS {
			writeJSON(w, f.status, map[string]any{
				"errorCode": f.kind, "description": f.details, "action": "Check the documentation.",
				"violations": []any{}, "resources": []any{},
			})
			return
		}
		words := map[int]string{
			http.StatusBadRequest: "BAD_REQUEST", http.StatusUnauthorized: "UNAUTHORIZED",
			http.StatusTooManyRequests: "TOO_MANY_REQUESTS",
		}
		writeJSON(w, f.status, map[string]any{"requestError": map[string]any{"serviceException": map[string]any{
			"messageId": withDefault(words[f.status], "GENERAL_ERROR"), "text": f.details,
		}}})
	}
}
