package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// metaNumber is the state of the simulated numbers.
type metaNumber struct {
	mu                     sync.Mutex
	status, quality, limit string
}

func (n *metaNumber) get() (status, quality, limit string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return withDefault(n.status, "CONNECTED"), withDefault(n.quality, "GREEN"), withDefault(n.limit, "TIER_1K")
}

func (n *metaNumber) set(status, quality, limit string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status, n.quality, n.limit = withDefault(status, n.status), withDefault(quality, n.quality), withDefault(limit, n.limit)
}

// notice is one change of a webhook about the WhatsApp Business account (manual, webhooks reference).
type notice struct {
	Field string         `json:"field"`
	Value map[string]any `json:"value"`
}

// putMetaTemplate changes a template and posts the webhooks about it: PUT /meta/templates/{name} with status, quality or
// category, and language for one language.
func (s *Server) putMetaTemplate(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	status, quality, category := word(query.Get("status")), word(query.Get("quality")), word(query.Get("category"))
	before, after := s.templates.change(r.PathValue("name"), query.Get("language"), func(t *metaTemplate) {
		t.Status, t.Quality.Score = withDefault(status, t.Status), withDefault(quality, t.Quality.Score)
		if category != "" && category != t.Category {
			t.PreviousCategory, t.Category, t.TTL = t.Category, category, 0 // the change resets the time-to-live
		}
	})
	if len(after) == 0 {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "no template has this name and language"})
		return
	}
	var notices []notice
	for i, t := range after {
		notices = append(notices, templateNotices(before[i], t)...)
	}
	s.answerNotices(w, r, notices)
}

func word(text string) string { return strings.ToUpper(text) }

// templateNotices returns the notices about what has changed in a template. Their language has a hyphen, as Meta's may have.
func templateNotices(before, after metaTemplate) []notice {
	var list []notice
	add := func(field string, value map[string]any) {
		id, _ := strconv.Atoi(after.ID)
		value["message_template_id"], value["message_template_name"] = id, after.Name
		value["message_template_language"] = strings.ReplaceAll(after.Language, "_", "-")
		list = append(list, notice{Field: field, Value: value})
	}
	if before.Status != after.Status {
		value := map[string]any{"event": after.Status, "reason": "NONE", "message_template_category": after.Category}
		if after.Status == "PAUSED" {
			value["other_info"] = map[string]string{"title": "FIRST_PAUSE", "description": "Its quality was low."}
		}
		add("message_template_status_update", value)
	}
	if before.Quality != after.Quality {
		add("message_template_quality_update", map[string]any{
			"previous_quality_score": before.Quality.Score, "new_quality_score": after.Quality.Score,
		})
	}
	if before.Category != after.Category {
		add("template_category_update", map[string]any{"previous_category": before.Category, "new_category": after.Category})
	}
	return list
}

// putMetaNumber changes the state of the numbers and posts a webhook about it: PUT /meta/number with status, quality or limit.
// The limit is that of the business portfolio, such as TIER_250.
func (s *Server) putMetaNumber(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.number.set(word(query.Get("status")), word(query.Get("quality")), word(query.Get("limit")))
	_, _, limit := s.number.get()
	s.answerNotices(w, r, []notice{{Field: "phone_number_quality_update", Value: map[string]any{
		"display_phone_number": displayNumber, "event": "ONBOARDING", "max_daily_conversations_per_business": limit,
	}}})
}

// answerNotices posts a webhook with notices, and answers 204 if the receiver took it.
func (s *Server) answerNotices(w http.ResponseWriter, r *http.Request, notices []notice) {
	if err := s.postNotices(r.Context(), notices); err != nil {
		writeJSON(w, http.StatusBadGateway, map[string]string{"error": err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) postNotices(ctx context.Context, notices []notice) error {
	if s.meta.WebhookURL == "" || len(notices) == 0 {
		return nil
	}
	type entry struct {
		ID      string   `json:"id"`
		Time    int64    `json:"time"`
		Changes []notice `json:"changes"`
	}
	body, err := json.Marshal(struct {
		Object string  `json:"object"`
		Entry  []entry `json:"entry"`
	}{"whatsapp_business_account", []entry{{wabaID, time.Now().Unix(), notices}}})
	if err != nil {
		return fmt.Errorf("encode webhook: %w", err)
	}
	req, err := s.signedMetaWebhook(ctx, body)
	if err != nil {
		return err
	}
	res, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("post webhook: %w", withoutURL(err))
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("post webhook: %w", statusError(res.StatusCode))
	}
	return nil
}
