package telnyx_test

import (
	"context"
	"math"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/telnyx"
	"github.com/backstophq/backstop/internal/sandbox"
)

// rig is an account of the simulated Telnyx.
type rig struct {
	*providertest.Inbox

	client *telnyx.Client
}

func newRig(t *testing.T, change func(map[string]string)) *rig {
	t.Helper()
	face := sandbox.Telnyx{APIKey: apiKey, ProfileID: profile, Seed: strings.Repeat("a", 32)}
	simulated, err := sandbox.New(sandbox.Options{
		Meta:   sandbox.Meta{AccessToken: "x", PhoneNumberID: "1"},
		Twilio: sandbox.Twilio{AccountSID: "AC1", AuthToken: "x"},
		Faces:  []sandbox.Face{face},
		Speed:  math.Inf(1),
	})
	require.NoError(t, err)
	server := httptest.NewServer(simulated)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, simulated.Shutdown(ctx))
	})
	g := rig{Inbox: providertest.NewInbox(t)}
	settings := driver().Settings(server.URL+"/telnyx", time.Second)
	settings.PublicURLs = []*url.URL{g.URL}
	settings.Values["public_key"] = face.PublicKey()
	change(settings.Values)
	g.client, err = telnyx.New(settings)
	require.NoError(t, err)
	g.Connect(g.client)
	return &g
}

func unchanged(map[string]string) {}

func (g *rig) send(ctx context.Context, digits string) (backstop.Submission, error) {
	return g.client.SendSMS(ctx, backstop.SMSMessage{
		Ref: providertest.Ref, To: "+49151000000" + digits, SendID: "Backstop", Text: "Grüße & 4711",
	})
}

func TestSandbox(t *testing.T) {
	t.Parallel()
	const ok = ""
	arrived := []string{"sent", "delivered"}
	for _, row := range []struct {
		digits, call string
		words        []string
	}{
		{"01", ok, arrived},
		{"06", ok, arrived},
		{"13", "rejected recipient 40310 0s", []string{}},
		{"14", ok, []string{"sent", "failed 40006"}},
		{"18", "unknown   0s", arrived},
		{"19", ok, []string{"sent", "failed 40008"}},
		{"20", ok, arrived},
		{"21", ok, arrived}, // Telnyx takes no validity period
		{"23", "rejected opted_out 40300 0s", []string{}},
	} {
		t.Run(row.digits, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, unchanged)
			submission, err := g.send(t.Context(), row.digits)
			require.Equal(t, row.call, providertest.Outcome(err), "%v", err)
			require.Equal(t, row.words, g.Words(t, len(row.words), backstop.SMS, submission.MessageID))
			if row.call == ok {
				require.Equal(t, 1, submission.Segments)
			}
		})
	}
	t.Run("next sender", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, unchanged)
		_, err := g.send(t.Context(), "19")
		require.NoError(t, err)
		require.Equal(t, []string{"sent", "failed 40008"}, g.Words(t, 2, backstop.SMS, ""))
		_, err = g.client.SendSMS(t.Context(), backstop.SMSMessage{
			Ref: providertest.Ref, To: "+4915100000019", SendID: "+15550783882", Text: "Grüße & 4711",
		})
		require.NoError(t, err)
		require.Equal(t, []string{"sent", "failed 40008", "sent", "delivered"}, g.Words(t, 4, backstop.SMS, ""))
	})
	t.Run("wrong credentials", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, func(values map[string]string) { values["api_key"] = "KEY-other" })
		_, err := g.send(t.Context(), "01")
		require.Equal(t, "rejected account 10009 0s", providertest.Outcome(err))
		require.ErrorContains(t, g.client.Check(t.Context()), "api_key is not accepted (Telnyx says 10009")
	})
}

func TestSandbox_finds(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]string{"01": "delivered", "14": "failed recipient 40006"} {
		g := newRig(t, unchanged)
		submission, err := g.send(t.Context(), digits)
		require.NoError(t, err)
		inquiry := backstop.Inquiry{MessageID: submission.MessageID, Since: time.Now()}
		require.Eventually(t, func() bool {
			found, err := g.client.Find(t.Context(), inquiry)
			if err != nil || found == nil {
				return false
			}
			word := string(found.Status)
			if found.Failure != nil {
				word += " " + string(found.Failure.Class) + " " + found.Failure.Code
			}
			return word == want && found.Segments == 1
		}, 30*time.Second, 5*time.Millisecond)
		inquiry.MessageID = "4ee8c3a6-4995-4309-a3c6-38e3db9ea4be"
		found, err := g.client.Find(t.Context(), inquiry)
		require.NoError(t, err)
		require.Nil(t, found)
	}
}

func TestSandbox_check(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		profile:                                "",
		"":                                     "",
		"00000000-0000-0000-0000-000000000000": "messaging_profile_id is not known (Telnyx says 10005",
	} {
		err := newRig(t, func(values map[string]string) { values["messaging_profile_id"] = id }).client.Check(t.Context())
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}
