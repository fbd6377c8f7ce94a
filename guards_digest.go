package backstop

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash"
	"time"
)

// contentDigest returns a digest of what the recipient would read on both channels, of the phone, and of the time of a scheduled
// send: a reminder may be scheduled for several days at once. The category, the policy, the accounts, the time of expiry, and
// what the caller adds for its own use do not change it. Nor does the message that the content was made of.
func (s Send) contentDigest() []byte {
	h := sha256.New()
	write(h, Notations(s.To)[0])
	write(h, s.Text)
	write(h, s.SMSText)
	if t := s.Template; t != nil {
		write(h, t.Name)
		write(h, t.Language)
		write(h, string(canonicalJSON(t.Components)))
	}
	if s.SendAt != nil {
		write(h, s.SendAt.UTC().Format(time.RFC3339Nano))
	}
	return h.Sum(nil)
}

// write adds a text with its length, so that two texts do not run into each other.
func write(h hash.Hash, text string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(text)))
	h.Write(length[:])
	h.Write([]byte(text))
}

// canonicalJSON returns a JSON text without white space and with its names in order. A text that is no JSON stays as it is.
func canonicalJSON(text json.RawMessage) []byte {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return text
	}
	canonical, err := json.Marshal(value)
	if err != nil {
		return text
	}
	return canonical
}
