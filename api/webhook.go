package api

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// maxWebhook is the most that a webhook may carry, in bytes: Meta batches up to 3 MB.
const maxWebhook = 3 << 20

// verifyWebhook answers a provider that asks whether the address is ours.
func (s *server) verifyWebhook(c *gin.Context) {
	webhook := s.webhook(c)
	if webhook == nil {
		return
	}
	handshaker, ok := webhook.(Handshaker)
	if !ok {
		c.Header("Allow", http.MethodPost)
		s.noMethod(c)
		return
	}
	challenge, err := handshaker.Challenge(c.Request.URL.Query())
	if err != nil {
		s.fail(c, err)
		return
	}
	admit(c)
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(challenge))
}

// receiveWebhook takes receipts over. It answers 200 only when all are stored: until then the provider keeps them.
func (s *server) receiveWebhook(c *gin.Context) {
	webhook := s.webhook(c)
	if webhook == nil {
		return
	}
	body, err := readAll(c, maxWebhook)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	receipts, unread := webhook.Receipts(c.Request, body)
	isSigned := unread == nil || backstop.CodeOf(unread) == backstop.Invalid
	if isSigned {
		admit(c)
	}
	if unread != nil {
		s.note(c, slog.LevelWarn, "webhook refused", webhook.Name(), slog.String("provider", webhook.Name()),
			slog.Any("error", unread), slog.Int("bytes", len(body)), slog.Int("receipts_read", len(receipts)))
	}
	if !isSigned {
		s.fail(c, unread)
		return
	}
	if len(receipts) > 0 {
		if err := s.handoff.Deliver(c.Request.Context(), receipts); err != nil {
			s.fail(c, undelivered(err))
			return
		}
	}
	if unread != nil {
		s.fail(c, asMalformed(unread))
		return
	}
	c.Status(http.StatusOK)
	c.Writer.WriteHeaderNow()
}

// webhook finds the provider of the path, or answers 404 and returns nil.
func (s *server) webhook(c *gin.Context) Webhook { //nolint:ireturn // it is one of those that were given
	webhook, known := s.webhooks[c.Param("provider")]
	if !known {
		s.fail(c, &backstop.Error{Code: backstop.NotFound, Message: "no provider of that name is configured"})
		return nil
	}
	return webhook
}

// undelivered makes the answer to a webhook whose receipts could not all be stored. Each other answer of the 4xx kind would tell
// the provider that its address is wrong.
func undelivered(err error) error {
	if code := backstop.CodeOf(err); code == "" || code == backstop.TryLater {
		return err
	}
	return asMalformed(err)
}

// asMalformed makes a webhook that is not what the provider sends a 400: providers take other answers of the 4xx
// kind for a reason to give up on the address.
func asMalformed(err error) error {
	return &backstop.Error{Code: malformed, Message: "the body is not what this provider sends", Cause: err}
}
