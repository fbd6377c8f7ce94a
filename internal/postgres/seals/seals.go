// Package seals encrypts the texts of messages, and numbers, for the columns of the database. Each text is bound to its column
// and its row: it does not open elsewhere. A number has the same token everywhere, because Postgres compares it.
package seals

import (
	"fmt"

	"github.com/backstophq/backstop/internal/keyring"
)

// Place is a column with sealed values.
type Place string

// The places. A value is authenticated with them, so they must not change.
const (
	Content     Place = "sends.sealed_content"
	RequestHash Place = "sends.idempotency_hash"
	InboundText Place = "inbound.sealed_text"
)

// Seals opens sealed values, and seals texts and numbers if its settings say so. It is safe for concurrent use.
type Seals struct {
	*Numbers

	ring  *keyring.Keyring
	texts bool
}

// New returns the seals of a keyring. It fails with keyring.ErrEmpty if texts are to be sealed and there is no key.
func New(ring *keyring.Keyring, texts bool, numbers *Numbers) (*Seals, error) {
	if texts && ring.IsEmpty() {
		return nil, keyring.ErrEmpty
	}
	return &Seals{Numbers: numbers, ring: ring, texts: texts}, nil
}

// Texts reports whether texts are sealed.
func (s *Seals) Texts() bool { return s.texts }

// Seal encrypts a value of a row.
func (s *Seals) Seal(at Place, id string, plain []byte) ([]byte, error) {
	sealed, err := s.ring.Seal(plain, additional(at, id))
	if err != nil {
		return nil, fmt.Errorf("seal %s of %s: %w", at, id, err)
	}
	return sealed, nil
}

// Open decrypts a value of a row. Its error is one of Keyring.Open.
func (s *Seals) Open(at Place, id string, sealed []byte) ([]byte, error) {
	return s.ring.Open(sealed, additional(at, id))
}

func additional(at Place, id string) []byte { return []byte(string(at) + "/" + id) }

// hashSize is the length of a plain hash of a request. A sealed one is longer.
const hashSize = 32

// IsSealed reports whether a hash of a request is sealed.
func IsSealed(hash []byte) bool { return len(hash) > hashSize }

// Header returns the first bytes of what this process seals.
func (s *Seals) Header() []byte { return s.ring.Header() }

// Digest returns a digest of a content as it is stored. If texts are sealed, it is keyed: whoever has the database alone cannot
// find the content by trying.
func (s *Seals) Digest(digest []byte) ([]byte, error) {
	if !s.texts || len(digest) == 0 {
		return digest, nil
	}
	keyed, err := s.ring.MAC(digest)
	if err != nil {
		return nil, fmt.Errorf("key a digest: %w", err)
	}
	return keyed, nil
}
