package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// metaTemplate is a message template as the list has it (manual, "Message templates").
type metaTemplate struct {
	ID               string            `json:"id"`
	Name             string            `json:"name"`
	Language         string            `json:"language"`
	Status           string            `json:"status"`
	Category         string            `json:"category"`
	PreviousCategory string            `json:"previous_category,omitempty"`
	Format           string            `json:"parameter_format"`
	Quality          metaQuality       `json:"quality_score"`
	Rejected         string            `json:"rejected_reason"`
	TTL              int               `json:"message_send_ttl_seconds,omitempty"`
	Components       []json.RawMessage `json:"components"`
}

type metaQuality struct {
	Score string `json:"score"`
}

// metaTemplates are the templates of the simulated WhatsApp Business account.
type metaTemplates struct {
	mu  sync.Mutex
	all []metaTemplate
}

// newMetaTemplates returns the templates at the start: approved ones in two languages, with names, with an image and a button,
// and for a code; a paused and a rejected one.
func newMetaTemplates() *metaTemplates {
	body := func(text string) json.RawMessage {
		return encodeJSON(map[string]string{"type": "BODY", "text": text})
	}
	const (
		image  = `{"type":"HEADER","format":"IMAGE","example":{"header_handle":["https://example.com/parcel.jpg"]}}`
		footer = `{"type":"FOOTER","text":"Sent by the sandbox"}`
		track  = `{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Stop"},` +
			`{"type":"URL","text":"Track","url":"https://example.com/track/{{1}}","example":["4711"]}]}`
		code = `{"type":"BUTTONS","buttons":[{"type":"URL","text":"Copy code",` +
			`"url":"https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"}]}`
	)
	const utility, marketing, authentication = "UTILITY", "MARKETING", "AUTHENTICATION"
	list := []metaTemplate{
		{
			Name: "order_update", Language: "en_US", Category: utility, TTL: 43200,
			Components: []json.RawMessage{body("Hello {{1}}, your order {{2}} is on its way."), json.RawMessage(footer)},
		},
		{
			Name: "order_update", Language: "de", Category: utility, TTL: 43200,
			Components: []json.RawMessage{body("Hallo {{1}}, Ihre Bestellung {{2}} ist unterwegs.")},
		},
		{
			Name: "appointment", Language: "en_US", Category: utility, Format: "NAMED",
			Components: []json.RawMessage{body("Dear {{first_name}}, we expect you at {{time}}.")},
		},
		{
			Name: "parcel_photo", Language: "en_US", Category: utility,
			Components: []json.RawMessage{
				json.RawMessage(image), body("Your parcel {{1}} is at the door."), json.RawMessage(track),
			},
		},
		{
			Name: "verification_code", Language: "en_US", Category: authentication, TTL: 600,
			Components: []json.RawMessage{body("{{1}} is your verification code."), json.RawMessage(code)},
		},
		{
			Name: "welcome_offer", Language: "en_US", Category: marketing, Status: "PAUSED", Quality: metaQuality{"RED"},
			Components: []json.RawMessage{body("Welcome, {{1}}! Ten percent off.")},
		},
		{
			Name: "summer_sale", Language: "en_US", Category: marketing, Status: "REJECTED", Rejected: "PROMOTIONAL",
			Components: []json.RawMessage{body("Everything must go.")},
		},
	}
	for i := range list {
		t := &list[i]
		t.ID = strconv.Itoa(594425479261596 + i)
		t.Status, t.Format = cmp.Or(t.Status, "APPROVED"), cmp.Or(t.Format, "POSITIONAL")
		t.Rejected, t.Quality.Score = cmp.Or(t.Rejected, "NONE"), cmp.Or(t.Quality.Score, "GREEN")
	}
	return &metaTemplates{all: list}
}

// page returns up to limit templates from a place on, and whether more follow.
func (m *metaTemplates) page(from, limit int) (list []metaTemplate, more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from = min(from, len(m.all))
	end := min(from+limit, len(m.all))
	return slices.Clone(m.all[from:end]), end < len(m.all)
}

// change changes the templates of a name and, unless it is empty, a language. It returns them before and after.
func (m *metaTemplates) change(name, language string, with func(*metaTemplate)) (before, after []metaTemplate) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.all {
		if t := &m.all[i]; t.Name == name && (language == "" || t.Language == language) {
			before = append(before, *t)
			with(t)
			after = append(after, *t)
		}
	}
	return before, after
}

// Bounds of a page of the list. The default is that of the Graph API.
const (
	defaultPage = 25
	maxPage     = 1000
)

// getMetaEdge answers GET /{version}/{waba}/message_templates and subscribed_apps. The paths of other providers would conflict
// with a pattern that has these names.
func (s *Server) getMetaEdge(w http.ResponseWriter, r *http.Request) {
	edge := r.PathValue("edge")
	if edge != "message_templates" && edge != "subscribed_apps" {
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	if f := s.checkMetaObject(r, "get", r.PathValue("waba"), wabaID); f != nil {
		refuseMeta(w, f)
		return
	}
	if edge == "subscribed_apps" {
		app := map[string]string{"id": appID, "name": "Sandbox", "link": "https://www.facebook.com/games/?app_id=" + appID}
		writeJSON(w, http.StatusOK, map[string]any{"data": []any{map[string]any{"whatsapp_business_api_data": app}}})
		return
	}
	from, limit := 0, defaultPage
	if n, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil {
		limit = min(max(n, 1), maxPage)
	}
	if after := r.URL.Query().Get("after"); after != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(after, cursorMark))
		if err != nil || !strings.HasPrefix(after, cursorMark) {
			refuseMeta(w, &fault{status: http.StatusBadRequest, code: 131059, title: "Invalid cursor"})
			return
		}
		from = n
	}
	list, more := s.templates.page(from, limit)
	data := make([]map[string]json.RawMessage, len(list))
	for i, t := range list {
		var unknown string
		const byDefault = "name,language,status,category,components"
		if data[i], unknown = selectFields(t, r.URL.Query().Get("fields"), byDefault); unknown != "" {
			refuseMeta(w, nonexistingField(unknown))
			return
		}
	}
	paging := map[string]any{"cursors": map[string]string{
		"before": cursorMark + strconv.Itoa(from), "after": cursorMark + strconv.Itoa(from+len(list)),
	}}
	if more {
		paging["next"] = "https://graph.facebook.com" + r.URL.Path + "?after=" + cursorMark + strconv.Itoa(from+len(list))
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": data, "paging": paging})
}

// encodeJSON encodes a value that the sandbox made of texts and JSON, so it can be encoded.
func encodeJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// cursorMark begins each cursor, which callers treat as opaque.
const cursorMark = "QVFI"

// selectFields returns the fields of an object that a request asks for, and its id; or the name of a field that does not exist.
func selectFields(object any, wanted, byDefault string) (fields map[string]json.RawMessage, unknown string) {
	raw := encodeJSON(object)
	var all map[string]json.RawMessage
	_ = json.Unmarshal(raw, &all) // it was just encoded
	fields = map[string]json.RawMessage{"id": all["id"]}
	for name := range strings.SplitSeq(withDefault(wanted, byDefault), ",") {
		value, known := all[name]
		if !known && name != "previous_category" && name != "message_send_ttl_seconds" { // those are optional
			return nil, name
		}
		if known {
			fields[name] = value
		}
	}
	return fields, ""
}

// nonexistingField is the error of the Graph API for a field that the object lacks in this version.
func nonexistingField(name string) *fault {
	return &fault{status: http.StatusBadRequest, code: 100, title: "(#100) Tried accessing nonexisting field (" + name + ")"}
}
