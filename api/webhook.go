package api

import (
	"bytes"
	"crypto/subtle"
	"io"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// maxWebhook is the largest body of a webhook, in bytes: Meta batches up to 3 MB.
const maxWebhook = 3 << 20

// getWebhook answers the handshake of a provider that verifies the webhook's address, and stores the receipts of a provider that
// sends them by GET.
func (s *server) getWebhook(c *gin.Context) {
	webhook, found := s.findWebhook(c)
	if !found {
		return
	}
	if handshaker, ok := webhook.Reader.(Handshaker); ok {
		s.shakeHands(c, webhook, handshaker)
		return
	}
	if receiver, ok := webhook.Reader.(GetReceiver); ok && receiver.ReceivesGet() {
		s.storeReceipts(c, webhook)
		return
	}
	c.Header("Allow", http.MethodPost)
	s.noMethod(c)
}

func (s *server) shakeHands(c *gin.Context, webhook Webhook, handshaker Handshaker) {
	challenge, err := handshaker.Challenge(c.Request.URL.Query())
	if again, changed := s.refreshWebhook(c, webhook, err); changed {
		if handshaker, ok := again.Reader.(Handshaker); ok {
			challenge, err = handshaker.Challenge(c.Request.URL.Query())
		}
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	markAuthenticated(c)
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(challenge))
}

// receiveWebhook stores the receipts of a webhook.
func (s *server) receiveWebhook(c *gin.Context) {
	if webhook, found := s.findWebhook(c); found {
		s.storeReceipts(c, webhook)
	}
}

// storeReceipts stores the receipts and the notices of a webhook. It answers 200 only when all of them are stored; after any
// other answer the provider repeats them.
func (s *server) storeReceipts(c *gin.Context, webhook Webhook) {
	body, err := readAll(c, maxWebhook)
	if err != nil {
		s.fail(c, err)
		return
	}
	receipts, unread := readReceipts(c, webhook, body)
	if again, changed := s.refreshWebhook(c, webhook, unread); changed {
		webhook = again
		receipts, unread = readReceipts(c, webhook, body)
	}
	isSigned := unread == nil || backstop.CodeOf(unread) == backstop.Invalid
	if isSigned {
		markAuthenticated(c)
	}
	if unread != nil {
		s.logLimited(c, slog.LevelWarn, "webhook refused", webhook.Provider, slog.String("provider", webhook.Provider),
			slog.String("account", webhook.Account), slog.Any("error", unread), slog.Int("bytes", len(body)),
			slog.Int("receipts_read", len(receipts)))
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
	if s.notices != nil {
		if err := s.notices.Apply(c.Request.Context(), webhook.Provider, c.Request, body); err != nil {
			s.fail(c, err)
			return
		}
	}
	if unread != nil {
		s.fail(c, asMalformed(unread))
		return
	}
	answerWebhook(c, webhook)
}

func readReceipts(c *gin.Context, webhook Webhook, body []byte) ([]backstop.Receipt, error) {
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	return webhook.Reader.Receipts(c.Request, body)
}

// answerWebhook answers a webhook whose receipts are all stored.
func answerWebhook(c *gin.Context, webhook Webhook) {
	if answerer, ok := webhook.Reader.(Answerer); ok {
		contentType, body := answerer.WebhookAnswer()
		c.Data(http.StatusOK, contentType, body)
		return
	}
	c.Status(http.StatusOK)
	c.Writer.WriteHeaderNow()
}

// findWebhook returns the webhook of the account in the path. If there is none, or the key in the path is wrong, it answers 404
// and returns false. So nobody learns by a guess whether an account exists.
func (s *server) findWebhook(c *gin.Context) (Webhook, bool) {
	webhook, found := s.lookUpWebhook(c)
	if (!found || !webhook.accepts(c.Param("key"))) && s.canRefresh(c) {
		s.refresh(c.Request.Context()) // another process may have stored the account, or its key, a moment ago
		webhook, found = s.lookUpWebhook(c)
	}
	switch {
	case !found:
		s.fail(c, errNoWebhook())
		return Webhook{}, false
	case !webhook.accepts(c.Param("key")):
		s.logLimited(c, slog.LevelWarn, "webhook refused", webhook.Provider, slog.String("provider", webhook.Provider),
			slog.String("account", webhook.Account), slog.String("error", "the key in the address is missing or wrong"))
		s.fail(c, errNoWebhook())
		return Webhook{}, false
	case webhook.Reader == nil:
		s.fail(c, &backstop.Error{Code: backstop.TryLater, Message: "the account cannot be opened now: try again later"})
		return Webhook{}, false
	}
	return webhook, true
}

func (s *server) lookUpWebhook(c *gin.Context) (webhook Webhook, found bool) {
	if s.webhooks == nil {
		return Webhook{}, false
	}
	return s.webhooks(c.Param("provider"), c.Param("account"))
}

// canRefresh reports whether another process may have changed the account in the path. The environment gives the account of a
// path without a name, and does not change.
func (s *server) canRefresh(c *gin.Context) bool { return s.refresh != nil && c.Param("account") != "" }

// refreshWebhook returns the webhook of a request that was refused as forged, if an account has changed since: another process
// may have stored the secret that the provider signs with now.
func (s *server) refreshWebhook(c *gin.Context, refused Webhook, why error) (again Webhook, changed bool) {
	if backstop.CodeOf(why) != backstop.Forged || !s.canRefresh(c) {
		return Webhook{}, false
	}
	s.refresh(c.Request.Context())
	again, found := s.lookUpWebhook(c)
	isOpen := found && again.Reader != nil && again.accepts(c.Param("key"))
	return again, isOpen && again.Generation != refused.Generation
}

func errNoWebhook() error {
	return &backstop.Error{Code: backstop.NotFound, Message: "no account has a webhook with this address"}
}

// accepts reports whether a key in the path is valid. It compares with all keys, in constant time.
func (w Webhook) accepts(key string) bool {
	if key == "" {
		return !w.NeedsKey
	}
	matches := 0
	for _, valid := range w.Keys {
		matches |= subtle.ConstantTimeCompare([]byte(valid), []byte(key))
	}
	return matches == 1
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
