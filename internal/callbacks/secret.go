package callbacks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Form of a secret, from the specification: whsec_ and the base64 form of 24 to 64 random bytes.
const (
	secretPrefix = "whsec_"
	minSecret    = 24 // bytes
	maxSecret    = 64
	newSecret    = 32 // of GenerateSecret

	// MaxSecrets is how many secrets an endpoint may have at once.
	MaxSecrets = 2
)

// Secret is the key of a signature. It prints as ***.
type Secret struct{ key []byte }

// ParseSecret parses a secret. No error contains a part of it.
func ParseSecret(text string) (Secret, error) {
	encoded, found := strings.CutPrefix(text, secretPrefix)
	if !found {
		return Secret{}, errors.New("must begin with " + secretPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	// The decoder skips line breaks and ignores the last bits of a text: another text with the same key is not accepted.
	if err != nil || base64.StdEncoding.EncodeToString(key) != encoded {
		return Secret{}, fmt.Errorf("must be base64 after %s", secretPrefix)
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return Secret{}, fmt.Errorf("must have %d to %d bytes, as base64, after %s", minSecret, maxSecret, secretPrefix)
	}
	return Secret{key}, nil
}

// ParseSecrets parses the secrets of an endpoint: one or two different ones. No error contains a part of a secret.
func ParseSecrets(texts []string) ([]Secret, error) {
	if len(texts) == 0 || len(texts) > MaxSecrets {
		return nil, fmt.Errorf("must be 1 to %d secrets", MaxSecrets)
	}
	secrets := make([]Secret, 0, len(texts))
	for i, text := range texts {
		if slices.Contains(texts[:i], text) {
			return nil, errors.New("must be different secrets")
		}
		secret, err := ParseSecret(text)
		if err != nil {
			return nil, fmt.Errorf("secret %d %w", i+1, err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// GenerateSecret returns a new secret of 32 random bytes, in its written form.
func GenerateSecret() string {
	key := make([]byte, newSecret)
	rand.Read(key) // it never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

func (Secret) String() string { return "***" }

// GoString hides the key.
func (Secret) GoString() string { return "***" }

// LogValue hides the key.
func (Secret) LogValue() slog.Value { return slog.StringValue("***") }

// sign returns the signature of a message, in the form v1,<base64>.
func (s Secret) sign(id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signAll returns the value of webhook-signature: a signature of each secret.
func signAll(secrets []Secret, id string, at time.Time, body []byte) string {
	signatures := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		signatures = append(signatures, secret.sign(id, at, body))
	}
	return strings.Join(signatures, " ")
}
