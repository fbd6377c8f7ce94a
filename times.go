package backstop

import "time"

// badTime is the reason that a caller reads for a time outside of the bounds of ValidTime.
const badTime = "must lie in the years 2000 to 9999, in UTC"

// ValidTime reports whether a time that comes from outside can be stored and shown: its year is 2000 to 9999 in UTC.
// RFC 3339, and so JSON, has no year of five digits. A year before 2000 can only be an error. The zone counts:
// 9999-12-31T23:59:59-05:00 is in the year 10000.
func ValidTime(t time.Time) bool {
	const first, last = 2000, 9999
	year := t.UTC().Year()
	return year >= first && year <= last
}

// ValidateRange returns an Error of code Invalid that names each bound that ValidTime refuses, or nil. A bound may be nil.
func ValidateRange(from, until *time.Time) error {
	var f fields
	if from != nil && !ValidTime(*from) {
		f.add("from", badTime)
	}
	if until != nil && !ValidTime(*until) {
		f.add("until", badTime)
	}
	return f.err("the range is not valid")
}
