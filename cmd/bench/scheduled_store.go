package main

import (
	"context"
	"fmt"

	"github.com/backstophq/backstop"
)

// copyScheduled copies a scheduled send. The copies have other ids, and start some seconds apart.
const copyScheduled = `INSERT INTO sends (id, recipient, country, text, sms_text, category, policy_id, plan, accepted_at, send_at,
    sweep_at, whatsapp_status, sms_status, duplicate_delivery, fired, fired_reason, expired, outcome, changed_at, check_at)
SELECT overlay(gen_random_uuid()::text PLACING '7' FROM 15)::uuid, recipient, country, text, sms_text, category, policy_id,
    plan, accepted_at, send_at + interval '1 second' * i, sweep_at, whatsapp_status, sms_status, duplicate_delivery, fired,
    fired_reason, expired, outcome, changed_at, check_at
FROM sends, generate_series(1, $2) AS i WHERE id = $1`

const daysAhead = 90 // of the scheduled sends

// fillScheduled stores n scheduled sends, which are daysAhead ahead: one as the product stores it, and its copies.
func (l *backlog) fillScheduled(ctx context.Context, n int) error {
	at := l.db.Now()
	id, err := l.db.NewID(at)
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	send := backstop.Send{
		ID: id, AcceptedAt: at, SendAt: new(at.AddDate(0, 0, daysAhead)), To: nextRecipient(scenarioSilent), Country: "GB",
		Text: whatsAppText, SMSText: whatsAppText, Plan: backlogPlan(),
		Status: backstop.Statuses{WhatsApp: backstop.Queued}, Outcome: backstop.OutcomePending,
	}
	if _, _, err = l.db.InsertSend(ctx, send, nil); err != nil {
		return fmt.Errorf("store send: %w", err)
	}
	if _, err := l.store.db.ExecContext(ctx, copyScheduled, id, n-1); err != nil {
		return fmt.Errorf("copy send: %w", err)
	}
	if _, err := l.store.db.ExecContext(ctx, analyseTables); err != nil {
		return fmt.Errorf("analyse tables: %w", err)
	}
	return nil
}

// markStarted marks the sends that were started. Their workflows have no worker.
const markStarted = `UPDATE sends SET handed_over = true WHERE NOT handed_over AND send_at IS NULL`

func (l *backlog) markAll(ctx context.Context) error {
	if _, err := l.store.db.ExecContext(ctx, markStarted); err != nil {
		return fmt.Errorf("mark sends: %w", err)
	}
	return nil
}

// sizeOfTables returns the bytes of the tables that a send has rows in, with their indexes.
func (s *store) sizeOfTables(ctx context.Context) (bytes float64, err error) {
	const query = `SELECT pg_total_relation_size('sends') + pg_total_relation_size('events')`
	if err := s.db.QueryRowContext(ctx, query).Scan(&bytes); err != nil {
		return 0, fmt.Errorf("read size: %w", err)
	}
	return bytes, nil
}
