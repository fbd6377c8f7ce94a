package ledgers

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// attemptRow is the JSON of an attempt. Postgres writes it with json_agg and reads it with json_to_recordset.
type attemptRow struct {
	Send      string                `json:"send,omitempty"`
	Step      int                   `json:"step"`
	Number    int                   `json:"number"`
	Channel   backstop.Channel      `json:"channel"`
	Provider  string                `json:"provider"`
	Rule      string                `json:"rule"`
	Reason    string                `json:"reason"`
	SendID    string                `json:"send_id"`
	State     backstop.AttemptState `json:"state"`
	Status    backstop.Status       `json:"status"`
	MessageID string                `json:"message_id"`
	Segments  int                   `json:"segments"`
	Failure   *backstop.Failure     `json:"failure"`
	Refusal   *backstop.Failure     `json:"refusal"`
	StartedAt time.Time             `json:"started_at"`
	EndedAt   *time.Time            `json:"ended_at"`
	Token     string                `json:"token"`
	Reported  backstop.StatusSet    `json:"reported"`

	AwaitsReceiptsUntil *time.Time `json:"lingers_until"`
}

func rowOf(a backstop.Attempt) attemptRow {
	return attemptRow{
		Step: a.Ref.Step, Number: a.Number, Channel: a.Channel, Provider: a.Provider, Rule: a.Rule,
		Reason: pool.Clean(a.Reason), SendID: a.SendID, State: a.State, Status: a.Status, MessageID: a.MessageID,
		Segments: a.Segments, Failure: cleaned(a.Failure), Refusal: cleaned(a.Refusal), StartedAt: a.StartedAt,
		EndedAt: a.EndedAt, Token: a.Token, Reported: a.Reported, AwaitsReceiptsUntil: a.AwaitsReceiptsUntil,
	}
}

func (r attemptRow) attempt() backstop.Attempt {
	return backstop.Attempt{
		Ref: backstop.Ref{Send: r.Send, Step: r.Step}, Number: r.Number, Channel: r.Channel, Provider: r.Provider,
		Rule: r.Rule, Reason: r.Reason, SendID: r.SendID, State: r.State, Status: r.Status, MessageID: r.MessageID,
		Segments: r.Segments, Failure: r.Failure, Refusal: r.Refusal, StartedAt: pool.Stamp(r.StartedAt),
		EndedAt: pool.StampPtr(r.EndedAt), Token: r.Token, Reported: r.Reported,
		AwaitsReceiptsUntil: pool.StampPtr(r.AwaitsReceiptsUntil),
	}
}

func readAttempts(b []byte) ([]backstop.Attempt, error) {
	if b == nil {
		return nil, nil
	}
	var rows []attemptRow
	if err := json.Unmarshal(b, &rows); err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	attempts := make([]backstop.Attempt, len(rows))
	for i, row := range rows {
		attempts[i] = row.attempt()
	}
	return attempts, nil
}

// cleaned returns a copy of the failure with texts that Postgres can store.
func cleaned(f *backstop.Failure) *backstop.Failure {
	if f == nil {
		return nil
	}
	c := *f
	c.Code, c.Reason = pool.Clean(f.Code), pool.Clean(f.Reason)
	return &c
}
