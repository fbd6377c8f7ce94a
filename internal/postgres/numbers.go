package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// numberMode says how a database has phone numbers. All of its rows are of one mode, so a look-up needs one form of a number.
type numberMode struct {
	Mode  string `db:"mode"`
	Key   string `db:"key"`
	Proof string `db:"proof"`
}

// The modes of number_mode.
const (
	modePlain      = "plain"
	modeSealed     = "sealed"
	modeConverting = "converting" // ConvertNumbers has begun, and did not end
)

const getNumberMode = `SELECT mode, key, proof FROM number_mode`

func (db *DB) numberMode(ctx context.Context) (m numberMode, err error) {
	err = db.pool.GetUnprepared(ctx, &m, getNumberMode)
	return m, pool.Failed(ctx, "read mode of numbers", err)
}

// convertCommand is the command that calls ConvertNumbers.
const convertCommand = "backstop keys numbers"

// CheckNumbers returns an error unless this process seals numbers as the database has them: all of them, or none, with the same
// key. A program must not serve before that.
func (db *DB) CheckNumbers(ctx context.Context) error {
	m, err := db.numberMode(ctx)
	if err != nil {
		return err
	}
	key, proof := db.seals.Key()
	switch {
	case m.Mode == modeConverting:
		return fmt.Errorf("the phone numbers in the database are half converted: run %s again", convertCommand)
	case m.Mode == modePlain && db.seals.IsSealed():
		return fmt.Errorf("BACKSTOP_SEAL has numbers, and those in the database are plain: stop all processes and run %s",
			convertCommand)
	case m.Mode == modeSealed && !db.seals.IsSealed():
		return fmt.Errorf("the phone numbers in the database are encrypted with key %q: add numbers to BACKSTOP_SEAL, or stop "+
			"all processes and run %s to decrypt them", m.Key, convertCommand)
	case m.Mode == modeSealed && m.Proof != proof:
		return fmt.Errorf("the phone numbers in the database are encrypted with key %q, and the first of BACKSTOP_NUMBER_KEY is "+
			"%q, another one", m.Key, key)
	}
	return nil
}

// refuseEnds returns why numbers cannot be searched by their last digits.
func (db *DB) refuseEnds(field string, ends ...string) error {
	if strings.Join(ends, "") == "" || !db.seals.IsSealed() {
		return nil
	}
	const reason = "must be a whole phone number, like +447400123456: numbers are encrypted, so some of their digits find nothing"
	return &backstop.Error{
		Code: backstop.Invalid, Message: "phone numbers are encrypted",
		Fields: []backstop.Field{backstop.NewField(field, backstop.FieldWholeNumber, reason)},
	}
}
