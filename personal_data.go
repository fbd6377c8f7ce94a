package backstop

import "encoding/json"

// PersonalData says how much is stored about a person, by the phone number.
type PersonalData struct {
	Sends         int
	OpenSends     int // sends that have not ended
	Inbound       int // messages that the person wrote
	OptOuts       int
	OptOutChanges int
	AuditEntries  int // about the number

	Erasure *Erasure // that runs; nil: none does
}

// PersonPart is some of the rows of a table that are about a person, as JSON objects. All parts of a table follow each other.
type PersonPart struct {
	Table string
	Rows  []json.RawMessage
}
