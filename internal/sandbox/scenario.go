package sandbox

import (
	"slices"
	"time"
)

// The delays at speed 1.
const (
	sentAfter       = 1 * time.Second
	deliveredAfter  = 2 * time.Second
	failedAfter     = 2 * time.Second
	readAfter       = 5 * time.Second
	lateAfter       = 30 * time.Second
	queuedFor       = 30 * time.Second // time in the provider's queue
	lateAnswerAfter = 8 * time.Second  // shorter than the time-out of a call
)

// The words of Meta and Twilio for the statuses.
const (
	statusSent        = "sent"
	statusDelivered   = "delivered"
	statusRead        = "read" // Meta only
	statusFailed      = "failed"
	statusUndelivered = "undelivered" // Twilio only
)

// Scenario is what happens to the messages to the recipients whose number ends in Digits. Calls are counted per recipient
// number and channel, until DELETE /messages. A number that ends in the digits of no scenario has scenario 01.
type Scenario struct {
	Digits   string // the last two digits of the recipient
	Name     string
	WhatsApp string // what happens to a WhatsApp message, in words
	SMS      string // what happens to an SMS, in words

	whatsApp plan
	sms      plan
}

// plan is what happens to the calls for one recipient on one channel. The first call has the first step, and so on. All
// further calls have the last step.
type plan struct {
	steps    []step
	bySender bool // the first sender has the first step, the second sender the second step, and so on
}

// step is what happens to one call.
type step struct {
	fault  *fault       // the call is refused
	lost   bool         // the call has no answer, and the message is not accepted
	answer answerTiming // when an accepted call is answered
	posts  []post       // the webhooks of an accepted call, in the order in which they are sent
}

type answerTiming int

const (
	answerAtOnce        answerTiming = iota
	answerNever                      // never: the connection stays open until the client closes it
	answerAfterReceipts              // after each receipt was posted once
	answerLate                       // after 8 s at speed 1
)

// post is one webhook. A webhook of Meta may have several receipts.
type post struct {
	after    time.Duration // time from acceptance to the webhook, at speed 1
	receipts []receipt
}

type receipt struct {
	status string
	at     time.Duration // time from acceptance to the event, at speed 1
	fault  *fault
}

// Scenarios returns the table of scenarios, in the order of their digits.
func Scenarios() []Scenario { //nolint:funlen // a table
	const (
		delivered = "delivered"
		rejected  = "rejected at once: 131026"
	)
	sms, noWhatsApp := acceptAll(deliveredPosts()), refuseAll(messageUndeliverable())
	return []Scenario{
		{"01", "read", "sent, delivered, read", delivered, acceptAll(readPosts()), sms},
		{"02", "unread", "sent, delivered, never read", delivered, acceptAll(deliveredPosts()), sms},
		{"03", "sent only", "sent, never delivered", delivered, acceptAll(separatePosts(sentReceipt())), sms},
		{"04", "rejected", rejected, delivered, noWhatsApp, sms},
		{
			"05", "failed later", "accepted, then failed by webhook: 131026", delivered,
			acceptAll(separatePosts(failedReceipt(messageUndeliverable()))), sms,
		},
		{"06", "silent", "accepted, no receipts", delivered, acceptAll(nil), sms},
		{
			"07", "throttled twice", "HTTP 429 twice (130429, Retry-After: 1 on the first only), then as 01", delivered,
			stepsInOrder(step{fault: rateLimitHit("1")}, step{fault: rateLimitHit("")}, step{posts: readPosts()}), sms,
		},
		{
			"08", "unavailable twice", "HTTP 500 (131000), HTTP 503 (131016), then as 01", delivered,
			stepsInOrder(step{fault: somethingWentWrong()}, step{fault: serviceUnavailable()}, step{posts: readPosts()}), sms,
		},
		{
			"09", "answer lost", "accepted, the answer never comes; receipts as 01", delivered,
			stepsInOrder(step{answer: answerNever, posts: readPosts()}), sms,
		},
		{
			"10", "request lost", "first call: no answer, nothing accepted; then as 01", delivered,
			stepsInOrder(step{lost: true}, step{posts: readPosts()}), sms,
		},
		{
			"11", "disorder", "duplicate and out-of-order receipts, single and batched; read in the end", delivered,
			acceptAll(disorderlyPosts()), sms,
		},
		{
			"12", "late", "sent, delivered after 30 s", delivered,
			acceptAll(separatePosts(sentReceipt(), deliveredReceipt(lateAfter))), sms,
		},
		{"13", "nothing works", rejected, "rejected at once: 21612", noWhatsApp, refuseAll(unreachablePair())},
		{
			"14", "SMS undelivered", rejected, "sent, then undelivered: 30003",
			noWhatsApp, acceptAll(undeliveredPosts(unreachableHandset())),
		},
		{"15", "template error", "rejected at once: 132001", delivered, refuseAll(unknownTemplate()), sms},
		{"16", "opted out", "rejected at once: 131050", delivered, refuseAll(optedOut()), sms},
		{
			"17", "early receipts", "sent, delivered, read, all before the answer to the send", delivered,
			stepsInOrder(step{answer: answerAfterReceipts, posts: earlyPosts()}), sms,
		},
		{
			"18", "SMS answer lost", rejected, "accepted, the answer never comes; delivered",
			noWhatsApp, stepsInOrder(step{answer: answerNever, posts: deliveredPosts()}),
		},
		{
			"19", "next sender", rejected, "from the first sender seen: sent, then undelivered: 30008; from another: delivered",
			noWhatsApp, stepsBySender(step{posts: undeliveredPosts(unknownCarrierError())}, step{posts: deliveredPosts()}),
		},
		{
			"20", "slow SMS", rejected, "accepted, the answer comes after 8 s; delivered",
			noWhatsApp, stepsInOrder(step{answer: answerLate, posts: deliveredPosts()}),
		},
		{
			"21", "SMS queued", rejected, "sent after 30 s, delivered; failed (30036) if its validity period ends before",
			noWhatsApp, acceptAll(queuedPosts()),
		},
		{
			"22", "opted out later", "accepted, then failed by webhook: 131050", delivered,
			acceptAll(separatePosts(failedReceipt(optedOut()))), sms,
		},
		{"23", "SMS STOP", rejected, "rejected at once: 21610", noWhatsApp, refuseAll(recipientUnsubscribed())},
	}
}

