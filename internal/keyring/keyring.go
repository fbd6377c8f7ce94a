// Package keyring encrypts secrets for storage, with AES-256-GCM. A keyring has several keys: the first encrypts, and all
// decrypt. So a key is replaced without a moment in which a stored value cannot be read.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// KeySize is the length of a key, in bytes.
const KeySize = 32

// Variable is the name of the environment variable that has the keyring.
const Variable = "BACKSTOP_KEYRING"

// keyID is the form of the id of a key.
var keyID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// Keyring is a list of keys. The zero value has none. It is safe for concurrent use.
type Keyring struct {
	keys []key // the first one seals
}

type key struct {
	id   string
	aead cipher.AEAD
	mac  []byte // the key of MAC
	root []byte // other keys are derived from it
}

// Parse reads a keyring: entries of the form id:base64, separated by commas. An empty text is an empty keyring. No error has a
// part of a key.
func Parse(text string) (*Keyring, error) {
	r := &Keyring{}
	if strings.TrimSpace(text) == "" {
		return r, nil
	}
	for i, entry := range strings.Split(text, ",") {
		parsed, err := parseKey(strings.TrimSpace(entry))
		if err != nil {
			return nil, fmt.Errorf("read key %d of the keyring: %w", i+1, err)
		}
		if slices.Contains(r.IDs(), parsed.id) {
			return nil, fmt.Errorf("read key %d of the keyring: the id %q is given twice", i+1, parsed.id)
		}
		r.keys = append(r.keys, parsed)
	}
	return r, nil
}

