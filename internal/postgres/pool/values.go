package pool

import (
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Stamp brings a time into the form that Postgres keeps, so that what is returned equals what is read later.
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// StampPtr does the same for a time that may be absent.
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

// NewIDAt makes a UUIDv7 of a time: ids of times that differ by a microsecond are in their order.
func NewIDAt(t time.Time) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make id: %w", err)
	}
	putTime(&id, t)
	// The next 12 bits that are free are the part of the millisecond (RFC 9562, 6.2, method 3).
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

// putTime writes the first 48 bits of a UUIDv7: Unix milliseconds (RFC 9562, 5.7).
func putTime(id *uuid.UUID, t time.Time) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(t.UnixMilli(), 0)))
	copy(id[:6], ms[2:])
}

// ParseID returns the canonical form of an id; false when it cannot be one of ours.
func ParseID(id string) (string, bool) {
	const length = 36 // the other forms that uuid.Parse reads are not ours
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != length {
		return "", false
	}
	return parsed.String(), true
}

// Clean makes a provider's text storable: Postgres keeps neither NUL nor broken UTF-8, and a receipt must not be
// lost over one.
func Clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// JSONOrNull returns the JSON of what v points to, or NULL. It is a string, because the driver sends bytes as bytea.
func JSONOrNull[T any](v *T) (sql.NullString, error) {
	if v == nil {
		return sql.NullString{}, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return sql.NullString{}, fmt.Errorf("write json: %w", err)
	}
	return sql.NullString{String: string(b), Valid: true}, nil
}

// JSONRows writes rows for json_to_recordset.
func JSONRows[T any](rows []T) (string, error) {
	b, err := json.Marshal(rows)
	if err != nil {
		return "", fmt.Errorf("write rows: %w", err)
	}
	return string(b), nil
}
