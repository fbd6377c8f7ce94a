package backstop

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a caller adds to a send for its own use.
const (
	MaxCorrelationRunes = 128
	MaxMetadata         = 16   // pairs
	MaxMetadataRunes    = 256  // of one text
	MaxMetadataBytes    = 4096 // of all keys and texts in UTF-8
)

// metadataKey is the rule for a key.
var metadataKey = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// validateCorrelation checks the CorrelationID. It takes no invisible character: two ids that look the same would differ.
func (s Send) validateCorrelation(f *fields) {
	id := s.CorrelationID
	switch {
	case id == "":
		if s.CorrelationUnique {
			f.add("correlation_id", FieldRequired, "is required with correlation_unique")
		}
	case strings.TrimSpace(id) != id:
		f.add("correlation_id", FieldOuterSpace, "must not begin or end with a space")
	case utf8.RuneCountInString(id) > MaxCorrelationRunes:
		f.addMax("correlation_id", FieldLengthMax, "must have at most %d characters", MaxCorrelationRunes)
	case !utf8.ValidString(id) || strings.ContainsFunc(id, isUnprintable):
		f.add("correlation_id", FieldControlCharacters, "must not contain control characters")
	}
}

func isUnprintable(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

// validateMetadata checks the pairs, in the order of their keys.
func (s Send) validateMetadata(f *fields) {
	if len(s.Metadata) > MaxMetadata {
		f.addMax("metadata", FieldItemsMax, "must have at most %d items", MaxMetadata)
		return
	}
	size := 0
	for _, key := range slices.Sorted(maps.Keys(s.Metadata)) {
		text := s.Metadata[key]
		size += len(key) + len(text)
		name := "metadata." + clipKey(key)
		switch {
		case !metadataKey.MatchString(key):
			f.add(name, FieldMetadataKey, "must have a name of 1 to 64 letters, digits, dots, hyphens and underscores")
		case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
			f.add(name, FieldNotText, "must be text in UTF-8 without the NUL character")
		case utf8.RuneCountInString(text) > MaxMetadataRunes:
			f.addMax(name, FieldLengthMax, "must have at most %d characters", MaxMetadataRunes)
		}
	}
	if size > MaxMetadataBytes {
		f.addMax("metadata", FieldBytesMax, "must have at most %d bytes, with its keys", MaxMetadataBytes)
	}
}

// clipKey returns the begin of a key that is too long for the name of a field.
func clipKey(key string) string {
	const most = 64
	for i := range key {
		if i >= most {
			return key[:i] + "…"
		}
	}
	return key
}

// CorrelationTaken is the error of a send whose CorrelationID belongs to an earlier send alone. The id of that send may be empty.
func CorrelationTaken(earlier string) error {
	reason := "is the unique one of another send"
	var params []string
	if earlier != "" {
		reason, params = fmt.Sprintf("is the unique one of send %s", earlier), []string{"send", earlier}
	}
	return &Error{
		Code: Conflict, Message: "another send has this correlation_id",
		Fields: []Field{NewField("correlation_id", FieldCorrelationTaken, reason, params...)},
	}
}