func parseKey(entry string) (key, error) {
	id, encoded, found := strings.Cut(entry, ":")
	if !found {
		return key{}, errors.New("must have the form id:base64")
	}
	if !keyID.MatchString(id) { // it may be a key in the wrong place
		return key{}, errors.New("the id must have 1 to 32 small letters, digits, - and _")
	}
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(secret) != KeySize {
		return key{}, fmt.Errorf("%q must have the base64 form of %d bytes after its id", id, KeySize)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return key{}, fmt.Errorf("use key %q: %w", id, err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return key{}, fmt.Errorf("use key %q: %w", id, err)
	}
	root, err := hkdf.Extract(sha256.New, secret, nil)
	if err != nil {
		return key{}, fmt.Errorf("use key %q: %w", id, err)
	}
	mac, err := hkdf.Expand(sha256.New, root, "backstop/mac", KeySize)
	if err != nil {
		return key{}, fmt.Errorf("use key %q: %w", id, err)
	}
	return key{id: id, aead: aead, mac: mac, root: root}, nil
}

// Derive returns a key for another purpose, of so many bytes, that is derived from a key of the ring (HKDF). It gives away
// nothing of the key, and nothing of the keys for other purposes.
func (r *Keyring) Derive(id, purpose string, size int) ([]byte, error) {
	i := r.place(id)
	if i < 0 {
		return nil, &MissingKeyError{ID: id}
	}
	derived, err := hkdf.Expand(sha256.New, r.keys[i].root, purpose, size)
	if err != nil {
		return nil, fmt.Errorf("derive a key of %q: %w", id, err)
	}
	return derived, nil
}

// place returns the place of a key in the ring, or -1.
func (r *Keyring) place(id string) int {
	if r == nil {
		return -1
	}
	return slices.IndexFunc(r.keys, func(k key) bool { return k.id == id })
}

// Generate returns a new entry for a keyring, with a random id.
func Generate() (string, error) {
	const idChars = 8
	secret := make([]byte, KeySize)
	rand.Read(secret) // it never fails
	entry := "k" + strings.ToLower(rand.Text()[:idChars]) + ":" + base64.StdEncoding.EncodeToString(secret)
	if _, err := Parse(entry); err != nil {
		return "", fmt.Errorf("generate key: %w", err)
	}
	return entry, nil
}

// IDs returns the ids of the keys, in their order.
func (r *Keyring) IDs() []string {
	ids := make([]string, 0, len(r.keys))
	for _, k := range r.keys {
		ids = append(ids, k.id)
	}
	return ids
}

// IsEmpty reports whether the keyring has no key.
func (r *Keyring) IsEmpty() bool { return r == nil || len(r.keys) == 0 }

// SealingID returns the id of the key that seals; empty if the keyring is empty.
func (r *Keyring) SealingID() string {
	if r.IsEmpty() {
		return ""
	}
	return r.keys[0].id
}

// ErrEmpty is the error of Seal for a keyring without keys.
var ErrEmpty = errors.New("the keyring is empty: set " + Variable + " (backstop keys generate prints a key)")

// ErrDamaged is the error of Open for a value that was changed, was sealed for another place, or is not sealed at all.
var ErrDamaged = errors.New("the sealed value is damaged or belongs to another place")

// MissingKeyError is the error of Open for a value that was sealed with a key that the keyring lacks.
type MissingKeyError struct{ ID string }

func (e *MissingKeyError) Error() string {
	return fmt.Sprintf("key %q is missing in %s", e.ID, Variable)
}

// format is the first byte of a sealed value.
const format = 1

// Seal encrypts a text with the first key. Open needs the same additional data, which says where the value belongs.
//
// A sealed value is: the format (1 byte), the length of the key's id (1 byte), the id, the nonce (12 bytes), and the ciphertext
// with its tag. The bytes before the nonce are authenticated too.
func (r *Keyring) Seal(plain, additional []byte) ([]byte, error) {
	if r.IsEmpty() {
		return nil, ErrEmpty
	}
	k := r.keys[0]
	header := r.Header()
	nonce := make([]byte, k.aead.NonceSize())
	rand.Read(nonce) // it never fails
	sealed := append(slices.Clone(header), nonce...)
	return k.aead.Seal(sealed, nonce, plain, authenticated(header, additional)), nil
}

// Header returns the first bytes of what Seal seals: all but the nonce and the ciphertext. It is nil if the keyring is empty.
func (r *Keyring) Header() []byte {
	if r.IsEmpty() {
		return nil
	}
	id := r.keys[0].id
	return append([]byte{format, byte(len(id))}, id...) //nolint:gosec // at most 32
}

// MAC returns an HMAC-SHA256 of a text under the first key, or rather under a key that is derived from it.
func (r *Keyring) MAC(text []byte) ([]byte, error) {
	if r.IsEmpty() {
		return nil, ErrEmpty
	}
	mac := hmac.New(sha256.New, r.keys[0].mac)
	mac.Write(text)
	return mac.Sum(nil), nil
}

// authenticated joins the header, whose length it has itself, and the additional data.
func authenticated(header, additional []byte) []byte {
	return append(slices.Clone(header), additional...)
}

// KeyOf returns the id of the key that sealed a value, or ErrDamaged.
func KeyOf(sealed []byte) (string, error) {
	const fixed = 2
	if len(sealed) < fixed || sealed[0] != format || len(sealed) < fixed+int(sealed[1]) {
		return "", ErrDamaged
	}
	id := string(sealed[fixed : fixed+int(sealed[1])])
	if !keyID.MatchString(id) {
		return "", ErrDamaged
	}
	return id, nil
}

// Open decrypts a sealed value. Its errors are ErrDamaged and *MissingKeyError.
func (r *Keyring) Open(sealed, additional []byte) ([]byte, error) {
	id, err := KeyOf(sealed)
	if err != nil {
		return nil, err
	}
	i := r.place(id)
	if i < 0 {
		return nil, &MissingKeyError{ID: id}
	}
	k := r.keys[i]
	header, rest := sealed[:2+len(id)], sealed[2+len(id):]
	if len(rest) < k.aead.NonceSize() {
		return nil, ErrDamaged
	}
	nonce, ciphertext := rest[:k.aead.NonceSize()], rest[k.aead.NonceSize():]
	plain, err := k.aead.Open(nil, nonce, ciphertext, authenticated(header, additional))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}