func scenariosByDigits() map[string]Scenario {
	table := make(map[string]Scenario)
	for _, sc := range Scenarios() {
		table[sc.Digits] = sc
	}
	return table
}

// scenarioOf returns the scenario of a recipient. digits are the digits of the number.
func (s *Server) scenarioOf(digits string) Scenario {
	if len(digits) >= 2 {
		if sc, ok := s.table[digits[len(digits)-2:]]; ok {
			return sc
		}
	}
	return s.table["01"]
}

func acceptAll(posts []post) plan      { return stepsInOrder(step{posts: posts}) }
func refuseAll(f *fault) plan          { return stepsInOrder(step{fault: f}) }
func stepsInOrder(steps ...step) plan  { return plan{steps: steps} }
func stepsBySender(steps ...step) plan { return plan{steps: steps, bySender: true} }

func sentReceipt() receipt                      { return receipt{status: statusSent, at: sentAfter} }
func deliveredReceipt(at time.Duration) receipt { return receipt{status: statusDelivered, at: at} }
func readReceipt() receipt                      { return receipt{status: statusRead, at: readAfter} }
func failedReceipt(f *fault) receipt            { return receipt{status: statusFailed, at: failedAfter, fault: f} }
func undeliveredReceipt(f *fault) receipt {
	return receipt{status: statusUndelivered, at: failedAfter, fault: f}
}

func readPosts() []post {
	return separatePosts(sentReceipt(), deliveredReceipt(deliveredAfter), readReceipt())
}
func deliveredPosts() []post           { return separatePosts(sentReceipt(), deliveredReceipt(deliveredAfter)) }
func undeliveredPosts(f *fault) []post { return separatePosts(sentReceipt(), undeliveredReceipt(f)) }
func queuedPosts() []post {
	return separatePosts(receipt{status: statusSent, at: queuedFor}, deliveredReceipt(queuedFor+deliveredAfter-sentAfter))
}
func newPost(after time.Duration, r ...receipt) post { return post{after: after, receipts: r} }

// separatePosts makes one post for each receipt, at the time of the receipt.
func separatePosts(receipts ...receipt) []post {
	posts := make([]post, 0, len(receipts))
	for _, r := range receipts {
		posts = append(posts, newPost(r.at, r))
	}
	return posts
}

// earlyPosts returns the receipts of 01 without delays: they are all due before the answer to the send.
func earlyPosts() []post {
	return separatePosts(receipt{status: statusSent}, receipt{status: statusDelivered}, receipt{status: statusRead})
}

// disorderlyPosts returns receipts that are all sent after the message was read: duplicate and out of order.
func disorderlyPosts() []post {
	delivered := deliveredReceipt(deliveredAfter)
	return []post{
		newPost(readAfter, readReceipt()),
		newPost(readAfter, delivered),
		newPost(readAfter, sentReceipt()),
		newPost(readAfter, readReceipt(), delivered, sentReceipt(), delivered, readReceipt()),
		newPost(readAfter, delivered, sentReceipt()),
		newPost(readAfter, readReceipt()),
	}
}

// applyValidity returns the posts of a message with this validity period. If the message is sent within the period, its
// posts do not change. Else it has one post: the failure at the end of the period.
func applyValidity(posts []post, validity time.Duration, speed float64) []post {
	for _, p := range posts {
		for _, r := range p.receipts {
			if r.status == statusSent && scaleDelay(r.at, speed) > validity {
				return separatePosts(receipt{status: statusFailed, at: unscaleDelay(validity, speed), fault: validityExpired()})
			}
		}
	}
	return posts
}

// stepFor returns the step of a call. The first call has number 0.
func (p plan) stepFor(call int) step {
	return p.steps[min(call, len(p.steps)-1)]
}

// dependsOnCalls reports whether the plan depends on earlier calls.
func (p plan) dependsOnCalls() bool { return len(p.steps) > 1 }

// senderPlace returns the index of a sender in the list, and the list with the sender.
func senderPlace(senders []string, sender string) (int, []string) {
	if i := slices.Index(senders, sender); i >= 0 {
		return i, senders
	}
	return len(senders), append(senders, sender)
}
