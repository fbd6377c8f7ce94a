package pool

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/backstophq/backstop"
)

// SetActor returns the expression that names the actor of a change to the triggers of the audit, until the end of the
// transaction. The parameter has the text that ActorText returns. A trigger that runs after a statement knows the actor too if
// the statement itself has this expression.
func SetActor(param string) string { return `set_config('backstop.actor', ` + param + `, true)` }

// ActorText returns the actor of a context as JSON, or an empty text for the system.
func ActorText(ctx context.Context) (string, error) {
	actor := backstop.ActorOf(ctx)
	if actor.Kind == backstop.ActorSystem {
		return "", nil
	}
	text, err := json.Marshal(map[string]string{
		"kind": string(actor.Kind), "id": Clean(actor.ID), "name": Clean(actor.Name), "from": Clean(actor.From),
	})
	if err != nil {
		return "", fmt.Errorf("write actor: %w", err)
	}
	return string(text), nil
}

var setActor = `SELECT ` + SetActor("$1")

// nameActor names the actor of the context to the triggers of the audit. It costs a round trip, in requests that have an actor.
func nameActor(ctx context.Context, tx *sqlx.Tx) error {
	actor, err := ActorText(ctx)
	if err != nil || actor == "" {
		return err
	}
	return Execute(ctx, tx, setActor, actor)
}

// Change runs a statement that returns a row, in a transaction of its own and by the actor of the context. Without a row it fails
// with sql.ErrNoRows.
func (p *Pool) Change(ctx context.Context, dest any, statement string, args ...any) error {
	return p.runTx(ctx, func(tx *sqlx.Tx) error {
		if err := tx.GetContext(ctx, dest, statement, args...); err != nil {
			return fmt.Errorf("change: %w", err)
		}
		return nil
	})
}
