package postgres

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// openExported returns a row of an export with its texts as they are, in place of the sealed ones. A text that does not open
// stays sealed, and content_unreadable says why.
func (db *DB) openExported(table, id string, row json.RawMessage) (json.RawMessage, error) {
	var open func(id string, sealed []byte) (map[string]any, error)
	column := "sealed_content"
	switch table {
	case "sends":
		open = db.openContent
	case "inbound":
		open, column = db.openInbound, "sealed_text"
	default:
		return row, nil
	}
	columns := map[string]json.RawMessage{}
	if err := json.Unmarshal(row, &columns); err != nil {
		return nil, fmt.Errorf("read row of %s: %w", table, err)
	}
	if isNull := bytes.Equal(columns[column], []byte("null")); isNull || columns[column] == nil {
		delete(columns, column)
		return writeColumns(table, columns, nil)
	}
	sealed, err := readBytea(columns[column])
	if err != nil {
		return nil, fmt.Errorf("read row of %s: %w", table, err)
	}
	plain, err := open(id, sealed)
	if err != nil {
		return writeColumns(table, columns, map[string]any{"content_unreadable": err.Error()})
	}
	delete(columns, column)
	return writeColumns(table, columns, plain)
}

// openContent returns the columns of a send that are sealed.
func (db *DB) openContent(id string, sealed []byte) (map[string]any, error) {
	var row ledgers.Row
	row.ID, row.Sealed = id, sealed
	row, err := db.OpenContent(row)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"text": row.Text, "sms_text": row.SMSText, "template": rawOrNull(row.Template), "metadata": rawOrNull(row.Metadata),
	}, nil
}

func (db *DB) openInbound(id string, sealed []byte) (map[string]any, error) {
	text, err := db.seals.Open(seals.InboundText, id, sealed)
	return map[string]any{"text": string(text)}, err
}

func rawOrNull(text *string) any {
	if text == nil {
		return nil
	}
	return json.RawMessage(*text)
}

// writeColumns writes a row with some of its columns replaced.
func writeColumns(table string, columns map[string]json.RawMessage, replaced map[string]any) (json.RawMessage, error) {
	all := make(map[string]any, len(columns))
	for name, value := range columns {
		all[name] = value
	}
	maps.Copy(all, replaced)
	row, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("write row of %s: %w", table, err)
	}
	return row, nil
}

// readBytea reads a bytea that Postgres wrote as JSON.
func readBytea(value json.RawMessage) ([]byte, error) {
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return nil, fmt.Errorf("read bytea: %w", err)
	}
	b, err := hex.DecodeString(strings.TrimPrefix(text, `\x`))
	if err != nil {
		return nil, fmt.Errorf("read bytea: %w", err)
	}
	return b, nil
}
