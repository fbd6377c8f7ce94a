package backstop

import "time"

// AccountTest is a test SMS by one account. It belongs to no send.
type AccountTest struct {
	Account string // the account's name
	To      string // E.164
	SendID  string // empty: the provider gets none
	Text    string // empty: DefaultText
}

// DefaultText returns the text of a test that has none: one segment of GSM 7-bit.
func (t AccountTest) DefaultText() string { return "Test of Backstop by account " + t.Account }

// Validate returns an Error of code Invalid that names every wrong field, or nil. An empty SendID and an empty Text are valid. It
// does not check the number: see CountryOf.
func (t AccountTest) Validate() error {
	var f fields
	if t.SendID != "" {
		if reason := checkSendID(t.SendID); reason != "" {
			f.add("send_id", FieldSendID, reason)
		}
	}
	if t.Text != "" {
		validateSMSText(&f, "text", t.Text)
	}
	return f.err("the test is not valid")
}

// TestResult is the result of a test SMS.
type TestResult string

// The results.
const (
	TestAccepted TestResult = "accepted" // the provider has the message
	TestRefused  TestResult = "refused"  // nothing was sent
	TestUnknown  TestResult = "unknown"  // the message may have been sent
)

// AccountTested is what the provider answered to a test SMS.
type AccountTested struct {
	MessageID string   // the provider's; empty unless the message was accepted
	Segments  int      // as the provider counts them, or else as MeasureSMS does
	Failure   *Failure // nil if the message was accepted
	Took      time.Duration
}

// Result returns the result of the test.
func (t AccountTested) Result() TestResult {
	switch {
	case t.Failure == nil:
		return TestAccepted
	case t.Failure.Kind == Unknown:
		return TestUnknown
	default:
		return TestRefused
	}
}
