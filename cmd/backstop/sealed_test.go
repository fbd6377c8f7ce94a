package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/callbacks"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/sandbox"
)

// newSealedRig returns a program that seals texts and has callbacks, and a policy whose rule fires after a second.
func newSealedRig(t *testing.T) (r *rig, policy string) {
	t.Helper()
	r = newRig(t, map[string]string{
		"BACKSTOP_SEAL": "texts", "BACKSTOP_CALLBACK_SECRETS": callbacks.GenerateSecret(), "BACKSTOP_CALLBACK_ALLOW": "127.0.0.1",
		"BACKSTOP_CALLBACK_URL": newInbox(t),
	})
	policy, err := r.caller.EnsurePolicy(t.Context(), "Unread",
		demo.Rule{Name: "Unread", Type: client.RuleTypeUnread, Wait: time.Second, SendID: "ACME"})
	require.NoError(t, err)
	return r, policy
}

// TestSealed: the real program with BACKSTOP_SEAL. A whole send with fallback, callbacks, a reply and a test of an account leave no
// text in any column of the database, and the messages that go out have their texts. A process without the setting reads them too.
func TestSealed(t *testing.T) {
	t.Parallel()
	r, policy := newSealedRig(t)
	const words, reply = "wagtail", "nuthatch"
	whatsApp, sms := "By WhatsApp: "+words, "By SMS: "+words
	send := func(key, to string) string {
		accepted, err := r.caller.API.CreateSendWithResponse(t.Context(), &client.CreateSendParams{IdempotencyKey: &key}, client.SendInput{
			To: to, Whatsapp: client.WhatsAppInput{Text: &whatsApp}, Fallback: client.FallbackInput{PolicyID: &policy, Text: sms},
			Metadata: client.Metadata{"name": words},
		})
		require.NoError(t, err)
		require.NotNil(t, accepted.JSON202, string(accepted.Body))
		return accepted.JSON202.ID
	}
	const to = "+447400123402"
	first := send("one", to)
	require.Equal(t, first, send("one", to), "a repeated request is recognised")
	r.textTwilio(to, reply, "SM00000000000000000000000000000001")
	ended := r.ended(first)
	require.Equal(t, words, ended.Metadata["name"])
	require.Nil(t, ended.ContentUnreadable)
	r.endedCallbacks(first)
	texts := map[string]string{}
	for _, m := range r.calls(func(m sandbox.Message) bool { return m.Accepted }) {
		texts[m.Channel] = m.Text
	}
	require.Equal(t, map[string]string{"whatsapp": whatsApp, "sms": sms}, texts)

	raw := postgrestest.Raw(t, r.environment["BACKSTOP_DATABASE_URL"])
	marks := append(postgrestest.Encodings(words), postgrestest.Encodings(reply)...)
	require.Empty(t, postgrestest.TablesWith(t, raw, marks))
	var replies int
	require.NoError(t, raw.QueryRowContext(t.Context(), `SELECT count(*) FROM inbound WHERE sealed_text IS NOT NULL`).Scan(&replies))
	require.Equal(t, 1, replies)

	r.kill()
	require.Equal(t, isOK, examine(t, r.environment, nil, "--offline").levelOf("texts"))
	otherKey, _ := newKey(t)
	missing := examine(t, r.environment, map[string]string{"BACKSTOP_KEYRING": otherKey}, "--offline")
	require.Equal(t, isFault, missing.levelOf("texts"))
	require.Contains(t, missing.found["texts"][0].Text, `texts need key "local", which is missing`)
	delete(r.environment, "BACKSTOP_SEAL")
	r.start()
	require.Equal(t, words, r.ended(first).Metadata["name"])
	second := send("two", to)
	r.ended(second)
	require.Equal(t, []string{"sends"}, postgrestest.TablesWith(t, raw, marks), "the test above has looked where texts are")
}

// TestSealed_numbers: the real program with numbers sealed, on a database that had plain ones. It refuses to start before the
// conversion, and without its setting and its key afterwards. No number is left in any column, and the messages go to their people.
func TestSealed_numbers(t *testing.T) {
	t.Parallel()
	r, policy := newSealedRig(t)
	const to = "+447400123402"
	text := "hello"
	send := func() string {
		accepted, err := r.caller.API.CreateSendWithResponse(t.Context(), &client.CreateSendParams{}, client.SendInput{
			To: to, Whatsapp: client.WhatsAppInput{Text: &text}, Fallback: client.FallbackInput{PolicyID: &policy, Text: text},
		})
		require.NoError(t, err)
		require.NotNil(t, accepted.JSON202, string(accepted.Body))
		r.ended(accepted.JSON202.ID)
		r.endedCallbacks(accepted.JSON202.ID)
		return accepted.JSON202.ID
	}
	backstop := func(command ...string) (code int, output string) {
		var out, errs bytes.Buffer
		code = run(t.Context(), command, lines(r.environment), &out, &errs)
		return code, out.String() + errs.String()
	}
	first := send()
	r.textTwilio(to, "I wrote this", "SM00000000000000000000000000000001")
	key, id := newKey(t)
	r.environment["BACKSTOP_SEAL"], r.environment["BACKSTOP_NUMBER_KEY"] = "texts,numbers", key
	code, output := backstop("keys", "numbers")
	require.Equal(t, exitFailed, code)
	require.Contains(t, output, "1 processes serve")
	r.environment["BACKSTOP_SEAL"], r.environment["BACKSTOP_NUMBER_KEY"] = "texts", ""
	send()
	r.kill()
	raw := postgrestest.Raw(t, r.environment["BACKSTOP_DATABASE_URL"])
	marks := postgrestest.Encodings(to[1:])
	require.NotEmpty(t, postgrestest.TablesWith(t, raw, marks), "the test has proven nothing")

	r.environment["BACKSTOP_SEAL"], r.environment["BACKSTOP_NUMBER_KEY"] = "texts,numbers", key
	code, output = backstop("serve")
	require.Equal(t, exitFailed, code)
	require.Contains(t, output, "run backstop keys numbers")
	require.Eventually(t, func() bool { // the process was killed, so it counts for 20 seconds
		code, output = backstop("keys", "numbers")
		return code == exitOK
	}, time.Minute, time.Second)
	require.Contains(t, output, "converted ")
	require.Empty(t, postgrestest.TablesWith(t, raw, marks))
	r.start()
	require.Equal(t, to, r.ended(first).To)
	require.Equal(t, to, r.ended(send()).To)
	require.Len(t, r.calls(func(m sandbox.Message) bool { return m.Accepted && m.To == to }), 6, "two messages of each send")
	require.Empty(t, postgrestest.TablesWith(t, raw, marks))
	r.kill()

	for seal, fault := range map[string]string{"texts": `encrypted with key "` + id, "texts,numbers": "another one"} {
		r.environment["BACKSTOP_SEAL"] = seal
		r.environment["BACKSTOP_NUMBER_KEY"], _ = newKey(t)
		code, output = backstop("serve")
		require.Equal(t, exitFailed, code)
		require.Contains(t, output, fault)
	}
}
