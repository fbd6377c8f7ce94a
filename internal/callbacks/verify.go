package callbacks

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a message.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// Tolerance is how far the time of a message may be from the receiver's clock, in either direction.
const Tolerance = 5 * time.Minute

// Verify checks that a message has a signature by one of the secrets, and that it is not older than Tolerance. Its errors are
// texts for people.
func Verify(header http.Header, body []byte, secrets []Secret, now time.Time) error {
	id, signatures := header.Get(headerID), header.Get(headerSignature)
	for _, name := range []string{headerID, headerTimestamp, headerSignature} {
		if header.Get(name) == "" {
			return fmt.Errorf("the header %s is missing", strings.ToLower(name))
		}
	}
	seconds, err := strconv.ParseInt(header.Get(headerTimestamp), 10, 64)
	if err != nil {
		return errors.New("the header webhook-timestamp is not a number of seconds")
	}
	if !isSigned(id, time.Unix(seconds, 0), body, secrets, signatures) {
		return errors.New("no signature fits: the message has another secret, or was changed on its way")
	}
	age := now.Unix() - seconds
	switch limit := int64(Tolerance / time.Second); {
	case age > limit:
		return fmt.Errorf("the message is too old: it was signed %d s ago", age)
	case age < -limit:
		return fmt.Errorf("the message is from the future: it was signed for %d s from now", -age)
	}
	return nil
}

func isSigned(id string, at time.Time, body []byte, secrets []Secret, signatures string) bool {
	signed := false
	for _, secret := range secrets {
		want := []byte(secret.sign(id, at, body))
		for signature := range strings.SplitSeq(signatures, " ") {
			if hmac.Equal([]byte(signature), want) {
				signed = true
			}
		}
	}
	return signed
}
