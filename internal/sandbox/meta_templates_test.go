package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/sandbox"
)

// getGraph reads an object of the simulated Graph API.
func getGraph(t *testing.T, s *sandbox.Server, path string) (status int, body map[string]any) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	req.Header.Set("Authorization", "Bearer "+accessToken)
	got := serve(s, req)
	return got.status, got.json(t)
}

const templatesPath = "/v23.0/102290129340398/message_templates"

func TestMeta_Templates(t *testing.T) {
	t.Parallel()
	s := newServer(t, options())
	status, body := getGraph(t, s, templatesPath+"?limit=4&fields=name,status,previous_category")
	require.Equal(t, http.StatusOK, status)
	data, _ := body["data"].([]any)
	require.Len(t, data, 4)
	require.Equal(t, "order_update", data[0].(map[string]any)["name"])
	require.NotContains(t, data[0], "components")
	paging, _ := body["paging"].(map[string]any)
	require.NotEmpty(t, paging["next"])
	cursors, _ := paging["cursors"].(map[string]any)
	status, body = getGraph(t, s, templatesPath+"?limit=4&after="+cursors["after"].(string))
	require.Equal(t, http.StatusOK, status)
	require.Len(t, body["data"], 3)
	require.NotContains(t, body["paging"], "next")

	for path, code := range map[string]float64{
		templatesPath + "?fields=name,of_another_version":              100,
		templatesPath + "?after=x":                                     131059,
		"/v23.0/1/message_templates":                                   100,
		"/v23.0/" + phoneID + "?fields=messaging_limit_tier,other":     100,
		"/v24.0/" + phoneID + "?fields=messaging_limit_tier":           100,
		"/v23.0/1?fields=status":                                       100,
		"/23/102290129340398/message_templates":                        2500,
		"/v23.0/" + phoneID + "?fields=whatsapp_business_manager_mess": 100,
	} {
		status, body := getGraph(t, s, path)
		require.Equal(t, http.StatusBadRequest, status, path)
		require.InDelta(t, code, body["error"].(map[string]any)["code"], 0, path)
	}
	status, body = getGraph(t, s, "/v24.0/"+phoneID+"?fields=status,quality_rating,whatsapp_business_manager_messaging_limit")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{
		"id": phoneID, "status": "CONNECTED", "quality_rating": "GREEN", "whatsapp_business_manager_messaging_limit": "TIER_1K",
	}, body)
}

func TestMeta_Notices(t *testing.T) {
	t.Parallel()
	var bodies []map[string]any
	hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if json.NewDecoder(r.Body).Decode(&body) != nil || r.Header.Get("X-Hub-Signature-256") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		bodies = append(bodies, body)
	}))
	t.Cleanup(hooks.Close)
	o := options()
	o.Meta.WebhookURL = hooks.URL
	s := newServer(t, o)
	put := func(path string) int {
		return serve(s, httptest.NewRequestWithContext(t.Context(), http.MethodPut, path, nil)).status
	}
	require.Equal(t, http.StatusNotFound, put("/meta/templates/none?status=PAUSED"))
	require.Equal(t, http.StatusNoContent, put("/meta/templates/order_update?status=paused&quality=red&category=marketing&language=en_US"))
	require.Len(t, bodies, 1)
	entry := bodies[0]["entry"].([]any)[0].(map[string]any)
	require.Equal(t, "102290129340398", entry["id"])
	var fields []any
	for _, change := range entry["changes"].([]any) {
		fields = append(fields, change.(map[string]any)["field"])
		require.Equal(t, "en-US", change.(map[string]any)["value"].(map[string]any)["message_template_language"])
	}
	require.Equal(t, []any{"message_template_status_update", "message_template_quality_update", "template_category_update"}, fields)
	_, list := getGraph(t, s, templatesPath+"?fields=status,category,previous_category,message_send_ttl_seconds")
	require.Equal(t, map[string]any{
		"id": "594425479261596", "status": "PAUSED", "category": "MARKETING", "previous_category": "UTILITY",
	}, list["data"].([]any)[0])

	require.Equal(t, http.StatusNoContent, put("/meta/number?status=flagged&quality=red"))
	require.Len(t, bodies, 2)
	_, number := getGraph(t, s, "/v23.0/"+phoneID+"?fields=status,quality_rating")
	require.Equal(t, "FLAGGED", number["status"])
	require.Equal(t, "RED", number["quality_rating"])
	require.Equal(t, http.StatusNoContent, put("/meta/number?limit=tier_250"))
	_, number = getGraph(t, s, "/v24.0/"+phoneID+"?fields=quality_rating,whatsapp_business_manager_messaging_limit")
	require.Equal(t, "TIER_250", number["whatsapp_business_manager_messaging_limit"])
	require.Equal(t, "RED", number["quality_rating"])
	change := bodies[2]["entry"].([]any)[0].(map[string]any)["changes"].([]any)[0].(map[string]any)
	require.Equal(t, "TIER_250", change["value"].(map[string]any)["max_daily_conversations_per_business"])
	hooks.Close()
	require.Equal(t, http.StatusBadGateway, put("/meta/number?status=connected"))
}
