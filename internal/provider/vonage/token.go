package vonage

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/backstophq/backstop/internal/provider"
)

// A JSON Web Token (RFC 7519) is made and verified here with the standard library, because Vonage needs one algorithm in each
// direction: RS256 for calls, HS256 for webhooks.

const (
	tokenLife  = 15 * time.Minute // Vonage's default
	renewAfter = 5 * time.Minute  // a token is used for so long
	clockError = 30 * time.Second // our clock may be ahead of Vonage's by so much
)

// parseKey reads an RSA private key in PEM form: PKCS #8, as Vonage makes it, or PKCS #1. A line end may also be written as \n,
// as in an environment variable. Its error is a *provider.FieldError.
func parseKey(text string) (*rsa.PrivateKey, error) {
	if text == "" {
		return nil, &provider.FieldError{Field: "private_key", Reason: "is required, unless there is an API key"}
	}
	block, _ := pem.Decode([]byte(strings.ReplaceAll(text, `\n`, "\n")))
	if block != nil {
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if rsaKey, ok := key.(*rsa.PrivateKey); ok {
				return rsaKey, nil
			}
		}
	}
	return nil, &provider.FieldError{Field: "private_key", Reason: "is not an RSA private key in PEM form"}
}

// tokenSource makes the tokens of an application. It is safe for concurrent use.
type tokenSource struct {
	application string
	key         *rsa.PrivateKey
	now         func() time.Time

	mu      sync.Mutex
	current string
	renewAt time.Time
}

// token returns a token that is valid for at least 9 minutes.
func (s *tokenSource) token() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.current != "" && now.Before(s.renewAt) {
		return s.current, nil
	}
	issued := now.Add(-clockError)
	claims, err := json.Marshal(map[string]any{
		"application_id": s.application, "iat": issued.Unix(), "exp": issued.Add(tokenLife).Unix(), "jti": rand.Text(),
	})
	if err != nil {
		return "", fmt.Errorf("encode token: %w", err)
	}
	signed := encodePart([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encodePart(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	s.current, s.renewAt = signed+"."+encodePart(signature), now.Add(renewAfter)
	return s.current, nil
}

func encodePart(part []byte) string { return base64.RawURLEncoding.EncodeToString(part) }

// decodePart is strict, so that each signature has one form only.
func decodePart(part string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(part) //nolint:wrapcheck // the error means: not a token
}

// isSigned reports whether the Authorization header of a webhook has a token that one of the secrets signs, for exactly this
// body. Signatures are compared in constant time. The age of the token is not checked: Vonage repeats a webhook for a day, and a
// webhook that comes twice changes nothing.
func isSigned(authorization string, body []byte, secrets []string) bool {
	token, found := strings.CutPrefix(authorization, "Bearer ")
	parts := strings.Split(token, ".")
	if !found || len(parts) != 3 {
		return false
	}
	header, headerErr := decodePart(parts[0])
	claims, claimsErr := decodePart(parts[1])
	signature, signatureErr := decodePart(parts[2])
	if headerErr != nil || claimsErr != nil || signatureErr != nil {
		return false
	}
	isGenuine := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(parts[0] + "." + parts[1]))
		isGenuine = hmac.Equal(signature, mac.Sum(nil)) || isGenuine
	}
	var algorithm struct {
		Name string `json:"alg"`
	}
	var claim struct {
		PayloadHash string `json:"payload_hash"`
	}
	if !isGenuine || json.Unmarshal(header, &algorithm) != nil || json.Unmarshal(claims, &claim) != nil {
		return false
	}
	digest := sha256.Sum256(body)
	return algorithm.Name == "HS256" &&
		hmac.Equal([]byte(strings.ToLower(claim.PayloadHash)), []byte(hex.EncodeToString(digest[:])))
}
