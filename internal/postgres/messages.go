package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// readMessage is a message with the content of its newest version, in one query and from one snapshot.
const readMessage = `id, name, version, created_at, updated_at, (
    SELECT content FROM message_versions AS v WHERE v.message_id = messages.id AND v.version = messages.version
) AS content`

type messageRow struct {
	ID        string        `db:"id"`
	Name      string        `db:"name"`
	Version   int           `db:"version"`
	CreatedAt time.Time     `db:"created_at"`
	UpdatedAt time.Time     `db:"updated_at"`
	Content   messageColumn `db:"content"`
}

func (r messageRow) message() backstop.Message {
	return backstop.Message{
		MessageInput: backstop.MessageInput{Name: r.Name, MessageContent: backstop.MessageContent(r.Content)},
		ID:           r.ID, Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

// messageColumn is the content of a message, as JSON.
type messageColumn backstop.MessageContent

// Scan implements sql.Scanner.
func (m *messageColumn) Scan(src any) error {
	text, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("read content of a message: from %T", src)
	}
	var content backstop.MessageContent
	if err := json.Unmarshal(text, &content); err != nil {
		return fmt.Errorf("read content of a message: %w", err)
	}
	*m = messageColumn(content)
	return nil
}

// contentText returns the content of a message as JSON, as text: the driver sends bytes as bytea.
func contentText(m backstop.MessageContent) (string, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("write content of a message: %w", err)
	}
	return string(text), nil
}

const (
	insertMessage = `WITH m AS (
    INSERT INTO messages (id, name, version, created_at, updated_at) VALUES ($1, $2, 1, $3, $3) RETURNING id, name
)
INSERT INTO message_versions (message_id, version, name, content, created_at)
SELECT id, 1, name, $4::json, $3 FROM m RETURNING 1`
	// replaceMessage has two statements in one: a version is stored with the change that makes it.
	replaceMessage = `WITH m AS (
    UPDATE messages SET name = $3, version = version + 1, updated_at = $4
    WHERE id = $1 AND ($2 = 0 OR version = $2) RETURNING id, name, version, created_at
)
INSERT INTO message_versions (message_id, version, name, content, created_at)
SELECT id, version, name, $5::json, $4 FROM m RETURNING version, (SELECT created_at FROM m)`
)

// CreateMessage stores a valid message as its first version. A name that is taken is an Error of code Conflict.
func (db *DB) CreateMessage(ctx context.Context, in backstop.MessageInput) (backstop.Message, error) {
	at := pool.Stamp(db.Now())
	id, err := pool.NewIDAt(at)
	if err != nil {
		return backstop.Message{}, err
	}
	content, err := contentText(in.MessageContent)
	if err != nil {
		return backstop.Message{}, err
	}
	err = db.pool.Change(ctx, new(int), insertMessage, id, in.Name, at, content)
	message := backstop.Message{MessageInput: in, ID: id, Version: 1, CreatedAt: at, UpdatedAt: at}
	return message, pool.Failed(ctx, "insert message", err)
}

const (
	getMessage      = `SELECT ` + readMessage + ` FROM messages WHERE id = $1`
	getMessageNamed = `SELECT ` + readMessage + ` FROM messages WHERE lower(name) = lower($1)`
)

// Message returns a message, or an Error of code NotFound.
func (db *DB) Message(ctx context.Context, id string) (backstop.Message, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return backstop.Message{}, pool.NotFound("message")
	}
	return db.readMessage(ctx, getMessage, id)
}

// MessageNamed returns the message of a name, or an Error of code NotFound. Capitals do not matter.
func (db *DB) MessageNamed(ctx context.Context, name string) (backstop.Message, error) {
	return db.readMessage(ctx, getMessageNamed, name)
}

func (db *DB) readMessage(ctx context.Context, query, key string) (backstop.Message, error) {
	var row messageRow
	err := db.pool.GetUnprepared(ctx, &row, query, key)
	return row.message(), pool.Failed(ctx, "get message", pool.OrNotFound(err, "message"))
}

// messagesNamed returns the condition for the messages that pass a filter.
func messagesNamed(f backstop.MessageFilter) (w where) {
	if f.Search != "" {
		w.and(`name ILIKE '%' || ? || '%'`, escapeLike(f.Search))
	}
	return w
}

