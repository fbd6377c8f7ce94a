package seals

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"

	"github.com/backstophq/backstop/internal/keyring"
)

// NumberVariable is the name of the environment variable that has the key of numbers.
const NumberVariable = "BACKSTOP_NUMBER_KEY"

// Kind is what a token stands for. A token opens as its own kind alone.
type Kind byte

// The kinds. They are in the tokens, so they must not change.
const (
	Number    Kind = 'n' // a phone number, or its first digits
	MessageID Kind = 'm' // a provider's id of a message; Meta's has the number in it
	Words     Kind = 'w' // what others wrote about a failure or an opt-out; some repeat the number
)

// A token is a text that was encrypted deterministically (AES-SIV, RFC 5297): equal texts have equal tokens, so Postgres compares
// tokens in place of texts, and a token opens to its text. It is a tilde, the kind, and in base64 the mark of the key and the
// ciphertext. The mark fills whole characters, so all tokens of a kind and a key begin alike.
const (
	tokenSign  = "~"
	plainSign  = "∼" // in place of the tilde of a plain text that looks like a token, which no conversion could open
	markSize   = 3
	proofSize  = 16
	numberSize = 16 // of E.164 with its plus: a shorter number is filled up, so its length does not show
)

// What stands in place of a number, or an id, that was removed. It is no token, so retention can write it in SQL.
const (
	removedSign   = "•"
	removedPrefix = "removed-"
)

// Numbers makes tokens of numbers and of what may repeat them, and opens them. Nil is good for a database without tokens. It is
// safe for concurrent use.
type Numbers struct {
	keys     []numberKey
	isSealed bool // the first key makes tokens
}

type numberKey struct {
	id    string
	mark  []byte
	proof string
	siv   *subtle.AESSIV
}

// NewNumbers returns the tokens of a keyring, whose keys are for nothing else. If numbers are to be sealed, its first key makes
// the tokens; it fails with ErrNoNumberKey if there is none.
func NewNumbers(ring *keyring.Keyring, isSealed bool) (*Numbers, error) {
	n := &Numbers{isSealed: isSealed}
	if ring.IsEmpty() {
		if isSealed {
			return nil, ErrNoNumberKey
		}
		return n, nil
	}
	for _, id := range ring.IDs() {
		k, err := newNumberKey(ring, id)
		if err != nil {
			return nil, err
		}
		for _, other := range n.keys {
			if bytes.Equal(other.mark, k.mark) { // one of 16 million pairs
				return nil, fmt.Errorf("the keys %q and %q have the same mark: generate another one", other.id, k.id)
			}
		}
		n.keys = append(n.keys, k)
	}
	return n, nil
}

// ErrNoNumberKey is the error of NewNumbers without a key.
var ErrNoNumberKey = errors.New("no key of numbers: set " + NumberVariable + " (backstop keys generate prints a key)")

func newNumberKey(ring *keyring.Keyring, id string) (numberKey, error) {
	secret, err := ring.Derive(id, "backstop/numbers", subtle.AESSIVKeySize)
	if err != nil {
		return numberKey{}, fmt.Errorf("use the key of numbers: %w", err)
	}
	proof, err := ring.Derive(id, "backstop/numbers/proof", proofSize+markSize)
	if err != nil {
		return numberKey{}, fmt.Errorf("use the key of numbers: %w", err)
	}
	siv, err := subtle.NewAESSIV(secret)
	if err != nil {
		return numberKey{}, fmt.Errorf("use the key of numbers: %w", err)
	}
	shown := base64.RawURLEncoding.EncodeToString(proof[:proofSize])
	return numberKey{id: id, mark: proof[proofSize:], proof: shown, siv: siv}, nil
}

// IsSealed reports whether tokens are stored in place of numbers.
func (n *Numbers) IsSealed() bool { return n != nil && n.isSealed }

// Key returns the id of the key that makes tokens, and a proof of the key that may be stored; both are empty if none does.
func (n *Numbers) Key() (id, proof string) {
	if !n.IsSealed() {
		return "", ""
	}
	return n.keys[0].id, n.keys[0].proof
}

// Begin returns how all tokens of a kind begin that this process makes.
func (n *Numbers) Begin(k Kind) string { return tokenText(k, n.keys[0].mark) }

func tokenText(k Kind, content []byte) string {
	return tokenSign + string(rune(k)) + base64.RawURLEncoding.EncodeToString(content)
}

