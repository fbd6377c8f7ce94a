package callbacks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	bodyLimit   = 4 << 10 // bytes that are read of an answer's body
	answerLimit = 200     // characters of Result.Answer

	// maxRetryAfter is the most that a receiver can ask for: no message is tried for longer.
	maxRetryAfter = 72 * time.Hour
)

// printable returns the first characters of a body on one line, without what a terminal or a page could take for a command.
func printable(body []byte) string {
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(body), ""))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > answerLimit {
		text = string(runes[:answerLimit])
	}
	return text
}

// retryAfter reads the header Retry-After: seconds or a date. It returns 0 if the header is absent, wrong or in the past.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		wait = time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// attemptError is why there is no answer: a text that can be shown to the owner of the endpoint, and its cause.
type attemptError struct {
	text  string
	cause error
}

func (e *attemptError) Error() string { return e.text }
func (e *attemptError) Unwrap() error { return e.cause }

// describe makes an error of net/http fit to be shown. Those of net/http contain the URL, the address and that of the DNS server.
func describe(err error) error {
	return &attemptError{textOf(err), err}
}

func textOf(err error) string {
	var dns *net.DNSError
	var forbidden *ForbiddenError
	var invalid *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &forbidden):
		return "the host is at an address that is not allowed: " + forbidden.Kind
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host does not exist (DNS)"
	case errors.As(err, &dns):
		return "the host could not be looked up (DNS)"
	case errors.As(err, &invalid):
		return "the certificate is not valid: " + certificateFault(invalid.Err)
	case errors.As(err, &record):
		return "the server does not speak TLS"
	case errors.As(err, &alert):
		return "the TLS handshake failed: " + printable([]byte(alert.Error()))
	case errors.Is(err, context.Canceled):
		return "the attempt was stopped"
	case isTimeout(err):
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH):
		return "the host cannot be reached"
	}
	return innerText(err)
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}

// certificateFault says what is wrong with a certificate, without its names.
func certificateFault(err error) string {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return "it is of another host"
	case errors.As(err, &authority):
		return "its authority is not known"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it has expired or is not valid yet"
	}
	return "it cannot be verified"
}

// innerText returns the text of an error without its outer layers, which contain the URL and the addresses.
func innerText(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		err = operation.Err
	}
	return "the request failed: " + printable([]byte(err.Error()))
}
