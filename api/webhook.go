package api

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// maxWebhook is the largest body of a webhook, in bytes: Meta batches up to 3 MB.
const maxWebhook = 3 << 20

// verifyWebhook answers the handshake of a provider that verifies the webhook's address.
func (s *server) verifyWebhook(c *gin.Context) {
	webhook := s.findWebhook(c)
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
	markAuthenticated(c)
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(challenge))
}

// receiveWebhook stores receipts. It answers 200 only when all of them are stored; after any other answer the provider repeats
// them.
func (s *server) receiveWebhook(c *gin.Context) {
	webhook := s.findWebhook(c)
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
		markAuthenticated(c)
	}
	if unread != nil {
		s.logLimited(c, slog.LevelWarn, "webhook refused", webhook.Name(), slog.String("provider", webhook.Name()),
			slog.Any("error", unread), slog.Int("bytes", len(body)), slog.Int("receipts_read", len(receipts)))
	}
	if !isSigned {
		s.fail(c, unread)
		return
	}
	if len(receipts) > 0 {
		if err := s.handoff.Deliver(c.Request.Context(), receipts); err != nil {
			s.fail(c, deliverError(err))
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

// findWebhook returns the webhook of the provider in the path. If there is none, it answers 404 and returns nil.
func (s *server) findWebhook(c *gin.Context) Webhook { //nolint:ireturn // an element of Options.Webhooks
	webhook, known := s.webhooks[c.Param("provider")]
	if !known {
		s.fail(c, &backstop.Error{Code: backstop.NotFound, Message: "no provider with this name is configured"})
		return nil
	}
	return webhook
}

// deliverError returns the answer to a webhook whose receipts could not all be stored: TryLater as it is, anything else as a
// 400.
func deliverError(err error) error {
	if code := backstop.CodeOf(err); code == "" || code == backstop.TryLater {
		return err
	}
	return asMalformed(err)
}

// asMalformed returns a 400 for a webhook that cannot be read. After other 4xx answers a provider may disable the address.
func asMalformed(err error) error {
	return &backstop.Error{Code: malformed, Message: "the body is not a webhook of this provider", Cause: err}
}
