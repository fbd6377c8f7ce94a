package backstop_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// TestLedger_unreadable: no call begins for a send whose content cannot be read. All else goes on.
func TestLedger_unreadable(t *testing.T) {
	t.Parallel()
	d := newDesk(t, rule(backstop.SendFailed, 0))
	d.call(whatsApp(), nil)
	d.l.Send.Unreadable = `key "k1" is missing`
	d.receive(whatsApp(), failed)
	require.Equal(t, backstop.Failed, d.l.Send.Status.WhatsApp)
	before := d.l.Clone()
	_, err := d.l.Begin(smsOf(0), d.tick())
	require.ErrorContains(t, err, `its content cannot be read: key "k1" is missing`)
	require.Equal(t, before.Attempts, d.l.Attempts)

	d.l.Send.Unreadable = ""
	ruling, err := d.l.Begin(smsOf(0), d.tick())
	require.NoError(t, err)
	require.Equal(t, backstop.MayCall, ruling.Answer, "the key is back")
}