// ListMessages returns the messages that pass a filter, in the order of the page's sort, and whether more follow.
func (db *DB) ListMessages(
	ctx context.Context, f backstop.MessageFilter, page backstop.Page,
) ([]backstop.Message, bool, error) {
	w := messagesNamed(f)
	by, err := w.andPage(page)
	if err != nil {
		return nil, false, err
	}
	query := `SELECT ` + readMessage + ` FROM messages WHERE ` + w.String() + ` ORDER BY ` + by +
		` LIMIT ` + w.param(page.Limit+1)
	messages, err := db.selectMessages(ctx, query, w.values)
	messages, more := cutPage(messages, page.Limit)
	return messages, more, pool.Failed(ctx, "list messages", err)
}

func (db *DB) selectMessages(ctx context.Context, query string, values []any) ([]backstop.Message, error) {
	var rows []messageRow
	err := db.pool.SelectUnprepared(ctx, &rows, query, values...)
	var messages []backstop.Message
	for _, row := range rows {
		messages = append(messages, row.message())
	}
	return messages, err
}

// CountMessages returns the number of messages that pass a filter.
func (db *DB) CountMessages(ctx context.Context, f backstop.MessageFilter) (backstop.Total, error) {
	return db.countUpTo(ctx, "messages", messagesNamed(f))
}

const messageVersion = `SELECT version FROM messages WHERE id = $1`

// ReplaceMessage stores a new version of a message, if the newest is the one asked for. Errors have the code NotFound, Stale or
// Conflict.
func (db *DB) ReplaceMessage(
	ctx context.Context, id string, in backstop.MessageInput, version int,
) (backstop.Message, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return backstop.Message{}, pool.NotFound("message")
	}
	content, err := contentText(in.MessageContent)
	if err != nil {
		return backstop.Message{}, err
	}
	at := pool.Stamp(db.Now())
	var row struct {
		Version   int       `db:"version"`
		CreatedAt time.Time `db:"created_at"`
	}
	err = db.pool.Change(ctx, &row, replaceMessage, id, version, in.Name, at, content)
	if errors.Is(err, sql.ErrNoRows) {
		err = explainMissing(db.pool.GetUnprepared(ctx, new(int), messageVersion, id), "message")
	}
	return backstop.Message{
		MessageInput: in, ID: id, Version: row.Version, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: at,
	}, pool.Failed(ctx, "replace message", err)
}

const deleteMessage = `DELETE FROM messages WHERE id = $1 AND ($2 = 0 OR version = $2) RETURNING version`

// DeleteMessage deletes a message with all its versions, if the newest is the one asked for. Sends keep their texts. Errors
// have the code NotFound or Stale.
func (db *DB) DeleteMessage(ctx context.Context, id string, version int) error {
	id, ok := pool.ParseID(id)
	if !ok {
		return pool.NotFound("message")
	}
	err := db.pool.Change(ctx, new(int), deleteMessage, id, version)
	if errors.Is(err, sql.ErrNoRows) {
		err = explainMissing(db.pool.GetUnprepared(ctx, new(int), messageVersion, id), "message")
	}
	return pool.Failed(ctx, "delete message", err)
}

// listMessageVersions has no row if there is no such message.
const listMessageVersions = `SELECT version, name, content, created_at FROM message_versions
WHERE message_id = $1 AND ($2 = 0 OR version < $2) ORDER BY version DESC LIMIT $3`

// MessageVersions returns up to limit versions of a message, the newest first, of those before a version; 0: of all. It also
// returns whether more follow. If there is no such message, the error has the code NotFound.
func (db *DB) MessageVersions(
	ctx context.Context, id string, before, limit int,
) ([]backstop.MessageVersion, bool, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return nil, false, pool.NotFound("message")
	}
	var rows []struct {
		Version   int           `db:"version"`
		Name      string        `db:"name"`
		Content   messageColumn `db:"content"`
		CreatedAt time.Time     `db:"created_at"`
	}
	err := db.pool.SelectUnprepared(ctx, &rows, listMessageVersions, id, before, limit+1)
	if err == nil && len(rows) == 0 {
		err = pool.OrNotFound(db.pool.GetUnprepared(ctx, new(int), messageVersion, id), "message")
	}
	if err != nil {
		return nil, false, pool.Failed(ctx, "list versions of a message", err)
	}
	rows, more := cutPage(rows, limit)
	versions := make([]backstop.MessageVersion, len(rows))
	for i, row := range rows {
		versions[i] = backstop.MessageVersion{
			MessageInput: backstop.MessageInput{Name: row.Name, MessageContent: backstop.MessageContent(row.Content)},
			Version:      row.Version, CreatedAt: row.CreatedAt.UTC(),
		}
	}
	return versions, more, nil
}
