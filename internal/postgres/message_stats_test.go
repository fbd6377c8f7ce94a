package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestDB_MessageStats(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	of := everything()
	empty, err := db.MessageStats(t.Context(), of)
	require.NoError(t, err)
	require.Equal(t, backstop.MessageStats{Filter: of}, empty)

	sendsOfAllKinds(t, db)
	rule := plan().Rules
	m, err := db.MessageStats(t.Context(), of)
	require.NoError(t, err)
	first, last := m.BySender[0], m.BySender[1]
	require.Equal(t, []string{rule[0].SendID, "main", rule[1].SendID, "bulk"}, []string{first.Sender, first.Route, last.Sender, last.Route})
	require.Equal(t, int64(6), first.SMS)
	require.Equal(t, map[backstop.SMSResult]int64{"delivered": 3, "failed": 2, "no_receipt": 1}, first.Results)
	require.Equal(t, int64(3), first.TimeToDelivery.Count)
	require.Equal(t, backstop.CountsOfCode{
		Provider: "twilio", Channel: backstop.SMS, Code: "131026", Class: backstop.RecipientFault, Sends: 1,
	}, first.TopCode)
	require.Equal(t, "GB", first.ByCountry[0].Country)
	require.Equal(t, int64(4), first.ByCountry[0].SMS)
	require.Equal(t, "DE", first.ByCountry[1].Country)
	require.Equal(t, backstop.SMSCounts{
		SMS: 1, Results: map[backstop.SMSResult]int64{"delivered": 1}, TimeToDelivery: last.TimeToDelivery,
	}, last.SMSCounts)
	require.Equal(t, []backstop.CountsOfCode{
		{Provider: "meta", Channel: backstop.WhatsApp, Code: "131026", Class: backstop.RecipientFault, Sends: 6},
		{Provider: "twilio", Channel: backstop.SMS, Code: "131026", Class: backstop.RecipientFault, Sends: 1},
		{Provider: "twilio", Channel: backstop.SMS, Code: "21610", Class: backstop.RecipientFault, Sends: 1},
	}, m.ByCode)

	of.PolicyID = newID(t)
	none, err := db.MessageStats(t.Context(), of)
	require.NoError(t, err)
	require.Empty(t, none.BySender)
}

func TestDB_StatsChanges(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	of := everything()
	sendsOfAllKinds(t, db)
	before := of.Previous()
	require.Equal(t, of.From, before.Until)
	for i := range 4 { // in the range before: one of four fell back
		at := of.From.Add(-time.Minute)
		counted(t, db, func(s *backstop.Send) {
			s.ID, s.AcceptedAt = idOf(t, at), at
			if i == 0 {
				s.Fired, s.FallbackReason = "unread", backstop.NotRead
			}
		})
	}
	c, err := db.StatsChanges(t.Context(), of)
	require.NoError(t, err)
	require.Equal(t, backstop.RangeCounts{From: before.From, Until: of.From, Sends: 4, Fallbacks: 1}, c.Before)
	require.Equal(t, backstop.RangeCounts{From: of.From, Until: of.Until, Sends: 9, Fallbacks: 6}, c.After)
	group := backstop.ChangeGroup{
		PolicyID: policyID, PolicyName: "p", Country: "GB", Reason: backstop.ByFailure, Provider: "meta", Code: "131026", After: 4,
	}
	inGermany := group
	inGermany.Country, inGermany.After = "DE", 2
	require.Equal(t, []backstop.ChangeGroup{
		group, {PolicyID: policyID, PolicyName: "p", Country: "GB", Reason: backstop.NotRead, Before: 1}, inGermany,
	}, c.Groups)
	sum := 0.0
	for _, g := range c.Groups {
		sum += c.Contribution(g)
	}
	require.InDelta(t, 6.0/9-1.0/4, sum, 1e-9, "the contributions add up to the change of the rate")
}
