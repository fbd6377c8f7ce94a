package pool

import (
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Stamp converts a time to UTC and microseconds, as Postgres stores it. So a returned time equals the time that is read later.
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// StampPtr is Stamp for a time that may be nil.
func StampPtr(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	s := Stamp(*t)
	return &s
}

// TimeOrNull returns NULL for the zero time.
func TimeOrNull(t time.Time) sql.NullTime { return sql.NullTime{Time: Stamp(t), Valid: !t.IsZero()} }

// NewID makes a UUIDv7: the order of ids is the order of time.
func NewID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make id: %w", err)
	}
	return id.String(), nil
}

// NewIDAt makes a UUIDv7 of a time. Ids sort by their times, if the times differ by a microsecond or more.
func NewIDAt(t time.Time) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make id: %w", err)
	}
	putTime(&id, t)
	// The 12 bits after the version hold the fraction of the millisecond (RFC 9562, 6.2, method 3).
	const version, parts = 0x70, 1 << 12
	part := t.Nanosecond() % int(time.Millisecond) * parts / int(time.Millisecond)
	id[6], id[7] = version|byte(part>>8), byte(part) //nolint:gosec // 12 bits
	return id.String(), nil
}

// MinID returns the smallest UUIDv7 of a time.
func MinID(t time.Time) string {
	var id uuid.UUID
	putTime(&id, t)
	return id.String()
}

// TimeOf returns the time of a UUIDv7 in canonical form, to the millisecond.
func TimeOf(id string) time.Time {
	parsed := uuid.MustParse(id)
	var ms [8]byte
	copy(ms[2:], parsed[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:]))).UTC() //nolint:gosec // 48 bits
}

// NextID returns the smallest id that is greater than an id in canonical form, or uuid.Max, which no send has.
func NextID(id string) string {
	next := uuid.MustParse(id)
	for i := len(next) - 1; i >= 0; i-- {
		if next[i]++; next[i] != 0 { // no carry
			return next.String()
		}
	}
	return uuid.Max.String()
}

// putTime writes the first 48 bits of a UUIDv7: Unix milliseconds (RFC 9562, 5.7).
func putTime(id *uuid.UUID, t time.Time) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(t.UnixMilli(), 0)))
	copy(id[:6], ms[2:])
}

// ParseID returns the canonical form of an id; false if it is not a UUID of 36 characters.
func ParseID(id string) (string, bool) {
	const length = 36 // uuid.Parse accepts other forms too
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != length {
		return "", false
	}
	return parsed.String(), true
}

// Clean removes NUL from a provider's text and replaces invalid UTF-8, because Postgres stores neither. A receipt must not be
// lost because of its text.
func Clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// JSONOrNull returns the JSON of what v points to, or nil, which is NULL.
func JSONOrNull[T any](v *T) (*string, error) {
	if v == nil {
		return nil, nil //nolint:nilnil // NULL is no error
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write json: %w", err)
	}
	return new(string(b)), nil
}

// Bytea writes bytes as Postgres reads a bytea from JSON.
func Bytea(b []byte) string { return `\x` + hex.EncodeToString(b) }

// JSONRows writes rows for json_to_recordset.
func JSONRows[T any](rows []T) (string, error) {
	b, err := json.Marshal(rows)
	if err != nil {
		return "", fmt.Errorf("write rows: %w", err)
	}
	return string(b), nil
}