// Hide returns a text as it is stored: its token, or the text itself if numbers are not sealed. A plain text is no token.
func (n *Numbers) Hide(k Kind, text string) string {
	isRemoved := k == Number && strings.Contains(text, removedSign) || k == MessageID && strings.HasPrefix(text, removedPrefix)
	switch {
	case text == "" || isRemoved:
		return text
	case !n.IsSealed() && strings.HasPrefix(text, tokenSign) && token.MatchString(text): // from a stranger
		return plainSign + strings.TrimPrefix(text, tokenSign)
	case !n.IsSealed():
		return text
	}
	plain := []byte(text)
	if k == Number && len(plain) < numberSize {
		plain = append(plain, make([]byte, numberSize-len(plain))...)
	}
	sealed, err := n.keys[0].siv.EncryptDeterministically(plain, []byte{byte(k)})
	if err != nil {
		panic(fmt.Sprintf("make a token: %v", err)) // of 2^63 bytes
	}
	return tokenText(k, slices.Concat(n.keys[0].mark, sealed))
}

// token matches a token, also within JSON.
var token = regexp.MustCompile(`^` + tokenForm + `$`)

var tokenInJSON = regexp.MustCompile(`"` + tokenForm + `"`)

const (
	tokenForm = tokenSign + `[nmw]` + tokenEnd
	tokenEnd  = `[A-Za-z0-9_-]{26,}` //nolint:gosec // a pattern, not a credential
)

// TokenPattern returns the regular expression of the tokens of a kind, of any key.
func TokenPattern(k Kind) string { return `^` + tokenSign + string(rune(k)) + tokenEnd + `$` }

// OpenToken returns the text of a stored value. A value that is no token is a text.
func (n *Numbers) OpenToken(k Kind, stored string) (string, error) {
	if !strings.HasPrefix(stored, tokenSign) || !token.MatchString(stored) {
		return stored, nil
	}
	if stored[1] != byte(k) {
		return "", keyring.ErrDamaged
	}
	sealed, err := base64.RawURLEncoding.DecodeString(stored[2:])
	if err != nil {
		return "", keyring.ErrDamaged
	}
	for _, key := range n.list() {
		if !bytes.Equal(key.mark, sealed[:markSize]) {
			continue
		}
		plain, err := key.siv.DecryptDeterministically(sealed[markSize:], []byte{byte(k)})
		if err != nil {
			return "", keyring.ErrDamaged
		}
		if k == Number {
			plain = bytes.TrimRight(plain, "\x00")
		}
		return string(plain), nil
	}
	return "", ErrOtherKey
}

// OpenOwn is OpenToken of a number that rows are looked up by, or a message goes out to. It fails if the number has not the form
// in which this process stores it: the process was not stopped before a conversion, so it finds other rows than there are.
func (n *Numbers) OpenOwn(stored string) (string, error) {
	number, err := n.OpenToken(Number, stored)
	if err == nil && n.Hide(Number, number) != stored {
		err = errOtherForm
	}
	return number, err
}

var errOtherForm = errors.New("the number is not stored as BACKSTOP_SEAL and the first key of " + NumberVariable + " say")

// Opens reports whether one of the keys has a proof.
func (n *Numbers) Opens(proof string) bool {
	return slices.ContainsFunc(n.list(), func(k numberKey) bool { return k.proof == proof })
}

// ErrOtherKey is the error of OpenToken for a token of a key that the process does not have.
var ErrOtherKey = errors.New("the key of this number is missing in " + NumberVariable)

func (n *Numbers) list() []numberKey {
	if n == nil {
		return nil
	}
	return n.keys
}

// Show is OpenToken for what is shown and not used: a token that does not open is shown as it is.
func (n *Numbers) Show(k Kind, stored string) string {
	if text, err := n.OpenToken(k, stored); err == nil {
		return text
	}
	return stored
}

// ShowJSON returns JSON with the texts of all tokens in it, of any kind. The rest stays as it is, letter for letter.
func (n *Numbers) ShowJSON(text []byte) []byte {
	if len(n.list()) == 0 {
		return text
	}
	return tokenInJSON.ReplaceAllFunc(text, func(quoted []byte) []byte {
		stored := string(quoted[1 : len(quoted)-1])
		written, err := json.Marshal(n.Show(Kind(stored[1]), stored))
		if err != nil {
			return quoted
		}
		return written
	})
}
