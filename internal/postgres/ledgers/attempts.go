package ledgers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

var attemptColumns = pool.ColumnsOf[attemptRow]()

// attemptRow is an attempt without its send, as JSON. Postgres writes it with json_agg and reads it with json_to_recordset. A new
// column needs a field here, and its line in the two functions below.
type attemptRow struct {
	Step                int                     `json:"step" type:"int"`
	Number              int                     `json:"number" type:"int"`
	Channel             backstop.Channel        `json:"channel" type:"text"`
	Provider            string                  `json:"provider" type:"text"`
	Account             string                  `json:"account" type:"text"`
	Rule                string                  `json:"rule" type:"text"`
	Reason              string                  `json:"reason" type:"text"`
	Cause               backstop.FallbackReason `json:"cause,omitempty" type:"text"`
	SendID              string                  `json:"send_id" type:"text"`
	State               backstop.AttemptState   `json:"state" type:"text"`
	Status              backstop.Status         `json:"status" type:"text"`
	MessageID           string                  `json:"message_id" type:"text"`
	Segments            int                     `json:"segments" type:"int"`
	Failure             *backstop.Failure       `json:"failure" type:"jsonb"`
	Refusal             *backstop.Failure       `json:"refusal" type:"jsonb"`
	StartedAt           time.Time               `json:"started_at" type:"timestamptz"`
	EndedAt             *time.Time              `json:"ended_at" type:"timestamptz"`
	Token               string                  `json:"token" type:"text"`
	Reported            backstop.StatusSet      `json:"reported" type:"smallint"`
	AwaitsReceiptsUntil *time.Time              `json:"lingers_until" type:"timestamptz"`
	RefusesRepeats      bool                    `json:"refuses_repeats" type:"boolean"`
	WasUnknown          bool                    `json:"was_unknown" type:"boolean"`
}

func (s *Store) attemptRowOf(a backstop.Attempt) attemptRow {
	return attemptRow{
		Step: a.Ref.Step, Number: a.Number, Channel: a.Channel, Provider: a.Provider, Account: a.Account, Rule: a.Rule,
		Reason: s.seals.Hide(seals.Words, pool.Clean(a.Reason)), Cause: a.Cause, SendID: a.SendID, State: a.State,
		Status: a.Status, MessageID: s.seals.Hide(seals.MessageID, a.MessageID), Segments: a.Segments,
		Failure: s.hideReason(cleanFailure(a.Failure)), Refusal: s.hideReason(cleanFailure(a.Refusal)), StartedAt: a.StartedAt,
		EndedAt: a.EndedAt, Token: a.Token, Reported: a.Reported, AwaitsReceiptsUntil: a.AwaitsReceiptsUntil,
		RefusesRepeats: a.RefusesRepeats, WasUnknown: a.WasUnknown,
	}
}

func (s *Store) attemptOf(r attemptRow, send string) backstop.Attempt {
	return backstop.Attempt{
		Ref: backstop.Ref{Send: send, Step: r.Step}, Number: r.Number, Channel: r.Channel, Provider: r.Provider,
		Account: cmp.Or(r.Account, r.Provider), Rule: r.Rule, Reason: s.seals.Show(seals.Words, r.Reason), Cause: r.Cause,
		SendID: r.SendID, State: r.State, Status: r.Status, MessageID: s.seals.Show(seals.MessageID, r.MessageID),
		Segments: r.Segments, Failure: s.showReason(r.Failure), Refusal: s.showReason(r.Refusal),
		StartedAt: pool.Stamp(r.StartedAt), EndedAt: pool.StampPtr(r.EndedAt), Token: r.Token, Reported: r.Reported,
		AwaitsReceiptsUntil: pool.StampPtr(r.AwaitsReceiptsUntil), RefusesRepeats: r.RefusesRepeats, WasUnknown: r.WasUnknown,
	}
}

func (s *Store) readAttempts(b []byte, send string) ([]backstop.Attempt, error) {
	if b == nil {
		return nil, nil
	}
	var rows []attemptRow
	if err := json.Unmarshal(b, &rows); err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	attempts := make([]backstop.Attempt, len(rows))
	for i, row := range rows {
		attempts[i] = s.attemptOf(row, send)
	}
	return attempts, nil
}

// cleanFailure returns a copy of the failure with texts that Postgres can store.
func cleanFailure(f *backstop.Failure) *backstop.Failure {
	if f == nil {
		return nil
	}
	c := *f
	c.Code, c.Reason = pool.Clean(f.Code), pool.Clean(f.Reason)
	return &c
}

// hideReason returns a failure as it is stored. It changes the failure, which is a copy of its own.
func (s *Store) hideReason(f *backstop.Failure) *backstop.Failure {
	if f != nil {
		f.Reason = s.seals.Hide(seals.Words, f.Reason)
	}
	return f
}

// showReason returns a stored failure as it was. It changes the failure.
func (s *Store) showReason(f *backstop.Failure) *backstop.Failure {
	if f != nil {
		f.Reason = s.seals.Show(seals.Words, f.Reason)
	}
	return f
}
