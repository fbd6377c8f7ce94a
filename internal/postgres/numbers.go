package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

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

// NumberModeError says that this process must not serve, or must not convert the numbers.
type NumberModeError string

// Error says what to do.
func (e NumberModeError) Error() string { return string(e) }

// CheckNumbers returns a NumberModeError unless this process seals numbers as the database has them: all of them, or none, with
// the same key.
func (db *DB) CheckNumbers(ctx context.Context) error {
	m, err := db.numberMode(ctx)
	if err != nil {
		return err
	}
	return db.fitsMode(m)
}

func (db *DB) fitsMode(m numberMode) error {
	key, proof := db.seals.Key()
	switch {
	case m.Mode == modeConverting:
		return NumberModeError("the phone numbers in the database are half converted: run " + convertCommand + " again")
	case m.Mode == modePlain && db.seals.IsSealed():
		return NumberModeError("BACKSTOP_SEAL has numbers, and those in the database are plain: stop all processes and run " +
			convertCommand)
	case m.Mode == modeSealed && !db.seals.IsSealed():
		return NumberModeError(fmt.Sprintf("the phone numbers in the database are encrypted with key %q: add numbers to "+
			"BACKSTOP_SEAL, or stop all processes and run %s to decrypt them", m.Key, convertCommand))
	case m.Mode == modeSealed && m.Proof != proof:
		return NumberModeError(fmt.Sprintf("the phone numbers in the database are encrypted with key %q, and the first of "+
			"BACKSTOP_NUMBER_KEY is %q, another one", m.Key, key))
	}
	return nil
}

// A process stores every ServingEvery that it serves. servingFor is for how long that counts, if the process dies.
const (
	ServingEvery = 5 * time.Second
	servingFor   = 20 * time.Second
)

const (
	// lockNumberMode waits for the beginning of a conversion, which waits for it.
	lockNumberMode = getNumberMode + ` FOR SHARE`
	storeServing   = `WITH gone AS (DELETE FROM serving WHERE seen_at < clock_timestamp() - interval '1 day')
INSERT INTO serving (process, seen_at) SELECT $1::uuid, clock_timestamp() WHERE $2::boolean
ON CONFLICT (process) DO UPDATE SET seen_at = excluded.seen_at`
	deleteServing = `DELETE FROM serving WHERE process = $1`
	countServing  = `SELECT count(*) FROM serving WHERE seen_at > clock_timestamp() - make_interval(secs => $1)`
)

// Serve stores that a process serves, so that the numbers are not converted meanwhile. It returns a NumberModeError as
// CheckNumbers does: the process must stop then.
func (db *DB) Serve(ctx context.Context, process string) error {
	var m numberMode
	err := db.pool.InTx(ctx, "store process", func(tx *sqlx.Tx) error {
		if err := tx.GetContext(ctx, &m, lockNumberMode); err != nil {
			return fmt.Errorf("read mode of numbers: %w", err)
		}
		return pool.Execute(ctx, tx, storeServing, process, db.fitsMode(m) == nil)
	})
	if err != nil {
		return err
	}
	return db.fitsMode(m)
}

// StopServing is the end of Serve.
func (db *DB) StopServing(ctx context.Context, process string) error {
	_, err := db.pool.Exec(ctx, deleteServing, process)
	return pool.Failed(ctx, "delete process", err)
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
