package backstop

import "time"

// The years of a time that ValidTime accepts.
const firstYear, lastYear = 2000, 9999

// ValidTime reports whether a time that comes from outside can be stored and shown: its year is 2000 to 9999 in UTC.
// RFC 3339, and so JSON, has no year of five digits. A year before 2000 can only be an error. The zone counts:
// 9999-12-31T23:59:59-05:00 is in the year 10000.
func ValidTime(t time.Time) bool {
	year := t.UTC().Year()
	return year >= firstYear && year <= lastYear
}

// ValidateRange returns an Error of code Invalid that names each bound that ValidTime refuses, or nil. A bound may be nil.
func ValidateRange(from, until *time.Time) error {
	var f fields
	if from != nil && !ValidTime(*from) {
		f.addTime("from")
	}
	if until != nil && !ValidTime(*until) {
		f.addTime("until")
	}
	return f.err("the range is not valid")
}

// addTime adds a time that ValidTime refuses.
func (f *fields) addTime(name string) {
	f.addBetween(name, FieldTimeYears, "must lie in the years %d to %d, in UTC", firstYear, lastYear)
}
